"""What the conditions of rules say of columns and numbers, without evaluating them.

Conditions are Spark's, and Spark alone decides. What is read off them is for pictures, examples and
distances: comparisons that all have to hold, and the columns that are named.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from winnow.schemas.documents import HEAVY_COLUMNS

Path = tuple[str, ...]  # a column, and a field of a struct in it
COMPARISONS = (exp.GTE, exp.GT, exp.LTE, exp.LT, exp.EQ)
DIVISIONS = (exp.SafeDivide, exp.Div)  # `try_divide(a, b)`, `a / b`


@dataclass(frozen=True)
class Comparison:
    """`left kind right`: `words >= 50`, `hashes <= 0.1 * words`."""

    left: exp.Expr
    kind: type[exp.Expr]  # of COMPARISONS
    right: exp.Expr


def comparisons(condition: str) -> list[Comparison]:
    """Return the comparisons that all have to hold for a condition to hold; BETWEEN is two.

    `lines = 0 OR try_divide(short_lines, lines) <= 0.67` is one, of the ratio: without lines there
    is none. Of what is joined otherwise, and of what does not parse, nothing is said.
    """
    tree = _parsed(condition)
    return [] if tree is None else list(_comparisons(tree))


def columns_of(condition: str, known: set[str]) -> list[Path]:
    """Return the columns that a condition names. Texts are left out: the preview shows them."""
    tree = _parsed(condition)
    named = tree.find_all(exp.Column) if tree is not None else ()
    paths = dict.fromkeys(path_of(column) for column in named)
    return [path for path in paths if path[0] in known and path[0] not in HEAVY_COLUMNS]


def placeholders_of(condition: str) -> list[str]:
    """Return the names of the parameters that a condition names, `text_limit` for `:text_limit`."""
    tree = _parsed(condition)
    return [] if tree is None else [str(one.this) for one in tree.find_all(exp.Placeholder)]


def path_of(column: exp.Column) -> Path:
    """Return the names that a column is written with."""
    return tuple(part.name for part in column.parts)


def value_at(row: Any, path: Path) -> Any:
    """Return a column's value in a row, or that of a field inside it."""
    for name in path:
        row = row.get(name) if isinstance(row, dict) else None
    return row


@lru_cache(maxsize=1000)
def _parsed(condition: str) -> exp.Expr | None:
    """Return a condition's tree, which nobody may change: several questions are asked of each."""
    try:
        return sqlglot.parse_one(condition, read="spark")
    except SqlglotError:
        return None


def _comparisons(node: exp.Expr) -> Iterator[Comparison]:
    node = node.unnest()
    if isinstance(node, exp.And):
        yield from _comparisons(node.left)
        yield from _comparisons(node.right)
    elif isinstance(node, exp.Between):
        yield Comparison(node.this, exp.GTE, node.args["low"])
        yield Comparison(node.this, exp.LTE, node.args["high"])
    elif isinstance(node, exp.Or):
        asked = list(_comparisons(node.right))
        if len(asked) == 1 and _is_without(node.left.unnest(), asked[0].left.unnest()):
            yield asked[0]
    elif isinstance(node, COMPARISONS):
        yield Comparison(node.left, type(node), node.right)


def _is_without(node: exp.Expr, ratio: exp.Expr) -> bool:
    """Whether a condition says that there is nothing to divide a ratio by."""
    if not isinstance(node, exp.EQ) or not isinstance(ratio, DIVISIONS):
        return False
    return node.left == ratio.expression.unnest() and node.right == exp.Literal.number(0)
