"""Plain views without Spark: the ones whose SQL means the same to DuckDB.

A view is Spark SQL, and DuckDB differs quietly: 1/0 is infinite there, `concat` skips nulls, there
is no `rlike`. So only a view made of what both engines agree on is rewritten (columns, joins,
comparisons, literals, CASE, COALESCE, counts); every other view is left to Spark.
"""

from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

# Shape of a query, names, and operations with one meaning for the types that documents have.
_SHARED = {
    *(exp.Select, exp.From, exp.Join, exp.Where, exp.With, exp.CTE, exp.Subquery, exp.Union),
    *(exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Star, exp.Alias, exp.Dot),
    *(exp.Group, exp.Having, exp.Literal, exp.Boolean, exp.Null, exp.Paren, exp.Tuple),
    *(exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.Between, exp.Exists, exp.NullSafeEQ),
    *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Case, exp.If, exp.Coalesce),
    *(exp.Count, exp.Distinct, exp.Min, exp.Max),
}


@cache
def for_duckdb(sql: str) -> str | None:
    """Return a view's query as DuckDB understands it, None where only Spark can tell."""
    try:
        query = sqlglot.parse_one(sql, read="spark")
    except SqlglotError:
        return None
    if not isinstance(query, exp.Query):
        return None
    if any(type(node) not in _SHARED for node in query.walk()):
        return None
    return query.sql(dialect="duckdb", identify=True)  # `unique` is a word of DuckDB


@cache
def tables_of(sql: str) -> tuple[str, ...]:
    """Return the full names of the tables that a view's query reads, in lower case, sorted."""
    query = sqlglot.parse_one(sql, read="spark")
    return tuple(sorted({f"{t.db}.{t.name}".lower() for t in query.find_all(exp.Table) if t.db}))
