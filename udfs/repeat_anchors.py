"""Where a text repeats itself, and the anchors by which it is compared with others."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.decoding import count_chars
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.token_table import HASHES, WIDE
from winnow.udfs.word_windows import FRESH, find_windows, is_same_word

SPAN_FIELDS = ("start", "end", "other_start", "words")
DDL = """STRUCT<
    anchors ARRAY<BIGINT>,
    spans ARRAY<STRUCT<start INT, end INT, other_start INT, words INT>>>"""

BLOCK = 64  # bytes between two marks of how many code points came before

_SPANS = types.Array(types.int64, 2, "C")
_MARKS = types.Array(types.int32, 1, "C")


@kernel(types.void(WIDE, HASHES, WIDE, WIDE, WIDE))
def _collect_anchors(
    first: NDArray[np.int64],
    anchors: NDArray[np.uint64],
    copied: NDArray[np.int64],
    found: NDArray[np.int64],
    found_first: NDArray[np.int64],
) -> None:
    """Write the distinct anchors of each row's windows that are no copies, sorted."""
    end = 0
    for row in range(first.size - 1):
        start = last = found_first[row] = end
        for i in range(first[row], first[row + 1]):
            if copied[i] == FRESH:
                anchor = np.int64(anchors[i])
                if last == start or found[last - 1] != anchor:  # neighbours mostly share it
                    found[last] = anchor
                    last += 1
        found[start:last].sort()
        for i in range(start, last):
            if i == start or found[i] != found[end - 1]:
                found[end] = found[i]
                end += 1
    found_first[first.size - 1] = end


@kernel(types.int64(BYTES, WIDE, WIDE, HASHES, WIDE, WIDE, types.int64, _SPANS, WIDE))
def _find_spans(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    keys: NDArray[np.uint64],
    first: NDArray[np.int64],
    copied: NDArray[np.int64],
    words: int,
    spans: NDArray[np.int64],
    spans_first: NDArray[np.int64],
) -> int:
    """Write (first word, the other's first word, words) of spans that hold all copied windows.

    The next span begins with the first copied window, and while they touch with the last one that
    touches: no more than two spans hold a word. It ends where the texts begin to differ.
    """
    count = 0
    for row in range(first.size - 1):
        spans_first[row] = count
        end = first[row + 1]
        reach = first[row]  # all windows that end up to here are looked at
        at = reach
        while at < end:
            if copied[at] < 0:
                at += 1
                continue
            start = at
            if count > spans_first[row]:
                for i in range(min(reach, end - 1), at, -1):
                    if copied[i] >= 0:
                        start = i
                        break
            other = copied[start]
            same = 0
            while start + same < end and is_same_word(
                data, starts, ends, keys, start + same, other + same
            ):
                same += 1
            if same < words:  # two windows of one hash
                copied[start] = FRESH
                continue
            spans[count, 0], spans[count, 1], spans[count, 2] = start, other, same
            count += 1
            reach = start + same
            at = reach - words + 1
    spans_first[first.size - 1] = count
    return count


@kernel(types.int64(BYTES, types.int64, types.int64, _MARKS), inlined=True)
def _code_points(data: NDArray[np.uint8], begin: int, at: int, marks: NDArray[np.int32]) -> int:
    """Return how many code points stand in data[begin:at]; marks are those before each block."""
    block = (at - begin) // BLOCK
    return int(marks[block]) + count_chars(data, begin + block * BLOCK, at)


@kernel(types.void(BYTES, OFFSETS, WIDE, WIDE, WIDE, _SPANS, WIDE, _SPANS))
def _place(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: NDArray[np.int64],
    spans: NDArray[np.int64],
    spans_first: NDArray[np.int64],
    chars: NDArray[np.int64],
) -> None:
    """Write (start, end, the other's start) of each span in code points."""
    for row in range(offsets.size - 1):
        if spans_first[row] == spans_first[row + 1]:
            continue
        begin, end = offsets[row], offsets[row + 1]
        marks = np.empty((end - begin) // BLOCK + 1, np.int32)
        points = 0
        for block in range(marks.size):
            marks[block] = points
            start = begin + block * BLOCK
            points += count_chars(data, start, min(start + BLOCK, end))
        for i in range(spans_first[row], spans_first[row + 1]):
            word, other, words = spans[i]
            chars[i, 0] = _code_points(data, begin, starts[word], marks)
            chars[i, 1] = _code_points(data, begin, ends[word + words - 1], marks)
            chars[i, 2] = _code_points(data, begin, starts[other], marks)


@column_function(returns=" ".join(DDL.split()), version=1)
def repeat_anchors(text: pa.Array, words: int = 50) -> pa.Array:
    """Return where a text repeats so many words of itself, and anchors to find it in others by.

    Shape: STRING -> STRUCT<anchors ARRAY<BIGINT>, spans ARRAY<STRUCT<start INT, end INT,
        other_start INT, words INT>>>; null gives null.
    Units: words, windows, anchors and copies are defined in `winnow.udfs.word_windows`. Anchors are
        distinct and ascending, those of the windows that are no copies. start and other_start are
        code points from 0, end is exclusive; spans hold `words` words. Together the spans hold
        exactly the words of the windows that are copies. Spans are in order; they may overlap.
        Each is the same, word by word, as what begins at other_start, which comes before it.
        Memory is 10 bytes for each of a text of English, 0.5 GB for one of 50 MB.
    Errors: TypeError if the column is not STRING, ValueError if words is below 1.
    Source: winnowing (Schleimer, Wilkerson and Aiken 2003, doi:10.1145/872757.872770); 50 words as
        the 50 tokens of Lee et al. 2021, arXiv:2107.06499, section 4.2 (those are BPE tokens).
    """
    data, offsets = utf8(text)
    found = find_windows(data, offsets, words)
    anchors, first = np.empty(found.keys.size, np.int64), np.empty(offsets.size, np.int64)
    _collect_anchors(found.first, found.anchors, found.copied, anchors, first)
    spans = np.empty((2 * found.keys.size // words + len(text) + 1, 3), np.int64)
    spans_first = np.empty(offsets.size, np.int64)
    count = _find_spans(
        data, found.starts, found.ends, found.keys, found.first, found.copied, words,
        spans, spans_first,
    )  # fmt: skip
    places = np.empty((count, 3), np.int64)
    _place(data, offsets, found.starts, found.ends, found.first, spans, spans_first, places)
    columns = (*places.T, spans[:count, 2])
    fields = [pa.array(column.astype(np.int32)) for column in columns]
    lists = [
        pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), anchors[: first[-1]].copy()),
        pa.ListArray.from_arrays(
            pa.array(spans_first.astype(np.int32)),
            pa.StructArray.from_arrays(fields, SPAN_FIELDS),
        ),
    ]
    return pa.StructArray.from_arrays(lists, ("anchors", "spans"), mask=text.is_null())
