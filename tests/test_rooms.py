"""Imports point one way through the rooms: the contracts stand in setup.cfg."""

import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import winnow

ROOT = Path(__file__).parents[1]
ROOMS = ("udfs", "schemas", "conf")
WITHOUT_SPARK = ("winnow.pipeline", "winnow.schemas", "winnow.udfs")


@pytest.fixture
def linked(tmp_path):
    """The rooms as one folder: import-linter reads files, and setup.cfg's mapping is no file."""
    package = tmp_path / "winnow"
    package.mkdir()
    for room in [
        *(ROOT / "jobs").iterdir(),
        *(ROOT / name for name in ("udfs", "schemas", "conf")),
    ]:
        (package / room.name).symlink_to(room)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as lint; lint()"
    options = ["--config", str(ROOT / "setup.cfg"), "--no-cache"]
    return subprocess.run(
        [sys.executable, "-c", program, *options],
        env={"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )


def test_imports_point_one_way_through_the_rooms(linked):
    done = lint(linked)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_import_the_wrong_way_is_found(linked):
    (linked / "winnow" / "errors.py").unlink()
    (linked / "winnow" / "errors.py").write_text("import winnow.session\n")
    done = lint(linked)
    assert done.returncode == 1
    assert "winnow.errors is not allowed to import winnow.session" in done.stdout


def test_reading_a_pipeline_loads_no_spark():
    modules = [
        module.name
        for module in pkgutil.walk_packages(winnow.__path__, "winnow.")
        if module.name.startswith(WITHOUT_SPARK)
    ]
    assert "winnow.pipeline.model" in modules
    program = f"import sys, {', '.join(modules)}; sys.exit('pyspark' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
