"""Documents to look at: for each rule some that failed it and some that only just passed it.

They are chosen by the MD5 digests of their ids: at random with respect to what they say, and the
same ones in every report about the same version.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from winnow.explore.conditions import Path, columns_of, value_at
from winnow.explore.report.rows import Rows, literal, path, quoted
from winnow.explore.report.signals import numeric, value
from winnow.explore.report.steps import ID, Step
from winnow.explore.report.thresholds import Threshold, thresholds
from winnow.schemas.documents import DROPPED, FAILED_RULES

FAILED, PASSED, KEPT, BEST = 3, 3, 6, 5  # documents shown: of a rule, of a step, of a score
ORIGIN = ("source", "licence", "language", "url", "file", "position")
REJECT = ("reject_reason", "reject_snippet")
OF_RULES = """
    SELECT rule, arg_min(id, md5(id), {most}) AS ids
    FROM (SELECT id, unnest({failed}) AS rule FROM {table})
    GROUP BY rule
"""
OF_KEPT = "SELECT arg_min(id, md5(id), {most}) AS ids FROM {table} WHERE NOT {dropped}"
CLOSEST = """
    (min(struct_pack(distance := {distance}, digest := md5(r.id), id := r.id), {most})
        FILTER (WHERE NOT list_contains(r.{failed}, {rule}) AND isfinite({distance})))
"""
BY_SCORE = """
    SELECT id, {score} AS score FROM {table} AS r
    WHERE NOT {dropped} AND isfinite({score})
    ORDER BY score {order}, md5(id)
    LIMIT {most}
"""
VALUES = "SELECT {columns} FROM {table} AS r WHERE r.id IN ({ids})"
# A score of chance: every text has one, whatever it is about.
SCORE, SCORES = "score", "_score"


def samples(rows: Rows, steps: list[Step]) -> list[dict[str, Any]]:
    """Return, for each step with rules, documents by rule and some that stayed."""
    return [_step(rows, step) for step in steps if step.rules and step.version.rows_in]


def _step(rows: Rows, step: Step) -> dict[str, Any]:
    table = rows.table(step.version)
    query = OF_RULES.format(most=FAILED, failed=FAILED_RULES, table=table)
    failed = {row["rule"]: row["ids"] for row in rows.ask(query)}
    passed = _closest(rows, step)
    (kept,) = rows.ask(OF_KEPT.format(most=KEPT, table=table, dropped=DROPPED))
    rules = [
        {
            "rule": rule["rule"],
            "condition": rule["condition"],
            "action": rule["action"],
            "documents": rule["failed"],
            "failed": failed.get(rule["rule"], []),
            "passed": passed.get(rule["rule"], []),
        }
        for rule in step.rules
    ]
    ids = [id for rule in rules for id in (*rule["failed"], *rule["passed"])]
    return {
        "table": step.table,
        "stage": step.version.stage,
        "rules": rules,
        "kept": kept["ids"] or [],
        "documents": _documents(rows, step, [*ids, *(kept["ids"] or [])]),
    }


def _closest(rows: Rows, step: Step) -> dict[str, list[str]]:
    """Return the documents that passed a rule by the least, for each rule whose line is known."""
    limits: dict[str, Threshold] = {}
    for rule in step.rules:
        for one in thresholds(rule["condition"] or ""):
            if {one.measure.column, one.measure.per or one.measure.column} <= set(numeric(step)):
                limits.setdefault(rule["rule"], one)
    if not limits:
        return {}
    columns = ", ".join(
        CLOSEST.format(
            distance=f"abs({value(one.measure)} - {one.value!r})",
            most=PASSED,
            failed=FAILED_RULES,
            rule=literal(rule),
        )
        + f" AS r{i}"
        for i, (rule, one) in enumerate(limits.items())
    )
    (found,) = rows.ask(f"SELECT {columns} FROM {rows.table(step.version)} AS r")
    return {rule: [one["id"] for one in found[f"r{i}"] or ()] for i, rule in enumerate(limits)}


def _documents(rows: Rows, step: Step, ids: list[str]) -> dict[str, dict[str, Any]]:
    """Return what a step stored of some documents: where they come from, what rules saw."""
    conditions = {
        rule["rule"]: columns_of(rule["condition"] or "", {*step.columns}) for rule in step.rules
    }
    extra = [name for name in (*ORIGIN, *REJECT, "kept_id") if name in step.columns]
    names = {path[0] for paths in conditions.values() for path in paths}
    columns = sorted({ID, FAILED_RULES, DROPPED, *extra, *names})
    found = _values(rows, step, columns, ids)
    return {
        row[ID]: {
            "id": row[ID],
            "dropped": row[DROPPED],
            "failed": row[FAILED_RULES] or [],
            "origin": {name: row[name] for name in ORIGIN if row.get(name) is not None},
            "reject": {name: row[name] for name in REJECT if row.get(name) is not None},
            "kept_id": row.get("kept_id"),
            "values": {
                rule: {".".join(path): value_at(row, path) for path in paths}
                for rule, paths in conditions.items()
            },
        }
        for row in found
    }


def _values(rows: Rows, step: Step, columns: list[str], ids: Iterable[str]) -> list[dict[str, Any]]:
    wanted = sorted(set(ids))
    if not wanted:
        return []
    query = VALUES.format(
        columns=", ".join(f"r.{quoted(name)}" for name in columns),
        table=rows.table(step.version),
        ids=", ".join(map(literal, wanted)),
    )
    return rows.ask(query)


def favourites(rows: Rows, steps: list[Step]) -> list[dict[str, Any]]:
    """Return the kept documents with the highest and the lowest of each score."""
    found = []
    for step in steps:
        for column in numeric(step) if not step.version.is_view else ():
            if column[-1] == SCORE or column[-1].endswith(SCORES):
                best, worst = (_by_score(rows, step, column, order) for order in ("DESC", "ASC"))
                if best:
                    found.append(
                        {
                            "table": step.table,
                            "score": ".".join(column),
                            "best": best,
                            "worst": worst,
                        }
                    )
    return found


def _by_score(rows: Rows, step: Step, column: Path, order: str) -> list[dict[str, Any]]:
    query = BY_SCORE.format(
        score=path(column), table=rows.table(step.version), dropped=DROPPED, order=order, most=BEST
    )
    return rows.ask(query)


def ids_of(found: Mapping[str, Any]) -> list[str]:
    """Return the ids of the documents that are shown of a step."""
    return [
        *found["documents"],
        *(one["kept_id"] for one in found["documents"].values() if one["kept_id"]),
    ]
