"""JSON lines: one JSON object a line, plain or compressed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import orjson

from winnow.sources.files import InputFile
from winnow.sources.lines import BrokenStreamError, lines
from winnow.sources.records import Record, rejected, without_surrogates

SUFFIXES = (".jsonl", ".ndjson", ".json")

# Metadata: how many characters or bytes of the record had to be replaced by U+FFFD.
REPAIRED = "winnow_repaired"

_BOM = b"\xef\xbb\xbf"
_REPLACEMENT = "\ufffd"


def read(
    stream: BinaryIO, file: InputFile, options: Mapping[str, Any], start: int, end: int | None
) -> Iterator[Record]:
    """Yield the records of the lines that begin in [start, end) of the decompressed file.

    Blank lines are left out. A record that is no document becomes a reject: `not_json`,
    `not_an_object`, `no_text` (the field is missing, null or an empty string: there is nothing to
    decide about), `text_not_a_string`; after the last line that could be read, `truncated` or
    `corrupt` for a compressed file that breaks off.

    What can be mended is: lone surrogates and broken UTF-8 become U+FFFD, counted in the metadata
    under REPAIRED; NaN and infinities, which JSON does not know but Python writes, become null.

    Args:
        options: of `read_documents`.
    """
    try:
        for position, line in lines(stream, start, end):
            if position == 0:
                line = line.removeprefix(_BOM)
            if line and not line.isspace():
                yield _record(position, line, options)
    except BrokenStreamError as broken:
        reason = "truncated" if broken.is_truncated else "corrupt"
        yield rejected(broken.position, reason, broken.line)


def _record(position: int, line: bytes, options: Mapping[str, Any]) -> Record:
    repaired = 0
    try:
        values = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            values, repaired = _parse_broken(line)
        except (ValueError, RecursionError):
            return rejected(position, "not_json", line)
    if not isinstance(values, dict):
        return rejected(position, "not_an_object", line)
    text = values.pop(options["text"], None)
    if text is None or text == "":
        return rejected(position, "no_text", line)
    if not isinstance(text, str):
        return rejected(position, "text_not_a_string", line)
    identifier = values.pop(options["id"], None)
    if isinstance(identifier, int) and not isinstance(identifier, bool):
        identifier = str(identifier)
    elif not isinstance(identifier, str):
        identifier = None
    taken = {}
    for column, name in (
        ("source", "source"),
        ("licence", "licence"),
        ("url", options["url"]),
        ("created", options["created"]),
    ):
        if isinstance(values.get(name), str):
            taken[column] = values.pop(name)
    for column in ("source", "licence"):
        if options[column] is not None:
            taken[column] = options[column]
    metadata = {name: orjson.dumps(value).decode() for name, value in values.items()}
    if repaired:
        metadata[REPAIRED] = str(repaired)
    return Record(position, text, identifier, metadata=metadata, **taken)


def _parse_broken(line: bytes) -> tuple[Any, int]:
    """Parse what orjson does not take; return the value and how much of it was replaced."""
    decoded = line.decode("utf-8", "replace")
    repaired = decoded.count(_REPLACEMENT) - line.count(_REPLACEMENT.encode())
    value = json.loads(decoded, parse_constant=lambda _: None)

    def mend(part: Any) -> Any:
        nonlocal repaired
        if isinstance(part, str):
            mended = without_surrogates(part)
            repaired += mended.count(_REPLACEMENT) - part.count(_REPLACEMENT)
            return mended
        if isinstance(part, list):
            return [mend(each) for each in part]
        if isinstance(part, dict):
            return {mend(name): mend(each) for name, each in part.items()}
        return part

    return mend(value), repaired
