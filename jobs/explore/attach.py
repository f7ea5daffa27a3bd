"""Published tables inside a DuckDB connection: Arrow datasets under the names that readers use."""

import duckdb

from winnow.explore.catalog import CONTROL, Catalog, Part, Relation
from winnow.explore.stored import dataset
from winnow.explore.views import for_duckdb, tables_of
from winnow.schemas.control import LARGE_TABLES, TABLES

KEPT_OR_DROPPED = "CREATE VIEW {name} AS SELECT * EXCLUDE (_dropped, _batch) FROM {rows}"
REJECTED = """
    CREATE VIEW {name} AS
    SELECT file, position, reject_reason AS reason, reject_snippet AS snippet, id
    FROM {rows}
    WHERE list_contains(_failed_rules, 'readable')
"""
CONTROL_ROWS = "CREATE VIEW {name} AS SELECT * FROM {rows}"
PLAIN_VIEW = "CREATE VIEW {name} AS {rows}"


class Attachments:
    """The relations of a catalog that a connection knows so far."""

    def __init__(self, engine: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
        self._engine, self._catalog = engine, catalog
        self._done: set[str] = set()
        self.spark_only: dict[str, str] = {}  # names that DuckDB cannot read, with the reason

    def add(self, relation: Relation) -> None:
        """Make a relation readable, and first what it is a view of."""
        if relation.name.lower() in self._done:
            return
        self._done.add(relation.name.lower())
        if relation.is_view:
            self._add_view(relation)
        else:
            self._create(_statement(relation), relation, self._register(relation))

    def _add_view(self, relation: Relation) -> None:
        sql = relation.version.sql if relation.version else ""
        query = for_duckdb(sql)
        for name in tables_of(sql) if query is not None else ():
            if name in self._catalog.relations:
                self.add(self._catalog.relations[name])
            if name in self.spark_only or name not in self._catalog.relations:
                query = None
        if query is None:
            self.spark_only[relation.name.lower()] = (
                f"`{relation.name}` is a view that only Spark can read. In Python:\n"
                f'  import winnow; winnow.connect("{self._catalog.warehouse.address}")'
                f'.table("{relation.name}").show()'
            )
        else:
            self._create(PLAIN_VIEW, relation, query)

    def _register(self, relation: Relation) -> str:
        rows = _quoted(f"rows of {relation.name}")
        if relation.version is None:
            registry, table = self._catalog.registry, relation.table
            read = registry.dataset if table in LARGE_TABLES else registry.arrow
            stored = read(table)
            empty = TABLES[table].empty_table()
            self._engine.register(rows[1:-1], empty if stored is None else stored)
        else:
            dropped = relation.part is not Part.KEPT
            found = dataset(self._catalog.warehouse, relation.version, dropped)
            self._engine.register(rows[1:-1], found)
        return rows

    def _create(self, statement: str, relation: Relation, rows: str) -> None:
        self._engine.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted(relation.schema)}")
        name = f"{_quoted(relation.schema)}.{_quoted(relation.table)}"
        self._engine.execute(statement.format(name=name, rows=rows))


def _statement(relation: Relation) -> str:
    if relation.schema == CONTROL:
        return CONTROL_ROWS
    return REJECTED if relation.part is Part.REJECTED else KEPT_OR_DROPPED


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
