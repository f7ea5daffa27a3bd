"""Runs and table versions: `winnow status`, `winnow tables`, `winnow versions TABLE`.

Each function returns plain values, as `--json` prints them; `show_...` makes them readable.
"""

import json
from typing import Any

import pyarrow.compute as pc

from winnow.engine.lease import holder_of
from winnow.engine.registry import PUBLISHED_STATE, Version
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog, relations_of
from winnow.explore.screen import Screen, count, cut, duration, moment, size
from winnow.explore.stored import dataset, find
from winnow.schemas.documents import DROPPED

STATES = {
    **dict.fromkeys(("succeeded", "published"), "green"),
    **dict.fromkeys(("failed", "rejected"), "red"),
    **dict.fromkeys(("interrupted", "running"), "yellow"),
}
SHORT_HASH = 8
NO_RUN = "no run yet: `winnow demo` or `winnow run PIPELINE` makes one"


def status(catalog: Catalog, most: int = 10) -> dict[str, Any]:
    """Return the last runs, newest first, what is published, what is held and who writes now."""
    runs = runs_of(catalog)
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


def runs_of(catalog: Catalog) -> list[dict[str, Any]]:
    """Return the last row of each run in the control table `runs`, the newest run first."""
    last = {row["run"]: row for row in catalog.rows("runs")}
    return sorted(last.values(), key=lambda row: row["started"], reverse=True)


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
            ", ".join(run["built"]) or "nothing new",
        )
        for run in facts["runs"]
    ]
    heads = ("run", "pipeline", "state", "started", "took", "built")
    whole = ("run", "pipeline", "state")
    shown = screen.table(heads, rows, right="took", colours=STATES, whole=whole)
    parts.append(shown if rows else NO_RUN)
    for run in facts["runs"]:
        if run["error"]:
            parts.append("\n".join([run["run"], *screen.folded(run["error"], 2)]))
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
                "bytes_with_history": None if item.is_view else _on_disk(catalog, item),
                "published_at": item.recorded,
                "held": item.held,
                "comment": item.comment,
                "names": [relation.name for relation in relations_of(item)],
            }
            for item in catalog.ordered()
        ],
    }


def _on_disk(catalog: Catalog, version: Version) -> int:
    return catalog.warehouse.stored_bytes(version.pipeline, version.stage)


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
            size(item["bytes_with_history"]) if item["bytes_with_history"] is not None else "",
            moment(item["published_at"]),
        )
        for item in facts["tables"]
    ]
    heads = ("table", "kind", "version", "kept", "dropped", "size", "all versions", "published")
    return screen.table(heads, rows, right=heads[3:7], whole=["table"])


def versions(catalog: Catalog, table: str, document: str | None = None) -> dict[str, Any]:
    """Return all versions of a table, newest first; with a document's id, what each did with it.

    Raises:
        CommandError: there is no such table.
    """
    rows: dict[tuple[int, str], list[Version]] = {}
    for item in catalog.history(table):
        rows.setdefault((item.version, item.run), []).append(item)
    reasons = _reasons(catalog)
    found = [_version(catalog, items, reasons) for items in rows.values()]
    if document is not None:
        for entry, items in zip(found, rows.values(), strict=True):
            entry["document"] = _fate(catalog, items[-1], document)
    return {"table": table, "versions": sorted(found, key=_newest, reverse=True)}


def _fate(catalog: Catalog, version: Version, id: str) -> str:
    """Return what a version did with a document."""
    try:
        rows = dataset(catalog.warehouse, version) if not version.is_view else None
    except CommandError:
        return "deleted"  # by a vacuum
    if rows is None or "id" not in rows.schema.names:
        return "no ids stored"
    asked = pc.field("id") == id
    if find(rows, asked & ~pc.field(DROPPED), ["id"], 1).num_rows:
        return "kept"
    return "dropped" if find(rows, asked, ["id"], 1).num_rows else "not there"


def _newest(entry: dict[str, Any]) -> tuple[int, Any]:
    return entry["version"], entry["built_at"]


def _version(
    catalog: Catalog, rows: list[Version], reasons: dict[tuple[str, str], str]
) -> dict[str, Any]:
    built, last = rows[0], rows[-1]
    state = state_of(catalog, last)
    return {
        "version": last.version,
        "state": state,
        "held": state == PUBLISHED_STATE and last.held,
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


def state_of(catalog: Catalog, version: Version) -> str:
    """Return whether a version is published, was so, or never came so far."""
    current = catalog.published.get(version.table)
    same = current is not None and (current.version, current.run) == (version.version, version.run)
    return "was published" if version.state == PUBLISHED_STATE and not same else version.state


def parameters_of(catalog: Catalog, version: Version) -> dict[str, Any]:
    """Return the parameters of the run that built a version, by name."""
    rows = [row for row in catalog.rows("runs") if row["run"] == version.run]
    found: dict[str, Any] = json.loads(rows[-1]["parameters"] or "{}") if rows else {}
    return found


def _reasons(catalog: Catalog) -> dict[tuple[str, str], str]:
    """Return why each run built each stage, as the run itself told."""
    found = {}
    for row in catalog.rows("runs"):
        for stage in json.loads(row["stages"] or "[]"):
            found[row["run"], stage["stage"]] = stage.get("reason") or ""
    return found


def show_versions(facts: dict[str, Any], screen: Screen) -> str:
    """Return the versions as text."""
    asked = any("document" in item for item in facts["versions"])
    rows = [
        (
            f"v{item['version']}",
            item["state"] + (", held" if item["held"] else ""),
            *([item["document"]] if asked else []),
            item["run"],
            count(item["rows_kept"]),
            count(item["rows_dropped"]),
            item["definition"][:SHORT_HASH],
            moment(item["built_at"]),
            item["reason"],
        )
        for item in facts["versions"]
    ]
    held = ("document",) if asked else ()
    heads = ("version", "state", *held, "run", "kept", "dropped", "definition", "built", "why")
    return screen.table(heads, rows, right="kept dropped", colours=STATES, whole=["version"])
