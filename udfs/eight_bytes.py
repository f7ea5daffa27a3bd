"""Eight bytes of a text at once, for kernels: one number, the first byte lowest.

A mask of eight bytes has the highest bit of each byte of which something is true.

Source: Warren 2012, Hacker's Delight, second edition, section 6-1; here no byte borrows from the
next, so that all bits of a mask are right, not only the first.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES
from winnow.udfs.kernels import kernel

BLOCK = 64  # bytes that are counted in one byte, as fast as the processor can
_EACH = 0x0101010101010101
_ONES, HIGHEST, _OTHERS = np.uint64(_EACH), np.uint64(0x80 * _EACH), np.uint64(0x7F * _EACH)


@kernel(types.uint64(BYTES, types.int64), inlined=True)
def eight_bytes(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Return the next eight bytes: a single load."""
    # A signed index may be one from the end; where numba has to ask, it is no single load.
    first = np.uint64(at)
    number = np.uint64(data[first])
    for byte in range(1, 8):
        number |= np.uint64(data[first + np.uint64(byte)]) << np.uint64(8 * byte)
    return number


@kernel(types.int64(types.uint64), inlined=True)
def first_of(mask: np.uint64) -> int:
    """Return the first byte of a mask, 8 where there is none."""
    below = ((mask & (~mask + np.uint64(1))) >> np.uint64(7)) - np.uint64(1)
    return int(((below & _ONES) * _ONES) >> np.uint64(56))


@kernel(types.int64(types.uint64), inlined=True)
def count_of(mask: np.uint64) -> int:
    """Return how many bytes a mask has."""
    return int(((mask >> np.uint64(7)) * _ONES) >> np.uint64(56))


@kernel(types.uint64(types.uint64, types.int64, types.int64), inlined=True)
def between(eight: np.uint64, least: int, largest: int) -> np.uint64:
    """Return the mask of bytes whose lower seven bits are in a range."""
    low = eight & _OTHERS
    from_least = low + np.uint64(0x80 - least) * _ONES
    above = low + np.uint64(0x7F - largest) * _ONES
    return from_least & ~above & HIGHEST


@kernel(types.uint64(types.uint64), inlined=True)
def may_be_space(eight: np.uint64) -> np.uint64:
    """Return the mask of the bytes that white space can begin with, and of controls of ASCII."""
    found = between(eight, 0x00, 0x20) & ~eight
    if eight & HIGHEST:
        found |= (between(eight, 0x42, 0x42) | between(eight, 0x61, 0x63)) & eight
    return found


@kernel(types.int64(BYTES, *(types.int64,) * 4), inlined=True)
def count_bytes(data: NDArray[np.uint8], start: int, end: int, bits: int, value: int) -> int:
    """Return how many bytes of data[start:end] have this value in these bits."""
    count = 0
    while start + BLOCK <= end:
        some = np.uint8(0)
        for i in range(BLOCK):
            some = np.uint8(some + (data[np.uint64(start + i)] & bits == value))
        count += int(some)
        start += BLOCK
    while start < end and start + 8 <= data.size:
        size = min(end - start, 8)
        other = eight_bytes(data, start) & np.uint64(bits) * _ONES ^ np.uint64(value) * _ONES
        same = between(other, 0, 0) & ~other
        count += count_of(same << np.uint64(64 - 8 * size))
        start += size
    for i in range(start, end):
        count += data[i] & bits == value
    return count
