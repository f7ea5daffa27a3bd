"""What DCLM's quality rules are made of: words of two kinds, symbols, bullets, ellipses."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.characters import LETTER, SPACE, character_classes, having
from winnow.udfs.decoding import decode
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.seen import key_of
from winnow.udfs.text_signals import is_stop_word

SIGNALS = (
    "words",
    "chunks",
    "chunk_chars",
    "chunks_without_letter",
    "stop_words",
    "symbols",
    "lines",
    "bullet_lines",
    "ellipsis_lines",
)
DDL = "STRUCT<" + ", ".join(f"{name} INT" for name in SIGNALS) + ">"

_NEWLINE, _BLANK, _FULL_STOP, _HASH = (ord(character) for character in "\n .#")
_ELLIPSIS = ord("…")
_BULLETS = tuple(ord(character) for character in "●•*-")

ALPHANUMERIC = 64
CLASSES = character_classes()
CLASSES[having(str.isalnum)] |= ALPHANUMERIC
CLASSES.flags.writeable = False

# Of bytes, 1 or 0: the white space that fastText knows and NUL; ASCII letters and digits.
_IS_BREAK, _IS_ALPHANUMERIC = np.zeros((2, 256), np.uint8)
_IS_BREAK[list(b" \n\r\t\v\f\0")] = 1
_IS_ALPHANUMERIC[:0x80] = CLASSES[:0x80] & ALPHANUMERIC != 0
_IS_LETTER = np.zeros(256, np.bool_)  # of bytes: ASCII letters
_IS_LETTER[:0x80] = CLASSES[:0x80] & LETTER != 0

_MATRIX = types.Array(types.int32, 2, "C")


@kernel(types.int64(BYTES, types.int64, types.int64, BYTES), inlined=True)
def count_words(data: NDArray[np.uint8], at: int, end: int, classes: NDArray[np.uint8]) -> int:
    """Return how many of fastText's tokens begin with an alphanumeric character."""
    words, before = 0, np.uint8(1)
    for i in range(at, end):
        byte = data[i]
        begins = before & ~_IS_BREAK[byte]
        if begins and byte >= 0x80:
            words += classes[decode(data, i, end)[0]] & ALPHANUMERIC != 0
        else:
            words += begins & _IS_ALPHANUMERIC[byte]
        before = _IS_BREAK[byte]
    return words


@kernel(types.boolean(BYTES, types.int64, types.int64), inlined=True)
def _are_spaced_stops(data: NDArray[np.uint8], at: int, end: int) -> bool:
    """Tell whether ". . ." stands here."""
    return (
        at + 5 <= end
        and data[at] == _FULL_STOP
        and data[at + 1] == _BLANK
        and data[at + 2] == _FULL_STOP
        and data[at + 3] == _BLANK
        and data[at + 4] == _FULL_STOP
    )


@kernel(types.void(BYTES, OFFSETS, BYTES, _MATRIX))
def _count(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: NDArray[np.uint8],
    counts: NDArray[np.int32],
) -> None:
    for row in range(offsets.size - 1):
        text, end = offsets[row], offsets[row + 1]
        chunks = chunk_chars = without_letter = stop_words = symbols = 0
        lines = bullets = ended = dots = 0
        spaced_end = text  # of the last ". . ."
        # Of the current chunk: its first byte (-1 outside of one), code points, classes.
        chunk, chars, kinds = -1, 0, 0
        # Of the current line: the first visible character and the byte after the last one.
        first, last, last_end = -1, 0, text
        at = text
        while at <= end:
            if at == end:  # the end of the text ends its last chunk and its last line
                point, size, kind = _NEWLINE, 1, SPACE
            else:
                point, size = int(data[at]), 1
                if point >= 0x80:
                    point, size = decode(data, at, end)
                kind = int(classes[point])
            if not kind & SPACE:
                if chunk < 0:
                    chunk, chars, kinds = at, 0, 0
                    if first < 0:
                        first = point
                chars += 1
                kinds |= kind
                last = point
                while kind & LETTER and at + size < end and _IS_LETTER[data[at + size]]:
                    last = int(data[at + size])
                    chars += 1
                    at += 1
                if point == _FULL_STOP:
                    dots += 1
                    if dots == 3:
                        symbols += 1
                        dots = 0
                    if at >= spaced_end and _are_spaced_stops(data, at, end):
                        symbols += 1
                        spaced_end = at + 5
                else:
                    dots = 0
                    symbols += point in (_HASH, _ELLIPSIS)
            else:
                dots = 0
                if chunk >= 0:
                    chunks += 1
                    chunk_chars += chars
                    without_letter += not kinds & LETTER
                    stop_words += is_stop_word(key_of(data, chunk, at))
                    chunk, last_end = -1, at
                if point == _NEWLINE and first >= 0:
                    lines += 1
                    bullets += first in _BULLETS
                    ended += (
                        last == _ELLIPSIS
                        or (
                            last_end - text >= 3
                            and data[last_end - 3] == _FULL_STOP
                            and data[last_end - 2] == _FULL_STOP
                            and data[last_end - 1] == _FULL_STOP
                        )
                        or (last_end - text >= 5 and _are_spaced_stops(data, last_end - 5, end))
                    )
                    first = -1
            at += size
        counts[:, row] = (
            count_words(data, text, end, classes), chunks, chunk_chars, without_letter, stop_words,
            symbols, lines, bullets, ended,
        )  # fmt: skip


@column_function(returns=DDL, version=1, measures=True)
def dclm_quality(text: pa.Array) -> pa.Array:
    r"""Count what DCLM's quality rules ask: words, symbols, bullets, ellipses.

    Shape: STRING -> STRUCT<words INT, chunks INT, ..., ellipsis_lines INT>, the fields of SIGNALS
        in order; null gives null, an empty text gives zeros.
    Units: all are counts.
        words: fastText's tokens (cut at ASCII white space and NUL only) that begin with an
            alphanumeric character.
        chunks: what stands between white space, as `str.split` cuts it. chunk_chars are the code
            points in them; chunks_without_letter have no letter; stop_words are occurrences of
            the eight STOP_WORDS of `text_signals`, in capitals or not.
        symbols: "#", "…", and without overlap "..." and ". . .".
        lines: what stands between two "\n", without white space at its ends; one of white space
            alone is no line. bullet_lines begin with one of ● • * -, ellipsis_lines end with
            "...", ". . ." or "…".
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: DCLM (Li et al. 2024, arXiv:2406.11794, appendix on RefinedWeb's filters), as in
        mlfoundations/dclm 361714b content_filters.py with fastText 0.9.2.
    """
    data, offsets = utf8(text)
    counts = np.zeros((len(SIGNALS), len(text)), np.int32)
    _count(data, offsets, CLASSES, counts)
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())
