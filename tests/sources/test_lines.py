import gzip
import io
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

import winnow.sources.lines as module
from winnow.sources.lines import BrokenStreamError, lines


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 4)


def read(content: bytes, start: int = 0, end: int | None = None) -> list[tuple[int, bytes]]:
    return list(lines(io.BytesIO(content), start, end))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n", [(0, b"")]),
        (b"a", [(0, b"a")]),
        (b"a\n", [(0, b"a")]),
        (b"a\nb", [(0, b"a"), (2, b"b")]),
        (b"a\r\nb\r\n", [(0, b"a\r"), (3, b"b\r")]),
        (b"abcd\nefgh", [(0, b"abcd"), (5, b"efgh")]),
        (b"a long line\n\nx", [(0, b"a long line"), (12, b""), (13, b"x")]),
        (b"a\x0bb\x0cc\xe2\x80\xa8d", [(0, b"a\x0bb\x0cc\xe2\x80\xa8d")]),
    ],
)
def test_a_line_ends_at_a_newline_and_at_nothing_else(content, expected):
    assert read(content) == expected


CONTENT = st.text("ab\n", max_size=40).map(str.encode)


@given(CONTENT, st.lists(st.integers(1, 39), max_size=5))
def test_ranges_share_no_line_and_lose_none_wherever_they_meet(content, cuts):
    edges = sorted({0, *(cut for cut in cuts if cut < len(content))})
    ends = [*edges[1:], None]
    parts = [
        line for start, end in zip(edges, ends, strict=True) for line in read(content, start, end)
    ]
    assert parts == read(content)


@given(CONTENT)
def test_a_position_is_where_the_line_begins(content):
    for position, line in read(content):
        assert content[position : position + len(line)] == line
        assert position == 0 or content[position - 1 : position] == b"\n"


def test_a_range_inside_of_a_line_stops_at_its_end_and_holds_nothing():
    stream = io.BytesIO(b"x" * 1000 + b"\ny")
    assert list(lines(stream, 10, 20)) == []
    assert stream.tell() < 30


def until_broken(stream: BinaryIO) -> tuple[list[tuple[int, bytes]], BrokenStreamError]:
    found = []
    try:
        for position, line in lines(stream):
            found.append((position, line))
    except BrokenStreamError as error:
        return found, error
    raise AssertionError("the stream did not break")


def test_the_lines_before_a_broken_place_are_those_of_the_whole_file():
    whole = b"".join(b'{"text": "line %d"}\n' % number for number in range(2000))
    stream = gzip.GzipFile(fileobj=io.BytesIO(gzip.compress(whole, mtime=0)[:-100]))
    found, broken = until_broken(stream)
    assert broken.is_truncated
    expected = read(whole)
    assert 0 < len(found) < len(expected)
    assert found == expected[: len(found)]
    position, line = expected[len(found)]
    assert broken.position == position
    assert line.startswith(broken.line)


class FailingDisk(io.RawIOBase):
    def read(self, size=-1):
        raise OSError(5, "input/output error")


def test_a_failing_disk_is_no_property_of_the_file():
    with pytest.raises(OSError, match="input/output"):
        list(lines(FailingDisk()))
