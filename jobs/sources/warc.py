"""Web archives: WARC and WET files, plain or compressed, read by FastWARC.

A response or a resource becomes a document with its payload as `content`, a conversion (WET) one
with its `text`. Positions are those of the decompressed file, so that they differ from each other
in an archive that was compressed as a whole, too.
"""

import io
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson
from backports.zstd import ZstdDecompressor, ZstdError
from fastwarc.stream_io import BrotliReader
from fastwarc.warc import ArchiveIterator, WarcRecord

from winnow.sources.fields import constants
from winnow.sources.files import InputFile
from winnow.sources.records import (
    CORRUPT,
    LARGEST_RECORD,
    REPAIRED,
    SNIPPET_BYTES,
    TOO_LONG,
    TRUNCATED,
    Broken,
    Record,
    Skipped,
    decode,
    rejected,
)
from winnow.sources.streams import InputStream

SUFFIXES = (".warc", ".wet", ".wat", ".arc")

# Metadata: the payload stays as it was sent, since it is not in this encoding, which it names.
NOT_DECODED = "winnow_not_decoded"
# Metadata: the payload is the beginning of what was in this encoding, which breaks off.
CUT = "winnow_cut"

NOT_WARC = "not_warc"  # ARC, or anything else

Decoded = tuple[bytes, bool]  # a body, and whether that is all of it

_DOCUMENTS = frozenset({"response", "resource", "conversion"})
# Columns of their own; the other headers of a record go to its metadata.
_TAKEN = frozenset(
    {
        "warc-record-id",
        "warc-target-uri",
        "warc-date",
        "warc-truncated",
        "warc-payload-digest",
        "content-type",
        "content-length",
    }
)
_LONGEST_HEADER = 64 << 10
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?")
_EMPTY_BROTLI = 8  # bytes, more than the longest stream that holds nothing
_FOLDED = re.compile(rb"\r?\n[ \t]+")  # obsolete, RFC 9112, section 5.2


def read(
    stream: InputStream, file: InputFile, options: Mapping[str, Any], start: int, end: int | None
) -> Iterator[Record | Skipped | Broken]:
    """Yield the records of an archive; those of other kinds (request, revisit, ...) are skipped.

    Rejects are `no_text` (an empty conversion), `bad_header` (a record that does not say how long
    it is), `too_long` (over LARGEST_RECORD bytes) and `truncated` (the last one, if the archive
    ends inside of it). An archive is broken where its compression is, or where no record begins.

    Args:
        options: of `read_documents`; only the constants are looked at.
    """
    last: tuple[int, int] | None = None  # position and length of a record
    is_cut = False  # whether the archive ends inside of that one
    try:
        for record in ArchiveIterator(stream, stream_detect=False, parse_http=False):
            last = record.stream_pos, record.content_length
            read_one = _read(record, options)
            is_cut = isinstance(read_one, Record) and read_one.reject_reason == TRUNCATED
            yield read_one
    except OSError as error:
        if error.errno is not None:  # the disk or the network, not what the file holds
            raise
        if stream.broken is None:
            yield Broken(0, NOT_WARC) if last is None else Broken(_end_of(file, *last), CORRUPT)
        return
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # FastWARC's own, which is no Exception
            raise
        yield Broken(stream.tell(), CORRUPT)
        return
    if stream.broken is not None:
        return
    if last is None and stream.tell() > 0:
        yield Broken(0, NOT_WARC)
    elif is_cut or (last is not None and stream.tell() < sum(last)):
        yield Broken(stream.tell(), TRUNCATED)


def _read(record: WarcRecord, options: Mapping[str, Any]) -> Record | Skipped:
    pairs = [(_text(name), _text(value)) for name, value in record.headers.items_bytes()]
    headers = {name.lower(): value for name, value in pairs}
    kind = str(record.record_type)
    length = record.content_length
    if length > LARGEST_RECORD:
        return rejected(record.stream_pos, TOO_LONG, record.reader.read(SNIPPET_BYTES))
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    head, body = _message(record, media_type == "application/http")
    said = headers.get("content-length", "")
    if not said or (said.lstrip("0") or "0") != str(length):
        return rejected(record.stream_pos, "bad_header", head + body)
    if len(head) + len(body) < length:
        return rejected(record.stream_pos, TRUNCATED, head + body)
    if kind not in _DOCUMENTS:
        return Skipped(kind)
    metadata = {
        name: orjson.dumps(value).decode() for name, value in pairs if name.lower() not in _TAKEN
    }
    if len(headers) < len(pairs):  # a header that stands more than once is an array
        for name in metadata:
            values = [value for other, value in pairs if other == name]
            metadata[name] = orjson.dumps(values if len(values) > 1 else values[0]).decode()
    status, sent, content_type = None, None, headers.get("content-type")
    if head:
        status, sent = _http(head)
        content_type = sent.get("content-type")
        body, noted = _decoded(body, sent)
        if len(body) > LARGEST_RECORD:
            return rejected(record.stream_pos, TOO_LONG, body)
        metadata |= noted
    text = None
    if kind == "conversion":
        text, repaired = decode(body)
        if not text:
            return rejected(record.stream_pos, "no_text", body)
        if repaired:
            metadata[REPAIRED] = str(repaired)
    return Record(
        record.stream_pos,
        text,
        None if kind == "conversion" else body,
        id=headers.get("warc-record-id", "").strip("<>").removeprefix("urn:uuid:") or None,
        url=headers.get("warc-target-uri", "").strip("<>") or None,
        created=headers.get("warc-date"),
        metadata=metadata,
        http_status=status,
        http_headers=sent,
        content_type=content_type,
        truncated=headers.get("warc-truncated"),
        payload_digest=headers.get("warc-payload-digest"),
        **constants(options),
    )


def _text(raw: bytes) -> str:
    """Decode a header; bytes that are no UTF-8 are taken for Latin-1, as browsers do."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _message(record: WarcRecord, is_http: bool) -> tuple[bytes, bytes]:
    """Return the head of an HTTP message, with the blank line after it, and what follows.

    There is no head in a block that is no HTTP: of one FastWARC's iterator would take the beginning
    for headers, so it parses none. Line by line, since a body that is cut off is copied once more.
    """
    if not is_http:
        return b"", record.reader.read()
    head = line = record.reader.readline()
    if not head.startswith(b"HTTP/"):
        return b"", head + record.reader.read()
    while line:
        is_begun = not line.endswith(b"\n")  # a long line comes in pieces
        line = record.reader.readline()
        head += line
        if not is_begun and line in (b"\r\n", b"\n"):
            break
    return head, record.reader.read()


def _http(head: bytes) -> tuple[int | None, dict[str, str]]:
    """Return the status of an HTTP response and its headers.

    Names are in lower case; repeated headers are joined as RFC 9110, section 5.3, says.
    """
    first, *lines = _FOLDED.sub(b" ", head).splitlines()
    code = first.split(None, 2)[1:2]
    status = int(code[0]) if code and code[0].isdigit() and len(code[0]) == 3 else None
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = _text(line).partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return status, headers


def _inflating(*new: Callable[[], Any], several: bool = False) -> Callable[[bytes], Decoded]:
    """Return a decoder by decompressors that are tried in order.

    Args:
        new: make one with the methods of zlib's.
        several: what they undo may stand several times in a row.
    """

    def inflate(body: bytes) -> Decoded:
        for decompressor in new:
            parts: list[bytes] = []
            room, rest, is_whole = LARGEST_RECORD + 1, body, False
            try:
                while room and rest[:2] == body[:2]:
                    is_whole = False
                    member = decompressor()
                    parts.append(member.decompress(rest, room))
                    room -= len(parts[-1])
                    is_whole = member.eof or not room
                    rest = member.unused_data if several else b""
            except (zlib.error, ZstdError):
                if not parts:
                    continue
            if parts[0] or is_whole:
                return b"".join(parts), is_whole
        raise OSError("in no format that was tried")

    return inflate


def _dechunked(body: bytes) -> Decoded:
    """Put chunks together, RFC 9112, section 7.1; their extensions and trailers are left out."""
    parts: list[bytes] = []
    at = 0
    while at < len(body):
        end = body.find(b"\n", at)
        size = _CHUNK_SIZE.fullmatch(body, at, end if end >= 0 else len(body))
        if size is None or (end < 0 and not parts):
            raise OSError("no chunk")
        length = int(size[1], 16)
        if end < 0 or length > LARGEST_RECORD:
            break
        if length == 0:
            if not parts and body[end:].strip():
                raise OSError("no chunk, but what follows")
            return b"".join(parts), True
        parts.append(body[end + 1 : end + 1 + length])
        at = end + 1 + length
        at += 2 if body[at : at + 2] == b"\r\n" else 1
    if not parts:
        raise OSError("no chunk")
    return b"".join(parts), False


def _unbrotlied(body: bytes) -> Decoded:
    # One byte more than a record may have tells that it has more.
    found = bytes(BrotliReader(io.BytesIO(body)).read(LARGEST_RECORD + 1))
    if not found and len(body) > _EMPTY_BROTLI:
        raise OSError("no brotli")
    return found, True


_gunzipped = _inflating(lambda: zlib.decompressobj(zlib.MAX_WBITS | 16), several=True)
# From what was sent to what was meant, and whether that is all of it.
_DECODERS: Mapping[str, Callable[[bytes], Decoded]] = {
    "chunked": _dechunked,
    "gzip": _gunzipped,
    "x-gzip": _gunzipped,
    "br": _unbrotlied,
    "zstd": _inflating(ZstdDecompressor, several=True),
    # HTTP means zlib's format; servers send it without its header, too.
    "deflate": _inflating(zlib.decompressobj, lambda: zlib.decompressobj(-zlib.MAX_WBITS)),
}


def _decoded(body: bytes, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """Undo the encodings that HTTP headers name; return also what the metadata says of that."""
    noted = {}
    for header in ("transfer-encoding", "content-encoding"):
        for encoding in reversed(headers.get(header, "").lower().split(",")):
            decoder = _DECODERS.get(encoding.strip())
            if decoder is not None and body:
                name = orjson.dumps(encoding.strip()).decode()
                try:
                    body, is_whole = decoder(body)
                except OSError:
                    return body, {NOT_DECODED: name}
                if not is_whole:
                    noted[CUT] = name
    return body, noted


def _end_of(file: InputFile, position: int, length: int) -> int:
    """Return where a record ends; the file is read again up to it."""
    with InputStream(file) as stream:
        while (left := position - stream.tell()) > 0 and stream.read(min(left, 1 << 20)):
            pass
        header = stream.read(_LONGEST_HEADER).partition(b"\r\n\r\n")[0]
    return position + len(header) + 8 + length
