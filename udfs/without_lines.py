"""Texts without the lines or paragraphs that other documents have too."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, list_rows, strings, utf8
from winnow.udfs.decoding import count_chars
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.text_units import FLAGS, POSITIONS, find_units

FIELDS = ("text", "removed_lines", "removed_chars")

_COUNTS = types.Array(types.int32, 2, "C")
_CUT = types.int64(
    BYTES, OFFSETS, POSITIONS, POSITIONS, POSITIONS, FLAGS, POSITIONS,
    POSITIONS, POSITIONS, POSITIONS, POSITIONS,
    types.Array(types.uint8, 1, "C"), POSITIONS, _COUNTS,
)  # fmt: skip


@kernel(_CUT)
def _cut(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    hashes: NDArray[np.int64],
    is_long: NDArray[np.bool_],
    first: NDArray[np.int64],
    repeated: NDArray[np.int64],
    repeated_first: NDArray[np.int64],
    kept_once: NDArray[np.int64],
    kept_once_first: NDArray[np.int64],
    rest: NDArray[np.uint8],
    rest_offsets: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> int:
    """Write what is left of each row; return the bytes written.

    A unit goes together with what stands between it and the next one, the last ones with what
    stands before them.
    """
    written = 0
    for row in range(offsets.size - 1):
        rest_offsets[row] = written
        gone = repeated[repeated_first[row] : repeated_first[row + 1]].copy()
        gone.sort()
        once = kept_once[kept_once_first[row] : kept_once_first[row + 1]].copy()
        once.sort()
        was_here = np.zeros(once.size, np.bool_)
        copied = offsets[row]  # up to here the text is either written or gone
        end = offsets[row + 1]
        last = written  # the end of the last unit that was written
        is_last_gone = False
        for i in range(first[row], first[row + 1]):
            is_last_gone = False
            if is_long[i]:
                place = np.searchsorted(gone, hashes[i])
                is_last_gone = place < gone.size and gone[place] == hashes[i]
                place = np.searchsorted(once, hashes[i])
                if place < once.size and once[place] == hashes[i]:
                    is_last_gone = is_last_gone or was_here[place]
                    was_here[place] = True
            if is_last_gone:
                counts[0, row] += 1
                until = starts[i]
            else:
                until = ends[i]
            for k in range(copied, until):
                rest[written] = data[k]
                written += 1
            copied = until
            if is_last_gone:
                copied = starts[i + 1] if i + 1 < first[row + 1] else end
            else:
                last = written
        if is_last_gone:
            written = last
        else:
            for k in range(copied, end):
                rest[written] = data[k]
                written += 1
        if counts[0, row]:
            chars = count_chars(data, offsets[row], end)
            left = 0
            for k in range(rest_offsets[row], written):
                left += rest[k] & 0xC0 != 0x80
            counts[1, row] = chars - left
    rest_offsets[offsets.size - 1] = written
    return written


@column_function(
    returns="STRUCT<text STRING, removed_lines INT, removed_chars INT>",
    version=1,
)
def without_lines(
    text: pa.Array,
    repeated: pa.Array,
    kept_once: pa.Array,
    unit: str = "line",
    min_chars: int = 0,
) -> pa.Array:
    """Return a text without some of its lines or paragraphs, and how much went.

    Shape: STRING, ARRAY<BIGINT>, ARRAY<BIGINT> -> STRUCT<text STRING, removed_lines INT,
        removed_chars INT>; a null text gives null, a null array names nothing. `unit` and
        `min_chars` as in the `line_hashes` that the hashes are from.
    Units: of a unit whose hash is in `repeated` every copy goes, of one in `kept_once` every copy
        after the first here. removed_lines counts units, removed_chars code points, line breaks
        included: a unit goes with what parts it from the next one, the last with what stands before
        it, so that lines are left as by "\\n".join. Nothing else of the text changes.
    Errors: TypeError if the text is not STRING, ValueError for another unit.
    Source: every copy goes in CCNet (cc_net/dedup.py: `deduplicate_two_pass`, "even removing the
        first occurence"); the first stays in C4 (Raffel et al. 2019, arXiv:1910.10683, section 2.2)
        and Dolma (Soldaini et al. 2024, arXiv:2402.00159, section 5). Differs: C4 looks at three
        sentences in a row, CCNet also removes lines that are repeated in one document only.
    """
    data, offsets = utf8(text)
    units = find_units(data, offsets, unit, min_chars)
    rest = np.empty(int(offsets[-1] - offsets[0]), np.uint8)
    rest_offsets = np.empty(offsets.size, np.int64)
    counts = np.zeros((2, len(text)), np.int32)
    written = _cut(
        data,
        offsets,
        *units,
        *list_rows(repeated),
        *list_rows(kept_once),
        rest,
        rest_offsets,
        counts,
    )
    texts = strings(rest[:written], rest_offsets, text.type)
    columns = [texts, *map(pa.array, counts)]
    return pa.StructArray.from_arrays(columns, FIELDS, mask=text.is_null())
