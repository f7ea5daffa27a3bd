"""One shard's file and what is told of it; no Spark."""

import gzip
import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from winnow.export.shards import FORMATS, Shards, write_shard

TEXTS = ["plain", "größer 語 🌳", "a line\u2028of two", "\x00\x1b[31m", 'say "so"\n\tand so']
COLUMNS = pa.schema([("id", pa.string()), ("text", pa.string())])
OPENED = {
    "jsonl": lambda content: content,
    "jsonl.gz": gzip.decompress,
    "jsonl.zst": zstd.decompress,
}


def batch(texts: list[str]) -> pa.RecordBatch:
    ids = [f"d{i}" for i in range(len(texts))]
    rows = [{"id": id, "text": text} for id, text in zip(ids, texts, strict=True)]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    columns = {"_id": ids, "_line": lines, "id": ids, "text": texts}
    return pa.record_batch({name: pa.array(held, pa.string()) for name, held in columns.items()})


def written(folder, format, batches, number=1):
    shards = Shards(str(folder), "curated", 3, format)
    found = [
        row for part in write_shard(shards, COLUMNS, number, batches) for row in part.to_pylist()
    ]
    return folder / shards.file(number), found[:-1], found[-1]


@pytest.mark.parametrize("format", OPENED)
def test_a_file_of_json_lines_has_a_line_for_each_row(tmp_path, format):
    file, placed, whole = written(tmp_path, format, [batch(TEXTS), batch([]), batch(["last"])])
    assert file.name == f"curated-00001-of-00003.{format}"
    lines = OPENED[format](file.read_bytes()).decode().removesuffix("\n").split("\n")
    assert [json.loads(line)["text"] for line in lines] == [*TEXTS, "last"]
    assert [(row["row"], row["id"]) for row in placed][-2:] == [(4, "d4"), (5, "d0")]
    assert whole["documents"] == 6


def test_a_parquet_file_has_the_columns_and_no_others(tmp_path):
    file, placed, _ = written(tmp_path, "parquet", [batch(TEXTS[:2]), batch(TEXTS[2:])])
    read = pq.read_table(file)
    assert read.schema.names == ["id", "text"]
    assert read["text"].to_pylist() == TEXTS
    assert [row["row"] for row in placed] == list(range(len(TEXTS)))


@pytest.mark.parametrize("format", FORMATS)
def test_size_and_digest_are_the_files_and_the_same_each_time(tmp_path, format):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    file, _, whole = written(tmp_path / "one", format, [batch(TEXTS)])
    content = file.read_bytes()
    assert whole["bytes"] == len(content)
    assert whole["digest"] == hashlib.blake2b(content, digest_size=16).hexdigest()
    assert written(tmp_path / "other", format, [batch(TEXTS)])[2] == whole


@pytest.mark.parametrize("format", FORMATS)
def test_a_shard_without_rows_is_a_file_without_rows(tmp_path, format):
    file, placed, whole = written(tmp_path, format, [])
    assert (placed, whole["documents"]) == ([], 0)
    rows = (
        pq.read_table(file).num_rows if format == "parquet" else OPENED[format](file.read_bytes())
    )
    assert not rows


@pytest.mark.parametrize("format", FORMATS)
def test_a_shard_that_breaks_off_leaves_the_file_that_was_there(tmp_path, format):
    file, _, _ = written(tmp_path, format, [batch(TEXTS)])
    before = file.read_bytes()

    def breaking():
        yield batch(["another"])
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        written(tmp_path, format, breaking())
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]
