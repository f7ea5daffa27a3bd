"""The rows do not depend on the machines: a cluster of two workers gives those of one laptop.

Each run is a process of its own. The input is generated: copies within and across files, junk,
records that cannot be read, ids that come twice, and files with and without compression.
"""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyspark
import pytest
from deltalake import DeltaTable

from winnow.engine.registry import Registry, published
from winnow.engine.warehouse import Warehouse

# The command line names a master only: whoever wants other settings starts the session first. A
# file, since Great Expectations' import of Spark Connect ends a program given with -c.
MANY_SMALL_TASKS = """
from winnow.cli import main
from winnow.session import build_session

settings = {
    "spark.sql.shuffle.partitions": "7",
    "spark.sql.adaptive.coalescePartitions.enabled": "false",
    "spark.sql.files.maxPartitionBytes": "100k",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "100",
}
build_session("local[1]", settings=settings)
main()
"""
TABLES = ("documents", "filtered", "unique")
DOCUMENTS, FILES = 3000, 6
COMMON = "the of and to in is that it for as with was on be by reader file record line caller batch"
RARE = "Straße naïve Ελλάδα 日本語 🌾 {input} #tag 2026 ... lorem ipsum"


def line(chance: random.Random) -> str:
    words = chance.choices(COMMON.split() * 5 + RARE.split(), k=chance.randint(1, 24))
    return chance.choice(["", "", "", "- ", "# "]) + " ".join(words) + chance.choice(".. !?")


def texts(chance: random.Random) -> Iterator[str]:
    """Texts of which one in six is a copy of an earlier one and one in six is junk."""
    seen: list[str] = []
    while True:
        kind = chance.randrange(6)
        if kind == 0 and seen:
            yield chance.choice(seen)
        elif kind == 1:
            yield chance.choice(["", "####", "\n\n", "x" * chance.randint(1, 500), "{};" * 40])
        else:
            seen.append("\n".join(line(chance) for _ in range(chance.randint(1, 20))))
            yield seen[-1]


def records() -> list[str]:
    """Lines of JSON: most are documents; some have no id, one they share, or cannot be read."""
    chance = random.Random(20260301)
    found = []
    for number, text in zip(range(DOCUMENTS), texts(chance), strict=False):
        record: dict[str, Any] = {"text": text, "licence": chance.choice(["CC0-1.0", "MIT", None])}
        record |= {"source": chance.choice(["wiki", "web"]), "depth": chance.randrange(9)}
        if number % 3:
            record["id"] = f"d{number - number % 50 if number % 50 == 1 else number}"
        found.append(json.dumps(record) if number % 97 else json.dumps(record)[:-5])
    return found


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of six files of JSON lines, every other one compressed."""
    folder: Path = tmp_path_factory.mktemp("input")
    lines = records()
    for number in range(FILES):
        content = "".join(f"{one}\n" for one in lines[number::FILES]).encode()
        is_compressed = number % 2 == 1
        name = f"part-{number}.jsonl{'.gz' if is_compressed else ''}"
        (folder / name).write_bytes(gzip.compress(content) if is_compressed else content)
    return folder


@pytest.fixture(scope="module")
def spark_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PySpark by links: a local cluster's workers leave their files in the home of Spark."""
    home: Path = tmp_path_factory.mktemp("spark")
    for part in Path(pyspark.__file__).parent.iterdir():
        if part.name != "work":
            (home / part.name).symlink_to(part)
    return home


@pytest.fixture(scope="module")
def laptop(
    documents: Path, spark_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Any]]:
    """What the tables hold after a run on two cores of one machine."""
    folder = tmp_path_factory.mktemp("laptop")
    return run(["-m", "winnow.cli"], documents, folder, spark_home, "--master", "local[2]")


def run(
    program: list[str], documents: Path, folder: Path, spark_home: Path, *options: str
) -> dict[str, list[Any]]:
    """Run the demo pipeline in a process of its own; return the rows of its tables by id."""
    warehouse = Warehouse.at(str(folder / "warehouse"))
    command = [sys.executable, *program, "run", "demo", *options]
    command += ["--set", f"input={documents}", "--set", "max_rejects=0.1"]
    command += ["--warehouse", warehouse.address]
    environment = os.environ | {"SPARK_HOME": str(spark_home)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    versions = published(Registry(warehouse).versions(), "demo")
    found = {name: rows(warehouse, name, versions[f"demo.{name}"].version) for name in TABLES}
    counts = [(v.stage, v.rows_in, v.rows_kept, v.rows_dropped) for v in versions.values()]
    return found | {"counts": sorted(counts)}


def rows(warehouse: Warehouse, table: str, version: int) -> list[dict[str, Any]]:
    """All rows of a table's version with all columns, dropped ones too."""
    stored = DeltaTable(warehouse.path("demo", table), version=version).to_pyarrow_table()
    found: list[dict[str, Any]] = stored.to_pylist()
    return sorted(found, key=lambda row: json.dumps(row, sort_keys=True, default=str))


@pytest.mark.slow
def test_the_input_of_the_cluster_has_all_that_can_make_a_difference(laptop):
    reasons = {row["reject_reason"] for row in laptop["documents"]}
    assert {None, "duplicate_id"} < reasons
    assert len(laptop["documents"]) == DOCUMENTS
    assert sum(row["_dropped"] for row in laptop["unique"]) > 100
    failed = {rule for row in laptop["filtered"] for rule in row["_failed_rules"]}
    assert len(failed) > 8


@pytest.mark.slow
def test_a_cluster_gives_the_rows_of_one_machine(laptop, documents, spark_home, tmp_path):
    master = "local-cluster[2,1,1024]"
    found = run(["-m", "winnow.cli"], documents, tmp_path, spark_home, "--master", master)
    assert found == laptop
    logs = [log.read_text() for log in spark_home.glob("work/app-*/[01]/stderr")]
    assert ["Finished task" in log for log in logs] == [True, True]  # both workers did some of it


@pytest.mark.slow
def test_one_core_with_many_small_tasks_gives_the_same_rows(
    laptop, documents, spark_home, tmp_path
):
    program = tmp_path / "program.py"
    program.write_text(MANY_SMALL_TASKS)
    assert run([str(program)], documents, tmp_path, spark_home) == laptop
