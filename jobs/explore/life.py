"""The life of one document through the published versions: `winnow explain ID`.

Verdicts are the stored ones. No condition is evaluated again: DuckDB and Arrow would not always
agree with Spark. The values shown are the stored row's, under the names that a condition uses.
"""

from typing import Any

import pyarrow.compute as pc

from winnow.engine.registry import Version
from winnow.explore.catalog import Catalog, holds_rejects
from winnow.explore.conditions import Path, columns_of, placeholders_of, value_at
from winnow.explore.exports import exports_of
from winnow.explore.history import parameters_of
from winnow.explore.lookup import (
    ID,
    MOST_ROWS,
    REASON,
    SNIPPET,
    TEXT,
    URL,
    StoredStage,
    by_id,
    by_text,
    by_url,
    stages_with_ids,
)
from winnow.explore.margins import margin, ratio
from winnow.explore.similar import similar_to
from winnow.explore.stored import find, values_of
from winnow.schemas.documents import DROPPED, FAILED_RULES

ORIGIN = ("file", "position", "source", "licence", "url", "created", "arrival")
REJECT = (REASON, SNIPPET)
PLACE = (REASON, "file", "position")  # of such a record that has the id of a document
MOST_COPIES, MOST_REJECTS, PREVIEW = 10, 3, 2000
SCORE = "score"  # ends the names of columns that hold a model's


def explain(catalog: Catalog, given: str, by: str = ID) -> dict[str, Any]:
    """Return what every published stage stored about one document.

    Args:
        catalog: what is published.
        given: the document's id, or the beginning of it if no other id begins so.
        by: `id`; `url`: its address is given; `text`: words that its text holds.

    Raises:
        CommandError: no document, or more than one, is meant.
    """
    stages = stages_with_ids(catalog)
    id = {ID: by_id, URL: by_url, TEXT: by_text}[by](stages, given)
    names = dict.fromkeys(stage.version.pipeline for stage in stages)
    lives = [
        _life(catalog, [s for s in stages if s.version.pipeline == name], id) for name in names
    ]
    return {
        "id": id,
        "pipelines": [life for life in lives if life["stages"]],
        "exports": exports_of(catalog, id),
    }


def _life(catalog: Catalog, stages: list[StoredStage], id: str) -> dict[str, Any]:
    found = [entry for stage in stages if (entry := _stage(catalog, stage, id))]
    gone = next((entry for entry in found if entry["state"] == "dropped"), None)
    copies: dict[str, list[str]] = {}
    for entry in found:
        _add_copies(entry, copies, stages, id)
    return {
        "pipeline": stages[0].version.pipeline,
        "kept": gone is None,
        "dropped_at": gone["table"] if gone else None,
        "dropped_by": _dropping(gone) if gone else [],
        "origin": _origin(found),
        "text": _text(stages, id),
        "similar": similar_to(catalog, stages, id),
        "stages": [{k: v for k, v in entry.items() if k != "origin"} for entry in found],
    }


def _stage(catalog: Catalog, stage: StoredStage, id: str) -> dict[str, Any] | None:
    """Return what one stage stored about a document, None if it has no row of it."""
    rules = rules_of(catalog, stage.version)
    named = {rule["rule"]: columns_of(rule["condition"] or "", stage.columns) for rule in rules}
    scores = sorted(name for name in stage.columns if name.endswith(SCORE))
    extra = ("kept_id", "copies", "similarity", *scores, *ORIGIN, *REJECT)
    wanted = {name for paths in named.values() for name, *_ in paths}
    wanted.update(name for name in extra if name in stage.columns)
    columns = ["id", FAILED_RULES, DROPPED, *sorted(wanted - {"id"})]
    asked, rejected = pc.field("id") == id, list[dict[str, Any]]()
    rows = find(stage.rows, asked & stage.documents, columns, MOST_ROWS).to_pylist()
    if not rows:
        rows = find(stage.rows, asked, columns, MOST_ROWS).to_pylist()
    elif holds_rejects(stage.version):
        others = find(stage.rows, asked & ~stage.documents, list(PLACE), MOST_REJECTS)
        rejected = others.to_pylist()
    if not rows:
        return None
    row = next((row for row in rows if row[DROPPED]), rows[0])
    given = parameters_of(catalog, stage.version)
    return {
        "table": stage.version.table,
        "version": stage.version.version,
        "state": "dropped" if all(one[DROPPED] for one in rows) else "kept",
        "rows": len(rows),
        "rejected": rejected,
        "rules": [_verdict(rule, named[rule["rule"]], given, rows, row) for rule in rules],
        "kept_id": row.get("kept_id"),
        "copies": row.get("copies"),
        "similarity": row.get("similarity"),
        "scores": {name: row[name] for name in scores},
        "made_by": made_by(stage.version) if scores else {},
        "origin": {name: row[name] for name in (*ORIGIN, *REJECT) if row.get(name) is not None},
    }


def rules_of(catalog: Catalog, version: Version) -> list[dict[str, Any]]:
    """Return the rules of a version in file order, as last recorded."""
    found = {
        row["rule"]: row
        for row in catalog.rows("rules")
        if (row["pipeline"], row["stage"], row["version"])
        == (version.pipeline, version.stage, version.version)
    }
    return sorted(found.values(), key=lambda row: row["position"])


def made_by(version: Version) -> dict[str, str]:
    """Return the functions and the files (models, lists) that a version used, with their hashes."""
    others = ("sql", "engine", "parameter ", "view ")
    return {
        name: value
        for name, value in version.definition_parts.items()
        if not name.startswith(others)
    }


def _verdict(
    rule: dict[str, Any],
    paths: list[Path],
    given: dict[str, Any],
    rows: list[dict[str, Any]],
    row: dict[str, Any],
) -> dict[str, Any]:
    """Return what a rule found: of the first row that it failed, if it failed any."""
    condition = rule["condition"] or ""
    failed = [one for one in rows if rule["rule"] in (one[FAILED_RULES] or ())]
    row = failed[0] if failed else row
    return {
        "rule": rule["rule"],
        "condition": rule["condition"],
        "action": rule["action"],
        "verdict": "fail" if failed else "pass",
        "values": {".".join(path): value_at(row, path) for path in paths},
        "parameters": {name: given[name] for name in placeholders_of(condition) if name in given},
        "ratio": ratio(condition, row),
        "margin": margin(condition, row),
    }


def _dropping(entry: dict[str, Any]) -> list[str]:
    return [
        rule["rule"]
        for rule in entry["rules"]
        if rule["verdict"] == "fail" and rule["action"] != "record"
    ]


def _origin(found: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for entry in found:
        merged = entry["origin"] | merged
    return merged


def _add_copies(
    entry: dict[str, Any], known: dict[str, list[str]], stages: list[StoredStage], id: str
) -> None:
    """Name the other documents of which the same one stays; each group is looked up once."""
    kept = entry["kept_id"]
    entry["others"] = []
    if kept is None or kept in known:
        return
    stage = next(one for one in stages if one.version.table == entry["table"])
    rows = find(stage.rows, pc.field("kept_id") == kept, ["id"], MOST_COPIES + 1)
    known[kept] = sorted(set(map(str, rows["id"].to_pylist())) - {id})
    entry["others"] = known[kept][:MOST_COPIES]


def _text(stages: list[StoredStage], id: str) -> str | None:
    """Return the beginning of the text from the first stage that has it."""
    for stage in stages:
        if TEXT in stage.columns:
            found = values_of(stage.rows, TEXT, [id])
            if found:
                return str(found[id])[:PREVIEW]
    return None
