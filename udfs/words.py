"""Words of a text by number, for kernels: the same number, the same bytes."""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.ngrams import NUMBERS, clear
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


_NUMBER = types.int64(BYTES, PLACES, types.int64, KEYS, NUMBERS, NUMBERS, types.int64)


@njit(_NUMBER, cache=True, nogil=True)
def number_words(
    data: NDArray[np.uint8],
    places: NDArray[np.int64],
    size: int,
    keys: NDArray[np.uint64],
    numbers: NDArray[np.int32],
    seen: NDArray[np.int32],
    slots: int,
) -> int:
    """Write the numbers of the first `size` words, equal ones the same, from 0 on.

    The i-th word is data[places[i, 0]:places[i, 1]], its number numbers[i]. All at once: a call for
    each costs more than it does. `keys` and `seen` are room for as many keys and for the slots.

    Returns:
        How many words there are that differ.
    """
    clear(seen, slots)
    different = 0
    for i in range(size):
        start, end = places[i, 0], places[i, 1]
        key = key_of(data, start, end)
        keys[i] = key
        slot = slot_of(key, slots)
        other = seen[slot]
        while other >= 0:
            if keys[other] == key and (
                end - start <= 7
                or (
                    places[other, 1] - places[other, 0] == end - start
                    and are_equal(data, start, places[other, 0], end - start)
                )
            ):
                break
            slot = (slot + 1) & (slots - 1)
            other = seen[slot]
        if other < 0:
            seen[slot] = i
            numbers[i] = different
            different += 1
        else:
            numbers[i] = numbers[other]
    return different
