"""Benchmark items in documents by a 13-word n-gram that both have, as GPT-3 looked for them.

Brown et al. 2020 (arXiv:2005.14165), appendix C: a gram is a lower-case word without punctuation,
between white space; one 13-gram that an item and a document share makes the document contaminated;
shorter items have a shorter N of at least 8; 13-grams that are common are left out. datatrove
a649de7, src/datatrove/pipeline/decont/n_grams.py, is the same with N = 12 over its tokeniser's
words, and folds numbers to 0; here numbers count, since they are what tells apart two sums.

Differs: punctuation parts words, accents do not count (both as in datatrove); an item of 8 to 12
words is looked for as a whole, a shorter one not at all; common is what more than MOST_ITEMS items
share, not what more than 10 documents have, so that a document's answer hangs on it alone.
"""

import numpy as np
from numpy.typing import NDArray

from winnow.udfs.kernels import kernel
from winnow.udfs.normalised_words import Room, write_ngrams, write_words
from winnow.udfs.target_index import SCAN, Index, Targets, find_ngram, index_targets

WORDS, LEAST_WORDS, MOST_ITEMS = 13, 8, 10

# What is known of an item in the document that is read.
_HITS, _LAST, _LAST_IN_ITEM, _START, _START_IN_ITEM, _BEST, _BEST_IN_ITEM, _LENGTH = range(8)


def indexes(targets: Targets) -> list[Index]:
    """Return the index of 13-grams, and that of the beginnings of shorter items."""
    is_long = targets.lengths >= WORDS
    return [
        index_targets(targets, WORDS, MOST_ITEMS, is_long),
        index_targets(targets, LEAST_WORDS, MOST_ITEMS, ~is_long, first_only=True),
    ]


@kernel(SCAN)
def ngram_overlap(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    row: int,
    fold: NDArray[np.int64],
    room: Room,
    index: Index,
    found: NDArray[np.int64],
    scores: NDArray[np.float64],
) -> tuple[int, int]:
    """Write of each row the items that share an n-gram with it; see `target_index.scanned`.

    The place is the longest run of shared n-grams, the first of several; the score the share of the
    item's n-grams that the row has, those that are too common left out.
    """
    words, starts, ends, ngrams = room.words, room.starts, room.ends, room.ngrams
    passed, known, items = index.passed, index.ngrams, len(index.seeds_of)
    state = np.zeros((items, 8), np.int64)
    seen = np.zeros(len(index.items), np.int64)  # of each posting, 1 + the last row that has it
    stamps = np.zeros(items, np.int64)  # of each item, 1 + the last row that was compared with it
    touched = np.empty(items, np.int64)
    written = 0
    while row < offsets.size - 1 and written + items <= len(found):
        count = write_words(data, offsets[row], offsets[row + 1], fold, words, starts, ends)
        alike = 0
        for at in range(write_ngrams(words, count, index.size, ngrams)):
            ngram = find_ngram(passed, known, ngrams[at])
            if ngram < 0 or not index.seeds[ngram]:
                continue
            for posting in range(index.postings[ngram], index.postings[ngram + 1]):
                item, place = index.items[posting], index.positions[posting]
                begin = index.first[item] + place
                length = min(index.first[item + 1] - index.first[item], WORDS)
                if at + length > count:
                    continue
                same = 0
                while same < length and words[at + same] == index.words[begin + same]:
                    same += 1
                if same < length:
                    continue
                if stamps[item] != row + 1:
                    stamps[item], touched[alike] = row + 1, item
                    state[item] = 0
                    state[item, _LAST] = -2
                    alike += 1
                if seen[posting] != row + 1:
                    seen[posting] = row + 1
                    state[item, _HITS] += 1
                if state[item, _LAST] != at - 1 or state[item, _LAST_IN_ITEM] != place - 1:
                    state[item, _START], state[item, _START_IN_ITEM] = at, place
                state[item, _LAST], state[item, _LAST_IN_ITEM] = at, place
                run = at - state[item, _START] + length
                if run > state[item, _LENGTH]:
                    state[item, _LENGTH] = run
                    state[item, _BEST] = state[item, _START]
                    state[item, _BEST_IN_ITEM] = state[item, _START_IN_ITEM]
        touched[:alike].sort()
        for item in touched[:alike]:
            start, place = state[item, _BEST], state[item, _BEST_IN_ITEM]
            found[written, 0], found[written, 1] = row, item
            found[written, 2] = starts[start]
            found[written, 3] = ends[start + state[item, _LENGTH] - 1]
            found[written, 4] = place
            found[written, 5] = place + state[item, _LENGTH]
            scores[written] = state[item, _HITS] / index.seeds_of[item]
            written += 1
        row += 1
    return row, written
