"""The files of `checks/`: what must hold of a table version before anyone can read it."""

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from winnow.pipeline.calls import described, fits
from winnow.pipeline.context import Context
from winnow.pipeline.files import Document, Path_, Strict
from winnow.pipeline.model import Check, Kind, PipelineError, Problem
from winnow.pipeline.text import did_you_mean, listed, quoted
from winnow.udfs.registry import Declaration

# Refused with a reason: the check itself is what does not work.
REFUSED = {
    "expect_column_quantile_values_to_be_between": (
        "its result on Spark cannot be stored (a NumPy boolean), so every run would fail",
        "Write an unexpected_rows_expectation over percentile(column, 0.5) instead.",
    )
}
_EXPORT = re.compile(r"^from \.?[\w.]*\b((?:expect|unexpected)_\w+) import", re.MULTILINE)


class Entry(Strict):
    """One check, as Great Expectations writes it, without `meta`."""

    type: str
    kwargs: dict[str, Any] = Field(default_factory=dict)
    severity: Literal["critical", "warning", "info"] = "critical"
    notes: str = ""


class ChecksFile(Strict):
    """`checks/stage.yml`: checks of the kept rows and of all rows."""

    kept: list[Entry] = Field(default_factory=list)
    all: list[Entry] = Field(default_factory=list)


def stage_of(document: Document, context: Context) -> tuple[str, list[Problem]]:
    """The stage that a file of `checks/` or `tests/` is for: its own name says it.

    Returns:
        The stage's name, empty if there is none, and what is wrong.
    """
    name = document.text.file.stem
    if name in context.stages:
        return name, []
    if name in context.unreadable:
        return "", []
    near = did_you_mean(name, context.stages)
    remedy = near or "The file is named after the stage: `filtered.yml` for stage `filtered`."
    message = f"there is no stage {quoted(name)} in this pipeline"
    return "", [Problem(document.place(()), message, remedy, length=0)]


def read_checks(document: Document, context: Context) -> tuple[str, tuple[Check, ...]]:
    """Read one file of `checks/`.

    Returns:
        The stage and its checks, in the order of the file, those of kept rows first.

    Raises:
        PipelineError: everything that is wrong with the file.
    """
    stage, problems = stage_of(document, context)
    if stage and context.stages[stage] is Kind.TEMPORARY_VIEW:
        message = f"stage {quoted(stage)} is a temporary view: nobody reads it, so nothing gates it"
        remedy = "Check a stage that reads it, or make it a view."
        problems.append(Problem(document.place(()), message, remedy, length=0))
    try:
        file = document.model(ChecksFile)
    except PipelineError as error:
        raise PipelineError((*problems, *error.problems)) from None
    checks = []
    for section, entries in (("kept", file.kept), ("all", file.all)):
        for i, entry in enumerate(entries):
            path: Path_ = (section, i)
            problems += _entry_problems(document, path, entry, context)
            checks.append(
                Check(
                    section=section,
                    type=entry.type,
                    kwargs=entry.kwargs,
                    severity=entry.severity,
                    notes=entry.notes,
                    place=document.place((*path, "type")),
                )
            )
    if problems:
        raise PipelineError(tuple(problems))
    return stage, tuple(checks)


def _entry_problems(
    document: Document, path: Path_, entry: Entry, context: Context
) -> list[Problem]:
    at = (*path, "type")
    if entry.type in REFUSED:
        reason, remedy = REFUSED[entry.type]
        return [document.value_problem(at, f"{quoted(entry.type)} is refused: {reason}", remedy)]
    declared = context.function(entry.type, "check")
    if declared:
        return _kwargs_problems(document, path, entry, declared)
    if entry.type in expectations() or context.functions_missing:
        return []
    own = {name for name, found in context.functions.items() if found.kind == "check"}
    near = did_you_mean(entry.type, own | expectations())
    remedy = near or "Use an expectation of Great Expectations, or declare one with @check."
    return [document.value_problem(at, f"there is no check {quoted(entry.type)}", remedy)]


def _kwargs_problems(
    document: Document, path: Path_, entry: Entry, declared: Declaration
) -> list[Problem]:
    options = {option.name: option for option in declared.options}
    problems = []
    for name, value in entry.kwargs.items():
        at = (*path, "kwargs", name)
        option = options.get(name)
        if option is None:
            known = f"Its options are {listed(options)}." if options else "It has no options."
            message = f"{quoted(entry.type)} has no option {quoted(name)}"
            problems.append(document.problem(at, message, did_you_mean(name, options) or known))
        elif not fits(option, value):
            message = f"option {quoted(name)} must be {described(option)}"
            problems.append(document.value_problem(at, message))
    for name, option in options.items():
        if option.required and name not in entry.kwargs:
            message = f"{quoted(entry.type)} needs the option {quoted(name)}"
            problems.append(document.value_problem((*path, "type"), message))
    return problems


@cache
def expectations() -> frozenset[str]:
    """The names of Great Expectations' checks, read from its files: importing it takes seconds."""
    spec = importlib.util.find_spec("great_expectations")
    folders = (spec.submodule_search_locations or []) if spec else []
    names: set[str] = set()
    for folder in folders:
        exports = Path(folder, "expectations", "core", "__init__.py").read_text(encoding="utf-8")
        names |= set(_EXPORT.findall(exports))
    return frozenset(names)
