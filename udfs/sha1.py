"""SHA-1 of many short byte strings at once, for kernels.

The strings go through the rounds side by side, one a lane of the processor's vector registers, and
a lane that has finished its string takes the next one. A string of up to 55 bytes is one block of
64: about 15 ns on a core with AVX-512, where a call of Python's hashlib takes some 300.

Source: FIPS 180-4, sections 4.1.1, 4.2.1, 5.1.1 and 6.1. SHA-1 is no proof against forgery any
more; it is here because datasketch's signatures are made of it.
"""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

LANES = 32  # two vectors of 16 hide the latency of the rounds

_BLOCK = 64  # bytes
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
_CHOICE, _PARITY, _MAJORITY = range(3)
_ROUNDS = (  # 20 rounds each: their function and their constant
    (_CHOICE, np.uint32(0x5A827999)),
    (_PARITY, np.uint32(0x6ED9EBA1)),
    (_MAJORITY, np.uint32(0x8F1BBCDC)),
    (_PARITY, np.uint32(0xCA62C1D6)),
)

WORDS = types.Array(types.uint32, 1, "C")
POSITIONS = types.Array(types.int64, 1, "C")
HASHES = types.Array(types.uint64, 1, "C")
_WORD = types.uint32


@njit(_WORD(_WORD, types.int64), cache=True, nogil=True)
def _rotated(word: np.uint32, bits: int) -> np.uint32:
    return np.uint32(word << np.uint32(bits) | word >> np.uint32(32 - bits))


@njit(_WORD(types.int64, *(_WORD,) * 6), cache=True, nogil=True)
def _round(
    function: int,
    a: np.uint32,
    b: np.uint32,
    c: np.uint32,
    d: np.uint32,
    e: np.uint32,
    word: np.uint32,
) -> np.uint32:
    if function == _CHOICE:
        mixed = np.uint32(d ^ (b & (c ^ d)))
    elif function == _PARITY:
        mixed = np.uint32(b ^ c ^ d)
    else:
        mixed = np.uint32((b & c) | (d & (b | c)))
    return np.uint32(_rotated(a, 5) + mixed + e + word)


@njit(types.void(WORDS, WORDS, types.int64, _WORD), cache=True, nogil=True)
def _five_rounds(
    now: NDArray[np.uint32], words: NDArray[np.uint32], function: int, constant: np.uint32
) -> None:
    """Do five rounds, after which the variables have their names again."""
    for lane in range(LANES):
        a, b, c = now[lane], now[LANES + lane], now[2 * LANES + lane]
        d, e = now[3 * LANES + lane], now[4 * LANES + lane]
        e = _round(function, a, b, c, d, e, np.uint32(constant + words[lane]))
        b = _rotated(b, 30)
        d = _round(function, e, a, b, c, d, np.uint32(constant + words[LANES + lane]))
        a = _rotated(a, 30)
        c = _round(function, d, e, a, b, c, np.uint32(constant + words[2 * LANES + lane]))
        e = _rotated(e, 30)
        b = _round(function, c, d, e, a, b, np.uint32(constant + words[3 * LANES + lane]))
        d = _rotated(d, 30)
        a = _round(function, b, c, d, e, a, np.uint32(constant + words[4 * LANES + lane]))
        c = _rotated(c, 30)
        now[lane], now[LANES + lane], now[2 * LANES + lane] = a, b, c
        now[3 * LANES + lane], now[4 * LANES + lane] = d, e


@njit(types.void(WORDS), cache=True, nogil=True)
def _schedule(words: NDArray[np.uint32]) -> None:
    """Write word 16 of every lane."""
    for lane in range(LANES):
        word = words[13 * LANES + lane] ^ words[8 * LANES + lane]
        word ^= words[2 * LANES + lane] ^ words[lane]
        words[16 * LANES + lane] = _rotated(np.uint32(word), 1)


@njit(types.void(WORDS, WORDS, WORDS), cache=True, nogil=True)
def _compress(
    words: NDArray[np.uint32], state: NDArray[np.uint32], now: NDArray[np.uint32]
) -> None:
    """Add a block to the state of every lane: word i of a lane is words[i * LANES + lane]."""
    for i in range(0, 64 * LANES, LANES):
        _schedule(words[i : i + 17 * LANES])
    now[:] = state
    for i in range(0, 80, 5):
        function, constant = _ROUNDS[i // 20]
        _five_rounds(now, words[i * LANES : (i + 5) * LANES], function, constant)
    for i in range(5 * LANES):
        state[i] = np.uint32(state[i] + now[i])


@njit(types.int64(types.int64), cache=True, nogil=True)
def _blocks(size: int) -> int:
    """Return how many blocks a string takes with its padding: a 1, zeros and 8 bytes of length."""
    return (size + 8) // _BLOCK + 1


@njit(types.void(WORDS, *(types.int64,) * 3, WORDS, types.int64), cache=True, nogil=True)
def _load(
    text: NDArray[np.uint32], start: int, end: int, block: int, words: NDArray[np.uint32], lane: int
) -> None:
    """Write one block of a string, padded, into its lane."""
    at = start + block * _BLOCK
    left = end - at  # negative when the block before this one has the end of the string
    whole = min(max(left, 0) // 4, 16)
    for i in range(whole):
        words[i * LANES + lane] = text[at + 4 * i]
    for i in range(whole, 16):
        words[i * LANES + lane] = 0
    if 0 <= left < _BLOCK:
        kept = 8 * (left - 4 * whole)  # bits of the last word that are text
        last = np.uint32(0x80000000) >> np.uint32(kept)
        if kept:
            last |= text[at + 4 * whole] >> np.uint32(32 - kept) << np.uint32(32 - kept)
        words[whole * LANES + lane] = last
    if left < _BLOCK - 8:
        words[14 * LANES + lane] = np.uint32((end - start) >> 29)
        words[15 * LANES + lane] = np.uint32((end - start) << 3)


@njit(types.uint64(_WORD), cache=True, nogil=True)
def _swapped(word: np.uint32) -> np.uint64:
    swapped = word << np.uint32(24) | (word & np.uint32(0xFF00)) << np.uint32(8)
    swapped |= word >> np.uint32(8) & np.uint32(0xFF00) | word >> np.uint32(24)
    return np.uint64(np.uint32(swapped))


@njit(types.void(types.Array(types.uint8, 1, "C"), types.int64, WORDS), cache=True, nogil=True)
def big_endian_words(data: NDArray[np.uint8], size: int, text: NDArray[np.uint32]) -> None:
    """Write text[i], the four bytes data[i:i + 4] as one number, for i < size.

    `data` has at least size + 3 bytes; what stands in the last three does not matter.
    """
    for i in range(size):
        text[i] = (
            np.uint32(data[i]) << np.uint32(24)
            | np.uint32(data[i + 1]) << np.uint32(16)
            | np.uint32(data[i + 2]) << np.uint32(8)
            | np.uint32(data[i + 3])
        )


@njit(types.void(WORDS, POSITIONS, POSITIONS, types.int64, HASHES), cache=True, nogil=True)
def sha1_hash64(
    text: NDArray[np.uint32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    count: int,
    hashes: NDArray[np.uint64],
) -> None:
    """Write hashes[i], the first 8 bytes of the SHA-1 of bytes starts[i] to ends[i], little-endian.

    That is datasketch's `sha1_hash64`, and its low 32 bits are datasketch's `sha1_hash32`.
    `text` is what `big_endian_words` wrote; only the first `count` strings are hashed.
    """
    words = np.zeros(80 * LANES, np.uint32)
    state = np.zeros(5 * LANES, np.uint32)
    now = np.zeros(5 * LANES, np.uint32)
    string = np.full(LANES, -1, np.int64)  # that a lane is working on; -1 when it is idle
    block = np.zeros(LANES, np.int64)
    taken = done = 0
    while done < count:
        for lane in range(LANES):
            if string[lane] < 0 and taken < count:
                string[lane], block[lane] = taken, 0
                taken += 1
                for i in range(5):
                    state[i * LANES + lane] = _START[i]
            item = string[lane]
            if item >= 0:
                _load(text, starts[item], ends[item], block[lane], words, lane)
        _compress(words, state, now)
        for lane in range(LANES):
            item = string[lane]
            if item < 0:
                continue
            block[lane] += 1
            if block[lane] == _blocks(ends[item] - starts[item]):
                low, high = _swapped(state[lane]), _swapped(state[LANES + lane])
                hashes[item] = low | high << np.uint64(32)
                string[lane] = -1
                done += 1
