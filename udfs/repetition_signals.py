"""How much of a text comes again: lines, paragraphs and n-grams, in the field's variants."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.decoding import count_chars
from winnow.udfs.kernels import kernel
from winnow.udfs.ngrams import NUMBERS, lengthen
from winnow.udfs.registry import column_function
from winnow.udfs.seen import count_newlines, key_of, slots_for
from winnow.udfs.words import FIRST, KEYS, PLACES, number_words, words_of

TOP, DUPLICATE = (2, 3, 4), (5, 6, 7, 8, 9, 10)
SIGNALS = (
    "chars",
    *(
        name
        for part in ("line", "paragraph")
        for name in (
            f"{part}s",
            f"{part}_chars",
            f"duplicate_{part}s",
            f"duplicate_{part}_chars",
            f"repeated_{part}s",
            f"repeated_{part}_chars",
        )
    ),
    "words",
    "word_chars",
    *(name for n in TOP for name in (f"top_{n}_gram_copies", f"top_{n}_gram_chars")),
    *(
        name
        for n in DUPLICATE
        for name in (f"duplicate_{n}_gram_chars", f"repeated_{n}_gram_chars")
    ),
)
DDL = "STRUCT<" + ", ".join(f"{name} INT" for name in SIGNALS) + ">"

_LINES, _PARAGRAPHS = SIGNALS.index("lines"), SIGNALS.index("paragraphs")
_WORDS, _TOP = SIGNALS.index("words"), SIGNALS.index("top_2_gram_copies")
_DUPLICATE = SIGNALS.index("duplicate_5_gram_chars")

_NEWLINE = ord("\n")
_ROW = types.Array(types.int32, 1, "A")
_PARTS = types.void(BYTES, PLACES, types.int64, KEYS, *(NUMBERS,) * 3, _ROW)


@kernel(_PARTS)
def _count_copies(
    data: NDArray[np.uint8],
    parts: NDArray[np.int64],
    size: int,
    keys: NDArray[np.uint64],
    numbers: NDArray[np.int32],
    times: NDArray[np.int32],
    seen: NDArray[np.int32],
    counts: NDArray[np.int32],
) -> None:
    """Write how many lines or paragraphs there are, come after an equal one, have an equal one."""
    for i in range(size):
        keys[i] = key_of(data, parts[i, 0], parts[i, 1])
    times[: number_words(data, parts, size, keys, numbers, seen, slots_for(size))] = 0
    for i in range(size):
        number = numbers[i]
        times[number] += 1
        chars = count_chars(data, parts[i, 0], parts[i, 1])
        counts[0] += 1
        counts[1] += chars
        if times[number] > 1:
            again = 2 if times[number] == 2 else 1  # with the second comes the first
            counts[2] += 1
            counts[3] += chars
            counts[4] += again
            counts[5] += again * chars


_NGRAMS = types.void(NUMBERS, NUMBERS, types.int64, *(NUMBERS,) * 5, _ROW)


@kernel(_NGRAMS)
def _count_ngrams(
    words: NDArray[np.int32],
    before: NDArray[np.int32],
    size: int,
    places: NDArray[np.int32],
    grams: NDArray[np.int32],
    longer: NDArray[np.int32],
    times: NDArray[np.int32],
    seen: NDArray[np.int32],
    counts: NDArray[np.int32],
) -> None:
    """Write what the n-grams of the words are; `before` has the characters before each word."""
    for i in range(size):
        times[words[i]] = 0
    for i in range(size):
        times[words[i]] += 1
    left = 0
    for i in range(size):
        places[left], grams[left] = i, words[i]
        left += times[words[i]] > 1
    for n in range(TOP[0], DUPLICATE[-1] + 1):
        if size < n:
            return
        left, place, copies = lengthen(places, grams, left, longer, times, seen)
        if n <= TOP[-1]:
            counts[_TOP + 2 * (n - TOP[0])] = copies
            counts[_TOP + 2 * (n - TOP[0]) + 1] = before[place + n] - before[place]
            continue
        if copies == 1:
            return
        duplicate = repeated = following = covered = 0
        is_met = longer  # by n-gram: whether it was met
        for k in range(left):
            is_met[grams[k]] = 0
        for k in range(left):
            i = places[k]
            repeated += before[i + n] - before[max(i, covered)]
            covered = i + n
            if i >= following:
                if is_met[grams[k]]:
                    duplicate += before[i + n] - before[i]
                    following = i + n
                else:
                    is_met[grams[k]] = 1
        counts[_DUPLICATE + 2 * (n - DUPLICATE[0])] = duplicate
        counts[_DUPLICATE + 2 * (n - DUPLICATE[0]) + 1] = repeated


_COUNT = types.void(BYTES, OFFSETS, PLACES, NUMBERS, FIRST, types.Array(types.int32, 2, "C"))


@kernel(_COUNT)
def _count(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    places: NDArray[np.int64],
    words: NDArray[np.int32],
    first_words: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> None:
    most = 1
    for row in range(offsets.size - 1):
        most = max(most, first_words[row + 1] - first_words[row])
    seen = np.empty(slots_for(most), np.int32)
    lines, paragraphs = np.empty((most, 2), np.int64), np.empty((most, 2), np.int64)
    keys, numbers = np.empty(most, np.uint64), np.empty(most, np.int32)
    before = np.empty(most + 1, np.int32)
    grams_at, grams = np.empty(most, np.int32), np.empty(most, np.int32)
    longer, times = np.empty(most, np.int32), np.empty(most, np.int32)
    for row in range(offsets.size - 1):
        first, size = first_words[row], first_words[row + 1] - first_words[row]
        row_counts = counts[:, row]
        row_counts[0] = count_chars(data, offsets[row], offsets[row + 1])
        is_ascii = row_counts[0] == offsets[row + 1] - offsets[row]
        before[0] = 0
        for i in range(size):
            start, end = places[np.uint64(first + i), 0], places[np.uint64(first + i), 1]
            before[i + 1] = before[i] + (end - start if is_ascii else count_chars(data, start, end))
        line = paragraph = 0
        last = offsets[row]  # the end of the word before
        for i in range(size):
            start = places[np.uint64(first + i), 0]
            if i == 0 or last + 1 < start or data[np.uint64(last)] == _NEWLINE:
                newlines = count_newlines(data, last, start) if i else 2
                if newlines:
                    lines[line, 0] = start
                    if i:
                        lines[line - 1, 1] = last
                    line += 1
                if newlines > 1:
                    paragraphs[paragraph, 0] = start
                    if i:
                        paragraphs[paragraph - 1, 1] = last
                    paragraph += 1
            last = places[np.uint64(first + i), 1]
        if size:
            lines[line - 1, 1] = paragraphs[paragraph - 1, 1] = last
        row_counts[_WORDS], row_counts[_WORDS + 1] = size, before[size]
        _count_ngrams(words[first:], before, size, grams_at, grams, longer, times, seen, row_counts)
        _count_copies(data, lines, line, keys, numbers, times, seen, row_counts[_LINES:_PARAGRAPHS])
        _count_copies(
            data, paragraphs, paragraph, keys, numbers, times, seen, row_counts[_PARAGRAPHS:_WORDS]
        )


@column_function(returns=DDL, version=1, measures=True)
def repetition_signals(text: pa.Array) -> pa.Array:
    r"""Count what comes again in a text: lines, paragraphs, n-grams of words.

    Shape: STRING -> STRUCT<chars INT, lines INT, ..., repeated_10_gram_chars INT>, the fields of
        SIGNALS in order; null gives null, an empty text gives zeros.
    Units: counts; all that end in chars are code points.
        lines: what stands between two "\n", white space at both ends left out; one of white space
            alone is no line. paragraphs are lines, one or more, between which no line of white
            space stands. line_chars and paragraph_chars are in all of them. duplicate: copies after
            the first, as datatrove and NeMo Curator count; repeated: all that have an equal one,
            the first included, as DCLM and Dolma count.
        words: maximal runs of characters that are no white space, compared as they are;
            word_chars are in all of them, and those of n-grams are without anything between words.
        top_n_gram_copies: how often the n-gram comes that comes most often, with overlap, the first
            of several; 1 where none comes again, 0 where there are fewer words. top_n_gram_chars:
            of one copy. Gopher's share is copies * (chars + n - 1) of chars, Dolma's copies * chars
            of word_chars; RedPajama's, too, but 0 where copies are 1.
        duplicate_n_gram_chars: of copies after the first, looked for from left to right; after a
            copy the search goes on behind it (datatrove). repeated_n_gram_chars: of the words in
            n-grams that come more than once, each word once (DCLM, RedPajama).
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: Gopher (Rae et al. 2021, arXiv:2112.11446, table A1); the variants of datatrove 0.10.1,
        DCLM 361714b, NeMo Curator 1e2e427, Dolma 669f534, RedPajama-Data 6d2cee9. Differs: words
        are split at white space, where each of these has words of its own.
    """
    data, offsets = utf8(text)
    counts = np.zeros((len(SIGNALS), len(text)), np.int32)
    _count(data, offsets, *words_of(data, offsets), counts)
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())
