"""How long questions take on a synthetic warehouse of a million documents.

    python benchmarks/explore.py [--documents N] [--folder WAREHOUSE] [--runs N]

Writes a warehouse with delta-rs, as runs of `demo` and `deduplicate` would have left it: texts of
about 1.6 kB, of which rules dropped a third, two versions of `filtered` (the second with another
word_count), pairs of a third of the documents. An existing --folder is asked again. Each command is
a process of its own; what-if tells besides how much of it was not the start of Spark. The median of
the runs is printed, with the goal where there is one.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import WriterProperties, write_deltalake

from winnow.engine.registry import Input, Registry, Version
from winnow.engine.warehouse import Warehouse
from winnow.pipeline.load import load_pipeline

BATCH, GROUP = 100_000, 50_000  # rows of one write, and of a row group
TEXTS, WORDS = 5_000, 5_000  # different texts, and different words in them
SIGNALS = """
    words word_chars hashes ellipses bullet_lines lines ellipsis_lines alphabetic_words stop_words
    duplicate_lines ended_lines short_lines lorem_ipsum replacement_chars chars curly_brackets
"""
RULES = {
    "word_count": ("words BETWEEN 60 AND 100000", "drop"),
    "stop_words": ("stop_words >= 2", "drop"),
    "ended_lines": ("ended_lines >= 0.12 * lines", "drop"),
    "no_code": ("curly_brackets = 0", "record"),
}
QUESTIONS: dict[str, tuple[list[str], float | None]] = {
    "explain ID": (["explain", "doc-{:010}"], 2.0),
    "explain --url": (["explain", "--url", "https://example.org/{}"], None),
    "explain --match": (["explain", "--match", "number {}."], None),
    "diff": (["diff", "demo.filtered", "1", "2"], None),
    "tables": (["tables"], None),
    "versions --document": (["versions", "demo.filtered", "--document", "doc-{:010}"], None),
    "sql, sources by rule": (
        [
            "sql",
            "SELECT source, rule, count(*) FROM (SELECT source, unnest(_failed_rules) AS rule "
            "FROM demo.filtered_dropped) GROUP BY ALL",
        ],
        None,
    ),
    "report": (["report", "demo", "--out", "{page}"], 60.0),
    "what-if --rule": (["what-if", "demo.filtered", "--rule", "word_count: words >= 45"], 15.0),
    "what-if --sweep": (
        ["what-if", "demo.filtered", "--sweep", "word_count: words >= {{20,30,40,50,60,70,80}}"],
        15.0,
    ),
    "what-if similarity": (
        [
            "what-if",
            "deduplicate.near_duplicates",
            "--sweep",
            "similarity: {{0.6,0.65,0.7,0.75,0.8,0.85,0.9,0.95}}",
        ],
        15.0,
    ),
}
WITH_SPARK = ("what-if --rule", "what-if --sweep")  # their goals count from Spark's start
DDL = {pa.int32(): "int", pa.int64(): "bigint", pa.float64(): "double"}
SPARK_START = "from winnow.session import build_session; build_session().range(1).count()"


class Corpus:
    """Documents by number; everything follows from the numbers."""

    def __init__(self) -> None:
        numbers = np.random.default_rng(0)
        words = np.array([f"w{i:04}" for i in range(WORDS)])
        chosen = words[numbers.integers(0, WORDS, (TEXTS, 270))]
        self.texts = pa.array([" ".join(row) for row in chosen])
        self.numbers = numbers

    def documents(self, start: int, count: int) -> pa.Table:
        """Return rows of `demo.documents`."""
        ids = np.arange(start, start + count)
        which = pa.array(self.numbers.integers(0, TEXTS, count))
        own = pa.array([f"number {i}. " for i in ids])
        text = pc.binary_join_element_wise(own, self.texts.take(which), "")
        return pa.table(
            {
                "id": [f"doc-{i:010}" for i in ids],
                "text": text,
                "source": pa.array(["web", "books", "code", "forum"]).take(pa.array(ids % 4)),
                "licence": pa.array(["CC0", "MIT", None]).take(pa.array(ids % 3)),
                "url": [f"https://example.org/{i}" for i in ids],
                "file": [f"part-{i // BATCH:03}.jsonl.gz" for i in ids],
                "position": pa.array(1700 * (ids % BATCH)),
                "text_bytes": pc.binary_length(text).cast(pa.int64()),
                "arrival": pa.array(np.ones(count, np.int64)),
            }
        )


def filtered(documents: pa.Table, least: int) -> pa.Table:
    """Return rows of `demo.filtered`, with word_count from `least` words up."""
    count = documents.num_rows
    signals = {
        name: np.random.default_rng(i).integers(0, 200, count).astype(np.int32)
        for i, name in enumerate(SIGNALS.split())
    }
    failed = {
        "word_count": signals["words"] < least,
        "stop_words": signals["stop_words"] < 2,
        "ended_lines": signals["ended_lines"] < 0.12 * signals["lines"],
        "no_code": signals["curly_brackets"] > 0,
    }
    dropped = failed["word_count"] | failed["stop_words"] | failed["ended_lines"]
    names = list(failed)
    codes = sum(flag.astype(int) << i for i, flag in enumerate(failed.values()))
    lists = [[n for i, n in enumerate(names) if code >> i & 1] for code in range(1 << 4)]
    stored = ["id", "source", "licence", "file", "position", "arrival", "text_bytes", "text"]
    rows = documents.select(stored)
    rows = rows.set_column(
        stored.index("text"),
        "text",
        pc.if_else(pa.array(~dropped), documents["text"], pa.scalar(None, pa.string())),
    )
    for name, values in signals.items():
        rows = rows.append_column(name, pa.array(values))
    return with_verdicts(rows, pa.array(lists).take(pa.array(codes)), dropped)


def with_verdicts(rows: pa.Table, failed: pa.Array, dropped: np.ndarray) -> pa.Table:
    """Return rows with the columns that the engine adds."""
    verdicts = {
        "_failed_rules": failed,
        "_dropped": pa.array(dropped),
        "_batch": pa.array(np.ones(rows.num_rows, np.int64)),
    }
    for name, values in verdicts.items():
        rows = rows.append_column(name, values)
    return rows


def all_kept(rows: pa.Table) -> pa.Table:
    """Return rows none of which broke a rule."""
    failed = pa.array([[]] * rows.num_rows, pa.list_(pa.string()))
    return with_verdicts(rows, failed, np.zeros(rows.num_rows, bool))


def duplicates(documents: int) -> Iterator[tuple[str, pa.Table]]:
    """Yield tables of `deduplicate`: chains of three, each like the next one at 0.5 to 1."""
    ids = pa.array([f"doc-{i:010}" for i in range(documents)])
    places = np.arange(documents)
    rank = pa.StructArray.from_arrays(
        [pa.array(np.zeros(documents, np.int32)), pa.array(places)], ["preference", "arrival"]
    )
    source = pa.array(["web", "books", "code", "forum"]).take(pa.array(places % 4))
    exact = {"id": ids, "source": source, "rank": rank, "first_id": ids, "kept_id": ids}
    yield "exact", all_kept(pa.table(exact))
    left = places[(places % 3 != 2) & (places < documents - 1)]
    alike = np.random.default_rng(1).uniform(0.5, 1, left.size)
    pairs = {"id_a": ids.take(pa.array(left)), "id_b": ids.take(pa.array(left + 1))}
    yield "pairs", all_kept(pa.table({**pairs, "similarity": alike}))
    stays, found = places.copy(), np.ones(documents)
    for a, similarity in zip(left.tolist(), alike.tolist(), strict=True):
        if similarity >= 0.8 and stays[a] == a:
            stays[a + 1], found[a + 1] = a, similarity
    kept_id = ids.take(pa.array(stays))
    near = pa.table({"id": ids, "source": source, "component": ids, "kept_id": kept_id})
    near = near.append_column("similarity", pa.array(found))
    near = near.append_column("copies", pa.array(np.ones(documents, np.int32)))
    dropped = stays != places
    failed = pa.array([[], ["near_duplicate"]], pa.list_(pa.string()))
    yield (
        "near_duplicates",
        with_verdicts(near, failed.take(pa.array(dropped.astype(int))), dropped),
    )


class Written:
    """What went into a version: its columns, how many rows, and which rules they broke together."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        self.ways: Counter[str] = Counter()
        self.dropped = 0

    def counted(self, rows: pa.Table) -> pa.Table:
        """Return rows that are counted now."""
        ways = pc.value_counts(pc.binary_join(rows["_failed_rules"], " "))
        self.ways.update({way["values"]: way["counts"] for way in ways.to_pylist()})
        self.dropped += pc.sum(rows["_dropped"]).as_py()
        return rows

    def failed(self, such: Callable[[list[str]], bool]) -> int:
        """Return how many rows broke rules such as these."""
        return sum(rows for way, rows in self.ways.items() if such(way.split()))

    def columns(self) -> dict[str, str]:
        """Return the query's columns with their types in Spark."""
        return {
            one.name: DDL.get(one.type, "string")
            for one in self.schema
            if not one.name.startswith("_")
        }


class Maker:
    """Writes tables of a warehouse, and what the registry says of them."""

    def __init__(self, warehouse: Warehouse) -> None:
        warehouse.create()
        self.warehouse, self.registry = warehouse, Registry(warehouse)
        self.versions: list[Version] = []

    def write(self, pipeline: str, stage: str, batches: Iterator[pa.Table], mode: str) -> Written:
        """Write a version of a table, all batches in one commit."""
        first = next(batches)
        written = Written(first.schema)
        reader = pa.RecordBatchReader.from_batches(
            first.schema,
            (b for table in (first, *batches) for b in written.counted(table).to_batches()),
        )
        write_deltalake(
            self.warehouse.path(pipeline, stage),
            reader,
            mode=mode,
            partition_by=["_dropped"],
            target_file_size=128 << 20,
            writer_properties=WriterProperties(compression="ZSTD", max_row_group_size=GROUP),
        )
        return written

    def version(
        self, name: str, number: int, written: Written, inputs: Mapping[str, int], word_count: str
    ) -> None:
        """Note a version as audited."""
        pipeline, _, stage = name.partition(".")
        self.versions.append(
            Version(
                pipeline=pipeline,
                stage=stage,
                kind="materialized view",
                version=number,
                state="audited",
                run=f"r{number}",
                definition=f"{name} {number}",
                definition_parts={"sql": word_count, "engine": "1"},
                inputs=tuple(Input(table, at, 1, 1) for table, at in inputs.items()),
                generation=number,
                batch=1,
                rows_in=written.ways.total(),
                rows_kept=written.ways.total() - written.dropped,
                rows_dropped=written.dropped,
                sql=f"-- {word_count}",
                columns=written.columns(),
            )
        )
        rules = RULES if stage == "filtered" else {}
        self.registry.append(
            "rules",
            [
                {
                    "pipeline": pipeline,
                    "stage": stage,
                    "version": number,
                    "run": f"r{number}",
                    "position": position,
                    "rule": rule,
                    "condition": word_count if rule == "word_count" else condition,
                    "action": action,
                    "failed": written.failed(lambda way, rule=rule: rule in way),
                    "failed_alone": written.failed(lambda way, rule=rule: way == [rule]),
                    "failed_first": written.failed(lambda way, rule=rule: way[:1] == [rule]),
                }
                for position, (rule, (condition, action)) in enumerate(rules.items())
            ],
        )

    def publish(self) -> None:
        """Let readers see the last version of each table."""
        self.registry.add_versions(self.versions)
        last = {one.table: one for one in self.versions}
        for pipeline in sorted({one.pipeline for one in last.values()}):
            self.registry.publish([one for one in last.values() if one.pipeline == pipeline])


def make(folder: Path, documents: int) -> None:
    """Write the warehouse."""
    maker = Maker(Warehouse.at(str(folder)))
    starts = range(0, documents, BATCH)

    def read() -> Iterator[pa.Table]:
        corpus = Corpus()
        return (corpus.documents(start, min(BATCH, documents - start)) for start in starts)

    written = maker.write("demo", "documents", (all_kept(rows) for rows in read()), "append")
    maker.version("demo.documents", 0, written, {}, "")
    path = maker.warehouse.path("demo", "filtered")
    schema = all_kept(filtered(Corpus().documents(0, 2), 60).drop(list(DECIDED))).schema
    write_deltalake(path, schema.empty_table(), partition_by=["_dropped"])
    for number, least in ((1, 50), (2, 60)):
        rows = (filtered(batch, least) for batch in read())
        written = maker.write("demo", "filtered", rows, "overwrite")
        condition = f"words BETWEEN {least} AND 100000"
        maker.version("demo.filtered", number, written, {"documents": 0}, condition)
    for stage, table in duplicates(documents):
        written = maker.write("deduplicate", stage, iter([table]), "append")
        inputs = {"exact": 0, "pairs": 0} if stage == "near_duplicates" else {}
        maker.version(f"deduplicate.{stage}", 0, written, inputs, "")
    values = {**load_pipeline("deduplicate").values, "input": "synthetic"}
    runs = [
        {
            "run": f"r{number}",
            "pipeline": "demo" if number else "deduplicate",
            "started": datetime(2026, 1, 1 + number, tzinfo=UTC),
            "seconds": 60.0,
            "state": "succeeded",
            "parameters": json.dumps(values),
        }
        for number in range(3)
    ]
    maker.registry.append("runs", runs)
    maker.publish()


DECIDED = ("_failed_rules", "_dropped", "_batch")


def seconds(command: list[str]) -> float:
    """Return how long a process takes that must succeed."""
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return time.monotonic() - started


def main() -> None:
    """Ask, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "warehouse"
        page = Path(temporary) / "report.html"
        if not (folder / "_warehouse.json").exists():
            started = time.monotonic()
            make(folder, given.documents)
            print(f"{given.documents:,} documents written in {time.monotonic() - started:.0f} s")
        rows: list[Any] = [("Spark's start", [sys.executable, "-c", SPARK_START], None)]
        for name, (question, goal) in QUESTIONS.items():
            question = [word.format(given.documents // 2, page=page) for word in question]
            command = [sys.executable, "-m", "winnow.cli", *question, "--warehouse", str(folder)]
            rows.append((name, command, goal))
        start = 0.0
        for name, command, goal in rows:
            taken = sorted(seconds(command) for _ in range(given.runs))
            median = statistics.median(taken)
            start = start or median  # the first row's
            after = f", {median - start:.1f} after Spark's start" if name in WITH_SPARK else ""
            wanted = f"  goal {goal:g} s" if goal else ""
            spread = f"{taken[0]:.1f} to {taken[-1]:.1f}"
            print(f"{name:24}{median:6.1f} s  ({spread}){after}{wanted}", flush=True)


if __name__ == "__main__":
    main()
