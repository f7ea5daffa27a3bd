"""Plain text: one file, one document."""

import codecs
from collections.abc import Iterator, Mapping
from typing import Any

from winnow.sources.fields import constants
from winnow.sources.files import InputFile
from winnow.sources.records import REPAIRED, REPLACEMENT, Record, decode, rejected
from winnow.sources.streams import InputStream, read_whole

SUFFIXES = (".txt", ".md", ".rst")

# A byte order mark that is not that of UTF-8 names the encoding; UTF-32's begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read(
    stream: InputStream, file: InputFile, options: Mapping[str, Any], start: int, end: int | None
) -> Iterator[Record]:
    """Yield the file as one document: UTF-8, or what its byte order mark says.

    What is not in the encoding becomes U+FFFD and is counted in the metadata. Rejects are `no_text`
    (an empty file), `too_long`, and `truncated` or `corrupt` if it was compressed and breaks off.
    """
    content, fault = read_whole(stream)
    if fault is not None:
        yield rejected(0, fault, content)
        return
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if encoding is None:
        text, repaired = decode(content)
    else:
        text = content.decode(encoding, "replace")
        repaired = text.count(REPLACEMENT)
        if repaired:  # or they were there before
            repaired -= content.decode(encoding, "ignore").count(REPLACEMENT)
    if not text:
        yield rejected(0, "no_text", content)
        return
    metadata = {REPAIRED: str(repaired)} if repaired else {}
    yield Record(0, text, metadata=metadata, **constants(options))
