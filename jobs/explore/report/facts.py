"""Everything that the page shows, as plain values: gathered once, drawn by `page`."""

import json
from typing import Any

from winnow.engine.registry import Version
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog, closest, inputs_of
from winnow.explore.earlier import choose_run
from winnow.explore.history import runs_of
from winnow.explore.lineage import lineage
from winnow.explore.report import duplicates as clusters
from winnow.explore.report import samples as shown
from winnow.explore.report.checks import checks, rejected
from winnow.explore.report.flow import flow
from winnow.explore.report.mixture import mixture
from winnow.explore.report.overlap import overlaps
from winnow.explore.report.rows import Rows
from winnow.explore.report.shifts import shifts
from winnow.explore.report.signals import signals
from winnow.explore.report.steps import Sizes, steps
from winnow.explore.report.texts import texts

MOST_RUNS = 20


def report(catalog: Catalog, pipeline: str | None = None, run: str | None = None) -> dict[str, Any]:
    """Return what is known of a pipeline's published tables and of the run that published them.

    Args:
        catalog: what is published.
        pipeline: its name; None takes the only one there is, or the run's.
        run: an earlier run, whose versions are shown in place of those published now.

    Raises:
        CommandError: there is no such pipeline, or there are several to choose from, or a file of
            a table cannot be read; there is no such run of it, or its versions are gone.
    """
    now = catalog.published
    if run is not None:
        own = choose_run(catalog, run)
        if pipeline not in (None, own):
            raise CommandError(f"the run `{run}` is one of `{own}`, not of `{pipeline}`")
        pipeline = own
    name = _chosen(catalog, pipeline)
    published = [item for item in catalog.ordered() if item.pipeline == name]
    rows = Rows(catalog)
    passed, unread = steps(catalog, rows, name)
    sizes = Sizes(rows, passed)
    found = clusters.duplicates(rows, passed)
    examples = shown.samples(rows, passed)
    favourites = shown.favourites(rows, passed)
    ids = [id for one in found for id in clusters.ids_of(one)]
    ids += [id for one in examples for id in shown.ids_of(one)]
    ids += [row["id"] for one in favourites for row in (*one["best"], *one["worst"])]
    runs = _runs(catalog, name)
    publishing = {item.run for item in published}
    return {
        "pipeline": name,
        "warehouse": catalog.warehouse.address,
        "run": next((one for one in runs if one["run"] in ({run} if run else publishing)), None),
        "is_earlier": catalog.published != now,
        "runs": runs[:MOST_RUNS],
        "tables": [_table(item) for item in published],
        "knows_bytes": sizes.known,
        "only_spark_reads": unread,
        "flow": flow(rows, passed, sizes),
        "rules": overlaps(rows, passed, sizes),
        "signals": signals(rows, passed),
        "mixture": mixture(rows, passed, sizes),
        "shifts": shifts(catalog, rows, name),
        "duplicates": found,
        "samples": examples,
        "favourites": favourites,
        "texts": texts(rows, passed, ids),
        "checks": checks(catalog, name),
        "rejected": rejected(catalog, name),
        "lineage": _lineage(catalog, name),
    }


def _chosen(catalog: Catalog, pipeline: str | None) -> str:
    names = sorted({item.pipeline for item in catalog.published.values()})
    if not names:
        raise CommandError(
            "nothing is published in this warehouse yet: `winnow run PIPELINE`, then the report"
        )
    if pipeline is None:
        if len(names) > 1:
            raise CommandError(
                f"this warehouse holds {len(names)} pipelines: name one of {', '.join(names)}"
            )
        return names[0]
    if pipeline not in names:
        near = closest(pipeline, names)
        known = f"did you mean `{near[0]}`?" if near else f"published are {', '.join(names)}"
        raise CommandError(f"no pipeline `{pipeline}` is published here; {known}")
    return pipeline


def _table(item: Version) -> dict[str, Any]:
    return {
        "table": item.table,
        "stage": item.stage,
        "kind": item.kind,
        "version": item.version,
        "run": item.run,
        "rows_kept": None if item.is_view else item.rows_kept,
        "rows_dropped": None if item.is_view else item.rows_dropped,
        "bytes": None if item.is_view else item.bytes,
        "seconds": item.seconds,
        "definition": item.definition,
        "parts": dict(item.definition_parts),
        "comment": item.comment,
        "sql": item.sql,
        "held": item.held,
    }


def _runs(catalog: Catalog, pipeline: str) -> list[dict[str, Any]]:
    """Return the runs of a pipeline, newest first."""
    return [
        {
            "run": row["run"],
            "state": row["state"],
            "started": row["started"],
            "seconds": row["seconds"],
            "error": row["error"],
            "stages": [
                {"stage": one["stage"], "state": one["state"], "seconds": one.get("seconds")}
                for one in json.loads(row["stages"] or "[]")
            ],
            "parameters": json.loads(row["parameters"] or "{}"),
            "versions": json.loads(row["versions"] or "{}"),
            "host": row["host"],
        }
        for row in runs_of(catalog)
        if row["pipeline"] == pipeline
    ]


def _lineage(catalog: Catalog, pipeline: str) -> list[dict[str, Any]]:
    """Return the trees of the tables of a pipeline that none of its other tables reads.

    What was unfolded once is only named after that.
    """
    own = [item for item in catalog.ordered() if item.pipeline == pipeline]
    read = {name for item in own for name in inputs_of(item)}
    seen: set[str] = set()
    last = [item.table for item in own if item.table not in read]
    return [_once(lineage(catalog, table)["tables"][0], seen) for table in last]


def _once(tree: dict[str, Any], seen: set[str]) -> dict[str, Any]:
    if "digest" in tree:
        return tree
    again = tree["table"] in seen and bool(tree["inputs"])
    seen.add(tree["table"])
    inputs = [] if again else [_once(one, seen) for one in tree["inputs"]]
    return tree | {"inputs": inputs, "again": again}
