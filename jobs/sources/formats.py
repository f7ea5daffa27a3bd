"""The formats that documents are read from: one module each.

A format's module has `read(stream, file, options, start, end)`, which yields the records that
begin in [start, end) of the decompressed stream, `end` None for all of it: each one as a `Record`
or, if it is meant to be no document, as `Skipped`; and `Broken` where what the stream holds cannot
be read on. That the stream itself breaks off is noted by whoever opened it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from winnow.sources import html, jsonl, parquet, python_environment, text, warc
from winnow.sources.files import COMPRESSED, InputFile
from winnow.sources.records import Broken, Record, Skipped
from winnow.sources.streams import InputStream

Read = Callable[
    [InputStream, InputFile, Mapping[str, Any], int, int | None],
    Iterator[Record | Skipped | Broken],
]


@dataclass(frozen=True)
class Format:
    """One format. `is_splittable`: ranges of an uncompressed file can be read by themselves."""

    read: Read
    suffixes: tuple[str, ...] = ()
    is_splittable: bool = False


FORMATS: Mapping[str, Format] = {
    "jsonl": Format(jsonl.read, jsonl.SUFFIXES, is_splittable=True),
    "parquet": Format(parquet.read, parquet.SUFFIXES, is_splittable=True),
    "text": Format(text.read, text.SUFFIXES),
    "html": Format(html.read, html.SUFFIXES),
    "warc": Format(warc.read, warc.SUFFIXES),
    python_environment.FORMAT: Format(python_environment.read),
}


def format_of(name: str) -> str | None:
    """Return the format that a file's name ends in, what it is compressed with left out."""
    name = name.lower()
    packed = next((suffix for suffix in COMPRESSED if name.endswith(suffix)), "")
    name = name.removesuffix(packed)
    return next((key for key, each in FORMATS.items() if name.endswith(each.suffixes)), None)
