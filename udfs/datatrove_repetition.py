"""What datatrove's Gopher repetition rules are made of: repeated paragraphs, lines, n-grams.

An n-gram is looked up only where it may come twice, which few places of most texts can tell.
"""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.decoding import count_chars, stripped
from winnow.udfs.kernels import kernel
from winnow.udfs.ngrams import clear, lengthen
from winnow.udfs.registry import column_function
from winnow.udfs.seen import (
    SLOTS,
    count_newlines,
    is_repeat,
    most_newlines,
    new_slots,
    slot_of,
    slots_for,
)
from winnow.udfs.token_table import FACTS, HEAD, INTS, WIDE, Tokens, tokenise

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


@kernel(types.void(BYTES, OFFSETS, SLOTS, _MATRIX))
def _count_repeats(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    for row in range(offsets.size - 1):
        text, end = offsets[row], offsets[row + 1]
        counts[0, row] = count_chars(data, text, end)
        slots = slots_for(count_newlines(data, text, end) + 1)
        for part in range(2):
            least = 2 - part  # newlines between two parts: paragraphs first, then lines
            start = text
            if least == 2:
                start, end = stripped(data, text, end)
            else:
                end = offsets[row + 1]
            parts = copies = chars = 0
            at = start
            while at <= end:
                while at < end and data[at] != _NEWLINE:
                    at += 1
                run = 0
                while at + run < end and data[at + run] == _NEWLINE:
                    run += 1
                if at == end or run >= least:
                    parts += 1
                    if is_repeat(data, text, start, at, 2 * row + part + 1, slots, seen):
                        copies += 1
                        chars += count_chars(data, start, at)
                    start = at + run
                at += max(run, 1)
            base = 1 + 3 * part
            counts[base, row], counts[base + 1, row], counts[base + 2, row] = parts, copies, chars


@kernel(types.boolean(INTS, *(types.int64,) * 3, WIDE, _BYTE_STORE), inlined=True)
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


_TOP_NGRAMS = types.void(INTS, WIDE, INTS, _MATRIX)


@kernel(_TOP_NGRAMS)
def _count_top(
    ids: NDArray[np.int32],
    first: NDArray[np.int64],
    chars: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> None:
    most = np.diff(first).max()
    seen = np.empty(slots_for(most), np.int32)
    places, grams = np.empty(most, np.int32), np.empty(most, np.int32)
    longer, times = np.empty(most, np.int32), np.empty(most, np.int32)
    for row in range(first.size - 1):
        start, size = first[row], first[row + 1] - first[row]
        for i in range(size):
            places[i], grams[i] = i, ids[start + i]
        left = size
        for n in TOP:
            if size < n:
                break
            left, place, count = lengthen(places, grams, left, longer, times, seen)
            length = n - 1  # the spaces
            for i in range(start + place, start + place + n):
                length += chars[ids[i]]
            counts[5 + n, row] = count * length


_MIXER = np.uint64(0x9E3779B97F4A7C15)

_FIND = types.int64(INTS, types.int64, types.int64, FACTS, *(INTS,) * 2, _BYTE_STORE, INTS)


@kernel(_FIND)
def _find_candidates(
    ids: NDArray[np.int32],
    start: int,
    size: int,
    heads: NDArray[np.uint64],
    rest: NDArray[np.int32],
    head_slots: NDArray[np.int32],
    times: NDArray[np.uint8],
    candidates: NDArray[np.int32],
) -> int:
    """Write where n-grams begin that may come twice, in order; return their number.

    An n-gram of HEAD bytes or more comes twice only where its first HEAD bytes do.

    Args:
        rest: becomes the bytes of the tokens from one on; HEAD of a longer token.
        head_slots: becomes the slot in `times` of the HEAD bytes that begin with a token.
        times: becomes 1 in a slot that is of one token, more in one of several.
    """
    slots = 8 * slots_for(size)
    times[:slots] = 0
    next_high = next_low = np.uint64(0)
    rest[size] = 0
    for i in range(size - 1, -1, -1):
        token = ids[start + i]
        high, low = np.uint64(heads[token, 0]), np.uint64(heads[token, 1])
        length = np.uint64(low & np.uint64(0xFF))
        bits = np.uint64(8) * length
        if bits < np.uint64(64):
            low |= next_low >> bits | next_high << (np.uint64(64) - bits)
            high |= next_high >> bits
        else:
            low |= next_high >> (bits - np.uint64(64))
        low &= ~np.uint64(0xFF)
        next_high, next_low = high, low
        rest[i] = rest[i + 1] + np.int32(length)
        slot = slot_of(high * _MIXER ^ low, slots)
        head_slots[i] = slot
        times[slot] = times[slot] << np.uint8(1) | np.uint8(1)
    found = 0
    for i in range(size - DUPLICATE[0] + 1):
        candidates[found] = i
        found += times[head_slots[i]] > 1 or rest[i] - rest[i + DUPLICATE[0]] < HEAD
    return found


_DUPLICATES = types.void(INTS, WIDE, INTS, FACTS, FACTS, WIDE, _BYTE_STORE, _MATRIX)


@kernel(_DUPLICATES)
def _count_duplicates(
    ids: NDArray[np.int32],
    first: NDArray[np.int64],
    chars: NDArray[np.int32],
    facts: NDArray[np.uint64],
    heads: NDArray[np.uint64],
    places: NDArray[np.int64],
    store: NDArray[np.uint8],
    counts: NDArray[np.int64],
) -> None:
    most = np.diff(first).max() + 1
    rest, head_slots = np.empty(most, np.int32), np.empty(most, np.int32)
    times, candidates = np.empty(8 * slots_for(most), np.uint8), np.empty(most, np.int32)
    keys, seen = np.empty(1, np.uint64), np.empty(1, np.int32)
    for row in range(first.size - 1):
        start, size = first[row], first[row + 1] - first[row]
        found = _find_candidates(ids, start, size, heads, rest, head_slots, times, candidates)
        slots = slots_for(found)
        if slots > seen.size:
            keys, seen = np.empty(slots, np.uint64), np.empty(slots, np.int32)
        for c in range(found):
            keys[c] = 0
            for i in range(start + candidates[c], start + candidates[c] + DUPLICATE[0] - 1):
                keys[c] = keys[c] * facts[ids[i], 1] + facts[ids[i], 0]
        for n in DUPLICATE:
            clear(seen, slots)
            repeated = following = left = 0
            for c in range(found):
                i = candidates[c]
                # What does not come twice does not if it is longer.
                if i + n > size or (times[head_slots[i]] == 1 and rest[i] - rest[i + n] >= HEAD):
                    continue
                last = ids[start + i + n - 1]
                key = keys[c] * facts[last, 1] + facts[last, 0]
                candidates[left], keys[left] = i, key
                left += 1
                if i < following:
                    continue
                slot = slot_of(key, slots)
                other = seen[slot]
                while other >= 0 and not (
                    keys[other] == key
                    and _are_equal(ids, start + i, start + candidates[other], n, places, store)
                ):
                    slot = (slot + 1) & (slots - 1)
                    other = seen[slot]
                if other >= 0:
                    for k in range(start + i, start + i + n):
                        repeated += chars[ids[k]]
                    following = i + n
                else:
                    seen[slot] = left - 1
            found = left
            counts[5 + n, row] = repeated


def count_repetition(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    found: Tokens,
    counts: NDArray[np.int64],
) -> None:
    """Write SIGNALS of some rows; `found` are their tokens."""
    _count_repeats(data, offsets, new_slots(most_newlines(data, offsets) + 1), counts)
    _count_top(found.ids, found.first, found.chars, counts)
    _count_duplicates(
        found.ids, found.first, found.chars, found.facts, found.heads, found.places, found.store,
        counts,
    )  # fmt: skip


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
    for found in tokenise(data, offsets):
        rows = offsets[found.rows.start : found.rows.stop + 1]
        count_repetition(data, rows, found, counts[:, found.rows])
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())
