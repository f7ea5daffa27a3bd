import bz2
import gzip
import hashlib
import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.sources import streams
from winnow.sources.documents import list_files
from winnow.sources.files import InputFile
from winnow.sources.partitions import pieces
from winnow.sources.reading import digest_of
from winnow.sources.streams import CAREFUL, CHUNK, InputStream, read_whole

COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".zst": zstd.compress, "": bytes}
PACKED = pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
ALL = pytest.mark.parametrize("suffix", list(COMPRESS))

CHANCE = random.Random(7)
NOISE = CHANCE.randbytes(3 * CHUNK + 1)  # is larger when it is compressed
TEXT = b"".join(b"line %d of a text\n" % number for number in range(30_000))

MEMBERS = [b"The first member.\n" * 40, CHANCE.randbytes(700), b"", b"The last one.\n" * 9]
WHOLE = b"".join(MEMBERS)
PARTS = [gzip.compress(member, mtime=0) for member in MEMBERS]
SMALL = b"".join(PARTS)


def blake(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


@pytest.fixture
def opened(tmp_path):
    """Open bytes as a file of that name."""

    def opened(stored: bytes, suffix: str, start: int = 0, end: int | None = None) -> InputStream:
        path = tmp_path / f"file{suffix}"
        path.write_bytes(stored)
        file = InputFile(str(path), path.name, len(stored), 0.0, "jsonl")
        return InputStream(file, start, end)

    return opened


def everything(stream: InputStream, size: int) -> bytes:
    return b"".join(iter(lambda: stream.read(size), b""))


def test_a_zstandard_file_may_have_the_window_of_large_dumps(tmp_path):
    level = {zstd.CompressionParameter.window_log: 28, zstd.CompressionParameter.strategy: 1}
    (tmp_path / "a.jsonl.zst").write_bytes(zstd.compress(b"x" * 1000, options=level))
    [file] = list_files({"path": str(tmp_path)})
    with InputStream(file) as stream:
        assert read_whole(stream) == (b"x" * 1000, None)


class TestContent:
    @ALL
    @pytest.mark.parametrize("content", [b"", b"x", b"\0", TEXT, NOISE])
    def test_a_file_reads_as_what_was_compressed(self, opened, suffix, content):
        stream = opened(COMPRESS[suffix](content), suffix)
        assert stream.read() == content
        assert (stream.broken, stream.tell(), stream.read()) == (None, len(content), b"")

    @ALL
    @pytest.mark.parametrize("size", [1, 1023, 1 << 20])
    def test_the_size_of_a_read_is_a_bound_and_changes_nothing_else(self, opened, suffix, size):
        content = TEXT if size > 1 else TEXT[:2000]
        stream = opened(COMPRESS[suffix](content), suffix)
        found = list(iter(lambda: stream.read(size), b""))
        assert b"".join(found) == content
        assert max(map(len, found)) <= size

    @PACKED
    def test_members_one_after_the_other_are_one_content_also_across_the_edge_of_a_chunk(
        self, opened, suffix
    ):
        compress = COMPRESS[suffix]
        for more in range(0, 200, 7):
            first = compress(NOISE[: CHUNK - 200 + more])
            stream = opened(first + compress(b"") + compress(b"end"), suffix)
            assert stream.read() == NOISE[: CHUNK - 200 + more] + b"end"
            assert stream.broken is None

    @PACKED
    @pytest.mark.parametrize("zeros", [1, 511, CHUNK, 2 * CHUNK + 1])
    def test_zeros_after_a_member_are_padding(self, opened, suffix, zeros):
        packed = COMPRESS[suffix](b"one"), COMPRESS[suffix](b"two")
        stream = opened(packed[0] + bytes(zeros) + packed[1] + bytes(zeros), suffix)
        assert (stream.read(), stream.broken) == (b"onetwo", None)

    @PACKED
    @pytest.mark.parametrize("tail", [b"x", b"\0\0x", b"something else"])
    def test_anything_else_after_a_member_is_corrupt_or_cut_off(self, opened, suffix, tail):
        stream = opened(COMPRESS[suffix](b"one") + tail, suffix)
        assert stream.read() == b"one"
        assert stream.broken in ("corrupt", "truncated")

    @PACKED
    def test_an_empty_file_is_whole_and_one_of_another_kind_is_corrupt_at_0(self, opened, suffix):
        stream = opened(b"", suffix)
        assert (stream.read(), stream.broken) == (b"", None)
        stream = opened(TEXT, suffix)
        assert (stream.read(), stream.broken, stream.tell()) == (b"", "corrupt", 0)

    @ALL
    def test_reading_nothing_moves_nothing(self, opened, suffix):
        stream = opened(COMPRESS[suffix](b"abc"), suffix)
        assert (stream.read(0), stream.tell()) == (b"", 0)
        assert (stream.read(1), stream.read(0), stream.read(9)) == (b"a", b"", b"bc")


class TestPlaces:
    def test_a_plain_file_is_read_from_any_place(self, opened):
        stream = opened(b"0123456789", "")
        assert (stream.readable(), stream.seekable()) == (True, True)
        assert (stream.seek(7), stream.read(2), stream.tell()) == (7, b"78", 9)
        assert (stream.seek(-8, io.SEEK_CUR), stream.read(1)) == (1, b"1")
        assert (stream.seek(-1, io.SEEK_END), stream.read(), stream.tell()) == (9, b"9", 10)

    @PACKED
    def test_a_compressed_file_only_from_where_it_stands(self, opened, suffix):
        stream = opened(COMPRESS[suffix](b"0123456789"), suffix)
        assert not stream.seekable()
        stream.read(4)
        assert (stream.seek(4), stream.seek(0, io.SEEK_CUR), stream.read(1)) == (4, 4, b"4")
        with pytest.raises(io.UnsupportedOperation):
            stream.seek(0)
        assert stream.read(1) == b"5"


class TestBroken:
    @pytest.mark.parametrize("cut", range(0, len(SMALL), 37))
    def test_a_gzip_file_that_was_cut_gives_a_prefix_and_says_so(self, opened, cut):
        stream = opened(SMALL[:cut], ".gz")
        found = stream.read()
        assert found == WHOLE[: len(found)]
        ends = [sum(map(len, PARTS[:count])) for count in range(len(PARTS) + 1)]
        assert stream.broken == (None if cut in ends else "truncated")

    def test_one_that_was_cut_at_the_end_of_a_member_looks_whole(self, opened):
        for count in range(len(PARTS) + 1):
            stream = opened(b"".join(PARTS[:count]), ".gz")
            assert (stream.read(), stream.broken) == (b"".join(MEMBERS[:count]), None)

    @PACKED
    @pytest.mark.parametrize("left", [1, 20, 40_000, 100_000])
    def test_a_cut_file_gives_a_prefix(self, opened, suffix, left):
        stored = COMPRESS[suffix](NOISE)
        stream = opened(stored[:left], suffix)
        found = stream.read()
        assert found == NOISE[: len(found)]
        assert (stream.broken, stream.tell()) == ("truncated", len(found))

    @given(place=st.integers(0, len(SMALL) - 1), bits=st.integers(1, 255))
    @settings(max_examples=500, deadline=None)
    def test_a_gzip_file_with_a_wrong_byte_is_read_up_to_its_member(self, place, bits):
        stored = bytearray(SMALL)
        stored[place] ^= bits
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(streams, "open_raw", lambda file: io.BytesIO(stored))
            stream = InputStream(InputFile("memory", "file.gz", len(stored), 0.0, "jsonl"))
            found = stream.read()
        # What a wrong byte makes of its own member shows in the checksum only, at the end of it.
        damaged = next(i for i in range(len(PARTS)) if place < sum(map(len, PARTS[: i + 1])))
        assert found.startswith(b"".join(MEMBERS[:damaged]))
        assert stream.broken in (None, "truncated", "corrupt")
        assert stream.broken is not None or found == WHOLE
        assert stream.digest() == blake(bytes(stored))

    @pytest.mark.parametrize("suffix", [".bz2", ".zst"])
    @given(data=st.data())
    @settings(max_examples=200, deadline=None)
    def test_a_wrong_byte_in_another_file_never_ends_the_run(self, suffix, data):
        stored = bytearray(COMPRESS[suffix](TEXT[:500]) + COMPRESS[suffix](TEXT[500:900]))
        stored[data.draw(st.integers(0, len(stored) - 1))] ^= data.draw(st.integers(1, 255))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(streams, "open_raw", lambda file: io.BytesIO(stored))
            stream = InputStream(InputFile("memory", f"file{suffix}", len(stored), 0.0, "jsonl"))
            stream.read()
        assert stream.digest() == blake(bytes(stored))

    @pytest.mark.parametrize("size", [1 << 20, 1000, 7])
    def test_a_gzip_file_with_a_wrong_checksum_gives_all_but_its_last_bytes(self, opened, size):
        stored = bytearray(gzip.compress(TEXT[:50_000]))
        stored[-8] ^= 1
        stream = opened(bytes(stored), ".gz")
        found = everything(stream, size)
        assert (TEXT[: len(found)], stream.broken) == (found, "corrupt")
        assert 50_000 - CAREFUL <= len(found) == stream.tell() <= 50_000

    @PACKED
    def test_damage_in_the_middle_loses_little_before_it(self, opened, suffix):
        stored = bytearray(COMPRESS[suffix](NOISE[:CHUNK]) + COMPRESS[suffix](NOISE))
        place = len(COMPRESS[suffix](NOISE[:CHUNK])) + 3
        stored[place : place + 50] = b"\xff" * 50
        stream = opened(bytes(stored), suffix)
        assert (stream.read(), stream.broken) == (NOISE[:CHUNK], "corrupt")
        assert stream.digest() == blake(bytes(stored))

    def test_the_content_after_a_break_is_never_read(self, opened):
        broken = bytearray(PARTS[1])
        broken[-8] ^= 1
        stream = opened(PARTS[0] + broken + PARTS[3], ".gz")
        assert (MEMBERS[0] + MEMBERS[1]).startswith(stream.read())
        assert (stream.read(), stream.read(1), stream.broken) == (b"", b"", "corrupt")


class TestDigest:
    @ALL
    @pytest.mark.parametrize("reads", [[], [1], [1, 70_000], [-1]])
    def test_it_is_of_the_stored_bytes_however_much_was_read(self, opened, suffix, reads):
        stored = COMPRESS[suffix](NOISE)
        stream = opened(stored, suffix)
        for size in reads:
            stream.read(size)
        assert stream.digest() == blake(stored)
        assert stream.digest() == blake(stored)

    @pytest.mark.parametrize(
        ("start", "end"), [(0, None), (0, 0), (0, 1), (5, 100_000), (100_000, None)]
    )
    def test_that_of_a_range_is_of_its_bytes_alone(self, opened, start, end):
        assert opened(NOISE, "", start, end).digest() == blake(NOISE[start:end])

    @pytest.mark.parametrize(
        "reads",
        [
            [(0, 10)],
            [(99_990, 20)],
            [(1000, 10), (0, 5000)],
            [(90_000, -1)],
            [(0, -1)],
            [(2000, 10), (1005, 1), (1000, 5), (1000, 50_000), (1500, 1)],
        ],
    )
    def test_reads_in_and_out_of_the_range_do_not_change_it(self, opened, reads):
        stream = opened(NOISE, "", 1000, 100_000)
        for place, size in reads:
            stream.seek(place)
            stream.read(size)
        assert stream.digest() == blake(NOISE[1000:100_000])


class FailingDisk(io.BytesIO):
    """Bytes that cannot be read from a certain place on."""

    def __init__(self, stored: bytes, place: int) -> None:
        super().__init__(stored)
        self.place = place

    def read(self, size=-1):
        if self.tell() >= self.place:
            raise OSError(5, "Input/output error")
        return super().read(size)


@ALL
def test_a_disk_that_fails_is_no_property_of_the_file(monkeypatch, suffix):
    stored = COMPRESS[suffix](NOISE)
    monkeypatch.setattr(streams, "open_raw", lambda file: FailingDisk(stored, 2 * CHUNK))
    for work in (InputStream.read, InputStream.digest, read_whole):
        stream = InputStream(InputFile("memory", f"file{suffix}", len(stored), 0.0, "jsonl"))
        with pytest.raises(OSError, match="Input/output error") as caught:
            work(stream)
        assert (caught.value.errno, stream.broken) == (5, None)


def test_a_file_closes_with_its_stream(monkeypatch):
    raw = io.BytesIO(b"abc")
    monkeypatch.setattr(streams, "open_raw", lambda file: raw)
    with InputStream(InputFile("memory", "file", 3, 0.0, "jsonl")):
        assert not raw.closed
    assert raw.closed


@pytest.mark.parametrize("length", [9, 10, 11])
def test_a_whole_file_has_at_most_so_many_bytes_else_its_beginning_is_returned(
    opened, monkeypatch, length
):
    monkeypatch.setattr(streams, "LARGEST_RECORD", 10)
    found, fault = read_whole(opened(gzip.compress(NOISE[:length]), ".gz"))
    if length <= 10:
        assert (found, fault) == (NOISE[:length], None)
    else:
        assert fault == "too_long"
        assert NOISE.startswith(found)


class TestDigestOf:
    def test_a_file_in_several_pieces_has_the_digest_of_its_account(
        self, accounts, write, monkeypatch
    ):
        path = write(*(b'{"text": "%d"}' % number for number in range(100)))
        [file] = list_files({"path": str(path)})
        whole = digest_of(file)
        assert whole == blake(path.read_bytes())
        monkeypatch.setattr("winnow.sources.partitions.LARGEST", 300)
        assert len(pieces(file)) > 2
        [account] = accounts(path).values()
        assert account.documents == 100
        assert digest_of(file) == account.digest != whole

    def test_so_has_a_compressed_one_and_it_is_that_of_its_stored_bytes(self, accounts, write):
        path = write(b'{"text": "x"}', name="file.jsonl.gz")
        [file] = list_files({"path": str(path)})
        assert digest_of(file) == accounts(path)[path.name].digest == blake(path.read_bytes())

    @pytest.mark.parametrize("largest", [64 << 20, 2000])
    def test_so_has_a_parquet_file_in_one_piece_or_several(
        self, accounts, tmp_path, monkeypatch, largest
    ):
        path = tmp_path / "file.parquet"
        texts = [f"text {number} of this table" for number in range(1000)]
        pq.write_table(pa.table({"text": texts}), path, row_group_size=100)
        monkeypatch.setattr("winnow.sources.partitions.LARGEST", largest)
        [file] = list_files({"path": str(path)})
        [account] = accounts(path).values()
        assert account.documents == 1000
        assert digest_of(file) == account.digest

    def test_so_has_a_file_that_is_broken(self, accounts, tmp_path):
        path = tmp_path / "broken.jsonl.gz"
        path.write_bytes(SMALL[:-30])
        [file] = list_files({"path": str(path)})
        assert digest_of(file) == accounts(path)[path.name].digest == blake(SMALL[:-30])
