"""Words and pairs of words as features of a linear model, hashed into a fixed number of buckets.

Words are those of `winnow.udfs.normalised_words`: without case, accents and punctuation, in any
script. A feature's value is ln(1 + how often it comes), and a text's values have length 1, so that
long texts do not outweigh short ones.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.normalised_words import (
    FOLD,
    FOLDS,
    ROOM,
    Room,
    room_for,
    write_ngrams,
    write_words,
)

BITS = 18
BUCKETS = 1 << BITS
_SHIFT = np.uint64(64 - BITS)

_COUNTS, _FLOATS = types.Array(types.int32, 1, "C"), types.Array(types.float32, 1, "C")
_WEIGHTS = types.Array(types.float32, 1, "C", readonly=True)
_SUMS = types.Array(types.float64, 1, "C")

_COUNT = types.int64(BYTES, types.int64, types.int64, FOLD, ROOM, _COUNTS, _COUNTS)


@njit(_COUNT, cache=True, nogil=True)
def _count(
    data: NDArray[np.uint8],
    start: int,
    end: int,
    fold: NDArray[np.int64],
    room: Room,
    counts: NDArray[np.int32],
    touched: NDArray[np.int32],
) -> int:
    """Count the features of a text; `touched` names those that it has, by first occurrence."""
    words = write_words(data, start, end, fold, room.words, room.starts, room.ends)
    pairs = write_ngrams(room.words, words, 2, room.ngrams)
    distinct = 0
    for i in range(words + pairs):
        key = room.words[i] if i < words else room.ngrams[i - words]
        bucket = np.int32(key >> _SHIFT)
        if counts[bucket] == 0:
            touched[distinct] = bucket
            distinct += 1
        counts[bucket] += 1
    return distinct


_WRITE = types.int64(
    BYTES, OFFSETS, FOLD, ROOM, _COUNTS, _COUNTS, types.Array(types.int64, 1, "C"), _COUNTS, _FLOATS
)


@njit(_WRITE, cache=True, nogil=True)
def _write(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    fold: NDArray[np.int64],
    room: Room,
    counts: NDArray[np.int32],
    touched: NDArray[np.int32],
    first: NDArray[np.int64],
    buckets: NDArray[np.int32],
    values: NDArray[np.float32],
) -> int:
    written = 0
    for row in range(offsets.size - 1):
        first[row] = written
        distinct = _count(data, offsets[row], offsets[row + 1], fold, room, counts, touched)
        squares = 0.0
        for i in range(distinct):
            squares += np.log1p(counts[touched[i]]) ** 2
        for i in range(distinct):
            bucket = touched[i]
            buckets[written + i] = bucket
            values[written + i] = np.log1p(counts[bucket]) / np.sqrt(squares)
            counts[bucket] = 0
        written += distinct
    first[offsets.size - 1] = written
    return written


_ADD = types.void(BYTES, OFFSETS, FOLD, ROOM, _COUNTS, _COUNTS, _WEIGHTS, _SUMS)


@njit(_ADD, cache=True, nogil=True)
def _add(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    fold: NDArray[np.int64],
    room: Room,
    counts: NDArray[np.int32],
    touched: NDArray[np.int32],
    weights: NDArray[np.float32],
    sums: NDArray[np.float64],
) -> None:
    for row in range(offsets.size - 1):
        distinct = _count(data, offsets[row], offsets[row + 1], fold, room, counts, touched)
        total = squares = 0.0
        for i in range(distinct):
            value = np.log1p(counts[touched[i]])
            total += value * weights[touched[i]]
            squares += value * value
            counts[touched[i]] = 0
        sums[row] = total / np.sqrt(squares) if distinct else np.nan


def _scratch(offsets: NDArray[np.int64]) -> tuple[Room, NDArray[np.int32], NDArray[np.int32]]:
    room = room_for(offsets)
    return room, np.zeros(BUCKETS, np.int32), np.empty(min(2 * room.words.size, BUCKETS), np.int32)


def features(
    data: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return the features of texts as the arrays of a sparse matrix of BUCKETS columns (CSR).

    Returns:
        first int64[n_texts + 1], buckets int32[n] and values float32[n]: text i has those from
        first[i] up to first[i + 1].
    """
    room, counts, touched = _scratch(offsets)
    most = int(np.minimum(np.diff(offsets) + 2, BUCKETS).sum())  # a word has two bytes, a pair more
    first = np.empty(offsets.size, np.int64)
    buckets, values = np.empty(most, np.int32), np.empty(most, np.float32)
    written = _write(data, offsets, FOLDS, room, counts, touched, first, buckets, values)
    return first, buckets[:written].copy(), values[:written].copy()


def weighted_sums(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return of each text the sum of its values times `weights` (float32[BUCKETS]).

    A text without words is NaN. The sum goes by first occurrence, so that it is the same whatever
    texts stand beside it.
    """
    room, counts, touched = _scratch(offsets)
    sums = np.empty(offsets.size - 1, np.float64)
    _add(data, offsets, FOLDS, room, counts, touched, weights, sums)
    return sums
