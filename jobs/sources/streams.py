"""The bytes of an input file: decompressed, hashed, never an exception for what they are.

Reading stops where a compressed file breaks off; `broken` then says why. The hash is that of the
bytes as they are stored, so that a run knows again a file that it has read.
"""

import bz2
import hashlib
import io
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor, IsalError

from winnow.sources.files import InputFile, open_raw
from winnow.sources.records import CORRUPT, LARGEST_RECORD, SNIPPET_BYTES, TOO_LONG, TRUNCATED

# Of stored bytes, in one call of a decompressor.
CHUNK = 64 << 10
# Of decompressed bytes, once a gzip file is known to be broken: so close to the break reading goes.
CAREFUL = 512

_BROKEN = (cast(type[Exception], IsalError), zlib.error, ZstdError, OSError, ValueError)


class InputStream(io.RawIOBase):
    """One file, or the range of a plain file that begins at `start`, as its decompressed bytes.

    `broken` is `truncated` or `corrupt` once a compressed file has ended before its end.
    """

    def __init__(self, file: InputFile, start: int = 0, end: int | None = None) -> None:
        """Open the file.

        Args:
            file: opened by the end of its name, as `.gz`, `.bz2`, `.zst` or plain.
            start: where the range begins that is hashed; what is read may lie outside of it.
            end: where it ends, None for the end of the file.

        Raises:
            OSError: it cannot be opened.
        """
        self.broken: str | None = None
        self._file = file
        self._stored = _Stored(open_raw(file), start, end)
        suffix = next((each for each in _DECOMPRESSORS if file.name.lower().endswith(each)), None)
        self._new = _DECOMPRESSORS[suffix] if suffix else None
        self._member: Any = self._new() if self._new else None
        self._begun = False  # whether the member has been given a byte
        self._rest = b""
        self._position = 0
        self._size = -1  # of a read, at most; -1 for no bound

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return whether any place can be read next; a compressed file is read in order."""
        return self._new is None

    def tell(self) -> int:
        """Return the position in the decompressed file."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place of a plain file; of a compressed one, only to where it stands.

        Raises:
            OSError: a compressed file cannot be read from there.
        """
        target = offset + (self._position if whence == io.SEEK_CUR else 0)
        if whence == io.SEEK_END:
            target = offset + self._file.size
        if target != self._position:
            if self._new is not None:
                raise io.UnsupportedOperation("a compressed file is read in order")
            self._stored.seek(target)
            self._position = target
        return target

    def read(self, size: int | None = -1) -> bytes:
        """Return at most `size` bytes, at least one before the end; -1 for all the rest.

        Raises:
            OSError: the disk or the network failed.
        """
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        if size == 0:
            return b""
        data = self._stored.read(size) if self._new is None else self._decompressed(size)
        self._position += len(data)
        return data

    def digest(self) -> str:
        """Read what is left of the range and return the hash of its stored bytes: BLAKE2b-128."""
        return self._stored.digest()

    @property
    def stored_bytes(self) -> int:
        """How many bytes the digest is of."""
        return self._stored.hashed_bytes

    def close(self) -> None:
        """Close the file."""
        self._stored.close()
        super().close()

    def _decompressed(self, size: int) -> bytes:
        size = size if self._size < 0 else min(size, self._size)
        while self.broken is None:
            if self._member.eof:
                self._rest = self._member.unused_data or self._rest
                if not self._next_member():
                    return b""
            data = self._rest
            self._rest = b""
            if not data and self._member.needs_input:
                data = self._stored.read(CHUNK)
                if not data:
                    self.broken = TRUNCATED if self._begun else None
                    return b""
            self._begun = True
            try:
                found: bytes = self._member.decompress(data, size)
            except _BROKEN:
                if self._new is not _fast_gunzip:
                    self.broken = CORRUPT
                    return b""
                self._read_carefully()
                size = min(size, CAREFUL)
                continue
            if found:
                return found
        return b""

    def _next_member(self) -> bool:
        """Begin the next member of the file, past the zeros that some writers pad with."""
        while not (rest := self._rest.lstrip(b"\0")):
            self._rest = self._stored.read(CHUNK)
            if not self._rest:
                return False
        assert self._new is not None  # a plain file has no members
        self._rest, self._member, self._begun = rest, self._new(), False
        return True

    def _read_carefully(self) -> None:
        """Go on with a decompressor that gives all bytes before the broken place.

        The fast one keeps back what it has decompressed in the call that fails, so the file is
        read again up to the present position.
        """
        self._stored.seek(0)
        self._new, self._size, self._rest = _CarefulGunzip, CAREFUL, b""
        self._member, self._begun = _CarefulGunzip(), False
        position = 0
        while position < self._position:
            skipped = self._decompressed(min(CAREFUL, self._position - position))
            if not skipped:
                return
            position += len(skipped)


def read_whole(stream: InputStream) -> tuple[bytes, str | None]:
    """Return all that a stream holds, and why it is not a whole file: TOO_LONG, or what broke it.

    Of one over LARGEST_RECORD bytes only the beginning is returned.
    """
    parts: list[bytes] = []
    held = 0
    while data := stream.read(1 << 20):
        held += len(data)
        if held > LARGEST_RECORD:
            return b"".join(parts)[:SNIPPET_BYTES], TOO_LONG
        parts.append(data)
    return b"".join(parts), stream.broken


class _Stored:
    """A file's bytes as they are stored; hashes those in [start, end) as they are first read."""

    def __init__(self, raw: BinaryIO, start: int, end: int | None) -> None:
        self._raw, self._end = raw, end
        self._hash = hashlib.blake2b(digest_size=16)
        self._start = self._hashed = start  # up to there
        self._position = 0

    def read(self, size: int) -> bytes:
        data = self._raw.read(size)
        after = self._position + len(data)
        last = after if self._end is None else min(after, self._end)
        if self._position <= self._hashed < last:
            offset = self._position
            self._hash.update(memoryview(data)[self._hashed - offset : last - offset])
            self._hashed = last
        self._position = after
        return data

    @property
    def hashed_bytes(self) -> int:
        return self._hashed - self._start

    def seek(self, position: int) -> None:
        self._raw.seek(position)
        self._position = position

    def digest(self) -> str:
        if self._position != self._hashed:
            self.seek(self._hashed)
        while (self._end is None or self._hashed < self._end) and self.read(1 << 20):
            pass
        return self._hash.hexdigest()

    def close(self) -> None:
        self._raw.close()


class _CarefulGunzip:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._zlib.eof

    @property
    def needs_input(self) -> bool:
        return not self._zlib.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._zlib.unused_data

    def decompress(self, data: bytes, size: int) -> bytes:
        return self._zlib.decompress(data or self._zlib.unconsumed_tail, size)


def _fast_gunzip() -> Any:
    return IgzipDecompressor(flag=DECOMP_GZIP)


_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    ".gz": _fast_gunzip,
    ".bz2": bz2.BZ2Decompressor,
    # It takes windows of 128 MB unless it is told; large dumps are written with 2 GB, by
    # `zstd --long=31`, and reading those takes as much memory.
    ".zst": lambda: ZstdDecompressor(options={DecompressionParameter.window_log_max: 31}),
}
