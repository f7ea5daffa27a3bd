"""How many documents and bytes pass each step: what the picture of the flow is drawn from."""

from typing import Any

from winnow.explore.report.rows import Rows
from winnow.explore.report.steps import RECORD, Sizes, Step
from winnow.schemas.documents import DROPPED

COUNTS = """
    SELECT {dropped} AS dropped, count(*) AS documents, sum({bytes})::BIGINT AS bytes
    FROM {table} AS r {join}
    GROUP BY 1
"""
MOST_RULES = 6  # named in one bar; the others share a piece


def flow(rows: Rows, steps: list[Step], sizes: Sizes) -> list[dict[str, Any]]:
    """Return, for each step, what came, stayed and went, in documents and bytes of text."""
    return [_step(rows, step, sizes) for step in steps]


def _step(rows: Rows, step: Step, sizes: Sizes) -> dict[str, Any]:
    join, size = sizes.of(step)
    dropped = "false" if step.version.is_view else f"r.{DROPPED}"
    query = COUNTS.format(dropped=dropped, bytes=size, table=rows.table(step.version), join=join)
    found = {row["dropped"]: row for row in rows.ask(query)}
    kept, gone = found.get(False, {}), found.get(True, {})
    return {
        "table": step.table,
        "stage": step.version.stage,
        "version": step.version.version,
        "kind": step.version.kind,
        "comment": step.version.comment,
        "above": list(step.above),
        "kept": kept.get("documents", 0),
        "dropped": gone.get("documents", 0),
        "kept_bytes": kept.get("bytes") or 0,
        "dropped_bytes": gone.get("bytes") or 0,
        "first": _first(step),
        "seconds": step.version.seconds,
    }


def _first(step: Step) -> list[dict[str, Any]]:
    """Return how many dropped rows each rule was the first to drop, the most first."""
    dropping = [rule for rule in step.rules if rule["action"] != RECORD and rule["failed_first"]]
    dropping.sort(key=lambda rule: (-rule["failed_first"], rule["rule"]))
    pieces = [
        {"rule": rule["rule"], "documents": rule["failed_first"]} for rule in dropping[:MOST_RULES]
    ]
    others = dropping[MOST_RULES:]
    if others:
        rest = sum(rule["failed_first"] for rule in others)
        pieces.append({"rule": f"{len(others)} more rules", "documents": rest})
    return pieces
