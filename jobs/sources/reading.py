"""Pieces of files to Arrow batches: what one task does. No Spark."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from winnow.sources.files import open_file
from winnow.sources.formats import FORMATS
from winnow.sources.partitions import Piece
from winnow.sources.records import Record, batches, rejected


def read_pieces(
    pieces: Sequence[Piece], options: Mapping[str, Any], arrival: int, limit: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Return the documents of the pieces in their order, in batches of `records.SCHEMA`.

    A file that may not be read gives one reject, `no_permission`.

    Args:
        options: all options of `read_documents`.
        limit: stop after that many documents; rejects on the way there do not count.

    Raises:
        OSError: a file is gone or its disk or network failed. That is no property of the file:
            the task fails, and Spark tries it again.
    """
    records: Iterable[tuple[str, Record]]
    records = ((piece.file.name, record) for piece in pieces for record in _records(piece, options))
    if limit is not None:
        records = _first(records, limit)
    return batches(records, arrival, options["id_prefix"] or "")


def _first(records: Iterable[tuple[str, Record]], limit: int) -> Iterator[tuple[str, Record]]:
    left = limit
    for name, record in records:
        if left <= 0:
            return
        left -= record.reject_reason is None
        yield name, record


def _records(piece: Piece, options: Mapping[str, Any]) -> Iterator[Record]:
    file = piece.file
    try:
        opened = open_file(file)
    except PermissionError:
        yield rejected(0, "no_permission", b"")
        return
    with opened as stream:
        yield from FORMATS[file.format].read(stream, file, options, piece.start, piece.end)
