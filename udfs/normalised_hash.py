"""The hash of a text without case, punctuation and the amount of white space."""

import unicodedata

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, texts
from winnow.udfs.decoding import decode, space_size
from winnow.udfs.hashing import blake2b_128
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function

_IS_PUNCTUATION = np.array(
    [unicodedata.category(chr(point)).startswith("P") for point in range(0x20000)]
)  # a test finds none above
_SPACE = ord(" ")


@kernel(types.int64(BYTES, types.Array(types.uint8, 1, "C")))
def _keep_words(data: NDArray[np.uint8], words: NDArray[np.uint8]) -> int:
    """Write the text without punctuation, one space between words; return its size."""
    at = size = 0
    space = False  # whether one is due before the next character
    while at < data.size:
        spaces = space_size(data, at, data.size)
        if spaces:
            space = size > 0
            at += spaces
            continue
        point, width = decode(data, at, data.size)
        if point >= _IS_PUNCTUATION.size or not _IS_PUNCTUATION[point]:
            if space:
                words[size] = _SPACE
                size += 1
                space = False
            for i in range(width):
                words[size + i] = data[at + i]
            size += width
        at += width
    return size


@column_function(returns="STRING", version=1)
def normalised_hash(text: pa.Array) -> pa.Array:
    """Return the hash of each text as its words alone: equal for copies that only look different.

    Shape: STRING -> STRING of 32 hex characters; null, and a text of punctuation and white space
        alone, give null: such texts are no copies of each other.
    Units: BLAKE2b-128, as `content_hash`, of the text in NFKC and case-folded, without the
        characters of the Unicode categories P*, its white space as `str.split` knows it each one
        space, and none at the ends. "Don't  stop!" is "dont stop". Unicode's tables are Python's:
        characters that are younger than those may hash differently under another Python.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: ours, after the normalisation of CCNet (Wenzek et al. 2019, arXiv:1911.00359, section
        3.1), which also makes all digits zeros: two tables of numbers are no copies here.
    """
    return pa.array([None if row is None else _hash(row) for row in texts(text)], pa.string())


def _hash(text: str) -> str | None:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    data = np.frombuffer(folded.encode(), np.uint8)
    words = np.empty(data.size, np.uint8)
    size = _keep_words(data, words)
    return blake2b_128(words[:size].data) if size else None
