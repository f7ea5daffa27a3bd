"""How far a document is from a rule's threshold: which rules it only just passed.

A verdict is never decided here, Spark did that. Comparisons of numbers and of ratios are measured,
also joined by AND; of everything else nothing is said.
"""

import operator
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlglot import exp

from winnow.explore.conditions import DIVISIONS, comparisons, path_of, value_at

JUST = 0.05  # of the threshold

_FRACTIONS = ("double", "float", "decimal")  # casts to these keep what they are given

_OPERATIONS: dict[type[exp.Expr], Callable[[float, float], float]] = {
    exp.Add: operator.add,
    exp.Sub: operator.sub,
    exp.Mul: operator.mul,
}


def margin(condition: str, row: dict[str, Any]) -> float | None:
    """Return the distance of a row from a condition's nearest threshold, as a share of it.

    Args:
        condition: of a rule, e.g. `words BETWEEN 50 AND 100000` or `hashes <= 0.1 * words`.
        row: the row's values; structs are dictionaries.

    Returns:
        0.02 for 51 words where 50 are asked for; None where nothing can be measured.
    """
    asked = (one for one in comparisons(condition) if one.kind is not exp.EQ)
    sides = ((one.left, one.right) for one in asked)
    ordered = ((a, b) if a.find(exp.Column) else (b, a) for a, b in sides)  # `50 <= words`, too
    found = (_distance(value, threshold, row) for value, threshold in ordered)
    return min((one for one in found if one is not None), default=None)


def ratio(condition: str, row: dict[str, Any]) -> float | None:
    """Return what the one division of a condition gives that is compared with a threshold.

    None for a condition that compares none, or several.
    """
    sides = [side.unnest() for one in comparisons(condition) for side in (one.left, one.right)]
    asked = dict.fromkeys(side for side in sides if isinstance(side, DIVISIONS))
    return _number(next(iter(asked)), row) if len(asked) == 1 else None


def _distance(value: exp.Expr, threshold: exp.Expr, row: dict[str, Any]) -> float | None:
    found, limit = _number(value, row), _number(threshold, row)
    return None if found is None or not limit else abs(found - limit) / abs(limit)


def _number(node: exp.Expr, row: dict[str, Any]) -> float | None:
    if isinstance(node, exp.Paren) or (isinstance(node, exp.Cast) and node.is_type(*_FRACTIONS)):
        return _number(node.this, row)
    if isinstance(node, exp.Neg):
        found = _number(node.this, row)
        return None if found is None else -found
    if isinstance(node, exp.Literal) and not node.is_string:
        return float(node.name)
    if isinstance(node, exp.Column):
        return _value(node, row)
    if isinstance(node, exp.Greatest):
        values = [_number(one, row) for one in (node.this, *node.expressions)]
        return None if None in values else max(one for one in values if one is not None)
    if isinstance(node, DIVISIONS):
        whole, part = _number(node.this, row), _number(node.expression, row)
        return None if whole is None or not part else whole / part
    operation = _OPERATIONS.get(type(node))
    if operation is None or not isinstance(node, exp.Binary):
        return None
    left, right = _number(node.left, row), _number(node.right, row)
    return None if left is None or right is None else operation(left, right)


def _value(column: exp.Column, row: dict[str, Any]) -> float | None:
    value = value_at(row, path_of(column))
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return float(value) if is_number else None
