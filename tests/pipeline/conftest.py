from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipeline.spark_parser import SparkParser
from winnow.pipeline.load import load_pipeline
from winnow.pipeline.model import Pipeline, PipelineError

FUNCTIONS = '''
import pyarrow as pa
from pyspark.sql import DataFrame
from winnow.operators.registry import check, operator
from winnow.sources.registry import source
from winnow.udfs.registry import column_function

@column_function(returns="INT", version=1)
def vowel_count(text: pa.Array, letters: str = "aeiou") -> pa.Array:
    """Count vowels."""

@operator(schema="id STRING, kept_id STRING", version=1)
def clusters(pairs: DataFrame, similarity: float = 0.8, rounds: int = 3) -> DataFrame:
    """Cluster pairs."""

@operator(schema="id STRING", version=1)
def matched(left: DataFrame, right: DataFrame, by: str) -> DataFrame:
    """Match two tables."""

@operator(schema="id STRING, other STRING", version=1, append_only=True)
def met(new: DataFrame, old: DataFrame, so_far: DataFrame) -> DataFrame:
    """Pair what is new with what is there."""

@source(version=1)
def read_notes(path: str, format: str = "text", limit: int = 0, strict: bool = False) -> list:
    """Read notes."""

@check(version=1)
def half_stays(most: float = 0.5) -> str:
    """At most half is dropped."""
'''
CONFIGURATION = """
name: web
functions: [functions.py]
parameters:
  input: {default: data}
  least: {default: 3}
"""
DOCUMENTS = (
    "CREATE OR REFRESH STREAMING TABLE documents AS\n"
    "SELECT *, :least AS least FROM STREAM read_notes(:input)\n"
)
Files = dict[str, str | bytes]
Load = Callable[..., Pipeline]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Write a pipeline's files over a small default one and read it.

    A file given as "" is left out. Messages name files from the pipeline's folder.
    """
    monkeypatch.chdir(tmp_path)

    def write_and_load(files: Files, settings: dict[str, str] | None = None) -> Pipeline:
        defaults: Files = {
            "pipeline.yml": CONFIGURATION,
            "functions.py": FUNCTIONS,
            "10_documents.sql": DOCUMENTS,
        }
        for name, content in (defaults | files).items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if content:
                file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_pipeline(str(tmp_path), settings)

    return write_and_load


@pytest.fixture
def error(load: Load) -> Callable[..., str]:
    """The message with which such a pipeline is refused."""

    def refused(files: Files, settings: dict[str, str] | None = None) -> str:
        with pytest.raises(PipelineError) as caught:
            load(files, settings)
        return str(caught.value)

    return refused


@pytest.fixture(scope="session")
def spark_parser(spark: SparkSession) -> SparkParser:
    """Spark's own parser."""
    return SparkParser(spark)
