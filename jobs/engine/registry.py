"""Reads and writes the control tables. Everything that a plan or a reader must know is here.

delta-rs only: no JVM. One `append` is one commit, so a publish is atomic. Runs write under the
warehouse's lease; readers need none.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from winnow.engine.warehouse import PUBLISHED, Warehouse, folder
from winnow.errors import CommandError
from winnow.schemas.control import TABLES

AUDITED, REJECTED, PUBLISHED_STATE = "audited", "rejected", "published"


@dataclass(frozen=True)
class Input:
    """What a version was built from: a table at a version, or the files of a source.

    `generation` is the version at which the input was last built from the beginning; an input of
    the same generation only grew. `batch` is the highest `_batch` that was read. For a source,
    `table` is `file listing` and `digest` names the files read.
    """

    table: str
    version: int | None = None
    generation: int | None = None
    batch: int | None = None
    digest: str | None = None


@dataclass(frozen=True)
class Version:
    """One row of the control table `versions` (see schemas/control.py for the fields)."""

    pipeline: str
    stage: str
    kind: str
    version: int
    state: str
    run: str
    definition: str
    definition_parts: Mapping[str, str]
    inputs: tuple[Input, ...]
    generation: int
    batch: int = 0
    rows_in: int = 0
    rows_kept: int = 0
    rows_dropped: int = 0
    bytes: int = 0
    seconds: float = 0.0
    committed: datetime | None = None
    checks: str = ""
    sql: str = ""
    comment: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    publication: int | None = None
    held: bool = False
    recorded: datetime | None = None

    @property
    def table(self) -> str:
        """`pipeline.stage`."""
        return f"{self.pipeline}.{self.stage}"

    @property
    def is_view(self) -> bool:
        """Whether the version is a view's: it has no Delta table."""
        return self.kind == "view"

    def row(self) -> dict[str, Any]:
        """Return the row of the control table."""
        row = {item.name: getattr(self, item.name) for item in fields(self)}
        row["inputs"] = json.dumps([_without_none(asdict(item)) for item in self.inputs])
        for name in ("definition_parts", "columns"):
            row[name] = json.dumps(dict(row[name]))
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "Version":
        """Return the version of a row."""
        values = {item.name: row[item.name] for item in fields(cls)}
        values["inputs"] = tuple(Input(**item) for item in json.loads(row["inputs"]))
        for name in ("definition_parts", "columns"):
            values[name] = json.loads(row[name])
        return cls(**values)


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise CommandError(
            f"the control table {path} cannot be read: {str(error).splitlines()[0]}. "
            "Bring it back from a copy of the warehouse"
        ) from None


class Registry:
    """The control tables of one warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self._recorded: dict[str, datetime] = {}

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return all rows of a control table in the order in which they were written."""
        read = self.arrow(table)
        return read.to_pylist() if read is not None else []

    def arrow(
        self,
        table: str,
        columns: Iterable[str] | None = None,
        where: ds.Expression | None = None,
    ) -> pa.Table | None:
        """Return a control table, oldest row first; None before the first run.

        Args:
            columns: only these, with `recorded`; a table may be older than one of them, and then
                lacks it.
            where: only rows for which this holds.
        """
        path = self.warehouse.path("winnow", table)
        stored = self.dataset(table)
        if stored is None:
            return None
        wanted = None if columns is None else {*columns, "recorded"} & set(stored.schema.names)
        with _readable(path):
            rows = stored.to_table(columns=wanted and sorted(wanted), filter=where)
        order = pa.compute.sort_indices(rows, [("recorded", "ascending")])
        return rows.take(order)

    def dataset(self, table: str) -> ds.Dataset | None:
        """Return a control table, not yet read and in no order; None before the first run."""
        path = self.warehouse.path("winnow", table)
        with _readable(path):
            try:
                return DeltaTable(path).to_pyarrow_dataset(filesystem=folder(path))
            except TableNotFoundError:
                return None

    def append(
        self,
        table: str,
        rows: Sequence[Mapping[str, Any]],
        common: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Write rows in one commit, later than every row before it whatever the clock says.

        Args:
            rows: their values by column; null where a row has none.
            common: values that all of them have.
        """
        if not rows:
            return
        recorded = max(datetime.now(UTC), self._last_recorded(table) + timedelta(microseconds=1))
        self._recorded[table] = recorded
        same = {**common, "recorded": recorded}
        arrays = [
            pa.repeat(pa.scalar(same[field.name], field.type), len(rows))
            if field.name in same
            else pa.array([row.get(field.name) for row in rows], field.type)
            for field in TABLES[table]
        ]
        write_deltalake(
            self.warehouse.path("winnow", table),
            pa.Table.from_arrays(arrays, schema=TABLES[table]),
            mode="append",
            schema_mode="merge",  # a warehouse may be older than a column
            commit_properties=CommitProperties(custom_metadata={"winnow": "control"}),
        )

    def _last_recorded(self, table: str) -> datetime:
        if table not in self._recorded:
            rows = self.arrow(table, ["recorded"])
            last = pa.compute.max(rows["recorded"]).as_py() if rows is not None else None
            self._recorded[table] = last or datetime.min.replace(tzinfo=UTC)
        return self._recorded[table]

    def versions(self) -> list[Version]:
        """Return all rows of `versions`, oldest first.

        Raises:
            CommandError: the table is gone, though versions were published.
        """
        rows = self.rows("versions")
        if not rows and (self._published_json().get("tables") or self._has_built()):
            raise CommandError(
                f"the control table {self.warehouse.path('winnow', 'versions')} is gone: what was "
                "audited and published is not known any more. Bring it back from a copy of the "
                "warehouse, or name another --warehouse"
            )
        return [Version.from_row(row) for row in rows]

    def _has_built(self) -> bool:
        """Whether a run ended that had built something."""
        stages = (json.loads(row["stages"] or "[]") for row in self.rows("runs"))
        return any(stage["state"] in ("BUILT", "REJECTED") for run in stages for stage in run)

    def _published_json(self) -> dict[str, Any]:
        """Return what `_published.json` says; it is written again where it is damaged."""
        try:
            return self.warehouse.read_json(PUBLISHED) or {}
        except ValueError:
            return {}

    def add_versions(self, versions: Iterable[Version]) -> None:
        """Write rows of `versions` in one commit."""
        self.append("versions", [version.row() for version in versions])

    def publish(self, versions: Sequence[Version]) -> None:
        """Name the versions that readers see from now on: one commit, then `_published.json`.

        Every row gets the next publication number. The JSON file follows the table; a run that
        finds it behind (a kill in between) writes it again.
        """
        number = 1 + max((item.publication or 0 for item in self.versions()), default=0)
        rows = [
            {**item.row(), "state": PUBLISHED_STATE, "publication": number} for item in versions
        ]
        self.append("versions", rows)
        self.write_published()

    def write_published(self) -> None:
        """Write `_published.json` from the control table, unless it says the same already."""
        tables = {
            item.table: {"version": item.version, "kind": item.kind, "run": item.run}
            for item in published(self.versions()).values()
        }
        if self._published_json().get("tables") != tables:
            self.warehouse.write_json(PUBLISHED, {"tables": tables})


def published(versions: Iterable[Version], pipeline: str | None = None) -> dict[str, Version]:
    """Return the published versions by `pipeline.stage`: each pipeline's last publication."""
    last: dict[str, int] = {}
    rows: dict[tuple[str, int], list[Version]] = {}
    for item in versions:
        if item.publication is None or pipeline not in (None, item.pipeline):
            continue
        last[item.pipeline] = max(item.publication, last.get(item.pipeline, 0))
        rows.setdefault((item.pipeline, item.publication), []).append(item)
    return {item.table: item for key in last.items() for item in rows[key]}


def heads(versions: Iterable[Version], pipeline: str) -> dict[str, Version]:
    """Return, by stage, the last version of a pipeline that passed its audit.

    That is where the next build starts from. A rollback moves readers, not heads.
    """
    found: dict[str, Version] = {}
    for item in versions:
        if item.pipeline == pipeline and item.state == AUDITED:
            found[item.stage] = item
    return found
