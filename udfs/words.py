"""Words of a text by number, for kernels: the same number, the same bytes."""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.ngrams import NUMBERS
from winnow.udfs.seen import are_equal, key_of, slot_of

PLACES, KEYS = types.Array(types.int64, 2, "C"), types.Array(types.uint64, 1, "C")


@njit(types.int64(BYTES, types.int64, types.int64), cache=True, nogil=True)
def most_words(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Return a number of words that the text has at most: bytes that may begin a white space."""
    words = 1
    for i in range(start, end):
        byte = data[i]
        words += (byte <= 0x20) | (byte == 0xC2) | ((byte >= 0xE1) & (byte <= 0xE3))
    return words


@njit(types.int64(BYTES, OFFSETS), cache=True, nogil=True)
def most_words_of_a_row(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> int:
    """Return a number of words that no row has more of."""
    most = 1
    for row in range(offsets.size - 1):
        most = max(most, most_words(data, offsets[row], offsets[row + 1]))
    return most


_NUMBER = types.int64(
    BYTES, *(types.int64,) * 2, PLACES, KEYS, types.int64, NUMBERS, types.int64
)  # fmt: skip


@njit(_NUMBER, cache=True, nogil=True)
def number_of(
    data: NDArray[np.uint8],
    start: int,
    end: int,
    places: NDArray[np.int64],
    keys: NDArray[np.uint64],
    count: int,
    seen: NDArray[np.int32],
    slots: int,
) -> int:
    """Return the number of data[start:end], `count` where it is new; then it is remembered.

    places[number] is where each one begins and ends, keys[number] its hash, or the bytes themselves
    where they are 7 at most; `seen` is an open table of numbers, -1 for none.
    """
    key = key_of(data, start, end)
    slot = slot_of(key, slots)
    number = seen[slot]
    while number >= 0:
        if keys[number] == key:
            other = places[number, 0]
            if end - start <= 7 or (
                places[number, 1] - other == end - start
                and are_equal(data, start, other, end - start)
            ):
                return int(number)
        slot = (slot + 1) & (slots - 1)
        number = seen[slot]
    seen[slot], keys[count] = count, key
    places[count, 0], places[count, 1] = start, end
    return count
