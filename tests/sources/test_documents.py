"""Documents through Spark: the same rows as without it, whatever the tasks."""

import gzip
import json
import subprocess
import sys

import pytest
from pyspark.sql.functions import length

import winnow.sources.partitions as partitioning
from winnow.schemas.documents import DOCUMENT
from winnow.sources.accounts import ACCOUNT
from winnow.sources.documents import documents, list_files, read_documents, with_defaults
from winnow.sources.files import InputFile
from winnow.sources.reading import read_pieces
from winnow.udfs.registry import declaration_of


@pytest.fixture
def load(spark):
    def load(path, limit=None, **options):
        given = {"path": str(path), **options}
        return documents(spark, list_files(given), given, arrival=3, limit=limit).rows

    return load


def rows(frame):
    found = [row.asDict() for row in frame.orderBy("file", "position").collect()]
    return [{**row, "http_headers": row["http_headers"] or {}} for row in found]


def test_the_columns_are_those_of_a_document(load, write):
    frame = load(write(b'{"text": "x"}'))
    assert [(field.name, field.dataType.simpleString().upper()) for field in frame.schema] == [
        (name, kind.replace(", ", ",")) for name, kind in DOCUMENT.items()
    ]


def test_no_files_give_no_rows_with_the_same_columns(spark):
    frame = documents(spark, [], {"path": "x"}, arrival=1).rows
    assert (frame.columns, frame.count()) == (list(DOCUMENT), 0)


def test_rows_are_those_that_are_read_without_spark(load, read, write):
    write(b'{"text": "a", "id": "1", "n": [1]}', b"", b"{", name="in/a.jsonl")
    write(b'{"text": "b"}', b'{"text": 1}', name="in/deep/b.jsonl.gz")
    path = write("\ud83c{".encode("utf-8", "replace"), name="in/c.ndjson").parent
    expected = [{**row, "arrival": 3} for row in read(path)]
    assert len(expected) == 5
    assert rows(load(path)) == expected


def test_rows_do_not_depend_on_how_a_file_is_divided(load, read, write, monkeypatch):
    lines = [json.dumps({"text": "word " * (n % 50), "n": n}).encode() for n in range(3000)]
    lines[1500] = json.dumps({"text": "long " * 20_000}).encode()  # longer than a range
    path = write(*lines)
    expected = [{**row, "arrival": 3} for row in read(path)]
    pieces = partitioning.partitions
    monkeypatch.setattr(partitioning, "LARGEST", 30_000)
    files = list_files({"path": str(path)})
    assert len(pieces(files)) > 10
    plan = [piece for part in pieces(files) for piece in part]
    found = [
        {**row, "metadata": dict(row["metadata"]), "http_headers": {}}
        for piece in plan
        for batch in read_pieces([piece], with_defaults({}), arrival=3)
        for row in batch.to_pylist()
        if row["reject_reason"] != ACCOUNT
    ]
    assert found == expected
    assert rows(load(path)) == expected


def test_a_limit_gives_the_first_documents_by_file_and_position(load, write):
    write(*(b'{"text": "b%d"}' % n for n in range(20)), name="in/b.jsonl")
    path = write(*(b'{"text": "a%d"}' % n for n in range(3)), name="in/a.jsonl").parent
    assert [row["text"] for row in rows(load(path, limit=5))] == ["a0", "a1", "a2", "b0", "b1"]


def test_options_that_are_not_given_have_their_defaults_and_nulls_are_like_none(load, write):
    path = write(b'{"text": "x", "source": "own"}')
    assert [row["source"] for row in rows(load(path, constant_source=None))] == ["own"]
    assert [row["source"] for row in rows(load(path, constant_source="given"))] == ["given"]


def test_batches_are_not_cut_and_large_texts_pass(load, tmp_path):
    path = tmp_path / "large.jsonl"
    with path.open("wb") as file:
        for size in (9 << 20, 1, 20 << 20, 2):
            file.write(b'{"text": "%s"}\n' % (b"x" * size))
    frame = load(path).select(length("text").alias("length"), "text_bytes", "position")
    found = frame.orderBy("position").collect()
    assert [row["length"] for row in found] == [9 << 20, 1, 20 << 20, 2]
    assert [row["text_bytes"] for row in found] == [9 << 20, 1, 20 << 20, 2]


def test_a_hundred_thousand_files_can_be_planned(spark):
    files = [
        InputFile(f"/nowhere/{n:06}.jsonl", f"{n:06}.jsonl", 0, 0.0, "jsonl") for n in range(10**5)
    ]
    frame = documents(spark, files, {"path": "/nowhere"}, arrival=1).rows
    assert 10 < frame.rdd.getNumPartitions() < 100


def test_the_declaration_names_every_option_with_its_default():
    declaration = declaration_of(read_documents)
    assert declaration.kind == "source"
    assert {option.name: option.default for option in declaration.options} == {
        "path": None, "format": "auto", "glob": None, "text": "text", "id": "id", "url": "url",
        "source": "source", "licence": "licence", "created": "created", "constant_source": None,
        "constant_licence": None, "id_prefix": None, "changed_files": "stop", "max_rejects": 0.05,
    }  # fmt: skip
    assert [option.name for option in declaration.options if option.required] == ["path"]


def test_listing_files_loads_no_spark(write):
    path = str(write(b"{}"))
    program = (
        "import sys; from winnow.sources.documents import list_files; "
        f"list_files({{'path': {path!r}}}); sys.exit('pyspark' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
def test_a_line_of_200_megabytes_is_a_document(load, tmp_path):
    path = tmp_path / "long.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"text": "')
        for _ in range(200):
            file.write(b"x" * (1 << 20))
        file.write(b'"}\n{"text": "after"}\n')
    frame = load(path).select("text_bytes", "position")
    assert [row["text_bytes"] for row in frame.orderBy("position").collect()] == [200 << 20, 5]
