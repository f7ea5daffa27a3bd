"""JSON lines: one JSON object a line, plain or compressed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from winnow.sources.fields import Fields
from winnow.sources.files import InputFile
from winnow.sources.lines import lines
from winnow.sources.records import (
    LARGEST_RECORD,
    REPLACEMENT,
    Record,
    rejected,
    without_surrogates,
)
from winnow.sources.streams import InputStream

SUFFIXES = (".jsonl", ".ndjson", ".json")

_BOM = b"\xef\xbb\xbf"
_LARGE = 2.0**63  # orjson makes a double of a larger integer


def read(
    stream: InputStream, file: InputFile, options: Mapping[str, Any], start: int, end: int | None
) -> Iterator[Record]:
    """Yield the records of the lines that begin in [start, end) of the decompressed file.

    Blank lines are left out. A record that is no document becomes a reject: `not_json`,
    `not_an_object`, `too_long` (over LARGEST_RECORD bytes), or as `Fields.document` says; the line
    in which a compressed file breaks off `truncated` or `corrupt`.

    What can be mended is: lone surrogates and broken UTF-8 become U+FFFD, counted in the metadata
    under `records.REPAIRED`; NaN and infinities, which JSON does not know but Python writes,
    become null.

    Args:
        options: of `read_documents`.
    """
    fields = Fields.of(options)
    for position, line, fault in lines(stream, start, end, LARGEST_RECORD):
        if position == 0:
            line = line.removeprefix(_BOM)
        if fault is not None and line:
            yield rejected(position, fault, line)
        elif line and not line.isspace():
            yield _record(position, line, fields)


def _record(position: int, line: bytes, fields: Fields) -> Record:
    repaired = 0
    try:
        values = orjson.loads(line)
        is_exact = not _has_large(values)
    except orjson.JSONDecodeError:
        is_exact = False
    if not is_exact:
        try:
            values, repaired = _parse_broken(line)
        except ValueError:
            return rejected(position, "not_json", line)
        except RecursionError:
            return rejected(position, "too_deep", line)
    if not isinstance(values, dict):
        return rejected(position, "not_an_object", line)
    return fields.document(values, position, repaired, line)


def _has_large(value: Any) -> bool:
    """Whether a number may have been an integer with more digits than a double holds."""
    parts = [value]
    for part in parts:  # which grows meanwhile: values may stand in each other hundreds deep
        if isinstance(part, dict):
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)
        elif isinstance(part, float) and abs(part) >= _LARGE:
            return True
    return False


def _parse_broken(line: bytes) -> tuple[Any, int]:
    """Parse what orjson does not take; return the value and how much of it was replaced."""
    decoded = line.decode("utf-8", "replace")
    repaired = decoded.count(REPLACEMENT) - line.count(REPLACEMENT.encode())
    value = json.loads(decoded, parse_int=_integer, parse_constant=lambda _: None)

    def mend(part: Any) -> Any:
        nonlocal repaired
        if isinstance(part, str):
            mended = without_surrogates(part)
            repaired += mended.count(REPLACEMENT) - part.count(REPLACEMENT)
            return mended
        if isinstance(part, list):
            return [mend(each) for each in part]
        if isinstance(part, dict):
            return {mend(name): mend(each) for name, each in part.items()}
        return part

    return mend(value), repaired


def _integer(digits: str) -> int | str:
    """Return an integer; one that Python does not convert, of more than 4,300 digits, as text."""
    try:
        return int(digits)
    except ValueError:
        return digits
