"""What datatrove's Gopher quality rules are made of, in spaCy's words."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.decoding import MAY_BE_SPACE, line_break_size, space_size
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.token_table import (
    ALPHABETIC,
    INTS,
    NON_SYMBOL,
    STOP_WORD,
    STOP_WORDS,
    WIDE,
    Tokens,
    tokenise,
)

SIGNALS = (
    "tokens",
    "words",
    "word_chars",
    "alphabetic_tokens",
    "stop_words",
    "hashes",
    "ellipses",
    "lines",
    "bullet_lines",
    "ellipsis_lines",
)
DDL = "STRUCT<" + ", ".join(f"{name} INT" for name in SIGNALS) + ">"

_FULL_STOP, _HASH, _HYPHEN, _SPACE = (ord(character) for character in ".#- ")
# "•" is E2 80 A2 and "…" is E2 80 A6.
_LEAD, _SECOND, _BULLET, _ELLIPSIS = 0xE2, 0x80, 0xA2, 0xA6

_IS_PLAIN = ~MAY_BE_SPACE  # of each byte: whether nothing is looked for there
_IS_PLAIN[[_FULL_STOP, _HASH, _LEAD]] = False

_MATRIX = types.Array(types.int32, 2, "A")


@kernel(types.void(BYTES, OFFSETS, _MATRIX))
def _count_marks(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], counts: NDArray[np.int32]
) -> None:
    for row in range(offsets.size - 1):
        hashes = ellipses = lines = bullets = ended = dots = 0
        # Of the current line: its first byte, the first and the byte after the last visible one.
        start = at = offsets[row]
        first, last = -1, -1
        end = offsets[row + 1]
        while at <= end:
            if at < end and data[at] == _SPACE:
                at += 1
                dots = 0
                continue
            may_be_space = at == end or MAY_BE_SPACE[data[at]]
            size = 1 if at == end else line_break_size(data, at, end) if may_be_space else 0
            if size and (at < end or at > start):  # a break at the very end begins no line
                lines += 1
                if first >= 0:
                    bullets += data[first] == _HYPHEN or (
                        first + 2 < end
                        and data[first] == _LEAD
                        and data[first + 1] == _SECOND
                        and data[first + 2] == _BULLET
                    )
                    ended += last - first >= 3 and (
                        (
                            data[last - 3] == _FULL_STOP
                            and data[last - 2] == _FULL_STOP
                            and data[last - 1] == _FULL_STOP
                        )
                        or (
                            data[last - 3] == _LEAD
                            and data[last - 2] == _SECOND
                            and data[last - 1] == _ELLIPSIS
                        )
                    )
                start, first = at + size, -1
                at += size
                dots = 0
                continue
            if at == end:
                break
            if _IS_PLAIN[data[at]]:
                if first < 0:
                    first = at
                while at < end and _IS_PLAIN[data[at]]:
                    at += 1
                last, dots = at, 0
                continue
            byte = data[at]
            size = space_size(data, at, end) if may_be_space else 0
            if size:
                at += size
                dots = 0
                continue
            if first < 0:
                first = at
            at += 1
            last = at
            if byte == _FULL_STOP:
                dots += 1
                if dots == 3:
                    ellipses += 1
                    dots = 0
                continue
            dots = 0
            hashes += byte == _HASH
            ellipses += (
                byte == _LEAD and at + 1 < end and data[at] == _SECOND and data[at + 1] == _ELLIPSIS
            )
        counts[5, row], counts[6, row] = hashes, ellipses
        counts[7, row], counts[8, row], counts[9, row] = lines, bullets, ended


@kernel(types.void(INTS, WIDE, INTS, INTS, _MATRIX))
def _count_words(
    ids: NDArray[np.int32],
    first: NDArray[np.int64],
    chars: NDArray[np.int32],
    flags: NDArray[np.int32],
    counts: NDArray[np.int32],
) -> None:
    for row in range(first.size - 1):
        words = word_chars = alphabetic = seen = 0
        for i in range(first[row], first[row + 1]):
            known = flags[ids[i]]
            if known & NON_SYMBOL:
                words += 1
                word_chars += chars[ids[i]]
            alphabetic += known & ALPHABETIC != 0
            seen |= known >> STOP_WORD
        counts[0, row] = first[row + 1] - first[row]
        counts[1, row], counts[2, row], counts[3, row] = words, word_chars, alphabetic
        stop_words = 0
        for bit in range(len(STOP_WORDS)):
            stop_words += seen >> bit & 1
        counts[4, row] = stop_words


def count_quality(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    found: Tokens,
    counts: NDArray[np.int32],
) -> None:
    """Write SIGNALS of some rows; `found` are their tokens."""
    _count_marks(data, offsets, counts)
    _count_words(found.ids, found.first, found.chars, found.flags, counts)


@column_function(returns=DDL, version=1, assets=("english_tokens.json",), measures=True)
def datatrove_quality(text: pa.Array) -> pa.Array:
    r"""Count what datatrove's Gopher quality rules ask: words, symbols, bullets, ellipses.

    Shape: STRING -> STRUCT<tokens INT, words INT, ..., ellipsis_lines INT>, the fields of SIGNALS
        in order; null gives null, an empty text gives zeros.
    Units: all are counts.
        tokens: spaCy's English tokens, punctuation included. words are tokens with a character
            that is no symbol, word_chars the code points in them; alphabetic_tokens have a letter.
            stop_words: how many of the eight STOP_WORDS are among the tokens, 0 to 8; not "The".
        hashes: "#". ellipses: "..." without overlap, and "…".
        lines: as `str.splitlines` cuts them, blank ones too. bullet_lines begin with "•" or "-"
            after white space, ellipsis_lines end with "..." or "…" before white space.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: Gopher (Rae et al. 2021, arXiv:2112.11446, appendix A.1), as in datatrove 0.10.1
        gopher_quality_filter.py with spaCy 3.8.18. Differs: a chunk's tokens do not depend on its
        neighbours; spaCy's do where a special case could reach over a space (": x" before ".'re").
    """
    data, offsets = utf8(text)
    counts = np.zeros((len(SIGNALS), len(text)), np.int32)
    for found in tokenise(data, offsets):
        rows = offsets[found.rows.start : found.rows.stop + 1]
        count_quality(data, rows, found, counts[:, found.rows])
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())
