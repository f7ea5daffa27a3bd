"""Checks on a whole table version, beside those of Great Expectations.

A check returns SQL that selects the bad rows: of `{batch}`, the version to be published, and of
`{published}`, the version that readers see now, which has no rows when there is none. Both are
views with the engine's columns, `_dropped` among them. Results hold groups and numbers, no texts.
"""

from decimal import Decimal

from winnow.errors import CommandError
from winnow.operators.registry import check

# The measures of max_change, each as SQL over one version. {column} is quoted, {quantile} a number.
MEASURES = {
    "rows": "CAST(count(*) AS DOUBLE)",
    "mean": "CAST(avg({column}) AS DOUBLE)",
    "quantile": "CAST(percentile({column}, {quantile}) AS DOUBLE)",
}

MAX_DROP_SHARE = """
SELECT
  {column},
  count(*) AS documents,
  count_if(_dropped) AS dropped,
  round(count_if(_dropped) / count(*), 4) AS dropped_ratio
FROM {{batch}}
GROUP BY {column}
HAVING count_if(_dropped) > {share} * count(*)
"""

MAX_CHANGE = """
SELECT new.value AS value, old.value AS published_value, {percent} AS allowed_percent
FROM (SELECT {measure} AS value FROM {{batch}}) AS new
CROSS JOIN (SELECT {measure} AS value, count(*) AS documents FROM {{published}}) AS old
WHERE old.documents > 0
  AND coalesce(
    100 * abs(new.value - old.value) > {percent} * abs(old.value),
    (new.value IS NULL) <> (old.value IS NULL)
  )
"""


@check(version=1)
def max_drop_share(column: str, share: float) -> str:
    """No group of documents may lose more than a share of its rows. For the section `all`.

    Args:
        column: what groups the rows, for example `source`; documents without it are a group.
        share: from 0 to 1; exactly that share passes.

    Raises:
        CommandError: the share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise CommandError(f"max_drop_share: share is from 0 to 1, not {share}")
    return MAX_DROP_SHARE.format(column=_quoted(column), share=_number(share))


@check(version=1)
def max_change(measure: str, percent: float, column: str = "", quantile: float = 0.5) -> str:
    """A measure of a version may differ from the published version's by so many percent.

    Passes while nothing is published. A measure that was 0 may not change at all.

    Args:
        measure: `rows`, or of a numeric column `mean` or `quantile`.
        percent: of the published version's value; exactly that much passes.
        column: what is measured; not for `rows`.
        quantile: from 0 to 1, the median if not given; for `quantile` only.

    Raises:
        CommandError: an unknown measure, a column missing or too many, a number out of range.
    """
    if measure not in MEASURES:
        raise CommandError(f"max_change: {measure!r} is none of {', '.join(MEASURES)}")
    if percent < 0:
        raise CommandError(f"max_change: percent is at least 0, not {percent}")
    if bool(column) == (measure == "rows"):
        raise CommandError(f"max_change: {measure} {'takes no' if column else 'needs a'} column")
    if not 0 <= quantile <= 1:
        raise CommandError(f"max_change: quantile is from 0 to 1, not {quantile}")
    value = MEASURES[measure].format(column=_quoted(column), quantile=_number(quantile))
    return MAX_CHANGE.format(measure=value, percent=_number(percent))


def _quoted(column: str) -> str:
    # Braces are doubled because the views' names are put in by str.format.
    return "`" + column.replace("`", "``").replace("{", "{{").replace("}", "}}") + "`"


def _number(value: float) -> str:
    """Write a number as a decimal literal, so that the edge is exact: 0.1 is one tenth."""
    return format(Decimal(str(value)), "f")
