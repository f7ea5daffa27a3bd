"""What NeMo Curator's repetition filters are made of: distinct lines and paragraphs, n-grams.

Only n-grams can come twice whose two parts of n - 1 words do, so each n looks at what is left of
the one before, and little is left of ordinary text after the first two.
"""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.decoding import count_chars, space_size
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.seen import (
    SLOTS,
    are_equal,
    count_newlines,
    is_repeat,
    most_newlines,
    new_slots,
    slot_of,
    slots_for,
)
from winnow.udfs.token_table import HASHES, WIDE, find_chunks, pieces

TOP, DUPLICATE = (2, 3, 4), (5, 6, 7, 8, 9, 10)
SIGNALS = (
    "distinct_lines",
    "line_chars",
    "distinct_line_chars",
    "distinct_paragraphs",
    "paragraph_chars",
    "distinct_paragraph_chars",
    *(f"top_{n}_gram_chars" for n in TOP),
    *(f"duplicate_{n}_gram_chars" for n in DUPLICATE),
)
DDL = "STRUCT<" + ", ".join(f"{name} INT" for name in SIGNALS) + ">"

_NEWLINE, _SPACE = ord("\n"), ord(" ")
_NGRAMS_AT = SIGNALS.index("top_2_gram_chars")
_MATRIX = types.Array(types.int32, 2, "A")
_SPAN = types.boolean(BYTES, types.int64, types.int64)


@kernel(_SPAN, inlined=True)
def _is_blank(data: NDArray[np.uint8], start: int, end: int) -> bool:
    while start < end:
        size = space_size(data, start, end)
        if not size:
            return False
        start += size
    return True


@kernel(types.void(BYTES, OFFSETS, SLOTS, _MATRIX))
def _count_distinct(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    seen: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> None:
    for row in range(offsets.size - 1):
        text, end = offsets[row], offsets[row + 1]
        slots = slots_for(count_newlines(data, text, end) + 1)
        for part in range(2):  # lines, then paragraphs
            distinct = chars = distinct_chars = 0
            start = at = text
            while at <= end:
                if at < end and (
                    data[at] != _NEWLINE
                    or (part == 1 and (at + 1 == end or data[at + 1] != _NEWLINE))
                ):
                    at += 1
                    continue
                if part == 1 or not _is_blank(data, start, at):
                    length = count_chars(data, start, at)
                    chars += length
                    if not is_repeat(data, text, start, at, 2 * row + part + 1, slots, seen):
                        distinct += 1
                        distinct_chars += length
                at += 1 + part
                start = at
            counts[3 * part, row] = distinct
            counts[3 * part + 1, row] = chars
            counts[3 * part + 2, row] = distinct_chars


@kernel(types.int64(BYTES, WIDE, WIDE, types.int64, types.int64))
def _word_chars(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    word: int,
    after: int,
) -> int:
    """Return the number of code points in the words from `word` to before `after`."""
    chars = 0
    for i in range(word, after):
        chars += count_chars(data, starts[i], ends[i])
    return chars


@kernel(types.int64(BYTES, WIDE, WIDE, WIDE, *(types.int64,) * 4))
def _occurrences(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    words: NDArray[np.int64],
    first: int,
    size: int,
    gram: int,
    n: int,
) -> int:
    """Count where the n words from `gram` on stand in the text with one space between them.

    The first may end a longer word there and the last begin one. What overlaps with the
    occurrence before is none. `words` are those of the row, counted from `first`.
    """
    head, tail = first + gram, first + gram + n - 1
    head_size, tail_size = ends[head] - starts[head], ends[tail] - starts[tail]
    found, free = 0, np.int64(-1)
    for i in range(size - n + 1):
        at = first + i
        if ends[at] - starts[at] < head_size or data[ends[at] - 1] != data[ends[head] - 1]:
            continue
        k = 0
        while (
            k < n - 1
            and starts[at + k + 1] - ends[at + k] == 1
            and data[ends[at + k]] == _SPACE
            and (k == 0 or words[i + k] == words[gram + k])
        ):
            k += 1
        last, begin = at + n - 1, ends[at] - head_size
        if (
            k == n - 1
            and begin >= free
            and ends[last] - starts[last] >= tail_size
            and are_equal(data, begin, starts[head], head_size)
            and are_equal(data, starts[last], starts[tail], tail_size)
        ):
            found += 1
            free = starts[last] + tail_size
    return found


@kernel(types.void(BYTES, OFFSETS, WIDE, WIDE, HASHES, WIDE, SLOTS, _MATRIX))
def _count_ngrams(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    keys: NDArray[np.uint64],
    first: NDArray[np.int64],
    seen: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> None:
    most = 0
    for row in range(first.size - 1):
        most = max(most, first[row + 1] - first[row])
    words = np.zeros(most, np.int64)  # where the word that stands here was seen first
    grams = np.zeros(most, np.int64)  # where the n-gram that begins here was seen first
    times = np.zeros(most, np.int64)  # of an n-gram that was seen first here
    repeated = np.zeros(most, np.int64)  # where the n-grams begin that come more than once
    stamp = 0
    for row in range(first.size - 1):
        start, size = first[row], first[row + 1] - first[row]
        slots = slots_for(max(size, 1))
        stamp += 1
        for i in range(size):
            at, end = starts[start + i], ends[start + i]
            key = np.int64(keys[start + i])
            slot = slot_of(np.uint64(key), slots)
            while seen[slot, 0] == stamp and not (
                seen[slot, 1] == key
                and (
                    key > 0  # the word itself
                    or (
                        ends[start + seen[slot, 2]] - starts[start + seen[slot, 2]] == end - at
                        and are_equal(data, at, starts[start + seen[slot, 2]], end - at)
                    )
                )
            ):
                slot = (slot + 1) & (slots - 1)
            if seen[slot, 0] == stamp:
                words[i] = seen[slot, 2]
                times[words[i]] += 1
            else:
                seen[slot, 0], seen[slot, 1], seen[slot, 2] = stamp, key, i
                words[i], times[i] = i, 1
            grams[i] = words[i]
        left = 0
        for i in range(size):
            if times[grams[i]] > 1:
                repeated[left] = i
                left += 1
        for n in range(TOP[0], DUPLICATE[-1] + 1):
            signal = _NGRAMS_AT + n - TOP[0]
            if size < n:
                counts[signal, row] = count_chars(data, offsets[row], offsets[row + 1])
                continue
            stamp += 1
            candidates, left = left, 0
            for k in range(candidates - 1):
                i = repeated[k]
                if repeated[k + 1] != i + 1:
                    continue
                key = grams[i] << 32 | grams[i + 1]
                slot = slot_of(np.uint64(key), slots)
                while seen[slot, 0] == stamp and seen[slot, 1] != key:
                    slot = (slot + 1) & (slots - 1)
                if seen[slot, 0] == stamp:
                    grams[i] = seen[slot, 2]
                    times[grams[i]] += 1
                else:
                    seen[slot, 0], seen[slot, 1], seen[slot, 2] = stamp, key, i
                    grams[i], times[i] = i, 1
                repeated[left] = i
                left += 1
            candidates, left = left, 0
            best, top = 1, 0
            for k in range(candidates):
                i = repeated[k]
                if times[grams[i]] > 1:
                    if times[grams[i]] > best:
                        best, top = times[grams[i]], i
                    repeated[left] = i
                    left += 1
            if n in TOP:
                length = _word_chars(data, starts, ends, start + top, start + top + n) + n - 1
                counts[signal, row] = length * _occurrences(
                    data, starts, ends, words, start, size, top, n
                )
                continue
            chars, free = 0, 0  # words before `free` have counted
            for k in range(left):
                i = repeated[k]
                if grams[i] != i:
                    begin = max(i, free)
                    chars += _word_chars(data, starts, ends, start + begin, start + i + n)
                    chars += min(i + n - begin, n - 1)
                    free = i + n
            counts[signal, row] = chars


@column_function(returns=DDL, version=1, measures=True)
def nemo_repetition(text: pa.Array) -> pa.Array:
    r"""Count distinct lines and paragraphs and repeated n-grams, as NeMo Curator does.

    Shape: STRING -> STRUCT<distinct_lines INT, ..., duplicate_10_gram_chars INT>, the fields of
        SIGNALS in order; null gives null. An empty text has one empty paragraph, and zeros
        elsewhere.
    Units: counts; all that end in chars are code points. What they are compared with, chars,
        lines and paragraphs, are signals of `nemo_quality`, which says what lines, paragraphs and
        words are. White space at the ends of lines and paragraphs makes them different.
        top_n_gram_chars: of the n words that come most often, the first of several, with one
            space between them: the characters of all places where the text has exactly that,
            without overlap, parts of longer words included ("the cat" is in "bathe cats").
        duplicate_n_gram_chars: of the n words that stood somewhere before, and of the spaces
            between them; each word counts once, even if several n-grams cover it.
        Both are all of the text's characters where it has less than n words.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: NeMo Curator 1e2e427, nemo_curator/stages/text/filters/heuristic/repetition, after
        Gopher (Rae et al. 2021, arXiv:2112.11446, table A1). Differs: of several n-grams that
        come equally often upstream takes one that depends on Python's hash seed.
    """
    data, offsets = utf8(text)
    counts = np.zeros((len(SIGNALS), len(text)), np.int32)
    _count_distinct(data, offsets, new_slots(most_newlines(data, offsets) + 1), counts)
    for rows in pieces(offsets):
        some = offsets[rows.start : rows.stop + 1]
        starts, ends, keys, first = find_chunks(data, some)
        seen = new_slots(int(np.diff(first).max(initial=0)))
        _count_ngrams(data, some, starts, ends, keys, first, seen, counts[:, rows])
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())
