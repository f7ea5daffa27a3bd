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
HAVING count(*) >= {documents} AND count_if(_dropped) > {share} * count(*)
"""

# {column} is a quoted column, or one value for all rows. Documents that a finished corpus has are
# dropped without a component.
MAX_DUPLICATE_SHARE = """
SELECT
  part,
  sum(documents) AS documents,
  sum(dropped) AS dropped,
  round(sum(dropped) / sum(documents), 4) AS dropped_ratio,
  max_by(component, (dropped, component)) AS largest_component,
  max(dropped) AS dropped_of_it,
  max_by(examples, (dropped, component)) AS examples
FROM (
  SELECT
    part,
    component,
    count(*) AS documents,
    count_if(_dropped) AS dropped,
    array(min(id), max(id)) AS examples
  FROM (SELECT {column} AS part, component, id, _dropped FROM {{batch}})
  WHERE component IS NOT NULL OR NOT _dropped
  GROUP BY part, component
)
GROUP BY part
HAVING sum(dropped) > {share} * sum(documents)
"""

MAX_CLUSTER_SIZE = """
SELECT
  component,
  count(*) AS documents,
  count_if(_dropped) AS dropped,
  array(min(id), max(id)) AS examples
FROM {{batch}}
WHERE component IS NOT NULL
GROUP BY component
HAVING count(*) > {documents}
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

NO_FALL = """
SELECT new.value AS value, old.value AS published_value, {by} AS allowed_fall
FROM (SELECT CAST(avg({column}) AS DOUBLE) AS value FROM {{batch}}) AS new
CROSS JOIN (
  SELECT CAST(avg({column}) AS DOUBLE) AS value, count(*) AS documents FROM {{published}}
) AS old
WHERE old.documents > 0
  AND coalesce(new.value < old.value - {by}, new.value IS NULL AND old.value IS NOT NULL)
"""


@check(version=1)
def max_drop_share(column: str, share: float, documents: int = 1) -> str:
    """No group of documents may lose more than a share of its rows. For the section `all`.

    Args:
        column: what groups the rows, for example `source`; documents without it are a group.
        share: from 0 to 1; exactly that share passes.
        documents: groups of fewer say too little to be looked at.

    Raises:
        CommandError: the share is not from 0 to 1, or documents below 1.
    """
    return MAX_DROP_SHARE.format(
        column=_quoted(column),
        share=_share("max_drop_share", share),
        documents=_at_least_one("max_drop_share", documents),
    )


@check(version=1)
def max_duplicate_share(share: float, column: str = "") -> str:
    """No more than a share of the documents may be dropped as duplicates. For the section `all`.

    Of a group that loses more, the component that most of its dropped documents belong to is
    named, with its first and its last id. The stage returns `id` and `component`. What is dropped
    without a component, for it is in a finished corpus, counts for nothing.

    Args:
        share: from 0 to 1; exactly that share passes.
        column: what groups the rows, for example `source`; all are one group if not given.

    Raises:
        CommandError: the share is not from 0 to 1.
    """
    return MAX_DUPLICATE_SHARE.format(
        column=_quoted(column) if column else "'all'",
        share=_share("max_duplicate_share", share),
    )


@check(version=1)
def max_cluster_size(documents: int) -> str:
    """No component may hold more documents. For the section `all`.

    A larger one is named with its first and its last id: it is more often a template than a text.
    The stage returns `id` and `component`.

    Args:
        documents: exactly so many pass.

    Raises:
        CommandError: the limit is below 1.
    """
    return MAX_CLUSTER_SIZE.format(documents=_at_least_one("max_cluster_size", documents))


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


@check(version=1)
def no_fall(column: str, by: float = 0.0) -> str:
    """The mean of a column may not be below the published version's, e.g. the AUC of a model.

    Passes while nothing is published.

    Args:
        column: what is measured, a number.
        by: how far it may be below; exactly that much passes.

    Raises:
        CommandError: `by` is negative.
    """
    if by < 0:
        raise CommandError(f"no_fall: by is at least 0, not {by}")
    return NO_FALL.format(column=_quoted(column), by=_number(by))


def _share(check_name: str, share: float) -> str:
    if not 0 <= share <= 1:
        raise CommandError(f"{check_name}: share is from 0 to 1, not {share}")
    return _number(share)


def _at_least_one(check_name: str, documents: int) -> int:
    if documents < 1:
        raise CommandError(f"{check_name}: documents is at least 1, not {documents}")
    return documents


def _quoted(column: str) -> str:
    # Braces are doubled because the views' names are put in by str.format.
    return "`" + column.replace("`", "``").replace("{", "{{").replace("}", "}}") + "`"


def _number(value: float) -> str:
    """Write a number as a decimal literal, so that the edge is exact: 0.1 is one tenth."""
    return format(Decimal(str(value)), "f")
