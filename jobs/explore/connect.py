"""`winnow.connect()`: a Spark session that sees one state of a warehouse until it is refreshed.

Every published table is a view over `VERSION AS OF n`, so a run that publishes meanwhile changes
nothing here. The views live in Spark's own catalog, under the names that `winnow sql` uses; one
Spark session can be connected to one warehouse at a time.
"""

import atexit
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from winnow.engine.registry import Version
from winnow.engine.warehouse import Warehouse
from winnow.errors import CommandError
from winnow.explore.catalog import CONTROL, Catalog, Part, Relation
from winnow.explore.spark_views import control_sql, named, quoted, rows_sql, substituted
from winnow.extensions import built_in, installed, join
from winnow.session import build_session, register_functions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_TEMPORARY = "INVALID_TEMP_OBJ_REFERENCE"  # a stored view cannot call a session's own functions


def connect(warehouse: str | None = None, spark: "SparkSession | None" = None) -> "Connection":
    """Return a connection to the published tables of a warehouse.

    Args:
        warehouse: a folder or URI; None takes `WINNOW_WAREHOUSE`, else `./warehouse`.
        spark: a session to use; None takes the running one or starts one.

    Raises:
        CommandError: there is no warehouse, or Spark cannot start.
    """
    address = warehouse or os.environ.get("WINNOW_WAREHOUSE") or "warehouse"
    catalog = Catalog.of(Warehouse.at(address))  # before Spark takes seconds to start
    return connected(catalog, spark or build_session())


def connected(catalog: Catalog, spark: "SparkSession") -> "Connection":
    """Return a connection to what a catalog knows."""
    register_functions(spark, join(built_in(), installed()).values())
    return Connection(catalog, spark)


class Connection:
    """A Spark session with the published tables of a warehouse as views."""

    def __init__(self, catalog: Catalog, spark: "SparkSession") -> None:
        self.warehouse, self.spark = catalog.warehouse, spark
        self._views: set[str] = set()
        self._temporary: dict[str, str] = {}  # names of views that Spark cannot store
        self._show(catalog)

    def refresh(self) -> None:
        """Move to what is published now; views of tables that are gone go, too."""
        self._show(Catalog.of(self.warehouse))

    def _show(self, catalog: Catalog) -> None:
        self._catalog = catalog
        before, self._views, self._temporary = self._views, set(), {}
        for relation in self._catalog.relations.values():
            self._create(relation)
        for name in before - self._views:
            self.spark.sql(f"DROP VIEW IF EXISTS {name}")

    def sql(self, query: str) -> "DataFrame":
        """Return the rows of a Spark SQL query; tables go by `pipeline.stage`."""
        return self.spark.sql(substituted(query, self._temporary))

    def table(self, name: str, version: int | None = None) -> "DataFrame":
        """Return a table's rows: of the published version, or of any other by its number.

        Rejected versions can be read by number, too; they have not passed their checks.

        Raises:
            CommandError: there is no such table or version.
        """
        relation = self._catalog.relations.get(name.lower())
        if version is None:
            if relation is None:
                raise self._catalog.unknown(name)
            return self.sql(f"SELECT * FROM {named(relation)}")
        return self.spark.sql(rows_sql(self.warehouse, self._at(name, version)))

    def _at(self, name: str, version: int) -> Relation:
        for part in (Part.REJECTED, Part.DROPPED, Part.KEPT):
            table = name.removesuffix(part.value)
            rows = [item for item in self._catalog.versions if item.table == table]
            if rows and name.endswith(part.value):
                return _relation(rows, version, part)
        raise self._catalog.unknown(name)

    def _create(self, relation: Relation) -> None:
        database = quoted(relation.schema)
        if not self.spark.catalog.databaseExists(database):
            # Spark makes a folder for each database, here where nobody has to look at it.
            folder = tempfile.mkdtemp(prefix="winnow-database-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            self.spark.sql(f"CREATE DATABASE {database} LOCATION '{folder}'")
        name = named(relation)
        if relation.schema == CONTROL:
            query = control_sql(self.warehouse, relation.table)
        elif relation.is_view and relation.version is not None:
            query = substituted(relation.version.sql, self._temporary)
        else:
            query = rows_sql(self.warehouse, relation)
        self._store(relation, name, query)

    def _store(self, relation: Relation, name: str, query: str) -> None:
        from pyspark.errors import AnalysisException

        try:
            self.spark.sql(f"CREATE OR REPLACE VIEW {name} AS {query}")
            self._views.add(name)
        except AnalysisException as error:
            if error.getCondition() != _TEMPORARY:
                raise
            alias = f"winnow_{relation.schema}_{relation.table}"
            self.spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW {quoted(alias)} AS {query}")
            self._temporary[relation.name.lower()] = alias


def _relation(rows: list[Version], version: int, part: Part) -> Relation:
    found = [item for item in rows if item.version == version]
    if not found:
        known = ", ".join(str(number) for number in sorted({item.version for item in rows}))
        raise CommandError(f"{rows[0].table} has no version {version}; it has {known}")
    if found[-1].is_view:
        raise CommandError(f"{found[-1].table} is a view: read the tables that it reads by version")
    return Relation(found[-1].pipeline, found[-1].stage + part.value, found[-1], part)
