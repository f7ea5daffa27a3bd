import gzip
import io
import json
import random
import re
import zlib
from collections import Counter
from contextlib import suppress

import brotli
import pytest
from backports import zstd
from fastwarc.warc import ArchiveIterator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winnow.sources import streams
from winnow.sources.warc import CUT, NOT_DECODED

PAGE = b"<p>A page.</p>\n" * 30
KINDS = ("response", "resource", "conversion")


def record(kind, body, *headers, content_type="application/http; msgtype=response", length=None):
    """One record of an archive; its length is left out if it is -1."""
    said = len(body) if length is None else length
    lines = [
        b"WARC/1.0",
        b"WARC-Type: " + kind.encode(),
        b"Content-Type: " + content_type.encode(),
        *headers,
        *([b"Content-Length: %d" % said] if said != -1 else []),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body + b"\r\n\r\n"


def http(body, *headers, status=b"HTTP/1.1 200 OK"):
    return b"\r\n".join([status, *headers]) + b"\r\n\r\n" + body


def chunked(body):
    chunks = [body[start : start + 100] for start in range(0, len(body), 100)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


def text_record(text, *headers):
    return record("conversion", text, *headers, content_type="text/plain")


AFTER = text_record(b"after")


@pytest.fixture
def archive(tmp_path):
    """Write records to an archive; return its path."""

    def archive(*records, name="file.warc"):
        compress = gzip.compress if name.endswith(".gz") else bytes
        content = b"".join(compress(each) for each in records)
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return archive


@pytest.fixture
def payload(archive, read):
    """Read a record and one after it, which must not suffer; return the first one's row."""

    def payload(first):
        row, after = read(archive(first, AFTER))
        assert after["text"] == "after"
        return row

    return payload


def archives(shared_data):
    found = sorted((shared_data / "web").rglob("*"))
    return [path for path in found if re.search(r"\.(warc|arc)\b", path.name)]


def fastwarc_kinds(path):
    """Count the records by kind as FastWARC sees them by itself, up to the break."""
    kinds = Counter()
    with path.open("rb") as stored, suppress(OSError):  # of what is no record
        for each in ArchiveIterator(stored, parse_http=False):
            kinds[str(each.record_type)] += 1
    return kinds


def documents(rows):
    return [{**row, "file": ""} for row in rows if row["reject_reason"] is None]


class TestRealArchives:
    def test_every_record_is_a_document_a_reject_or_skipped_by_its_kind(
        self, shared_data, read, accounts
    ):
        for path in archives(shared_data):
            [account] = accounts(path, format="warc").values()
            kinds = fastwarc_kinds(path)
            assert account.records == kinds.total(), path
            assert account.documents + account.rejects == sum(kinds[kind] for kind in KINDS), path
            assert account.skipped == {k: n for k, n in sorted(kinds.items()) if k not in KINDS}
            rows = read(path, format="warc")
            assert len(rows) == account.documents + account.rejects

    def test_all_but_the_broken_ones_are_read_to_their_end(self, shared_data, accounts):
        for path in archives(shared_data):
            [account] = accounts(path, format="warc").values()
            expected = {
                "bad.arc": ("unreadable", "not_warc", 0),
                "example.arc": ("unreadable", "not_warc", 0),
                "example.arc.gz": ("unreadable", "not_warc", 0),
                # Two bytes more than its third record says: the fourth begins there, and does not.
                "example-trunc.warc": ("partial", "corrupt", 2564),
            }.get(path.name, ("read", "", None))
            assert (account.state, account.error, account.position) == expected, path

    def test_positions_rise_and_are_those_of_the_decompressed_file(self, shared_data, read):
        for path in archives(shared_data):
            rows = read(path, format="warc")
            positions = [row["position"] for row in rows]
            assert positions == sorted(set(positions)), path
            stored = path.read_bytes()
            content = gzip.decompress(stored) if path.name.endswith(".gz") else stored
            for position in positions:
                assert content[position : position + 5] == b"WARC/", path

    def test_so_they_differ_in_an_archive_that_was_compressed_as_a_whole(
        self, shared_data, read, tmp_path
    ):
        name = "example-bad-non-chunked.warc.gz"
        rows = read(shared_data / "web" / "warcio" / name)
        content = gzip.decompress((shared_data / "web" / "dolma/sample-0000.warc.gz").read_bytes())
        (tmp_path / name).write_bytes(gzip.compress(content))
        whole = read(tmp_path / name)
        assert len(rows) == 1
        assert len({row["position"] for row in whole}) == len(whole) == 24

    def test_a_plain_archive_and_its_compressed_copy_hold_the_same(self, shared_data, read):
        folder = shared_data / "web" / "commoncrawl_whirlwind"
        for name in ("whirlwind.warc", "whirlwind.warc.wet"):
            [plain], [packed] = read(folder / name), read(folder / f"{name}.gz")
            assert (plain["text"], plain["content"]) == (packed["text"], packed["content"])
            assert (plain["id"], plain["metadata"]) == (packed["id"], packed["metadata"])

    @pytest.fixture
    def dolma(self, shared_data):
        return (shared_data / "web" / "dolma" / "sample-0000.warc.gz").read_bytes()

    def test_a_copy_cut_anywhere_gives_the_documents_before_the_cut(
        self, dolma, read, accounts, tmp_path
    ):
        path = tmp_path / "cut.warc.gz"
        path.write_bytes(dolma)
        whole = documents(read(path))
        before = 0
        for cut in range(1, len(dolma), 4099):
            path.write_bytes(dolma[:cut])
            found = documents(read(path))
            assert found == whole[: len(found)]
            assert len(found) >= before
            before = len(found)
            [account] = accounts(path).values()
            assert account.error == "truncated"
        assert before >= 20

    def test_a_damaged_copy_gives_the_documents_before_the_damage(
        self, dolma, read, accounts, tmp_path
    ):
        path = tmp_path / "damaged.warc.gz"
        path.write_bytes(dolma)
        whole = documents(read(path))
        starts = [
            (each.stream_pos, str(each.record_type) in KINDS)
            for each in ArchiveIterator(io.BytesIO(dolma), parse_http=False)
        ]
        chance = random.Random(7)
        for _ in range(40):
            damaged, place = bytearray(dolma), chance.randrange(len(dolma))
            damaged[place : place + 4] = chance.randbytes(4)
            path.write_bytes(damaged)
            found = documents(read(path))
            reached = [is_document for start, is_document in starts if start <= place]
            safe = sum(reached[:-1])
            assert found[:safe] == whole[:safe]
            [account] = accounts(path).values()
            assert account.records == account.documents + account.rejects + sum(
                account.skipped.values()
            )


class TestBreaks:
    RECORDS = (text_record(b"one"), record("request", http(b"")), text_record(b"two"))

    @pytest.mark.parametrize("junk", [b"junk", b"\0" * 100, b"WARC/9", b"\r\nWARC", b"\xff\n\n"])
    def test_what_is_no_record_breaks_the_archive_where_the_record_before_it_ends(
        self, read, accounts, archive, junk
    ):
        path = archive(*self.RECORDS, junk)
        assert [row["text"] for row in read(path)] == ["one", "two"]
        [account] = accounts(path).values()
        place = sum(map(len, self.RECORDS))
        assert (account.error, account.position) == ("corrupt", place)
        assert (account.state, account.skipped) == ("partial", {"request": 1})

    def test_blank_lines_between_records_belong_to_none(self, read, accounts, archive):
        path = archive(AFTER, b"\r\n" * 3, AFTER, b"junk")
        assert [row["position"] for row in read(path)] == [0, len(AFTER) + 6]
        [account] = accounts(path).values()
        assert (account.error, account.position) == ("corrupt", 2 * len(AFTER) + 6)

    @pytest.mark.parametrize(
        "content",
        [b"junk", b"\0" * 1000, b"\r\n" * 9, gzip.compress(AFTER)],
        # The bytes of the last hold the time: a name made of them differs between two processes.
        ids=["junk", "zeros", "blank lines", "gzip under a plain name"],
    )
    def test_a_file_without_a_record_is_unreadable(self, read, accounts, archive, content):
        path = archive(content)
        assert read(path) == []
        [account] = accounts(path).values()
        assert (account.state, account.error, account.position) == ("unreadable", "not_warc", 0)

    @pytest.mark.parametrize("name", ["empty.warc", "empty.warc.gz"])
    def test_an_empty_archive_is_read_and_has_no_records(self, read, accounts, archive, name):
        path = archive(b"", name=name)
        assert read(path) == []
        [account] = accounts(path).values()
        assert (account.state, account.records) == ("read", 0)

    def test_a_plain_archive_that_ends_inside_of_a_record_has_a_reject_there(
        self, read, accounts, archive
    ):
        path = archive(AFTER, AFTER[:-5])
        first, last = read(path)
        assert (first["text"], first["reject_reason"]) == ("after", None)
        assert (last["reject_reason"], last["reject_snippet"]) == ("truncated", "afte")
        assert last["position"] == len(AFTER)

    @given(cut=st.integers(0, 2000))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_a_compressed_one_that_was_cut_says_so_wherever(self, read, accounts, archive, cut):
        path = archive(b"")
        last = record("request", random.Random(1).randbytes(999))
        stored = gzip.compress(b"".join(self.RECORDS) + last)
        cut = cut % (len(stored) - 1) + 1
        path = path.with_name("cut.warc.gz")
        path.write_bytes(stored[:cut])
        assert [row["text"] for row in read(path) if row["text"]] in ([], ["one"], ["one", "two"])
        [account] = accounts(path).values()
        assert account.error == "truncated"

    @given(data=st.data())
    @settings(
        max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
    )
    def test_wrong_bytes_anywhere_end_no_run(self, read, accounts, archive, data):
        gzipped = record(
            "response", http(chunked(gzip.compress(PAGE)), b"Transfer-Encoding: chunked",
            b"Content-Encoding: gzip"), b"WARC-Date: 2024-01-01T00:00:00Z",
        )  # fmt: skip
        stored = bytearray(gzipped + AFTER)
        for place in data.draw(st.lists(st.integers(0, len(stored) - 1), min_size=1, max_size=5)):
            stored[place] = data.draw(st.integers(0, 255))
        path = archive(bytes(stored))
        [account] = accounts(path).values()
        assert account.records == account.documents + account.rejects + sum(
            account.skipped.values()
        )
        assert len(read(path)) == account.documents + account.rejects

    @pytest.mark.parametrize("name", ["file.warc", "file.warc.gz"])
    def test_a_disk_that_fails_ends_the_task(self, read, archive, monkeypatch, name):
        path = archive(AFTER, text_record(random.Random(7).randbytes(300_000)), AFTER, name=name)

        class Failing(io.BytesIO):
            def read(self, size=-1):
                if self.tell() >= 100_000:
                    raise OSError(5, "Input/output error")
                return super().read(min(size, 50_000))

        monkeypatch.setattr(streams, "open_raw", lambda file: Failing(path.read_bytes()))
        with pytest.raises(OSError, match="Input/output error"):
            read(path)


class TestColumns:
    HEADERS = (
        b"WARC-Record-ID: <urn:uuid:12345678-1234-1234-1234-123456789abc>",
        b"WARC-Target-URI: <https://example.org/a b>",
        b"WARC-Date: 2024-01-01T00:00:00Z",
        b"WARC-Truncated: length",
        b"WARC-Payload-Digest: sha1:ABC",
        b"WARC-IP-Address: 127.0.0.1",
        'X-Of: "Grüße"'.encode(),
    )

    def test_a_response_has_its_payload_as_content_and_the_columns_of_both_headers(self, payload):
        row = payload(
            record(
                "response",
                http(PAGE, b"Content-TYPE: text/html; charset=x", b"Via: a", b"Link: c", b"via: b"),
                *self.HEADERS,
            )
        )
        assert (row["content"], row["text"], row["content_hash"]) == (PAGE, None, None)
        assert row["id"] == "12345678-1234-1234-1234-123456789abc"
        assert (row["url"], row["created"]) == ("https://example.org/a b", "2024-01-01T00:00:00Z")
        assert (row["truncated"], row["payload_digest"]) == ("length", "sha1:ABC")
        assert (row["http_status"], row["content_type"]) == (200, "text/html; charset=x")
        assert row["http_headers"] == {
            "content-type": "text/html; charset=x", "via": "a, b", "link": "c"
        }  # fmt: skip
        assert row["metadata"] == {
            "WARC-Type": '"response"',
            "WARC-IP-Address": '"127.0.0.1"',
            "X-Of": json.dumps('"Grüße"', ensure_ascii=False),
        }
        assert (row["position"], row["arrival"], row["reject_reason"]) == (0, 1, None)

    def test_a_header_that_stands_more_than_once_keeps_all_its_values(self, payload):
        headers = (b"WARC-Concurrent-To: <a>", b"X-Of: c", b"WARC-Concurrent-To: <b>")
        metadata = payload(record("response", http(PAGE), *headers))["metadata"]
        assert metadata["WARC-Concurrent-To"] == '["<a>","<b>"]'
        assert metadata["X-Of"] == '"c"'

    def test_a_conversion_has_text_and_no_content(self, payload):
        row = payload(text_record("Grüße".encode(), *self.HEADERS[:2]))
        assert (row["text"], row["text_bytes"], row["content"]) == ("Grüße", 7, None)
        assert (row["content_type"], row["http_status"]) == ("text/plain", None)
        assert row["url"] == "https://example.org/a b"

    def test_text_that_is_no_utf8_is_mended_and_counted(self, payload):
        row = payload(text_record(b"a\xffb\xef\xbf\xbd"))
        assert row["text"] == "a\ufffdb\ufffd"
        assert row["metadata"]["winnow_repaired"] == "1"

    def test_an_empty_conversion_is_a_reject(self, payload):
        row = payload(text_record(b""))
        assert (row["reject_reason"], row["reject_snippet"]) == ("no_text", "")

    def test_a_resource_has_its_body_as_content_and_its_own_content_type(self, payload):
        row = payload(record("resource", b"\xff\xd8", content_type="image/jpeg"))
        assert (row["content"], row["content_type"]) == (b"\xff\xd8", "image/jpeg")
        assert (row["http_status"], row["http_headers"]) == (None, {})

    def test_other_kinds_are_skipped_and_counted(self, accounts, archive):
        kinds = ["warcinfo", "request", "request", "metadata", "revisit", "continuation", "new"]
        [account] = accounts(archive(*(record(kind, http(b"x")) for kind in kinds))).values()
        assert (account.records, account.documents, account.rejects) == (7, 0, 0)
        assert account.skipped == {
            "continuation": 1, "metadata": 1, "request": 2, "revisit": 1, "unknown": 1,
            "warcinfo": 1,
        }  # fmt: skip

    def test_constants_are_given_to_all(self, read, archive):
        [row] = read(archive(AFTER), constant_source="crawl", constant_licence="CC0-1.0")
        assert (row["source"], row["licence"]) == ("crawl", "CC0-1.0")

    def test_a_record_without_an_id_gets_one_from_its_position(self, read, archive):
        rows = read(archive(AFTER, AFTER))
        assert len({row["id"] for row in rows}) == 2
        assert [row["position"] for row in rows] == [0, len(AFTER)]

    @pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
    def test_headers_that_are_no_utf8_are_taken_for_latin_1(self, payload, encoding):
        header = "X-Of: Grüße".encode(encoding)
        row = payload(record("response", http(PAGE, header), header))
        assert row["http_headers"] == {"x-of": "Grüße"}
        assert row["metadata"]["X-Of"] == '"Grüße"'
        assert row["content"] == PAGE

    def test_a_folded_header_is_one_line(self, payload):
        row = payload(record("response", http(PAGE, b"X-A: one\r\n two")))
        assert row["http_headers"] == {"x-a": "one two"}

    @pytest.mark.parametrize("length", [*range(8188, 8195), 20_000])
    def test_a_long_header_is_one_line_and_no_end_of_the_headers(self, payload, length):
        value = "x" * (length - len("X-Long: "))
        row = payload(record("response", http(PAGE, b"X-Long: %s" % value.encode(), b"A: b")))
        assert row["http_headers"] == {"x-long": value, "a": "b"}
        assert row["content"] == PAGE

    @pytest.mark.parametrize(
        ("line", "status"),
        [
            (b"HTTP/1.1 404 Not Found", 404),
            (b"HTTP/2 200", 200),
            (b"HTTP/1.1 abc", None),
            (b"HTTP/1.1 99999999999 OK", None),
            (b"HTTP/1.1", None),
        ],
    )
    def test_a_status_is_a_number_or_missing(self, payload, line, status):
        row = payload(record("response", http(PAGE, status=line)))
        assert (row["http_status"], row["content"]) == (status, PAGE)

    @pytest.mark.parametrize("body", [b"", b"x", b"This is no HTTP.", b"<html>\r\n\r\n<p>x</p>"])
    def test_a_response_that_is_no_http_keeps_its_whole_body(self, payload, body):
        row = payload(record("response", body))
        assert (row["content"], row["http_status"], row["http_headers"]) == (body, None, {})

    def test_a_response_of_headers_alone_has_an_empty_content(self, payload):
        row = payload(record("response", http(b"", b"Content-Encoding: gzip")))
        assert (row["content"], row["http_status"]) == (b"", 200)
        assert NOT_DECODED not in row["metadata"]


class TestLengths:
    def test_a_record_that_does_not_say_how_long_it_is_is_a_reject_and_the_end(
        self, read, accounts, archive
    ):
        path = archive(AFTER, record("response", http(PAGE), length=-1), AFTER)
        assert [row["reject_reason"] for row in read(path)] == [None, "bad_header"]
        [account] = accounts(path).values()
        assert (account.state, account.error) == ("partial", "corrupt")

    @pytest.mark.parametrize("length", [10**30, -3, 2**64])
    def test_nor_does_one_with_a_length_that_is_none(self, read, accounts, archive, length):
        path = archive(record("response", http(PAGE), length=length), AFTER)
        assert [row["reject_reason"] for row in read(path)] == ["bad_header"]
        [account] = accounts(path).values()
        assert account.error == "corrupt"
        assert account.position < path.stat().st_size

    def test_nor_does_one_with_more_digits_than_python_reads(self, read, archive):
        path = archive(AFTER.replace(b"Length: 5", b"Length: " + b"5" * 9999), AFTER)
        assert [row["reject_reason"] for row in read(path)] == ["bad_header"]

    def test_a_length_with_zeros_before_it_is_one(self, payload):
        first = text_record(b"x" * 12).replace(b"Length: 12", b"Length: 0012")
        assert payload(first)["text"] == "x" * 12

    @pytest.mark.parametrize("length", [19, 20, 21])
    def test_a_record_over_the_largest_length_is_a_reject(self, payload, monkeypatch, length):
        monkeypatch.setattr("winnow.sources.warc.LARGEST_RECORD", 20)
        row = payload(text_record(b"x" * length))
        expected = (None, "x" * length) if length <= 20 else ("too_long", None)
        assert (row["reject_reason"], row["text"]) == expected

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
    def test_a_body_that_grows_beyond_it_is_a_reject(self, payload, monkeypatch, encoding):
        monkeypatch.setattr("winnow.sources.warc.LARGEST_RECORD", 1000)
        body = ENCODE[encoding](bytes(10_000_000))
        body = body if len(body) < 900 else ENCODE[encoding](bytes(100_000))
        row = payload(record("response", http(body, b"Content-Encoding: " + encoding.encode())))
        assert (row["reject_reason"], row["content"]) == ("too_long", None)


def deflate_raw(body):
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


ENCODE = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["gzip", "deflate"])
    def test_a_body_that_breaks_off_is_its_beginning_and_says_so(self, payload, encoding):
        whole = bytes(range(256)) * 40
        body = ENCODE[encoding](whole)[:-9]
        row = payload(record("response", http(body, b"Content-Encoding: " + encoding.encode())))
        assert whole.startswith(row["content"])
        assert row["metadata"]["winnow_cut"] == f'"{encoding}"'

    @pytest.mark.parametrize("encoding", ENCODE)
    def test_a_content_encoding_is_undone(self, payload, encoding):
        body = ENCODE[encoding](PAGE)
        row = payload(record("response", http(body, b"Content-Encoding: " + encoding.encode())))
        assert row["content"] == PAGE
        assert row["http_headers"] == {"content-encoding": encoding}
        assert NOT_DECODED not in row["metadata"]

    def test_deflate_is_also_what_servers_send_without_the_header_of_zlib(self, payload):
        body = http(deflate_raw(PAGE), b"Content-Encoding: deflate")
        assert payload(record("response", body))["content"] == PAGE

    @pytest.mark.parametrize("content", [b"", b"x", PAGE])
    def test_chunks_are_put_together(self, payload, content):
        body = http(chunked(content), b"Transfer-Encoding: chunked")
        assert payload(record("response", body))["content"] == content

    def test_a_chunk_may_have_extensions_and_the_last_one_trailers(self, payload):
        body = http(b'5;a="b"\r\nhello\r\n0\r\nx: y\r\n\r\n', b"Transfer-Encoding: chunked")
        row = payload(record("response", body))
        assert (row["content"], row["metadata"].keys() & {CUT, NOT_DECODED}) == (b"hello", set())

    @pytest.mark.parametrize("left", [b"5\r\nhello\r\n", b"9\r\nhello", b"5\r\nhello\r\n1"])
    def test_chunks_that_break_off_are_the_beginning_and_say_so(self, payload, left):
        row = payload(record("response", http(left, b"Transfer-Encoding: chunked")))
        assert (row["content"], row["metadata"][CUT]) == (b"hello", '"chunked"')

    def test_a_body_that_is_in_no_chunks_any_more_is_not_lost(self, payload):
        body = b"0\r\n" + PAGE
        row = payload(record("response", http(body, b"Transfer-Encoding: chunked")))
        assert (row["content"], row["metadata"][NOT_DECODED]) == (body, '"chunked"')

    @pytest.mark.parametrize("encoding", ["gzip", "zstd"])
    def test_all_members_of_a_body_are_undone(self, payload, encoding):
        body = b"".join(map(ENCODE[encoding], (b"one ", b"two ", PAGE)))
        header = b"Content-Encoding: " + encoding.encode()
        assert payload(record("response", http(body, header)))["content"] == b"one two " + PAGE
        row = payload(record("response", http(body[:-9], header)))
        assert row["content"].startswith(b"one two ")
        assert row["metadata"][CUT] == f'"{encoding}"'

    def test_what_follows_a_gzip_body_and_is_none_is_left_out(self, payload):
        body = http(gzip.compress(PAGE) + b"\n", b"Content-Encoding: gzip")
        row = payload(record("response", body))
        assert (row["content"], row["metadata"].keys() & {CUT, NOT_DECODED}) == (PAGE, set())

    def test_bytes_that_only_brotli_takes_for_nothing_are_not_lost(self, payload):
        body = b"5\r\nabcde\r\nzzz<html>" + PAGE
        row = payload(record("response", http(body, b"Content-Encoding: br")))
        assert (row["content"], row["metadata"][NOT_DECODED]) == (body, '"br"')

    def test_the_media_type_of_a_record_has_no_case(self, payload):
        body = http(PAGE)
        row = payload(record("response", body, content_type="Application/HTTP;msgtype=response"))
        assert (row["content"], row["http_status"]) == (PAGE, 200)

    @pytest.mark.parametrize(
        "headers",
        [
            (b"Content-Encoding: gzip", b"Transfer-Encoding: Chunked"),
            (b"Transfer-Encoding: gzip, chunked",),
        ],
    )
    def test_chunks_come_before_the_rest(self, payload, headers):
        body = http(chunked(gzip.compress(PAGE)), *headers)
        assert payload(record("response", body))["content"] == PAGE

    @pytest.mark.parametrize(
        "headers",
        [(b"Content-Encoding: GZIP, br",), (b"Content-Encoding: gzip", b"content-encoding: br")],
    )
    def test_several_encodings_are_undone_from_the_last_one(self, payload, headers):
        body = http(brotli.compress(gzip.compress(PAGE)), *headers)
        assert payload(record("response", body))["content"] == PAGE

    @pytest.mark.parametrize("encoding", ["identity", "compress", "", "x, , y"])
    def test_an_encoding_that_is_unknown_leaves_the_body_alone(self, payload, encoding):
        row = payload(record("response", http(PAGE, b"Content-Encoding: " + encoding.encode())))
        assert row["content"] == PAGE

    @pytest.mark.parametrize("body", [b"x", b"ab", b"0", PAGE])
    @pytest.mark.parametrize(
        ("header", "encoding"),
        [
            ("Content-Encoding", "gzip"),
            ("Content-Encoding", "br"),
            ("Content-Encoding", "zstd"),
            ("Content-Encoding", "deflate"),
            ("Transfer-Encoding", "chunked"),
        ],
    )
    def test_a_body_that_is_not_in_its_encoding_stays_as_it_was_sent(
        self, payload, header, encoding, body
    ):
        row = payload(record("response", http(body, f"{header}: {encoding}".encode())))
        assert row["content"] == body
        assert row["metadata"][NOT_DECODED] == json.dumps(encoding)

    def test_the_encoding_that_fails_is_the_one_that_is_named(self, payload):
        headers = b"Content-Encoding: gzip", b"Transfer-Encoding: chunked"
        row = payload(record("response", http(chunked(PAGE), *headers)))
        assert (row["content"], row["metadata"][NOT_DECODED]) == (PAGE, '"gzip"')

    def test_a_gzip_body_with_a_wrong_checksum_stays_as_it_was_sent(self, payload):
        body = gzip.compress(PAGE)[:-8] + b"checksum"
        row = payload(record("response", http(body, b"Content-Encoding: gzip")))
        assert (row["content"], row["metadata"][NOT_DECODED]) == (body, '"gzip"')

    def test_a_gzip_body_that_was_cut_gives_what_there_is(self, payload):
        body = gzip.compress(random.Random(7).randbytes(5000))[:3000]
        row = payload(record("response", http(body, b"Content-Encoding: gzip")))
        assert row["content"]
        assert random.Random(7).randbytes(5000).startswith(row["content"])

    @pytest.mark.parametrize("size", [b"ffffffffffffffff", b"7fffffffffffffff", b"-1", b"zz"])
    def test_a_chunk_of_an_impossible_size_is_no_chunk(self, payload, size):
        body = size + b"\r\nabc\r\n0\r\n\r\n"
        row = payload(record("response", http(body, b"Transfer-Encoding: chunked")))
        assert (row["content"], row["metadata"][NOT_DECODED]) == (body, '"chunked"')


class TestCut:
    def test_a_plain_archive_that_ends_inside_of_a_record_is_not_read_to_its_end(
        self, accounts, archive
    ):
        [account] = accounts(archive(AFTER, AFTER[:-5])).values()
        assert (account.state, account.error, account.rejects) == ("partial", "truncated", 1)

    def test_a_record_that_claims_to_be_longer_than_the_archive_hides_nothing(
        self, accounts, archive
    ):
        path = archive(AFTER, record("response", b"short", length=1 << 40), AFTER)
        [account] = accounts(path).values()
        assert (account.state, account.error, account.rejects) == ("partial", "truncated", 1)
