"""Whether a fastText file is whole, from the sizes that it names itself; no weight of it is read.

The library does not look: where a file ends within its dictionary it reads the last word for ever,
and where one ends within a matrix the rest of the matrix is whatever lies in memory.
"""

import struct
from mmap import ACCESS_READ, mmap
from pathlib import Path

_ARGUMENTS = 12 * 4 + 8  # src/args.cc
_CENTROIDS = 256  # of each dimension; src/productquantizer.h
_FLOAT, _CODE = 4, 1


def check_whole(path: str) -> None:
    """Make sure that a file has all that its header, dictionary and matrices announce.

    The format is that of fastText 0.9.2 (src/fasttext.cc, dictionary.cc, densematrix.cc,
    quantmatrix.cc, productquantizer.cc), the versions 11 and 12. It costs a walk over the words of
    the dictionary, half a second for two million.

    Args:
        path: of a file that begins as a fastText file does.

    Raises:
        ValueError: it ends before, or a size in it is negative; the message says where.
    """
    with Path(path).open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        reader = _Reader(content)
        reader.part = "its header"
        reader.skip(2 * 4 + _ARGUMENTS)
        reader.part = "its dictionary"
        size, _, _, _, pruned = reader.numbers("<iiiqq")
        for _ in range(reader.whole(size)):
            reader.skip_word()
        reader.skip(2 * 4 * max(pruned, 0))  # -1 where nothing was pruned
        reader.part = "its matrix of words"
        is_quantised = reader.flag()
        reader.skip_matrix(is_quantised)
        reader.part = "its matrix of labels"
        reader.skip_matrix(reader.flag() and is_quantised)


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

    def skip(self, size: int) -> None:
        self._at += self.whole(size)
        if self._at > len(self._content):
            raise ValueError(
                f"is no whole fastText file: it has {len(self._content):,} bytes and ends within "
                f"{self.part}; copy it again"
            )

    def skip_word(self) -> None:
        """Skip a word that ends with a zero byte, its count and its kind."""
        end = self._content.find(b"\0", self._at)
        self.skip((end if end >= 0 else len(self._content)) + 1 + 8 + 1 - self._at)

    def skip_matrix(self, is_quantised: bool) -> None:
        if not is_quantised:
            rows, columns = self.numbers("<qq")
            self.skip(_FLOAT * self.whole(rows) * self.whole(columns))
            return
        has_norms, rows, _, codes = self.numbers("<?qqi")
        self.skip(_CODE * codes)
        self._skip_quantiser()
        if has_norms:
            self.skip(_CODE * rows)
            self._skip_quantiser()

    def _skip_quantiser(self) -> None:
        dimensions, _, _, _ = self.numbers("<iiii")
        self.skip(_FLOAT * _CENTROIDS * self.whole(dimensions))
