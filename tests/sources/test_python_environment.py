import json
import sysconfig
from pathlib import Path

import pytest

from winnow.sources import python_environment
from winnow.sources.accounts import ACCOUNT
from winnow.sources.documents import list_files
from winnow.sources.files import InputFile
from winnow.sources.partitions import Piece
from winnow.sources.reading import read_pieces

LONG = "This sentence is long enough to be a text of its own. " * 4  # 216 characters
SHORT = "x" * 199
EDGE = "x" * 200


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment of one distribution and no standard library; returns its site-packages."""
    packages, standard = tmp_path / "site-packages", tmp_path / "standard"
    packages.mkdir()
    standard.mkdir()
    folders = {"stdlib": standard, "purelib": packages, "platlib": packages}
    monkeypatch.setattr(sysconfig, "get_path", lambda key: str(folders[key]))
    python_environment._distributions.cache_clear()
    info = packages / "thing-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: Thing\nLicense-Expression: MIT\n\n{LONG}\n"
    )
    (info / "RECORD").write_text("thing/__init__.py,,\nthing-1.0.dist-info/METADATA,,\n")
    (packages / "thing").mkdir()
    return packages


def rows(**options):
    files = list_files({"path": "python-environment"})
    given = dict.fromkeys(("constant_source", "constant_licence", "id_prefix")) | options
    batches = read_pieces([Piece(file) for file in files], given, arrival=1)
    found = [row for batch in batches for row in batch.to_pylist()]
    documents = [row for row in found if row["reject_reason"] != ACCOUNT]
    return [{**row, "metadata": dict(row["metadata"])} for row in documents]


def module(environment: Path, source: str | bytes) -> list[dict]:
    content = source if isinstance(source, bytes) else source.encode()
    (environment / "thing" / "__init__.py").write_bytes(content)
    return [row for row in rows() if row["file"] == "thing/__init__.py"]


def test_a_description_is_a_document_of_its_distribution(environment):
    [row] = rows()
    assert row["text"] == LONG.strip()
    assert (row["source"], row["licence"], row["url"]) == ("Thing", "MIT", None)
    assert row["metadata"] == {
        "kind": '"readme"',
        "path": json.dumps("thing-1.0.dist-info/METADATA"),
    }
    assert row["position"] == (environment / "thing-1.0.dist-info/METADATA").read_bytes().index(
        b"This"
    )


def test_docstrings_of_modules_classes_and_functions_are_documents(environment):
    source = f'''
# comment
"""Module. {LONG}"""
class A(object):  # comment
    r"""Class. {LONG}

        Indented.
    Not.
    """
    def f(self, x={{"a": 1}}) -> dict[str, int]:

        \'\'\'Function. {LONG}\'\'\'
'''
    found = module(environment, source)
    assert [row["text"].split(".")[0] for row in found] == ["Module", "Class", "Function"]
    assert found[1]["text"].endswith("own. \n\n    Indented.\nNot.")
    assert [row["metadata"]["kind"] for row in found] == ['"docstring"'] * 3
    positions = [source.encode().index(quotes) for quotes in (b'"""M', b'"""C', b"'''F")]
    assert [row["position"] for row in found] == positions


@pytest.mark.parametrize(
    "source",
    [
        f'x = """{LONG}"""',
        f'f(\n"""{LONG}""")',
        f'def f():\n    """short"""\n    """{LONG}"""',
        f'def f():\n    f"""{LONG}"""',
        f'def f():\n    b"""{LONG}"""',
        f'def f(): return """{LONG}"""',
        f'"""# {SHORT}',
        f'"a" # {LONG}',
        f'"a" """{LONG}"""',
    ],
)
def test_other_strings_are_no_documents(environment, source):
    assert module(environment, source) == []


def test_a_docstring_of_200_characters_is_a_document_and_one_of_199_is_not(environment):
    assert [row["text"] for row in module(environment, f'"""{EDGE}"""')] == [EDGE]
    assert module(environment, f'"""{SHORT}"""') == []


def test_neighbouring_comment_lines_are_one_document_without_their_marks(environment):
    source = f"""\
#!/usr/bin/env python
#: First. {LONG}
#
#   indented
x = 1  # trailing

    # Second. {LONG}\r
    # and on\r

# Third. {LONG}"""
    found = module(environment, source)
    assert [row["metadata"]["kind"] for row in found] == ['"comment"'] * 3
    first, second, third = (row["text"] for row in found)
    assert first.startswith("/usr/bin/env python\nFirst. This")
    assert first.endswith("\n\n  indented")
    assert second.startswith("Second. ")
    assert second.endswith("\nand on")
    assert third.startswith("Third. ")
    assert [row["position"] for row in found] == [
        0, source.encode().index(b"# Second"), source.encode().index(b"# Third")
    ]  # fmt: skip


def test_a_hash_in_a_string_is_no_comment_and_quotes_in_a_comment_no_string(environment):
    source = f"x = '# {LONG}'\n# it's\n# {LONG}\ny = \"it's # {LONG}\"\n"
    [row] = module(environment, source)
    assert row["text"].startswith("it's\nThis")


def test_the_declared_encoding_is_used(environment):
    [row] = module(environment, f'# coding: latin-1\n"""Grüße. {LONG}"""'.encode("latin-1"))
    assert row["text"].startswith("Grüße. ")
    [row] = module(environment, f'\ufeff"""Grüße. {LONG}"""')
    assert (row["text"].split(".")[0], row["position"]) == ("Grüße", 3)


@pytest.mark.parametrize(
    "content",
    [b'"""\xff"""', b"# coding: nonsense\n", b"# coding: hex\n", b"x = 1\0", b"# coding: rot13\nx"],
)
def test_a_module_whose_bytes_make_no_text_is_a_reject(environment, content):
    [row] = module(environment, content)
    assert (row["reject_reason"], row["text"]) == ("unreadable_python", None)


@pytest.mark.parametrize(
    "source", ["", '"""never closed', "def f(:\n  '''", "'", "\\", "#", '"""a\\', "''''''" * 50]
)
def test_a_module_that_python_cannot_parse_is_no_problem(environment, source):
    assert module(environment, source) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("README", "readme"),
        ("readme.rst", "readme"),
        ("docs.md", "readme"),
        ("LICENSE", "licence"),
        ("LICENCE.txt", "licence"),
        ("COPYING", "licence"),
        ("CHANGELOG.md", "changelog"),
        ("notes.txt", None),
        ("README.py", None),
        ("license_test.so", None),
        ("readme.html", None),
    ],
)
def test_texts_are_known_by_their_names(environment, name, kind):
    (environment / "thing" / name).write_text("Text.")
    found = {row["file"]: row for row in rows()}.get(f"thing/{name}")
    assert (found["metadata"]["kind"] if found else None) == (kind and json.dumps(kind))


def test_an_empty_text_is_a_reject(environment):
    (environment / "thing" / "README").write_text("\n")
    assert [row["reject_reason"] for row in rows()] == [None, "no_text"]


def test_large_files_caches_and_winnow_itself_are_left_out(environment):
    for name in (
        "thing/__pycache__/README.md", "winnow/README.md", "winnow_data-0.1.dist-info/METADATA",
        "__editable___winnow_data_finder.py", "thing/kept.md",
    ):  # fmt: skip
        (environment / name).parent.mkdir(exist_ok=True)
        (environment / name).write_text("Text.")
    (environment / "thing" / "gone.md").symlink_to("nowhere")
    (environment / "thing" / "5.md").write_bytes(b"x" * 5_000_000)
    (environment / "thing" / "6.md").write_bytes(b"x" * 5_000_001)
    files = [file.name for file in list_files({"path": "python-environment"})]
    assert files == ["thing-1.0.dist-info/METADATA", "thing/5.md", "thing/kept.md"]


def test_constants_win_over_what_the_distribution_says(environment):
    [row] = rows(constant_source="here", constant_licence="CC0-1.0", id_prefix="env/")
    assert (row["source"], row["licence"], row["id"][:4]) == ("here", "CC0-1.0", "env/")


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ("License: BSD", "BSD"),
        ("License: Redistribution and use\n in source and binary", None),
        ("License-Expression: MIT\nLicense: other", "MIT"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT License"),
        ("Classifier: Topic :: Text", None),
        ("", None),
    ],
)
def test_a_licence_is_a_name_and_not_a_text(environment, fields, licence):
    metadata = environment / "thing-1.0.dist-info" / "METADATA"
    metadata.write_text(f"Name: Thing\n{fields}\n\nText.\n".replace("\n\n\n", "\n\n"))
    [row] = rows()
    assert row["licence"] == licence


def test_the_real_environment_gives_the_same_documents_twice():
    files = list_files({"path": "python-environment"})
    assert len(files) > 1000
    assert files == list_files({"path": "python-environment"})
    assert files == sorted(files, key=lambda file: file.name)
    names = {file.name for file in files}
    assert "stdlib/asyncio/base_events.py" in names
    assert not any("__pycache__" in name or name.startswith("winnow") for name in names)


def test_a_file_of_no_distribution_is_named_by_its_folder(tmp_path):
    path = tmp_path / "loose" / "README.md"
    path.parent.mkdir()
    path.write_text("Text.")
    file = InputFile(str(path), "loose/README.md", 5, 0.0, python_environment.FORMAT)
    options = dict.fromkeys(("constant_source", "constant_licence", "id_prefix"))
    [batch] = read_pieces([Piece(file)], options, arrival=1)
    assert batch["source"].to_pylist()[:-1] == ["loose"]  # after it comes the account
