"""How good learned scores are, and what they cost. It takes the shared data.

    python benchmarks/models.py [--size MB] [--parts LETTERS]

a  AUC of each algorithm on labelled texts: trained on one part, measured on the other. Texts of
   sources, articles or templates that were seen in training are never in the other part.
b  fastText scores of one core over the corpus: the library's own loop, and a stage in Spark; with a
   second model, and how often a model reached a worker; the other kinds beside it. A second is one
   of CPU time.
c  The pipeline `targeted` with questions of science as the target: what of the best passages the
   first step by ratio leaves, and the share of each source among the best tenth of all tokens,
   beside its share of all (`winnow run targeted`; minutes).
"""

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from signals import WINNOW, english, rate
from sklearn.metrics import roc_auc_score
from usage import usage

from winnow.operators.train_classifier import train_classifier
from winnow.session import build_session, register_functions
from winnow.udfs.classifiers import LINEAR, NGRAM_RATIO, hashed_bytes, load_classifier
from winnow.udfs.hashed_ngrams import BUCKETS
from winnow.udfs.hashing import unit_of
from winnow.udfs.passages import passages
from winnow.udfs.quality import quality
from winnow.udfs.registry import declaration_of

DATA = Path(os.environ.get("WINNOW_SHARED", "../shared")) / "data"
ALGORITHMS = {
    "fasttext": {},
    "fasttext, 25 epochs": {"epochs": 25},
    "linear": {},
    "ngram_ratio": {},
}
SCIENCE = ("arc_easy.train", "arc_challenge.train", "openbookqa.train", "arc_easy.test")
SCIENCE += ("arc_challenge.test", "openbookqa.test")
# Which share of the best passages by score a first step by ratio would leave.
BOTH_STEPS = """
    SELECT top, ranked, avg((by_ratio < ranked)::INT) AS kept
    FROM (
        SELECT
            percent_rank() OVER (ORDER BY score DESC) AS by_score,
            percent_rank() OVER (ORDER BY ratio DESC) AS by_ratio
        FROM targeted.scores
        WHERE score IS NOT NULL
    )
    CROSS JOIN (VALUES (0.05), (0.1), (0.2)) AS tops(top)
    CROSS JOIN (VALUES (0.3), (0.5), (0.7)) AS shares(ranked)
    WHERE by_score < top
    GROUP BY ALL
    ORDER BY ALL
"""
TURNS = 3  # of a query that has run before; their median is told
PER_SOURCE = 200  # documents of each source for part c


@dataclass(frozen=True)
class Task:
    """Texts with labels; what shares a group is either learned from or measured on."""

    name: str
    rows: list[tuple[str, bool]]  # text, is positive
    learned: list[bool]


def main() -> None:
    """Measure the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=100, help="MB of text for part b")
    parser.add_argument("--parts", default="abc")
    options = parser.parse_args()
    parts: dict[str, Callable[[int], Iterator[str]]] = {"a": labelled, "b": speed, "c": target}
    for letter in options.parts:
        for line in parts[letter](options.size * 1_000_000):
            print(f"{letter}  {line}", flush=True)


def rows_of(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path) as file:
        return [json.loads(line) for line in file]


# -- a: how good -------------------------------------------------------------------------------


def tasks() -> Iterator[Task]:
    quality_folder = DATA / "labelled" / "quality"
    rows = rows_of(quality_folder / "dclm_human_quality_dev.jsonl.gz")
    yield grouped("web pages that people would keep (DCLM)", rows, lambda row: row["label"] == 1)
    rows = rows_of(quality_folder / "onestop_readability_dev.jsonl.gz")
    rows = [row for row in rows if row["level"] != "int"]
    yield grouped("advanced against elementary (OneStop)", rows,
                  lambda row: row["level"] == "adv", "article", 0.6)  # fmt: skip
    rows = rows_of(quality_folder / "sms_spam.jsonl.gz")
    yield grouped("messages against spam (SMS)", rows, lambda row: row["label"] == "ham")
    rows = rows_of(DATA / "labelled" / "toxicity" / "hatecheck.jsonl.gz")
    yield grouped("not hateful (HateCheck), other templates", rows,
                  lambda row: row["label"] != "hateful", "functionality")  # fmt: skip
    yield grouped("not hateful (HateCheck), same templates", rows,
                  lambda row: row["label"] != "hateful")  # fmt: skip
    good = (("wiki_en_2015", "rust_book"), ("wikitext2_valid_test", "plos", "opensource_guide"))
    bad = (("irc_ubuntu", "noise_machine_data"), ("spamassassin", "thealgorithms_misc"))
    yield of_sources("books and articles against logs and machine text", good, bad)
    yield of_sources("the same, the other way round", good[::-1], bad[::-1])
    good = (("peps", "rust_rfcs"), ("eips", "18f_blog"))
    bad = (("novels_en", "movie_reviews"), ("us_inaugural", "shakespeare_xml", "pros_cons"))
    yield of_sources("technical prose against other prose", good, bad)


def grouped(
    name: str,
    rows: Iterable[Mapping[str, Any]],
    is_positive: Callable[[Mapping[str, Any]], bool],
    group: str = "id",
    share: float = 0.5,
) -> Task:
    rows = list(rows)
    learned = [unit_of(f"learn {row[group]}") < share for row in rows]
    return Task(name, [(row["text"], is_positive(row)) for row in rows], learned)


def of_sources(
    name: str,
    good: tuple[tuple[str, ...], tuple[str, ...]],
    bad: tuple[tuple[str, ...], tuple[str, ...]],
    each: int = 300,
) -> Task:
    """First passages of documents of some sources to learn from, of others to measure on."""
    rows, learned = [], []
    for sides, is_positive in ((good, True), (bad, False)):
        for sources, is_learned in zip(sides, (True, False), strict=True):
            for source in sources:
                found = rows_of(DATA / "corpus" / f"{source}.jsonl.gz")
                found = sorted(found, key=lambda row: unit_of(row["id"]))[:each]
                for row in found:
                    [parts] = passages(pa.array([row["text"]])).to_pylist()
                    if parts and parts[0]["text"].strip():
                        rows.append((parts[0]["text"], is_positive))
                        learned.append(is_learned)
    return Task(name, rows, learned)


def labelled(size: int) -> Iterator[str]:
    """Yield the AUC of each algorithm on each task."""
    spark = build_session("local[1]")
    yield f"{'task':52}{'learned':>9}{'measured':>9}" + "".join(f"{a:>21}" for a in ALGORITHMS)
    for task in tasks():
        rows = [
            (str(i), text, "positive" if good else "negative")
            for i, ((text, good), learns) in enumerate(zip(task.rows, task.learned, strict=True))
            if learns
        ]
        frame = spark.createDataFrame(rows, "id STRING, text STRING, label STRING")
        others = [row for row, learns in zip(task.rows, task.learned, strict=True) if not learns]
        text, truth = pa.array([text for text, _ in others]), [good for _, good in others]
        found = []
        for name, options in ALGORITHMS.items():
            algorithm = name.split(",")[0]
            model = train_classifier(frame, algorithm, held_back=0.1, **options).collect()[0]
            with tempfile.NamedTemporaryFile() as file:
                file.write(model.content)
                file.flush()
                load_classifier.cache_clear()
                scores = quality(text, model=file.name).fill_null(0).to_numpy()
            found.append(roc_auc_score(truth, scores))
        numbers = "".join(f"{auc:>21.3f}" for auc in found)
        yield f"{task.name:52}{len(rows):>9,}{len(others):>9,}{numbers}"
    spark.stop()


# -- b: how fast -------------------------------------------------------------------------------


def speed(size: int) -> Iterator[str]:
    """Yield the speed of fastText's own loop and of a stage that scores with it."""
    from fasttext import load_model, train_supervised

    texts = english(size)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{name}.bin")) for name in "ab"]
        examples = Path(folder, "examples")
        draw = random.Random(3)
        lines = (" ".join(text.split()) for text in draw.sample(texts, 2000))
        labels = ("__label__positive", "__label__negative")
        examples.write_text("".join(f"{labels[i % 2]} {line}\n" for i, line in enumerate(lines)))
        for seed, path in enumerate(paths):
            model = train_supervised(
                str(examples), wordNgrams=2, bucket=200_000, thread=1, seed=seed, verbose=0
            )
            model.save_model(path)
        model = load_model(paths[0])

        def loop() -> float:
            began = time.process_time()
            for text in texts:
                model.predict(text.replace("\n", " "), k=2)
            return time.process_time() - began

        own = loop()
        yield f"the library's own loop: {rate(texts, own)}"
        batches = [pa.array(texts[i : i + 1000]) for i in range(0, len(texts), 1000)]
        for when in ("first", "again"):
            began = time.process_time()
            for batch in batches:
                quality(batch, model=paths[0])
            spent = time.process_time() - began
            yield f"quality on Arrow batches, {when}: {rate(texts, spent)}, {own / spent:.0%}"
        weights = np.random.default_rng(3).normal(size=BUCKETS)
        for kind in (LINEAR, NGRAM_RATIO):
            path = Path(folder, kind)
            path.write_bytes(hashed_bytes(kind, weights, 0.0))
            for when in ("first", "again"):
                began = time.process_time()
                for batch in batches:
                    quality(batch, model=str(path))
                spent = time.process_time() - began
                yield f"{kind} on Arrow batches, {when}: {rate(texts, spent)}, {own / spent:.0%}"
        yield from _in_spark(texts, paths, loop, folder)


def _in_spark(
    texts: list[str], paths: list[str], loop: Callable[[], float], folder: str
) -> Iterator[str]:
    write_deltalake(f"{folder}/documents", pa.table({"text": texts}))
    spark = build_session("local[1]")
    declared = declaration_of(quality)
    register_functions(spark, [declared] if declared else [])
    spark.read.format("delta").load(f"{folder}/documents").createOrReplaceTempView("documents")
    one = f"SELECT sum(quality(text, '{paths[0]}')) FROM documents"
    two = one.replace("FROM", f", sum(quality(text, '{paths[1]}')) FROM")
    seconds = {}
    for name, query in (("length", "SELECT sum(length(text)) FROM documents"),
                        ("one model", one), ("two models", two)):  # fmt: skip
        turns = []
        for _ in range(1 + TURNS):  # side by side: the machine's speed changes
            own = loop()
            with usage() as spent:
                spark.sql(query).collect()
            turns.append((own / spent.cpu_seconds, spent.cpu_seconds))
        first, again = turns[0], sorted(turns[1:])[TURNS // 2]
        seconds[name] = again[1]
        for when, (share, spent_seconds) in (("first", first), ("again", again)):
            yield f"{name} in Spark, {when}: {rate(texts, spent_seconds)}, {share:.0%} of the loop"
    more = seconds["two models"] - seconds["one model"]
    yield f"the second model costs {more / seconds['one model']:.0%} of the first with its reading"
    plan = spark.sql(two)._jdf.queryExecution().executedPlan().toString()
    yield f"trips of the text to Python with two models: {plan.count('+- ArrowEvalPython')}"
    spark.stop()


# -- c: what a target pulls up -----------------------------------------------------------------


def target(size: int) -> Iterator[str]:
    """Yield the sources that a target of science questions prefers, by winnow run targeted."""
    with tempfile.TemporaryDirectory() as folder:
        inputs, targets = Path(folder, "input"), Path(folder, "targets")
        inputs.mkdir(), targets.mkdir()
        for name in SCIENCE:
            (targets / f"{name}.jsonl.gz").symlink_to(DATA / "targets" / f"{name}.jsonl.gz")
        for path in sorted((DATA / "corpus").glob("*.jsonl.gz")):
            rows = [row for row in rows_of(path) if row.get("lang") == "en"]
            rows.sort(key=lambda row: unit_of(row["id"]))
            if rows:
                with (inputs / path.name.removesuffix(".gz")).open("w") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows[:PER_SOURCE])
        for algorithm in ("fasttext", "linear"):
            yield from _targeted(inputs, targets, Path(folder, "warehouse"), algorithm)


def _targeted(inputs: Path, targets: Path, warehouse: Path, algorithm: str) -> Iterator[str]:
    place = ["--warehouse", str(warehouse)]
    tokens = 0
    for ranked_share in (1, 0.5):  # first all, to know what a tenth is and what half leaves out
        budget = tokens // 10 or 10**12
        settings = {"input": inputs, "targets": targets, "language": "en", "algorithm": algorithm,
                    "token_budget": budget, "general_share": 0,
                    "ranked_share": ranked_share}  # fmt: skip
        sets = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        began = time.monotonic()
        subprocess.run([*WINNOW, "run", "targeted", *sets, *place], check=True,
                       stdout=subprocess.DEVNULL, stderr=sys.stderr)  # fmt: skip
        seconds = time.monotonic() - began
        yield f"{algorithm}: a run with a budget of {budget:,} took {seconds:.0f} s"
        [total] = _sql(place, "SELECT sum(tokens) AS tokens FROM targeted.candidates")
        tokens = int(total["tokens"])
        if ranked_share == 1:
            for row in _sql(place, BOTH_STEPS):
                yield f"{algorithm}: of the best {row['top']:.0%} by score, among the best " + (
                    f"{row['ranked']:.0%} by the ratio of n-grams: {row['kept']:.1%}"
                )
    [model] = _sql(place, "SELECT auc, examples, held_back FROM targeted.target_model")
    yield f"{algorithm}: AUC {model['auc']:.3f} of {model['held_back']} held back"
    passages_by = _sql(place, """
        SELECT c.source, count(*) AS passages, count(k.id) AS chosen
        FROM targeted.candidates c LEFT JOIN targeted.chosen k ON k.id = c.id GROUP BY c.source
    """)  # fmt: skip
    documents = _sql(place, """
        SELECT source, max(score) AS score FROM targeted.candidates
        GROUP BY document_id, source ORDER BY score DESC, document_id
    """)  # fmt: skip
    top = Counter(row["source"] for row in documents[: len(documents) // 10])
    base = Counter(row["source"] for row in documents)
    by_passage = {row["source"]: row for row in passages_by}
    chosen = sum(row["chosen"] for row in passages_by)
    whole = sum(row["passages"] for row in passages_by)
    yield f"{algorithm}: {'source':24} documents   top 10 %  passages   top 10 %"
    for source, count in base.most_common():
        row = by_passage[source]
        yield (
            f"{algorithm}: {source:24} {count / len(documents):9.1%} "
            f"{top[source] / max(1, sum(top.values())):9.1%} {row['passages'] / whole:9.1%} "
            f"{row['chosen'] / max(1, chosen):9.1%}"
        )
    for row in _sql(place, """
        SELECT dimension, value, share_before, share_after, factor FROM targeted.mixture
        ORDER BY dimension, share_before DESC
    """):  # fmt: skip
        yield f"{algorithm}: mixture {row}"


def _sql(place: list[str], query: str) -> list[dict[str, Any]]:
    command = [*WINNOW, "sql", query, "--format", "json", *place]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
