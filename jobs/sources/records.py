"""Rows of documents as Arrow batches: what all readers return."""

import codecs
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pyarrow as pa

from winnow.schemas.documents import DOCUMENT, HEAVY_COLUMNS
from winnow.udfs.hashing import blake2b_128

BATCH_BYTES = (
    8 << 20
)  # of what is long in a batch; the record that crosses the line still belongs to it
BATCH_ROWS = 10_000
SNIPPET_BYTES = 500
LARGEST_RECORD = 256 << 20  # bytes; Spark holds a value of at most 2 GB, and several at a time

# Why records are rejected, and why the reading of a file ends before its end.
TRUNCATED, CORRUPT, TOO_LONG = "truncated", "corrupt", "too_long"

# Metadata: how many characters or bytes of the record had to be replaced by U+FFFD.
REPAIRED = "winnow_repaired"

REPLACEMENT = "\ufffd"
_SURROGATE = re.compile("[\ud800-\udfff]")

_ARROW = {
    "STRING": pa.string(),
    "BINARY": pa.binary(),
    "INT": pa.int32(),
    "BIGINT": pa.int64(),
    "MAP<STRING, STRING>": pa.map_(pa.string(), pa.string()),
}
SCHEMA = pa.schema([(name, _ARROW[kind]) for name, kind in DOCUMENT.items()])


@dataclass(frozen=True, slots=True)
class Record:
    """One document, or one record that could not be read (then `reject_reason` is set).

    `position` is the record's first byte in the decompressed file. `id` is the record's own, None
    where it has none. Strings hold no lone surrogates. The rest is as in `schemas.documents`.
    """

    position: int
    text: str | None = None
    content: bytes | None = None
    id: str | None = None
    source: str | None = None
    licence: str | None = None
    url: str | None = None
    created: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    http_status: int | None = None
    http_headers: dict[str, str] | None = None
    content_type: str | None = None
    truncated: str | None = None
    payload_digest: str | None = None
    reject_reason: str | None = None
    reject_snippet: str | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that is meant to be no document, e.g. an archive's request."""

    kind: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The end of what can be read of a file, before its end: nothing after `position` was."""

    position: int
    reason: str


def without_surrogates(text: str) -> str:
    """Return the text with U+FFFD for each lone surrogate, which UTF-8 cannot hold."""
    return _SURROGATE.sub("\ufffd", text)


def decode(content: bytes) -> tuple[str, int]:
    """Return UTF-8 as text, and how many pieces of it were none and became U+FFFD."""
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode(), 0
    except UnicodeDecodeError:
        text = content.decode("utf-8", "replace")
        return text, text.count(REPLACEMENT) - content.count(REPLACEMENT.encode())


def rejected(position: int, reason: str, content: bytes) -> Record:
    """Return the row of a record that could not be read; `content` is what the record began with.

    The snippet is ASCII: all other bytes are written as `\\xNN`.
    """
    snippet = content[:SNIPPET_BYTES].decode("ascii", "backslashreplace")
    return Record(position, reject_reason=reason, reject_snippet=snippet)


def derived_id(name: str, position: int) -> str:
    """Return the id of a record that has none: the hash of its file's name and its position."""
    return blake2b_128(f"{name}\0{position}".encode("utf-8", "surrogateescape"))


def batches(
    records: Iterable[tuple[str, Record]], arrival: int, id_prefix: str
) -> Iterator[pa.RecordBatch]:
    """Gather records, of one file or of several, into batches of about BATCH_BYTES.

    No more records than those of one batch are held at a time.

    Args:
        records: each with its file's name, the path below the literal part of the input address.
        arrival: number of the batch of documents in which they come.
        id_prefix: stands before every id, own or derived.
    """
    rows: list[tuple[object, ...]] = []
    held = 0
    for name, record in records:
        encoded = None if record.text is None else record.text.encode()
        body = record.content if encoded is None else encoded
        rows.append(
            (
                id_prefix + (record.id or derived_id(name, record.position)),
                encoded,
                record.content,
                record.source,
                record.licence,
                record.url,
                record.created,
                list(record.metadata.items()),
                without_surrogates(name),
                record.position,
                None if encoded is None else blake2b_128(encoded),
                None if encoded is None else len(encoded),
                record.http_status,
                None if record.http_headers is None else list(record.http_headers.items()),
                record.content_type,
                record.truncated,
                record.payload_digest,
                arrival,
                record.reject_reason,
                record.reject_snippet,
            )
        )
        held += 0 if body is None else len(body)
        held += sum(map(len, record.metadata.values()))
        if held >= BATCH_BYTES or len(rows) >= BATCH_ROWS:
            yield _batch(rows)
            rows, held = [], 0
    if rows:
        yield _batch(rows)


def _batch(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [
        _joined(cast(Sequence[bytes | None], values), field.type)
        if field.name in HEAVY_COLUMNS
        else pa.array(values, field.type)
        for values, field in zip(columns, SCHEMA, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _joined(values: Sequence[bytes | None], kind: pa.DataType) -> pa.Array:
    """Return bytes as an array, copied once: Arrow's builder moves what it has when it grows.

    Args:
        values: of less than 2 GB together; UTF-8 where `kind` is STRING.
        kind: STRING or BINARY.
    """
    ends = np.zeros(len(values) + 1, np.int32)
    np.cumsum([len(value or b"") for value in values], out=ends[1:])
    is_valid = pa.array([value is not None for value in values]).buffers()[1]
    joined = pa.py_buffer(b"".join(filter(None, values)))
    return pa.Array.from_buffers(kind, len(values), [is_valid, pa.py_buffer(ends), joined])
