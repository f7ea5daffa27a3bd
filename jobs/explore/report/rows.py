"""Published versions in one DuckDB connection, with kept and dropped rows alike."""

import os
import tempfile
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from winnow.engine.registry import Version
from winnow.errors import CommandError
from winnow.explore.attach import Attachments
from winnow.explore.catalog import Catalog
from winnow.explore.stored import dataset


class Rows:
    """What DuckDB can be asked about the published versions of a warehouse."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        # A join larger than memory goes to the system's folder for temporary files.
        spill = os.path.join(tempfile.gettempdir(), f"winnow-{os.getpid()}")
        self._engine = duckdb.connect(config={"temp_directory": spill})
        self._engine.execute("SET python_enable_replacements = false; SET TimeZone = 'UTC'")
        self._views = Attachments(self._engine, catalog)
        self._stored: dict[str, ds.Dataset] = {}

    def stored(self, version: Version) -> ds.Dataset:
        """Return a stage's rows, all of them, not yet read."""
        if version.table not in self._stored:
            self._stored[version.table] = dataset(self._catalog.warehouse, version)
            self._engine.register(version.table, self._stored[version.table])
        return self._stored[version.table]

    def can_read(self, version: Version) -> bool:
        """Whether a version is no view that only Spark understands."""
        name = version.table.lower()
        if version.is_view:
            self._views.add(self._catalog.relations[name])
        return name not in self._views.spark_only

    def table(self, version: Version) -> str:
        """Return the quoted name under which queries find a version's rows.

        A stored stage has `_dropped` and `_failed_rules` beside its columns, a view has not.
        """
        if version.is_view:
            return f"{quoted(version.pipeline)}.{quoted(version.stage)}"
        self.stored(version)
        return quoted(version.table)

    def columns(self, version: Version) -> dict[str, pa.DataType]:
        """Return the columns of a version with their types."""
        if not version.is_view:
            schema = self.stored(version).schema
        else:
            empty = self._engine.sql(f"SELECT * FROM {self.table(version)} LIMIT 0")
            schema = empty.to_arrow_table().schema
        return dict(zip(schema.names, schema.types, strict=True))

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query, which must bound their number itself.

        Raises:
            CommandError: a file of a version cannot be read.
        """
        try:
            result = self._engine.execute(query)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise CommandError(
                f"the report cannot be made: {str(error).partition(chr(10))[0][:400]}"
            ) from None
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def quoted(name: str) -> str:
    """Return a name as DuckDB reads it whatever it holds."""
    return '"' + name.replace('"', '""') + '"'


def path(names: tuple[str, ...]) -> str:
    """Return a column of the relation `r`, or a field of it."""
    return ".".join(["r", *map(quoted, names)])


def literal(text: str) -> str:
    """Return a text as a literal."""
    return "'" + text.replace("'", "''") + "'"
