"""Which tables a query reads, as Spark's own parser sees it."""

from collections.abc import Iterator

from py4j.java_gateway import JavaObject
from pyspark.sql import SparkSession


class SparkParser:
    """Spark's parser, without analysis: no table need exist."""

    def __init__(self, spark: SparkSession) -> None:
        self._parser = spark._jsparkSession.sessionState().sqlParser()

    def tables(self, sql: str) -> set[str]:
        """Names of all tables in lower case, WITH steps left out.

        Raises:
            Py4JJavaError: Spark does not accept the query.
        """
        return set(_tables(self._parser.parsePlan(sql), []))


def _tables(plan: JavaObject, scope: list[set[str]]) -> Iterator[str]:
    kind = plan.getClass().getSimpleName()
    if kind == "UnresolvedWith":
        yield from _with(plan, scope)
        return
    if kind == "UnresolvedRelation":
        parts = _sequence(plan.multipartIdentifier())
        name = ".".join(parts).lower()
        if len(parts) > 1 or not any(name in level for level in scope):
            yield name
    for expression in _sequence(plan.expressions()):
        yield from _in_expression(expression, scope)
    for child in _sequence(plan.children()):
        yield from _tables(child, scope)


def _with(plan: JavaObject, scope: list[set[str]]) -> Iterator[str]:
    seen: set[str] = set()
    for cte in _sequence(plan.cteRelations()):
        name = cte._1().lower()
        own = seen | {name} if plan.allowRecursion() else seen
        yield from _tables(cte._2(), [*scope, own])
        seen = seen | {name}
    yield from _tables(plan.child(), [*scope, seen])


def _in_expression(expression: JavaObject, scope: list[set[str]]) -> Iterator[str]:
    kind = expression.getClass().getSimpleName()
    if kind in (
        "ScalarSubquery",
        "Exists",
        "ListQuery",
        "LateralSubquery",
        "FunctionTableSubqueryArgumentExpression",
    ):
        yield from _tables(expression.plan(), scope)
    for child in _sequence(expression.children()):
        yield from _in_expression(child, scope)


def _sequence(sequence: JavaObject) -> list:
    return [sequence.apply(i) for i in range(sequence.size())]
