"""How a cut moved the mixture: the tables that the operator `mixture_shift` made."""

from typing import Any

from winnow.engine.registry import Version
from winnow.explore.catalog import Catalog
from winnow.explore.report.mixture import MOST, name_of
from winnow.explore.report.rows import Rows
from winnow.schemas.documents import DROPPED

COUNTS = ("documents_before", "documents_after", "share_before", "share_after")
COLUMNS = {"dimension", "value", *COUNTS}
MOST_DIMENSIONS = 20
SHIFTS = """
    WITH ranked AS (
        SELECT
            *,
            row_number() OVER (PARTITION BY dimension ORDER BY share_before DESC, value) AS place,
            dense_rank() OVER (ORDER BY dimension) AS number
        FROM {table}
        WHERE NOT {dropped}
    )
    SELECT
        dimension,
        CASE WHEN place <= {most} THEN value END AS value,
        place > {most} AS is_rest,
        count(*) AS many,
        {sums}
    FROM ranked
    WHERE number <= {dimensions}
    GROUP BY ALL
    ORDER BY dimension, is_rest, share_before DESC, value
"""


def shifts(catalog: Catalog, rows: Rows, pipeline: str) -> list[dict[str, Any]]:
    """Return, for each table of shares and each of its dimensions, how the shares moved.

    The values with the largest shares before are named, the others are one row. A share is of the
    weight that the table was made with, tokens or bytes.
    """
    tables = [
        item
        for item in catalog.ordered()
        if item.pipeline == pipeline and not item.is_view and set(item.columns) >= COLUMNS
    ]
    return [part for item in tables for part in _parts(rows, item)]


def _parts(rows: Rows, version: Version) -> list[dict[str, Any]]:
    query = SHIFTS.format(
        table=rows.table(version),
        dropped=DROPPED,
        most=MOST,
        dimensions=MOST_DIMENSIONS,
        sums=", ".join(f"sum({name}) AS {name}" for name in COUNTS),
    )
    found: dict[str, dict[str, Any]] = {}
    for row in rows.ask(query):
        dimension = row.pop("dimension")
        part = found.setdefault(
            dimension, {"table": version.table, "dimension": dimension, "values": []}
        )
        before, after = row["share_before"], row["share_after"]
        factor = after / before if before and after is not None else None
        part["values"].append(row | {"name": name_of(row), "factor": factor})
    return list(found.values())
