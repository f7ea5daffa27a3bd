"""SQL over published tables by DuckDB: read only, no JVM, only the tables that a query names."""

import os
import re
import tempfile
from collections.abc import Iterator

import duckdb
import pyarrow as pa

from winnow.errors import CommandError
from winnow.explore.attach import Attachments
from winnow.explore.catalog import Catalog, Relation
from winnow.explore.screen import cut
from winnow.extensions import built_in

ALL_TABLES = """
    SELECT schema_name || '.' || view_name AS "table"
    FROM duckdb_views()
    WHERE NOT internal AND schema_name <> 'main'
    ORDER BY "table"
"""
_MISSING = re.compile(r'with name "?([^\s"]+)"? does not exist')
_NO_FUNCTION = re.compile(r"Function with name (\w+) does not exist")
# Queries about all tables: each of them must be there, not only those that are named.
_ABOUT_ALL = re.compile(r"information_schema|duckdb_\w+\s*\(", re.I)
_SHOW_TABLES = re.compile(r"\s*SHOW\s+(ALL\s+)?TABLES\s*;?\s*", re.I)


class Query:
    """One query, bound to the tables that it names. Rows are read when they are asked for.

    Raises:
        CommandError: the query is no SELECT, or names what is not there.
    """

    def __init__(self, catalog: Catalog, text: str) -> None:
        self._catalog = catalog
        # A sort larger than memory goes to the system's folder for temporary files, not to ours.
        spill = os.path.join(tempfile.gettempdir(), f"winnow-{os.getpid()}")
        self._engine = duckdb.connect(config={"temp_directory": spill})
        self._engine.execute("SET python_enable_replacements = false; SET TimeZone = 'UTC'")
        self._tables = Attachments(self._engine, catalog)
        self._relation = self._bound(text)
        self.columns: list[str] = list(self._relation.columns)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Return the rows in batches.

        Raises:
            CommandError: a value cannot be computed.
        """
        try:
            yield from pa.RecordBatchReader.from_stream(self._relation)
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise self._explained(error) from None

    def _bound(self, text: str) -> duckdb.DuckDBPyRelation:
        listing = _SHOW_TABLES.fullmatch(text) is not None
        if not listing:
            self._check(text)
        for relation in self._named(ALL_TABLES if listing else text):
            self._tables.add(relation)
        self._engine.execute("SET enable_external_access = false")  # no files, no network
        try:
            return self._engine.sql(ALL_TABLES if listing else text)
        except duckdb.Error as error:
            raise self._explained(error) from None

    def _check(self, text: str) -> None:
        try:
            statements = self._engine.extract_statements(text)
        except duckdb.Error as error:
            raise self._explained(error) from None
        if len(statements) != 1:
            raise CommandError(f"one query at a time: this text holds {len(statements)}")
        if statements[0].type != duckdb.StatementType.SELECT:
            raise CommandError(
                "`winnow sql` reads and never writes: SELECT, WITH, FROM, VALUES, DESCRIBE and "
                f"SHOW are understood, {statements[0].type.name} is not"
            )

    def _named(self, text: str) -> list[Relation]:
        """Return the relations whose table name occurs in the text: one too many costs little."""
        relations = self._catalog.relations.values()
        if _ABOUT_ALL.search(text):
            return list(relations)
        words = set(re.findall(r"\w+", text.lower()))
        return [item for item in relations if item.table.lower() in words]

    def _explained(self, error: Exception) -> CommandError:
        text = str(error)
        missing = _MISSING.search(text)
        if missing is not None and "Table" in text:
            return self._no_table(missing[1].lower(), text)
        function = _NO_FUNCTION.search(text)
        if function is not None and function[1].lower() in built_in():
            return CommandError(
                f"`{function[1]}` is a function of stages, and `winnow sql` is DuckDB's, which has "
                "none of them: call it in a stage, or in Spark with `winnow.connect().sql(...)`"
            )
        kind, _, problem = text.partition("\n\n")[0].partition("Error: ")
        return CommandError(f"the query fails: {cut(' '.join((problem or kind).split()), 400)}")

    def _no_table(self, table: str, text: str) -> CommandError:
        """Return the error for a table that is missing; DuckDB leaves its schema out."""
        pattern = rf'(?:"?(\w+)"?\s*\.\s*)?"?{re.escape(table)}\b'
        written = re.search(pattern, text.partition("LINE")[2], re.I)
        schema = written[1] if written else None
        name = f"{schema}.{table}" if schema else table
        spark_only = self._tables.spark_only.get(name.lower())
        return CommandError(spark_only) if spark_only else self._catalog.unknown(name)
