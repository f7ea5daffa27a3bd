"""MinHash signatures, bit for bit those of datasketch 2."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function
from winnow.udfs.sha1 import HASHES, WORDS
from winnow.udfs.shingles import ROOM, Room, begin, check_shingle, next_hashes, room_for

MOST_PERMUTATIONS = 4096

SIGNATURES = types.Array(types.uint32, 2, "C")
_FLAGS = types.Array(types.boolean, 1, "C")
_EMPTY = np.uint32(0xFFFFFFFF)


def permutations(count: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return a and b, uint32[count] each, of the permutations h -> a * h + b modulo 2^32.

    Those of datasketch's `MinHash(count, seed)` with its scheme `affine32`: NumPy keeps the
    numbers of RandomState the same for ever.

    Raises:
        ValueError: the count is not from 1 to MOST_PERMUTATIONS, or the seed not from 0 to
            2^32 - 1.
    """
    if not 1 <= count <= MOST_PERMUTATIONS:
        raise ValueError(f"a signature has 1 to {MOST_PERMUTATIONS} values, not {count}")
    if not 0 <= seed < 1 << 32:
        raise ValueError(f"seed is from 0 to 2^32 - 1, not {seed}")
    numbers = np.random.RandomState(seed)
    a = numbers.randint(0, 1 << 31, count, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return a, numbers.randint(0, 1 << 32, count, dtype=np.uint32)


@kernel(types.uint32(types.uint32), inlined=True)
def _fmix32(h: np.uint32) -> np.uint32:
    """The finalizer of MurmurHash3."""
    h = np.uint32((h ^ h >> np.uint32(16)) * np.uint32(0x85EBCA6B))
    h = np.uint32((h ^ h >> np.uint32(13)) * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ h >> np.uint32(16))


@kernel(types.void(HASHES, types.int64, WORDS, WORDS, WORDS), inlined=True)
def _add(
    hashes: NDArray[np.uint64],
    count: int,
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    signature: NDArray[np.uint32],
) -> None:
    for i in range(count):
        hashed = _fmix32(np.uint32(hashes[i]))
        for k in range(signature.size):
            signature[k] = min(signature[k], np.uint32(a[k] * hashed + b[k]))


_SIGN = types.void(
    BYTES, OFFSETS, types.boolean, types.int64, WORDS, WORDS, ROOM, SIGNATURES, _FLAGS
)  # fmt: skip


@kernel(_SIGN)
def _sign(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    is_char: bool,
    size: int,
    a: NDArray[np.uint32],
    b: NDArray[np.uint32],
    room: Room,
    signatures: NDArray[np.uint32],
    has_shingles: NDArray[np.bool_],
) -> None:
    for row in range(offsets.size - 1):
        begin(offsets[row], room)
        while True:
            count = next_hashes(data, offsets[row + 1], is_char, size, room)
            if not count:
                break
            has_shingles[row] = True
            _add(room.hashes, count, a, b, signatures[row])


def signatures_of(
    text: pa.Array, values: int, unit: str, size: int, seed: int
) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
    """Return uint32[rows, values] and which rows have a shingle; those without are all 2^32 - 1.

    Raises:
        TypeError: the column is not a string column.
        ValueError: an option is out of its range.
    """
    check_shingle(unit, size)
    a, b = permutations(values, seed)
    data, offsets = utf8(text)
    signatures = np.full((len(text), values), _EMPTY, np.uint32)
    has_shingles = np.zeros(len(text), np.bool_)
    room = room_for(offsets, size)
    _sign(data, offsets, unit == "char", size, a, b, room, signatures, has_shingles)
    return signatures, has_shingles


@column_function(returns="ARRAY<BIGINT>", version=1)
def minhash(
    text: pa.Array, values: int = 112, unit: str = "word", size: int = 5, seed: int = 1
) -> pa.Array:
    """Return a text's MinHash signature: two texts agree in about as many values as they are alike.

    Shape: STRING -> ARRAY<BIGINT> of as many numbers as `values` says; null gives null. Shingles
        are `unit`s ('word' or 'char'), `size` of them, as `winnow.udfs.shingles` defines them.
    Units: each value is from 0 to 2^32 - 1; the share of equal values estimates the Jaccard
        similarity of the sets of shingles. A text without words has 2^32 - 1 throughout.
    Errors: TypeError if the column is not STRING, ValueError for an option out of its range.
    Source: Broder 1997, "On the resemblance and containment of documents"; the numbers are those of
        datasketch 2.0 `MinHash(num_perm=values, seed=seed)` (scheme affine32) updated with every
        shingle in UTF-8. datasketch before 2.0 had another scheme.
    """
    signatures, _ = signatures_of(text, values, unit, size, seed)
    offsets = np.arange(len(text) + 1, dtype=np.int64) * values
    return pa.LargeListArray.from_arrays(
        pa.array(offsets), signatures.astype(np.int64).reshape(-1), mask=text.is_null()
    ).cast(pa.list_(pa.int64()))
