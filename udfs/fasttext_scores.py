"""Scores of a fastText classifier, equal to the library's and faster: `quality` reads files so.

Of a text the library makes a stream, of each word a string, and it adds up the vectors of words and
word n-grams for a processor of 2001. Here a kernel reads the bytes of an Arrow column and adds as
wide as this processor can, in the library's order, so that sums have the same bits. The weights
stay in the file, which is mapped: the workers of a machine share them.

Source of all arithmetic: fastText 0.9.2, src/dictionary.cc, densematrix.cc, vector.cc, loss.cc.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.decoding import stripped
from winnow.udfs.fasttext_files import SOFTMAX, SUPERVISED, Parts, read_parts
from winnow.udfs.kernels import kernel

_END = np.frombuffer(b"</s>", np.uint8)  # what the end of a line is as a word
_ROWS = 1024  # that are collected before they are added

_HASH_START, _HASH_FACTOR = np.uint64(2166136261), np.uint64(16777619)  # FNV-1a of 32 bits
_NGRAM_FACTOR = np.uint64(116049371)
_LOW, _HIGH = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFF00000000)
_SIGN = np.uint64(1 << 31)

NO_NUMBER = -1.0  # the score of a model whose weights are not all numbers

_IS_SEPARATOR = np.zeros(256, np.bool_)
_IS_SEPARATOR[list(b" \n\r\t\v\f\0")] = True

_MATRIX = types.Array(types.float32, 2, "C", readonly=True)
_IDS, _HASHES = types.Array(types.int32, 1, "C"), types.Array(types.uint32, 1, "C")
_PLACES, _SUMS = types.Array(types.int64, 1, "C"), types.Array(types.float32, 1, "C")
_SLOTS = types.Array(types.uint64, 1, "C")
_SCORES = types.Array(types.float64, 1, "C")


class Dictionary(NamedTuple):
    """The words and labels of a file, numbered as in it."""

    content: NDArray[np.uint8]  # the whole file
    starts: NDArray[np.int64]  # of each word in it
    sizes: NDArray[np.int32]  # bytes of each word
    slots: NDArray[np.uint64]  # an open table: a word's hash, and below it its number and 1; or 0


class Plain(NamedTuple):
    """A classifier as the kernel reads it."""

    dictionary: Dictionary
    words: int  # those with smaller numbers are words, the others labels
    end: int  # the number of the word that ends a line, -1 if there is none
    end_hash: int
    ngrams: int  # words of the longest n-gram
    buckets: int
    inputs: NDArray[np.float32]  # [words + buckets, dimensions]
    outputs: NDArray[np.float32]  # [labels, dimensions]


_DICTIONARY = types.NamedTuple(  # type: ignore[no-untyped-call]
    (BYTES, _PLACES, _IDS, _SLOTS), Dictionary
)
_PLAIN = types.NamedTuple(  # type: ignore[no-untyped-call]
    (_DICTIONARY, *(types.int64,) * 5, _MATRIX, _MATRIX), Plain
)


def read_plain(path: str) -> tuple[Plain, list[str]] | None:
    """Return a classifier and its labels, or None if the kernel does not know its kind.

    It knows softmax over whole words, what `train_supervised` makes if not told otherwise: no
    character n-grams, nothing quantised or pruned.

    Args:
        path: of a fastText file.

    Raises:
        ValueError: the file is not whole, or a word stands in it twice.
    """
    parts = read_parts(path)
    if parts.has_subwords or parts.is_pruned or parts.is_quantised:
        return None
    if (parts.model, parts.loss) != (SUPERVISED, SOFTMAX):
        return None
    content, words, starts, sizes = parts.content, parts.words, parts.starts, parts.sizes
    slots = np.zeros(1 << (2 * starts.size).bit_length(), np.uint64)
    dictionary = Dictionary(content, starts, sizes, slots)
    if not _fill(dictionary):
        raise ValueError("is a damaged fastText file: a word stands twice in its dictionary")
    names = [
        content[start : start + length].tobytes().decode("utf-8", "replace")
        for start, length in zip(starts[words:], sizes[words:], strict=True)
    ]
    end_hash = int(_hash_of(_END, 0, _END.size))
    end = int(_number(dictionary, _END, 0, _END.size, np.uint64(end_hash)))
    inputs = _weights(parts, parts.inputs, words + parts.buckets)
    outputs = _weights(parts, parts.outputs, parts.labels)
    return Plain(
        dictionary, words, end, end_hash, parts.ngrams, parts.buckets, inputs, outputs
    ), names


def _weights(parts: Parts, at: int, rows: int) -> NDArray[np.float32]:
    """Return the matrix at a place in a file, float32[rows, dimensions]; rows and columns first."""
    start, size = at + 2 * 8, 4 * rows * parts.dimensions
    found = parts.content[start : start + size].view(np.float32)
    return found.reshape(rows, parts.dimensions)


@kernel(types.uint64(types.uint64, types.uint8), inlined=True)
def _hashed(before: np.uint64, byte: np.uint8) -> np.uint64:
    """Return the hash of a string that is a byte longer; the library takes bytes as signed."""
    value = np.uint64((np.int64(byte) ^ 0x80) - 0x80)
    return np.uint64((np.uint64(before) ^ value) * _HASH_FACTOR & _LOW)


@kernel(types.uint64(BYTES, types.int64, types.int64), inlined=True)
def _hash_of(data: NDArray[np.uint8], start: int, end: int) -> np.uint64:
    key = _HASH_START
    for i in range(start, end):
        key = _hashed(key, data[i])
    return key


@kernel(types.uint64(types.uint32), inlined=True)
def _signed(key: np.uint32) -> np.uint64:
    """Return a hash as the library widens it, which keeps it as a signed number."""
    value = np.uint64(key)
    return value | _HIGH if value & _SIGN else value


@kernel(types.int64(_DICTIONARY, BYTES, types.int64, types.int64, types.uint64), inlined=True)
def _number(dictionary: Any, data: NDArray[np.uint8], start: int, end: int, key: np.uint64) -> int:
    """Return the number of a word or label, -1 if the dictionary lacks it."""
    mask, size = np.uint64(dictionary.slots.size - 1), end - start
    slot = key & mask
    while dictionary.slots[slot]:
        found = dictionary.slots[slot]
        if found >> np.uint64(32) == key:
            number = (found & _LOW) - np.uint64(1)
            if dictionary.sizes[number] == size:
                first, same = np.uint64(dictionary.starts[number]), np.uint64(0)
                here = np.uint64(start)
                while (
                    same < np.uint64(size) and dictionary.content[first + same] == data[here + same]
                ):
                    same += np.uint64(1)
                if same == np.uint64(size):
                    return int(number)
        slot = (slot + np.uint64(1)) & mask
    return -1


@kernel(types.boolean(_DICTIONARY))
def _fill(dictionary: Any) -> bool:
    """Put every word into its slot; return whether all are different."""
    slots, content = dictionary.slots, dictionary.content
    for word in range(dictionary.starts.size):
        start = dictionary.starts[word]
        end = start + dictionary.sizes[word]
        key = _hash_of(content, start, end)
        if _number(dictionary, content, start, end, key) >= 0:
            return False
        slot = key & np.uint64(slots.size - 1)
        while slots[slot]:
            slot = (slot + np.uint64(1)) & np.uint64(slots.size - 1)
        slots[slot] = key << np.uint64(32) | np.uint64(word + 1)
    return True


@kernel(types.void(_MATRIX, _PLACES, types.int64, _SUMS))
def _add(
    matrix: NDArray[np.float32], rows: NDArray[np.int64], count: int, sums: NDArray[np.float32]
) -> None:
    """Add rows one after the other, four of them for each look at the sums."""
    at = 0
    while at + 4 <= count:
        a, b, c, d = rows[at], rows[at + 1], rows[at + 2], rows[at + 3]
        for i in range(sums.size):
            sums[i] = sums[i] + matrix[a, i] + matrix[b, i] + matrix[c, i] + matrix[d, i]
        at += 4
    while at < count:
        for i in range(sums.size):
            sums[i] += matrix[rows[at], i]
        at += 1


@kernel(types.float64(_PLAIN, types.int64, _SUMS, _SUMS))
def _probability(
    model: Any, label: int, hidden: NDArray[np.float32], logits: NDArray[np.float32]
) -> float:
    """Return a label's share, with the 1e-5 that the library adds before it takes a logarithm."""
    for i in range(logits.size):
        total = np.float32(0)
        for j in range(hidden.size):
            total += model.outputs[i, j] * hidden[j]
        logits[i] = total
    largest, whole = logits.max(), np.float32(0)
    for i in range(logits.size):
        # exp() for floats differs between processors by a bit; that of doubles, rounded, does not.
        logits[i] = np.float32(math.exp(np.float64(logits[i] - largest)))
        whole += logits[i]
    share = np.float64(np.float32(logits[label] / whole))
    if np.isnan(share):
        return NO_NUMBER
    return float(np.float32(math.exp(np.float64(np.float32(math.log(share + 1e-5))))))


@kernel(types.void(_PLAIN, types.int64, BYTES, OFFSETS, _HASHES, _SUMS, _SUMS, _SCORES))
def _write_scores(
    model: Any,
    label: int,
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    keys: NDArray[np.uint32],
    sums: NDArray[np.float32],
    logits: NDArray[np.float32],
    scores: NDArray[np.float64],
) -> None:
    rows = np.empty(_ROWS, np.int64)  # that wait to be added
    for text in range(offsets.size - 1):
        at, end = offsets[text], offsets[text + 1]
        first, last = stripped(data, at, end)
        if first == last:
            scores[text] = np.nan
            continue
        sums[:] = 0
        words = waiting = added = 0
        ended = False
        while not ended:
            key, start = _HASH_START, at
            while at < end and not _IS_SEPARATOR[data[np.uint64(at)]]:
                key = _hashed(key, data[np.uint64(at)])
                at += 1
            if start < at:
                word = _number(model.dictionary, data, start, at, key)
            elif at < end:
                at += 1
                continue
            else:
                key, word, ended = np.uint64(model.end_hash), model.end, True
            if word >= model.words:  # a label
                continue
            keys[words] = key
            words += 1
            if word >= 0:
                rows[waiting] = word
                waiting += 1
                if waiting == _ROWS:  # here and below: in a function of its own it takes 1.5 times
                    _add(model.inputs, rows, waiting, sums)
                    added, waiting = added + waiting, 0
        for first in range(words):
            ngram = _signed(keys[first])
            for last in range(first + 1, min(words, first + model.ngrams)):
                ngram = ngram * _NGRAM_FACTOR + _signed(keys[last])
                rows[waiting] = model.words + np.int64(ngram % np.uint64(model.buckets))
                waiting += 1
                if waiting == _ROWS:
                    _add(model.inputs, rows, waiting, sums)
                    added, waiting = added + waiting, 0
        _add(model.inputs, rows, waiting, sums)
        added += waiting
        if not added:
            scores[text] = 0.0
            continue
        mean = np.float32(1.0 / added)
        for i in range(sums.size):
            sums[i] *= mean
        scores[text] = _probability(model, label, sums, logits)


def scores(
    model: Plain, label: int, data: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the probability of a label for each text.

    Args:
        model: of `read_plain`.
        label: its number.
        data: uint8[n_bytes], texts in which no word is one of fastText's own.
        offsets: int64[n_texts + 1].

    Returns:
        float64[n_texts], 0 to about 1.00001; 0 for a text of which the model knows nothing, NaN for
        one of white space alone, NO_NUMBER where weights are no numbers.
    """
    most = int(np.diff(offsets).max(initial=0)) // 2 + 2  # words, the line's end among them
    found = np.empty(offsets.size - 1, np.float64)
    sums, logits = (np.empty(size, np.float32) for size in model.outputs.shape[::-1])
    keys = np.empty(most, np.uint32)
    _write_scores(model, label, data, offsets, keys, sums, logits, found)
    return found
