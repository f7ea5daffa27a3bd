import bz2
import gzip
import hashlib
import json

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winnow.sources.records import REPAIRED


def blake(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def test_a_record_becomes_a_document_with_its_own_fields(read, write):
    record = {
        "id": "a1", "text": "Grüße", "source": "wiki", "licence": "CC0-1.0", "url": "https://x.org",
        "created": "2024-01-01", "score": 0.5, "tags": ["a", {"b": None}], "title": "Grüße",
    }  # fmt: skip
    assert read(write(json.dumps(record).encode())) == [
        {
            "id": "a1",
            "text": "Grüße",
            "source": "wiki",
            "licence": "CC0-1.0",
            "url": "https://x.org",
            "created": "2024-01-01",
            "content": None,
            "http_status": None,
            "http_headers": {},
            "content_type": None,
            "truncated": None,
            "payload_digest": None,
            "metadata": {"score": "0.5", "tags": '["a",{"b":null}]', "title": '"Grüße"'},
            "file": "input.jsonl",
            "position": 0,
            "content_hash": blake("Grüße"),
            "text_bytes": 7,
            "arrival": 1,
            "reject_reason": None,
            "reject_snippet": None,
        }
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [('"a"', "a"), ("7", "7"), ("-1", "-1"), ("18446744073709551615", "18446744073709551615")],
)
def test_an_id_is_a_string_or_an_integer(read, write, value, expected):
    [row] = read(write(b'{"text": "x", "id": %s}' % value.encode()))
    assert row["id"] == expected


@pytest.mark.parametrize("value", ["null", '""', "1.5", "true", "[1]", '{"a": 1}'])
def test_anything_else_is_no_id_and_one_is_derived_from_file_and_position(read, write, value):
    [_, row] = read(write(b'{"text": "x"}', b'{"text": "x", "id": %s}' % value.encode()))
    assert row["id"] == blake("input.jsonl\0" + "14")
    assert "id" in row["metadata"] or value == '""'


def test_one_field_may_be_several_columns(read, write):
    [row] = read(write(b'{"text": "x", "url": "http://x/"}'), id="url", source="url")
    assert (row["id"], row["url"], row["source"]) == ("http://x/",) * 3
    assert row["metadata"] == {}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not_json"),
        (b"text", "not_json"),
        (b'{"text": "x"} trailing', "not_json"),
        (b'{"text": "tab\there"}', "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"{}", "no_text"),
        (b'{"text": null}', "no_text"),
        (b'{"text": ""}', "no_text"),
        (b'{"text": 1}', "text_not_a_string"),
        (b'{"text": ["x"]}', "text_not_a_string"),
        (b'{"text": false}', "text_not_a_string"),
    ],
)
def test_what_is_no_document_is_a_reject_with_its_reason(read, write, line, reason):
    first, row, last = read(write(b'{"text": "before"}', line, b'{"text": "after"}'))
    assert (first["text"], last["text"]) == ("before", "after")
    assert (row["reject_reason"], row["text"], row["content_hash"]) == (reason, None, None)
    assert row["reject_snippet"] == line[:500].decode("ascii")
    assert row["position"] == 19
    assert row["id"] == blake("input.jsonl\0" + "19")


def test_a_single_space_is_a_text(read, write):
    [row] = read(write(b'{"text": " "}'))
    assert (row["text"], row["reject_reason"]) == (" ", None)


@pytest.mark.parametrize("length", [499, 500, 501])
def test_a_snippet_is_the_first_500_bytes_escaped(read, write, length):
    [row] = read(write(b"x" * (length - 2) + "é".encode()))
    expected = ("x" * (length - 2) + "\\xc3\\xa9") if length <= 500 else "x" * 499 + "\\xc3"
    assert row["reject_snippet"] == expected


def test_blank_lines_a_byte_order_mark_and_windows_line_ends_are_no_records(read, write):
    rows = read(write(b'\xef\xbb\xbf{"text": "a"}\r', b"", b" \t\r", b'{"text": "b"}\r'))
    assert [(row["text"], row["position"]) for row in rows] == [("a", 0), ("b", 23)]


def test_a_lone_surrogate_is_repaired_and_counted_but_a_pair_is_a_character(read, write):
    [row] = read(write(rb'{"text": "a\ud800b \ud83c\udf3e", "title": ["\udc00"]}'))
    assert row["text"] == "a\ufffdb 🌾"
    assert row["metadata"] == {"title": '["\ufffd"]', REPAIRED: "2"}


def test_broken_utf8_is_repaired_and_what_was_a_replacement_character_is_not_counted(read, write):
    [row] = read(write(b'{"text": "a\xffb\xef\xbf\xbd"}'))
    assert row["text"] == "a\ufffdb\ufffd"
    assert row["metadata"] == {REPAIRED: "1"}


def test_numbers_that_json_does_not_know_are_null(read, write):
    [row] = read(write(b'{"text": "x", "a": NaN, "b": -Infinity}'))
    assert row["metadata"] == {"a": "null", "b": "null"}


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30 + 1])
def test_an_integer_keeps_all_its_digits(read, write, number):
    [row] = read(write(b'{"text": "x", "id": %d, "other": %d}' % (number, number)))
    assert (row["id"], row["metadata"]) == (str(number), {"other": str(number)})


def test_constants_win_over_fields_and_the_field_goes_to_the_metadata_otherwise(read, write):
    line = b'{"text": "x", "source": "own", "licence": 1, "url": null}'
    [row] = read(write(line), constant_source="given")
    assert (row["source"], row["licence"], row["url"]) == ("given", None, None)
    assert row["metadata"] == {"licence": "1", "url": "null"}


def test_fields_can_have_other_names(read, write):
    names = {
        "text": "content", "id": "doc", "url": "link", "created": "date", "source": "repo",
        "licence": "license",
    }  # fmt: skip
    record = dict.fromkeys(names, "?") | {name: f"of {column}" for column, name in names.items()}
    [row] = read(write(json.dumps(record).encode()), **names)
    assert {column: row[column] for column in names} == {name: f"of {name}" for name in names}
    assert row["metadata"] == dict.fromkeys(names, '"?"')


def test_a_prefix_stands_before_own_and_derived_ids_of_documents_and_rejects(read, write):
    rows = read(write(b'{"text": "x", "id": "a"}', b'{"text": "x"}', b"{"), id_prefix="web/")
    assert [row["id"] for row in rows] == [
        "web/a",
        "web/" + blake("input.jsonl\0" + "25"),
        "web/" + blake("input.jsonl\0" + "39"),
    ]


TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1)


@pytest.mark.parametrize("is_ascii", [True, False])
@given(texts=TEXTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_text_comes_back_as_it_was(read, write, is_ascii, texts):
    lines = [json.dumps({"text": text}, ensure_ascii=is_ascii).encode() for text in texts]
    rows = read(write(*lines))
    assert [row["text"] for row in rows] == texts
    assert [row["content_hash"] for row in rows] == [blake(text) for text in texts]
    assert [row["text_bytes"] for row in rows] == [len(text.encode()) for text in texts]


def compress_zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", compress_zstd)],
)
class TestCompressed:
    CONTENT = b"".join(b'{"text": "line %d"}\n' % number for number in range(5000))

    def test_a_compressed_file_reads_as_its_content(self, read, tmp_path, suffix, compress):
        plain, packed = tmp_path / "plain.jsonl", tmp_path / f"packed.jsonl{suffix}"
        plain.write_bytes(self.CONTENT)
        half = len(self.CONTENT) // 2  # two members, one after the other
        packed.write_bytes(compress(self.CONTENT[:half]) + compress(self.CONTENT[half:]))
        found, expected = read(packed), read(plain)
        assert len(found) == 5000
        assert [(r["text"], r["position"]) for r in found] == [
            (r["text"], r["position"]) for r in expected
        ]

    def test_a_truncated_file_gives_whole_records_and_where_it_breaks_off(
        self, read, accounts, tmp_path, suffix, compress
    ):
        path = tmp_path / f"cut.jsonl{suffix}"
        path.write_bytes(compress(self.CONTENT)[:-20])
        rows = read(path)
        kept = [row["text"] for row in rows if row["text"]]
        assert kept == [f"line {n}" for n in range(len(kept))]
        [account] = accounts(path).values()
        assert account.error == "truncated"
        assert (account.documents, account.rejects) == (len(kept), len(rows) - len(kept))
        whole = sum(len(f'{{"text": "{text}"}}\n') for text in kept)
        assert whole <= account.position < whole + 25
        assert [row["reject_reason"] for row in rows[len(kept) :]] in (["truncated"], [])

    def test_an_empty_file_has_no_rows(self, read, tmp_path, suffix, compress):
        path = tmp_path / f"empty.jsonl{suffix}"
        path.write_bytes(compress(b""))
        assert read(path) == []

    def test_something_else_under_that_name_is_unreadable(
        self, read, accounts, tmp_path, suffix, compress
    ):
        path = tmp_path / f"other.jsonl{suffix}"
        path.write_bytes(self.CONTENT)
        assert read(path) == []
        [account] = accounts(path).values()
        assert (account.state, account.error, account.position) == ("unreadable", "corrupt", 0)


def test_damage_in_the_middle_of_a_gzip_file_is_a_reject_after_the_records_before_it(read, write):
    lines = [b'{"text": "%d"}' % (number * 7919 % 104_729) for number in range(20_000)]
    path = write(*lines, name="damaged.jsonl.gz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 50] = b"\xff" * 50
    path.write_bytes(content)
    rows = read(path)
    assert rows[-1]["reject_reason"] == "corrupt"
    assert [row["reject_reason"] for row in rows[:5000]] == [None] * 5000


def test_a_limit_stops_after_so_many_documents_and_does_not_count_rejects(read, write):
    path = write(b'{"text": "a"}', b"{", b'{"text": "b"}', b'{"text": "c"}')
    assert [row["text"] for row in read(path, limit=2)] == ["a", None, "b"]
    assert read(path, limit=0) == []
    assert len(read(path, limit=9)) == 4
