"""A driver killed at any moment loses and doubles nothing: the next run ends like a clean one.

The driver is a process of its own and gets SIGKILL; its JVM lives on for a moment, as in life. The
test watches the warehouse and kills at the nth file that appears, or at a random time. One
moment is tried in every test run; `make test-kill` tries every file and 30 random times.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from winnow.engine.registry import published

SECOND = ({"id": "f", "text": "one two three"}, {"id": "g", "text": "four five six seven"})
TABLES = ("documents", "filtered", "unique")
RANDOM_MOMENTS = 30
TIMEOUT = 300  # seconds; a run takes about fifteen
JAVA = os.environ["JAVA_TOOL_OPTIONS"]  # see tests/conftest.py


@pytest.fixture
def prepared(ran):
    """A pipeline that has run once and has a new file to read."""
    ran.add("two.jsonl", SECOND)
    return ran


def drive(
    project, stop: Callable[[int, float], bool] = lambda *_: False, java: str = JAVA
) -> tuple[bool, float]:
    """Run the pipeline in a process of its own and kill it when told.

    Args:
        project: the pipeline.
        stop: given the number of new files in the warehouse and the seconds since the first of
            them, whether to kill now. Never, if not given.
        java: options of the JVM.

    Returns:
        Whether it was killed, and the seconds from the first file to the end.
    """
    code = "import sys; from winnow.cli import main; main()"
    command = [sys.executable, "-c", code, "run", str(project.pipeline), "--master", "local[2]"]
    command += ["--warehouse", project.warehouse.address, "--set", f"input={project.folder}/input"]
    before = _files(project)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    driver = subprocess.Popen(command, env=os.environ | {"JAVA_TOOL_OPTIONS": java}, **quiet)
    seen: set[str] = set()
    first, killed = 0.0, False
    deadline = time.monotonic() + TIMEOUT
    while driver.poll() is None and time.monotonic() < deadline:
        seen |= _files(project) - before
        first = first or (time.monotonic() if seen else 0.0)
        if seen and stop(len(seen), time.monotonic() - first):
            os.kill(driver.pid, signal.SIGKILL)
            driver.wait()
            killed = True
        time.sleep(0.001)
    driver.kill()
    return killed, time.monotonic() - first


def _files(project) -> set[str]:
    return {
        os.path.join(folder, name)
        for folder, _, names in os.walk(project.warehouse.address)
        for name in names
        if not name.endswith(".crc")
    }


def contents(project) -> dict[str, list[object]]:
    """All rows of all tables, and the counts that the registry has of them."""
    counts = [
        (item.stage, item.rows_in, item.rows_kept, item.rows_dropped)
        for item in project.published().values()
    ]
    return {name: project.rows(name) for name in TABLES} | {"counts": sorted(counts)}


def clean_run(project) -> dict[str, list[object]]:
    """What the tables hold when nothing happens."""
    saved = Path(shutil.copytree(project.folder, f"{project.folder}-clean"))
    twin = type(project)(saved, project.spark)
    twin.run()
    return contents(twin)


def assert_recovers(project, expected: dict[str, list[object]]) -> None:
    """A reader still sees one run, and the next run ends as if nothing had happened."""
    seen = published(project.registry.versions())
    assert len({item.publication for item in seen.values()}) == 1
    result = project.run()
    assert (result.exit_code, result.published) == (0, True)
    assert contents(project) == expected
    assert set(project.states(project.run()).values()) == {"REUSED"}


# Of about 45 files: early and late in the first stage, and in the second.
@pytest.mark.parametrize(
    "event", [5, *(pytest.param(event, marks=pytest.mark.slow) for event in (12, 20))]
)
def test_a_run_killed_at_a_chosen_file_is_made_good_by_the_next(prepared, event):
    expected = clean_run(prepared)
    assert drive(prepared, lambda files, _: files >= event)[0]
    assert_recovers(prepared, expected)


@pytest.fixture
def java(prepared, tmp_path) -> str:
    """Options of a JVM that finds its classes loaded: it starts in half the time."""
    classes = tmp_path.parent / "classes.jsa"
    whole = type(prepared)(_copy(prepared, tmp_path, "whole"), prepared.spark)
    drive(whole, java=f"{JAVA} -XX:ArchiveClassesAtExit={classes}")
    deadline = time.monotonic() + TIMEOUT
    while not classes.exists() and time.monotonic() < deadline:  # written after the run's end
        time.sleep(0.5)
    time.sleep(5)
    return f"{JAVA} -XX:SharedArchiveFile={classes}"


@pytest.mark.slow
def test_a_run_killed_at_any_file_is_made_good_by_the_next(prepared, tmp_path, java):
    expected = clean_run(prepared)
    event, killed = 0, True
    while killed:
        event += 1
        trial = type(prepared)(_copy(prepared, tmp_path, event), prepared.spark)
        killed, _ = drive(trial, lambda files, _, event=event: files >= event, java)
        assert_recovers(trial, expected)
        shutil.rmtree(trial.folder)
    assert event > 30  # the run was watched, not missed


@pytest.mark.slow
def test_a_run_killed_at_a_random_time_is_made_good_by_the_next(prepared, tmp_path, java):
    expected = clean_run(prepared)
    timed = type(prepared)(_copy(prepared, tmp_path, "timed"), prepared.spark)
    _, seconds = drive(timed, java=java)
    chance = random.Random(0)
    for moment in range(RANDOM_MOMENTS):
        trial = type(prepared)(_copy(prepared, tmp_path, moment), prepared.spark)
        limit = chance.uniform(0, seconds)
        drive(trial, lambda _, passed, limit=limit: passed >= limit, java)
        assert_recovers(trial, expected)
        shutil.rmtree(trial.folder)


def _copy(project, folder: Path, name: object) -> Path:
    """Copy a project, times of files included."""
    target = folder.parent / f"{folder.name}-{name}"
    return Path(shutil.copytree(project.folder, target))
