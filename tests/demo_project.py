"""The packaged pipeline `demo` in a folder of its own, over a corpus that breaks its rules.

Texts are made of words: prose, lists, code, short ones, copies, near-duplicates, hostile ones. A
few records are broken. Everything follows from the number of documents and the seed.
"""

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from winnow.engine.registry import Registry, Version, published
from winnow.engine.results import RunResult
from winnow.engine.run import RunOptions, run
from winnow.engine.warehouse import Warehouse

PIPELINES = Path(__file__).parents[1] / "conf" / "pipelines"
VOCABULARY = """
    the oak of a forest is an old tree and with time it has grown slowly to where that bird wants to
    be so have they made leaves water stone river light under over between many
"""
WORDS = VOCABULARY.split()
SOURCES, LICENCES = ("web", "books", "code", "forum"), ("CC0-1.0", "MIT", None)
HOSTILE = "\x1b]0;owned\x07\x1b[31m \u202etxt.exe\u202c <script>alert(1)</script> "


def corpus(documents: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """Yield records with ids `d000`, `d001`, ...: every seventh is a copy, every fifth an edit."""
    numbers = random.Random(seed)
    texts: list[str] = []
    for i in range(documents):
        if texts and i % 7 == 6:
            text = numbers.choice(texts)
        elif texts and i % 5 == 4:
            text = edited(numbers.choice(texts), numbers)
        else:
            text = written(numbers)
        texts.append(text)
        yield {
            "id": f"d{i:03}",
            "text": text,
            "source": SOURCES[numbers.randrange(len(SOURCES))],
            "licence": numbers.choice(LICENCES),
            "url": f"https://example.org/{i}",
            "date": f"2026-01-{1 + i % 28:02}",
        }


def written(numbers: random.Random) -> str:
    """Return a text of some lines, each of which may be a list entry, code or prose."""
    lines = []
    for _ in range(numbers.randrange(1, 9)):
        line = " ".join(numbers.choices(WORDS, k=numbers.randrange(2, 25)))
        kind = numbers.randrange(12)
        if kind == 0:
            line = "- " + line
        elif kind == 1:
            line = f"{line} {{ 12 34 }} # # #"
        elif kind == 2:
            line += " ..."
        elif kind == 3:
            line = HOSTILE + line
        elif kind > 5:
            line += "."
        lines += [line] * (3 if kind == 4 else 1)
    return "\n".join(lines)


def edited(text: str, numbers: random.Random) -> str:
    """Return a text with one to three of its words replaced."""
    words = text.split(" ")
    for _ in range(numbers.randrange(1, 4)):
        words[numbers.randrange(len(words))] = f"edit{numbers.randrange(1000)}"
    return " ".join(words)


@dataclass
class DemoProject:
    """Pipelines that a test may edit, an input folder and a warehouse."""

    folder: Path
    spark: SparkSession

    @classmethod
    def make(cls, folder: Path, spark: SparkSession, documents: int = 160) -> "DemoProject":
        """Copy the pipelines and write the input; nothing runs."""
        shutil.copytree(PIPELINES, folder / "pipelines")
        (folder / "input").mkdir()
        records = list(corpus(documents))
        short = [record for record in records if 10 <= len(record["text"].split()) < 30]
        again = [{**record, "text": "an id that was there before"} for record in short[:5]]
        lines = [json.dumps(record) for record in [*records, *again]]
        broken = ['{"id": "cut off', '{"text": 5}']
        (folder / "input" / "part.jsonl").write_text("\n".join([*lines, *broken]) + "\n")
        return cls(folder, spark)

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse.at(str(self.folder / "warehouse"))

    def run(self, pipeline: str = "demo", **given: Any) -> RunResult:
        settings = {"input": str(self.folder / "input")} | given.pop("settings", {})
        folder = str(self.folder / "pipelines" / pipeline)
        return run(RunOptions(folder, self.warehouse, settings, **given))

    def stage_file(self, pipeline: str, name: str) -> Path:
        return next((self.folder / "pipelines" / pipeline).glob(f"*_{name}.sql"))

    def published(self, table: str) -> Version:
        return published(Registry(self.warehouse).versions())[table]

    def kept(self, table: str, version: int) -> set[str]:
        """Return the ids that a version of a stage keeps."""
        path = self.warehouse.path(*table.split("."))
        rows = self.spark.read.format("delta").option("versionAsOf", version).load(path)
        return {row.id for row in rows.where("NOT _dropped").select("id").collect()}
