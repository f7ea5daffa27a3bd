"""The formats that documents are read from: one module each.

A format's module has `read(stream, file, options, start, end)`, which yields the records that
begin in [start, end) of the decompressed stream, `end` None for all of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from winnow.sources import jsonl, python_environment
from winnow.sources.files import COMPRESSED, InputFile
from winnow.sources.records import Record

Read = Callable[[BinaryIO, InputFile, Mapping[str, Any], int, int | None], Iterator[Record]]


@dataclass(frozen=True)
class Format:
    """One format. `is_splittable`: ranges of an uncompressed file can be read by themselves."""

    read: Read
    suffixes: tuple[str, ...] = ()
    is_splittable: bool = False


FORMATS: Mapping[str, Format] = {
    "jsonl": Format(jsonl.read, jsonl.SUFFIXES, is_splittable=True),
    python_environment.FORMAT: Format(python_environment.read),
}


def format_of(name: str) -> str | None:
    """Return the format that a file's name ends in, what it is compressed with left out."""
    name = name.lower()
    for suffix in COMPRESSED:
        name = name.removesuffix(suffix)
    return next((key for key, each in FORMATS.items() if name.endswith(each.suffixes)), None)
