"""What readers see of a warehouse: its published tables and views by name, from one registry read.

Names: `web.filtered` (kept rows), `web.filtered_dropped` (dropped rows with the rules that they
failed), `web.documents_rejected` (records that no source could read), and the control tables
`winnow.runs`, `winnow.versions`, `winnow.checks`, `winnow.rules`, `winnow.files`, `winnow.exports`,
`winnow.exported`.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from winnow.engine.registry import Input, Registry, Version, published
from winnow.engine.warehouse import Warehouse
from winnow.errors import CommandError
from winnow.schemas.control import TABLES

CONTROL = "winnow"
REJECT_COLUMNS = ("file", "position", "reject_reason", "reject_snippet", "id")


class Part(Enum):
    """Which rows of a version a name stands for."""

    KEPT = ""
    DROPPED = "_dropped"
    REJECTED = "_rejected"


@dataclass(frozen=True)
class Relation:
    """One name that a query may read."""

    schema: str
    table: str
    version: Version | None = None  # None: a control table
    part: Part = Part.KEPT

    @property
    def name(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.table}"

    @property
    def is_view(self) -> bool:
        """Whether a plain view is behind it, which has no rows of its own."""
        return self.version is not None and self.version.is_view


class Catalog:
    """The published state of a warehouse at one moment."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.registry = Registry(warehouse)
        self.versions = self.registry.versions()
        self.published = published(self.versions)
        self._rows: dict[str, list[dict[str, Any]]] = {}

    @classmethod
    def of(cls, warehouse: Warehouse) -> "Catalog":
        """Read the registry of a warehouse that exists.

        Raises:
            CommandError: there is none.
        """
        if not warehouse.exists():
            raise CommandError(
                f"no warehouse at {warehouse.address}; `winnow demo` or `winnow run PIPELINE` "
                "makes one"
            )
        return cls(warehouse)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a control table, oldest first, read once."""
        if table not in self._rows:
            self._rows[table] = self.registry.rows(table)
        return self._rows[table]

    def choose(self, table: str, version: str) -> None:
        """Let a table's names stand for another version than the published one.

        Raises:
            CommandError: there is no such table or version.
        """
        self.show({**self.published, table: self.version(table, version)})

    def show(self, versions: Mapping[str, Version]) -> None:
        """Let names stand for these versions, by table, and for no others."""
        self.published = dict(versions)
        self.__dict__.pop("relations", None)

    def version(self, table: str, version: str) -> Version:
        """Return a version of a table by its number, also written `v3`; rejected ones, too.

        Raises:
            CommandError: there is no such table or version.
        """
        rows = self.history(table)
        found = [item for item in rows if str(item.version) == version.removeprefix("v")]
        if not found:
            known = ", ".join(str(number) for number in sorted({item.version for item in rows}))
            raise CommandError(f"`{table}` has no version {version}; it has {known}")
        return found[-1]

    def files_of(self, version: Version) -> dict[str, dict[str, Any]]:
        """Return the ledger's row of each file that a version rests on, by the file's name."""
        return {
            row["file"]: row
            for row in self.rows("files")
            if (row["pipeline"], row["stage"]) == (version.pipeline, version.stage)
            and version.generation <= row["version"] <= version.version
        }

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """All names that a query may read, in lower case, control tables last."""
        found: list[Relation] = []
        for item in self.ordered():
            found += relations_of(item)
        found += [Relation(CONTROL, table) for table in TABLES]
        return {relation.name.lower(): relation for relation in found}

    def ordered(self) -> list[Version]:
        """Return the published versions, each after those that it was built from."""
        order: dict[str, Version] = {}

        def add(item: Version, above: frozenset[str]) -> None:
            for name in inputs_of(item):
                if name in self.published and name not in above:
                    add(self.published[name], above | {name})
            order.setdefault(item.table, item)

        for name in sorted(self.published, key=self._built):
            add(self.published[name], frozenset({name}))
        return list(order.values())

    def _built(self, name: str) -> tuple[str, bool, str]:
        item = self.published[name]
        return item.pipeline, item.is_view, item.stage

    def history(self, table: str) -> list[Version]:
        """Return all rows of `versions` about a table, oldest first.

        Raises:
            CommandError: no version of such a table was ever built.
        """
        rows = [item for item in self.versions if item.table == table]
        if not rows:
            raise self.unknown(table, {item.table for item in self.versions})
        return rows

    def current(self, table: str) -> Version:
        """Return the published version of a table.

        Raises:
            CommandError: it has none.
        """
        if table not in self.published:
            raise self.unknown(table, self.published)
        return self.published[table]

    def full_name(self, table: str) -> str:
        """Return `pipeline.stage` for a stage's name that only one published pipeline has.

        Raises:
            CommandError: several have it.
        """
        found = [item.table for item in self.published.values() if item.stage == table]
        if len(found) > 1:
            raise CommandError(f"`{table}` is a stage of several pipelines: {', '.join(found)}")
        return found[0] if found else table

    def unknown(self, name: str, known: Iterable[str] | None = None) -> CommandError:
        """Return the error for a name that stands for nothing, with the closest names."""
        names = sorted(known if known is not None else self.relations)
        near = closest(name, names)
        once = {item.table for item in self.versions if item.publication is not None}
        never = sorted({item.table for item in self.versions} - once)
        wanted = {name.lower().removesuffix(part.value) for part in Part}
        built = [item for item in never if item in wanted or (bare(item) in wanted and not near)]
        inside = [item for item in sorted(self.published) if item.startswith(f"{name.lower()}.")]
        if built:
            remedy = f"`{built[0]}` was built and never published: `winnow status` says why"
        elif inside:
            some = ", ".join(f"`{item}`" for item in inside)
            remedy = f"It is a pipeline; its tables are {some}"
        elif near:
            remedy = f"Did you mean {' or '.join(f'`{item}`' for item in near)}?"
        elif names:
            remedy = "`winnow tables` lists what is published"
        else:
            remedy = "Nothing is published in this warehouse yet: `winnow run PIPELINE`"
        return CommandError(f"no table `{name}`. {remedy}")


def relations_of(version: Version) -> list[Relation]:
    """Return the names under which readers find a published version."""
    parts = [Part.KEPT]
    if not version.is_view:
        parts.append(Part.DROPPED)
        if holds_rejects(version):
            parts.append(Part.REJECTED)
    return [Relation(version.pipeline, version.stage + part.value, version, part) for part in parts]


def holds_rejects(version: Version) -> bool:
    """Whether a stage read files, and keeps the records that could not be read beside documents."""
    return any(item.digest for item in version.inputs) and set(REJECT_COLUMNS) <= {*version.columns}


def inputs_of(version: Version) -> list[str]:
    """Return the full names of the tables that a version was built from, files left out."""
    return [qualified(item, version) for item in version.inputs if item.digest is None]


def qualified(item: Input, version: Version) -> str:
    """Return the full name of an input: a bare name is a stage of the same pipeline."""
    return item.table if "." in item.table else f"{version.pipeline}.{item.table}"


def bare(table: str) -> str:
    """Return the name of a table without that of its pipeline."""
    return table.rpartition(".")[2]


def closest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """Return the names most like this one; a bare table name matches with any schema."""
    known = list(names)
    wanted = name.lower()
    same = [item for item in known if bare(item.lower()) == wanted]
    return same[:most] or difflib.get_close_matches(wanted, known, most, 0.7)
