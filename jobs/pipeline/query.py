"""The shape of a query: its blocks, inputs, function calls and subqueries, with their tokens.

Numbers are indices of tokens; [start, end) leaves `end` out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Function:
    """`name(...)` in an expression; numbers are token indices."""

    name: str
    start: int
    opening: int
    closing: int
    inside: str = ""  # the function whose direct argument it is
    over: tuple[int, int] | None = None  # the window: `OVER (...)` or `OVER name`
    ordered: bool = False  # WITHIN GROUP (ORDER BY ...)


@dataclass(eq=False)
class Cte:
    """`name AS (query)`: tokens [start, end). Compared by identity."""

    name: str
    start: int
    end: int
    query: Query
    recursive: bool = False


@dataclass
class TableQuery:
    """`[name =>] TABLE(query)` among the arguments of a table function."""

    name: str
    start: int  # of what stands between the parentheses
    end: int
    query: Query
    is_name: bool  # TABLE(t)


@dataclass
class Relation:
    """One input of a FROM clause: tokens [start, end), `STREAM` before it included."""

    start: int
    end: int
    name: tuple[int, ...] = ()  # tokens of the name's parts
    identifier: tuple[int, int] | None = None  # between the parentheses of IDENTIFIER(...)
    arguments: list[tuple[int, int]] | None = None  # of a table function
    tables: list[TableQuery] = field(default_factory=list)
    query: Query | None = None
    nested: list[Relation] = field(default_factory=list)  # a join between parentheses
    stream: bool = False
    join: str = ""  # how it is joined to what stands before it: "LEFT OUTER", "CROSS", ...
    join_start: int = 0
    lateral: bool = False
    tail: tuple[int, int] = (0, 0)  # alias, sample, ON ...
    alias: str = ""


@dataclass
class Select:
    """One SELECT block (or VALUES, TABLE, one step of a pipe)."""

    start: int
    end: int = 0
    items: tuple[int, int] | None = None
    distinct: int | None = None
    group: int | None = None
    filters: list[int] = field(default_factory=list)  # WHERE, HAVING, QUALIFY
    pivot: int | None = None
    samples: list[int] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    subqueries: list[tuple[int, Query]] = field(default_factory=list)  # opening, query
    words: list[int] = field(default_factory=list)  # plain words in expressions
    windows: dict[str, bool] = field(default_factory=dict)  # named window -> has ORDER BY
    conditions: list[tuple[int, int]] = field(default_factory=list)  # of ON and WHERE
    pipe: bool = False  # a step of a pipe: its first relation is what came before


@dataclass
class Query:
    """SELECT blocks under set operators, with the WITH clause before them."""

    start: int
    end: int
    ctes: list[Cte] = field(default_factory=list)
    recursive: bool = False
    operands: list[Select | Query] = field(default_factory=list)
    operators: list[tuple[int, str, bool]] = field(default_factory=list)  # token, word, ALL
    order_by: int | None = None
    limits: list[int] = field(default_factory=list)

    @property
    def last(self) -> Select:
        """The SELECT block that ends the query."""
        operand = self.operands[-1]
        return operand if isinstance(operand, Select) else operand.last


Scope = tuple[tuple[Cte, ...], ...]  # the WITH steps that a place sees, outermost clause first


def find(scope: Scope, name: str) -> Cte | None:
    """The WITH step of that name that holds here."""
    for level in reversed(scope):
        for cte in reversed(level):
            if cte.name == name:
                return cte
    return None


def relations(query: Query, scope: Scope = ()) -> Iterator[tuple[Relation, Scope]]:
    """Every input of every FROM clause of a query, with the WITH steps that it sees.

    Queries inside TABLE( ) are walked too.
    """
    seen: tuple[Cte, ...] = ()
    for cte in query.ctes:
        own = (*seen, cte) if query.recursive else seen
        yield from relations(cte.query, (*scope, own))
        seen = (*seen, cte)
    if seen:
        scope = (*scope, seen)
    for operand in query.operands:
        if isinstance(operand, Query):
            yield from relations(operand, scope)
            continue
        for relation in operand.relations:
            yield relation, scope
            for inner in (relation.query, *(table.query for table in relation.tables)):
                if inner:
                    yield from relations(inner, scope)
        for _, subquery in operand.subqueries:
            yield from relations(subquery, scope)


def blocks(query: Query) -> Iterator[Select]:
    """Every SELECT block of a query, those of subqueries and TABLE( ) included."""
    for inner in queries(query):
        yield from (operand for operand in inner.operands if isinstance(operand, Select))


def queries(query: Query) -> Iterator[Query]:
    """A query and every query inside it."""
    yield query
    for cte in query.ctes:
        yield from queries(cte.query)
    for operand in query.operands:
        if isinstance(operand, Query):
            yield from queries(operand)
            continue
        for relation in operand.relations:
            for inner in (relation.query, *(table.query for table in relation.tables)):
                if inner:
                    yield from queries(inner)
        for _, subquery in operand.subqueries:
            yield from queries(subquery)
