"""Sets of byte strings and of numbers for kernels: which item was there before, in its own text.

A set is an array of slots that all texts share. A slot belongs to whoever wrote its `stamp` last,
so that nothing has to be cleared from one text to the next.
"""

from collections.abc import Iterable

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.eight_bytes import count_bytes, eight_bytes
from winnow.udfs.kernels import kernel

# int64[slots, 3]: the stamp of who filled it, and two numbers of theirs.
SLOTS = types.Array(types.int64, 2, "C")
PLACES = types.Array(types.int64, 1, "C")
_NEWLINE = ord("\n")
_START = np.uint64(14695981039346656037)
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def new_slots(items: int) -> NDArray[np.int64]:
    """Return slots for sets of up to so many items."""
    return np.zeros((slots_for(max(items, 1)), 3), np.int64)


@kernel(types.int64(types.int64), inlined=True)
def slots_for(items: int) -> int:
    """Return a power of two, at least twice the items: what a set of so many looks at."""
    slots = 2
    while slots < 2 * items:
        slots *= 2
    return slots


@kernel(types.int64(BYTES, types.int64, types.int64))
def count_newlines(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Return how many "\\n" the text has."""
    return count_bytes(data, start, end, 0xFF, _NEWLINE)


@kernel(types.int64(BYTES, OFFSETS))
def most_newlines(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> int:
    """Return how many "\\n" the row has that has most."""
    most = 0
    for row in range(offsets.size - 1):
        most = max(most, count_newlines(data, offsets[row], offsets[row + 1]))
    return most


@kernel(types.int64(types.uint64, types.int64), inlined=True)
def slot_of(key: np.uint64, slots: int) -> np.int64:
    """Return where to look first: the key's bits, mixed."""
    mixed = np.uint64(key)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    return np.int64(mixed & np.uint64(slots - 1))


@kernel(types.uint64(BYTES, types.int64, types.int64), inlined=True)
def key_of(data: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """Return a string's key: up to 7 bytes are their own, a longer one has its hash."""
    size = np.uint64(end - start)
    if size <= 7:
        if start + 8 <= data.size:
            others = np.uint64(64) - np.uint64(8) * size
            mask = np.uint64(0) if size == 0 else ~np.uint64(0) >> others
            return eight_bytes(data, start) & mask | size << np.uint64(56)
        key = size << np.uint64(56)
        for i in range(start, end):
            key |= np.uint64(data[i]) << np.uint64(8 * (i - start))
        return key
    key = _START ^ size
    at = start
    while at + 8 <= end:
        key = (key ^ eight_bytes(data, at)) * _MULTIPLIER
        key ^= key >> np.uint64(32)
        at += 8
    return (key ^ eight_bytes(data, end - 8)) * _MULTIPLIER | np.uint64(1 << 63)


def short_keys(words: Iterable[str]) -> NDArray[np.uint64]:
    """Return the keys of words of up to 7 bytes, for `is_one_of`."""
    encoded = [word.encode() for word in words]
    keys = [int.from_bytes(each, "little") | len(each) << 56 for each in encoded]
    return np.array(keys, np.uint64)


@kernel(types.boolean(types.uint64, types.Array(types.uint64, 1, "C", readonly=True)), inlined=True)
def is_one_of(key: np.uint64, keys: NDArray[np.uint64]) -> bool:
    """Tell whether a key is among a few; it looks at all, so that there is no branch to guess."""
    found = False
    for i in range(keys.size):
        found |= key == keys[i]
    return found


@kernel(types.boolean(BYTES, types.int64, BYTES, types.int64, types.int64), inlined=True)
def are_same(
    data: NDArray[np.uint8], one: int, others: NDArray[np.uint8], other: int, size: int
) -> bool:
    """Tell whether strings of one size from two places are the same: by eight bytes, if so many."""
    i = 0
    if size < 8:
        while i < size and data[np.uint64(one + i)] == others[np.uint64(other + i)]:
            i += 1
        return i == size
    while i + 8 < size:
        if eight_bytes(data, one + i) != eight_bytes(others, other + i):
            return False
        i += 8
    return bool(eight_bytes(data, one + size - 8) == eight_bytes(others, other + size - 8))


@kernel(types.boolean(BYTES, *(types.int64,) * 3), inlined=True)
def are_equal(data: NDArray[np.uint8], one: int, other: int, size: int) -> bool:
    """Tell whether two strings of one size in a text are the same."""
    return are_same(data, one, data, other, size)


@kernel(types.boolean(BYTES, *(types.int64,) * 5, SLOTS), inlined=True)
def is_repeat(
    data: NDArray[np.uint8],
    text: int,
    start: int,
    end: int,
    stamp: int,
    slots: int,
    seen: NDArray[np.int64],
) -> bool:
    """Tell whether the bytes were seen under this stamp, and remember them.

    Places are kept relative to `text`. Equal hashes are compared byte by byte.
    """
    slot = slot_of(key_of(data, start, end), slots)
    while seen[slot, 0] == stamp:
        if seen[slot, 2] == end - start and are_equal(
            data, start, text + seen[slot, 1], end - start
        ):
            return True
        slot = (slot + 1) & (slots - 1)
    seen[slot, 0], seen[slot, 1], seen[slot, 2] = stamp, start - text, end - start
    return False


@kernel(types.void(BYTES, PLACES, PLACES, PLACES, SLOTS, PLACES))
def number_strings(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: NDArray[np.int64],
    seen: NDArray[np.int64],
    numbers: NDArray[np.int64],
) -> None:
    """Write of each string data[starts[i]:ends[i]] which of its row's distinct ones it is.

    Row r has the strings from first[r] to first[r + 1]; the number of a string is that of its first
    occurrence in the row, counted from 0. Long strings with the same hash are compared.
    """
    for row in range(first.size - 1):
        begin, size = first[row], first[row + 1] - first[row]
        slots = slots_for(size)
        for i in range(size):
            start, end = starts[begin + i], ends[begin + i]
            key = key_of(data, start, end)
            slot = slot_of(key, slots)
            number = i
            while number == i and seen[slot, 0] == row + 1:
                if seen[slot, 1] == np.int64(key):
                    other = seen[slot, 2]
                    if end - start <= 7 or (
                        ends[begin + other] - starts[begin + other] == end - start
                        and are_equal(data, start, starts[begin + other], end - start)
                    ):
                        number = other
                slot = (slot + 1) & (slots - 1)
            if number == i:
                seen[slot, 0], seen[slot, 1], seen[slot, 2] = row + 1, np.int64(key), i
            numbers[begin + i] = number
