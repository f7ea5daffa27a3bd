"""Whether a fastText file is whole, from the sizes that it names itself; no weight of it is read.

The library does not look: where a file ends within its dictionary it reads the last word for ever,
where one ends within a matrix the rest of the matrix is whatever lies in memory, and where its
parts are of different sizes it reads beside them.
"""

import struct
from mmap import ACCESS_READ, mmap
from pathlib import Path

_ARGUMENTS = "<12id"  # src/args.cc
_SUPERVISED, _WITHOUT_SUBWORDS = 3, 11  # src/args.h, and a version of the file
_WORD, _LABEL = 0, 1  # src/dictionary.h
_CENTROIDS = 256  # of each dimension; src/productquantizer.h
_FLOAT, _CODE = 4, 1


def check_whole(path: str) -> None:
    """Make sure that a file has all that its header, dictionary and matrices announce of another.

    The format is that of fastText 0.9.2 (src/fasttext.cc, dictionary.cc, densematrix.cc,
    quantmatrix.cc, productquantizer.cc), the versions 11 and 12. It costs a walk over the words of
    the dictionary, half a second for two million.

    Args:
        path: of a file that begins as a fastText file does.

    Raises:
        ValueError: it ends before, or sizes in it are negative or do not fit; the message says
            where.
    """
    with Path(path).open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        reader = _Reader(content)
        reader.part = "its header"
        _, version = reader.numbers("<ii")
        dimensions, _, _, _, _, ngrams, _, model, buckets, _, longest, *_ = reader.numbers(
            _ARGUMENTS
        )
        has_subwords = longest != 0 and version > _WITHOUT_SUBWORDS
        reader.fits(buckets > 0 or not (ngrams > 1 or has_subwords))
        reader.part = "its dictionary"
        size, words, labels, _, pruned = reader.numbers("<iiiqq")
        reader.fits(reader.whole(size) == reader.whole(words) + reader.whole(labels))
        for number in range(size):
            kind = reader.word()
            reader.fits(kind == (_WORD if number < words else _LABEL))
        reader.skip(2 * 4 * max(pruned, 0))  # -1 where nothing was pruned
        reader.part = "its matrix of words"
        is_quantised = reader.flag()
        inputs = words + (pruned if pruned >= 0 else buckets)
        reader.fits(reader.matrix(is_quantised) == (inputs, dimensions))
        reader.part = "its matrix of labels"
        outputs = labels if model == _SUPERVISED else words
        reader.fits(reader.matrix(reader.flag() and is_quantised) == (outputs, dimensions))


class _Reader:
    """A place in a file that moves on; past the end it raises ValueError."""

    def __init__(self, content: mmap) -> None:
        self._content, self._at = content, 0
        self.part = ""  # what is read, for errors

    def numbers(self, form: str) -> tuple[int, ...]:
        start = self._at
        self.skip(struct.calcsize(form))
        return struct.unpack_from(form, self._content, start)

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
        self._at += self.whole(size)
        if self._at > len(self._content):
            raise ValueError(
                f"is no whole fastText file: it has {len(self._content):,} bytes and ends within "
                f"{self.part}; copy it again"
            )

    def word(self) -> int:
        """Skip a word that ends with a zero byte, and its count; return its kind."""
        end = self._content.find(b"\0", self._at)
        self.skip((end if end >= 0 else len(self._content)) + 1 + 8 + 1 - self._at)
        return self._content[self._at - 1]

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
