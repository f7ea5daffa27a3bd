"""Benchmark items in documents by sampled 5-grams that are extended, in the way of decon.

decon (Allen Institute for AI, github.com/allenai/decon at e1bcb80, doc/simple-details.md and its
default.yaml) looks up sampled 5-grams of a document in those of the items, goes from a hit to both
sides until 11 n-grams in a row hold nothing new of an item, and scores what it found by inverse
document frequency against 0.8, for short items up to 1. This is the same idea, written anew:

- Words instead of BPE tokens; an item is one text, its question, answer and passage together.
- Every fourth n-gram is looked up, not every tenth: 8 words as they are in the item hold one of
  them. No search begins at the n-grams of more than MOST_ITEMS items (decon: of more than 2,000);
  around them every n-gram is looked up.
- decon scores n-grams, of which one changed word takes five: with one word in 20 changed about 0.75
  is left. Here an n-gram is evidence for its words, and words beside it are compared one by one, so
  that a changed word costs one word, and 0.95 is left. A word weighs as much as the n-grams that
  cover it do on average; their inverse document frequency is ln(1 + N / n), so that a single item
  has weight too.
- All words must be there in items of up to PERFECT_WORDS (decon: 20 tokens), 0.8 of the weight from
  NORMAL_WORDS on (decon: 50 tokens), and in between what lies between.
- An item of fewer than 8 words, or of fewer than 4 different ones, is not looked for (decon: 20
  tokens, 4 words).
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.kernels import kernel
from winnow.udfs.normalised_words import HASHES, Room, write_ngrams, write_words
from winnow.udfs.target_index import (
    INDEX,
    SCAN,
    Index,
    Targets,
    find_ngram,
    find_posting,
    index_targets,
)

WORDS, STEP, MOST_ITEMS, MOST_MISSES = 5, 4, 100, 11
PERFECT_WORDS, NORMAL_WORDS, LEAST_SCORE = 10, 20, 0.8

_INTS = types.Array(types.int64, 1, "C")


def indexes(targets: Targets) -> list[Index]:
    """Return the index of the items' 5-grams."""
    return [index_targets(targets, WORDS, MOST_ITEMS, targets.lengths >= WORDS)]


@kernel(types.float64(types.int64))
def least_score(words: int) -> float:
    """Return the score from which on an item of so many words counts as found."""
    beyond = min(max((words - PERFECT_WORDS) / (NORMAL_WORDS - PERFECT_WORDS), 0.0), 1.0)
    return 1 - (1 - LEAST_SCORE) * beyond


@kernel(types.boolean(types.int64, types.int64, _INTS), inlined=True)
def _note(at: int, place: int, places: NDArray[np.int64]) -> bool:
    """Note that the item's n-gram at `place` is the document's at `at`; tell if a word is new."""
    is_new = False
    for i in range(WORDS):
        if places[place + i] < 0:
            places[place + i], is_new = at + i, True
    return is_new


_EXTEND = types.int64(INDEX, HASHES, *(types.int64,) * 4, _INTS)


@kernel(_EXTEND)
def _extend(
    index: Index,
    ngrams: NDArray[np.uint64],
    count: int,
    at: int,
    step: int,
    item: int,
    places: NDArray[np.int64],
) -> int:
    """Note where the item's words are, from the n-gram `at` in one direction; return the end."""
    passed, known, postings = index.passed, index.ngrams, index.postings
    items, positions = index.items, index.positions
    misses = 0
    while misses < MOST_MISSES and 0 <= at + step < count:
        at += step
        misses += 1
        ngram = find_ngram(passed, known, ngrams[at])
        if ngram < 0:
            continue
        posting = find_posting(items, postings[ngram], postings[ngram + 1], item)
        if posting >= 0 and _note(at, positions[posting], places):
            misses = 0
    return at


_COMPARE = types.float64(INDEX, HASHES, types.int64, types.int64, _INTS)


@kernel(_COMPARE)
def _compare(
    index: Index,
    words: NDArray[np.uint64],
    count: int,
    item: int,
    places: NDArray[np.int64],
) -> float:
    """Compare the words on both sides of those that were found; return the weight of all found."""
    first, length = index.first[item], index.first[item + 1] - index.first[item]
    for step in (1, -1):
        distance, is_known = 0, False  # from an item's word to the document's
        for i in range(length):
            word = i if step == 1 else length - 1 - i
            if places[word] >= 0:
                distance, is_known = places[word] - word, True
            elif (
                is_known
                and 0 <= word + distance < count
                and words[word + distance] == index.words[first + word]
            ):
                places[word] = word + distance
    weight = total = 0.0
    for word in range(length):
        total += index.weights[first + word]
        if places[word] >= 0:
            weight += index.weights[first + word]
    return weight / total


@kernel(SCAN)
def decon(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    row: int,
    fold: NDArray[np.int64],
    room: Room,
    index: Index,
    found: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> tuple[int, int]:
    """Write of each row the items that are in it; see `target_index.scanned`.

    The place reaches from the first to the last word of the item where most of it was found, the
    first of several such places; the score is the weight of the words found there, by that of all.
    """
    longest_item = 0
    passed, known, items = index.passed, index.ngrams, len(index.seeds_of)
    for item in range(items):
        longest_item = max(longest_item, index.first[item + 1] - index.first[item])
    words, starts, ends, ngrams = room.words, room.starts, room.ends, room.ngrams
    places = np.empty(longest_item, np.int64)
    best = np.empty((items, 4), np.int64)
    score_of = np.empty(items)
    searched = np.zeros(items, np.int64)  # up to which n-gram of the row, of the items in it
    stamps = np.zeros(items, np.int64)  # of each item, 1 + the last row that was compared with it
    touched = np.empty(items, np.int64)
    written = 0
    while row < offsets.size - 1 and written + items <= len(found):
        count = write_words(data, offsets[row], offsets[row + 1], fold, words, starts, ends)
        grams = write_ngrams(words, count, index.size, ngrams)
        alike = at = single = 0  # n-grams before `single` are looked up one by one
        looked = -1
        while at < grams:
            ngram = find_ngram(passed, known, ngrams[at])
            if ngram >= 0 and not index.seeds[ngram]:
                single = at + 1
                if at > looked + 1:
                    at = looked + 1
                    continue
            elif ngram >= 0:
                for posting in range(index.postings[ngram], index.postings[ngram + 1]):
                    item = index.items[posting]
                    if stamps[item] != row + 1:
                        stamps[item], touched[alike] = row + 1, item
                        searched[item], score_of[item] = 0, 0
                        alike += 1
                    if at < searched[item]:
                        continue
                    length = index.first[item + 1] - index.first[item]
                    places[:length] = -1
                    _note(at, index.positions[posting], places)
                    _extend(index, ngrams, grams, at, -1, item, places)
                    searched[item] = _extend(index, ngrams, grams, at, 1, item, places) + 1
                    score = _compare(index, words, count, item, places)
                    if score < least_score(length) or score <= score_of[item]:
                        continue
                    score_of[item] = score
                    best[item, 0], best[item, 1] = count, 0
                    best[item, 2], best[item, 3] = length, 0
                    for word in range(length):
                        if places[word] >= 0:
                            best[item, 0] = min(best[item, 0], places[word])
                            best[item, 1] = max(best[item, 1], places[word])
                            best[item, 2] = min(best[item, 2], word)
                            best[item, 3] = max(best[item, 3], word)
            looked = at
            at += 1 if at < single else STEP
        touched[:alike].sort()
        for item in touched[:alike]:
            if score_of[item] > 0:
                found[written, 0], found[written, 1] = row, item
                found[written, 2], found[written, 3] = starts[best[item, 0]], ends[best[item, 1]]
                found[written, 4], found[written, 5] = best[item, 2], best[item, 3] + 1
                scores[written] = score_of[item]
                written += 1
        row += 1
    return row, written
