"""The words of a text without case, accents and punctuation, as hashes with their places.

A word is a maximal run of letters, digits and what is left of marks after folding: all else parts
words, but format characters (soft hyphens, zero-width spaces) and accents, which are passed over as
if they were not there. Letters are folded so that no change of case tells (`Straße` is `STRASSE`),
and to their compatibility forms (NFKD without nonspacing marks). Where there are no spaces between
words, in Chinese, Japanese, Thai, Lao, Burmese and Khmer, a letter is a word of its own. Numbers
stay as they are.
"""

import unicodedata
from itertools import chain
from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES
from winnow.udfs.decoding import decode
from winnow.udfs.kernels import kernel

# What becomes of a code point: up to three letters of 21 bits, negative for a word of its own.
_SEPARATES, _PASSED_OVER = 0, 1
_BITS, _MOST_LETTERS = 21, 3  # three are enough for Hangul, and there is room for no more
_LETTER = (1 << _BITS) - 1
_START, _FACTOR = np.uint64(14695981039346656037), np.uint64(1099511628211)  # those of FNV-1a
_MIX = np.uint64(0xFF51AFD7ED558CCD)  # of MurmurHash3's finaliser
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no word's bits are shifted out of an n-gram

# Up to here letters have case, accents and compatibility forms; what follows are ideographs.
_FOLDED = 0x1F000
_WITHOUT_SPACES = (
    (0x0E01, 0x0E4E), (0x0E81, 0x0ECD), (0x0EDC, 0x0EDF),  # Thai and Lao
    (0x1000, 0x103F), (0x1050, 0x108F), (0x1780, 0x17D3),  # Burmese and Khmer
    (0x3041, 0x30FF), (0x31F0, 0x31FF),  # kana
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF),  # ideographs
)  # fmt: skip
_FIRST_RARE_IDEOGRAPH, _LAST_IDEOGRAPH = 0x20000, 0x3FFFF

FOLD = types.Array(types.int64, 1, "C", readonly=True)
HASHES = types.Array(types.uint64, 1, "C")
PLACES = types.Array(types.int32, 1, "C")


def _folded(character: str) -> int:
    """Return the letters that stand for a character, or what becomes of it."""
    category = unicodedata.category(character)
    if category in ("Cf", "Mn"):
        return _PASSED_OVER
    if category[0] not in "LMN":
        return _SEPARATES
    letters = unicodedata.normalize("NFKD", character.upper().casefold())
    letters = "".join(part for part in letters if unicodedata.category(part)[0] in "LN")
    if not 0 < len(letters) <= _MOST_LETTERS:
        letters = character
    return sum(ord(letter) << _BITS * i for i, letter in enumerate(letters))


def _fold_table() -> NDArray[np.int64]:
    """Return int64[_FOLDED]: what becomes of every code point."""
    fold = np.array([_folded(chr(point)) for point in range(_FOLDED)], np.int64)
    alone = np.array(list(chain(*(range(first, last + 1) for first, last in _WITHOUT_SPACES))))
    alone = alone[fold[alone] > _PASSED_OVER]
    fold[alone] = -fold[alone]
    fold.flags.writeable = False
    return fold


FOLDS = _fold_table()


@kernel(types.int64(BYTES, types.int64, types.int64, FOLD, HASHES, PLACES, PLACES))
def write_words(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    fold: NDArray[np.int64],
    hashes: NDArray[np.uint64],
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
) -> int:
    """Write the words of data[at:end] and return their number.

    Word i is the code points starts[i] up to ends[i], counted from `at`. `room_for` gives the
    memory.
    """
    words = place = 0
    inside = False
    key = _START
    while at < end:
        point, size = int(data[at]), 1
        if point > 0x7F:
            point, size = decode(data, at, end)
        if point < len(fold):
            folded = int(fold[point])
        elif _FIRST_RARE_IDEOGRAPH <= point <= _LAST_IDEOGRAPH:
            folded = -point
        else:
            folded = _SEPARATES
        if folded > _PASSED_OVER:
            if not inside:
                inside, starts[words], key = True, place, _START
            while folded:
                key = (key ^ np.uint64(folded & _LETTER)) * _FACTOR
                folded >>= _BITS
        elif folded != _PASSED_OVER:
            if inside:
                inside, ends[words] = False, place
                hashes[words] = (key ^ (key >> np.uint64(32))) * _MIX
                words += 1
            if folded < 0:
                starts[words], ends[words] = place, place + 1
                key = (_START ^ np.uint64(-folded)) * _FACTOR
                hashes[words] = (key ^ (key >> np.uint64(32))) * _MIX
                words += 1
        place += 1
        at += size
    if inside:
        ends[words] = place
        hashes[words] = (key ^ (key >> np.uint64(32))) * _MIX
        words += 1
    return words


class Room(NamedTuple):
    """Memory for the words of a text: their hashes and places, and the hashes of n-grams."""

    words: NDArray[np.uint64]
    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    ngrams: NDArray[np.uint64]


ROOM = types.NamedTuple((HASHES, PLACES, PLACES, HASHES), Room)  # type: ignore[no-untyped-call]


def room_for(offsets: NDArray[np.int64]) -> Room:
    """Return room for any one of the texts with these offsets; what is not written is free."""
    most = int(np.diff(offsets).max(initial=0)) // 2 + 1  # the shortest words have two bytes
    hashes, places = np.empty((2, most), np.uint64), np.empty((2, most), np.int32)
    return Room(hashes[0], places[0], places[1], hashes[1])


@kernel(types.int64(HASHES, types.int64, types.int64, HASHES))
def write_ngrams(
    words: NDArray[np.uint64], count: int, size: int, ngrams: NDArray[np.uint64]
) -> int:
    """Write the hash of the n-gram of `size` words that begins at each of the first `count` words.

    Return their number. The hash is a polynomial in the words' hashes modulo 2 ** 64.
    """
    if count < size:
        return 0
    highest, key = np.uint64(1), np.uint64(0)
    for i in range(size):
        highest *= _BASE
        key = key * _BASE + words[i]
    ngrams[0] = key
    for i in range(size, count):
        key = key * _BASE + words[i] - words[i - size] * highest
        ngrams[i - size + 1] = key
    return count - size + 1
