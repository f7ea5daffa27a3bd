"""What repeated spans are found by: the windows of so many words in a row, and their anchors.

A word is what stands between white space, byte for byte. A window is `words` of them. Its anchor is
the least, by hash, of the runs of `anchor_words` that it holds (winnowing: Schleimer, Wilkerson and
Aiken 2003, doi:10.1145/872757.872770). A window alone decides on its anchor, so two equal windows
have equal anchors wherever they stand: what is repeated can be found among the few windows whose
anchor is repeated. n words have about 2 n / (words - anchor_words + 2) anchors.

A window is a copy if its text has the same one before, and at least `words` words before, so that
the two do not overlap: of one word 1,000 times, the first `words` are no copy.

Windows are told apart by hashes of 64 bits, not polynomials: a run of 2n words is hashed from the
hashes of its halves. What is returned as a span was compared word by word besides, so two windows
of one hash can hide a repeat, with probability n^2 / 2^65 among n windows, but never make one up.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES
from winnow.udfs.kernels import kernel
from winnow.udfs.seen import slot_of, slots_for
from winnow.udfs.token_table import HASHES, WIDE, find_chunks


class Windows(NamedTuple):
    """The words of some rows and, for each word, the window that begins with it.

    Row i has the words first[i]:first[i + 1], data[starts[k]:ends[k]] the k-th. Where no window
    begins, since too few words follow, `copied` is NONE.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    keys: NDArray[np.uint64]
    first: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    anchors: NDArray[np.uint64]
    copied: NDArray[np.int64]


FRESH, NONE = -1, -2  # `copied` is the place of the same window before, or one of these


def anchor_words(words: int) -> int:
    """Return how many words an anchor has: the largest power of two up to half a window."""
    return 1 << (max(words // 2, 1).bit_length() - 1)


@kernel(types.uint64(types.uint64, types.uint64), inlined=True)
def _pair(left: np.uint64, right: np.uint64) -> np.uint64:
    """Return a hash of two hashes in this order, mixed as splitmix64 does."""
    mixed = left * np.uint64(0x9E3779B97F4A7C15) + (right ^ np.uint64(0xD1B54A32D192ED03))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


_FILL = types.void(
    WIDE, HASHES, types.int64, types.int64, HASHES, HASHES, WIDE, types.Array(types.int32, 1, "C")
)  # fmt: skip


@kernel(_FILL)
def _fill(
    first: NDArray[np.int64],
    keys: NDArray[np.uint64],
    words: int,
    run: int,
    hashes: NDArray[np.uint64],
    anchors: NDArray[np.uint64],
    copied: NDArray[np.int64],
    seen: NDArray[np.int32],
) -> None:
    for row in range(first.size - 1):
        begin, end = first[row], first[row + 1]
        copied[begin:end] = NONE
        count = end - begin - words + 1
        if count <= 0:
            continue
        for i in range(begin, end):
            hashes[i] = _pair(keys[i], np.uint64(0))
        runs, width = end, 1  # runs of `width` words begin before `runs`
        while width < words:
            if width == run:
                anchors[begin:runs] = hashes[begin:runs]
            step = min(width, words - width)
            for i in range(begin, runs - step):
                hashes[i] = _pair(hashes[i], hashes[i + step])
            runs, width = runs - step, width + step
        if run == words:
            anchors[begin:runs] = hashes[begin:runs]
        runs = end - run + 1
        width = 1  # and in the same way the least of the runs that a window holds
        while width < words - run + 1:
            step = min(width, words - run + 1 - width)
            runs -= step
            for i in range(begin, runs):
                anchors[i] = min(anchors[i], anchors[i + step])
            width += step

        slots = slots_for(count)
        for i in range(begin, begin + count):
            slot = slot_of(hashes[i], slots)
            # A place before this row's is an earlier row's: the slot is free.
            while seen[slot] >= begin and hashes[seen[slot]] != hashes[i]:
                slot = (slot + 1) & (slots - 1)
            copied[i] = FRESH
            if seen[slot] < begin:
                seen[slot] = i
            elif seen[slot] + words <= i:
                copied[i] = seen[slot]


def find_windows(data: NDArray[np.uint8], offsets: NDArray[np.int64], words: int) -> Windows:
    """Return the windows of so many words of all rows.

    Raises:
        ValueError: a window has less than one word.
    """
    if words < 1:
        raise ValueError(f"a window has at least 1 word, not {words}")
    starts, ends, keys, first = find_chunks(data, offsets)
    hashes, anchors = np.empty((2, keys.size), np.uint64)
    copied = np.empty(keys.size, np.int64)
    most = int(np.diff(first).max(initial=0)) - words + 1
    seen = np.full(slots_for(max(most, 1)), -1, np.int32)
    _fill(first, keys, words, anchor_words(words), hashes, anchors, copied, seen)
    return Windows(starts, ends, keys, first, hashes, anchors, copied)


@kernel(types.boolean(BYTES, WIDE, WIDE, HASHES, types.int64, types.int64), inlined=True)
def is_same_word(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    keys: NDArray[np.uint64],
    one: int,
    other: int,
) -> bool:
    """Whether two words are the same, byte for byte."""
    if keys[one] != keys[other]:
        return False
    size = ends[one] - starts[one]
    if size != ends[other] - starts[other]:
        return False
    if size > 7:  # the key of a shorter word is the word
        for i in range(size):
            if data[starts[one] + i] != data[starts[other] + i]:
                return False
    return True
