"""Where a rule draws its line: the thresholds that a condition names, for pictures and examples.

Conditions are Spark's and are never evaluated here. What is read off them is the form that most
rules have, a column or the ratio of two columns beside a number; of any other form nothing is said.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot import exp

from winnow.explore.conditions import DIVISIONS, Path, comparisons, path_of

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
    found: list[Threshold] = []
    for one in comparisons(condition):
        found += _comparison(one.kind, one.left, one.right)
        found += _comparison(_FLIPPED[one.kind], one.right, one.left)
    return found


def _comparison(kind: _Kind, left: exp.Expr, right: exp.Expr) -> Iterator[Threshold]:
    """Yield the threshold of `column kind number`, also of a ratio of columns.

    That is `column kind number * column` or a division of columns beside a number.
    """
    left, right = left.unnest(), right.unnest()
    if isinstance(left, DIVISIONS):
        column, of, number = left.this.unnest(), left.expression.unnest(), _number(right)
        if isinstance(column, exp.Column) and isinstance(of, exp.Column) and number is not None:
            yield Threshold(Measure(path_of(column), path_of(of)), _SIGNS[kind], number)
        return
    if not isinstance(left, exp.Column):
        return
    number, per = _number(right), None
    if number is None and isinstance(right, exp.Mul):
        for factor, other in ((right.left, right.right), (right.right, right.left)):
            of = other.unnest()
            if isinstance(of, exp.Column):
                number, per = _number(factor), path_of(of)
    if number is not None:
        yield Threshold(Measure(path_of(left), per), _SIGNS[kind], number)


def _number(node: exp.Expr) -> float | None:
    node = node.unnest()
    if isinstance(node, exp.Neg):
        inner = _number(node.this)
        return None if inner is None else -inner
    return float(node.name) if isinstance(node, exp.Literal) and node.is_number else None
