"""Where a rule draws its line: the thresholds that a condition names, for pictures and examples.

Conditions are Spark's and are never evaluated here. What is read off them is the form that most
rules have, a column or the ratio of two columns beside a number; of any other form nothing is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Path = tuple[str, ...]
_Kind = type[exp.Expr]
_FLIPPED: dict[_Kind, _Kind] = {
    exp.GTE: exp.LTE,
    exp.GT: exp.LT,
    exp.LTE: exp.GTE,
    exp.LT: exp.GT,
    exp.EQ: exp.EQ,
}
_SIGNS: dict[_Kind, str] = {exp.GTE: "≥", exp.GT: ">", exp.LTE: "≤", exp.LT: "<", exp.EQ: "="}


@dataclass(frozen=True)
class Measure:
    """A numeric column, or what it is of another: `short_lines / lines`."""

    column: Path
    per: Path | None = None

    @property
    def name(self) -> str:
        """The measure as a reader of the stage would write it."""
        names = [".".join(path) for path in (self.column, self.per) if path]
        return " / ".join(names)


@dataclass(frozen=True)
class Threshold:
    """What a rule asks of a measure: `short_lines / lines ≤ 0.67`."""

    measure: Measure
    sign: str
    value: float


def thresholds(condition: str) -> list[Threshold]:
    """Return the thresholds that all have to hold for the condition to hold."""
    try:
        tree = sqlglot.parse_one(condition, read="spark")
    except SqlglotError:
        return []
    return list(_parts(tree))


def _parts(node: exp.Expr) -> Iterator[Threshold]:
    node = node.unnest()
    if isinstance(node, exp.And):
        yield from _parts(node.left)
        yield from _parts(node.right)
    elif isinstance(node, exp.Between):
        yield from _comparison(exp.GTE, node.this, node.args["low"])
        yield from _comparison(exp.LTE, node.this, node.args["high"])
    elif isinstance(node, exp.Binary) and type(node) in _FLIPPED:
        yield from _comparison(type(node), node.left, node.right)
        yield from _comparison(_FLIPPED[type(node)], node.right, node.left)


def _comparison(kind: _Kind, left: exp.Expr, right: exp.Expr) -> Iterator[Threshold]:
    """Yield the threshold of `column kind number` or `column kind number * column`."""
    left, right = left.unnest(), right.unnest()
    if not isinstance(left, exp.Column):
        return
    number, per = _number(right), None
    if number is None and isinstance(right, exp.Mul):
        for factor, other in ((right.left, right.right), (right.right, right.left)):
            if isinstance(other.unnest(), exp.Column):
                number, per = _number(factor), _path(other.unnest())
    if number is not None:
        yield Threshold(Measure(_path(left), per), _SIGNS[kind], number)


def _number(node: exp.Expr) -> float | None:
    node = node.unnest()
    if isinstance(node, exp.Neg):
        inner = _number(node.this)
        return None if inner is None else -inner
    return float(node.name) if isinstance(node, exp.Literal) and node.is_number else None


def _path(column: exp.Expr) -> Path:
    assert isinstance(column, exp.Column)
    return tuple(part.name for part in column.parts)
