import gzip
import random

import pytest

from winnow.sources.formats import format_of


@pytest.fixture
def page(tmp_path):
    """Write bytes to a file; return its path."""

    def page(content, name="page.html"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return page


@pytest.mark.parametrize(
    "content", [b"<p>Gr\xfc\xdfe</p>", b"\xef\xbb\xbf<p>", b"\xff\xfe<\0p\0>\0", b" ", b"\0"]
)
def test_a_file_is_one_page_with_its_bytes_as_content(read, page, content):
    [row] = read(page(content))
    assert (row["content"], row["text"], row["content_type"]) == (content, None, "text/html")
    assert (row["content_hash"], row["text_bytes"], row["http_status"]) == (None, None, None)
    assert (row["file"], row["position"], row["metadata"]) == ("page.html", 0, {})


def test_constants_are_given_to_it(read, page):
    [row] = read(page(b"<p>"), constant_source="site", constant_licence="CC0-1.0", id_prefix="a/")
    assert (row["source"], row["licence"], row["id"][:2]) == ("site", "CC0-1.0", "a/")


@pytest.mark.parametrize("name", ["a.html", "a.htm", "a.xhtml", "A.HTML", "a.html.gz"])
def test_pages_are_known_by_the_ends_of_their_names(name):
    assert format_of(name) == "html"


@pytest.mark.parametrize("name", ["page.html", "page.html.gz"])
def test_an_empty_file_is_a_reject(read, page, name):
    [row] = read(page(gzip.compress(b"") if name.endswith(".gz") else b"", name))
    assert (row["reject_reason"], row["content"], row["content_type"]) == ("no_text", None, None)


@pytest.mark.parametrize("length", [99, 100, 101])
def test_a_file_over_the_largest_length_is_a_reject(read, page, monkeypatch, length):
    monkeypatch.setattr("winnow.sources.streams.LARGEST_RECORD", 100)
    [row] = read(page(b"x" * length))
    expected = (b"x" * length, None) if length <= 100 else (None, "too_long")
    assert (row["content"], row["reject_reason"]) == expected


def test_a_compressed_page_reads_as_its_content(read, page):
    content = random.Random(7).randbytes(3_000_000)
    [row] = read(page(gzip.compress(content), "page.html.gz"))
    assert row["content"] == content


@pytest.mark.parametrize("left", [1, 30, 3000])
def test_one_that_breaks_off_is_a_reject(read, accounts, page, left):
    content = gzip.compress(b"<html>") + gzip.compress(random.Random(7).randbytes(5000))
    path = page(content[:left], "page.html.gz")
    [row] = read(path)
    assert (row["reject_reason"], row["content"]) == ("truncated", None)
    assert row["reject_snippet"].startswith("<html>" if left > 1 else "")
    [account] = accounts(path).values()
    assert (account.state, account.error, account.rejects) == ("partial", "truncated", 1)
