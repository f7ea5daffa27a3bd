"""Reads a pipeline's folder; everything that is wrong with it is said at once."""

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib.resources import files as resources
from pathlib import Path
from typing import TypeVar

from winnow import extensions
from winnow.errors import CommandError
from winnow.pipeline import graph
from winnow.pipeline.checks import read_checks
from winnow.pipeline.configuration import FILE, Configuration, parameters, read_configuration
from winnow.pipeline.context import Context
from winnow.pipeline.examples import read_examples
from winnow.pipeline.files import Document, read_yaml
from winnow.pipeline.lineage import Uses, uses
from winnow.pipeline.model import (
    Check,
    Example,
    Marker,
    Parameter,
    Pipeline,
    PipelineError,
    Place,
    Problem,
    Stage,
    shorten,
)
from winnow.pipeline.reader import QueryError
from winnow.pipeline.refuse import refusals
from winnow.pipeline.stage import HeaderError, Statement, guess_name, read_statement
from winnow.pipeline.streaming import view_problems
from winnow.pipeline.text import Text, quoted
from winnow.udfs.registry import Declaration

PACKAGED = "pipelines"  # the folder in winnow.conf
STAGES, CHECKS, TESTS = "*.sql", "checks/*.y*ml", "tests/*.y*ml"  # files of a pipeline's folders
T = TypeVar("T")


def load_pipeline(name_or_folder: str, settings: Mapping[str, str] | None = None) -> Pipeline:
    """Read a packaged pipeline by name, or any by its folder.

    Args:
        name_or_folder: `web`, or a path to a folder with a `pipeline.yml`.
        settings: values of parameters as text, as `--set name=value` gives them.

    Raises:
        PipelineError: everything that is wrong with its files or settings.
        CommandError: there is no such pipeline.
    """
    try:
        return _Loader(find_folder(name_or_folder), settings or {}).load()
    except RecursionError:
        raise CommandError("a file of this pipeline is nested too deeply to be read") from None


def packaged() -> dict[str, Path]:
    """The pipelines that come with Winnow: name -> folder."""
    root = Path(str(resources("winnow.conf"))) / PACKAGED
    found = sorted(root.iterdir()) if root.is_dir() else []
    return {folder.name: folder for folder in found if (folder / FILE).is_file()}


def find_folder(name_or_folder: str) -> Path:
    """The folder of a pipeline.

    A plain word is a packaged pipeline's name; `./web` is always a folder.

    Raises:
        CommandError: there is no such pipeline.
    """
    known = packaged()
    if name_or_folder in known:
        return known[name_or_folder]
    folder = Path(name_or_folder)
    try:
        if (folder / FILE).is_file():
            return folder
        is_folder = folder.is_dir()
    except (OSError, ValueError):  # too long for a path, or a NUL in it
        is_folder = False
    if is_folder:
        raise CommandError(f"{folder}: this folder has no {FILE}, so it is no pipeline")
    near = difflib.get_close_matches(name_or_folder, known, n=1)
    lines = [f"there is no pipeline {quoted(name_or_folder)}, packaged or as a folder"]
    lines += [f"Did you mean {quoted(near[0])}?"] if near else []
    lines += [f"Packaged pipelines: {', '.join(known)}."] if known else []
    raise CommandError("\n".join(lines))


@dataclass
class _Files:
    """The files of a pipeline by what they are; a stage's name stands for one of each."""

    stages: list[Path] = field(default_factory=list)
    checks: list[Path] = field(default_factory=list)
    tests: list[Path] = field(default_factory=list)


class _Loader:
    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder, self.settings = folder, settings
        self.problems: list[Problem] = []
        self.statements: dict[str, Statement] = {}
        self.unreadable: set[str] = set()
        self.found: dict[str, Uses] = {}

    def load(self) -> Pipeline:
        document = read_yaml(Text.read(self.folder / FILE))
        try:
            configuration = read_configuration(document)
        except PipelineError as error:  # the stages can still be read, if not understood
            self._statements(sorted(self.folder.glob(STAGES)))
            headers = (problem for problem in self.problems if not problem.warning)
            raise PipelineError((*error.problems, *headers)) from None
        values, broken, unknown = parameters(document, configuration, self.settings)
        self.problems += [*broken.values(), *unknown]
        functions, own, missing = self._functions(document, configuration)
        found = self._files(document, configuration)
        self._statements(found.stages)
        context = Context(
            pipeline=configuration.name,
            parameters=values,
            functions=functions,
            own_functions=own,
            stages={name: statement.kind for name, statement in self.statements.items()},
            unreadable=frozenset(self.unreadable),
            broken_parameters=frozenset(broken),
            functions_missing=missing,
        )
        stages = self._stages(context)
        self._unused(document, values)
        checks = self._checks(found.checks, context)
        examples = self._examples(found.tests, stages, context)
        errors = tuple(problem for problem in self.problems if not problem.warning)
        if errors:
            raise PipelineError(errors)
        ordered = graph.order(graph.reads_of(self.found))
        return Pipeline(
            name=configuration.name,
            folder=self.folder,
            description=configuration.description,
            parameters=self._run_options(values, stages),
            stages=tuple(stages[name] for name in ordered),
            checks=checks,
            examples=examples,
            functions=functions,
            warnings=tuple(sorted(self.problems, key=lambda problem: problem.place)),
            own_functions=own,
        )

    # -- functions -----------------------------------------------------------------------------

    def _functions(
        self, document: Document, configuration: Configuration
    ) -> tuple[dict[str, Declaration], frozenset[str], bool]:
        """All functions by name, the names of the pipeline's own, and whether some are missing."""
        known = extensions.built_in()
        own: set[str] = set()
        before = len(self.problems)
        try:
            known = extensions.join(known, extensions.installed())
        except extensions.ExtensionError as error:
            self.problems.append(_of_extension(error, document.place(())))
        for i, name in enumerate(configuration.functions):
            try:
                loaded = extensions.load(self.folder, [name])
                known = extensions.join(known, loaded)
                own |= set(loaded)
            except extensions.ExtensionError as error:
                self.problems.append(_of_extension(error, document.place(("functions", i))))
        return known, frozenset(own), len(self.problems) > before

    # -- files ---------------------------------------------------------------------------------

    def _files(self, document: Document, configuration: Configuration) -> _Files:
        found = _Files()
        folders = [self.folder]
        for i, name in enumerate(configuration.include):
            folder = self.folder / name
            if folder.is_dir():
                folders.append(folder)
            else:
                message = f"there is no folder {quoted(name)} beside this pipeline"
                self.problems.append(document.value_problem(("include", i), message))
        for folder in folders:
            found.stages += sorted(folder.glob(STAGES))
            found.checks += sorted(folder.glob(CHECKS))
            found.tests += sorted(folder.glob(TESTS))
        if not found.stages:
            message = "this pipeline has no stages"
            remedy = "A stage is a file such as 10_documents.sql in its folder."
            self.problems.append(Problem(document.place(()), message, remedy, length=0))
        return found

    # -- stages --------------------------------------------------------------------------------

    def _statements(self, files: list[Path]) -> None:
        for file in files:
            try:
                text = Text.read(file)
            except PipelineError as error:
                self.problems += error.problems
                self.unreadable.add(file.stem.lstrip("0123456789").lstrip("_"))
                continue
            try:
                statement = read_statement(text)
            except HeaderError as error:
                self.problems.append(error.problem)
                self.unreadable.add(guess_name(text))
                continue
            self.problems += statement.problems
            other = self.statements.setdefault(statement.name, statement)
            if other is not statement:
                first = shorten(other.text.file)
                message = f"stage {quoted(statement.name)} is already defined in {first}"
                remedy = "Give one of them another name."
                self.problems.append(text.problem(*statement.name_span, message, remedy))

    def _stages(self, context: Context) -> dict[str, Stage]:
        """All stages whose query can be read; what is wrong with any is noted."""
        unread = False
        for name, statement in self.statements.items():
            try:
                self.found[name] = uses(statement, context)
            except QueryError as error:
                unread = True
                self.problems.append(
                    statement.problem(error.start, error.end, error.message, error.remedy)
                )
                continue
            self.problems += self.found[name].problems
            self.problems += graph.streams(name, self.found[name], statement, context.stages)
        edges = graph.reads_of(self.found)
        if not unread:
            self.problems += graph.cycles(edges, self.found, self.statements)
        growing = graph.growing(edges, context.stages)
        for name in sorted(graph.views_of_streaming_tables(edges, context.stages)):
            self.problems += view_problems(self.statements[name], self.found[name], growing)
        for name, found in self.found.items():
            self.problems += refusals(self.statements[name], found, context, growing)
        return {name: _stage(self.statements[name], found) for name, found in self.found.items()}

    def _unused(self, document: Document, values: Mapping[str, Parameter]) -> None:
        if len(self.found) < len(self.statements) or self.unreadable:
            return
        used = {name for found in self.found.values() for name in found.parameters}
        for name in values:
            if name not in used:
                message = f"no stage uses the parameter {quoted(name)}"
                problem = document.problem(("parameters", name), message, "Leave it out.")
                self.problems.append(replace(problem, warning=True))

    def _run_options(
        self, values: Mapping[str, Parameter], stages: Mapping[str, Stage]
    ) -> dict[str, Parameter]:
        """Mark the parameters that say where documents are, not what they become."""
        found = set()
        for stage in stages.values():
            for call in stage.sources:
                first = next((option.name for option in call.declaration.options), "")
                for name in (first, *call.declaration.run_options):
                    value = call.options.get(name)
                    if isinstance(value, Marker):
                        found.add(value.parameter)
            found |= {f.value.parameter for f in stage.files if isinstance(f.value, Marker)}
        return {
            name: replace(parameter, is_run_option=name in found)
            for name, parameter in values.items()
        }

    # -- checks/ and tests/ --------------------------------------------------------------------

    def _checks(self, files: list[Path], context: Context) -> dict[str, tuple[Check, ...]]:
        return dict(self._yaml(files, lambda document: read_checks(document, context)))

    def _examples(
        self, files: list[Path], stages: dict[str, Stage], context: Context
    ) -> dict[str, tuple[Example, ...]]:
        return dict(self._yaml(files, lambda document: read_examples(document, stages, context)))

    def _yaml(
        self, files: list[Path], read: Callable[[Document], tuple[str, T]]
    ) -> Iterator[tuple[str, T]]:
        seen: dict[str, Path] = {}
        for file in files:
            other = seen.setdefault(file.stem, file)
            if other is not file:
                message = f"stage {quoted(file.stem)} has such a file already: {shorten(other)}"
                self.problems.append(Problem(Place(file), message, "Join the two.", length=0))
                continue
            try:
                yield read(read_yaml(Text.read(file)))
            except PipelineError as error:
                self.problems += error.problems


def _of_extension(error: extensions.ExtensionError, place: Place) -> Problem:
    if error.file:
        return Problem(Place(error.file, error.line), error.message, error.remedy)
    return Problem(place, error.message, error.remedy)


def _stage(statement: Statement, found: Uses) -> Stage:
    text = statement.text
    start, end = statement.body_span
    return Stage(
        name=statement.name,
        kind=statement.kind,
        place=text.place(statement.name_span[0]),
        statement=text.text[statement.start : statement.end],
        body=text.text[start:end],
        body_place=text.place(start),
        tokens=statement.tokens,
        rules=statement.rules,
        comment=statement.comment,
        properties=statement.properties,
        reads=tuple(found.reads),
        calls=tuple(found.calls),
        functions=found.functions,
        files=tuple(found.files),
        parameters=found.parameters,
    )
