"""UTF-8 for kernels: one code point, one white space."""

import numpy as np
from numpy.typing import NDArray

from winnow.udfs.characters import SPACE, character_classes
from winnow.udfs.eight_bytes import count_bytes, eight_bytes, first_of, may_be_space
from winnow.udfs.kernels import kernel

REPLACEMENT = 0xFFFD

_CLASSES = character_classes()
_IS_SPACE = (_CLASSES[:0x80] & SPACE).astype(np.bool_)

# Bytes that white space or a line break can begin with; kernels look here first.
MAY_BE_SPACE = np.zeros(256, np.bool_)
MAY_BE_SPACE[:0x80] = _IS_SPACE
MAY_BE_SPACE[[0xC2, 0xE1, 0xE2, 0xE3]] = True

# Bytes that white space can end with.
MAY_END_SPACE = MAY_BE_SPACE.copy()
MAY_END_SPACE[0x80:] = False
MAY_END_SPACE[[chr(point).encode()[-1] for point in np.flatnonzero(_CLASSES & SPACE)]] = True

_DECODE = "UniTuple(int64, 2)(Array(uint8, 1, 'C', readonly=True), int64, int64)"
_SIZE = "int64(Array(uint8, 1, 'C', readonly=True), int64, int64)"


@kernel(_DECODE, inlined=True)
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


@kernel(_SIZE, inlined=True)
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


@kernel(_SIZE, inlined=True)
def find_space(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Return where the next white space begins, `end` if there is none before."""
    while at + 8 <= data.size:
        step = first_of(may_be_space(eight_bytes(data, at)))
        at += step
        if at >= end:
            return end
        if step < 8:
            if space_size(data, at, end):
                return at
            at += 1
    while at < end and not space_size(data, at, end):
        at += 1
    return at


@kernel(_SIZE, inlined=True)
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


@kernel("int64(Array(uint8, 1, 'C', readonly=True), int64, int64)", inlined=True)
def count_chars(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Return the number of code points: of bytes that continue no other."""
    return max(end - start, 0) - count_bytes(data, start, end, 0xC0, 0x80)


@kernel(_SIZE, inlined=True)
def space_size_before(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Return the number of bytes of the white space that ends at `end`, 0 where there is none."""
    for size in range(1, 4):
        if end - size >= start and space_size(data, end - size, end) == size:
            return size
    return 0


@kernel("UniTuple(int64, 2)(Array(uint8, 1, 'C', readonly=True), int64, int64)", inlined=True)
def stripped(data: NDArray[np.uint8], start: int, end: int) -> tuple[int, int]:
    """Return where the text begins and ends without the white space at its ends."""
    while start < end and MAY_BE_SPACE[data[start]]:
        size = space_size(data, start, end)
        if not size:
            break
        start += size
    while start < end and MAY_END_SPACE[data[end - 1]]:
        size = space_size_before(data, start, end)
        if not size:
            break
        end -= size
    return start, end
