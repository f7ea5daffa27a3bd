"""Web pages: one file, one page. Its text is taken out by a stage, with `extract_text`."""

from collections.abc import Iterator, Mapping
from typing import Any

from winnow.sources.fields import constants
from winnow.sources.files import InputFile
from winnow.sources.records import Record, rejected
from winnow.sources.streams import InputStream, read_whole

SUFFIXES = (".html", ".htm", ".xhtml")


def read(
    stream: InputStream, file: InputFile, options: Mapping[str, Any], start: int, end: int | None
) -> Iterator[Record]:
    """Yield the file as one page, its bytes as `content`.

    Rejects are `no_text` (an empty file), `too_long`, and `truncated` or `corrupt` if it was
    compressed and breaks off.
    """
    content, fault = read_whole(stream)
    if fault is not None or not content:
        yield rejected(0, fault or "no_text", content)
        return
    yield Record(0, content=content, content_type="text/html", **constants(options))
