"""Where compiled kernels are kept when nothing that numba would use may be written to."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import winnow.udfs

NOWHERE = "/proc/none"  # a home that cannot be made

PROGRAM = """
import os, sys
{before}
from winnow.udfs.decoding import decode
import numpy
assert decode(numpy.frombuffer(b"a", numpy.uint8), 0, 1) == (ord("a"), 1)
print(os.environ.get("NUMBA_CACHE_DIR", ""))
"""


def imported(path: Path, tmp_path: Path, home: str, before: str = "") -> str:
    """Import a kernel from `path`; return the cache folder that was settled, "" for numba's own."""
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    environment |= {"XDG_CACHE_HOME": home, "HOME": home, "TMPDIR": str(tmp_path)}
    environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before=before)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def read_only(tmp_path):
    """The package in a folder where no compiled file can lie, not even for root."""
    folder = tmp_path / "installed" / "winnow"
    room = Path(winnow.udfs.__file__).parent
    shutil.copytree(room, folder / "udfs", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "__init__.py").touch()
    (folder / "udfs" / "__pycache__").touch()
    return folder.parent


@pytest.fixture
def zipped(read_only):
    """The same in a zip, as `--py-files` ships it."""
    return Path(shutil.make_archive(str(read_only), "zip", read_only))


def test_a_private_folder_is_chosen_when_no_usual_one_can_be_written(read_only, tmp_path):
    folder = Path(imported(read_only, tmp_path, home=NOWHERE))
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o077 == 0
    assert list(folder.rglob("*.nbi"))  # and numba uses it


def test_it_is_also_found_when_numba_was_imported_before(read_only, tmp_path):
    folder = Path(imported(read_only, tmp_path, home=NOWHERE, before="import numba"))
    assert list(folder.rglob("*.nbi"))


def test_it_is_also_found_for_a_package_in_a_zip(zipped, tmp_path):
    folder = Path(imported(zipped, tmp_path, home=NOWHERE))
    assert list(folder.rglob("*.nbi"))


def test_a_usual_folder_that_can_be_written_is_left_to_numba(read_only, tmp_path):
    assert imported(read_only, tmp_path, home=str(tmp_path / "home")) == ""


def test_a_folder_that_others_may_write_to_is_not_used(read_only, tmp_path):
    open_to_all = tmp_path / f"winnow-numba-{os.getuid()}"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    assert imported(read_only, tmp_path, home=NOWHERE) != str(open_to_all)
