"""The set of a text's shingles, as sorted hashes: what `similarity` compares."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.sha1 import POSITIONS
from winnow.udfs.shingles import PIECE, ROOM, Room, begin, check_shingle, next_hashes, room_for

# Hashes that are kept of a text: 1 MB, from about 800 KB of English on. An estimate from so many
# is off by 0.0014 (one standard deviation) at most.
MOST_HASHES = 1 << 17

_FLAGS = types.Array(types.boolean, 1, "C")


@kernel(types.int64(POSITIONS, types.int64, types.int64))
def _sort_distinct(hashes: NDArray[np.int64], start: int, end: int) -> int:
    """Sort hashes[start:end] and move the distinct ones to the front; return their end."""
    hashes[start:end].sort()
    distinct = start
    for i in range(start, end):
        if i == start or hashes[i] != hashes[distinct - 1]:
            hashes[distinct] = hashes[i]
            distinct += 1
    return distinct


_COLLECT = types.void(
    BYTES, OFFSETS, types.boolean, types.int64, ROOM, POSITIONS, POSITIONS, _FLAGS
)  # fmt: skip


@kernel(_COLLECT)
def _collect(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    is_char: bool,
    size: int,
    room: Room,
    hashes: NDArray[np.int64],
    first: NDArray[np.int64],
    is_sampled: NDArray[np.bool_],
) -> None:
    """Write the sorted distinct hashes of row i to hashes[first[i]:first[i + 1]]."""
    end = 0
    for row in range(offsets.size - 1):
        start = first[row] = end
        begin(offsets[row], room)
        while True:
            count = next_hashes(data, offsets[row + 1], is_char, size, room)
            for i in range(count):
                hashes[end + i] = np.int64(room.hashes[i])
            end += count
            if not count or end - start > 2 * MOST_HASHES:
                end = _sort_distinct(hashes, start, end)
                if end - start > MOST_HASHES:
                    end = start + MOST_HASHES
                    is_sampled[row] = True
            if not count:
                break
    first[offsets.size - 1] = end


@column_function(returns="STRUCT<hashes ARRAY<BIGINT>, is_sampled BOOLEAN>", version=1)
def shingle_hashes(text: pa.Array, unit: str = "word", size: int = 5) -> pa.Array:
    """Return the set of a text's shingles, each as a hash of 64 bits.

    Shape: STRING -> STRUCT<hashes ARRAY<BIGINT>, is_sampled BOOLEAN>; null gives null, a text
        without words no hashes. Shingles are `unit`s ('word' or 'char'), `size` of them, as
        `winnow.udfs.shingles` defines them.
    Units: hashes are distinct and ascending. A text of more than MOST_HASHES shingles keeps the
        smallest MOST_HASHES, and is_sampled says so.
    Errors: TypeError if the column is not STRING, ValueError for an option out of its range.
    Source: the first 8 bytes of each shingle's SHA-1, little-endian (datasketch's `sha1_hash64`;
        the low 32 bits are what `minhash` permutes). Two different ones of n shingles have the same
        hash with probability n^2 / 2^65: 3 in 10^12 for 10,000. Samples are bottom-k sketches
        (Cohen and Kaplan 2007, "Summarizing data using bottom-k sketches").
    """
    check_shingle(unit, size)
    data, offsets = utf8(text)
    is_char = unit == "char"
    # A row has at most one shingle a byte, or every second one; what it does not fill is not
    # touched and costs nothing. A sample is cut as soon as it is twice as long.
    most = np.diff(offsets) // (1 if is_char else 2) + 1
    room_needed = np.minimum(most, 2 * MOST_HASHES).sum() + 2 * (PIECE + size)
    hashes = np.empty(int(room_needed), np.int64)
    first = np.empty(offsets.size, np.int64)
    is_sampled = np.zeros(len(text), np.bool_)
    _collect(data, offsets, is_char, size, room_for(offsets, size), hashes, first, is_sampled)
    lists = pa.ListArray.from_arrays(pa.array(first.astype(np.int32)), hashes[: first[-1]].copy())
    return pa.StructArray.from_arrays(
        [lists, pa.array(is_sampled)], ["hashes", "is_sampled"], mask=text.is_null()
    )
