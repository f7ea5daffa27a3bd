"""What the corpus is made of, before and after: sources, languages, licences."""

from typing import Any

from winnow.explore.report.rows import Rows, path, quoted
from winnow.explore.report.steps import ID, Sizes, Step
from winnow.schemas.documents import DROPPED, FAILED_RULES, READABLE

PARTS = ("source", "language", "licence")
MOST = 12  # values that are named; the others are one row
SHARES = """
    WITH counted AS (
        SELECT
            {value}::VARCHAR AS value,
            count(*) AS before,
            count(final.{id}) AS after,
            sum({bytes})::BIGINT AS bytes_before,
            sum({bytes}) FILTER (WHERE final.{id} IS NOT NULL)::BIGINT AS bytes_after
        FROM (SELECT * FROM {table} WHERE {readable}) AS r
        {join}
        LEFT JOIN (SELECT DISTINCT {id} FROM {final} {kept}) AS final ON final.{id} = r.{id}
        GROUP BY 1
    ),
    ranked AS (
        SELECT *, row_number() OVER (ORDER BY before DESC, value) AS place FROM counted
    )
    SELECT
        CASE WHEN place <= {most} THEN value END AS value,
        place > {most} AS is_rest,
        count(*) AS many,
        sum(before)::BIGINT AS before,
        sum(after)::BIGINT AS after,
        sum(bytes_before)::BIGINT AS bytes_before,
        sum(bytes_after)::BIGINT AS bytes_after
    FROM ranked
    GROUP BY 1, 2
    ORDER BY is_rest, before DESC, value
"""


def mixture(rows: Rows, steps: list[Step], sizes: Sizes) -> list[dict[str, Any]]:
    """Return, for each part, how many documents and bytes of each value came and are left.

    What came are all rows of the first step that knows the part, records that could not be read
    left out; what is left are those whose ids are in the last step.
    """
    found = []
    for part in PARTS:
        step = next((one for one in steps if part in one.columns), None)
        if step is not None and not step.version.is_view:
            found.append(_part(rows, part, step, steps[-1], sizes))
    return found


def _part(rows: Rows, part: str, step: Step, last: Step, sizes: Sizes) -> dict[str, Any]:
    join, size = sizes.of(step)
    query = SHARES.format(
        value=path((part,)),
        id=quoted(ID),
        bytes=size,
        table=rows.table(step.version),
        readable=f"NOT list_contains({FAILED_RULES}, '{READABLE[0]}')",
        join=join,
        final=rows.table(last.version),
        kept="" if last.version.is_view else f"WHERE NOT {DROPPED}",
        most=MOST,
    )
    values = rows.ask(query)
    totals = {
        name: sum(row[name] or 0 for row in values)
        for name in ("before", "after", "bytes_before", "bytes_after")
    }
    return {
        "part": part,
        "before_in": step.table,
        "after_in": last.table,
        "values": [
            row
            | {
                "name": name_of(row),
                "share_before": _share(row["before"], totals["before"]),
                "share_after": _share(row["after"], totals["after"]),
                "kept": _share(row["after"], row["before"]),
            }
            for row in values
        ],
    }


def name_of(row: dict[str, Any]) -> str:
    """Return what a row of a part is called: its value, or how many others it stands for."""
    if row["is_rest"]:
        return f"{row['many']:,} others"
    return "unknown" if row["value"] is None else str(row["value"])


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
