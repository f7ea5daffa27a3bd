"""Runs a stage's checks on exactly the rows of one version.

One Great Expectations validation per section, however many checks it has. It is asked for counts
only: with `partial_unexpected_count` 0 Spark answers the query for unexpected values without a
job, so no text leaves the executors and a passing check costs no more than BOOLEAN_ONLY. A failed
check costs one more pass, for its five examples. Of the built-in expectations uniqueness is the
dear one (a shuffle of the column), then those that read the text.

A SQL check's query runs twice (Great Expectations counts its rows and fetches up to 200 of them),
so it should select few columns.
"""

import json
import logging
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from winnow.engine.expectations import (
    SQL_KWARG,
    SQL_TYPE,
    column_faults,
    declared_check,
    great_expectations,
    statement,
    validate_checks,
)
from winnow.engine.fingerprint import digest
from winnow.engine.results import CheckResult
from winnow.pipeline.model import Check
from winnow.udfs.registry import Declaration

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["audit", "checks_hash", "validate_checks"]

EXAMPLES = 5
VALUE_WIDTH = 80  # characters of a text value in an example
LIST_LENGTH = 100  # longer observed lists are left out
KEY_COLUMNS = frozenset({"id", "component", "source", "language", "licence", "file", "list"})

_COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0}
_GX_VIEW = "tmp_view"  # the name that Great Expectations gives to {batch}, taken or not
_TALKATIVE = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")  # pyspark's; quote values

_SPARK_ERROR = re.compile(r"\[([A-Z0-9_.]+)\] (.*?)\s*SQLSTATE: (\w{5})", re.DOTALL)
# Messages of Great Expectations that name columns and types only.
_QUOTABLE = re.compile(
    r'(Error: )?The column "[^"]*" in BatchData does not exist'
    r"|\w+ metrics cannot be computed on column of type"
    r"|Expected numeric column type"
    r"|'[<>=]+' not supported between instances of"
    r"|No provider found for"
)


@dataclass(frozen=True)
class _Outcome:
    """What Great Expectations said of one expectation; `config` is what it evaluated."""

    success: bool
    result: Mapping[str, Any]
    config: Any = None
    error: str = ""

    @property
    def row_level(self) -> bool:
        """Whether it was asked of each row, so that rows can fail it."""
        return "element_count" in self.result


@dataclass(frozen=True)
class _Section:
    """The rows of one section as expectations (`validator`) and SQL checks (views) see them."""

    spark: "SparkSession"
    rows: "DataFrame"
    batch: str
    published: str
    id_column: str | None
    validator: Any

    @property
    def columns(self) -> dict[str, str]:
        return dict(self.rows.dtypes)


def audit(
    spark: "SparkSession",
    checks: Sequence[Check],
    functions: Mapping[str, Declaration],
    kept: "DataFrame",
    everything: "DataFrame",
    published: "tuple[DataFrame, DataFrame] | None",
    id_column: str | None,
) -> list[CheckResult]:
    """Run the checks of one stage; one result per check, in their order.

    A result with `error` says that its check could not be evaluated, which proves nothing of the
    version: the engine fails the stage then, whatever the check's severity. `rejects` looks at
    `severity` alone, so look at `error` first.

    On an empty section all row-level, column and SQL checks pass. Only a row count notices.

    Args:
        spark: the session of the DataFrames.
        checks: of this stage, both sections.
        functions: the pipeline's; those of kind `check` are known by name.
        kept: rows of section `kept`. Read several times: hand in what is stored or cached.
        everything: rows of section `all`, with `_failed_rules`, `_dropped` and `_batch`.
        published: the same two of the published version, for `{published}`; None when there is
            none, then `{published}` has no rows. A column that it lacks is null there.
        id_column: whose values name the failing rows; None gives row-level checks no examples.

    Returns:
        Results that hold numbers, column names, ids and values of `KEY_COLUMNS`, never texts.
        `unexpected_count`: rows that fail; of a SQL check rows that it selects, of a check of
        distinct values such values. `observed`: of a
        row-level check the share of its rows that pass, to hold against `mostly`, null values
        left out as there; of others what was measured, None if that is not made of numbers.
        `examples`: the five smallest distinct ids, or the five smallest rows of a SQL check.
    """
    results: dict[int, CheckResult] = {}
    with _quiet():
        for position, section, rows in ((0, "kept", kept), (1, "all", everything)):
            asked = {i: check for i, check in enumerate(checks) if check.section == section}
            if asked:
                before = published[position] if published is not None else None
                with _section(spark, rows, before, id_column) as opened:
                    results |= _audit_section(opened, asked, functions)
    return [results[i] for i in sorted(results)]


def checks_hash(checks: Sequence[Check], functions: Mapping[str, Declaration]) -> str:
    """Return one hash over what the checks ask; it changes when a version must be audited again.

    Order, notes and places do not count. Of a declared check its version does; what its module
    holds does not, the caller adds `function_digest`. Needs no Great Expectations.
    """
    asked = []
    for check in checks:
        declared = declared_check(check, functions)
        version = None if declared is None else declared.version
        parts = [check.section, check.type, dict(check.kwargs), check.severity, version]
        asked.append(json.dumps(parts, sort_keys=True, default=repr))
    return digest(*sorted(asked))


def _audit_section(
    section: _Section, checks: Mapping[int, Check], functions: Mapping[str, Declaration]
) -> dict[int, CheckResult]:
    outcomes: dict[int, _Outcome] = {}
    queries: dict[int, str] = {}
    configurations = {}
    for i, check in checks.items():
        faults = column_faults(check, section.columns)
        if faults:
            outcomes[i] = _Outcome(False, {}, error=" ".join(faults[0]).strip())
            continue
        sql = statement(check, functions)
        if sql is not None:
            # Great Expectations knows only {batch}.
            queries[i] = sql.replace("{published}", section.published)
        configurations[i] = _configuration(i, check, queries.get(i))
    outcomes |= _evaluate(section.validator, configurations)
    return {i: _result(section, check, outcomes[i], queries.get(i)) for i, check in checks.items()}


def _configuration(number: int, check: Check, query: str | None) -> Any:
    from great_expectations.expectations.expectation_configuration import (
        ExpectationConfiguration,
    )

    return ExpectationConfiguration(
        type=check.type if query is None else SQL_TYPE,
        kwargs=dict(check.kwargs) if query is None else {SQL_KWARG: query},
        severity=check.severity,
        meta={"number": number},  # results come back in another order
    )


def _evaluate(validator: Any, configurations: Mapping[int, Any]) -> dict[int, _Outcome]:
    """Ask for all at once; where several broke, ask each of those alone.

    Aggregates are computed together, so one that Spark refuses takes its neighbours along.
    """
    outcomes = _ask(validator, configurations)
    broken = [i for i, outcome in outcomes.items() if outcome.error]
    if len(broken) > 1:
        for i in broken:
            outcomes |= _ask(validator, {i: configurations[i]})
    return outcomes


def _ask(validator: Any, configurations: Mapping[int, Any]) -> dict[int, _Outcome]:
    if not configurations:
        return {}
    try:
        answers = validator.graph_validate(
            configurations=list(configurations.values()),
            runtime_configuration={"result_format": dict(_COUNTS), "catch_exceptions": True},
        )
    except Exception as error:  # raised while an expectation, perhaps a user's own, is set up
        reason = _reason(str(error), type(error).__name__)
        return {i: _Outcome(False, {}, error=reason) for i in configurations}
    return {answer.expectation_config.meta["number"]: _outcome(answer) for answer in answers}


def _outcome(answer: Any) -> _Outcome:
    info = dict(answer.exception_info or {})
    entries = [info] if "raised_exception" in info else list(info.values())
    for entry in entries:
        if entry["raised_exception"]:
            last = str(entry["exception_traceback"]).strip().rpartition("\n")[2]
            kind = last.partition(":")[0].rpartition(".")[2]
            return _Outcome(False, {}, error=_reason(str(entry["exception_message"]), kind))
    return _Outcome(bool(answer.success), answer.result or {}, answer.expectation_config)


def _reason(message: str, kind: str) -> str:
    """One line that says why, without quoting a document.

    Spark's errors of SQLSTATE class 42 come from its analyzer and name columns and types. All
    others may quote the value that they stumbled over, as may an exception's message.
    """
    spark = _SPARK_ERROR.match(message)
    if spark and spark[3].startswith("42"):
        return _one_line(spark[2])
    if _QUOTABLE.match(message):
        return _one_line(message.splitlines()[0])
    name = spark[1] if spark else kind if kind.isidentifier() else "an error"
    return f"stopped by {name}, whose message is left out because it may quote a document"


def _one_line(text: str, width: int = 300) -> str:
    line = " ".join(text.split())
    return _printable(line, width)


def _result(section: _Section, check: Check, outcome: _Outcome, query: str | None) -> CheckResult:
    count = outcome.result.get("unexpected_count")
    observed = outcome.result.get("observed_value")
    if query is not None:
        count = observed
    elif outcome.row_level:
        observed = _passing_share(outcome.result)
    failed = not outcome.success and not outcome.error
    return CheckResult(
        section=check.section,
        type=check.type,
        kwargs=check.kwargs,
        severity=check.severity,
        success=outcome.success,
        observed=_numbers(observed, _names(section.rows)),
        unexpected_count=None if count is None else int(count),
        examples=_examples(section, outcome, query) if failed else (),
        notes=check.notes,
        place=f"{check.place.file.parent.name}/{check.place.file.name}:{check.place.line}",
        error=outcome.error,
    )


def _passing_share(result: Mapping[str, Any]) -> float | None:
    rows = result["element_count"] - result.get("missing_count", 0)
    return (rows - result["unexpected_count"]) / rows if rows else None


def _names(rows: "DataFrame") -> frozenset[str]:
    types = (type(field.dataType).__name__ for field in rows.schema.fields)
    return frozenset([*rows.columns, *types])


def _numbers(value: Any, names: frozenset[str]) -> Any:
    """Return a value as JSON can hold it, or None when it is not made of numbers and names."""
    value = value.item() if hasattr(value, "item") else value  # numpy's scalars
    if isinstance(value, bool | int | None):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return value if value in names else None
    if isinstance(value, Mapping):  # quantiles: {"quantiles": .., "values": ..}
        return _numbers(value.get("values"), names)
    if isinstance(value, list | tuple | set) and len(value) <= LIST_LENGTH:
        items = [(item, _numbers(item, names)) for item in value]
        whole = all(number is not None or item is None for item, number in items)
        return [number for _, number in items] if whole else None
    return None


def _examples(section: _Section, outcome: _Outcome, query: str | None) -> tuple[str, ...]:
    if query is not None:
        return _failing_rows(section, query)
    if outcome.row_level and section.id_column in section.columns:
        return _failing_ids(section, outcome.config)
    return ()


def _failing_ids(section: _Section, config: Any) -> tuple[str, ...]:
    """The smallest ids of the rows that Great Expectations counted: its own condition, again."""
    from great_expectations.expectations.registry import get_metric_kwargs
    from great_expectations.validator.metric_configuration import MetricConfiguration
    from pyspark.sql import functions as F  # noqa: N812

    metric = f"{config.to_domain_obj().map_metric}.condition"
    runtime = {"result_format": dict(_COUNTS)}
    kwargs = get_metric_kwargs(metric, configuration=config, runtime_configuration=runtime)
    condition, domain, accessor = section.validator.get_metric(
        MetricConfiguration(metric, kwargs["metric_domain_kwargs"], kwargs["metric_value_kwargs"])
    )
    rows = section.validator.execution_engine.get_domain_records({**domain, **accessor})
    # A window is allowed in a new column, but not in WHERE.
    failing = rows.withColumn("_unexpected", condition).where("_unexpected")
    ids = failing.select(F.col(f"`{section.id_column}`").alias("id")).where("id IS NOT NULL")
    return tuple(
        _shown(row["id"]) for row in ids.distinct().orderBy("id").limit(EXAMPLES).collect()
    )


def _failing_rows(section: _Section, query: str) -> tuple[str, ...]:
    """The smallest rows of a SQL check, reduced to keys, numbers and booleans."""
    from pyspark.sql.types import BooleanType, NumericType, StringType

    rows = section.spark.sql(query.format(batch=section.batch))
    keys = KEY_COLUMNS | {section.id_column}
    shown = [
        (field.name, f"_{position}")
        for position, field in enumerate(rows.schema.fields)
        if (field.name.lower() in keys and isinstance(field.dataType, StringType))
        or isinstance(field.dataType, NumericType | BooleanType)
    ]
    if not shown:
        return ()
    numbered = rows.toDF(*(f"_{position}" for position in range(len(rows.columns))))
    picked = numbered.select(*(column for _, column in shown)).distinct()
    first = picked.orderBy(*(column for _, column in shown)).limit(EXAMPLES).collect()
    return tuple(
        " ".join(f"{name}={_shown(row[column])}" for name, column in shown) for row in first
    )


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return f"{value:.8g}"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return _printable(str(value), VALUE_WIDTH)


def _printable(text: str, width: int) -> str:
    cut = text if len(text) <= width else text[: width - 1] + "…"
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in cut
    )


@contextmanager
def _section(
    spark: "SparkSession", rows: "DataFrame", before: "DataFrame | None", id_column: str | None
) -> Iterator[_Section]:
    names = [f"_winnow_{name}_{uuid4().hex}" for name in ("batch", "published")]
    with ExitStack() as stack:
        stack.enter_context(_spared(spark, _GX_VIEW))
        for name, frame in zip(names, (rows, _like(rows, before)), strict=True):
            frame.createOrReplaceTempView(name)
            stack.callback(spark.catalog.dropTempView, name)
        yield _Section(spark, rows, names[0], names[1], id_column, _validator(rows))


def _like(rows: "DataFrame", before: "DataFrame | None") -> "DataFrame":
    """The published rows with at least the columns of `rows`; none when nothing is published.

    A check may name a column that the published version does not have yet.
    """
    if before is None:
        return rows.limit(0)
    from pyspark.sql import functions as F  # noqa: N812

    missing = [field for field in rows.schema.fields if field.name not in before.columns]
    return before.select(
        "*", *(F.lit(None).cast(field.dataType).alias(field.name) for field in missing)
    )


@contextmanager
def _spared(spark: "SparkSession", name: str) -> Iterator[None]:
    """Drop a temporary view of this name afterwards, or put back the one that was there."""
    exists = spark.catalog.tableExists(name) and spark.catalog.getTable(name).isTemporary
    before = spark.table(name) if exists else None
    try:
        yield
    finally:
        if before is not None:
            before.createOrReplaceTempView(name)
        else:
            spark.catalog.dropTempView(name)


@cache
def _context() -> Any:
    context = great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return context


def _validator(rows: "DataFrame") -> Any:
    """A validator over these rows. A new data source each time, so that nothing is left cached."""
    context = _context()
    # Not persisting is the point: the default caches the whole version in memory.
    source = context.data_sources.add_or_update_spark(name="winnow", persist=False)
    definition = source.add_dataframe_asset(name="rows").add_batch_definition_whole_dataframe("all")
    return context.get_validator(
        batch_request=definition.build_batch_request(batch_parameters={"dataframe": rows})
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep errors that may quote a document out of the log; they come back as reasons."""
    from pyspark.logger import PySparkLogger  # a plain logger would not take pyspark's arguments

    library = logging.getLogger("great_expectations")
    level, talkative = library.level, [PySparkLogger.getLogger(name) for name in _TALKATIVE]
    disabled = [logger.disabled for logger in talkative]
    library.setLevel(logging.CRITICAL + 1)
    for logger in talkative:
        logger.disabled = True
    try:
        yield
    finally:
        library.setLevel(level)
        for logger, was in zip(talkative, disabled, strict=True):
            logger.disabled = was
