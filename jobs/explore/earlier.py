"""What an earlier run had published: its pipeline as it was then, where that is still there."""

import json
from typing import Any

from winnow.engine.registry import Version
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog, closest
from winnow.explore.history import NO_RUN, runs_of

SUCCEEDED, REMOVED = "succeeded", "removed"
MOST = 3  # runs that an error names


def choose_run(catalog: Catalog, run: str) -> str:
    """Let a pipeline's names stand for what was published when one of its runs had ended.

    Args:
        catalog: its names for the tables of other pipelines stay as they are.
        run: the run's name.

    Returns:
        The run's pipeline.

    Raises:
        CommandError: there is no such run, it published nothing, or a version was deleted since.
    """
    row = next((row for row in runs_of(catalog) if row["run"] == run), None)
    if row is None:
        raise CommandError(f"no run `{run}`. {_instead(catalog, run)}")
    versions = _published_by(catalog, row)
    if not versions:
        raise CommandError(
            f"the run `{run}` of `{row['pipeline']}` published nothing (it is {row['state']}). "
            f"{_instead(catalog, run)}"
        )
    gone = _deleted(catalog, versions)
    if gone:
        listed = ", ".join(f"`{item.table}` v{item.version}" for item in gone)
        raise CommandError(
            f"a vacuum deleted what the run `{run}` had published: {listed}. "
            f"{_instead(catalog, run)}"
        )
    others = {name: v for name, v in catalog.published.items() if v.pipeline != row["pipeline"]}
    catalog.show(others | {item.table: item for item in versions})
    return str(row["pipeline"])


def _published_by(catalog: Catalog, row: dict[str, Any]) -> list[Version]:
    """Return what was published of a pipeline when a run of it had ended; nothing if it failed.

    A publication is the run's if it holds the versions that the run names. Of several, as after a
    run of one stage alone or a rollback, it is the last one before the run's end.
    """
    if row["state"] != SUCCEEDED:
        return []
    own = {(one["stage"], one["version"]) for one in json.loads(row["stages"] or "[]")}
    publications: dict[int, list[Version]] = {}
    for item in catalog.versions:
        if item.publication is not None and item.pipeline == row["pipeline"]:
            publications.setdefault(item.publication, []).append(item)
    fitting = [
        publications[number]
        for number in sorted(publications)
        if own <= {(item.stage, item.version) for item in publications[number]}
    ]
    before = [items for items in fitting if _recorded(items) <= row["recorded"]]
    return (before or fitting or [[]])[-1]


def _recorded(versions: list[Version]) -> Any:
    return versions[0].recorded  # of one commit


def _deleted(catalog: Catalog, versions: list[Version]) -> list[Version]:
    last = {(item.table, item.version): item for item in catalog.versions}
    return [item for item in versions if last[item.table, item.version].state == REMOVED]


def _instead(catalog: Catalog, run: str) -> str:
    """Return which runs can be asked for: those of a like name, else the newest."""
    readable = [
        row["run"]
        for row in runs_of(catalog)
        if (versions := _published_by(catalog, row)) and not _deleted(catalog, versions)
    ]
    if not readable:
        return f"There is {NO_RUN}"
    near = closest(run, readable, MOST)
    if near:
        return f"Did you mean {' or '.join(f'`{name}`' for name in near)}?"
    return f"The last that can be shown: {', '.join(f'`{name}`' for name in readable[:MOST])}"
