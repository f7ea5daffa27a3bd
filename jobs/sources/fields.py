"""A record's named values to a document: what JSON objects and Parquet rows have in common."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import orjson

from winnow.sources.records import REPAIRED, Record, rejected

_NAMED = ("source", "licence", "url", "created")  # columns whose field an option names


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields of a record become which columns, as a call of `read_documents` has it."""

    text: str
    id: str
    columns: tuple[tuple[str, str], ...]  # column, field
    constants: Mapping[str, str]

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Self:
        """Return the fields that the options of a call name."""
        columns = tuple((column, options[column]) for column in _NAMED)
        return cls(options["text"], options["id"], columns, constants(options))

    def document(
        self, values: dict[str, Any], position: int, repaired: int, raw: bytes | None = None
    ) -> Record:
        """Return the record as a document: columns by their fields, all else as metadata.

        A reject is `no_text` (the field is missing, null or an empty string: there is nothing to
        decide about), `text_not_a_string` or `too_deep` (values in each other, hundreds deep).

        Args:
            values: by name.
            position: of the record.
            repaired: how much of the values is U+FFFD in place of what could not be decoded.
            raw: the record as it was stored, for the reject; None where that is nothing to look at.
        """
        text = values.get(self.text)
        if not isinstance(text, str) or not text:
            reason = "no_text" if text in (None, "") else "text_not_a_string"
            return rejected(position, reason, _json(values).encode() if raw is None else raw)
        identifier = values.get(self.id)
        if isinstance(identifier, int | UUID) and not isinstance(identifier, bool):
            identifier = str(identifier)
        elif not isinstance(identifier, str):
            identifier = None  # a value of another type stays in the metadata
        taken = {
            column: values[field]
            for column, field in self.columns
            if isinstance(values.get(field), str)
        }
        used = {field for column, field in self.columns if column in taken}  # one may serve several
        used.add(self.text)
        if identifier is not None:
            used.add(self.id)
        taken.update(self.constants)
        try:
            metadata = {name: _json(value) for name, value in values.items() if name not in used}
        except RecursionError:
            return rejected(position, "too_deep", raw or b"")
        if repaired:
            metadata[REPAIRED] = str(repaired)
        return Record(position, text, id=identifier, metadata=metadata, **taken)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # deeper than 254 values, or an integer beyond 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def constants(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that a call gives all its documents."""
    given = {column: options[f"constant_{column}"] for column in ("source", "licence")}
    return {column: value for column, value in given.items() if value is not None}
