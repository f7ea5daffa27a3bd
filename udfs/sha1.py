"""SHA-1 of many short byte strings at once, for kernels.

The strings go through the rounds side by side, one a lane of the processor's vector registers, and
a lane that has finished its string takes the next one. A string of up to 55 bytes is one block of
64: about 25 ns on a core with AVX-512, a tenth of a call of Python's hashlib or less.

Source: FIPS 180-4, sections 4.1.1, 4.2.1, 5.1.1 and 6.1. SHA-1 is no proof against forgery any
more; it is here because datasketch's signatures are made of it.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.kernels import kernel

LANES = 32  # two vectors of 16 hide the latency of the rounds

_BLOCK = 64  # bytes
SLACK = 64  # words behind the last string
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


@kernel(_WORD(_WORD, types.int64))
def _rotated(word: np.uint32, bits: int) -> np.uint32:
    return np.uint32(word << np.uint32(bits) | word >> np.uint32(32 - bits))


@kernel(_WORD(types.int64, *(_WORD,) * 6))
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


@kernel(types.void(WORDS, WORDS, types.int64, _WORD))
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


@kernel(types.void(WORDS))
def _schedule(words: NDArray[np.uint32]) -> None:
    """Write word 16 of every lane."""
    for lane in range(LANES):
        word = words[13 * LANES + lane] ^ words[8 * LANES + lane]
        word ^= words[2 * LANES + lane] ^ words[lane]
        words[16 * LANES + lane] = _rotated(np.uint32(word), 1)


@kernel(types.void(WORDS, WORDS, WORDS))
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


@kernel(types.void(WORDS, POSITIONS, POSITIONS, POSITIONS, WORDS))
def _load(
    text: NDArray[np.uint32],
    at: NDArray[np.int64],
    left: NDArray[np.int64],
    sizes: NDArray[np.int64],
    words: NDArray[np.uint32],
) -> None:
    """Write a block of every lane: its text, a 1, zeros and, in the last block, the length in bits.

    All lanes read a whole block, and what is not theirs is masked out after: no branch is guessed
    wrong, and the masks are vectors.
    """
    for lane in range(LANES):
        for i in range(16):
            words[i * LANES + lane] = text[at[lane] + 4 * i]
    for i in range(16):
        row = words[i * LANES : (i + 1) * LANES]
        for lane in range(LANES):
            rest = left[lane] - 4 * i  # bytes; negative behind the end
            bits = np.uint64(8 * min(max(rest, 0), 4))
            behind = np.uint64(0xFFFFFFFF) >> bits
            padded = np.uint64(row[lane]) & ~behind | np.uint64(0x80000000) >> bits
            row[lane] = np.uint32(padded) if rest >= 0 else np.uint32(0)
    for lane in range(LANES):
        if left[lane] < _BLOCK - 8:
            words[14 * LANES + lane] = np.uint32(sizes[lane] >> 29)
            words[15 * LANES + lane] = np.uint32(sizes[lane] << 3)


@kernel(types.uint64(_WORD))
def _swapped(word: np.uint32) -> np.uint64:
    swapped = word << np.uint32(24) | (word & np.uint32(0xFF00)) << np.uint32(8)
    swapped |= word >> np.uint32(8) & np.uint32(0xFF00) | word >> np.uint32(24)
    return np.uint64(np.uint32(swapped))


@kernel(types.void(types.Array(types.uint8, 1, "C"), types.int64, WORDS))
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


@kernel(types.void(WORDS, POSITIONS, POSITIONS, types.int64, HASHES))
def sha1_hash64(
    text: NDArray[np.uint32],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    count: int,
    hashes: NDArray[np.uint64],
) -> None:
    """Write hashes[i], the first 8 bytes of the SHA-1 of bytes starts[i] to ends[i], little-endian.

    That is datasketch's `sha1_hash64`, and its low 32 bits are datasketch's `sha1_hash32`.
    `text` is what `big_endian_words` wrote, with SLACK more words that are read and do not matter.
    Only the first `count` strings are hashed.
    """
    words = np.zeros(80 * LANES, np.uint32)
    state = np.zeros(5 * LANES, np.uint32)
    now = np.zeros(5 * LANES, np.uint32)
    string = np.full(LANES, -1, np.int64)  # that a lane is working on; -1 when it is idle
    at = np.zeros(LANES, np.int64)
    left = np.zeros(LANES, np.int64)  # bytes to the end of the string
    sizes = np.zeros(LANES, np.int64)
    taken = done = 0
    while done < count:
        for lane in range(LANES):
            if string[lane] < 0 and taken < count:
                string[lane], at[lane] = taken, starts[taken]
                left[lane] = sizes[lane] = ends[taken] - starts[taken]
                taken += 1
                for i in range(5):
                    state[i * LANES + lane] = _START[i]
        _load(text, at, left, sizes, words)
        _compress(words, state, now)
        for lane in range(LANES):
            if string[lane] < 0:
                continue
            if left[lane] < _BLOCK - 8:  # the length was in this block
                low, high = _swapped(state[lane]), _swapped(state[LANES + lane])
                hashes[string[lane]] = low | high << np.uint64(32)
                string[lane], at[lane] = -1, 0
                done += 1
            else:
                at[lane] = min(at[lane] + _BLOCK, ends[string[lane]])
                left[lane] -= _BLOCK
