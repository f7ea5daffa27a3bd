"""Exact and near-duplicate removal beside datatrove and text-dedup; what size and skew cost.

    python benchmarks/duplicates.py [--documents 100000] [--parts LETTERS]

Documents are sentences of novels in the public domain, drawn anew for each document, in lower case
and letters alone, so that all tools see the same words; about 200 words each. Three in ten are of
a family of two, of which one is the other with so many words changed that the Jaccard similarity
of their runs of five words is 1, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6 or 0.5. A document that goes is
rightly gone if its family is of 0.8 or more. Every tool compares runs of five words by 14 bands of
8 values, reads the same JSON lines and uses two processes. A second is one of CPU time, of all
processes together; memory is the largest sum of theirs, in which what they share counts in each.

a  `winnow run deduplicate`, datatrove's four MinHash steps and text-dedup's minhash, the latter two
   in environments of their own that are made under benchmarks/.env-datatrove and .env-text-dedup.
b  `winnow run deduplicate` over 1, 4 and 16 times so many documents.
c  Skew: candidate_pairs over 1, 4 and 16 times a sixteenth of five times so many documents, of
   which two in five are pages of three templates with one or two words of their own; two executors
   of 2 GB with one core each, and a driver of 1 GB.
"""

import argparse
import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable
from usage import Usage, usage

from winnow.extensions import built_in
from winnow.operators.candidate_pairs import candidate_pairs
from winnow.session import build_session, register_functions

WINNOW = [sys.executable, "-m", "winnow.cli"]
SHARED = Path(os.environ.get("WINNOW_SHARED", "../shared"))
HERE = Path(__file__).parent
FILES = 16  # of JSON lines: tasks of datatrove
WORDS = 200  # of a document, or as many as its last sentence adds
STEPS = (100, 95, 90, 85, 80, 70, 60, 50)  # percent of similarity, at least
ALIKE = 80
IN_FAMILIES = 0.3

PACKAGES = {
    "datatrove": (
        "datatrove==0.10.1",
        "spacy==3.8.18",
        "tokenizers==0.23.3",
        "xxhash==3.8.2",
        "regex==2026.11.15",
        "orjson==3.13.0",
        "tldextract==5.4.0",
    ),
    "text-dedup": ("text-dedup==0.4.0", "datasets==5.2.0"),
}
DATATROVE = """
import sys
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers.jsonl import JsonlWriter
from datatrove.utils.hashing import HashConfig

source, folder, files = sys.argv[1], sys.argv[2], int(sys.argv[3])
config = MinhashConfig(
    n_grams=5, num_buckets=14, hashes_per_bucket=8, hash_config=HashConfig(precision=64)
)
steps = [
    ([JsonlReader(source), MinhashDedupSignature(f"{folder}/signatures", config)], files),
    ([MinhashDedupBuckets(f"{folder}/signatures", f"{folder}/buckets", config=config)], 14),
    ([MinhashDedupCluster(f"{folder}/buckets", f"{folder}/remove", config=config)], 1),
    (
        [
            JsonlReader(source),
            MinhashDedupFilter(f"{folder}/remove"),
            JsonlWriter(f"{folder}/kept", compression=None),
        ],
        files,
    ),
]
for number, (pipeline, tasks) in enumerate(steps):
    LocalPipelineExecutor(
        pipeline, tasks=tasks, workers=min(tasks, 2), logging_dir=f"{folder}/logs{number}"
    ).run()
"""
TEXT_DEDUP = (
    "--path json --split train --column text --batch_size 10000 --num_proc 2 --ngram 5 "
    "--num_perm 112 --b 14 --r 8 --min_length 5 --seed 1"
)

TEMPLATES = 3
VOCABULARY = [f"w{i}" for i in range(5000)]
PAGE = 150  # words
SKEW_SETTINGS = {
    "spark.driver.memory": "1g",
    "spark.executor.memory": "2g",
    "spark.sql.shuffle.partitions": "16",
}


def main() -> None:
    """Measure the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--parts", default="abc")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        skewed(options.child)
        return
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
    parts: dict[str, Callable[[int, Path], Iterator[str]]] = {"a": tools, "b": scale, "c": skew}
    for letter in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            for line in parts[letter](options.documents, Path(folder)):
                print(f"{letter}  {line}", flush=True)


def tools(documents: int, folder: Path) -> Iterator[str]:
    """Yield what each tool takes and what it finds."""
    planted = plant(documents, folder / "input")
    runs: dict[str, Callable[[Path, Path], set[str]]] = {
        "winnow": with_winnow,
        "datatrove": with_datatrove,
        "text-dedup": with_text_dedup,
    }
    for tool, run in runs.items():
        if tool in PACKAGES and not installed(tool):
            yield f"{tool} cannot be installed here"
            continue
        with usage() as used:
            kept = run(folder / "input", folder / tool)
        yield f"{tool}: {cost(documents, used)}; {findings(planted, kept)}"


def scale(documents: int, folder: Path) -> Iterator[str]:
    """Yield what Winnow takes for each size, and the ratio to the size before."""
    before = None
    for times in (1, 4, 16):
        source = folder / f"input{times}"
        plant(times * documents, source)
        with usage() as used:
            with_winnow(source, folder / f"winnow{times}")
        yield f"winnow: {cost(times * documents, used)}{grown(before, used)}"
        before = used


def skew(documents: int, folder: Path) -> Iterator[str]:
    """Yield what `candidate_pairs` takes for each size, in processes of their own."""
    before = None
    for times in (1, 4, 16):
        number = 5 * documents * times // 16
        command = [sys.executable, __file__, "--child", str(number)]
        with usage() as used:
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        yield f"candidate_pairs: {cost(number, used)}{grown(before, used)}; {done.stdout.strip()}"
        before = used


def cost(documents: int, used: Usage) -> str:
    return (
        f"{documents:,} documents, {documents / used.cpu_seconds:,.0f} a second, "
        f"{used.cpu_seconds:,.0f} s of CPU time in {used.seconds:,.0f} s, "
        f"at most {used.peak_bytes / 1e9:.1f} GB"
    )


def grown(before: Usage | None, now: Usage) -> str:
    if before is None:
        return ""
    clock, cpu = now.seconds / before.seconds, now.cpu_seconds / before.cpu_seconds
    return f", {clock:.2f} times the time before, {cpu:.2f} times the CPU time"


def findings(planted: Counter[int], kept: set[str]) -> str:
    """Return recall and precision: ids say which family a document is of, and its step."""
    left = Counter(id.rpartition("-")[0] for id in kept if id.count("-") == 2)
    both = Counter(int(family.rpartition("-")[2]) for family in left.elements())
    gone = {step: 2 * families - both[step] for step, families in planted.items()}
    right = sum(gone[step] for step in planted if step >= ALIKE)
    wanted = sum(families for step, families in planted.items() if step >= ALIKE)
    steps = ", ".join(f"{gone[step] / planted[step]:.3f} at {step / 100}" for step in STEPS)
    return (
        f"recall {right / wanted:.4f}, precision {right / sum(gone.values()):.4f}; of families "
        f"lost one: {steps}"
    )


def plant(documents: int, folder: Path) -> Counter[int]:
    """Write so many documents as JSON lines; return how many families there are of each step."""
    numbers = random.Random(1)
    sentences = list(novel_sentences())
    vocabulary = sorted({word for sentence in sentences for word in sentence})
    planted: Counter[int] = Counter()
    folder.mkdir(parents=True)
    files = [(folder / f"{i:02}.jsonl").open("w") for i in range(FILES)]
    written = 0
    while written < documents:
        words: list[str] = []
        while len(words) < WORDS:
            words += numbers.choice(sentences)
        members = {f"{written:08}": words}
        if numbers.random() < IN_FAMILIES / (2 - IN_FAMILIES) and written + 2 <= documents:
            step = STEPS[sum(planted.values()) % len(STEPS)]
            planted[step] += 1
            name = f"{written:08}-{step}"
            members = {f"{name}-0": words, f"{name}-1": edited(words, step, vocabulary, numbers)}
        for id, text in members.items():
            row = {"id": id, "text": " ".join(text)}
            files[numbers.randrange(FILES)].write(json.dumps(row) + "\n")
        written += len(members)
    for file in files:
        file.close()
    return planted


def edited(words: list[str], step: int, vocabulary: list[str], numbers: random.Random) -> list[str]:
    """Return the words with some of them changed: as many as leave that much similarity.

    A changed word changes the five runs that it is in, so k of n runs' words, far enough from each
    other, leave a similarity of (n - 5k) / (n + 5k).
    """
    runs = len(words) - 4
    changes = int(runs * (100 - step) / (5 * (100 + step)))
    changed = list(words)
    for place in numbers.sample(range(4, runs, 5), changes):
        changed[place] = numbers.choice(vocabulary)
    return changed


def novel_sentences() -> Iterator[list[str]]:
    """Yield the words of sentences of 5 to 40 words."""
    with gzip.open(SHARED / "data" / "corpus" / "novels_en.jsonl.gz") as file:
        for row in map(json.loads, file):
            for sentence in re.split(r"[.!?]", row["text"].lower()):
                words = re.findall("[a-z]+", sentence)
                if 5 <= len(words) <= 40:
                    yield words


def with_winnow(source: Path, folder: Path) -> set[str]:
    """Return the ids that stay."""
    command = [*WINNOW, "run", "deduplicate", "--set", f"input={source}", "--master", "local[2]"]
    done = subprocess.run([*command, "--warehouse", str(folder), "--json"], stdout=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(done.stdout.decode())
    rows = DeltaTable(folder / "deduplicate" / "near_duplicates").to_pyarrow_table(
        columns=["id"], filters=[("_dropped", "=", False)]
    )
    return set(rows["id"].to_pylist())


def with_datatrove(source: Path, folder: Path) -> set[str]:
    """Return the ids that stay."""
    python = HERE / ".env-datatrove" / "bin" / "python"
    arguments = [str(source), str(folder), str(FILES)]
    subprocess.run([python, "-c", DATATROVE, *arguments], check=True, capture_output=True)
    return {
        json.loads(line)["id"]
        for path in (folder / "kept").glob("*.jsonl")
        for line in path.open("rb")
    }


def with_text_dedup(source: Path, folder: Path) -> set[str]:
    """Return the ids that stay."""
    python = HERE / ".env-text-dedup" / "bin" / "python"
    command = [
        python,
        "-m",
        "text_dedup.minhash",
        *TEXT_DEDUP.split(),
        "--data_files",
        f"{source}/*.jsonl",
    ]
    subprocess.run(
        [*command, "--output", str(folder / "kept"), "--cache_dir", str(folder / "cache")],
        check=True,
        capture_output=True,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder / "home")},
    )
    return {
        id
        for path in (folder / "kept").glob("data-*.arrow")
        for id in pa.ipc.open_stream(path).read_all()["id"].to_pylist()
    }


def installed(tool: str) -> bool:
    """Make the tool's environment where there is none; return whether it is complete."""
    folder = HERE / f".env-{tool}"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [python, "-m", "pip", "install", "--quiet", *PACKAGES[tool]]
    return not subprocess.run(install, check=False).returncode


def skewed(documents: int) -> None:
    """Find the pairs among so many pages and print how many there are."""
    spark = build_session("local-cluster[2,1,2048]", settings=SKEW_SETTINGS)
    register_functions(spark, built_in().values())
    with tempfile.TemporaryDirectory() as folder:
        pages = spark.range(documents, numPartitions=16).rdd.map(lambda row: page(row[0]))
        pages.toDF("id STRING, text STRING").write.parquet(f"{folder}/pages")
        texts = spark.read.parquet(f"{folder}/pages")
        bands = texts.selectExpr(
            "id",
            "id AS rank",
            "id AS words_hash",
            "minhash_bands(text) AS bands",
            "false AS is_reference",
        )
        bands.write.parquet(f"{folder}/bands")
        bands = spark.read.parquet(f"{folder}/bands")
        none = spark.sql("SELECT '' AS id_a, '' AS id_b, 0D AS similarity WHERE false")
        candidate_pairs(bands.select("id"), bands, texts, none).write.parquet(f"{folder}/pairs")
        pairs = spark.read.parquet(f"{folder}/pairs")
        print(f"{pairs.count():,} pairs, {pairs.where('id_b IS NULL').count():,} not placed")
    spark.stop()


def page(number: int) -> tuple[str, str]:
    """Return the id and text of a page; two in five are of a template."""
    numbers = random.Random(number)
    if number % 5 < 2:
        template = random.Random(number % TEMPLATES)
        words = [template.choice(VOCABULARY) for _ in range(PAGE)]
        for _ in range(1 + number % 2):
            words[numbers.randrange(PAGE)] = f"u{numbers.randrange(10**9)}"
    else:
        words = [numbers.choice(VOCABULARY) for _ in range(PAGE)]
    return f"{number:08}", " ".join(words)


if __name__ == "__main__":
    main()
