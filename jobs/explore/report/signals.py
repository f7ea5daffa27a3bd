"""Histograms of every signal and of every ratio that a rule limits, over kept and dropped rows."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa

from winnow.explore.conditions import Path
from winnow.explore.report.rows import Rows, path
from winnow.explore.report.steps import TEXT_BYTES, Step
from winnow.explore.report.thresholds import Measure, Threshold, thresholds
from winnow.schemas.documents import DOCUMENT, DROPPED, ENGINE_COLUMNS

BINS, FEW = 30, 4
BELOW_NEXT = ("≤", "=", ">")
# Quantiles come from documents chosen by the digests of their ids, so that two reports agree.
SAMPLE = 50_000
SPREAD = """
    SELECT {spreads}
    FROM (SELECT * FROM {table} AS r WHERE md5_number_lower(r.id) % {every} = 0) AS r
"""
SPREAD_OF = "[min({x}), max({x})] || quantile_cont({x}, [0.005, 0.5, 0.995])"
COUNTED = "SELECT r.{dropped} AS dropped, {counts} FROM {table} AS r GROUP BY 1"
COUNT_OF = "histogram(least(greatest({x}, {low!r}), {high!r}), {ends}) FILTER (WHERE isfinite({x}))"
FAR = 20  # times the median: from there on values are drawn on a logarithmic scale


@dataclass(frozen=True)
class Bins:
    """Bins between edges, ascending; values beyond the ends count in the outermost.

    Of fractions a bin has its upper edge and not its lower one, of whole numbers the other way.
    """

    edges: tuple[float, ...]
    is_whole: bool
    logarithmic: bool

    def sql(self, x: str) -> str:
        """Return the aggregate that counts the values of each bin, as a map in their order."""
        ends = [edge - self.is_whole for edge in self.edges[1:]]
        return COUNT_OF.format(x=x, low=self.edges[0], high=ends[-1], ends=ends)


def signals(rows: Rows, steps: list[Step]) -> list[dict[str, Any]]:
    """Return the histograms of each step that measures something."""
    found = []
    for step in steps:
        limits = [
            (rule["rule"], one)
            for rule in step.rules
            for one in thresholds(rule["condition"] or "")
            if _is_measured(one.measure, step)
        ]
        measures = list(dict.fromkeys([*_columns(step), *(one.measure for _, one in limits)]))
        if measures and not step.version.is_view and step.version.rows_in:
            found.append(
                {
                    "table": step.table,
                    "stage": step.version.stage,
                    "histograms": _histograms(rows, step, measures, limits),
                }
            )
    return found


def value(measure: Measure) -> str:
    """Return the SQL of a measure over the relation `r`; a ratio of nothing is NULL."""
    column = f"{path(measure.column)}::DOUBLE"
    return f"({column} / nullif({path(measure.per)}, 0))" if measure.per else column


def numeric(step: Step) -> dict[Path, pa.DataType]:
    """Return the numeric columns of a step, and those within its structs."""
    return {
        path: kind
        for name, kind in step.columns.items()
        if name not in ENGINE_COLUMNS
        for path, kind in _leaves((name,), kind)
    }


def _leaves(path: Path, kind: pa.DataType) -> Iterator[tuple[Path, pa.DataType]]:
    if pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves((*path, field.name), field.type)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
        yield path, kind  # decimals are limits that somebody wrote down, not measured


def _columns(step: Step) -> list[Measure]:
    """Return what a step measured: its numeric columns but for those that come from the source."""
    given = set(DOCUMENT) - {TEXT_BYTES}
    return [Measure(path) for path in numeric(step) if path[0] not in given]


def _is_measured(measure: Measure, step: Step) -> bool:
    known = numeric(step)
    return measure.column in known and (measure.per is None or measure.per in known)


def _histograms(
    rows: Rows, step: Step, measures: list[Measure], limits: list[tuple[str, Threshold]]
) -> list[dict[str, Any]]:
    table = rows.table(step.version)
    spreads = [SPREAD_OF.format(x=_finite(measure)) for measure in measures]
    columns = ", ".join(f"{sql} AS m{i}" for i, sql in enumerate(spreads))
    every = max(1, step.version.rows_in // SAMPLE)
    (spread,) = rows.ask(SPREAD.format(spreads=columns, table=table, every=every))
    drawn = {
        measure: _bins(spread[f"m{i}"], _marks(measure, limits), _is_whole(measure, step))
        for i, measure in enumerate(measures)
        if spread[f"m{i}"] and spread[f"m{i}"][0] is not None
    }
    if not drawn:
        return []
    counts = ", ".join(
        f"{bins.sql(value(measure))} AS m{i}" for i, (measure, bins) in enumerate(drawn.items())
    )
    counted = rows.ask(COUNTED.format(dropped=DROPPED, counts=counts, table=table))
    medians = {
        measure: spread[f"m{i}"][3] for i, measure in enumerate(measures) if measure in drawn
    }
    found = [
        _histogram(measure, bins, {row["dropped"]: row[f"m{i}"] or {} for row in counted})
        | {"median": medians[measure], "limits": _limits(measure, limits, bins.is_whole)}
        for i, (measure, bins) in enumerate(drawn.items())
    ]
    # What rules look at comes first; the order of columns otherwise.
    return sorted(found, key=lambda one: not one["limits"])


def _finite(measure: Measure) -> str:
    x = value(measure)
    return f"CASE WHEN isfinite({x}) THEN {x} END"


def _marks(measure: Measure, limits: list[tuple[str, Threshold]]) -> list[float]:
    return [one.value for _, one in limits if one.measure == measure]


def _limits(
    measure: Measure, limits: list[tuple[str, Threshold]], is_whole: bool
) -> list[dict[str, Any]]:
    """Return the thresholds of a measure; a whole number's own bin ends where the next begins."""
    return [
        {
            "rule": rule,
            "sign": one.sign,
            "value": one.value,
            "at": one.value + (is_whole and one.sign in BELOW_NEXT),
        }
        for rule, one in limits
        if one.measure == measure
    ]


def _is_whole(measure: Measure, step: Step) -> bool:
    return measure.per is None and pa.types.is_integer(numeric(step)[measure.column])


def _bins(spread: list[float], marks: list[float], is_whole: bool) -> Bins:
    """Return bins for nearly all values; a threshold far from every value stretches nothing."""
    _, most, low, median, high = spread
    reach = high - low or 1.0
    near = [mark for mark in marks if low - reach <= mark <= max(high + reach, 2 * high)]
    low, high = min([low, *near]), max([high, *near])
    if not is_whole:
        high = high if high > low else low + 1.0
        return Bins(_even(low, high, BINS), is_whole, logarithmic=False)
    low, high = math.floor(low), math.ceil(max(high, min(most, low + FEW))) + 1
    if low >= 0 and high > FAR * max(median, 1):
        scaled = _even(math.log1p(low), math.log1p(high), BINS)
        return Bins(_whole(map(math.expm1, scaled)), is_whole, logarithmic=True)
    return Bins(_whole(_even(low, high, min(BINS, high - low))), is_whole, logarithmic=False)


def _whole(edges: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted({float(round(edge)) for edge in edges}))


def _even(low: float, high: float, count: int) -> tuple[float, ...]:
    return (*(low + (high - low) * number / count for number in range(count)), high)


def _histogram(
    measure: Measure, bins: Bins, counted: dict[bool, dict[float, int]]
) -> dict[str, Any]:
    kept, dropped = (
        list(counted.get(is_dropped, {}).values()) or [0] * (len(bins.edges) - 1)
        for is_dropped in (False, True)
    )
    ends = pairwise(bins.edges)
    return {
        "measure": measure.name,
        "is_whole": bins.is_whole,
        "logarithmic": bins.logarithmic,
        "bins": [
            {"from": low, "to": high, "kept": stays, "dropped": goes}
            for (low, high), stays, goes in zip(ends, kept, dropped, strict=True)
        ],
    }
