"""Words and pairs of words as features of a model, hashed into a fixed number of buckets.

Words are those of `winnow.udfs.normalised_words`: without case, accents and punctuation, in any
script. For a linear model a feature's value is ln(1 + how often it comes), and a text's values have
length 1, so that long texts do not outweigh short ones. For a ratio of two distributions every
occurrence counts as it comes, which needs no table of the text's own and is several times faster.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.kernels import kernel
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


@kernel(_COUNT)
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


@kernel(_WRITE)
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


@kernel(_ADD)
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


_COUNT_ALL = types.void(BYTES, OFFSETS, FOLD, ROOM, types.Array(types.int64, 1, "C"))


@kernel(_COUNT_ALL)
def _count_all(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    fold: NDArray[np.int64],
    room: Room,
    counts: NDArray[np.int64],
) -> None:
    for row in range(offsets.size - 1):
        start, end = offsets[row], offsets[row + 1]
        words = write_words(data, start, end, fold, room.words, room.starts, room.ends)
        pairs = write_ngrams(room.words, words, 2, room.ngrams)
        for i in range(words):
            counts[room.words[i] >> _SHIFT] += 1
        for i in range(pairs):
            counts[room.ngrams[i] >> _SHIFT] += 1


_MEAN = types.void(BYTES, OFFSETS, FOLD, ROOM, _WEIGHTS, _SUMS)


@kernel(_MEAN)
def _mean(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    fold: NDArray[np.int64],
    room: Room,
    weights: NDArray[np.float32],
    means: NDArray[np.float64],
) -> None:
    for row in range(offsets.size - 1):
        start, end = offsets[row], offsets[row + 1]
        words = write_words(data, start, end, fold, room.words, room.starts, room.ends)
        pairs = write_ngrams(room.words, words, 2, room.ngrams)
        total = 0.0
        for i in range(words):
            total += weights[room.words[i] >> _SHIFT]
        for i in range(pairs):
            total += weights[room.ngrams[i] >> _SHIFT]
        means[row] = total / (words + pairs) if words else np.nan


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


def bucket_counts(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64[BUCKETS]: how often each bucket's words and pairs come in all texts together."""
    counts = np.zeros(BUCKETS, np.int64)
    _count_all(data, offsets, FOLDS, room_for(offsets), counts)
    return counts


def log_ratios(positives: NDArray[np.int64], negatives: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return float32[BUCKETS]: how much likelier a bucket's n-grams are among the positives.

    A bucket weighs log(p + e) - log(q + e), with p and q its shares of the n-grams of both classes,
    as in DSIR (Xie et al. 2023, arXiv:2302.03169, section 3; p-lambda/dsir 14ffaa4,
    data_selection/hashed_ngram_dsir.py). Differs: 2^18 buckets, not 10,000; words without
    punctuation; and e is one n-gram of the smaller class, not 1e-8, with which n-grams that came
    once in one class alone weigh most (the tasks of docs/learned_scores.md: AUC 0.848 against 0.924
    on books and logs, 0.699 against 0.736 on web pages, and hardly more on two of eight).

    Args:
        positives: int64[BUCKETS], from `bucket_counts`.
        negatives: the same of the other class.
    """
    least = 1 / max(1, min(int(positives.sum()), int(negatives.sum())))
    p, q = (counts / max(1, int(counts.sum())) for counts in (positives, negatives))
    weights: NDArray[np.float32] = (np.log(p + least) - np.log(q + least)).astype(np.float32)
    return weights


def mean_weights(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return of each text the mean of `weights` (float32[BUCKETS]) over its words and pairs.

    With the weights of `log_ratios` it is the difference of two cross-entropies per n-gram (Moore &
    Lewis 2010, "Intelligent Selection of Language Model Training Data", section 2; DSIR has the
    sum, which length decides). A text without words is NaN.
    """
    means = np.empty(offsets.size - 1, np.float64)
    _mean(data, offsets, FOLDS, room_for(offsets), weights, means)
    return means
