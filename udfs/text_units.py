"""The lines or paragraphs of a text, each with a hash of what it says.

A line is what stands between two "\\n". A paragraph is a run of lines that are not white space
alone; blank lines part paragraphs and belong to none.

Units that say the same are those that are equal once normalised, as in CCNet (Wenzek et al. 2020,
arXiv:1911.00359, section 3; cc_net's `normalize_for_dedup`): lower case, every digit a 0, without
punctuation and control characters. Differs: punctuation is all of Unicode's category P, as the
paper says, where the code knows 34 signs; a run of white space is one space and none is left at the
ends; each code point is lowered alone, so a final sigma is a sigma and U+0130 stays. Accents count,
as in the code.
"""

import unicodedata
from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.characters import CONTROL, DIGIT, SPACE, character_classes
from winnow.udfs.decoding import decode
from winnow.udfs.kernels import kernel

UNITS = ("line", "paragraph")

# No punctuation, digit or capital stands above this code point; a test looks at all of them.
_LAST = 0x1FFFF
_GONE, _BLANK, _ZERO = 0, ord(" "), ord("0")
_NEWLINE = ord("\n")

POSITIONS = types.Array(types.int64, 1, "C")
FLAGS = types.Array(types.boolean, 1, "C")
_POINTS = types.Array(types.uint32, 1, "C", readonly=True)
_START, _FACTOR = np.uint64(14695981039346656037), np.uint64(0x9E3779B97F4A7C15)


def _normalised() -> NDArray[np.uint32]:
    """Return uint32[0x110000]: what each code point becomes, 0 if it goes."""
    points = np.arange(0x110000, dtype=np.uint32)
    classes = character_classes()
    for point in range(_LAST + 1):
        character = chr(point)
        lower = character.lower()
        if unicodedata.category(character).startswith("P"):
            points[point] = _GONE
        elif len(lower) == 1:
            points[point] = ord(lower)
    points[classes & DIGIT != 0] = _ZERO
    points[classes & CONTROL != 0] = _GONE
    points[classes & SPACE != 0] = _BLANK
    points.flags.writeable = False
    return points


_TABLE = _normalised()


class Units(NamedTuple):
    """The units of some rows: row i has those from first[i] to first[i + 1].

    A unit is data[starts[k]:ends[k]]; `is_long` says that it has a hash: enough is left of it.
    """

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    hashes: NDArray[np.int64]
    is_long: NDArray[np.bool_]
    first: NDArray[np.int64]


_FIND = types.int64(
    BYTES, OFFSETS, types.boolean, types.int64, _POINTS,
    POSITIONS, POSITIONS, POSITIONS, FLAGS, POSITIONS,
)  # fmt: skip


@kernel(_FIND)
def _find(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    is_paragraph: bool,
    min_chars: int,
    table: NDArray[np.uint32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    hashes: NDArray[np.int64],
    is_long: NDArray[np.bool_],
    first: NDArray[np.int64],
) -> int:
    count = 0
    for row in range(offsets.size - 1):
        first[row] = count
        end = offsets[row + 1]
        at = line = offsets[row]
        inside = visible = space = False
        hashed, chars = _START, 0
        while at <= end:
            if at == end or data[at] == _NEWLINE:
                if visible or not is_paragraph:
                    if not inside:
                        starts[count] = line
                    ends[count], inside = at, True
                if inside and (at == end or not visible or not is_paragraph):
                    hashed ^= hashed >> np.uint64(29)
                    hashed *= np.uint64(0xBF58476D1CE4E5B9)  # splitmix64's last steps
                    hashed ^= hashed >> np.uint64(32)
                    hashes[count], is_long[count] = np.int64(hashed), chars >= max(min_chars, 1)
                    count += 1
                    inside = space = False
                    hashed, chars = _START, 0
                else:
                    space = True
                visible = False
                at += 1
                line = at
                continue
            point, size = int(data[at]), 1
            if point >= 0x80:
                point, size = decode(data, at, end)
            at += size
            normal = table[point]
            if normal == _BLANK:
                space = True
                continue
            visible = True
            if normal == _GONE:
                continue
            if space and chars:
                hashed = (hashed ^ np.uint64(_BLANK)) * _FACTOR
                hashed ^= hashed >> np.uint64(32)
                chars += 1
            hashed = (hashed ^ np.uint64(normal)) * _FACTOR
            hashed ^= hashed >> np.uint64(32)
            chars += 1
            space = False
    first[offsets.size - 1] = count
    return count


def find_units(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], unit: str, min_chars: int
) -> Units:
    """Return the units of all rows; those shorter than `min_chars` have no hash, empty ones never.

    `min_chars` counts the code points of a unit as normalised.

    Raises:
        ValueError: the unit is none of UNITS.
    """
    if unit not in UNITS:
        raise ValueError(f"unit is 'line' or 'paragraph', not {unit!r}")
    newlines = int(np.count_nonzero(data[offsets[0] : offsets[-1]] == _NEWLINE))
    starts, ends, hashes = np.empty((3, newlines + offsets.size), np.int64)
    is_long, first = np.empty(starts.size, np.bool_), np.empty(offsets.size, np.int64)
    count = _find(
        data, offsets, unit == "paragraph", min_chars, _TABLE, starts, ends, hashes, is_long, first
    )
    return Units(starts[:count], ends[:count], hashes[:count], is_long[:count], first)
