"""What is in the files that a stage names: models, word lists, thresholds.

A file is known by its content, never by its time: a model that is copied again rebuilds nothing, a
list that gained a line rebuilds what was made with it. That costs a second a gigabyte in each plan.
"""

from collections.abc import Iterable
from functools import cache

from winnow.engine.fingerprint import digest, views_of
from winnow.errors import CommandError
from winnow.pipeline.model import Marker, NamedFile, Pipeline, PipelineError, Problem, Stage
from winnow.sources.files import InputFile, list_address, open_raw

BLOCK = 1 << 20  # bytes


def named_files(pipeline: Pipeline, stage: Stage) -> dict[str, str]:
    """Return the digest of each file that a stage and the views that it reads name, by option.

    Raises:
        PipelineError: files that cannot be read, all at once; each with its name and where it is
            asked for.
    """
    found, problems = dict[str, str](), []
    for file in _all(pipeline, stage):
        address = _address(pipeline, file)
        if not address:
            continue
        key = f"{file.option} of {file.function}"
        try:
            files = list_address(address, None, lambda _: "file", is_named=True)
            content = digest(*(part for each in files for part in (each.name, _digest(each))))
        except (CommandError, OSError) as error:
            reason = str(error).removeprefix("path: ")
            message = f"the {file.option} of `{file.function}` cannot be read: {reason}"
            remedy = f"Give the address of a file that is there{_how(file)}."
            problems.append(Problem(file.place, message, remedy, file.length))
            continue
        found[key] = digest(found.get(key, ""), content)  # a stage may call a function twice
    if problems:
        raise PipelineError(tuple(problems))
    return found


def check_named_files(pipeline: Pipeline, stages: Iterable[Stage]) -> None:
    """Make sure that every file can be read that one of these stages names, and is what it is for.

    Raises:
        PipelineError: those that cannot or are not, all at once.
    """
    problems = dict[Problem, None]()  # several stages may read one view
    for stage in stages:
        try:
            named_files(pipeline, stage)
        except PipelineError as error:
            problems |= dict.fromkeys(error.problems)
        else:
            problems |= dict.fromkeys(_wrong_files(pipeline, stage))
    if problems:
        raise PipelineError(tuple(problems))


def _wrong_files(pipeline: Pipeline, stage: Stage) -> Iterable[Problem]:
    for call in stage.calls:
        if call.declaration.plan_check is not None:
            try:
                call.declaration.plan_check(**pipeline.options(call))
            except ValueError as error:
                name = call.declaration.name
                yield Problem(call.place, f"`{name}` cannot read this: {error}", length=len(name))
    for view in views_of(pipeline, stage):
        yield from _wrong_files(pipeline, view)


def _all(pipeline: Pipeline, stage: Stage) -> Iterable[NamedFile]:
    yield from stage.files
    for view in views_of(pipeline, stage):
        yield from _all(pipeline, view)


def _address(pipeline: Pipeline, file: NamedFile) -> str:
    value = file.value
    if isinstance(value, Marker):
        value = pipeline.parameters[value.parameter].value
    return str(value or "")


def _how(file: NamedFile) -> str:
    return f" by --set {file.value.parameter}" if isinstance(file.value, Marker) else ""


@cache
def _digest(file: InputFile) -> str:
    """The digest of a file's bytes: a run plans twice, before and under its lease."""
    if file.etag:
        return file.etag
    with open_raw(file) as stream:
        parts = [digest(block) for block in iter(lambda: stream.read(BLOCK), b"")]
    return digest(*parts)
