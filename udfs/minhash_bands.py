"""Bands of MinHash signatures: numbers that near-duplicates are likely to share."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.kernels import kernel
from winnow.udfs.minhash import SIGNATURES, signatures_of
from winnow.udfs.registry import column_function


@kernel(types.uint64(types.uint64), inlined=True)
def _fmix64(h: np.uint64) -> np.uint64:
    """The finalizer of MurmurHash3."""
    h = (h ^ h >> np.uint64(33)) * np.uint64(0xFF51AFD7ED558CCD)
    h = (h ^ h >> np.uint64(33)) * np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ h >> np.uint64(33)


@kernel(types.void(SIGNATURES, types.int64, types.Array(types.int64, 2, "C")))
def _hash_bands(signatures: NDArray[np.uint32], rows: int, hashes: NDArray[np.int64]) -> None:
    for document in range(hashes.shape[0]):
        for band in range(hashes.shape[1]):
            hashed = _fmix64(np.uint64(band + 1))
            for k in range(band * rows, (band + 1) * rows):
                hashed = _fmix64(hashed + np.uint64(signatures[document, k]))
            hashes[document, band] = np.int64(hashed)


@column_function(returns="ARRAY<BIGINT>", version=1)
def minhash_bands(
    text: pa.Array,
    bands: int = 14,
    rows: int = 8,
    unit: str = "word",
    size: int = 5,
    seed: int = 1,
) -> pa.Array:
    """Return one hash for each band of a text's MinHash signature.

    Two texts of Jaccard similarity s share at least one with probability 1 - (1 - s^rows)^bands:
    for 14 bands of 8 rows 0.92 at s = 0.8 and 0.05 at s = 0.5.

    Shape: STRING -> ARRAY<BIGINT> of `bands` hashes in the order of the bands; null gives null, a
        text without words an empty array. Shingles are `unit`s ('word' or 'char'), `size` of them,
        as `winnow.udfs.shingles` defines them.
    Units: a hash is of a band's number and its values, so equal hashes are of the same band; two
        different bands have the same hash with probability 2^-64, which verification finds.
    Errors: TypeError if the column is not STRING, ValueError for an option out of its range.
    Source: bands as in Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4; 14 x 8 with
        5-grams of words as in FineWeb (Penedo et al. 2024, arXiv:2406.17557, section 3.4). Texts
        share a band exactly if datasketch 2.0's `MinHashLSH(params=(bands, rows))` finds them.
    """
    if bands < 1 or rows < 1:
        raise ValueError(f"there is at least 1 band of 1 row, not {bands} of {rows}")
    signatures, has_shingles = signatures_of(text, bands * rows, unit, size, seed)
    hashes = np.empty((len(text), bands), np.int64)
    _hash_bands(signatures, rows, hashes)
    offsets = np.zeros(len(text) + 1, np.int32)
    np.cumsum(has_shingles * bands, out=offsets[1:])
    return pa.ListArray.from_arrays(
        pa.array(offsets), hashes[has_shingles].reshape(-1), mask=text.is_null()
    )
