"""Sets of byte strings and of numbers for kernels: which item was there before, in its own text.

A set is an array of slots that all texts share. A slot belongs to whoever wrote its `stamp` last,
so that nothing has to be cleared from one text to the next.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS

# int64[slots, 3]: the stamp of who filled it, and two numbers of theirs.
SLOTS = types.Array(types.int64, 2, "C")
_START = np.uint64(14695981039346656037)
_FACTORS = tuple(np.uint64(pow(1099511628211, power, 1 << 64)) for power in range(5))


def new_slots(items: int) -> NDArray[np.int64]:
    """Return slots for sets of up to so many items."""
    return np.zeros((slots_for(max(items, 1)), 3), np.int64)


@njit(types.int64(types.int64), cache=True, nogil=True)
def slots_for(items: int) -> int:
    """Return a power of two, at least twice the items: what a set of so many looks at."""
    slots = 2
    while slots < 2 * items:
        slots *= 2
    return slots


@njit(types.int64(BYTES, OFFSETS), cache=True, nogil=True)
def most_newlines(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> int:
    """Return how many "\\n" the row has that has most."""
    most = 0
    for row in range(offsets.size - 1):
        newlines = 0
        for i in range(offsets[row], offsets[row + 1]):
            newlines += data[i] == 0x0A
        most = max(most, newlines)
    return most


@njit(types.int64(types.uint64, types.int64), cache=True, nogil=True)
def slot_of(key: np.uint64, slots: int) -> np.int64:
    """Return where to look first: the key's bits, mixed."""
    mixed = np.uint64(key)
    mixed = (mixed ^ (mixed >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    return np.int64(mixed & np.uint64(slots - 1))


@njit(types.uint64(BYTES, types.int64, types.int64), cache=True, nogil=True)
def hash_of(data: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    """Return a polynomial of the bytes, four at a time: a product waits for the one before."""
    key = _START ^ np.uint64(end - start)
    at = start
    while at + 4 <= end:
        key = key * _FACTORS[4] + (
            np.uint64(data[at]) * _FACTORS[3]
            + np.uint64(data[at + 1]) * _FACTORS[2]
            + np.uint64(data[at + 2]) * _FACTORS[1]
            + np.uint64(data[at + 3])
        )
        at += 4
    while at < end:
        key = key * _FACTORS[1] + np.uint64(data[at])
        at += 1
    return key


@njit(types.boolean(BYTES, *(types.int64,) * 5, SLOTS), cache=True, nogil=True)
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
    slot = slot_of(hash_of(data, start, end), slots)
    while seen[slot, 0] == stamp:
        if seen[slot, 2] == end - start:
            other = text + seen[slot, 1]
            i = 0
            while i < end - start and data[start + i] == data[other + i]:
                i += 1
            if i == end - start:
                return True
        slot = (slot + 1) & (slots - 1)
    seen[slot, 0], seen[slot, 1], seen[slot, 2] = stamp, start - text, end - start
    return False
