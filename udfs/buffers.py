"""What an Arrow column holds: bytes and numbers for numba kernels, texts for Python."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import types
from numpy.typing import NDArray

# Arrow hands out read-only memory; an eager signature that does not say so never matches.
BYTES = types.Array(types.uint8, 1, "C", readonly=True)
OFFSETS = types.Array(types.int64, 1, "C", readonly=True)

STRINGS = (pa.string(), pa.large_string(), pa.string_view())


def check_strings(column: pa.Array) -> None:
    """Make sure that a column is one of strings.

    Raises:
        TypeError: it is not.
    """
    if column.type not in STRINGS:
        raise TypeError(f"expected a STRING column, got {column.type}; cast it in the SELECT")


def utf8(text: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return data uint8[n_bytes] and offsets int64[n_rows + 1].

    Row i is data[offsets[i]:offsets[i + 1]]; what a null row holds means nothing. Only the offsets
    are copied, and a slice of a longer array stays a slice.

    Raises:
        TypeError: the column is not a string column.
    """
    check_strings(text)
    if not len(text):  # Arrow may leave out the offsets of an empty array
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    text = text.cast(pa.large_string())
    _, offsets, data = text.buffers()
    rows = slice(text.offset, text.offset + len(text) + 1)
    return np.frombuffer(data or b"", np.uint8), np.frombuffer(offsets, np.int64)[rows]


def head(text: pa.Array, limit: int | None) -> pa.Array:
    """Return the texts, those of more than `limit` bytes cut before what does not fit.

    A cut is made between two code points.

    Raises:
        TypeError: the column is not a string column.
        ValueError: `limit` is no number of bytes.
    """
    if limit is None or limit < 0:  # SQL may give either
        raise ValueError(f"limit: {limit} is no number of bytes")
    data, offsets = utf8(text)
    is_long = pc.and_(pa.array(np.diff(offsets) > limit), text.is_valid())
    rows = np.flatnonzero(is_long.to_numpy(zero_copy_only=False))
    if not rows.size:
        return text
    text = text.cast(pa.large_string())
    parts, after = [], 0
    for row in rows.tolist():
        start, end = offsets[row], offsets[row] + limit
        while end > start and data[end] & 0xC0 == 0x80:  # a UTF-8 continuation byte
            end -= 1
        cut = [pa.py_buffer(np.array([0, end - start])), pa.py_buffer(data[start:end])]
        parts += [text[after:row], pa.Array.from_buffers(pa.large_string(), 1, [None, *cut])]
        after = row + 1
    return pa.concat_arrays([*parts, text[after:]])


def contents(column: pa.Array) -> Iterator[pa.Buffer | None]:
    """Yield the bytes of each row of a STRING or BINARY column, None for null: views, no copies."""
    if column.type in STRINGS:
        column = column.cast(pa.large_string())
    column = column.cast(pa.large_binary())
    _, offsets, data = (each or pa.py_buffer(b"") for each in column.buffers())
    rows = slice(column.offset, column.offset + len(column) + 1)
    ends = np.frombuffer(offsets, np.int64)[rows].tolist()
    for row, is_valid in enumerate(column.is_valid().to_pylist()):
        yield data.slice(ends[row], ends[row + 1] - ends[row]) if is_valid else None


def texts(text: pa.Array) -> Iterator[str | None]:
    """Return the texts one by one, None for null; broken UTF-8 becomes U+FFFD.

    Raises:
        TypeError: the column is not a string column.
    """
    check_strings(text)
    return (None if row is None else str(row, "utf-8", "replace") for row in contents(text))


def list_rows(lists: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the values of an ARRAY<BIGINT> column, and offsets int64[n_rows + 1]; null is empty.

    Both are copies.
    """
    first = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(lists.value_lengths().fill_null(0), out=first[1:])
    return np.array(lists.flatten(), np.int64), first


def strings(data: NDArray[np.uint8], offsets: NDArray[np.int64], kind: pa.DataType) -> pa.Array:
    """Return the string column of a type whose row i is data[offsets[i]:offsets[i + 1]]."""
    rows = pa.LargeStringArray.from_buffers(
        len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(data[: offsets[-1]])
    )
    return rows.cast(kind)
