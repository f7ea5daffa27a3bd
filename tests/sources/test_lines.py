import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

import winnow.sources.lines as module
from winnow.sources.lines import lines


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 4)


class Bytes(io.BytesIO):
    broken = None


def read(content: bytes, start: int = 0, end: int | None = None) -> list[tuple[int, bytes]]:
    return [(position, line) for position, line, _ in lines(Bytes(content), start, end)]


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
    stream = Bytes(b"x" * 1000 + b"\ny")
    assert list(lines(stream, 10, 20)) == []
    assert stream.tell() < 30


def test_the_line_in_which_a_stream_breaks_is_told_from_the_whole_ones():
    stream = Bytes(b"whole\nhalf")
    stream.broken = "truncated"
    assert list(lines(stream)) == [(0, b"whole", None), (6, b"half", "truncated")]


@pytest.mark.parametrize("chunk", [4, 100])
def test_of_a_line_that_is_too_long_only_the_beginning_is_held(monkeypatch, chunk):
    monkeypatch.setattr(module, "CHUNK", chunk)
    content = b"a" * 20 + b"\n" + b"b" * 21 + b"\n" + b"c" * 3000
    first, second, third = lines(Bytes(content), longest=20)
    assert first == (0, b"a" * 20, None)
    assert (second.position, second.fault, third.position, third.fault) == (
        21, "too_long", 43, "too_long",
    )  # fmt: skip
    assert 0 <= len(second.content) <= 21
    assert set(third.content) == {ord("c")}
    assert len(third.content) <= 500


class FailingDisk(io.RawIOBase):
    def read(self, size=-1):
        raise OSError(5, "input/output error")


def test_a_failing_disk_is_no_property_of_the_file():
    with pytest.raises(OSError, match="input/output"):
        list(lines(FailingDisk()))
