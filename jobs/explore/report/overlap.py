"""What each rule drops, alone and with others."""

from typing import Any

from winnow.explore.report.rows import Rows
from winnow.explore.report.steps import Sizes, Step
from winnow.schemas.documents import FAILED_RULES

# Few rules fail together in few ways: the documents are counted by these ways once.
WAYS = """
    CREATE OR REPLACE TEMP TABLE failed_together AS
    SELECT r.{failed} AS rules, count(*) AS documents, sum({bytes})::BIGINT AS bytes
    FROM {table} AS r {join}
    WHERE len(r.{failed}) > 0
    GROUP BY 1
"""
PAIRS = """
    SELECT one, other, sum(documents)::BIGINT AS documents, sum(bytes)::BIGINT AS bytes
    FROM (
        SELECT one, unnest(rules) AS other, documents, bytes
        FROM (SELECT unnest(rules) AS one, rules, documents, bytes FROM failed_together)
    )
    GROUP BY ALL
    ORDER BY ALL
"""
TOGETHER = """
    SELECT rules, documents FROM failed_together
    WHERE len(rules) > 1 ORDER BY documents DESC, rules LIMIT 8
"""


def overlaps(rows: Rows, steps: list[Step], sizes: Sizes) -> list[dict[str, Any]]:
    """Return the rules of each step with what they drop, and of which rules they drop the same."""
    return [_step(rows, step, sizes) for step in steps if step.rules]


def _step(rows: Rows, step: Step, sizes: Sizes) -> dict[str, Any]:
    join, size = sizes.of(step)
    table = rows.table(step.version)
    rows.ask(WAYS.format(failed=FAILED_RULES, bytes=size, table=table, join=join))
    pairs = rows.ask(PAIRS)
    alike = {(row["one"], row["other"]): row for row in pairs}
    rules = [_rule(rule, alike) for rule in step.rules]
    rules.sort(key=lambda rule: (-rule["failed"], rule["rule"]))
    failed = {rule["rule"]: rule["failed"] for rule in rules}
    return {
        "table": step.table,
        "stage": step.version.stage,
        "documents": step.version.rows_in,
        "rules": rules,
        "pairs": [
            {
                "rule": row["one"],
                "also fails": row["other"],
                "documents": row["documents"],
                "share": row["documents"] / failed[row["one"]],
            }
            for row in pairs
            if row["one"] != row["other"] and failed.get(row["one"])
        ],
        "together": rows.ask(TOGETHER),
    }


def _rule(rule: Any, alike: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    name = rule["rule"]
    itself = alike.get((name, name), {})
    others = [row for (one, other), row in alike.items() if one == name != other]
    closest = max(others, key=lambda row: (row["documents"], row["other"]), default=None)
    return {
        "rule": name,
        "condition": rule["condition"],
        "action": rule["action"],
        "failed": rule["failed"],
        "failed_alone": rule["failed_alone"],
        "failed_first": rule["failed_first"],
        "bytes": itself.get("bytes"),
        "agrees_with": closest["other"] if closest else None,
        "agrees_on": closest["documents"] if closest else 0,
    }
