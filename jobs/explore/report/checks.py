"""What was checked, and how it came out: of what is published, and of what was rejected."""

import json
from typing import Any

from winnow.engine.results import CheckResult
from winnow.explore.catalog import Catalog
from winnow.explore.progress import findings, what

MOST_REJECTED = 20


def checks(catalog: Catalog, pipeline: str) -> list[dict[str, Any]]:
    """Return the published versions of a pipeline with their checks, the failed ones first."""
    rows = [row for row in catalog.rows("checks") if row["pipeline"] == pipeline]
    found = []
    for item in catalog.ordered():
        own = [row for row in rows if (row["stage"], row["version"]) == (item.stage, item.version)]
        if item.pipeline == pipeline and own:
            last = {_subject(row): row for row in own}  # a version may be audited again
            found.append(
                {
                    "table": item.table,
                    "version": item.version,
                    "checks": sorted(map(_check, last.values()), key=lambda one: one["success"]),
                }
            )
    return found


def rejected(catalog: Catalog, pipeline: str) -> list[dict[str, Any]]:
    """Return the last rejected versions, newest first, with the checks that they failed."""
    versions = [
        item for item in catalog.versions if item.pipeline == pipeline and item.state == "rejected"
    ]
    rows = catalog.rows("checks")
    return [
        {
            "table": item.table,
            "version": item.version,
            "run": item.run,
            "built_at": item.committed,
            "checks": [
                _check(row)
                for row in rows
                if (row["pipeline"], row["stage"], row["version"], row["run"])
                == (item.pipeline, item.stage, item.version, item.run)
                and not row["success"]
            ],
        }
        for item in versions[: -MOST_REJECTED - 1 : -1]
    ]


def _subject(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["section"], row["type"], row["kwargs"], row["severity"]


def _check(row: dict[str, Any]) -> dict[str, Any]:
    result = CheckResult(
        section=row["section"] or "",
        type=row["type"] or "",
        kwargs=json.loads(row["kwargs"] or "{}"),
        severity=row["severity"] or "",
        success=bool(row["success"]),
        observed=json.loads(row["observed"]) if row["observed"] else None,
        unexpected_count=row["unexpected_count"],
        examples=tuple(row["examples"] or ()),
        notes=row["notes"] or "",
        place=row["place"] or "",
        error=row["error"] or "",
    )
    return {
        "success": result.success,
        "severity": result.severity,
        "section": result.section,
        "what": what(result),
        "findings": findings(result),
        "notes": result.notes,
        "place": result.place,
        "error": result.error,
    }
