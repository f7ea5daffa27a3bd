"""What DCLM's repetition rules are made of: repeated lines, paragraphs and n-grams.

An n-gram can come twice only where its first and its last n - 1 words do, so that few are left to
look at after the pairs.
"""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.decoding import count_chars, stripped
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.seen import PLACES, SLOTS, new_slots, number_strings, slot_of, slots_for
from winnow.udfs.token_table import pieces
from winnow.udfs.word_breaks import CHARS, WORD_BREAKS, find_words

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
_MATRIX = types.Array(types.int64, 2, "A")


@kernel(types.void(BYTES, OFFSETS, _MATRIX))
def _count_chars(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], counts: NDArray[np.int64]
) -> None:
    for row in range(offsets.size - 1):
        counts[0, row] = count_chars(data, offsets[row], offsets[row + 1])


@kernel(types.void(BYTES, OFFSETS, types.int64, PLACES, PLACES, PLACES))
def _find_segments(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    breaks: int,
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: NDArray[np.int64],
) -> None:
    """Write where the parts between so many newlines are; `first[row]` is the row's first one."""
    segments = 0
    for row in range(offsets.size - 1):
        first[row] = segments
        start = at = offsets[row]
        end = offsets[row + 1]
        while at <= end:
            while at < end and data[at] != _NEWLINE:
                at += 1
            if breaks == 2 and at < end and (at + 1 == end or data[at + 1] != _NEWLINE):
                at += 1
                continue
            starts[segments], ends[segments] = stripped(data, start, at)
            segments += starts[segments] < ends[segments]
            at += breaks
            start = at
    first[offsets.size - 1] = segments


@kernel(types.void(BYTES, PLACES, PLACES, PLACES, PLACES, _MATRIX))
def _count_segments(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    first: NDArray[np.int64],
    numbers: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    times = np.zeros(numbers.size, np.int64)
    for row in range(first.size - 1):
        begin = first[row]
        chars = repeated = repeated_chars = 0
        for i in range(begin, first[row + 1]):
            size = count_chars(data, starts[i], ends[i])
            chars += size
            place = begin + numbers[i]
            times[place] += 1
            if times[place] > 1:
                copies = 2 if times[place] == 2 else 1  # the first one counts too
                repeated += copies
                repeated_chars += copies * size
        counts[0, row], counts[1, row] = first[row + 1] - begin, chars
        counts[2, row], counts[3, row] = repeated, repeated_chars


@kernel(types.void(PLACES, PLACES, CHARS, SLOTS, _MATRIX))
def _count_ngrams(
    first: NDArray[np.int64],
    numbers: NDArray[np.int64],
    chars: NDArray[np.int32],
    seen: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    most = 0
    for row in range(first.size - 1):
        most = max(most, first[row + 1] - first[row])
    before = np.zeros(most + 1, np.int64)  # characters before the word
    # Where n-grams begin that come more than once, and of each place the first such n-gram.
    places, grams = np.empty(most, np.int64), np.empty(most, np.int64)
    times = np.empty(most, np.int64)
    stamp = first.size  # the rows' words have had the stamps up to here
    for row in range(first.size - 1):
        size = first[row + 1] - first[row]
        words = numbers[first[row] : first[row + 1]]
        slots = slots_for(size)
        times[:size] = 0
        for i in range(size):
            times[words[i]] += 1
            grams[i] = words[i]
            before[i + 1] = before[i] + chars[first[row] + i]
        counts[0, row] = before[size]
        left = 0
        for i in range(size):
            if times[words[i]] > 1:
                places[left] = i
                left += 1
        for n in range(TOP[0], REPEATED[-1] + 1):
            stamp += 1
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
            counts[n - TOP[0] + 1, row] = best * longest if n <= TOP[-1] else marked


@column_function(returns=DDL, version=1, assets=("word_breaks.json",), measures=True)
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
    for rows in pieces(offsets):
        part, found = offsets[rows.start : rows.stop + 1], counts[:, rows]
        _count_chars(data, part, found)
        room = int(part[-1] - part[0]) // 2 + part.size  # two strings have a byte between them
        starts, ends, numbers = np.empty((3, room), np.int64)
        first, chars = np.empty_like(part), np.empty(room, np.int32)
        for base, breaks in ((1, 1), (5, 2)):
            _find_segments(data, part, breaks, starts, ends, first)
            number_strings(data, starts, ends, first, _slots(first), numbers)
            _count_segments(data, starts, ends, first, numbers, found[base : base + 4])
        find_words(data, part, WORD_BREAKS, starts, ends, first, chars)
        seen = _slots(first)
        number_strings(data, starts, ends, first, seen, numbers)
        _count_ngrams(first, numbers, chars, seen, found[9:])
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())


def _slots(first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return slots for the row that has most strings."""
    return new_slots(int(np.diff(first).max()))
