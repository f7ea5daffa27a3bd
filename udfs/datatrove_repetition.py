"""What datatrove's Gopher repetition rules are made of: repeated paragraphs, lines, n-grams.

Nine passes over the tokens make it the slowest of datatrove's families.
"""

import numpy as np
import pyarrow as pa
from numba import njit, types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.decoding import count_chars, stripped
from winnow.udfs.registry import column_function
from winnow.udfs.seen import SLOTS, is_repeat, most_newlines, new_slots, slot_of, slots_for
from winnow.udfs.token_table import FACTS, INTS, WIDE, tokenise

TOP, DUPLICATE = (2, 3, 4), (5, 6, 7, 8, 9, 10)
SIGNALS = (
    "chars",
    "paragraphs",
    "duplicate_paragraphs",
    "duplicate_paragraph_chars",
    "line_runs",
    "duplicate_line_runs",
    "duplicate_line_run_chars",
    *(f"top_{n}_gram_chars" for n in TOP),
    *(f"duplicate_{n}_gram_chars" for n in DUPLICATE),
)
DDL = "STRUCT<" + ", ".join(f"{name} BIGINT" for name in SIGNALS) + ">"

_NEWLINE = ord("\n")
_MATRIX = types.Array(types.int64, 2, "A")
_BYTE_STORE = types.Array(types.uint8, 1, "C")


@njit(types.void(BYTES, OFFSETS, SLOTS, _MATRIX), cache=True, nogil=True)
def _count_repeats(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    for row in range(offsets.size - 1):
        text, end = offsets[row], offsets[row + 1]
        counts[0, row] = count_chars(data, text, end)
        for part in range(2):
            least = 2 - part  # newlines between two parts: paragraphs first, then lines
            start = text
            if least == 2:
                start, end = stripped(data, text, end)
            else:
                end = offsets[row + 1]
            cuts = 1
            for i in range(start, end):
                cuts += data[i] == _NEWLINE
            slots = slots_for(cuts)
            parts = copies = chars = 0
            at = start
            while at <= end:
                run = 0
                while at + run < end and data[at + run] == _NEWLINE:
                    run += 1
                if at == end or run >= least:
                    parts += 1
                    if is_repeat(data, text, start, at, 2 * row + part + 1, slots, seen):
                        copies += 1
                        chars += count_chars(data, start, at)
                    start = at + run
                    if at == end:
                        break
                at += max(run, 1)
            base = 1 + 3 * part
            counts[base, row], counts[base + 1, row], counts[base + 2, row] = parts, copies, chars


@njit(types.boolean(INTS, *(types.int64,) * 3, WIDE, _BYTE_STORE), cache=True, nogil=True)
def _are_equal(
    ids: NDArray[np.int32],
    one: int,
    other: int,
    n: int,
    places: NDArray[np.int64],
    store: NDArray[np.uint8],
) -> bool:
    """Tell whether n tokens from two places are the same text when nothing is between them."""
    i = 0
    while i < n and ids[one + i] == ids[other + i]:
        i += 1
    if i == n:
        return True
    # Other tokens can be the same text: "ab" "c" and "a" "bc".
    left, right = one + i, other + i
    at, to = places[ids[left]], places[ids[right]]
    while True:
        while left < one + n and at == places[ids[left] + 1]:
            left += 1
            if left < one + n:
                at = places[ids[left]]
        while right < other + n and to == places[ids[right] + 1]:
            right += 1
            if right < other + n:
                to = places[ids[right]]
        if left == one + n or right == other + n:
            return left == one + n and right == other + n
        if store[at] != store[to]:
            return False
        at += 1
        to += 1


_NGRAMS = types.void(INTS, WIDE, INTS, FACTS, WIDE, _BYTE_STORE, SLOTS, _MATRIX)


@njit(_NGRAMS, cache=True, nogil=True)
def _count_ngrams(
    ids: NDArray[np.int32],
    first: NDArray[np.int64],
    chars: NDArray[np.int32],
    facts: NDArray[np.uint64],
    places: NDArray[np.int64],
    store: NDArray[np.uint8],
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    most = 0
    for row in range(first.size - 1):
        most = max(most, first[row + 1] - first[row])
    before = np.zeros(most + 1, np.int64)  # characters before the token
    hashes = np.zeros(most + 1, np.uint64)  # of all tokens before it, as one text
    inverses = np.zeros(most + 1, np.uint64)
    grams = np.zeros(most, np.int64)  # where the n-gram that begins here was seen first
    times = np.zeros(most, np.int64)
    stamp = 0
    for row in range(first.size - 1):
        start, size = first[row], first[row + 1] - first[row]
        slots = slots_for(max(size, 1))
        power, inverse = np.uint64(1), np.uint64(1)
        inverses[0] = inverse
        for i in range(size):
            token = ids[start + i]
            grams[i] = token
            before[i + 1] = before[i] + chars[token]
            hashes[i + 1] = hashes[i] + facts[token, 0] * power
            power *= facts[token, 1]
            inverse *= facts[token, 2]
            inverses[i + 1] = inverse
        for n in TOP:
            stamp += 1
            best = 0
            for i in range(size - n + 1):
                key = grams[i] << 32 | np.int64(ids[start + i + n - 1])
                slot = slot_of(np.uint64(key), slots)
                while seen[slot, 0] == stamp and seen[slot, 1] != key:
                    slot = (slot + 1) & (slots - 1)
                if seen[slot, 0] == stamp:
                    grams[i] = seen[slot, 2]
                    times[grams[i]] += 1
                else:
                    seen[slot, 0], seen[slot, 1], seen[slot, 2] = stamp, key, i
                    grams[i], times[i] = i, 1
            for i in range(size - n + 1):
                if grams[i] == i and (best == 0 or times[i] > best):
                    best = times[i]
                    counts[5 + n, row] = best * (before[i + n] - before[i] + n - 1)
        for n in DUPLICATE:
            stamp += 1
            repeated = i = 0
            while i <= size - n:
                key = np.int64((hashes[i + n] - hashes[i]) * inverses[i])
                slot = slot_of(np.uint64(key), slots)
                while seen[slot, 0] == stamp and not (
                    seen[slot, 1] == key
                    and _are_equal(ids, start + i, start + seen[slot, 2], n, places, store)
                ):
                    slot = (slot + 1) & (slots - 1)
                if seen[slot, 0] == stamp:
                    repeated += before[i + n] - before[i]
                    i += n
                else:
                    seen[slot, 0], seen[slot, 1], seen[slot, 2] = stamp, key, i
                    i += 1
            counts[5 + n, row] = repeated


@column_function(returns=DDL, version=1, assets=("english_tokens.json",), measures=True)
def datatrove_repetition(text: pa.Array) -> pa.Array:
    r"""Count the characters in repeated paragraphs, lines and n-grams, as datatrove does.

    Shape: STRING -> STRUCT<chars BIGINT, ..., duplicate_10_gram_chars BIGINT>, the fields of
        SIGNALS in order; null gives null. An empty text has one empty paragraph and line, and
        zeros elsewhere.
    Units: counts; all that end in chars are code points, and datatrove divides them by chars.
        duplicate means copies after the first.
        paragraphs: the text without white space at its ends, cut where two or more "\n" stand.
        line_runs: the text as it is, cut where one or more "\n" stand, so that one at the very
            beginning or end makes an empty one.
        top_n_gram_chars: of the n-gram of tokens that comes most often, the first of several, its
            length with one space between tokens, times how often it comes; 0 for fewer tokens.
        duplicate_n_gram_chars: of n tokens without anything between, so that "ab c" is "a bc".
            After a copy the search goes on behind it.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: Gopher (Rae et al. 2021, arXiv:2112.11446, table A1), as in datatrove 0.10.1
        gopher_repetition_filter.py with spaCy 3.8.18. Differs: as in `datatrove_quality`, a
        chunk's tokens do not depend on its neighbours.
    """
    data, offsets = utf8(text)
    counts = np.zeros((len(SIGNALS), len(text)), np.int64)
    _count_repeats(data, offsets, new_slots(most_newlines(data, offsets) + 1), counts)
    seen = new_slots(1)
    for found in tokenise(data, offsets):
        seen = _room(seen, int(np.diff(found.first).max(initial=0)))
        _count_ngrams(
            found.ids, found.first, found.chars, found.facts, found.places, found.store,
            seen, counts[:, found.rows],
        )  # fmt: skip
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())


def _room(seen: NDArray[np.int64], items: int) -> NDArray[np.int64]:
    """Return cleared slots for so many items; the old ones where they suffice."""
    if slots_for(max(items, 1)) > len(seen):
        return new_slots(items)
    seen[:, 0] = 0
    return seen
