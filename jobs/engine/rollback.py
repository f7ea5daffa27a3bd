"""Moves readers back to an earlier version of a table, and of everything built from it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from winnow.engine.lease import Lease
from winnow.engine.registry import Registry, Version, published
from winnow.engine.warehouse import Warehouse
from winnow.errors import CommandError


def rollback(warehouse: Warehouse, table: str, to: int) -> tuple[Version, ...]:
    """Publish version `to` of a table again, with the last versions built from it, and hold them.

    Tables move together as they were published together. Nothing is computed and no table is
    written: readers see other versions, and the next run goes on from the newest audited ones.

    Returns:
        The versions that moved.

    Raises:
        CommandError: the table or version was never published, or a table of another pipeline was
            never published with it.
        HeldError: a run holds the warehouse.
    """
    registry = Registry(warehouse)
    rows = registry.versions()
    now = published(rows)
    _check(rows, now, table, to)
    moved = {table: _last_publication(rows, table, to)}
    for item in _built_from(now, table):
        moved[item.table] = _fitting(rows, item, moved, table, to)
    with Lease(warehouse, f"rollback-{uuid4().hex[:6]}", table.partition(".")[0]) as lease:
        lease.check()
        started = datetime.now(UTC)
        for pipeline in sorted({item.pipeline for item in moved.values()}):
            tables = published(registry.versions(), pipeline).values()
            registry.publish([replace(moved.get(item.table, item), held=True) for item in tables])
            registry.append("runs", [_run_row(pipeline, table, to, started)])
    return tuple(moved[name] for name in sorted(moved))


def _check(rows: list[Version], now: dict[str, Version], table: str, to: int) -> None:
    if table not in now:
        known = ", ".join(sorted(now)) or "none"
        raise CommandError(f"no table `{table}` is published; published are: {known}")
    versions = sorted({r.version for r in rows if r.table == table and r.publication is not None})
    if to not in versions:
        listed = ", ".join(map(str, versions))
        raise CommandError(f"version {to} of `{table}` was never published; these were: {listed}")
    if now[table].version == to:
        raise CommandError(f"`{table}` is published at version {to} already")


def _last_publication(rows: list[Version], table: str, to: int) -> Version:
    return [r for r in rows if r.table == table and r.version == to and r.publication][-1]


def _built_from(now: dict[str, Version], table: str) -> Iterable[Version]:
    """Return the published tables that were built from one, each after what it reads."""
    reached, found = {table}, list[Version]()
    waiting = [item for item in now.values() if item.table != table]
    while True:
        ready = [i for i in waiting if reached.intersection(_inputs(i))]
        if not ready:
            return found
        found += ready
        reached |= {item.table for item in ready}
        waiting = [item for item in waiting if item.table not in reached]


def _inputs(version: Version) -> dict[str, int | None]:
    """Return the versions that a version was built from, by the tables' full names."""
    return {_full(version, item.table): item.version for item in version.inputs if item.version}


def _full(version: Version, table: str) -> str:
    return table if "." in table else f"{version.pipeline}.{table}"


def _fitting(
    rows: list[Version], item: Version, moved: dict[str, Version], table: str, to: int
) -> Version:
    """Return the last published version of a table that goes with what has moved so far."""
    target = moved[table]
    for row in reversed(rows):
        if row.table != item.table or row.publication is None:
            continue
        if row.pipeline == target.pipeline:
            if row.publication == target.publication:
                return row
        elif all(
            name not in moved or version == moved[name].version
            for name, version in _inputs(row).items()
        ):
            return row
    raise CommandError(
        f"`{item.table}` is built from `{table}` but was never published with its version {to}; "
        f"run the pipeline `{item.pipeline}` after rolling back, or choose another version"
    )


def _run_row(pipeline: str, table: str, to: int, started: datetime) -> dict[str, object]:
    return {
        "run": f"rollback of {table} to {to}",
        "pipeline": pipeline,
        "state": "rolled back",
        "started": started,
        "ended": datetime.now(UTC),
    }
