"""The files of `tests/`: example rows of a stage with the verdicts expected of them."""

from typing import Any, Literal

from winnow.pipeline.checks import stage_of
from winnow.pipeline.context import Context
from winnow.pipeline.files import Document, Strict
from winnow.pipeline.model import Example, PipelineError, Problem, Stage
from winnow.pipeline.text import did_you_mean, listed, quoted


class Entry(Strict):
    """One example: a row of an input, and whether the stage keeps it."""

    name: str = ""
    input: str = ""
    row: dict[str, Any]
    expect: Literal["kept", "dropped"]
    failed: list[str] | None = None


def read_examples(
    document: Document, stages: dict[str, Stage], context: Context
) -> tuple[str, tuple[Example, ...]]:
    """Read one file of `tests/`: a list of examples.

    Returns:
        The stage and its examples, in the order of the file.

    Raises:
        PipelineError: everything that is wrong with the file.
    """
    name, problems = stage_of(document, context)
    if document.value is not None and not isinstance(document.value, list):
        message = "a file of tests/ is a list of examples"
        problems.append(document.problem((), message, "Start each one with `- row: {...}`."))
        raise PipelineError(tuple(problems))
    examples = []
    for i in range(len(document.value or [])):
        try:
            entry = document.model(Entry, (i,))
        except PipelineError as error:
            problems += error.problems
            continue
        stage = stages.get(name)
        table = entry.input
        if stage:
            table, wrong = _input(document, i, entry, stage)
            problems += [*wrong, *_rules(document, i, entry, stage)]
        examples.append(
            Example(
                name=entry.name or f"example {i + 1}",
                table=table,
                row=entry.row,
                dropped=entry.expect == "dropped",
                failed=None if entry.failed is None else tuple(entry.failed),
                place=document.place((i,)),
            )
        )
    if problems:
        raise PipelineError(tuple(problems))
    return name, tuple(examples)


def inputs(stage: Stage) -> tuple[str, ...]:
    """What an example's row can stand in: the tables that a stage reads, and its sources."""
    tables = (name for name in stage.inputs if name not in stage.models)
    return (*tables, *sorted({call.declaration.name for call in stage.sources}))


def _input(document: Document, i: int, entry: Entry, stage: Stage) -> tuple[str, list[Problem]]:
    known = inputs(stage)
    if entry.input in known:
        return entry.input, []
    if entry.input:
        message = f"stage {quoted(stage.name)} does not read {quoted(entry.input)}"
        remedy = did_you_mean(entry.input, known) or f"It reads {listed(known)}."
        return "", [document.value_problem((i, "input"), message, remedy)]
    if len(known) == 1:
        return known[0], []
    message = f"stage {quoted(stage.name)} has {len(known)} inputs: the example must name one"
    remedy = f"Add `input:` with one of {listed(known)}." if known else ""
    return "", [document.problem((i,), message, remedy)]


def _rules(document: Document, i: int, entry: Entry, stage: Stage) -> list[Problem]:
    known = [rule.name for rule in stage.rules]
    if stage.sources:
        known.append("readable")
    problems = []
    for j, rule in enumerate(entry.failed or []):
        if rule not in known:
            message = f"stage {quoted(stage.name)} has no rule {quoted(rule)}"
            remedy = did_you_mean(rule, known) or (
                f"Its rules are {listed(known)}." if known else ""
            )
            problems.append(document.value_problem((i, "failed", j), message, remedy))
    return problems
