"""Words of a text by number, for kernels: the same number, the same bytes.

Indices of hot loops are made unsigned: of a signed one numba asks each time whether it counts from
the end.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.decoding import MAY_BE_SPACE, find_space, space_size
from winnow.udfs.kernels import kernel
from winnow.udfs.ngrams import NUMBERS, clear
from winnow.udfs.seen import are_equal, key_of, slot_of, slots_for

PLACES, KEYS = types.Array(types.int64, 2, "C"), types.Array(types.uint64, 1, "C")
FIRST = types.Array(types.int64, 1, "C")


class Words(NamedTuple):
    """The words of a column: maximal runs of characters that are no white space.

    Row r has those from first[r] to first[r + 1]. Word i is data[places[i, 0]:places[i, 1]]; within
    a row equal words have the same number, from 0 on in the order in which they come first.
    """

    places: NDArray[np.int64]
    numbers: NDArray[np.int32]
    first: NDArray[np.int64]


_NUMBER = types.int64(BYTES, PLACES, types.int64, KEYS, NUMBERS, NUMBERS, types.int64)


@kernel(_NUMBER)
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

    The i-th word is data[places[i, 0]:places[i, 1]], its key keys[i], its number numbers[i]. All at
    once: a call for each costs more than it does. `seen` is room for the slots.

    Returns:
        How many words there are that differ.
    """
    clear(seen, slots)
    different = 0
    for i in range(size):
        start, end = places[i, 0], places[i, 1]
        key = keys[i]
        slot = slot_of(key, slots)
        other = seen[np.uint64(slot)]
        while other >= 0:
            if keys[np.uint64(other)] == key and (
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


_FIND = types.void(BYTES, OFFSETS, PLACES, NUMBERS, FIRST, types.int64)


@kernel(_FIND)
def _find(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    places: NDArray[np.int64],
    numbers: NDArray[np.int32],
    first: NDArray[np.int64],
    most: int,
) -> None:
    seen, keys = np.empty(slots_for(most), np.int32), np.empty(most, np.uint64)
    count = first[0] = 0
    for row in range(offsets.size - 1):
        at, end = offsets[row], offsets[row + 1]
        begin = count
        while at < end:
            if MAY_BE_SPACE[data[np.uint64(at)]]:
                space = space_size(data, at, end)
                if space:
                    at += space
                    continue
            places[count, 0] = at
            at = find_space(data, at, end)
            places[count, 1] = at
            keys[count - begin] = key_of(data, places[count, 0], at)
            count += 1
        first[row + 1] = count
        size = count - begin
        number_words(data, places[begin:], size, keys, numbers[begin:], seen, slots_for(size))


def room_for_words(offsets: NDArray[np.int64]) -> tuple[Words, int]:
    """Return arrays that hold the words of all rows, still empty, and the most that a row has.

    They are as large as words of one byte would need; what is not written takes no memory.
    """
    rows = offsets.size - 1
    words = (int(offsets[-1] - offsets[0]) + rows) // 2
    room = Words(
        np.empty((words, 2), np.int64), np.empty(words, np.int32), np.empty(rows + 1, np.int64)
    )
    return room, int(np.diff(offsets).max(initial=0)) // 2 + 1


class _Found(NamedTuple):
    data: NDArray[np.uint8]  # held, so that no other column can come to lie in its place
    offsets: NDArray[np.int64]
    words: Words


_last: list[_Found] = []  # the column whose words were found last, if any


def remember(data: NDArray[np.uint8], offsets: NDArray[np.int64], words: Words) -> None:
    """Keep the words of a column for the next function that measures it.

    Spark hands the same column to all functions of a SELECT, one after the other.
    """
    _last[:] = [_Found(data, offsets, words)]


def words_of(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Words:
    """Return the words of a column, those that are remembered if they are its."""
    for found in _last:
        if found.data.ctypes.data == data.ctypes.data and np.array_equal(found.offsets, offsets):
            return found.words
    words, most = room_for_words(offsets)
    _find(data, offsets, *words, most)
    return words
