from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from demo_project import DemoProject


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, spark: SparkSession) -> DemoProject:
    """The demo's pipeline, run once; tests may run it again, but publish nothing else."""
    folder: Path = tmp_path_factory.mktemp("demo") / "project"
    made = DemoProject.make(folder, spark)
    assert made.run().exit_code == 0
    return made


@pytest.fixture(scope="session")
def duplicates(demo: DemoProject) -> DemoProject:
    """The same warehouse after the pipeline `deduplicate` ran over the same documents."""
    assert demo.run("deduplicate").exit_code == 0
    return demo
