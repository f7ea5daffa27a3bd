"""The rows of a query on stdout: a table for people, CSV and JSON for programs."""

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import IO, Any

from winnow.explore.json_text import plain, to_json
from winnow.explore.query import Query
from winnow.explore.screen import Screen, escape, shown

TABLE_ROWS = 100
NARROWEST = 12  # cells of a column, below which a table says nothing


def rows_of(query: Query) -> Iterator[tuple[Any, ...]]:
    """Return the rows of a query as Python values; a map becomes a dictionary."""
    for batch in query.batches():
        columns = [column.to_pylist(maps_as_pydicts="lossy") for column in batch.columns]
        yield from zip(*columns, strict=True)


def write_table(query: Query, stream: IO[str], screen: Screen, most: int = TABLE_ROWS) -> None:
    """Write at most `most` rows, cut to the screen; many columns go below each other."""
    rows = list(islice(rows_of(query), most + 1))
    more = len(rows) > most
    rows = rows[:most]
    if not rows:
        stream.write("no rows\n")
    elif _too_wide(query.columns, rows, screen):
        records = [
            screen.paint(f"row {number}", "dim") + "\n" + screen.record(query.columns, row)
            for number, row in enumerate(rows, 1)
        ]
        stream.write("\n\n".join(records) + "\n")
    else:
        heads = [escape(name) for name in query.columns]
        numbers = " ".join(
            head for i, head in enumerate(heads) if any(_is_number(row[i]) for row in rows)
        )
        values = [[shown(value) for value in row] for row in rows]
        stream.write(screen.table(heads, values, right=numbers) + "\n")
    if more:
        stream.write(f"… more than {most} rows; --format csv or json gives all\n")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _too_wide(columns: Sequence[str], rows: Sequence[Sequence[Any]], screen: Screen) -> bool:
    widths = [
        min(NARROWEST, max([len(name), *(len(shown(row[i])) for row in rows)]))
        for i, name in enumerate(columns)
    ]
    return sum(widths) + 2 * (len(widths) - 1) > screen.width


def write_csv(query: Query, stream: IO[str]) -> None:
    """Write all rows as CSV. On a terminal, what steers it is written out."""
    writer = csv.writer(stream, lineterminator="\n")
    safe = escape if stream.isatty() else str
    writer.writerow([safe(name) for name in query.columns])
    for row in rows_of(query):
        writer.writerow(["" if value is None else safe(_csv(value)) for value in row])


def _csv(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(plain(value), ensure_ascii=False)
    return value.isoformat() if isinstance(value, datetime) else shown(value)


def write_json(query: Query, stream: IO[str]) -> None:
    """Write all rows as one array of objects, a row a line."""
    names = _unique(query.columns)
    lead = "[\n"
    for row in rows_of(query):
        stream.write(lead + to_json(dict(zip(names, row, strict=True))))
        lead = ",\n"
    stream.write("[]\n" if lead == "[\n" else "\n]\n")


def _unique(names: Sequence[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number, free = 1, name
        while free in found:
            number += 1
            free = f"{name}_{number}"
        found.append(free)
    return found
