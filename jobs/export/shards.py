"""One shard: rows in, a file out, and what is to be known of both. No Spark session."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from winnow.engine.warehouse import folder, replacing
from winnow.udfs.buffers import utf8

PARQUET = "parquet"
COMPRESSIONS = {"jsonl": None, "jsonl.gz": "gzip", "jsonl.zst": "zstd"}
FORMATS = (*COMPRESSIONS, PARQUET)
ID, LINE = "_id", "_line"  # columns of the rows: the document's id, and the row as JSON

# What a shard gives back: a row for each of its documents, then one without an id for its file.
PLACED = "file STRING, row BIGINT, id STRING, documents BIGINT, bytes BIGINT, digest STRING"
_PLACED = pa.schema(
    [
        ("file", pa.string()),
        ("row", pa.int64()),
        ("id", pa.string()),
        ("documents", pa.int64()),
        ("bytes", pa.int64()),
        ("digest", pa.string()),
    ]
)


@dataclass(frozen=True)
class Shards:
    """The files of an export, by number."""

    address: str  # of their folder
    stem: str
    count: int
    format: str

    def file(self, number: int) -> str:
        """Return a shard's name: `curated-00003-of-00016.jsonl.zst`."""
        return f"{self.stem}-{number:05}-of-{self.count:05}.{self.format}"


def write_shard(
    shards: Shards, columns: pa.Schema, number: int, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Write the rows of one shard in their order; return where each document is.

    A file is written for a shard without rows, too, so that all names are there. The same rows
    give the same bytes.

    Args:
        shards: all of them.
        columns: of a Parquet file.
        number: of this one.
        batches: with ID, and LINE or the columns of the file.

    Returns:
        Batches of PLACED; the digest is BLAKE2b-128 of the file's bytes.

    Raises:
        OSError: it cannot be written. The one that was there before is still there.
    """
    file, row = shards.file(number), 0
    with replacing(folder(shards.address), file) as stored:
        hashed = _Hashed(stored)
        with _writing(hashed, shards.format, columns) as write:
            for batch in batches:
                write(batch)
                yield _placed(batch.num_rows, file=file, id=batch[ID],
                              row=range(row, row + batch.num_rows))  # fmt: skip
                row += batch.num_rows
    yield _placed(1, file=file, documents=row, bytes=hashed.size, digest=hashed.digest())


def _placed(rows: int, **known: Any) -> pa.RecordBatch:
    arrays = []
    for field in _PLACED:
        value = known.get(field.name)
        if isinstance(value, range | pa.Array):
            arrays.append(pa.array(value, field.type))
        else:
            arrays.append(pa.array([value] * rows, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=_PLACED)


class _Hashed(io.RawIOBase):
    """A stream that is written through, counted and hashed."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream, self._hash, self.size = stream, blake2b(digest_size=16), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._stream.write(data)
        self._hash.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        return self.size

    def digest(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def _writing(
    stream: _Hashed, format: str, columns: pa.Schema
) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Open a stream for rows in the export's format."""
    if format == PARQUET:
        with pq.ParquetWriter(stream, columns, compression="zstd") as writer:
            yield lambda batch: writer.write_batch(batch.select(columns.names).cast(columns))
    elif (compression := COMPRESSIONS[format]) is None:
        yield lambda batch: _write_lines(stream, batch)
    else:
        with pa.CompressedOutputStream(stream, compression) as compressed:
            yield lambda batch: _write_lines(compressed, batch)


def _write_lines(stream: Any, batch: pa.RecordBatch) -> None:
    data, offsets = utf8(pc.binary_join_element_wise(batch[LINE], "", "\n"))
    stream.write(data[offsets[0] : offsets[-1]])
