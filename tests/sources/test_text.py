import bz2
import codecs
import gzip
import random

import pytest

from winnow.sources.formats import format_of
from winnow.sources.records import REPAIRED


@pytest.fixture
def file(tmp_path):
    """Write bytes to a file; return its path."""

    def file(content, name="file.txt"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return file


@pytest.mark.parametrize(
    "content", ["One.\n\nTwo.\r\n", " ", "\n", "\0", "Grüße 🌾", "x" * 100_000]
)
def test_a_file_is_one_document_with_its_text_as_it_stands(read, file, content):
    [row] = read(file(content.encode()))
    assert (row["text"], row["content"], row["reject_reason"]) == (content, None, None)
    assert (row["file"], row["position"], row["metadata"]) == ("file.txt", 0, {})
    assert row["text_bytes"] == len(content.encode())


def test_constants_are_given_to_it_and_it_has_an_id_of_its_own(read, file):
    file(b"x", "a.txt")
    rows = read(file(b"x", "b.txt").parent, constant_source="notes", constant_licence="CC0-1.0")
    assert [(row["source"], row["licence"]) for row in rows] == [("notes", "CC0-1.0")] * 2
    assert len({row["id"] for row in rows}) == 2


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.rst", "A.TXT", "a.txt.gz", "a.md.zst"])
def test_texts_are_known_by_the_ends_of_their_names(name):
    assert format_of(name) == "text"


@pytest.mark.parametrize("name", ["txt", "a.text", "a.txt.zip", "a.txt.old"])
def test_and_by_no_other(name):
    assert format_of(name) is None


class TestEncodings:
    @pytest.mark.parametrize(
        ("mark", "encoding"),
        [
            (codecs.BOM_UTF8, "utf-8"),
            (codecs.BOM_UTF16_LE, "utf-16-le"),
            (codecs.BOM_UTF16_BE, "utf-16-be"),
            (codecs.BOM_UTF32_LE, "utf-32-le"),
            (codecs.BOM_UTF32_BE, "utf-32-be"),
        ],
    )
    def test_a_byte_order_mark_names_the_encoding_and_is_no_text(self, read, file, mark, encoding):
        [row] = read(file(mark + "Grüße 🌾\n\ufffd".encode(encoding)))
        assert (row["text"], row["metadata"]) == ("Grüße 🌾\n\ufffd", {})
        [row] = read(file(mark))
        assert (row["reject_reason"], row["text"]) == ("no_text", None)

    def test_a_second_mark_is_text(self, read, file):
        [row] = read(file(codecs.BOM_UTF8 * 2 + b"x"))
        assert row["text"] == "\ufeffx"

    @pytest.mark.parametrize(
        ("content", "text", "repaired"),
        [
            (b"a\xffb", "a\ufffdb", "1"),
            (b"\xff\xff", "\ufffd\ufffd", "2"),
            (b"a\xe2\x82", "a\ufffd", "1"),
            ("a\ufffd".encode() + b"\xff", "a\ufffd\ufffd", "1"),
            (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd", "3"),  # a lone surrogate
            ("Grüße".encode("latin-1"), "Gr\ufffd\ufffde", "2"),
            (codecs.BOM_UTF16_LE + "a".encode("utf-16-le") + b"b", "a\ufffd", "1"),
            (codecs.BOM_UTF16_LE + "\ufffd".encode("utf-16-le") + b"\0\xd8", "\ufffd\ufffd", "1"),
            (codecs.BOM_UTF32_BE + b"\xff\xff\xff\xff", "\ufffd", "1"),
        ],
    )
    def test_what_is_not_in_the_encoding_is_mended_and_counted(
        self, read, file, content, text, repaired
    ):
        [row] = read(file(content))
        assert (row["text"], row["metadata"]) == (text, {REPAIRED: repaired})


class TestRejects:
    @pytest.mark.parametrize("name", ["file.txt", "file.txt.gz"])
    def test_an_empty_file_is_a_reject(self, read, accounts, file, name):
        path = file(gzip.compress(b"") if name.endswith(".gz") else b"", name)
        [row] = read(path)
        assert (row["reject_reason"], row["text"], row["reject_snippet"]) == ("no_text", None, "")
        [account] = accounts(path).values()
        assert (account.state, account.documents, account.rejects) == ("read", 0, 1)

    @pytest.mark.parametrize("length", [99, 100, 101])
    def test_a_file_over_the_largest_length_is_a_reject(
        self, read, accounts, file, monkeypatch, length
    ):
        monkeypatch.setattr("winnow.sources.streams.LARGEST_RECORD", 100)
        path = file(b"x" * length)
        [row] = read(path)
        expected = ("x" * length, None) if length <= 100 else (None, "too_long")
        assert (row["text"], row["reject_reason"]) == expected
        assert accounts(path)["file.txt"].state == "read"

    def test_a_compressed_file_is_measured_by_what_it_holds(self, read, file, monkeypatch):
        monkeypatch.setattr("winnow.sources.streams.LARGEST_RECORD", 5 << 20)
        [row] = read(file(gzip.compress(b"x" * (6 << 20)), "file.txt.gz"))
        assert (row["reject_reason"], row["reject_snippet"]) == ("too_long", "x" * 500)

    @pytest.mark.parametrize(
        ("name", "compress"), [("a.txt.gz", gzip.compress), ("a.txt.bz2", bz2.compress)]
    )
    def test_a_compressed_file_that_breaks_off_is_a_reject_with_its_beginning(
        self, read, accounts, file, name, compress
    ):
        content = b"The beginning. " + random.Random(7).randbytes(5000)
        path = file((compress(b"The first member. ") + compress(content))[:-100], name)
        [row] = read(path)
        assert (row["reject_reason"], row["text"]) == ("truncated", None)
        assert row["reject_snippet"].startswith("The first member. ")
        [account] = accounts(path).values()
        assert (account.state, account.error) == ("partial", "truncated")
        assert account.position >= len("The first member. ")

    def test_a_file_that_is_not_compressed_as_its_name_says_is_corrupt(self, read, accounts, file):
        path = file(b"This is plain text, not gzip.", "file.txt.gz")
        assert [row["reject_reason"] for row in read(path)] == ["corrupt"]
        [account] = accounts(path).values()
        assert (account.error, account.position, account.rejects) == ("corrupt", 0, 1)


@pytest.mark.parametrize("suffix", ["", ".gz", ".bz2"])
def test_a_compressed_text_reads_as_its_content(read, file, suffix):
    compress = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress}[suffix]
    content = "Zeile für Zeile.\n" * 200_000
    [row] = read(file(compress(content.encode()), f"file.md{suffix}"))
    assert row["text"] == content
