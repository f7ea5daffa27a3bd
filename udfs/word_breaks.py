"""Words as Unicode breaks texts into them (UAX 29), found by a kernel.

No dictionary: a Han, Hiragana or Thai character is a word by itself. About 300 MB of English text
a second and core.
"""

import json
from pathlib import Path

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.characters import code_points, having
from winnow.udfs.decoding import decode
from winnow.udfs.kernels import kernel
from winnow.udfs.seen import PLACES

# Values of the property Word_Break, as bits; MidNumLet is MidLetter and MidNum at once. Ignored are
# Extend, Format and ZWJ, as rule WB4 has it. The numbers are compiled into kernels.
_LETTER, _HEBREW, _NUMERIC, _KATAKANA, _CONNECTOR = 1, 2, 4, 8, 16
_MID_LETTER, _MID_NUMBER, _SINGLE_QUOTE, _DOUBLE_QUOTE = 32, 64, 128, 256
_IGNORED, _JOINER, _NEWLINE, _PICTOGRAPHIC, _ALPHANUMERIC = 512, 1024, 2048, 4096, 8192
_BITS = {
    "ALetter": _LETTER,
    "Hebrew_Letter": _HEBREW,
    "Numeric": _NUMERIC,
    "Katakana": _KATAKANA,
    "ExtendNumLet": _CONNECTOR,
    "MidLetter": _MID_LETTER,
    "MidNum": _MID_NUMBER,
    "MidNumLet": _MID_LETTER | _MID_NUMBER,
    "Single_Quote": _MID_LETTER | _MID_NUMBER | _SINGLE_QUOTE,
    "Double_Quote": _DOUBLE_QUOTE,
    "Extend": _IGNORED,
    "Format": _IGNORED,
    "ZWJ": _IGNORED | _JOINER,
    "Extended_Pictographic": _PICTOGRAPHIC,
}
_NEWLINES = "A-D 85 2028 2029"  # the values CR, LF and Newline

_LETTERS = _LETTER | _HEBREW
_PLAIN = _LETTERS | _NUMERIC  # these stay together in any order
_CONNECTED = _PLAIN | _KATAKANA | _CONNECTOR

KINDS = types.Array(types.uint16, 1, "C", readonly=True)
CHARS = types.Array(types.int32, 1, "C")


def _kinds() -> NDArray[np.uint16]:
    """Return uint16[0x110000]: Word_Break of every code point, and whether it may begin a word."""
    properties = json.loads(Path(__file__).with_name("word_breaks.json").read_text())
    kinds = np.zeros(0x110000, np.uint16)
    for name, bit in _BITS.items():
        kinds[code_points(properties[name])] |= bit
    kinds[code_points(_NEWLINES)] |= _NEWLINE
    kinds[having(str.isalnum)] |= _ALPHANUMERIC
    kinds.flags.writeable = False
    return kinds


WORD_BREAKS = _kinds()
_IS_PLAIN = np.zeros(256, np.bool_)  # of bytes: ASCII letters and digits
_IS_PLAIN[:0x80] = WORD_BREAKS[:0x80] & _PLAIN != 0
# Of bytes: ASCII that is no part of a word before more ASCII, and ASCII that joins nothing.
_IS_ALONE, _IS_END = np.zeros((2, 256), np.bool_)
_IS_ALONE[:0x80] = WORD_BREAKS[:0x80] & _CONNECTED == 0
_IS_END[:0x80] = WORD_BREAKS[:0x80] & (0xFFFF ^ _NEWLINE) == 0


@kernel(types.int64(BYTES, types.int64, types.int64, KINDS), inlined=True)
def _next_kind(data: NDArray[np.uint8], at: int, end: int, kinds: NDArray[np.uint16]) -> int:
    """Return the kind of the first character that is not ignored, 0 at the end."""
    while at < end:
        point, size = decode(data, at, end)
        kind = int(kinds[point])
        if not kind & _IGNORED:
            return kind
        at += size
    return 0


_SEGMENT = "UniTuple(int64, 2)(Array(uint8, 1, 'C', readonly=True), int64, int64, "
_SEGMENT += "Array(uint16, 1, 'C', readonly=True))"


@kernel(_SEGMENT)
def _segment(
    data: NDArray[np.uint8], at: int, end: int, kinds: NDArray[np.uint16]
) -> tuple[int, int]:
    """Return where the segment that begins here ends, and its code points; 0 if it is no word.

    A word begins with an alphanumeric character (`str.isalnum`). Source: UAX 29, rules WB3 to
    WB999 as in uniseg 0.10.1 (Unicode 16.0.0); white space and flags are not kept together, since
    they are no words.
    """
    point, size = decode(data, at, end)
    kind = int(kinds[point])
    at += size
    chars, is_word = 1, kind & _ALPHANUMERIC != 0
    if kind & _NEWLINE:
        return at, 0
    # The last two characters that are not ignored, and whether a ZWJ is the very last.
    before, last, is_joined = 0, 0 if kind & _IGNORED else kind, kind & _JOINER != 0
    while at < end:
        if _IS_PLAIN[data[at]] and last & _PLAIN:
            while at < end and _IS_PLAIN[data[at]]:
                at += 1
                chars += 1
            last, is_joined = int(kinds[data[at - 1]]), False
            continue
        if _IS_END[data[at]]:
            break
        point, size = decode(data, at, end)
        kind = int(kinds[point])
        if kind & _IGNORED:
            is_joined = kind & _JOINER != 0
        else:
            after = 0
            if kind & (_MID_LETTER | _MID_NUMBER | _DOUBLE_QUOTE) and last & _PLAIN:
                after = _next_kind(data, at + size, end, kinds)
            if not (
                (is_joined and kind & _PICTOGRAPHIC)
                or (last & _PLAIN and kind & _PLAIN)
                or (last & _KATAKANA and kind & _KATAKANA)
                or (last & _CONNECTED and kind & _CONNECTOR)
                or (last & _CONNECTOR and kind & _CONNECTED)
                or (last & _LETTERS and kind & _MID_LETTER and after & _LETTERS)
                or (before & _LETTERS and last & _MID_LETTER and kind & _LETTERS)
                or (last & _NUMERIC and kind & _MID_NUMBER and after & _NUMERIC)
                or (before & _NUMERIC and last & _MID_NUMBER and kind & _NUMERIC)
                or (last & _HEBREW and kind & _SINGLE_QUOTE)
                or (last & _HEBREW and kind & _DOUBLE_QUOTE and after & _HEBREW)
                or (before & _HEBREW and last & _DOUBLE_QUOTE and kind & _HEBREW)
            ):
                break
            before, last, is_joined = last, kind, False
        at += size
        chars += 1
    return at, chars if is_word else 0


@kernel(types.void(BYTES, OFFSETS, KINDS, PLACES, PLACES, PLACES, CHARS))
def find_words(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    kinds: NDArray[np.uint16],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: NDArray[np.int64],
    chars: NDArray[np.int32],
) -> None:
    """Write where the words are and their code points; `first[row]` is the row's first one."""
    words = 0
    for row in range(offsets.size - 1):
        first[row] = words
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            start = at
            while at < end and _IS_PLAIN[data[at]]:
                at += 1
            size = at - start
            # Most words are ASCII, and the end of the text, a blank or a mark and a blank follow.
            if not size or not (
                at == end
                or _IS_END[data[at]]
                or (_IS_ALONE[data[at]] and (at + 1 == end or _IS_END[data[at + 1]]))
            ):
                at, size = _segment(data, start, end, kinds)
            if size:
                starts[words], ends[words], chars[words] = start, at, size
                words += 1
            while at + 1 < end and _IS_ALONE[data[at]] and data[at + 1] < 0x80:
                at += 1
    first[offsets.size - 1] = words
