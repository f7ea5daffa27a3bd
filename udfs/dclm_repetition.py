"""What DCLM's repetition rules are made of: repeated lines, paragraphs and n-grams.

An n-gram can come twice only where its first and its last n - 1 words do, so that few are left to
look at after the pairs.
"""

import numpy as np
import pyarrow as pa
from numba import njit, types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.decoding import count_chars, stripped
from winnow.udfs.registry import column_function
from winnow.udfs.seen import PLACES, SLOTS, intern, new_slots, slot_of, slots_for
from winnow.udfs.token_table import pieces
from winnow.udfs.word_breaks import IS_ALONE, KINDS, WORD_BREAKS, segment

TOP, REPEATED = (2, 3, 4), (5, 6, 7, 8, 9, 10)
SIGNALS = (
    "chars",
    "lines",
    "line_chars",
    "repeated_lines",
    "repeated_line_chars",
    "paragraphs",
    "paragraph_chars",
    "repeated_paragraphs",
    "repeated_paragraph_chars",
    "word_chars",
    *(f"top_{n}_gram_chars" for n in TOP),
    *(f"repeated_{n}_gram_chars" for n in REPEATED),
)
DDL = "STRUCT<" + ", ".join(f"{name} BIGINT" for name in SIGNALS) + ">"

_NEWLINE = ord("\n")
_FIRST_GRAM = SIGNALS.index("top_2_gram_chars") - TOP[0]
_MATRIX = types.Array(types.int64, 2, "A")
_NUMBERS = types.Array(types.int32, 1, "C")


@njit(types.void(BYTES, OFFSETS, _MATRIX), cache=True, nogil=True)
def _count_segments(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], counts: NDArray[np.int64]
) -> None:
    most = 0
    for row in range(offsets.size - 1):
        newlines = 0
        for i in range(offsets[row], offsets[row + 1]):
            newlines += data[i] == _NEWLINE
        most = max(most, newlines + 1)
    seen = np.zeros((slots_for(most), 3), np.int64)
    starts, ends, times = (
        np.empty(most, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int64),
    )
    stamp = 0
    for row in range(offsets.size - 1):
        text, end = offsets[row], offsets[row + 1]
        counts[0, row] = count_chars(data, text, end)
        newlines = 0
        for i in range(text, end):
            newlines += data[i] == _NEWLINE
        slots = slots_for(newlines + 1)
        for part in range(2):
            breaks = part + 1  # newlines between two segments: lines first, then paragraphs
            stamp += 1
            distinct = segments = chars = repeated = repeated_chars = 0
            start = at = text
            while at <= end:
                while at < end and data[at] != _NEWLINE:
                    at += 1
                if breaks == 2 and at < end and (at + 1 == end or data[at + 1] != _NEWLINE):
                    at += 1
                    continue
                first, last = stripped(data, start, at)
                if first < last:
                    segments += 1
                    size = count_chars(data, first, last)
                    chars += size
                    number = intern(data, first, last, stamp, slots, seen, starts, ends, distinct)
                    if number == distinct:
                        distinct += 1
                        times[number] = 0
                    times[number] += 1
                    if times[number] > 1:
                        copies = 2 if times[number] == 2 else 1  # the first one counts too
                        repeated += copies
                        repeated_chars += copies * size
                at += breaks
                start = at
            base = 1 + 4 * part
            counts[base, row], counts[base + 1, row] = segments, chars
            counts[base + 2, row], counts[base + 3, row] = repeated, repeated_chars


_FIND = types.int64(BYTES, OFFSETS, KINDS, PLACES, PLACES, _NUMBERS, PLACES)


@njit(_FIND, cache=True, nogil=True)
def _find_words(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    kinds: NDArray[np.uint16],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    chars: NDArray[np.int32],
    first: NDArray[np.int64],
) -> int:
    """Write where the words are; `first[row]` is the row's first one. Return how many the row has
    that has most."""
    words = most = 0
    for row in range(offsets.size - 1):
        first[row] = words
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            while at + 1 < end and IS_ALONE[data[at]] and data[at + 1] < 0x80:
                at += 1
            start = at
            at, size = segment(data, at, end, kinds)
            if size:
                starts[words], ends[words], chars[words] = start, at, size
                words += 1
        most = max(most, words - first[row])
    first[offsets.size - 1] = words
    return most


_NGRAMS = types.void(BYTES, PLACES, PLACES, _NUMBERS, PLACES, types.int64, SLOTS, _MATRIX)


@njit(_NGRAMS, cache=True, nogil=True)
def _count_ngrams(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    chars: NDArray[np.int32],
    first: NDArray[np.int64],
    most: int,
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    before = np.zeros(most + 1, np.int64)  # characters before the word
    distinct_starts, distinct_ends = np.empty(most, np.int64), np.empty(most, np.int64)
    words = np.empty(most, np.int64)  # their numbers
    # Where n-grams begin that come more than once, and of each place the first such n-gram.
    places, grams = np.empty(most, np.int64), np.empty(most, np.int64)
    times, times_before = np.empty(most, np.int64), np.empty(most, np.int64)
    stamp = 0
    for row in range(first.size - 1):
        start, size = first[row], first[row + 1] - first[row]
        slots = slots_for(max(size, 1))
        stamp += 1
        distinct = 0
        for i in range(size):
            number = intern(
                data, starts[start + i], ends[start + i], stamp, slots, seen,
                distinct_starts, distinct_ends, distinct,
            )  # fmt: skip
            if number == distinct:
                distinct += 1
                times[number] = 0
            times[number] += 1
            words[i] = grams[i] = number
            before[i + 1] = before[i] + chars[start + i]
        counts[_FIRST_GRAM + 1, row] = before[size]
        left = 0
        for i in range(size):
            if times[grams[i]] > 1:
                places[left] = i
                left += 1
        for n in range(2, 11):
            stamp += 1
            times, times_before = times_before, times
            candidates = 0
            for k in range(left - 1):
                i = places[k]
                if places[k + 1] != i + 1:
                    continue
                key = grams[i] << 32 | words[i + n - 1]
                slot = slot_of(np.uint64(key), slots)
                while seen[slot, 0] == stamp and seen[slot, 1] != key:
                    slot = (slot + 1) & (slots - 1)
                if seen[slot, 0] == stamp:
                    grams[i] = seen[slot, 2]
                    times[grams[i]] += 1
                else:
                    seen[slot, 0], seen[slot, 1], seen[slot, 2] = stamp, key, i
                    grams[i], times[i] = i, 1
                places[candidates] = i
                candidates += 1
            left = best = longest = marked = marked_to = 0
            for k in range(candidates):
                i = places[k]
                if times[grams[i]] == 1:
                    continue
                places[left] = i
                left += 1
                length = before[i + n] - before[i]
                if times[grams[i]] > best:
                    best, longest = times[grams[i]], length
                elif times[grams[i]] == best:
                    longest = max(longest, length)
                marked += before[i + n] - before[max(i, marked_to)]
                marked_to = i + n
            counts[_FIRST_GRAM + n, row] = best * longest if n <= TOP[-1] else marked


@column_function(returns=DDL, version=1, assets=("word_breaks.json",))
def dclm_repetition(text: pa.Array) -> pa.Array:
    r"""Count the characters in repeated lines, paragraphs and n-grams, as DCLM does.

    Shape: STRING -> STRUCT<chars BIGINT, ..., repeated_10_gram_chars BIGINT>, the fields of SIGNALS
        in order; null gives null, an empty text gives zeros.
    Units: counts; all that end in chars are code points. Repeated means all occurrences of what
        comes more than once, the first included.
        lines: what stands between two "\n", paragraphs between two "\n\n" from left to right,
            both without white space at their ends; one of white space alone is none.
        word_chars: those of Unicode's words (UAX 29) that begin with an alphanumeric character.
        top_n_gram_chars: of the n-grams of words that come most often, the longest, its characters
            times how often it comes; 0 where none comes twice.
        repeated_n_gram_chars: characters of the words in any n-gram that comes more than once,
            each word once.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: DCLM (Li et al. 2024, arXiv:2406.11794), as in mlfoundations/dclm 361714b
        content_filters.py with uniseg 0.10.1.
    """
    data, offsets = utf8(text)
    counts = np.zeros((len(SIGNALS), len(text)), np.int64)
    _count_segments(data, offsets, counts)
    for rows in pieces(offsets):
        part = offsets[rows.start : rows.stop + 1]
        room = int(part[-1] - part[0]) // 2 + part.size  # two words of one letter need a break
        starts, ends, first = (
            np.empty(room, np.int64),
            np.empty(room, np.int64),
            np.empty_like(part),
        )
        chars = np.empty(room, np.int32)
        most = _find_words(data, part, WORD_BREAKS, starts, ends, chars, first)
        _count_ngrams(data, starts, ends, chars, first, most, new_slots(most), counts[:, rows])
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())
