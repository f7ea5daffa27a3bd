"""How fast and in how much memory texts are measured, beside datatrove. It takes the shared data.

    python benchmarks/signals.py [--size MB] [--parts LETTERS]

Everything runs over the English part of the corpus in one order that a seed shuffles. MB are of
text; a second is one of CPU time, of all processes together, so that other work on the machine
matters little.

a  The column functions on Arrow batches, one after the other: the first time, when chunks are new
   to the tokeniser, and again.
b  A Spark session that reads a Delta table and measures it with text_signals and
   repetition_signals.
c  `winnow run fineweb --select filtered` from JSON lines to the audited table, with and without
   what a run over 300 documents takes.
d  datatrove's filters of FineWeb in one process, in an environment of its own that is made under
   benchmarks/.env-datatrove. Where it cannot be installed the figure of the shared oracles is
   printed as such.
e  The largest resident set of a process that measures one text of 100 MB.
"""

import argparse
import gzip
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake
from usage import usage

from winnow.session import build_session, register_functions
from winnow.udfs.c4_clean import c4_clean
from winnow.udfs.datatrove_fineweb import datatrove_fineweb
from winnow.udfs.datatrove_lines import datatrove_lines
from winnow.udfs.datatrove_quality import datatrove_quality
from winnow.udfs.datatrove_repetition import datatrove_repetition
from winnow.udfs.registry import declaration_of
from winnow.udfs.repetition_signals import repetition_signals
from winnow.udfs.text_signals import text_signals

WINNOW = [sys.executable, "-m", "winnow.cli"]
SHARED = Path(os.environ.get("WINNOW_SHARED", "../shared"))
DATATROVE = Path(__file__).parent / ".env-datatrove"
PACKAGES = ("datatrove==0.10.1", "spacy==3.8.18", "tldextract==5.4.0", "regex==2026.11.15")
BATCH = 10_000  # rows, as Spark sends them
FUNCTIONS = (
    text_signals,
    repetition_signals,
    datatrove_quality,
    datatrove_repetition,
    datatrove_lines,
    c4_clean,
    datatrove_fineweb,
)

SIGNALS = """
    SELECT sum(hash(text_signals(text))), sum(hash(repetition_signals(text))) FROM documents
"""
FILTERS = """
import json, sys, time
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter,
)

filters = [
    GopherRepetitionFilter(),
    GopherQualityFilter(),
    C4QualityFilter(filter_no_terminal_punct=False),
    FineWebQualityFilter(),
]
documents = [Document(text=json.loads(line)["text"], id=str(i)) for i, line in enumerate(sys.stdin)]
for each in filters:
    each.filter(Document(text="A first text.", id="first"))  # loads the tokeniser
began = time.process_time()
kept = sum(all(each.filter(document) is True for each in filters) for document in documents)
print(time.process_time() - began, kept)
"""


def main() -> None:
    """Measure the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--size", type=int, default=100, help="MB of text")
    parser.add_argument("--parts", default="abcde")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(peak_of(options.child))
        return
    parts: dict[str, Callable[[list[str], Path], Iterator[str]]] = {
        "a": kernels, "b": spark_stage, "c": pipeline, "d": datatrove, "e": memory,
    }  # fmt: skip
    texts = english(options.size * 1_000_000)
    print(f"{len(texts):,} documents, {size_of(texts) / 1e6:,.0f} MB; ", end="")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for letter in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            for line in parts[letter](texts, Path(folder)):
                print(f"{letter}  {line}", flush=True)


def english(size: int) -> list[str]:
    """Return the English texts of the corpus in an order of their own, up to so many bytes.

    They come again and again where the corpus is smaller.
    """
    texts: list[str] = []
    for path in sorted((SHARED / "data" / "corpus").glob("*.jsonl.gz")):
        with gzip.open(path) as file:
            rows = (json.loads(line) for line in file)
            texts += [row["text"] for row in rows if row.get("lang") == "en"]
    random.Random(1).shuffle(texts)
    return first_of(texts * math.ceil(size / size_of(texts)), size)


def first_of(texts: list[str], size: int) -> list[str]:
    """Return the first texts, up to so many bytes."""
    total = 0
    for number, text in enumerate(texts):
        total += len(text.encode())
        if total >= size:
            return texts[: number + 1]
    return texts


def size_of(texts: list[str]) -> int:
    return sum(len(text.encode()) for text in texts)


def rate(texts: list[str], seconds: float) -> str:
    return f"{size_of(texts) / seconds / 1e6:.3g} MB/s, {len(texts) / seconds:,.0f} documents/s"


def kernels(texts: list[str], folder: Path) -> Iterator[str]:
    """Yield the speed of each column function."""
    batches = [pa.array(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)]
    for function in FUNCTIONS:
        for when in ("first", "again"):
            began = time.process_time()
            for batch in batches:
                function(batch)
            yield f"{function.__name__}, {when}: {rate(texts, time.process_time() - began)}"


def spark_stage(texts: list[str], folder: Path) -> Iterator[str]:
    """Yield the speed of both functions of our own over a Delta table."""
    write_deltalake(folder / "documents", pa.table({"text": texts}))
    spark = build_session("local[1]")
    declared = map(declaration_of, (text_signals, repetition_signals))
    register_functions(spark, [each for each in declared if each])
    spark.read.format("delta").load(str(folder / "documents")).createOrReplaceTempView("documents")
    for when in ("first", "again"):
        with usage() as used:
            spark.sql(SIGNALS).collect()
        speed = rate(texts, used.cpu_seconds)
        yield f"text_signals and repetition_signals in Spark, {when}: {speed}"
    spark.stop()


def pipeline(texts: list[str], folder: Path) -> Iterator[str]:
    """Yield the speed of a run of `fineweb`."""
    seconds = []
    for name, part in (("few", texts[:300]), ("all", texts)):
        source = folder / f"{name}.jsonl"
        with source.open("w") as file:
            file.writelines(
                json.dumps({"id": str(i), "text": text}) + "\n" for i, text in enumerate(part)
            )
        command = [*WINNOW, "run", "fineweb", "--select", "filtered", "--json"]
        command += ["--set", f"input={source}"]
        with usage() as used:
            subprocess.run(
                [*command, "--warehouse", str(folder / name)], check=True, stdout=subprocess.DEVNULL
            )
        seconds.append(used.cpu_seconds)
    few, whole = seconds
    yield f"winnow run fineweb: {rate(texts, whole)}"
    yield f"winnow run fineweb without its start of {few:.0f} s: {rate(texts, whole - few)}"


def datatrove(texts: list[str], folder: Path) -> Iterator[str]:
    """Yield the speed of datatrove, over 3 MB of the texts."""
    python = DATATROVE / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(DATATROVE)], check=True)
    installed = subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=False)
    if installed.returncode:
        yield "datatrove cannot be installed here; data/oracles/README.md says 0.34 MB/s"
        return
    part = first_of(texts, 3_000_000)
    rows = "".join(json.dumps({"text": text}) + "\n" for text in part)
    done = subprocess.run(
        [python, "-c", FILTERS], input=rows, check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, kept = done.stdout.split()[-2:]
    yield f"datatrove, {int(kept)} of {len(part):,} kept: {rate(part, float(seconds))}"


def memory(texts: list[str], folder: Path) -> Iterator[str]:
    """Yield the largest resident set of a process that measures one text of 100 MB."""
    for function in FUNCTIONS:
        command = [sys.executable, __file__, "--child", function.__name__]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        yield f"{function.__name__} of 100 MB: {int(done.stdout) / 1000:,.0f} MB"


def peak_of(name: str) -> int:
    """Return the largest resident set of this process in kB during one call, with its column.

    Linux alone can forget what was the largest before (proc(5), clear_refs).
    """
    with gzip.open(SHARED / "data" / "corpus" / "novels_en.jsonl.gz") as file:
        part = "\n".join(json.loads(line)["text"] for line in islice(file, 800))
    column = pa.array([(part * 6)[:100_000_000]], pa.large_string())
    del part
    Path("/proc/self/clear_refs").write_text("5")
    {function.__name__: function for function in FUNCTIONS}[name](column)
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


if __name__ == "__main__":
    main()
