"""What all tests share: one Spark session, the shared data, a warehouse without Spark."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import small_warehouse
from demo_project import DemoProject
from winnow.engine.warehouse import Warehouse
from winnow.session import build_session

# For JVMs with little to do, and more of them than cores: no second compiler, whose threads took a
# seventh of the suite's time, and none for their garbage. Processes that tests start have it, too.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The one Spark session of the suite; starting another costs five seconds."""
    # Rows are few: compiling code for them would take longer than running without.
    settings = {"spark.sql.shuffle.partitions": "2", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    settings["spark.sql.codegen.wholeStage"] = "false"
    settings["spark.driver.memory"] = "2g"  # tables are small, and two processes run the tests
    session = build_session("local[2]", settings=settings)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real text; a test that needs it is skipped where it is absent."""
    folder = Path(os.environ.get("WINNOW_SHARED", "../shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no shared data at {folder}; set WINNOW_SHARED")
    return folder


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The hand-made warehouse of `small_warehouse`; read only."""
    folder: Path = tmp_path_factory.mktemp("small") / "warehouse"
    return small_warehouse.build(folder)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> DemoProject:
    """The demo's pipeline, run once; tests may run it again, but publish nothing else."""
    folder: Path = tmp_path_factory.mktemp("demo") / "project"
    made = DemoProject.make(folder, spark)
    assert made.run().exit_code == 0
    return made
