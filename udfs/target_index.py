"""The n-grams of benchmark items, indexed, for kernels that look for them in documents.

Items with the same text are one item here. N-grams that many items share are templates ("choose
the correct answer to the question"): a search begins at others, or at an item's rarest if it has
no other, so that what a document costs does not grow with the number of items.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.hashing import blake2b_128
from winnow.udfs.kernels import kernel
from winnow.udfs.normalised_words import (
    FOLD,
    FOLDS,
    HASHES,
    PLACES,
    ROOM,
    room_for,
    write_ngrams,
    write_words,
)
from winnow.udfs.seen import slot_of

# What a scan finds of an item in a document: the row of the document, the item, and where the words
# are that they share: those from a first one up to the one before the last number, of both.
FOUND = ("row", "item", "start", "end", "target_start", "target_end")
_MATRIX = types.Array(types.int64, 2, "C")

_BITS_PER_NGRAM = 16  # of the filter: one in 16 n-grams that are in no item passes it
_FLAGS, WEIGHTS = types.Array(types.boolean, 1, "C"), types.Array(types.float64, 1, "C")
_OFFSETS = types.Array(types.int64, 1, "C")


class Targets(NamedTuple):
    """The words of items: item i has those from first[i] up to first[i + 1].

    Word w is the code points starts[w] up to ends[w] of the item's text.
    """

    words: NDArray[np.uint64]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    first: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """How many words each item has."""
        return np.diff(self.first)


class Index(NamedTuple):
    """N-grams in ascending order of their hashes, and where they stand.

    N-gram g stands in the items items[postings[g]:postings[g + 1]], ascending, first at the words
    positions[...] of them. `seeds` tells whether a search begins there, `seeds_of` in how many
    n-grams of an item. A word's weight is the mean inverse document frequency ln(1 + N / n) of the
    n-grams that cover it, n of N items having one. `words` and `first` are those of the targets.
    """

    size: int
    passed: NDArray[np.uint64]
    ngrams: NDArray[np.uint64]
    postings: NDArray[np.int64]
    items: NDArray[np.int32]
    positions: NDArray[np.int32]
    seeds: NDArray[np.bool_]
    seeds_of: NDArray[np.int64]
    weights: NDArray[np.float64]
    words: NDArray[np.uint64]
    first: NDArray[np.int64]


class Evidence(NamedTuple):
    """int64[n, 6] what FOUND names, in code points of document and item; float64[n] scores."""

    found: NDArray[np.int64]
    scores: NDArray[np.float64]


_FIELDS = (
    *(types.int64, HASHES, HASHES, _OFFSETS),  # size to postings
    *(PLACES, PLACES, _FLAGS, _OFFSETS),  # items to seeds_of
    *(WEIGHTS, HASHES, _OFFSETS),
)
INDEX = types.NamedTuple(_FIELDS, Index)  # type: ignore[no-untyped-call]


def read_targets(
    text: pa.Array, least_words: int, least_distinct: int
) -> tuple[Targets, NDArray[np.int64]]:
    """Return the items of a column of texts, and int64[n_rows] the item of each row.

    Rows with the same text are one item; a null row or one of too few words is none, -1. The order
    of items does not depend on that of the rows.
    """
    data, offsets = utf8(text)
    words, starts, ends, _ = room_for(offsets)
    rows: dict[str, list[int]] = {}
    found: dict[str, tuple[NDArray[np.uint64], NDArray[np.int32], NDArray[np.int32]]] = {}
    is_null = text.is_null().to_numpy(zero_copy_only=False)
    for row in np.flatnonzero(~is_null):
        count = write_words(data, offsets[row], offsets[row + 1], FOLDS, words, starts, ends)
        if count < least_words or len(np.unique(words[:count])) < least_distinct:
            continue
        digest = blake2b_128(data[offsets[row] : offsets[row + 1]].tobytes())
        rows.setdefault(digest, []).append(int(row))
        if digest not in found:
            found[digest] = (words[:count].copy(), starts[:count].copy(), ends[:count].copy())
    item_of = np.full(len(text), -1, np.int64)
    order = sorted(found)
    for item, digest in enumerate(order):
        item_of[rows[digest]] = item
    lengths = [len(found[digest][0]) for digest in order]
    words, starts, ends = (
        np.concatenate([np.empty(0, kind), *(found[digest][i] for digest in order)])
        for i, kind in enumerate((np.uint64, np.int32, np.int32))
    )
    return Targets(words, starts, ends, np.cumsum([0, *lengths], dtype=np.int64)), item_of


def index_targets(
    targets: Targets,
    size: int,
    most_items: int,
    wanted: NDArray[np.bool_],
    first_only: bool = False,
) -> Index:
    """Index the n-grams of the wanted items.

    Args:
        targets: the items.
        size: words of an n-gram.
        most_items: an n-gram of more items is a template.
        wanted: bool[n_items]; those have at least `size` words.
        first_only: index the first n-gram of each item alone.
    """
    every = np.empty(len(targets.words), np.uint64)
    count = write_ngrams(targets.words, len(targets.words), size, every)
    item = np.repeat(np.arange(len(wanted)), targets.lengths)[:count]
    position = np.arange(count) - targets.first[item]
    inside = wanted[item] & (position <= targets.lengths[item] - size)
    if first_only:
        inside &= position == 0
    ngram, item, position = every[:count][inside], item[inside], position[inside]

    order = np.lexsort((position, item, ngram))
    of, by, at = ngram[order], item[order], position[order]
    is_first = np.ones(len(of), np.bool_)  # of this n-gram in this item
    is_first[1:] = (of[1:] != of[:-1]) | (by[1:] != by[:-1])
    of, by, at = of[is_first], by[is_first], at[is_first]
    ngrams, begins, shared = np.unique(of, return_index=True, return_counts=True)

    number = np.repeat(np.arange(len(ngrams)), shared)  # of each posting's n-gram
    rarest = np.full(len(wanted), len(wanted) + 1)
    np.minimum.at(rarest, by, shared[number])
    seeds = shared <= most_items
    seeds[number[shared[number] == rarest[by]]] = True

    idf = np.log1p(wanted.sum() / np.maximum(shared, 1))
    weight = np.zeros(len(targets.words))
    covers = np.zeros(len(targets.words))
    weights = idf[np.searchsorted(ngrams, ngram)]
    for i in range(size):
        weight[targets.first[item] + position + i] += weights
        covers[targets.first[item] + position + i] += 1
    return Index(
        size=size,
        passed=_filter(ngrams),
        ngrams=ngrams,
        postings=np.append(begins, len(of)).astype(np.int64),
        items=by.astype(np.int32),
        positions=at.astype(np.int32),
        seeds=seeds,
        seeds_of=np.bincount(by[seeds[number]], minlength=len(wanted)),
        weights=weight / np.maximum(covers, 1),
        words=targets.words,
        first=targets.first,
    )


_SCANNED = types.UniTuple(types.int64, 2)  # type: ignore[no-untyped-call]
SCAN = _SCANNED(BYTES, OFFSETS, types.int64, FOLD, ROOM, INDEX, _MATRIX, WEIGHTS)
Scan = Callable[..., tuple[int, int]]


def scanned(
    scan: Scan, text: pa.Array, targets: Targets, indexes: list[Index]
) -> Iterator[Evidence]:
    """Yield what a scan finds in a column of texts, index by index, by row and item.

    `scan(data, offsets, row, fold, room, index, found, scores)` reads the rows from `row` on, as
    long as a row with every item would have room in `found`, and gives places in items in words. It
    returns the next row and how many it wrote.
    """
    if text.null_count:
        text = pc.fill_null(text, "")
    data, offsets = utf8(text)
    room, most = room_for(offsets), len(targets.lengths) + 1024
    for index in indexes:
        row = 0
        while row < len(text) and len(index.ngrams):
            found, scores = np.empty((most, len(FOUND)), np.int64), np.empty(most)
            row, count = scan(data, offsets, row, FOLDS, room, index, found, scores)
            found, scores = found[:count], scores[:count]
            first = targets.first[found[:, 1]]
            found[:, 4] = targets.starts[first + found[:, 4]]
            found[:, 5] = targets.ends[first + found[:, 5] - 1]
            yield Evidence(found, scores)


def _filter(ngrams: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return bits of which those are set that the n-grams fall on."""
    words = 1
    while 64 * words < _BITS_PER_NGRAM * len(ngrams):
        words *= 2
    passed = np.zeros(words, np.uint64)
    _set_bits(ngrams, passed)
    return passed


@kernel(types.void(HASHES, HASHES))
def _set_bits(ngrams: NDArray[np.uint64], passed: NDArray[np.uint64]) -> None:
    for ngram in ngrams:
        bit = slot_of(ngram, 64 * len(passed))
        passed[bit >> 6] |= np.uint64(1) << np.uint64(bit & 63)


@kernel(types.boolean(HASHES, types.uint64), inlined=True)
def passes(passed: NDArray[np.uint64], ngram: np.uint64) -> bool:
    """Tell whether an n-gram may be that of an item."""
    bit = slot_of(ngram, 64 * len(passed))
    return bool(passed[bit >> 6] >> np.uint64(bit & 63) & np.uint64(1))


@kernel(types.int64(HASHES, HASHES, types.uint64), inlined=True)
def find_ngram(passed: NDArray[np.uint64], ngrams: NDArray[np.uint64], ngram: np.uint64) -> int:
    """Return the number of an n-gram, -1 if no item has it."""
    if not passes(passed, ngram):
        return -1
    low, high = 0, len(ngrams)
    while low < high:
        middle = (low + high) // 2
        if ngrams[middle] < ngram:
            low = middle + 1
        else:
            high = middle
    return low if low < len(ngrams) and ngrams[low] == ngram else -1


@kernel(types.int64(PLACES, types.int64, types.int64, types.int64), inlined=True)
def find_posting(items: NDArray[np.int32], low: int, high: int, item: int) -> int:
    """Return where among items[low:high] an item is, -1 if it is not."""
    after = high
    while low < high:
        middle = (low + high) // 2
        if items[middle] < item:
            low = middle + 1
        else:
            high = middle
    return low if low < after and items[low] == item else -1
