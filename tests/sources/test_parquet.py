import gzip
import io
import json
import random
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from winnow.errors import CommandError
from winnow.sources import streams
from winnow.sources.documents import list_files
from winnow.sources.fields import Fields
from winnow.sources.partitions import pieces
from winnow.sources.records import REPAIRED


@pytest.fixture
def table(tmp_path):
    """Write columns to a Parquet file; return its path."""

    def table(columns, name="file.parquet", **options):
        pq.write_table(pa.table(columns), tmp_path / name, **options)
        return tmp_path / name

    return table


def not_utf8(kind=None):
    """Two strings; the first is no UTF-8, which Arrow does not look at here."""
    kind = kind or pa.string()
    offsets = pa.array([0, 2, 4], pa.int64() if kind == pa.large_string() else pa.int32())
    content = pa.py_buffer(b"a\xffok")
    return pa.Array.from_buffers(kind, 2, [None, offsets.buffers()[1], content])


class TestRows:
    def test_rows_are_those_of_the_same_records_as_json_lines(self, read, write, table):
        records = [
            {"id": f"a{number}", "text": f"Grüße {number}", "source": "wiki", "licence": "CC0-1.0",
             "url": "https://x.org", "created": "2024-01-01", "score": number / 8, "n": number,
             "ok": number % 2 == 0, "title": "Ü", "tags": ["a", None], "nested": {"b": {"c": 1}}}
            for number in range(1200)
        ]  # fmt: skip
        lines = read(write(*(json.dumps(record).encode() for record in records)))
        columns = {name: [record[name] for record in records] for name in records[0]}
        rows = read(table(columns))
        assert len(rows) == len(lines) == 1200
        for place, (row, line) in enumerate(zip(rows, lines, strict=True)):
            assert row == {**line, "file": "file.parquet", "position": place}

    def test_two_columns_of_one_name_are_not_taken_for_one(self, read, accounts, tmp_path):
        columns = pa.array(["a"]), pa.array(["b"])
        path = tmp_path / "file.parquet"
        pq.write_table(pa.Table.from_arrays(columns, ["text", "text"]), path)
        assert read(path) == []
        [account] = accounts(path).values()
        assert (account.state, account.error) == ("unreadable", "repeated_column")

    def test_positions_count_rows_across_row_groups(self, read, table):
        path = table({"text": [f"text {n}" for n in range(1030)]}, row_group_size=515)
        assert [row["position"] for row in read(path)] == list(range(1030))

    def test_an_empty_table_has_no_rows_and_is_read(self, read, accounts, table):
        path = table({"text": pa.array([], pa.string())})
        assert read(path) == []
        [account] = accounts(path).values()
        assert (account.state, account.records) == ("read", 0)

    def test_a_limit_ends_in_the_middle_of_a_row_group(self, read, table):
        path = table({"text": ["a", None, "b", "c"]})
        assert [row["text"] for row in read(path, limit=2)] == ["a", None, "b"]

    @pytest.mark.parametrize(
        ("column", "reason"),
        [
            (pa.array([None], pa.string()), "no_text"),
            (pa.array([""]), "no_text"),
            (pa.nulls(1), "no_text"),
            (pa.array([1]), "text_not_a_string"),
            (pa.array([b"text"]), "text_not_a_string"),
            (pa.array([["text"]]), "text_not_a_string"),
        ],
    )
    def test_what_is_no_document_is_a_reject_with_its_values(self, read, table, column, reason):
        [row] = read(table({"text": column, "title": ["Ü"]}))
        assert (row["reject_reason"], row["text"], row["position"]) == (reason, None, 0)
        assert row["reject_snippet"].endswith(r',"title":"\xc3\x9c"}')

    def test_a_table_without_the_text_column_is_all_rejects(self, read, accounts, table):
        path = table({"body": ["a", "b"]})
        assert [row["reject_reason"] for row in read(path)] == ["no_text", "no_text"]
        assert [row["text"] for row in read(path, text="body")] == ["a", "b"]
        assert accounts(path)["file.parquet"].rejects == 2

    def test_large_strings_views_and_dictionaries_are_strings(self, read, table):
        for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
            rows = read(table({"text": pa.array(["a", "a", "b"], kind)}))
            assert [row["text"] for row in rows] == ["a", "a", "b"]


class TestValues:
    @pytest.mark.parametrize(
        ("column", "expected"),
        [
            (pa.array([datetime(2024, 1, 2, 3, 4, 5)]), '"2024-01-02T03:04:05"'),
            (pa.array([datetime(2024, 1, 2, tzinfo=UTC)]), '"2024-01-02T00:00:00+00:00"'),
            (pa.array([1], pa.timestamp("ns")), '"1970-01-01T00:00:00.000000001"'),
            (pa.array([date(2024, 1, 2)]), '"2024-01-02"'),
            (pa.array([time(1, 2, 3)]), '"01:02:03"'),
            (pa.array([10**18], pa.timestamp("us")), "1000000000000000000"),
            (pa.array([10**9], pa.date32()), "1000000000"),
            (pa.array([7], pa.timestamp("us", "No/Where")), "7"),
            (pa.array([Decimal("1.50")]), '"1.50"'),
            (pa.array([b"\xff\0"]), json.dumps(str(b"\xff\0"))),
            (pa.array([2**64 - 1], pa.uint64()), "18446744073709551615"),
            (pa.array([float("nan")]), "null"),
            (pa.array([float("inf")]), "null"),
            (pa.nulls(1), "null"),
            (pa.array([{"a": [1, None], "b": {"c": "Ü"}}]), '{"a":[1,null],"b":{"c":"Ü"}}'),
            (pa.array([[Decimal("1.50")]]), '["1.50"]'),
            (pa.array([[datetime(2024, 1, 2)]]), '["2024-01-02T00:00:00"]'),
            (pa.array([[(1, "x")]], pa.map_(pa.int64(), pa.string())), '[[1,"x"]]'),
        ],
    )
    def test_a_value_is_json_text_in_the_metadata(self, read, table, column, expected):
        [row] = read(table({"text": ["x"], "value": column}))
        assert row["metadata"] == {"value": expected}

    def test_a_time_is_text_as_the_time_of_a_document(self, read, table):
        [row] = read(table({"text": ["x"], "created": [datetime(2024, 1, 2, 3)]}))
        assert (row["created"], row["metadata"]) == ("2024-01-02T03:00:00", {})

    def test_an_id_can_be_a_uuid(self, read, table):
        ids = pa.array([UUID(int=5).bytes], pa.uuid())
        [row] = read(table({"text": ["x"], "id": ids}))
        assert (row["id"], row["metadata"]) == (str(UUID(int=5)), {})

    @pytest.mark.parametrize("value", [7, -1, 2**63 - 1])
    def test_an_id_can_be_an_integer(self, read, table, value):
        [row] = read(table({"text": ["x"], "id": [value]}))
        assert row["id"] == str(value)

    def test_values_inside_each_other_by_the_dozen_are_read(self, read, table):
        kind, value = pa.int32(), 1
        for _ in range(40):
            kind, value = pa.list_(kind), [value]
        [row] = read(table({"text": ["x"], "deep": pa.array([value], kind)}))
        assert row["metadata"] == {"deep": "[" * 40 + "1" + "]" * 40}

    def test_values_inside_each_other_by_the_thousand_are_a_reject(self):
        value = []  # Arrow itself reads no more than some fifty
        for _ in range(100_000):
            value = [value]
        options = {name: name for name in ("text", "id", "source", "licence", "url", "created")}
        options |= {"constant_source": None, "constant_licence": None}
        row = Fields.of(options).document({"text": "x", "deep": value}, 7, 0, b"raw")
        assert (row.reject_reason, row.reject_snippet, row.position) == ("too_deep", "raw", 7)


class TestBrokenText:
    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
    def test_text_that_is_no_utf8_is_mended_and_counted(self, read, table, kind):
        first, second = read(table({"text": not_utf8(kind)}))
        assert (first["text"], first["metadata"]) == ("a\ufffd", {REPAIRED: "1"})
        assert (second["text"], second["metadata"]) == ("ok", {})

    def test_a_replacement_character_that_was_there_is_not_counted(self, read, table):
        first, second = read(table({"text": ["\ufffd", "x"], "title": not_utf8()}))
        assert (first["text"], first["metadata"]) == (
            "\ufffd",
            {"title": '"a\ufffd"', REPAIRED: "1"},
        )
        assert second["metadata"] == {"title": '"ok"'}

    @pytest.mark.parametrize(
        ("column", "expected"),
        [
            (pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), not_utf8()), '["a\ufffd"]'),
            (pa.StructArray.from_arrays([not_utf8()], ["s"]), '{"s":"a\ufffd"}'),
            (pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int32()), not_utf8()), '"a\ufffd"'),
        ],
    )
    def test_so_is_text_inside_of_other_values(self, read, table, column, expected):
        first, second = read(table({"text": ["x", "y"], "value": column, "n": [None, 2]}))
        assert first["metadata"] == {"value": expected, "n": "null", REPAIRED: "1"}
        assert second["metadata"]["n"] == "2"
        assert "ok" in second["metadata"]["value"]


class TestPieces:
    ROWS = 1000

    @pytest.fixture
    def path(self, table):
        texts = [f"{number} " + "x" * (number % 97) for number in range(self.ROWS)]
        return table({"text": texts}, row_group_size=90, compression="none")

    @pytest.mark.parametrize("largest", [100, 1000, 4097, 20_000, 10**9])
    def test_pieces_share_no_row_and_lose_none(self, accounts, path, monkeypatch, largest):
        monkeypatch.setattr("winnow.sources.partitions.LARGEST", largest)
        [account] = accounts(path).values()
        assert (account.records, account.documents, account.state) == (self.ROWS, self.ROWS, "read")

    @pytest.mark.parametrize("largest", [1000, 4097])
    def test_they_give_the_rows_of_the_whole_file(self, path, monkeypatch, largest, pieces_of):
        whole = pieces_of(path)
        monkeypatch.setattr("winnow.sources.partitions.LARGEST", largest)
        assert pieces_of(path) == whole
        assert [position for position, _ in whole] == list(range(self.ROWS))

    @pytest.mark.parametrize("largest", [1000, 10**9])
    def test_a_broken_file_is_unreadable_in_however_many_pieces(
        self, accounts, path, monkeypatch, largest
    ):
        path.write_bytes(path.read_bytes()[:-1])
        monkeypatch.setattr("winnow.sources.partitions.LARGEST", largest)
        [account] = accounts(path).values()
        assert (account.state, account.error, account.position) == ("unreadable", "corrupt", 0)


@pytest.fixture
def pieces_of():
    """Read a file piece by piece: position and text of all rows, in order."""
    from winnow.sources.documents import with_defaults
    from winnow.sources.reading import read_pieces

    def pieces_of(path):
        given = {"path": str(path)}
        [file] = list_files(given)
        rows = [
            row
            for piece in pieces(file)
            for batch in read_pieces([piece], with_defaults(given), arrival=1)
            for row in batch.to_pylist()
        ]
        return [(row["position"], row["text"]) for row in rows if row["text"] is not None]

    return pieces_of


class TestBroken:
    @pytest.mark.parametrize("content", [b"", b"PAR1", b'{"text": "x"}\n', bytes(100), b"PAR1" * 9])
    def test_a_file_that_is_no_parquet_is_unreadable(self, read, accounts, tmp_path, content):
        path = tmp_path / "file.parquet"
        path.write_bytes(content)
        assert read(path) == []
        [account] = accounts(path).values()
        assert (account.state, account.error, account.position) == ("unreadable", "corrupt", 0)

    @pytest.mark.parametrize("left", [1, 100, -100, -9, -8, -1])
    def test_so_is_one_that_was_cut(self, read, accounts, table, left):
        path = table({"text": [f"text {number}" for number in range(100)]})
        path.write_bytes(path.read_bytes()[:left])
        assert read(path) == []
        assert accounts(path)["file.parquet"].state == "unreadable"

    def test_one_that_was_compressed_as_a_whole_is_refused_before_anything_starts(
        self, read, table
    ):
        path = table({"text": [f"text {number}" for number in range(100)]})
        packed = path.with_name("packed.parquet.gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        with pytest.raises(CommandError, match=r"'packed\.parquet\.gz' cannot be read: Parquet is"):
            read(packed)

    def test_damage_in_a_row_group_ends_the_file_at_the_first_row_that_is_lost(
        self, read, accounts, table
    ):
        texts = [f"text {number}" for number in range(90)]
        path = table({"text": texts}, row_group_size=30, compression="zstd", use_dictionary=False)
        start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
        stored = bytearray(path.read_bytes())
        stored[start : start + 40] = b"\xff" * 40
        path.write_bytes(stored)
        assert [row["text"] for row in read(path)] == texts[:30]
        [account] = accounts(path).values()
        assert (account.state, account.error, account.position) == ("partial", "corrupt", 30)

    def test_a_name_of_a_column_that_is_no_text_is_damage(self, read, accounts, table):
        path = table({"text": ["x"], "colour": ["y"]}, store_schema=False)
        path.write_bytes(path.read_bytes().replace(b"colour", b"c\xfflour"))
        assert read(path) == []
        assert accounts(path)["file.parquet"].error == "corrupt"

    def test_wrong_bytes_anywhere_end_no_run(self, read, accounts, table):
        chance = random.Random(7)
        columns = {
            "text": [f"text {number}" for number in range(60)],
            "created": [datetime(2024, 1, 1)] * 60,
            "tags": [["a", "b"]] * 60,
        }
        path = table(columns, row_group_size=20)
        whole = path.read_bytes()
        for _ in range(150):
            stored = bytearray(whole)
            for _ in range(chance.choice([1, 1, 4])):
                stored[chance.randrange(len(stored))] = chance.randrange(256)
            path.write_bytes(stored)
            [account] = accounts(path).values()
            assert account.records == account.documents + account.rejects == len(read(path))

    def test_a_disk_that_fails_ends_the_task(self, read, table, monkeypatch):
        path = table({"text": [f"text {number}" for number in range(100)]})

        class Failing(io.BytesIO):
            def read(self, size=-1):
                raise OSError(5, "Input/output error")

        monkeypatch.setattr(streams, "open_raw", lambda file: Failing())
        with pytest.raises(OSError, match="Input/output error"):
            read(path)

    def test_also_when_it_fails_outside_of_the_piece(self, table, monkeypatch, pieces_of):
        path = table({"text": [f"text {number}" for number in range(1000)]}, row_group_size=100)
        stored = path.read_bytes()
        monkeypatch.setattr("winnow.sources.partitions.LARGEST", len(stored) // 2 + 1)

        class Failing(io.BytesIO):
            def read(self, size=-1):
                if self.tell() > len(stored) // 2 + 1:
                    raise OSError(5, "Input/output error")
                return super().read(size)

        monkeypatch.setattr(streams, "open_raw", lambda file: Failing(stored))
        with pytest.raises(OSError, match="Input/output error"):
            pieces_of(path)


def test_rows_without_columns_break_the_file_and_not_the_run(accounts, tmp_path):
    pq.write_table(pa.table({"text": ["a", "b"]}).select([]), tmp_path / "file.parquet")
    [account] = accounts(tmp_path / "file.parquet").values()
    assert (account.state, account.error) == ("unreadable", "corrupt")


def test_a_row_group_that_claims_to_begin_behind_the_file_is_not_left_out(read, table, monkeypatch):
    from winnow.sources import parquet

    path = table({"text": ["a", "b"]}, row_group_size=1)
    monkeypatch.setattr(parquet, "_offset", lambda group: 1 << 40)
    assert len(read(path)) == 2
