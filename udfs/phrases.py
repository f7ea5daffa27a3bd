"""Phrases that kernels look for in texts, in lower or upper case."""

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS
from winnow.udfs.kernels import kernel

_BEGINNINGS = types.Array(types.int64, 2, "C", readonly=True)


def packed(phrases: tuple[bytes, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of all phrases, and int64[n_phrases + 1] where each one begins."""
    places: NDArray[np.int64] = np.cumsum([0, *map(len, phrases)])
    return np.frombuffer(b"".join(phrases), np.uint8), places


def beginnings(phrases: tuple[bytes, ...]) -> NDArray[np.int64]:
    """Return int64[3, 256]: of each byte, the phrases that it can be the first of (or the second,
    the third), as bits.

    No phrase has a k among its first three letters, for which the Kelvin sign can stand.
    """
    bits = np.zeros((3, 256), np.int64)
    for phrase, content in enumerate(phrases):
        for place in range(3):
            bits[place, [content.lower()[place], content.upper()[place]]] |= 1 << phrase
    return bits


@kernel(types.boolean(BYTES, types.int64, types.int64, BYTES, OFFSETS, types.int64), inlined=True)
def is_phrase(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    phrases: NDArray[np.uint8],
    places: NDArray[np.int64],
    phrase: int,
) -> bool:
    """Tell whether the phrase of that number, a lower-case one, stands here in any case."""
    for i in range(places[phrase], places[phrase + 1]):
        if at >= end:
            return False
        byte = data[at]
        if 65 <= byte <= 90:
            byte += 32
        elif byte == 0xE2 and at + 2 < end and data[at + 1] == 0x84 and data[at + 2] == 0xAA:
            byte = 107  # the Kelvin sign is a capital k
            at += 2
        if byte != phrases[i]:
            return False
        at += 1
    return True


@kernel(types.int64(BYTES, types.int64, types.int64, BYTES, OFFSETS, _BEGINNINGS), inlined=True)
def phrases_at(
    data: NDArray[np.uint8],
    at: int,
    end: int,
    phrases: NDArray[np.uint8],
    places: NDArray[np.int64],
    beginning: NDArray[np.int64],
) -> int:
    """Return the phrases that stand here, as bits: a 1 for the first of them, a 2, a 4."""
    if at + 2 >= end:
        return 0
    candidates = beginning[0, data[at]] & beginning[1, data[at + 1]] & beginning[2, data[at + 2]]
    found = phrase = 0
    while candidates >> phrase:
        if candidates >> phrase & 1 and is_phrase(data, at, end, phrases, places, phrase):
            found |= 1 << phrase
        phrase += 1
    return found
