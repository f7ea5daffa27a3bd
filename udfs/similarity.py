"""How alike two texts are, from the sets of their shingles."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import types
from numpy.typing import NDArray

from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function

SET = pa.struct({"hashes": pa.list_(pa.int64()), "is_sampled": pa.bool_()})

_HASHES = types.Array(types.int64, 1, "C", readonly=True)
_OFFSETS = types.Array(types.int32, 1, "C", readonly=True)
_FLAGS = types.Array(types.boolean, 1, "C", readonly=True)
_NUMBERS = types.Array(types.float64, 1, "C")
_LARGEST = np.iinfo(np.int64).max

_COMPARE = types.void(*(_HASHES, _OFFSETS, _FLAGS) * 2, _NUMBERS, _NUMBERS)


@kernel(_COMPARE)
def _compare(
    a: NDArray[np.int64],
    a_offsets: NDArray[np.int32],
    a_is_sampled: NDArray[np.bool_],
    b: NDArray[np.int64],
    b_offsets: NDArray[np.int32],
    b_is_sampled: NDArray[np.bool_],
    similarity: NDArray[np.float64],
    containment: NDArray[np.float64],
) -> None:
    for row in range(similarity.size):
        i, a_end = a_offsets[row], a_offsets[row + 1]
        j, b_end = b_offsets[row], b_offsets[row + 1]
        # Up to the last hash of a sample both sets are known in full.
        last = _LARGEST
        if a_is_sampled[row] and i < a_end:
            last = min(last, a[a_end - 1])
        if b_is_sampled[row] and j < b_end:
            last = min(last, b[b_end - 1])
        of_a = of_b = shared = 0
        while i < a_end or j < b_end:
            left = a[i] if i < a_end else _LARGEST
            right = b[j] if j < b_end else _LARGEST
            if min(left, right) > last:
                break
            in_a = i < a_end and left <= right
            in_b = j < b_end and right <= left
            of_a += in_a
            of_b += in_b
            shared += in_a and in_b
            i += in_a
            j += in_b
        if of_a and of_b:
            similarity[row] = shared / (of_a + of_b - shared)
            containment[row] = shared / min(of_a, of_b)


def _parts(
    shingles: pa.Array,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """Return hashes int64[n], offsets int32[rows + 1] and is_sampled bool[rows]."""
    shingles = shingles.cast(SET)
    lists = pc.struct_field(shingles, "hashes")
    is_sampled = pc.fill_null(pc.struct_field(shingles, "is_sampled"), False)
    flags = is_sampled.to_numpy(zero_copy_only=False)
    flags.flags.writeable = False
    if not len(lists):  # Arrow may leave out the offsets of an empty array
        return np.zeros(0, np.int64), np.zeros(1, np.int32), flags
    return lists.values.to_numpy(), lists.offsets.to_numpy(), flags


@column_function(
    returns="STRUCT<similarity DOUBLE, containment DOUBLE, is_estimate BOOLEAN>", version=1
)
def similarity(a: pa.Array, b: pa.Array) -> pa.Array:
    """Return how alike two sets of shingles are, and how much of the smaller one is in the larger.

    Shape: two results of `shingle_hashes` with the same options -> STRUCT<similarity DOUBLE,
        containment DOUBLE, is_estimate BOOLEAN>; null if one of them is null:
        `similarity(shingle_hashes(text_a), shingle_hashes(text_b))`.
    Units: similarity is Jaccard's: shared shingles by all shingles of the two, 0 to 1. containment:
        shared shingles by those of the smaller set, 0 to 1. A set without shingles is like no
        other, not even another such one: 0. Both are exact but for equal hashes of different
        shingles (see `shingle_hashes`); is_estimate says that one of the sets is a sample.
    Errors: an Arrow error if a column is no result of `shingle_hashes`.
    Source: Broder 1997, "On the resemblance and containment of documents"; samples are compared up
        to the last hash of the shorter range, where both are complete.
    """
    found = np.zeros((2, len(a)), np.float64)
    parts_a, parts_b = _parts(a), _parts(b)
    _compare(*parts_a, *parts_b, found[0], found[1])
    columns = [pa.array(found[0]), pa.array(found[1]), pa.array(parts_a[2] | parts_b[2])]
    return pa.StructArray.from_arrays(
        columns,
        ["similarity", "containment", "is_estimate"],
        mask=pc.or_(a.is_null(), b.is_null()),
    )
