"""A pipeline in a folder, small enough to run in seconds, that tests change as a user would."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from pyspark.sql import SparkSession

from winnow.engine.registry import Registry, Version, published
from winnow.engine.results import RunResult, StageResult
from winnow.engine.run import RunOptions, run
from winnow.engine.warehouse import Warehouse

PIPELINE = """
    name: small
    description: Three stages over a folder of JSON lines
    parameters:
      input: {description: Where the documents are}
      shortest: {default: 3, description: Words of the shortest document that stays}
"""
DOCUMENTS = """
    CREATE OR REFRESH STREAMING TABLE documents AS
    SELECT * FROM STREAM read_documents(:input, format => 'jsonl', max_rejects => 1.0)
"""
FILTERED = """
    CREATE OR REFRESH STREAMING TABLE filtered (
      CONSTRAINT long_enough EXPECT (words >= :shortest) ON VIOLATION DROP ROW,
      CONSTRAINT no_markup EXPECT (text NOT LIKE '%<%') ON VIOLATION DROP ROW,
      CONSTRAINT licence_known EXPECT (licence IS NOT NULL)
    ) AS
    SELECT id, source, licence, content_hash, arrival, text, size(split(text, ' ')) AS words
    FROM STREAM(documents)
"""
UNIQUE = """
    CREATE OR REFRESH MATERIALIZED VIEW unique (
      CONSTRAINT copy EXPECT (kept_id = id) ON VIOLATION DROP ROW
    ) AS
    SELECT id, first_value(id) OVER (PARTITION BY content_hash ORDER BY arrival, id) AS kept_id
    FROM filtered
"""
CURATED = """
    CREATE VIEW curated AS
    SELECT filtered.id, filtered.text FROM filtered JOIN unique ON unique.id = filtered.id
"""
FIRST_BATCH = (
    {"id": "a", "text": "one two three", "licence": "CC0"},
    {"id": "b", "text": "one two three", "licence": "CC0"},
    {"id": "c", "text": "one", "licence": None},
    {"id": "d", "text": "one <b> two three"},
    {"id": "e", "text": "<p>"},
)
SECOND_BATCH = (
    {"id": "f", "text": "one two three"},
    {"id": "g", "text": "four five six seven"},
)


@dataclass
class Project:
    """A pipeline's folder, its input folder and its warehouse."""

    folder: Path
    spark: SparkSession

    @property
    def pipeline(self) -> Path:
        return self.folder / "pipeline"

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse.at(str(self.folder / "warehouse"))

    @property
    def registry(self) -> Registry:
        return Registry(self.warehouse)

    def write(self, name: str, text: str) -> None:
        """Write a file of the pipeline."""
        path = self.pipeline / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        text = (self.pipeline / name).read_text()
        assert old in text
        (self.pipeline / name).write_text(text.replace(old, new))

    def add(self, name: str, records: tuple[Mapping[str, Any], ...]) -> None:
        """Write a file of the input."""
        path = self.folder / "input" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records))

    def options(self, **given: Any) -> RunOptions:
        settings = {"input": str(self.folder / "input")} | given.pop("settings", {})
        return RunOptions(str(self.pipeline), self.warehouse, settings, **given)

    def run(self, **given: Any) -> RunResult:
        return run(self.options(**given))

    def states(self, result: RunResult) -> dict[str, str]:
        return {stage.stage: stage.state for stage in result.stages}

    def published(self) -> dict[str, Version]:
        versions = published(self.registry.versions())
        return {version.stage: version for version in versions.values()}

    def rows(self, table: str, version: int | None = None) -> list[dict[str, Any]]:
        """Return all rows of a stage's table, published unless a version is named."""
        number = self.published()[table].version if version is None else version
        path = self.warehouse.path("small", table)
        read = self.spark.read.format("delta").option("versionAsOf", number).load(path)
        return [row.asDict() for row in read.orderBy("id").collect()]

    def kept(self, table: str, version: int | None = None) -> list[str]:
        return [row["id"] for row in self.rows(table, version) if not row["_dropped"]]


def _make(folder: Path, spark: SparkSession) -> Project:
    made = Project(folder, spark)
    made.write("pipeline.yml", PIPELINE)
    made.write("10_documents.sql", DOCUMENTS)
    made.write("20_filtered.sql", FILTERED)
    made.write("30_unique.sql", UNIQUE)
    made.write("40_curated.sql", CURATED)
    made.add("one.jsonl", FIRST_BATCH)
    return made


@pytest.fixture
def project(tmp_path: Path, spark: SparkSession) -> Project:
    """The pipeline `small` with one file of five documents, not yet run."""
    return _make(tmp_path, spark)


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> Path:
    made = _make(tmp_path_factory.mktemp("ran"), spark)
    made.run()
    return made.folder


@pytest.fixture
def ran(_template: Path, tmp_path: Path, spark: SparkSession) -> Project:
    """The same after its first run: a copy, since a run takes seconds."""
    shutil.copytree(_template, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path, spark)


@pytest.fixture
def stage_of() -> Callable[[RunResult, str], StageResult]:
    """Find a stage in a run's result."""

    def find(result: RunResult, name: str) -> StageResult:
        return next(stage for stage in result.stages if stage.stage == name)

    return find
