"""Phrases that kernels look for in texts, in lower or upper case."""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS


def packed(phrases: tuple[bytes, ...]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of all phrases, and int64[n_phrases + 1] where each one begins."""
    places: NDArray[np.int64] = np.cumsum([0, *map(len, phrases)])
    return np.frombuffer(b"".join(phrases), np.uint8), places


def beginnings(phrases: tuple[bytes, ...]) -> NDArray[np.int64]:
    """Return int64[256]: of each byte, the phrases that it can begin, as bits."""
    bits = np.zeros(256, np.int64)
    for phrase, content in enumerate(phrases):
        bits[[content.lower()[0], content.upper()[0]]] |= 1 << phrase
    return bits


@njit(
    types.boolean(BYTES, types.int64, types.int64, BYTES, OFFSETS, types.int64),
    cache=True,
    nogil=True,
)
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
