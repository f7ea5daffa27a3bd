"""Pieces of files to Arrow batches: what one task does. No Spark."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from winnow.sources.accounts import ACCOUNT, Account, joined_digest
from winnow.sources.files import InputFile
from winnow.sources.formats import FORMATS
from winnow.sources.partitions import Piece
from winnow.sources.partitions import pieces as divided
from winnow.sources.records import REPAIRED, Broken, Record, Skipped, batches
from winnow.sources.streams import InputStream

NO_PERMISSION = "no_permission"


def read_pieces(
    pieces: Sequence[Piece], options: Mapping[str, Any], arrival: int, limit: int | None = None
) -> Iterator[pa.RecordBatch]:
    """Return the documents of the pieces in their order, in batches of `records.SCHEMA`.

    After the rows of a piece comes its account (see `accounts`): of a file that may not be read it
    is all there is.

    Args:
        options: all options of `read_documents`.
        limit: stop after that many documents; rejects on the way there do not count.

    Raises:
        OSError: a file is gone or its disk or network failed. That is no property of the file:
            the task fails, and Spark tries it again.
    """
    records: Iterable[tuple[str, Record]] = (
        (piece.file.name, record) for piece in pieces for record in _rows(piece, options)
    )
    if limit is not None:
        records = _first(records, limit)
    return batches(records, arrival, options["id_prefix"] or "")


def digest_of(file: InputFile) -> str:
    """Return the digest that reading a file gives, without looking for its records.

    Raises:
        OSError: it cannot be read.
    """
    digests = []
    for piece in divided(file):
        with InputStream(file, piece.start, piece.end) as stream:
            digests.append(stream.digest())
    return joined_digest(digests)


def _first(records: Iterable[tuple[str, Record]], limit: int) -> Iterator[tuple[str, Record]]:
    left = limit
    for name, record in records:
        if left <= 0 and record.reject_reason != ACCOUNT:
            return
        left -= record.reject_reason is None
        yield name, record


def _rows(piece: Piece, options: Mapping[str, Any]) -> Iterator[Record]:
    """Yield the documents and rejects of a piece, then its account."""
    documents = rejects = repaired = 0
    skipped: Counter[str] = Counter()
    error, position, digest, size = "", None, "", 0
    began, away = time.monotonic(), 0.0  # away: in whoever takes the rows
    try:
        stream = InputStream(piece.file, piece.start, piece.end)
    except PermissionError:
        error, position = NO_PERMISSION, piece.start
    else:
        with stream:
            for record in FORMATS[piece.file.format].read(
                stream, piece.file, options, piece.start, piece.end
            ):
                if isinstance(record, Broken):
                    error, position = record.reason, record.position
                    continue
                if isinstance(record, Skipped):
                    skipped[record.kind] += 1
                    continue
                rejects += record.reject_reason is not None
                documents += record.reject_reason is None
                repaired += REPAIRED in record.metadata
                left = time.monotonic()
                yield record
                away += time.monotonic() - left
            if not error and stream.broken is not None:
                error, position = stream.broken, stream.tell()
            digest, size = stream.digest(), stream.stored_bytes
    yield Account(
        start=piece.start,
        size=size,
        digest=digest,
        records=documents + rejects + skipped.total(),
        documents=documents,
        rejects=rejects,
        repaired=repaired,
        skipped=dict(sorted(skipped.items())),
        error=error,
        position=position,
        seconds=round(time.monotonic() - began - away, 6),
    ).row()
