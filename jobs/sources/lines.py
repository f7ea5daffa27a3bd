"""Lines of a byte stream with their positions, for formats that hold one record a line."""

from collections.abc import Iterator
from typing import NamedTuple

from winnow.sources.records import SNIPPET_BYTES, TOO_LONG
from winnow.sources.streams import InputStream

CHUNK = 1 << 20


class Line(NamedTuple):
    r"""One line without its "\n".

    `fault` is None for a whole line, TOO_LONG for one of which only the beginning is held, and
    what broke the stream, `truncated` or `corrupt`, for the last one, which may be empty.
    """

    position: int
    content: bytes
    fault: str | None = None


def lines(
    stream: InputStream, start: int = 0, end: int | None = None, longest: int | None = None
) -> Iterator[Line]:
    r"""Yield the lines whose first byte stands in [start, end).

    So neighbouring ranges of a file share no line and lose none. A line ends at "\n" or with the
    stream. Memory is bound by `longest` and CHUNK; a range that lies inside of one line holds none
    of it.

    Args:
        stream: at the beginning of the file. It must be seekable if `start` is not 0.
        end: no line begins here or later; None for the end of the stream.
        longest: bytes of a line that are held at most.

    Raises:
        OSError: the disk or the network failed.
    """
    position = start
    parts: list[bytes] = []  # of the line that the chunks so far ended in
    held = length = 0  # of the parts; of that line so far
    skipping = start > 0  # the line that begins before the range belongs to the range before
    if skipping:
        position = start - 1
        stream.seek(position)
    while chunk := stream.read(CHUNK):
        begin = 0
        while (newline := chunk.find(b"\n", begin)) >= 0:
            length += newline - begin
            fault = TOO_LONG if longest is not None and length > longest else None
            if not skipping:
                if fault is None:
                    parts.append(chunk[begin:newline])
                elif not parts:
                    parts = [chunk[begin:newline][:SNIPPET_BYTES]]
                yield Line(position, b"".join(parts), fault)
            parts, held, skipping = [], 0, False
            position, length, begin = position + length + 1, 0, newline + 1
            if end is not None and position >= end:
                return
        length += len(chunk) - begin
        if skipping:
            if end is not None and position + length >= end:
                return
            continue
        if longest is not None and length > longest:
            if held > SNIPPET_BYTES or not parts:
                parts = [b"".join((*parts, chunk[begin:]))[:SNIPPET_BYTES]]
            held = len(parts[0])
        else:
            parts.append(chunk[begin:])
            held += len(chunk) - begin
    fault = TOO_LONG if longest is not None and length > longest else None
    if stream.broken or (length and not skipping):
        yield Line(position, b"".join(parts), stream.broken or fault)
