import os

import fsspec
import pytest

from winnow.errors import CommandError
from winnow.sources.documents import list_files


@pytest.fixture
def tree(tmp_path):
    """A folder of files that are all empty."""
    for name in (
        "b.jsonl", "a.jsonl.gz", "notes.doc", "deep/c.ndjson", "deep/er/d.JSON", "deep/er/e.zst",
        "_SUCCESS.jsonl", ".hidden.jsonl", "_temporary/f.jsonl", "year=2024/g.jsonl.zst",
        "x[1].jsonl", "deep/ü.jsonl",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def names(path, **options):
    return [file.name for file in list_files({"path": str(path), **options})]


def test_a_folder_is_all_files_of_a_known_name_below_it_sorted_without_hidden_ones(tree):
    assert names(tree) == [
        "a.jsonl.gz", "b.jsonl", "deep/c.ndjson", "deep/er/d.JSON", "deep/ü.jsonl", "x[1].jsonl",
        "year=2024/g.jsonl.zst",
    ]  # fmt: skip


def test_names_are_the_same_however_the_folder_is_written(tree, monkeypatch):
    expected = names(tree)
    assert names(f"{tree}/") == expected
    assert names(f"file://{tree}") == expected
    monkeypatch.chdir(tree.parent)
    assert names(tree.name) == expected
    monkeypatch.chdir(tree)
    assert names(".") == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.jsonl", ["b.jsonl", "x[1].jsonl"]),
        ("?.jsonl*", ["a.jsonl.gz", "b.jsonl"][1:]),
        ("**/*.ndjson", ["deep/c.ndjson"]),
        ("*/*.ndjson", ["deep/c.ndjson"]),
        ("**/er/*", ["deep/er/d.JSON"]),
        ("[ab].jsonl*", ["a.jsonl.gz", "b.jsonl"]),
        ("[!a].jsonl*", ["b.jsonl"]),
        ("year=*/*", ["year=2024/g.jsonl.zst"]),
    ],
)
def test_a_glob_names_files_below_its_literal_part(tree, pattern, expected):
    if pattern == "?.jsonl*":
        expected = ["a.jsonl.gz", "b.jsonl"]
    assert names(tree / pattern) == expected


def test_a_glob_below_a_folder_names_files_from_there(tree):
    assert names(tree / "deep" / "*.ndjson") == ["c.ndjson"]


def test_a_file_is_named_without_its_folder_even_with_a_wildcard_in_its_name(tree):
    assert names(tree / "deep" / "c.ndjson") == ["c.ndjson"]
    assert names(tree / "x[1].jsonl") == ["x[1].jsonl"]
    assert names(tree / "_SUCCESS.jsonl") == ["_SUCCESS.jsonl"]


def test_the_option_glob_without_a_slash_looks_at_the_last_part_of_a_name(tree):
    assert names(tree, glob="*.ndjson") == ["deep/c.ndjson"]
    assert names(tree, glob="deep/*") == ["deep/c.ndjson", "deep/ü.jsonl"]
    assert names(tree / "**", glob="d.*") == ["deep/er/d.JSON"]


def test_a_named_format_takes_a_file_or_a_glob_whatever_it_is_called_but_not_a_folder(tree):
    assert names(tree / "notes.doc", format="jsonl") == ["notes.doc"]
    assert names(tree / "*.doc", format="jsonl") == ["notes.doc"]
    assert "notes.doc" not in names(tree, format="jsonl")


def test_a_linked_folder_is_walked_once_and_a_loop_ends(tree):
    (tree / "again").symlink_to(tree / "deep")
    (tree / "deep" / "loop").symlink_to(tree)
    assert [name for name in names(tree) if "c.ndjson" in name] == ["deep/c.ndjson"]


def test_a_link_takes_no_file_away_from_where_it_lies(tree):
    before = names(tree), names(tree / "d*" / "*.ndjson")
    (tree / "current").symlink_to(tree / "deep")
    assert (names(tree), names(tree / "d*" / "*.ndjson")) == before


def test_a_linked_folder_that_lies_elsewhere_or_is_hidden_is_read(tree, tmp_path_factory):
    for name, place in (("else", tmp_path_factory.mktemp("else")), ("last", tree / "_versions")):
        place.mkdir(exist_ok=True)
        (place / "x.jsonl").write_text("{}")
        (tree / name).symlink_to(place)
    assert {"else/x.jsonl", "last/x.jsonl"} <= set(names(tree))


def test_a_link_to_itself_is_no_file(tree):
    before = names(tree)
    (tree / "loop").symlink_to("loop")
    assert names(tree) == before
    (tree / "loop.jsonl").symlink_to("loop.jsonl")
    with pytest.raises(CommandError, match=r"'loop\.jsonl' is no file, or a link to none"):
        names(tree)


def test_a_folder_may_have_a_wildcard_in_its_name(tree):
    for name in ("x[1]", "x1"):
        (tree / name).mkdir()
        (tree / name / f"{name}.jsonl").write_text("{}")
    assert names(tree / "x[1]" / "*.jsonl") == ["x[1].jsonl"]
    assert names(tree / "x[0-9]" / "*.jsonl") == ["x1/x1.jsonl"]
    with pytest.raises(CommandError, match="does not exist"):
        names(tree / "x[1]" / "nothing.jsonl")


def test_a_file_that_is_packed_in_another_way_is_named_unless_a_glob_leaves_it_out(tree):
    (tree / "more.jsonl.xz").write_bytes(b"")
    (tree / "other.xz").write_bytes(b"")  # of no known name either way
    with pytest.raises(CommandError, match=r"'more\.jsonl\.xz' is compressed in a way that is not"):
        names(tree)
    assert names(tree, glob="b.jsonl") == ["b.jsonl"]


def test_a_path_to_what_is_neither_a_file_nor_a_folder_is_said_to_be_so(tree):
    os.mkfifo(tree / "pipe.jsonl")
    with pytest.raises(CommandError, match="neither a file nor a folder"):
        names(tree / "pipe.jsonl")


def test_of_two_compressions_one_is_undone_so_the_name_is_unknown(tree):
    (tree / "twice.jsonl.zst.gz").write_text("{}")
    assert "twice.jsonl.zst.gz" not in names(tree)


@pytest.mark.parametrize("address", ["zip://a.jsonl::{tree}/nothing.zip", "ftp://host.invalid/a"])
def test_whatever_a_store_raises_is_said(tree, address):
    with pytest.raises(CommandError, match=r"path: .* cannot be (opened|listed): "):
        list_files({"path": address.format(tree=tree)})


def test_a_file_knows_its_size_time_and_format(tree):
    (tree / "b.jsonl").write_text("{}")
    os.utime(tree / "b.jsonl", (1000, 1000))
    [file] = list_files({"path": str(tree / "b.jsonl")})
    assert (file.size, file.modified, file.format) == (2, 1000.0, "jsonl")
    assert file.address == str(tree / "b.jsonl")


@pytest.mark.parametrize("name", ["nothing", "nothing.jsonl", "no/where", "nothing/*.jsonl"])
def test_a_path_that_does_not_exist_is_named(tree, name):
    with pytest.raises(CommandError, match=rf"path: '.*{name.replace('*', '.')}' does not exist"):
        list_files({"path": str(tree / name)})


def test_a_folder_or_glob_without_a_file_to_read_is_an_error(tree):
    (tree / "empty").mkdir()
    for options in ({"path": str(tree / "empty")}, {"path": str(tree / "*.parquet")}):
        with pytest.raises(CommandError, match=r"path: .* has no file to read"):
            list_files(options)
    with pytest.raises(CommandError, match=r"with glob '\*\.csv' has no file to read"):
        list_files({"path": str(tree), "glob": "*.csv"})


def test_a_file_of_an_unknown_name_asks_for_the_format(tree):
    with pytest.raises(CommandError, match=r"format of 'notes.doc' does not show"):
        list_files({"path": str(tree / "notes.doc")})


def test_an_unknown_format_is_named_with_a_near_one(tree):
    with pytest.raises(CommandError, match=r"format: 'jsnol' is none of .*did you mean 'jsonl'"):
        list_files({"path": str(tree), "format": "jsnol"})


def test_the_environment_has_one_format_and_the_format_one_path(tree):
    with pytest.raises(CommandError, match=r"format of its own"):
        list_files({"path": "python-environment", "format": "jsonl"})
    with pytest.raises(CommandError, match="read from no other path"):
        list_files({"path": str(tree), "format": "python-environment"})


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("name", ["deep", "b.jsonl"])
def test_a_missing_permission_is_named(tree, name):
    (tree / name).chmod(0)
    with pytest.raises(CommandError, match="no permission to read"):
        list_files({"path": str(tree if name == "deep" else tree / name)})
    (tree / name).chmod(0o700)


def test_a_folder_that_may_not_be_listed_is_named(tree, monkeypatch):
    listing = os.scandir

    def scandir(folder):
        if str(folder).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(folder))
        return listing(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(CommandError, match=r"path: no permission to read .*deep"):
        list_files({"path": str(tree)})


class TestRemote:
    @pytest.fixture(autouse=True)
    def _store(self):
        memory = fsspec.filesystem("memory")
        memory.rm("/", recursive=True) if memory.ls("/") else None
        for name in ("b.jsonl", "a.jsonl.gz", "deep/c.jsonl", "_temporary/d.jsonl", "notes.doc"):
            memory.pipe(f"/store/data/{name}", b'{"text": "x"}\n')

    def test_a_folder_a_glob_and_a_file_are_named_as_local_ones(self):
        assert names("memory://store/data") == ["a.jsonl.gz", "b.jsonl", "deep/c.jsonl"]
        assert names("memory://store/data/*.jsonl") == ["b.jsonl"]
        assert names("memory://store/data/deep/c.jsonl") == ["c.jsonl"]

    def test_what_is_not_there_is_named(self):
        with pytest.raises(CommandError, match="'memory://store/none' does not exist"):
            list_files({"path": "memory://store/none"})

    def test_a_scheme_that_fsspec_does_not_know_is_named(self):
        with pytest.raises(CommandError, match="'nonsense://x' cannot be opened"):
            list_files({"path": "nonsense://x"})

    def test_documents_are_read_from_there(self, read):
        rows = read("memory://store/data/*.jsonl")
        assert [(row["text"], row["file"]) for row in rows] == [("x", "b.jsonl")]


def test_a_file_that_may_not_be_read_when_its_turn_comes_is_unreadable(
    read, accounts, write, monkeypatch
):
    write(b'{"text": "x"}', name="a.jsonl")
    path = write(b'{"text": "y"}', name="b.jsonl")

    def refuse(file):
        if file.name == "a.jsonl":
            raise PermissionError(13, "Permission denied", file.address)
        return open(file.address, "rb")

    monkeypatch.setattr("winnow.sources.streams.open_raw", refuse)
    assert [row["text"] for row in read(path.parent)] == ["y"]
    found = accounts(path.parent)
    assert (found["a.jsonl"].state, found["a.jsonl"].error) == ("unreadable", "no_permission")
    assert (found["b.jsonl"].state, found["b.jsonl"].documents) == ("read", 1)


def test_a_file_that_is_gone_ends_the_task(read, write, monkeypatch):
    path = write(b'{"text": "x"}')

    def gone(file):
        raise FileNotFoundError(2, "No such file", file.address)

    monkeypatch.setattr("winnow.sources.streams.open_raw", gone)
    with pytest.raises(FileNotFoundError):
        read(path)


@pytest.mark.parametrize("path", ["{tree}/loop/*.jsonl", "{tree}/" + 300 * "a"])
def test_what_the_disk_refuses_is_said(tree, path):
    (tree / "loop").symlink_to("loop")
    with pytest.raises(CommandError, match=r"cannot be listed|does not exist"):
        names(path.format(tree=tree))


@pytest.mark.parametrize("options", [{"glob": "[z-a]"}, {}])
def test_a_glob_that_is_no_pattern_is_refused(tree, options):
    with pytest.raises(CommandError, match="'\\[z-a\\]' is no pattern: bad character range"):
        names(tree if options else tree / "[z-a]", **options)


def test_what_is_no_file_is_named_unless_a_glob_leaves_it_out(write):
    path = write(b'{"text": "x"}').parent
    (path / "gone.jsonl").symlink_to(path / "nothing.jsonl")
    os.mkfifo(path / "pipe.fifo")  # of no known name
    with pytest.raises(CommandError, match=r"'gone\.jsonl' is no file, or a link to none"):
        list_files({"path": str(path)})
    assert names(path, glob="input*") == ["input.jsonl"]


def test_a_name_that_is_no_utf_8_is_escaped_and_its_file_read(read, write):
    path = write(b'{"text": "x"}').parent
    os.rename(os.fsencode(path) + b"/input.jsonl", os.fsencode(path) + b"/caf\xe9.jsonl")
    assert [(row["file"], row["text"]) for row in read(path)] == [("caf\\xe9.jsonl", "x")]


@pytest.mark.parametrize("option", ["path", "text", "id"])
def test_an_empty_option_is_refused(write, option):
    given = {"path": str(write(b"{}"))} | {option: ""}
    with pytest.raises(CommandError, match=f"{option}: it is empty"):
        list_files(given)
