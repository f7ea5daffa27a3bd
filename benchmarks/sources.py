"""How fast and in how much memory documents are read. It takes the shared data.

    python benchmarks/sources.py [--runs N] [--text MB] [--size MB] [--parts LETTERS]

Prints one line a figure; seconds depend on what else the machine does, ratios less so.

a  JSON lines to a published table: `winnow run` of one stage over the corpus, written again and
   again up to `--text` MB, plain and gzipped. `stage` leaves out Python's and Spark's start, `wall`
   has it. Of a GB half of the time is Java's compilation and Delta's first jobs, once a session.
b  An archive through our reader, as records and as Arrow batches, against FastWARC's own loop over
   the same file, in turns.
c  `winnow run` over one plain archive of that size: the largest Python worker.
d  `winnow plan` and `winnow run` over 100,000 files: seconds, and memory of the driver.
"""

import argparse
import gzip
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import psutil
from fastwarc.warc import ArchiveIterator

from winnow.sources import warc
from winnow.sources.documents import list_files, with_defaults
from winnow.sources.partitions import Piece
from winnow.sources.reading import read_pieces
from winnow.sources.streams import InputStream

WINNOW = [sys.executable, "-m", "winnow.cli"]
SHARED = Path(os.environ.get("WINNOW_SHARED", "../shared"))
ARCHIVE = "data/web/warc_from_html/scrapinghub-00000.warc.gz"
PIPELINE = """
    name: {name}
    description: Documents for a benchmark
    parameters:
      input: {{description: Where the documents are}}
"""
DOCUMENTS = """
    CREATE OR REFRESH STREAMING TABLE documents AS
    SELECT * FROM STREAM read_documents(:input, max_rejects => 1.0)
"""


def main() -> None:
    """Measure the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--text", type=int, default=6000, help="MB of text of JSON lines")
    parser.add_argument("--size", type=int, default=1000, help="MB of an archive")
    parser.add_argument("--parts", default="abcd")
    options = parser.parse_args()
    parts: dict[str, Callable[[Path, int, int], Iterator[str]]] = {
        "a": jsonl, "b": archives, "c": worker_memory, "d": many_files,
    }  # fmt: skip
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for letter in options.parts:
        with tempfile.TemporaryDirectory() as folder:
            size = options.text if letter == "a" else options.size
            for line in parts[letter](Path(folder), size, options.runs):
                print(f"{letter}  {line}", flush=True)


def jsonl(folder: Path, size: int, runs: int) -> Iterator[str]:
    """Yield the speed of JSON lines, plain and gzipped."""
    for suffix in ("", ".gz"):
        source = folder / f"input{suffix}"
        written = corpus(source, size << 20, suffix)
        rates, whole = [], []
        for number in range(runs):
            began = time.perf_counter()
            result = run(folder, source, f"jsonl{number}{suffix.strip('.')}")
            whole.append(written / (time.perf_counter() - began) / 1e6)
            rates.append(written / result["stages"][0]["seconds"] / 1e6)
        yield (
            f"JSON lines{suffix}: {written / 1e6:,.0f} MB of text, stage {spread(rates)} MB/s, "
            f"wall {spread(whole)} MB/s"
        )


def corpus(folder: Path, size: int, suffix: str) -> int:
    """Write the corpus up to so many bytes of text, in 16 files; return the bytes."""
    folder.mkdir()
    opened = gzip.open if suffix else open
    files = [opened(folder / f"{n:02}.jsonl{suffix}", "wb") for n in range(16)]
    written = number = 0
    lines = list(_corpus_lines())
    while written < size:
        for line, length in lines:
            row = {**json.loads(line), "id": f"{number:09}"}
            files[number % 16].write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            number, written = number + 1, written + length
            if written >= size:
                break
    for file in files:
        file.close()
    return written


def _corpus_lines() -> Iterator[tuple[bytes, int]]:
    for path in sorted((SHARED / "data" / "corpus").glob("*.jsonl.gz")):
        with gzip.open(path) as file:
            for line in file:
                yield line, len(json.loads(line)["text"].encode())


def run(folder: Path, source: Path, name: str) -> dict:
    """Run a pipeline of one stage in a process; return what `--json` prints."""
    pipeline = folder / name
    pipeline.mkdir(exist_ok=True)
    (pipeline / "pipeline.yml").write_text(dedent(PIPELINE.format(name=name)))
    (pipeline / "10_documents.sql").write_text(dedent(DOCUMENTS))
    command = [*WINNOW, "run", str(pipeline), "--set", f"input={source}", "--json"]
    command += ["--warehouse", str(folder / f"warehouse-{name}")]
    done = subprocess.run(command, check=True, capture_output=True)
    return json.loads(done.stdout)


def archives(folder: Path, size: int, runs: int) -> Iterator[str]:
    """Yield the ratios of our reader to FastWARC's loop."""
    path = big_archive(folder, size)
    [file] = list_files({"path": str(path)})
    options = with_defaults({"path": str(path)})

    def alone() -> int:
        records = ArchiveIterator(str(path), auto_decode="all")
        return sum(len(record.reader.read()) for record in records)

    def records() -> int:
        with InputStream(file) as stream:
            return sum(1 for _ in warc.read(stream, file, options, 0, None))

    def batches() -> int:
        return sum(batch.num_rows for batch in read_pieces([Piece(file)], options, 1))

    times: dict[str, list[float]] = {}
    for _ in range(max(3, runs)):
        for ours in (alone, records, batches):
            began = time.perf_counter()
            ours()
            times.setdefault(ours.__name__, []).append(time.perf_counter() - began)
    for name in ("records", "batches"):
        ratios = [mine / its for mine, its in zip(times[name], times["alone"], strict=True)]
        yield f"archive of {size} MB as {name}: {spread(ratios)} of FastWARC's time"


def big_archive(folder: Path, size: int) -> Path:
    """Write the archive of the shared data again and again into one file of so many MB."""
    content = (SHARED / ARCHIVE).read_bytes()
    path = folder / "big.warc.gz"
    with path.open("wb") as file:
        while file.tell() < size << 20:
            file.write(content)
    return path


def worker_memory(folder: Path, size: int, runs: int) -> Iterator[str]:
    """Yield the largest resident set of a Python worker while one archive is read."""
    path = folder / "big.warc"
    content = gzip.decompress((SHARED / ARCHIVE).read_bytes())
    identifier = b"WARC-Record-ID: <urn:uuid:"
    with path.open("wb") as file:
        for copy in range(-(-(size << 20) // len(content))):  # no id twice
            file.write(content.replace(identifier, b"%s%04x-" % (identifier, copy)))
    began = time.perf_counter()
    with watched() as largest:
        result = run(folder, path, "archive")
    seconds = time.perf_counter() - began
    counts = result["stages"][0]["files"]
    yield (
        f"archive of {size} MB, {counts['records']:,} records in {seconds:.0f} s: the largest "
        f"worker took {largest['worker'] / 1e6:,.0f} MB"
    )


def many_files(folder: Path, size: int, runs: int) -> Iterator[str]:
    """Yield seconds and memory of a plan and of a run over 100,000 files."""
    source = folder / "many"
    for number in range(100_000):
        path = source / f"{number // 1000:03}" / f"{number:06}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'{{"text": "Document {number}."}}\n')
    command = [*WINNOW, "plan", "demo", "--set", f"input={source}"]
    command += ["--warehouse", str(folder / "warehouse")]
    seconds = []
    with watched() as largest:
        for _ in range(runs):
            began = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            seconds.append(time.perf_counter() - began)
    yield f"plan over 100,000 files: {spread(seconds)} s, {largest['driver'] / 1e6:,.0f} MB"
    with watched() as largest:
        result = run(folder, source, "many")
    yield (
        f"run over 100,000 files: {result['stages'][0]['seconds']:.0f} s; driver: Python "
        f"{largest['driver'] / 1e6:,.0f} MB, JVM {largest['jvm'] / 1e6:,.0f} MB"
    )


@contextmanager
def watched() -> Iterator[dict[str, int]]:
    """Give the largest resident set of processes below this one, in bytes.

    `worker` is a Python worker of Spark, `jvm` Spark's own process, `driver` any other.
    """
    largest = {"worker": 0, "jvm": 0, "driver": 0}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            for process in psutil.Process().children(recursive=True):
                try:
                    command = " ".join(process.cmdline())
                    # Not by name: a process that Java begins has a thread's name for a moment.
                    kind = "jvm" if command.split(" ")[0].endswith("java") else "driver"
                    kind = "worker" if "pyspark.daemon" in command else kind
                    largest[kind] = max(largest[kind], process.memory_info().rss)
                except psutil.Error:  # it has ended
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield largest
    finally:
        done.set()
        watcher.join()


def spread(values: list[float]) -> str:
    """Return the median with the smallest and the largest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    main()
