"""Great Expectations' side of a check: its import, its expectations by name, and what is wrong.

Importing Great Expectations takes 2 to 4 s, so it happens inside functions and only where a
pipeline has checks that must be validated or run.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from string import Formatter
from typing import Any

from winnow.errors import WinnowError
from winnow.pipeline.model import Check, Pipeline, Problem
from winnow.schemas.documents import BATCH, DROPPED, ENGINE_COLUMNS, FAILED_RULES
from winnow.udfs.registry import Declaration

SQL_TYPE, SQL_KWARG = "unexpected_rows_expectation", "unexpected_rows_query"

# What section `all` has on top of the columns that the stage returns.
ENGINE_TYPES = {FAILED_RULES: "ARRAY<STRING>", DROPPED: "BOOLEAN", BATCH: "BIGINT"}

# These work on a column of any type. Great Expectations does not refuse the others on a nested
# column: it reports a failure with the reason hidden in `exception_info`.
ANY_TYPE = frozenset(
    {
        "expect_column_to_exist",
        "expect_column_values_to_be_in_type_list",
        "expect_column_values_to_be_null",
        "expect_column_values_to_be_of_type",
        "expect_column_values_to_not_be_null",
    }
)
NO_TEXT = frozenset(
    {
        "expect_column_mean_to_be_between",
        "expect_column_median_to_be_between",
        "expect_column_quantile_values_to_be_between",
        "expect_column_stdev_to_be_between",
        "expect_column_sum_to_be_between",
        "expect_column_values_to_be_between",
    }
)
NESTED = ("ARRAY", "MAP", "STRUCT", "VARIANT")

# What an expectation has besides its arguments. `result_format` is ours to choose: COMPLETE would
# fetch every unexpected text.
_NOT_ARGUMENTS = frozenset(
    {
        "batch_id",
        "catch_exceptions",
        "description",
        "id",
        "meta",
        "notes",
        "rendered_content",
        "result_format",
        "severity",
        "windows",
    }
)

_NO_FILE = "-c"

Fault = tuple[str, str]  # what is wrong, and what to do


@cache
def great_expectations() -> Any:
    """Import Great Expectations, without its analytics.

    It imports pyspark.sql.connect, which takes a main module without a file (that of `python -c`)
    for its own doctests and ends the process.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    main = vars(sys.modules["__main__"])
    known = main.setdefault("__file__", _NO_FILE)
    try:
        import great_expectations
    finally:
        if known is _NO_FILE:
            del main["__file__"]
    return great_expectations


@contextmanager
def imported_meanwhile() -> Iterator[None]:
    """Import Great Expectations while the body waits for something else than Python."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(great_expectations)  # what it raises comes again where it is needed
        yield


def expectation_class(name: str) -> Any:
    """Return the expectation of that type, a user's own included, or None.

    A user's own is known once the module that defines it is imported.
    """
    great_expectations()
    from great_expectations.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    try:
        return get_expectation_impl(name)
    except ExpectationNotFoundError:
        return None


def statement(check: Check, functions: Mapping[str, Declaration]) -> str | None:
    """Return the SQL of a check that selects the bad rows, `{batch}` in it; None for others.

    Raises:
        WinnowError, ValueError, TypeError: a declared check does not take these arguments.
    """
    declared = declared_check(check, functions)
    if declared is not None:
        return str(declared.function(**check.kwargs)).strip().rstrip(";")
    if check.type == SQL_TYPE:
        return str(check.kwargs[SQL_KWARG])
    return None


def declared_check(check: Check, functions: Mapping[str, Declaration]) -> Declaration | None:
    """Return the `@check` function that a check names, if it names one."""
    declared = functions.get(check.type)
    return declared if declared is not None and declared.kind == "check" else None


def validate_checks(pipeline: Pipeline, columns: Mapping[str, Mapping[str, str]]) -> list[Problem]:
    """Return everything that is wrong with a pipeline's checks: types, arguments, columns.

    Args:
        pipeline: its `functions` hold the declared checks.
        columns: stage -> column -> Spark DDL type, as Spark's analyzer found them. The engine's
            own columns need not be among them. The columns of a stage that is missing here are
            not looked at.
    """
    found: list[Problem] = []
    for stage, checks in pipeline.checks.items():
        returned = columns.get(stage)
        for check in checks:
            seen = None
            if returned is not None:
                engine = check.section == "all" and pipeline.stage(stage).kind.stored
                seen = _seen(returned, engine)
            found += [
                Problem(check.place, message, remedy)
                for message, remedy in faults(check, pipeline.functions, seen)
            ]
    return found


def _seen(returned: Mapping[str, str], engine: bool) -> dict[str, str]:
    """The columns that a check sees: those of the stage, for section `all` the engine's too."""
    own = {name: kind for name, kind in returned.items() if name not in ENGINE_COLUMNS}
    return own | ENGINE_TYPES if engine else own


def faults(
    check: Check, functions: Mapping[str, Declaration], columns: Mapping[str, str] | None
) -> list[Fault]:
    """Return what is wrong with one check; `columns` are those that it sees, if known."""
    declared = declared_check(check, functions)
    if declared is not None:
        return _declared_faults(check, declared, columns)
    kind = expectation_class(check.type)
    if kind is None:
        return [_unknown_type(check, functions)]
    if check.type == SQL_TYPE:  # a condition belongs into its WHERE, not beside it
        found = _name_faults(check, [SQL_KWARG], [SQL_KWARG])
        return found or _sql_faults(check, str(check.kwargs[SQL_KWARG]))
    found = _argument_faults(check, kind)
    return found + (column_faults(check, columns) if columns is not None else [])


def column_faults(check: Check, columns: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong with the columns that an expectation names."""
    faults = (_column_fault(check, name, columns) for name in _columns_named(check))
    return [fault for fault in faults if fault is not None]


def _columns_named(check: Check) -> list[str]:
    single = [check.kwargs.get(key) for key in ("column", "column_A", "column_B")]
    several = check.kwargs.get("column_list")
    found = [*single, *(several if isinstance(several, list | tuple) else ())]
    return [name for name in found if isinstance(name, str)]


def _column_fault(check: Check, name: str, columns: Mapping[str, str]) -> Fault | None:
    if name not in columns:
        return _missing(check, name, columns)
    shown = f"check `{check.type}`"
    kind = columns[name].upper()
    if kind.startswith(NESTED) and check.type not in ANY_TYPE:
        remedy = f"Flatten it first: store what matters of `{name}` as a column of its own."
        return f"{shown} cannot read `{name}`, which is {_outer(kind)}", remedy
    if kind.startswith("STRING") and check.type in NO_TEXT:
        return f"{shown} needs numbers, but `{name}` is STRING", f"Cast `{name}` in the SELECT."
    return None


def _missing(check: Check, name: str, columns: Mapping[str, str]) -> Fault:
    if name in ENGINE_COLUMNS:
        message = f"check `{check.type}`: only section `all` of a stored stage has `{name}`"
        return message, "Move the check under `all:`." if check.section == "kept" else ""
    message = f"check `{check.type}` reads `{name}`, which this stage does not return"
    return message, _did_you_mean(name, columns, "Its columns are")


def _outer(kind: str) -> str:
    return kind.partition("<")[0]


def _unknown_type(check: Check, functions: Mapping[str, Declaration]) -> Fault:
    from great_expectations.expectations.registry import (
        list_registered_expectation_implementations,
    )

    declared = [name for name, found in functions.items() if found.kind == "check"]
    known = [*declared, *list_registered_expectation_implementations()]
    close = get_close_matches(check.type, known, n=1)
    remedy = f"Did you mean `{close[0]}`?" if close else f"Declared checks: {_listed(declared)}."
    return f"there is no check `{check.type}`", remedy


def _declared_faults(
    check: Check, declared: Declaration, columns: Mapping[str, str] | None
) -> list[Fault]:
    allowed = {option.name: option for option in declared.options}
    required = [option.name for option in declared.options if option.required]
    found = _name_faults(check, allowed, required)
    for name, value in check.kwargs.items():
        if name in allowed and not _fits(value, allowed[name].type):
            expected = allowed[name].type.__name__
            found.append((f"check `{check.type}`: `{name}` is {value!r}, expected {expected}", ""))
    if found:
        return found
    try:
        sql = statement(check, {check.type: declared})
    except (WinnowError, ValueError, TypeError) as error:
        return [(f"check `{check.type}`: {error}", "")]
    named = [name for name in _columns_named(check) if name]
    missing = [] if columns is None else [name for name in named if name not in columns]
    return [
        *(_missing(check, name, columns or {}) for name in missing),
        *_sql_faults(check, sql or ""),
    ]


def _fits(value: object, kind: type) -> bool:
    """Hold numbers and booleans to their type; other annotations are the function's own."""
    if kind is bool:
        return isinstance(value, bool)
    if kind in (int, float):
        return isinstance(value, int if kind is int else int | float) and not isinstance(
            value, bool
        )
    return True


def _argument_faults(check: Check, kind: Any) -> list[Fault]:
    """Hold the arguments against the expectation's own model."""
    from great_expectations.compatibility import pydantic

    fields = kind.__fields__
    allowed = [name for name in fields if name not in _NOT_ARGUMENTS]
    required = [name for name in allowed if fields[name].required]
    found = _name_faults(check, allowed, required)
    if found:
        return found
    try:
        kind(**check.kwargs, severity=check.severity)
    except pydantic.ValidationError as error:
        # A union reports each of its members: the first says enough.
        first = {str(item["loc"][0]): item["msg"] for item in reversed(error.errors())}
        return [(f"check `{check.type}`: {_named(*item)}", "") for item in first.items()]
    return _empty_faults(check, kind)


def _named(argument: str, message: str) -> str:
    return message if argument == "__root__" else f"`{argument}`: {message}"


def _empty_faults(check: Check, kind: Any) -> list[Fault]:
    """A check that nothing can fail, or nothing pass: Great Expectations builds both."""
    names = [name for name in kind.success_keys if name != "mostly" and name in kind.__fields__]
    fields = {name: kind.__fields__[name] for name in names}
    given = [check.kwargs.get(name, field.default) for name, field in fields.items()]
    bounds = [name for name, field in fields.items() if field.default is None]
    if bounds and all(value is None or value is False for value in given):
        return [(f"check `{check.type}` checks nothing", f"Give one of {_listed(bounds)}.")]
    low, high = check.kwargs.get("min_value"), check.kwargs.get("max_value")
    if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
        return [(f"check `{check.type}`: min_value {low} is above max_value {high}", "")]
    return []


def _name_faults(check: Check, allowed: Iterable[str], required: Iterable[str]) -> list[Fault]:
    names = list(allowed)
    found = [
        (f"check `{check.type}` has no argument `{name}`", _did_you_mean(name, names, "It takes"))
        for name in check.kwargs
        if name not in names
    ]
    missing = [name for name in required if name not in check.kwargs]
    return found + [
        (f"check `{check.type}` needs the argument `{name}`", f"Add `{name}` to its kwargs.")
        for name in missing
    ]


def _sql_faults(check: Check, sql: str) -> list[Fault]:
    try:
        fields = {name for _, name, _, _ in Formatter().parse(sql) if name is not None}
    except ValueError as error:
        fields, wrong = set(), str(error)
    else:
        others = sorted(fields - {"batch", "published"})
        wrong = f"`{{{others[0]}}}` is no placeholder" if others else ""
    if wrong:
        remedy = "Placeholders are {batch} and {published}; a brace of SQL's own is doubled: {{3}}."
        return [(f"check `{check.type}`: its SQL has a brace out of place: {wrong}", remedy)]
    if "batch" not in fields:
        message = f"check `{check.type}`: its SQL does not read the version that is checked"
        return [(message, "Select the bad rows FROM {batch}.")]
    return []


def _did_you_mean(name: str, known: Iterable[str], otherwise: str) -> str:
    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f"Did you mean `{close[0]}`?" if close else f"{otherwise} {_listed(names)}."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"
