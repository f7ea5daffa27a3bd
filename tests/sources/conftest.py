import gzip
from pathlib import Path

import pytest

from winnow.sources.accounts import ACCOUNT, accounts_by_file
from winnow.sources.documents import list_files, with_defaults
from winnow.sources.partitions import Piece, partitions
from winnow.sources.reading import read_pieces

MAPS = ("metadata", "http_headers")


@pytest.fixture
def read():
    """Read what a call with these options reads, without Spark: rows as dictionaries."""

    def read(path, limit=None, **options):
        given = {"path": str(path), **options}
        pieces = [Piece(file) for file in list_files(given)]
        batches = read_pieces(pieces, with_defaults(given), arrival=1, limit=limit)
        rows = [row for batch in batches for row in batch.to_pylist()]
        rows = [row for row in rows if row["reject_reason"] != ACCOUNT]
        return [{**row, **{name: dict(row[name] or ()) for name in MAPS}} for row in rows]

    return read


@pytest.fixture
def accounts():
    """Read what a call with these options reads, without Spark: the account of each file."""

    def accounts(path, **options):
        given = {"path": str(path), **options}
        pieces = [piece for part in partitions(list_files(given)) for piece in part]
        batches = read_pieces(pieces, with_defaults(given), arrival=1)
        rows = [row for batch in batches for row in batch.to_pylist()]
        found = [row for row in rows if row["reject_reason"] == ACCOUNT]
        return accounts_by_file(f"{row['reject_snippet']}\n{row['file']}" for row in found)

    return accounts


@pytest.fixture
def write(tmp_path):
    """Write lines of bytes to a file, compressed if its name says so; return its path."""

    def write(*lines: bytes, name: str = "input.jsonl") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = b"".join(line + b"\n" for line in lines)
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
        return path

    return write
