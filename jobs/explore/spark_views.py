"""The Spark SQL behind the names that readers use."""

from collections.abc import Mapping

import sqlglot
from deltalake import DeltaTable
from deltalake.exceptions import TableNotFoundError

from winnow.engine.warehouse import Warehouse
from winnow.explore.catalog import CONTROL, Part, Relation
from winnow.pipeline.render import has_alias, replace
from winnow.schemas.control import TABLES

KEPT = "SELECT * EXCEPT (_dropped, _batch) FROM {rows} WHERE NOT _dropped"
DROPPED = "SELECT * EXCEPT (_dropped, _batch) FROM {rows} WHERE _dropped"
REJECTED = """
    SELECT file, position, reject_reason AS reason, reject_snippet AS snippet, id
    FROM {rows}
    WHERE _dropped AND array_contains(_failed_rules, 'readable')
"""
_ROWS = {Part.KEPT: KEPT, Part.DROPPED: DROPPED, Part.REJECTED: REJECTED}


def quoted(name: str) -> str:
    """Return a name in backticks."""
    return "`" + name.replace("`", "``") + "`"


def named(relation: Relation) -> str:
    """Return the full name of a relation in backticks."""
    return f"{quoted(relation.schema)}.{quoted(relation.table)}"


def rows_sql(warehouse: Warehouse, relation: Relation) -> str:
    """Return the query of a stage's rows at the relation's version."""
    version = relation.version
    assert version is not None  # control tables have queries of their own
    path = quoted(warehouse.path(version.pipeline, version.stage))
    rows = f"delta.{path} VERSION AS OF {version.version}"
    return _ROWS[relation.part].format(rows=rows)


def control_sql(warehouse: Warehouse, table: str) -> str:
    """Return the query of a control table's rows as they are now; empty before the first row."""
    path = warehouse.path(CONTROL, table)
    try:
        version = DeltaTable(path).version()
    except TableNotFoundError:
        from pyspark.sql.pandas.types import from_arrow_schema

        fields = from_arrow_schema(TABLES[table]).fields
        columns = (f"CAST(NULL AS {f.dataType.simpleString()}) AS {quoted(f.name)}" for f in fields)
        return f"SELECT {', '.join(columns)} WHERE false"
    return f"SELECT * FROM delta.{quoted(path)} VERSION AS OF {version}"


def substituted(query: str, names: Mapping[str, str]) -> str:
    """Return a query that reads temporary views in place of `schema.table`, by source offsets."""
    if not names:
        return query
    tokens = sqlglot.tokenize(query, read="spark")
    edits = []
    for i, dot in enumerate(tokens[1:-1], 1):
        name = names.get(f"{tokens[i - 1].text}.{tokens[i + 1].text}".lower())
        around = (*tokens[max(i - 2, 0) : i - 1], *tokens[i + 2 : i + 3])
        longer = any(query[token.start] == "." for token in around)
        if name and query[dot.start] == "." and not longer:
            end = tokens[i + 1].end + 1
            alias = "" if has_alias(query, end) else f" AS {quoted(tokens[i + 1].text)}"
            edits.append((tokens[i - 1].start, end, quoted(name) + alias))
    return replace(query, edits).text
