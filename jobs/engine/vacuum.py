"""Deletes the files of old and rejected versions that nothing published needs."""

from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from deltalake import CommitProperties, DeltaTable

from winnow.engine.lease import Lease
from winnow.engine.registry import AUDITED, Registry, Version, heads, published
from winnow.engine.store import VACUUM, Mark, Store
from winnow.engine.warehouse import Warehouse


@dataclass(frozen=True)
class Vacuumed:
    """What a vacuum deleted, or would: (table, versions that cannot be read any more, bytes)."""

    tables: tuple[tuple[str, list[int], int], ...]


def vacuum(warehouse: Warehouse, keep: int, dry_run: bool) -> Vacuumed:
    """Delete what only old versions hold.

    Kept of every table: what is published, what that was built from (the texts of dropped rows are
    there), the newest audited version, and the last `keep` audited ones.

    Raises:
        HeldError: a run holds the warehouse.
    """
    registry = Registry(warehouse)
    if dry_run:
        return _vacuum(registry, keep, "dry run", dry_run=True)
    run = f"vacuum-{uuid4().hex[:6]}"
    with Lease(warehouse, run, "vacuum"):
        return _vacuum(registry, keep, run, dry_run=False)


def _vacuum(registry: Registry, keep: int, run: str, *, dry_run: bool) -> Vacuumed:
    rows = [row for row in registry.versions() if not row.is_view]
    needed = needed_versions(rows, keep)
    done = []
    for table in sorted(needed):
        own = [row for row in rows if row.table == table]
        known = {row.version for row in own}
        gone = {row.version for row in own if row.state == "removed"}
        path = registry.warehouse.path(own[0].pipeline, own[0].stage)
        if Store(path).latest() is None:
            continue
        removed = sorted(known - needed[table] - gone)
        size = _delete(path, sorted(needed[table]), run, dry_run=dry_run)
        if removed or size:
            done.append((table, removed, size))
        if not dry_run:
            last = {row.version: row for row in own}
            registry.add_versions(_removed(last[version]) for version in removed)
    return Vacuumed(tuple(done))


def needed_versions(rows: list[Version], keep: int) -> dict[str, set[int]]:
    """Return, by table, the versions that stay readable."""
    needed: dict[str, set[int]] = {row.table: set() for row in rows}
    waiting = list(published(rows).values())
    for pipeline in sorted({row.pipeline for row in rows}):
        waiting += heads(rows, pipeline).values()
    for table in needed:
        audited = [row for row in rows if row.table == table and row.state == AUDITED]
        by_number = {row.version: row for row in audited}
        waiting += [by_number[number] for number in sorted(by_number)[-keep:]] if keep else []
    built = {(row.table, row.version): row for row in rows}
    while waiting:
        row = waiting.pop()
        if row.version in needed[row.table]:
            continue
        needed[row.table].add(row.version)
        for item in row.inputs:
            name = item.table if "." in item.table else f"{row.pipeline}.{item.table}"
            if (name, item.version) in built:
                waiting.append(built[name, item.version or 0])
    return needed


def _delete(path: str, keep: list[int], run: str, *, dry_run: bool) -> int:
    """Delete files that no kept version has; return their bytes where the store is a folder."""
    table = DeltaTable(path)
    names = table.vacuum(
        retention_hours=0,
        dry_run=True,
        enforce_retention_duration=False,
        keep_versions=keep,
        full=True,
    )
    files = [Path(path) / name for name in names]
    data = [file for file in files if file.suffix == ".parquet" and file.is_file()]
    size = sum(file.stat().st_size for file in data)
    if not dry_run and names:
        mark = Mark(run, VACUUM)
        table.vacuum(
            retention_hours=0,
            dry_run=False,
            enforce_retention_duration=False,
            keep_versions=keep,
            full=True,
            commit_properties=CommitProperties(custom_metadata={"userMetadata": str(mark)}),
        )
    return size


def _removed(row: Version) -> Version:
    return replace(row, state="removed", publication=None, held=False)
