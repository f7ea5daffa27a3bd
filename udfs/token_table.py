"""The tokens of a column of texts, fast: each distinct chunk is cut once and then looked up.

A kernel cuts texts at white space and looks the chunks up in an open table by hash, comparing
bytes. Chunks that it does not know are cut once, by `chunk_cuts` or, one in a hundred, by
`english_tokens`. Tables live as long as the process and are emptied when they have grown to
MOST_CHUNKS or MOST_BYTES: about 100 MB at most, apart from a single text that is larger. Known
chunks are looked up at about 100 MB of text a second and core, and one that is new takes as long as
fifteen of them. What a text's tokens are never depends on what the tables hold.
"""

import threading
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.characters import (
    LAST_PUNCTUATION,
    LETTER,
    SENTENCE_END,
    character_classes,
    code_points,
)
from winnow.udfs.chunk_cuts import CLASSES, KNOWN, cut_chunks
from winnow.udfs.decoding import MAY_BE_SPACE, decode, find_space, space_size
from winnow.udfs.english_tokens import tokens as english_tokens
from winnow.udfs.kernels import kernel
from winnow.udfs.seen import are_same, key_of, slot_of, slots_for

Number = TypeVar("Number", bound=np.generic)

MOST_CHUNKS = 500_000
MOST_BYTES = 32_000_000
PIECE = 1 << 18  # bytes of text that are worked on at once, so that they stay in the cache

# What is known of a token, as bits. The numbers are compiled into kernels: do not renumber them.
NON_SYMBOL, ALPHABETIC, ENDER, PUNCTUATION = (1 << bit for bit in range(4))
STOP_WORD = 4  # the bit of the first stop word
HEAD = 15  # bytes of a token that can be had as two numbers
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")  # Gopher, appendix A.1

# Characters that make no word: PUNCTUATION_SET of datatrove 0.10.1, src/datatrove/utils/text.py,
# together with the sentence ends of all scripts. The full-width digit one is in it upstream.
_SYMBOLS = """
    0-8 B-1F 21-2F 3A-40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001-3002
    3008-300D 3010-3011 FF01 FF05 FF08-FF09 FF0C FF0E FF11 FF1A-FF1B FF1F FF5E
"""
# Sentence ends that spaCy's sentencizer (3.8.18) does not know.
_NO_ENDERS = """
    61D-61E 837 839 83D-83E 17D4-17D6 17D9-17DA 1B7D-1B7E 2E53-2E54 10F55-10F59 10F86-10F89 11944
    11946 11EF7-11EF8 11F43-11F44 16E98
"""
_SPACE = ord(" ")

_BASE = np.uint64(0x9E3779B97F4A7C15)  # of a polynomial over bytes, modulo 2 ** 64

INTS, WIDE = types.Array(types.int32, 1, "C"), types.Array(types.int64, 1, "C")
HASHES, FACTS = types.Array(types.uint64, 1, "C"), types.Array(types.uint64, 2, "C")


def _kinds() -> NDArray[np.uint8]:
    """Return uint8[0x110000]: what every character says of a token that it is in."""
    classes = character_classes()
    kinds = np.where(classes & LETTER, ALPHABETIC, 0).astype(np.uint8)
    kinds[:] |= NON_SYMBOL
    ends = np.flatnonzero(classes & SENTENCE_END)
    kinds[ends] = kinds[ends] & (0xFF ^ NON_SYMBOL) | ENDER
    kinds[code_points(_SYMBOLS)] &= 0xFF ^ NON_SYMBOL
    kinds[code_points(_NO_ENDERS)] &= 0xFF ^ ENDER
    for point in range(LAST_PUNCTUATION + 1):
        if unicodedata.category(chr(point)).startswith("P"):
            kinds[point] |= PUNCTUATION
    kinds.flags.writeable = False
    return kinds


_KINDS = _kinds()


@kernel(types.int64(BYTES, OFFSETS, WIDE, WIDE, HASHES, WIDE))
def _write_chunks(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    keys: NDArray[np.uint64],
    first: NDArray[np.int64],
) -> int:
    """Write where the chunks are; `first[row]` is the row's first one. Return their number."""
    chunks = 0
    for row in range(offsets.size - 1):
        first[row] = chunks
        at, end = offsets[row], offsets[row + 1]
        while at < end:
            if data[np.uint64(at)] == _SPACE:
                at += 1
                continue
            if MAY_BE_SPACE[data[np.uint64(at)]]:
                space = space_size(data, at, end)
                if space > 0:
                    at += space
                    continue
            start = at
            at = find_space(data, at, end)
            starts[chunks], ends[chunks], keys[chunks] = start, at, key_of(data, start, at)
            chunks += 1
    first[offsets.size - 1] = chunks
    return chunks


def find_chunks(
    data: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """Return of all chunks starts, ends and keys, and int64[n_rows + 1] each row's first chunk.

    Chunks are maximal runs of bytes that are no white space. Up to 7 bytes with equal keys are
    equal; longer ones, whose keys have the highest bit, need a closer look.
    """
    most = int(offsets[-1] - offsets[0]) // 2 + offsets.size
    starts, ends = np.empty((2, most), np.int64)
    keys, first = np.empty(most, np.uint64), np.empty(offsets.size, np.int64)
    count = _write_chunks(data, offsets, starts, ends, keys, first)
    return starts[:count], ends[:count], keys[:count], first


_INTERN = types.void(
    BYTES, WIDE, WIDE, HASHES, INTS, FACTS, WIDE, types.Array(types.uint8, 1, "C"), WIDE
)  # fmt: skip


@kernel(_INTERN)
def _intern(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    ids: NDArray[np.int32],
    slots: NDArray[np.uint64],
    places: NDArray[np.int64],
    store: NDArray[np.uint8],
    size: NDArray[np.int64],
) -> None:
    """Write the id of each string; one that is new gets the next id and is stored.

    A slot is a key and an id plus 1. Equal keys of long strings are compared byte by byte.
    """
    for i in range(starts.size):
        start, end, key = starts[i], ends[i], hashes[i]
        slot = np.uint64(slot_of(key, len(slots)))
        found = np.int64(-1)
        while slots[slot, np.uint64(1)]:
            if slots[slot, np.uint64(0)] == key:
                other = np.int64(slots[slot, np.uint64(1)]) - 1
                place = places[np.uint64(other)]
                if end - start <= 7 or (
                    places[np.uint64(other + 1)] - place == end - start
                    and are_same(data, start, store, place, end - start)
                ):
                    found = other
                    break
            slot = (slot + np.uint64(1)) & np.uint64(len(slots) - 1)
        if found < 0:
            found = size[0]
            slots[slot, 0], slots[slot, 1] = key, np.uint64(found + 1)
            place = places[found]
            for k in range(end - start):
                store[place + k] = data[start + k]
            places[found + 1] = place + end - start
            size[0] = found + 1
        ids[i] = found


@kernel(types.void(FACTS, FACTS))
def _rehash(old: NDArray[np.uint64], slots: NDArray[np.uint64]) -> None:
    for i in range(len(old)):
        if old[i, 1]:
            slot = slot_of(old[i, 0], len(slots))
            while slots[slot, 1]:
                slot = (slot + 1) & (len(slots) - 1)
            slots[slot, 0], slots[slot, 1] = old[i, 0], old[i, 1]


@kernel(types.void(BYTES, WIDE, WIDE, HASHES))
def _hash(
    data: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    hashes: NDArray[np.uint64],
) -> None:
    for i in range(starts.size):
        hashes[i] = key_of(data, starts[i], ends[i])


_DESCRIBE = types.void(BYTES, WIDE, types.int64, types.int64, BYTES, INTS, INTS, FACTS, FACTS)


@kernel(_DESCRIBE)
def _describe(
    store: NDArray[np.uint8],
    places: NDArray[np.int64],
    first: int,
    after: int,
    kinds: NDArray[np.uint8],
    chars: NDArray[np.int32],
    flags: NDArray[np.int32],
    facts: NDArray[np.uint64],
    heads: NDArray[np.uint64],
) -> None:
    """Write what is known of the tokens from `first` on."""
    for token in range(first, after):
        start, end = places[token], places[token + 1]
        total, power = np.uint64(0), np.uint64(1)
        high, low = np.uint64(0), np.uint64(min(end - start, HEAD))
        for i in range(start, end):
            byte = np.uint64(store[i])
            total = total * _BASE + byte + np.uint64(1)  # NUL bytes count too
            power *= _BASE
            if i < start + 8:
                high |= byte << np.uint64(8 * (start + 7 - i))
            elif i < start + HEAD:
                low |= byte << np.uint64(8 * (start + 15 - i))
        facts[token, 0], facts[token, 1] = total, power
        heads[token, 0], heads[token, 1] = high, low
        any_kind, all_kinds, points = 0, PUNCTUATION | ENDER, 0
        at = start
        while at < end:
            point, length = decode(store, at, end)
            any_kind |= kinds[point]
            all_kinds &= kinds[point]
            points += 1
            at += length
        if points > 1:
            all_kinds &= PUNCTUATION
        chars[token] = points
        flags[token] = any_kind & (NON_SYMBOL | ALPHABETIC) | all_kinds


@kernel(types.int64(INTS, INTS, INTS, INTS))
def _expand(
    chunks: NDArray[np.int32],
    firsts: NDArray[np.int32],
    tokens: NDArray[np.int32],
    ids: NDArray[np.int32],
) -> int:
    """Write the tokens of the chunks one after the other; return their number."""
    count = 0
    for chunk in chunks:
        for k in range(firsts[np.uint64(chunk)], firsts[np.uint64(chunk) + np.uint64(1)]):
            ids[np.uint64(count)] = tokens[np.uint64(k)]
            count += 1
    return count


@kernel(types.int64(INTS, INTS, WIDE, WIDE))
def _count_tokens(
    chunks: NDArray[np.int32],
    firsts: NDArray[np.int32],
    first_chunk: NDArray[np.int64],
    first_token: NDArray[np.int64],
) -> int:
    """Write each row's first token; return how many tokens the rows have."""
    count = 0
    for row in range(first_chunk.size - 1):
        first_token[row] = count
        for i in range(first_chunk[row], first_chunk[row + 1]):
            count += firsts[chunks[i] + 1] - firsts[chunks[i]]
    first_token[first_chunk.size - 1] = count
    return count


class _Strings:
    """Strings by number, in the order in which they were seen first."""

    def __init__(self) -> None:
        self.size = np.zeros(1, np.int64)
        self.slots = np.zeros((1 << 12, 2), np.uint64)
        self.places = np.zeros((1 << 11) + 1, np.int64)
        self.store = np.zeros(1 << 15, np.uint8)

    @property
    def bytes(self) -> int:
        return int(self.places[self.size[0]])

    def intern(
        self,
        data: NDArray[np.uint8],
        starts: NDArray[np.int64],
        ends: NDArray[np.int64],
        hashes: NDArray[np.uint64],
    ) -> NDArray[np.int32]:
        """Return the number of each string `data[start:end]`."""
        count = int(self.size[0])
        self.places = _grown(self.places, count + starts.size + 1)
        if (wanted := slots_for(count + starts.size)) > len(self.slots):
            old, self.slots = self.slots, np.zeros((wanted, 2), np.uint64)
            _rehash(old, self.slots)
        self.store = _grown(self.store, self.bytes + int((ends - starts).sum()))
        ids = np.empty(starts.size, np.int32)
        _intern(
            data, starts, ends, hashes, ids,
            self.slots, self.places, self.store, self.size,
        )  # fmt: skip
        return ids


def _grown(array: NDArray[Number], size: int) -> NDArray[Number]:
    """Return the array with room for `size` rows, the new ones zero."""
    if size <= len(array):
        return array
    larger = np.zeros((max(size, 2 * len(array)), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


class Tokens(NamedTuple):
    """The tokens of some rows, and what is known of every token by its number.

    facts: the hash of its bytes and what to multiply a hash with before it is added, so that the
    hash of a text is made of those of its parts. heads: its first HEAD bytes as two numbers, the
    first byte highest, and how many these are in the last byte.

    Row i has the tokens ids[first[i]:first[i + 1]] and the chunks
    chunks[first_chunk[i]:first_chunk[i + 1]]; chunk c has firsts[c + 1] - firsts[c] tokens and lies
    at data[starts[k]:ends[k]] of the k-th place.
    """

    rows: slice
    ids: NDArray[np.int32]
    first: NDArray[np.int64]
    first_chunk: NDArray[np.int64]
    chunks: NDArray[np.int32]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    firsts: NDArray[np.int32]
    chars: NDArray[np.int32]
    flags: NDArray[np.int32]
    facts: NDArray[np.uint64]
    heads: NDArray[np.uint64]
    places: NDArray[np.int64]
    store: NDArray[np.uint8]


class _Memo:
    """Chunks and tokens that were seen, each with its number."""

    def __init__(self) -> None:
        self.chunks, self.words = _Strings(), _Strings()
        self.firsts = np.zeros(1 << 11, np.int32)  # of a chunk: its first token in `tokens`
        self.tokens = np.zeros(1 << 12, np.int32)
        self.chars = np.zeros(1 << 11, np.int32)
        self.flags = np.zeros(1 << 11, np.int32)
        self.facts, self.heads = np.zeros((2, 1 << 11, 2), np.uint64)
        stop_words = np.frombuffer("".join(STOP_WORDS).encode(), np.uint8)
        starts = np.cumsum([0, *map(len, STOP_WORDS[:-1])])
        self._add_words(stop_words, starts)
        self.flags[: len(STOP_WORDS)] |= 1 << (STOP_WORD + np.arange(len(STOP_WORDS)))

    @property
    def is_full(self) -> bool:
        return self.chunks.size[0] > MOST_CHUNKS or self.chunks.bytes > MOST_BYTES

    def tokens_of(self, data: NDArray[np.uint8], offsets: NDArray[np.int64], rows: slice) -> Tokens:
        starts, ends, keys, first_chunk = find_chunks(data, offsets)
        known = int(self.chunks.size[0])
        chunks = self.chunks.intern(data, starts, ends, keys)
        if self.chunks.size[0] > known:
            self._cut_chunks(known)
        first = np.empty(offsets.size, np.int64)
        ids = np.empty(_count_tokens(chunks, self.firsts, first_chunk, first), np.int32)
        _expand(chunks, self.firsts, self.tokens, ids)
        return Tokens(
            rows, ids, first, first_chunk, chunks, starts, ends, self.firsts,
            self.chars, self.flags, self.facts, self.heads, self.words.places, self.words.store,
        )  # fmt: skip

    def _cut_chunks(self, known: int) -> None:
        """Cut the chunks from number `known` on."""
        count = int(self.chunks.size[0])
        places = self.chunks.places[known : count + 1]
        store = self.chunks.store[places[0] : places[-1]]
        begins = np.zeros(store.size, np.bool_)
        unsure = np.empty(count - known, np.int64)
        left = cut_chunks(store, places - places[0], CLASSES, KNOWN, begins, unsure)
        for chunk in unsure[:left].tolist():
            begin, end = int(places[chunk] - places[0]), int(places[chunk + 1] - places[0])
            text = store[begin:end].tobytes().decode("utf-8", "surrogateescape")
            for part in english_tokens(text):
                begins[begin] = True
                begin += len(part.encode("utf-8", "surrogateescape"))
        starts = np.flatnonzero(begins)
        self.firsts = _grown(self.firsts, count + 1)
        first = self.firsts[known]
        self.firsts[known + 1 : count + 1] = first + np.searchsorted(starts, places[1:] - places[0])
        self.tokens = _grown(self.tokens, int(self.firsts[count]))
        self.tokens[first : self.firsts[count]] = self._add_words(store, starts)

    def _add_words(self, data: NDArray[np.uint8], starts: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the numbers of the tokens that `data` consists of."""
        ends = np.append(starts[1:], len(data))
        hashes = np.empty(starts.size, np.uint64)
        _hash(data, starts, ends, hashes)
        known = int(self.words.size[0])
        ids = self.words.intern(data, starts, ends, hashes)
        count = int(self.words.size[0])
        self.chars = _grown(self.chars, count)
        self.flags = _grown(self.flags, count)
        self.facts, self.heads = _grown(self.facts, count), _grown(self.heads, count)
        _describe(
            self.words.store, self.words.places, known, count, _KINDS,
            self.chars, self.flags, self.facts, self.heads,
        )  # fmt: skip
        return ids


_LOCK = threading.Lock()
_memo = _Memo()


def pieces(offsets: NDArray[np.int64]) -> Iterator[slice]:
    """Yield slices of rows with about PIECE bytes each, at least one row."""
    row, rows = 0, offsets.size - 1
    while row < rows:
        after = int(np.searchsorted(offsets, offsets[row] + PIECE, "right")) - 1
        after = min(max(after, row + 1), rows)
        yield slice(row, after)
        row = after


def tokenise(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Iterator[Tokens]:
    """Yield the tokens of all rows, some rows at a time; use each before you ask for the next."""
    global _memo
    for rows in pieces(offsets):
        with _LOCK:
            if _memo.is_full:
                _memo = _Memo()
            found = _memo.tokens_of(data, offsets[rows.start : rows.stop + 1], rows)
        yield found
