import gzip
from pathlib import Path

import pytest

from winnow.sources.documents import list_files, read_documents
from winnow.sources.partitions import Piece
from winnow.sources.reading import read_pieces
from winnow.udfs.registry import declaration_of


@pytest.fixture
def read():
    """Read what a call with these options reads, without Spark: rows as dictionaries."""
    declaration = declaration_of(read_documents)
    defaults = {option.name: option.default for option in declaration.options}

    def read(path, limit=None, **options):
        given = {"path": str(path), **options}
        pieces = [Piece(file) for file in list_files(given)]
        batches = read_pieces(pieces, {**defaults, **given}, arrival=1, limit=limit)
        rows = [row for batch in batches for row in batch.to_pylist()]
        return [{**row, "metadata": dict(row["metadata"])} for row in rows]

    return read


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
