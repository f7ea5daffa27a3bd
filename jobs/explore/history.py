"""Runs and table versions: `winnow status`, `winnow tables`, `winnow versions TABLE`.

Each function returns plain values, as `--json` prints them; `show_...` makes them readable.
"""

import json
from typing import Any

from winnow.engine.lease import holder_of
from winnow.engine.registry import Version
from winnow.explore.catalog import Catalog, relations_of
from winnow.explore.screen import Screen, count, cut, duration, moment, size

STATES = {"succeeded": "green", "failed": "red", "rejected": "red", "published": "green"}
SHORT_HASH = 8


def status(catalog: Catalog, most: int = 10) -> dict[str, Any]:
    """Return the last runs, newest first, what is published, what is held and who writes now."""
    last: dict[str, dict[str, Any]] = {}
    for row in catalog.rows("runs"):
        last[row["run"]] = row
    runs = sorted(last.values(), key=lambda row: row["started"], reverse=True)
    holder = holder_of(catalog.warehouse)
    return {
        "warehouse": catalog.warehouse.address,
        "running": None if holder is None else str(holder),
        "runs": [_run(row) for row in runs[:most]],
        "pipelines": _pipelines(catalog),
        "held": [
            {"table": item.table, "version": item.version}
            for item in catalog.published.values()
            if item.held
        ],
    }


def _run(row: dict[str, Any]) -> dict[str, Any]:
    stages = json.loads(row["stages"] or "[]")
    built = [stage["stage"] for stage in stages if stage["state"] == "BUILT"]
    return {
        "run": row["run"],
        "pipeline": row["pipeline"],
        "state": row["state"],
        "started": row["started"],
        "seconds": row["seconds"],
        "built": built,
        "error": row["error"],
    }


def _pipelines(catalog: Catalog) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for item in catalog.ordered():
        entry = found.setdefault(item.pipeline, {"pipeline": item.pipeline, "tables": {}})
        entry["tables"][item.stage] = item.version
        entry["published_at"] = item.recorded
    return list(found.values())


def show_status(facts: dict[str, Any], screen: Screen) -> str:
    """Return the status as text."""
    parts = []
    if facts["running"]:
        parts.append(f"held by {facts['running']}")
    rows = [
        (
            run["run"],
            run["pipeline"],
            run["state"],
            moment(run["started"]),
            duration(run["seconds"]),
            run["error"] or ", ".join(run["built"]) or "nothing new",
        )
        for run in facts["runs"]
    ]
    heads = ("run", "pipeline", "state", "started", "took", "built, or what went wrong")
    parts.append(screen.table(heads, rows, right="took") if rows else "no run yet")
    for item in facts["pipelines"]:
        tables = " · ".join(f"{name} v{number}" for name, number in item["tables"].items())
        when = moment(item["published_at"])
        parts.append(cut(f"{item['pipeline']}, published {when}: {tables}", screen.width))
    if facts["held"]:
        held = ", ".join(f"{item['table']} v{item['version']}" for item in facts["held"])
        parts.append(
            f"{screen.paint('held back by a rollback', 'yellow')}: {cut(held, screen.width)}\n"
            "  winnow run PIPELINE --resume lets the next run publish again"
        )
    return "\n\n".join(parts)


def tables(catalog: Catalog) -> dict[str, Any]:
    """Return what is published, in the order in which it is built."""
    return {
        "warehouse": catalog.warehouse.address,
        "tables": [
            {
                "table": item.table,
                "kind": item.kind,
                "version": item.version,
                "rows_kept": None if item.is_view else item.rows_kept,
                "rows_dropped": None if item.is_view else item.rows_dropped,
                "bytes": None if item.is_view else item.bytes,
                "published_at": item.recorded,
                "held": item.held,
                "comment": item.comment,
                "names": [relation.name for relation in relations_of(item)],
            }
            for item in catalog.ordered()
        ],
    }


def show_tables(facts: dict[str, Any], screen: Screen) -> str:
    """Return the tables as text."""
    if not facts["tables"]:
        return "nothing is published yet: `winnow run PIPELINE`"
    rows = [
        (
            item["table"],
            item["kind"],
            f"v{item['version']}{' held' if item['held'] else ''}",
            count(item["rows_kept"]),
            count(item["rows_dropped"]),
            size(item["bytes"]) if item["bytes"] is not None else "",
            moment(item["published_at"]),
        )
        for item in facts["tables"]
    ]
    heads = ("table", "kind", "version", "kept", "dropped", "size", "published")
    return screen.table(heads, rows, right="kept dropped size")


def versions(catalog: Catalog, table: str) -> dict[str, Any]:
    """Return all versions of a table, newest first.

    Raises:
        CommandError: there is no such table.
    """
    rows: dict[tuple[int, str], list[Version]] = {}
    for item in catalog.history(table):
        rows.setdefault((item.version, item.run), []).append(item)
    reasons = _reasons(catalog)
    current = catalog.published.get(table)
    found = [_version(items, current, reasons) for items in rows.values()]
    return {"table": table, "versions": sorted(found, key=_newest, reverse=True)}


def _newest(entry: dict[str, Any]) -> tuple[int, Any]:
    return entry["version"], entry["built_at"]


def _version(
    rows: list[Version], current: Version | None, reasons: dict[tuple[str, str], str]
) -> dict[str, Any]:
    built, last = rows[0], rows[-1]
    same = current is not None and (current.version, current.run) == (last.version, last.run)
    state = last.state
    if state == "published" and not same:
        state = "was published"
    return {
        "version": last.version,
        "state": state,
        "held": bool(same and last.held),
        "run": built.run,
        "rows_in": last.rows_in,
        "rows_kept": last.rows_kept,
        "rows_dropped": last.rows_dropped,
        "bytes": last.bytes,
        "definition": last.definition,
        "reason": reasons.get((built.run, built.stage), ""),
        "built_at": built.committed or built.recorded,
        "seconds": last.seconds,
    }


def _reasons(catalog: Catalog) -> dict[tuple[str, str], str]:
    """Return why each run built each stage, as the run itself told."""
    found = {}
    for row in catalog.rows("runs"):
        for stage in json.loads(row["stages"] or "[]"):
            found[row["run"], stage["stage"]] = stage.get("reason") or ""
    return found


def show_versions(facts: dict[str, Any], screen: Screen) -> str:
    """Return the versions as text."""
    rows = [
        (
            f"v{item['version']}",
            item["state"] + (", held" if item["held"] else ""),
            item["run"],
            count(item["rows_kept"]),
            count(item["rows_dropped"]),
            item["definition"][:SHORT_HASH],
            moment(item["built_at"]),
            item["reason"],
        )
        for item in facts["versions"]
    ]
    heads = ("version", "state", "run", "kept", "dropped", "definition", "built", "why")
    return screen.table(heads, rows, right="kept dropped")
