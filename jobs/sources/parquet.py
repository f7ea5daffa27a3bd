"""Parquet: one row, one document, by Arrow's reader.

Not by Spark's own: that one ends the run at a broken file, or leaves it out without a word.
"""

import io
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from winnow.sources.fields import Fields
from winnow.sources.files import InputFile
from winnow.sources.records import CORRUPT, Broken, Record, decode
from winnow.sources.streams import InputStream

SUFFIXES = (".parquet",)

REPEATED_COLUMN = "repeated_column"  # of two columns of one name only one could be kept
_ROWS = 512  # decoded at a time
_PAGE_BUFFER = 1 << 20  # bytes of a column that are read at a time


def read(
    stream: InputStream, file: InputFile, options: Mapping[str, Any], start: int, end: int | None
) -> Iterator[Record | Broken]:
    """Yield the rows of the row groups that begin in [start, end); a position counts rows.

    Rejects are those of `Fields.document`. A file whose footer or pages cannot be read is broken,
    at the first row that is lost; one with two columns of one name is not read. Strings that are no
    UTF-8 are mended with U+FFFD and counted; what else Python cannot hold is as `_mended` says.

    Args:
        options: of `read_documents`.
    """
    position, fields = 0, Fields.of(options)
    try:
        table = pq.ParquetFile(_Held(stream, file, start, end), buffer_size=_PAGE_BUFFER)
        names = table.schema_arrow.names
        if len(set(names)) < len(names):
            if start == 0:
                yield Broken(0, REPEATED_COLUMN)
            return
        for group in range(table.num_row_groups):
            metadata = table.metadata.row_group(group)
            # The first and the last range take also what claims to lie outside of the file, so
            # that a broken footer leaves no row group out without a word.
            offset = _offset(metadata)
            if (start > 0 and offset < start) or (end is not None and offset >= end):
                position += metadata.num_rows
                continue
            for batch in table.iter_batches(_ROWS, row_groups=[group]):
                for values, repaired in _rows(batch):
                    yield fields.document(values, position, repaired)
                    position += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:  # the last: of a column name
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if position or start == 0:
            yield Broken(position, CORRUPT)


def _offset(group: Any) -> int:
    """Return where a row group begins: the first page of its first column."""
    if group.num_columns == 0:
        raise pa.ArrowInvalid("rows without columns")
    column = group.column(0)
    return int(column.dictionary_page_offset or column.data_page_offset)


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the rows as Python values, and how much of each had to be mended."""
    try:
        rows = [(row, 0) for row in batch.to_pylist()]
    except (ValueError, ArithmeticError, LookupError):
        rows = [_mended(batch, row) for row in range(batch.num_rows)]
    for row, repaired in rows:
        yield (
            {
                name: value.isoformat() if isinstance(value, date) else value
                for name, value in row.items()
            },
            repaired,
        )


def _mended(batch: pa.RecordBatch, row: int) -> tuple[dict[str, Any], int]:
    """Return a row with values that Python cannot hold, and the replacements in its strings.

    A time beyond the year 9999, or in a zone that is not known here, is the number that is stored.
    """
    repaired = 0

    def mend(value: Any) -> Any:
        nonlocal repaired
        if not value.is_valid:
            return None
        if isinstance(value, pa.StructScalar):
            return {name: mend(each) for name, each in value.items()}
        if isinstance(value, pa.ListScalar | pa.ListViewScalar | pa.LargeListViewScalar):
            return [mend(each) for each in value.values]  # of a map, its pairs
        if isinstance(value, pa.DictionaryScalar):
            return mend(value.value)
        try:
            return value.as_py()
        except UnicodeDecodeError:
            text, count = decode(value.as_buffer().to_pybytes())
            repaired += count
            return text
        except (ValueError, ArithmeticError, LookupError):
            return value.value

    columns = zip(batch.schema.names, batch.columns, strict=True)
    return {name: mend(column[row]) for name, column in columns}, repaired


class _Held(io.RawIOBase):
    """A plain file whose range [start, end) is held in memory, at most `partitions.LARGEST`.

    Parquet is read from its end and in leaps; so each byte is still fetched, and hashed, once.
    """

    def __init__(self, stream: InputStream, file: InputFile, start: int, end: int | None) -> None:
        self._stream, self._start, self._size = stream, start, file.size
        stream.seek(start)
        left = (file.size if end is None else end) - start
        self._held = b"".join(iter(lambda: stream.read(start + left - stream.tell()), b""))
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            size = self._size - self._position
        offset = self._position - self._start
        if offset >= 0 and offset + size <= len(self._held):
            data = self._held[offset : offset + size]
        else:
            self._stream.seek(self._position)
            data = b""
            while len(data) < size and (more := self._stream.read(size - len(data))):
                data += more
        self._position += len(data)
        return data
