"""Functions that a pipeline or an installed package adds to SQL."""

import sys
from pathlib import Path

import pytest

from winnow import extensions
from winnow.extensions import ExtensionError

SIGNALS = '''
import pyarrow as pa
from winnow.udfs.registry import column_function

@column_function(returns="INT", version=1)
def loudness(text: pa.Array) -> pa.Array:
    """Count exclamation marks."""
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "signals.py").write_text(SIGNALS)
    return tmp_path


def test_winnows_own_functions_of_all_rooms_are_found():
    found = extensions.built_in()
    assert {"column function", "source"} <= {declaration.kind for declaration in found.values()}
    assert all(name == declaration.name for name, declaration in found.items())


def test_a_file_of_the_pipeline_adds_its_functions(folder):
    assert list(extensions.load(folder, ["signals.py"])) == ["loudness"]


def test_a_file_can_import_its_neighbours_and_leaves_no_trace_on_the_path(folder):
    (folder / "marks.py").write_text("LOUD = '!'")
    (folder / "signals.py").write_text("from marks import LOUD\n" + SIGNALS)
    before = list(sys.path)
    assert "loudness" in extensions.load(folder, ["signals.py"])
    assert sys.path == before


def test_a_file_is_read_anew_each_time(folder):
    extensions.load(folder, ["signals.py"])
    (folder / "signals.py").write_text(SIGNALS.replace("loudness", "quietness"))
    assert list(extensions.load(folder, ["signals.py"])) == ["quietness"]


def test_a_module_is_named_by_dots():
    assert extensions.load(Path(), ["winnow.sources.documents"])


def test_functions_that_a_module_only_imports_are_not_its_own(folder):
    (folder / "more.py").write_text(
        "from winnow.sources.documents import read_documents\n" + SIGNALS
    )
    assert list(extensions.load(folder, ["more.py"])) == ["loudness"]


def test_two_functions_of_one_name_are_an_error_that_names_both(folder):
    (folder / "again.py").write_text(SIGNALS)
    with pytest.raises(ExtensionError) as caught:
        extensions.load(folder, ["signals.py", "again.py"])
    assert str(caught.value) == (
        "two functions are called `loudness`: one of module signals.py, one of module again.py\n"
        "Rename one of them: SQL knows functions by name alone."
    )


def test_a_function_cannot_take_the_name_of_a_built_in_one(folder):
    (folder / "signals.py").write_text(SIGNALS.replace("loudness", "read_documents"))
    with pytest.raises(ExtensionError, match=r"one of module winnow\.sources\.documents, one of"):
        extensions.join(extensions.built_in(), extensions.load(folder, ["signals.py"]))


@pytest.mark.parametrize(
    ("code", "line", "message"),
    [
        ("x = 1\nraise RuntimeError('no model')", 2, "RuntimeError: no model"),
        ("x = 1\n\ndef f(:\n", 3, "SyntaxError: invalid syntax"),
        ("import nothing_of_that_name", 1, "ModuleNotFoundError: No module named"),
        ("import json\njson.loads('{')", 2, "JSONDecodeError"),
        ("\n\nraise SystemExit(3)", 3, "SystemExit: 3"),
        (SIGNALS.replace('"""Count exclamation marks."""', "pass"), 5, "needs a docstring"),
    ],
)
def test_a_file_that_cannot_be_imported_says_why_and_where(folder, code, line, message):
    (folder / "signals.py").write_text(code)
    with pytest.raises(ExtensionError) as caught:
        extensions.load(folder, ["signals.py"])
    assert message in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert (caught.value.file, caught.value.line) == (folder / "signals.py", line)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.py", "there is no file `missing.py` in the pipeline's folder"),
        ("no.such.module", "functions:: module `no.such.module` cannot be imported"),
        ("empty.py", "`empty.py` declares no function"),
    ],
)
def test_a_name_under_functions_that_gives_nothing_is_an_error(folder, name, message):
    (folder / "empty.py").write_text("x = 1")
    with pytest.raises(ExtensionError) as caught:
        extensions.load(folder, [name])
    assert message in str(caught.value)


def test_installed_packages_add_functions_by_an_entry_point(tmp_path, monkeypatch):
    (tmp_path / "company_signals.py").write_text(SIGNALS)
    info = tmp_path / "company-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: company\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[winnow.functions]\nours = company_signals\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert list(extensions.installed()) == ["loudness"]
