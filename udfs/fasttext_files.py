"""Where the parts of a fastText file are, if it is whole; no weight of it is read.

The library does not look: where a file ends within its dictionary it reads the last word for ever,
where one ends within a matrix the rest of the matrix is whatever lies in memory, and where its
parts are of different sizes it reads beside them.
"""

import struct
from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES
from winnow.udfs.kernels import kernel

SUPERVISED, SOFTMAX = 3, 3  # models and losses: src/args.h
_VERSIONS, _WITHOUT_SUBWORDS = (11, 12), 11  # of the file
_WORD, _LABEL = 0, 1  # src/dictionary.h
_AFTER_WORD = 1 + 8 + 1  # a zero, how often it came, its kind
_CENTROIDS = 256  # of each dimension; src/productquantizer.h
_FLOAT, _CODE = 4, 1

_STARTS, _SIZES = types.Array(types.int64, 1, "C"), types.Array(types.int32, 1, "C")


class Parts(NamedTuple):
    """What a file says of itself, and where its parts are in it."""

    content: NDArray[np.uint8]  # the whole file, mapped
    dimensions: int
    ngrams: int  # words of the longest n-gram
    loss: int
    model: int
    buckets: int
    has_subwords: bool
    words: int  # in the dictionary, before its labels
    labels: int
    is_pruned: bool
    is_quantised: bool
    starts: NDArray[np.int64]  # of each word and label
    sizes: NDArray[np.int32]  # bytes of each
    inputs: int  # where the matrix of words begins
    outputs: int  # where that of labels does


def read_parts(path: str) -> Parts:
    """Make sure that a file has all that its header, dictionary and matrices announce of another.

    The format is that of fastText 0.9.2 (src/fasttext.cc, dictionary.cc, densematrix.cc,
    quantmatrix.cc, productquantizer.cc), the versions 11 and 12. It costs a walk over the words of
    the dictionary.

    Args:
        path: of a file that begins as a fastText file does.

    Raises:
        ValueError: it is of another version, it ends before, or sizes in it are negative or do not
            fit; the message says where.
    """
    content: NDArray[np.uint8] = np.memmap(path, np.uint8, "r")
    reader = _Reader(content)
    reader.part = "its header"
    _, version = reader.numbers("<ii")
    dimensions, _, _, _, _, ngrams, loss, model, buckets, _, longest, _ = reader.numbers("<12i")
    reader.skip(8)
    has_subwords = longest != 0 and version > _WITHOUT_SUBWORDS
    if version not in _VERSIONS:
        raise ValueError(f"is a fastText file of version {version}; 11 and 12 are known")
    reader.fits(buckets > 0 or not (ngrams > 1 or has_subwords))
    reader.part = "its dictionary"
    size, words, labels, _, pruned = reader.numbers("<iiiqq")
    reader.fits(reader.whole(size) == reader.whole(words) + reader.whole(labels))
    starts, sizes, kinds = reader.entries(size)
    reader.fits(bool((kinds == np.repeat([_WORD, _LABEL], [words, labels])).all()))
    reader.skip(2 * 4 * max(pruned, 0))  # -1 where nothing was pruned
    reader.part = "its matrix of words"
    is_quantised, inputs = reader.flag(), reader.at
    rows = words + (pruned if pruned >= 0 else buckets)
    reader.fits(reader.matrix(is_quantised) == (rows, dimensions))
    reader.part = "its matrix of labels"
    output_is_quantised, outputs = reader.flag() and is_quantised, reader.at
    rows = labels if model == SUPERVISED else words
    reader.fits(reader.matrix(output_is_quantised) == (rows, dimensions))
    return Parts(content, dimensions, ngrams, loss, model, buckets, has_subwords, words, labels,
                 pruned >= 0, is_quantised, starts, sizes, inputs, outputs)  # fmt: skip


class _Reader:
    """A place in a file, `at`, that moves on; past the end it raises ValueError."""

    def __init__(self, content: NDArray[np.uint8]) -> None:
        self._content, self.at = content, 0
        self.part = ""  # what is read, for errors

    def numbers(self, form: str) -> tuple[int, ...]:
        start = self.at
        self.skip(struct.calcsize(form))
        return struct.unpack(form, self._content[start : self.at].tobytes())

    def flag(self) -> bool:
        return bool(self.numbers("<?")[0])

    def whole(self, size: int) -> int:
        """Return a size that was read, if it can be one."""
        if size < 0:
            raise ValueError(f"is a damaged fastText file: {self.part} has the size {size}")
        return size

    def fits(self, condition: bool) -> None:
        if not condition:
            raise ValueError(f"is a damaged fastText file: {self.part} does not fit the rest")

    def skip(self, size: int) -> None:
        self.at += self.whole(size)
        if self.at > self._content.size:
            raise ValueError(
                f"is no whole fastText file: it has {self._content.size:,} bytes and ends within "
                f"{self.part}; copy it again"
            )

    def entries(self, size: int) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint8]]:
        """Skip the words of a dictionary; return where each begins, its bytes and its kind."""
        if size > self._content.size:  # before memory is asked for
            self.skip(size * _AFTER_WORD)
        starts, sizes = np.empty(size, np.int64), np.empty(size, np.int32)
        self.skip(int(_write_words(self._content, self.at, starts, sizes)) - self.at)
        return starts, sizes, self._content[starts + sizes + _AFTER_WORD - 1]

    def matrix(self, is_quantised: bool) -> tuple[int, int]:
        """Skip a matrix; return its rows and columns."""
        if not is_quantised:
            rows, columns = self.numbers("<qq")
            self.skip(_FLOAT * self.whole(rows) * self.whole(columns))
            return rows, columns
        has_norms, rows, columns, codes = self.numbers("<?qqi")
        self.skip(_CODE * codes)
        self._skip_quantiser()
        if has_norms:
            self.skip(_CODE * rows)
            self._skip_quantiser()
        return rows, columns

    def _skip_quantiser(self) -> None:
        dimensions, _, _, _ = self.numbers("<iiii")
        self.skip(_FLOAT * _CENTROIDS * self.whole(dimensions))


@kernel(types.int64(BYTES, types.int64, _STARTS, _SIZES))
def _write_words(
    content: NDArray[np.uint8], at: int, starts: NDArray[np.int64], sizes: NDArray[np.int32]
) -> int:
    """Write where a dictionary's words are; return where it ends, past the file if that ends."""
    for word in range(starts.size):
        starts[word] = at
        while at < content.size and content[at] != 0:
            at += 1
        sizes[word] = at - starts[word]
        at += _AFTER_WORD
        if at > content.size:
            break
    return at
