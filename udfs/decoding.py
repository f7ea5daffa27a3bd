"""UTF-8 for kernels: one code point, one white space."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from winnow.udfs.characters import SPACE, character_classes

REPLACEMENT = 0xFFFD

_CLASSES = character_classes()
_IS_SPACE = (_CLASSES[:0x80] & SPACE).astype(np.bool_)

# Bytes that white space or a line break can begin with; kernels look here first.
MAY_BE_SPACE = np.zeros(256, np.bool_)
MAY_BE_SPACE[:0x80] = _IS_SPACE
MAY_BE_SPACE[[0xC2, 0xE1, 0xE2, 0xE3]] = True

_DECODE = "UniTuple(int64, 2)(Array(uint8, 1, 'C', readonly=True), int64, int64)"
_SIZE = "int64(Array(uint8, 1, 'C', readonly=True), int64, int64)"


@njit(_DECODE, cache=True, nogil=True)
def decode(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """Return the code point at `at` and its number of bytes; a stray byte is one U+FFFD."""
    lead = int(data[at])
    if lead < 0x80:
        return lead, 1
    if 0xC2 <= lead <= 0xDF:
        size, least, point = 2, 0x80, lead & 0x1F
    elif 0xE0 <= lead <= 0xEF:
        size, least, point = 3, 0x800, lead & 0x0F
    elif 0xF0 <= lead <= 0xF4:
        size, least, point = 4, 0x10000, lead & 0x07
    else:
        return REPLACEMENT, 1
    if at + size > end:
        return REPLACEMENT, 1
    for i in range(at + 1, at + size):
        if data[i] & 0xC0 != 0x80:
            return REPLACEMENT, 1
        point = point << 6 | (int(data[i]) & 0x3F)
    if point < least or point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
        return REPLACEMENT, 1
    return point, size


@njit(_SIZE, cache=True, nogil=True)
def space_size(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Return the number of bytes of the white space at `at`, 0 where there is none.

    White space is Python's: the 29 code points of `str.split`.
    """
    lead = data[at]
    if lead < 0x80:
        return int(_IS_SPACE[lead])
    if lead == 0xC2:
        return 2 if at + 1 < end and data[at + 1] in (0x85, 0xA0) else 0
    if 0xE1 <= lead <= 0xE3 and at + 2 < end:
        second, third = data[at + 1], data[at + 2]
        if lead == 0xE1:
            return 3 if second == 0x9A and third == 0x80 else 0
        if lead == 0xE3:
            return 3 if second == 0x80 and third == 0x80 else 0
        if second == 0x80:
            return 3 if 0x80 <= third <= 0x8A or third in (0xA8, 0xA9, 0xAF) else 0
        return 3 if second == 0x81 and third == 0x9F else 0
    return 0


@njit(_SIZE, cache=True, nogil=True)
def line_break_size(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Return the number of bytes of the line break at `at`, 0 where there is none.

    Line breaks are those of Python's `str.splitlines`; "\\r\\n" is one.
    """
    lead = data[at]
    if lead == 0x0D:
        return 2 if at + 1 < end and data[at + 1] == 0x0A else 1
    if lead < 0x80:
        return int(0x0A <= lead <= 0x0C or 0x1C <= lead <= 0x1E)
    if lead == 0xC2:
        return 2 if at + 1 < end and data[at + 1] == 0x85 else 0
    if lead == 0xE2 and at + 2 < end and data[at + 1] == 0x80:
        return 3 if data[at + 2] in (0xA8, 0xA9) else 0
    return 0


@njit("int64(Array(uint8, 1, 'C', readonly=True), int64, int64)", cache=True, nogil=True)
def count_chars(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Return the number of code points: of bytes that continue no other."""
    chars = 0
    for i in range(start, end):
        chars += data[i] & 0xC0 != 0x80
    return chars


@njit(_DECODE, cache=True, nogil=True)
def without_space(data: NDArray[np.uint8], start: int, end: int) -> tuple[int, int]:
    """Return the text without white space at its ends."""
    while start < end and space_size(data, start, end):
        start += space_size(data, start, end)
    size = 1
    while size <= 3:  # bytes of a white space that would end here
        if end - size >= start and space_size(data, end - size, end) == size:
            end -= size
            size = 0
        size += 1
    return start, end
