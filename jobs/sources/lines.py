"""Lines of a byte stream with their positions, for formats that hold one record a line."""

import lzma
import zlib
from collections.abc import Iterator
from typing import BinaryIO

CHUNK = 1 << 20


class BrokenStreamError(Exception):
    """The stream ends early or cannot be decompressed.

    `line` is what could be read of the line that it broke in, `position` where that line begins.
    `is_truncated` tells a stream that only ends early from one that holds something else.
    """

    def __init__(self, position: int, line: bytes, is_truncated: bool) -> None:
        super().__init__(position)
        self.position, self.line, self.is_truncated = position, line, is_truncated


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what the stream holds, in pieces of at most CHUNK.

    `read1` hands out what is decompressed before a broken place; `read` would lose it.
    """
    read = getattr(stream, "read1", stream.read)
    while chunk := read(CHUNK):
        yield chunk


def lines(stream: BinaryIO, start: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    r"""Yield (position, line) of the lines whose first byte stands in [start, end).

    So neighbouring ranges of a file share no line and lose none. A line ends at "\n", which is
    left out. Memory is bound by the longest line and CHUNK; a range that lies inside of one line
    holds none of it.

    Args:
        stream: at the beginning of the file. It must be seekable if `start` is not 0.
        end: no line begins here or later; None for the end of the stream.

    Raises:
        BrokenStreamError: after the lines before the broken place.
        OSError: the stream could not be read for a reason outside of its bytes.
    """
    position = start
    parts: list[bytes] = []  # of the line that the chunks so far ended in
    skipping = start > 0  # the line that begins before the range belongs to the range before
    if skipping:
        position = start - 1
        stream.seek(position)
    try:
        for chunk in chunks(stream):
            *whole, rest = chunk.split(b"\n")
            for piece in whole:
                line = b"".join((*parts, piece))
                parts = []
                if not skipping:
                    yield position, line
                skipping = False
                position += len(line) + 1
                if end is not None and position >= end:
                    return
            if not skipping:
                parts.append(rest)
            else:
                position += len(rest)
                if end is not None and position >= end:
                    return
    except (EOFError, zlib.error, lzma.LZMAError) as error:
        broken = BrokenStreamError(position, b"".join(parts), isinstance(error, EOFError))
        raise broken from error
    except OSError as error:
        if error.errno is not None:  # the disk or the network, not what the stream holds
            raise
        truncated = "truncated" in str(error).lower()  # as Arrow's zstd says it
        raise BrokenStreamError(position, b"".join(parts), truncated) from error
    if line := b"".join(parts):
        yield position, line
