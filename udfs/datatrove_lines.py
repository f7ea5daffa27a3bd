"""What datatrove's FineWeb quality rules are made of: ends, lengths and copies of lines."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.characters import SENTENCE_END, character_classes
from winnow.udfs.decoding import decode, space_size
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.seen import SLOTS, count_newlines, is_repeat, most_newlines, new_slots, slots_for
from winnow.udfs.token_table import tokenise

SIGNALS = (
    "chars",
    "tokens",
    "newlines",
    "lines",
    "ended_lines",
    "short_lines",
    "duplicate_line_chars",
)
DDL = "STRUCT<" + ", ".join(f"{name} INT" for name in SIGNALS) + ">"
TOKENS = SIGNALS.index("tokens")

SHORT = 30  # code points
_NEWLINE = ord("\n")
_CLASSES = character_classes()
_MATRIX = types.Array(types.int32, 2, "A")


@kernel(types.void(BYTES, OFFSETS, BYTES, SLOTS, _MATRIX))
def _count(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: NDArray[np.uint8],
    seen: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> None:
    for row in range(offsets.size - 1):
        text, end = offsets[row], offsets[row + 1]
        newlines = count_newlines(data, text, end)
        slots = slots_for(newlines + 1)
        chars = lines = ended = short = duplicate = 0
        start, length, visible, last = text, 0, False, 0
        at = text
        while at <= end:
            if at == end or data[at] == _NEWLINE:
                if visible:
                    lines += 1
                    ended += classes[last] & SENTENCE_END != 0
                    short += length <= SHORT
                    if is_repeat(data, text, start, at, row + 1, slots, seen):
                        duplicate += length
                chars += length
                start, length, visible = at + 1, 0, False
                at += 1
                continue
            last, size = int(data[at]), 1
            if last >= 0x80:
                last, size = decode(data, at, end)
            visible = visible or space_size(data, at, end) == 0
            length += 1
            at += size
        counts[0, row] = chars + newlines
        counts[2, row], counts[3, row], counts[4, row] = newlines, lines, ended
        counts[5, row], counts[6, row] = short, duplicate


def count_lines(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], counts: NDArray[np.int32]
) -> None:
    """Write SIGNALS of some rows, but for their tokens."""
    _count(data, offsets, _CLASSES, new_slots(most_newlines(data, offsets) + 1), counts)


@column_function(returns=DDL, version=1, assets=("english_tokens.json",), measures=True)
def datatrove_lines(text: pa.Array) -> pa.Array:
    r"""Count what datatrove's FineWeb rules ask of lines: ends, lengths, copies, breaks.

    Shape: STRING -> STRUCT<chars INT, tokens INT, ..., duplicate_line_chars INT>, the fields of
        SIGNALS in order; null gives null, an empty text gives zeros.
    Units: counts. chars and duplicate_line_chars are code points, tokens spaCy's English tokens,
        newlines "\n". lines: what stands between two "\n", white space at its ends included; one
        of white space alone is no line. ended_lines: the very last character is one of the 159
        sentence ends of all scripts. short_lines have at most 30 code points.
        duplicate_line_chars: those of the copies of a line after the first.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: FineWeb (Penedo et al. 2024, arXiv:2406.17557, section 3.6), as in datatrove 0.10.1
        fineweb_quality_filter.py with spaCy 3.8.18. Differs: as in `datatrove_quality`, a chunk's
        tokens do not depend on its neighbours.
    """
    data, offsets = utf8(text)
    counts = np.zeros((len(SIGNALS), len(text)), np.int32)
    for found in tokenise(data, offsets):
        rows = offsets[found.rows.start : found.rows.stop + 1]
        count_lines(data, rows, counts[:, found.rows])
        counts[TOKENS, found.rows] = np.diff(found.first)
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())
