"""The windows of a text that other texts may have too, by their anchors."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import list_rows, utf8
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.token_table import HASHES, WIDE
from winnow.udfs.word_windows import FRESH, find_windows


@kernel(types.void(WIDE, HASHES, HASHES, WIDE, WIDE, WIDE, WIDE, WIDE, WIDE))
def _select(
    first: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    anchors: NDArray[np.uint64],
    copied: NDArray[np.int64],
    wanted: NDArray[np.int64],
    wanted_first: NDArray[np.int64],
    positions: NDArray[np.int64],
    found: NDArray[np.int64],
    found_first: NDArray[np.int64],
) -> None:
    count = 0
    for row in range(first.size - 1):
        found_first[row] = count
        known = wanted[wanted_first[row] : wanted_first[row + 1]].copy()
        known.sort()
        for i in range(first[row], first[row + 1]):
            if copied[i] == FRESH and known.size:
                anchor = np.int64(anchors[i])
                place = np.searchsorted(known, anchor)
                if place < known.size and known[place] == anchor:
                    positions[count], found[count] = i - first[row], np.int64(hashes[i])
                    count += 1
    found_first[first.size - 1] = count


@column_function(returns="ARRAY<STRUCT<position INT, hash BIGINT>>", version=1)
def repeat_windows(text: pa.Array, anchors: pa.Array, words: int = 50) -> pa.Array:
    """Return the windows of a text that have one of these anchors.

    Shape: STRING, ARRAY<BIGINT> -> ARRAY<STRUCT<position INT, hash BIGINT>>; a null text gives
        null, null anchors none.
    Units: windows, anchors and copies are defined in `winnow.udfs.word_windows`; windows that are
        copies are left out. position is the window's first word, from 0; in that order.
    Errors: TypeError if the text is not STRING, ValueError if words is below 1.
    Source: as of `repeat_anchors`.
    """
    data, offsets = utf8(text)
    found = find_windows(data, offsets, words)
    positions, hashes = np.empty((2, found.keys.size), np.int64)
    first = np.empty(offsets.size, np.int64)
    _select(
        found.first, found.hashes, found.anchors, found.copied, *list_rows(anchors),
        positions, hashes, first,
    )  # fmt: skip
    windows = pa.StructArray.from_arrays(
        [positions[: first[-1]].astype(np.int32), hashes[: first[-1]].copy()], ("position", "hash")
    )
    return pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), windows, mask=text.is_null())
