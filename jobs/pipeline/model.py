"""What a pipeline is once its files are read: plain values, no Spark.

Built by `winnow.pipeline.load.load_pipeline`, read by the engine and the command line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from winnow.errors import CommandError
from winnow.udfs.registry import Declaration


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands: line and column count from 1."""

    file: Path
    line: int = 1
    column: int = 1


@dataclass(frozen=True)
class Problem:
    """One thing wrong (or, as a warning, doubtful) in a pipeline's files.

    `length` is how many characters of the source line the carets underline; 0 shows no line.
    """

    place: Place
    message: str
    remedy: str = ""
    length: int = 1
    warning: bool = False

    def __str__(self) -> str:
        """Place, message, the user's own line with carets, remedy (style.md 2.5)."""
        shown = shorten(self.place.file)
        whole_file = not self.length and (self.place.line, self.place.column) == (1, 1)
        if not whole_file:
            shown += f":{self.place.line}:{self.place.column}"
        parts = [f"{shown}: {self.message}"]
        if self.length:
            parts += _underlined(_line(self.place), self.place.column - 1, self.length)
        if self.remedy:
            parts.append(self.remedy)
        return "\n".join(parts)


def escape(text: str) -> str:
    """The text with its control characters as `\\x1b`, so that a terminal does not obey them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


_WIDTH = 120  # characters of a source line that a message shows


def _underlined(line: str, start: int, length: int) -> list[str]:
    """The line with carets under line[start:start + length]; a long line is cut around them."""
    if not line.strip():
        return []
    left = max(0, start - _WIDTH // 2) if len(line) > _WIDTH else 0
    right = left + _WIDTH
    # Tabs stay, in both lines, so that the carets stand where the terminal puts the text.
    lead, marked, rest = (
        "\t".join(escape(part) for part in piece.split("\t"))
        for piece in (
            line[left:start],
            line[start : min(start + length, right)],
            line[start + length : right],
        )
    )
    indent = "".join("\t" if character == "\t" else " " for character in lead)
    return [f"    {lead}{marked}{rest}", f"    {indent}{'^' * max(1, len(marked))}"]


def shorten(file: Path) -> str:
    """The path of a file as messages show it: from here, if it lies below."""
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)


def _line(place: Place) -> str:
    try:
        lines = place.file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return lines[place.line - 1].rstrip("\r") if place.line <= len(lines) else ""


class PipelineError(CommandError):
    """Everything that is wrong with a pipeline, at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.place))
        super().__init__("\n\n".join(str(problem) for problem in self.problems))


class Action(Enum):
    """What a rule does with a row that violates it."""

    RECORD = "record"
    DROP = "drop"
    FAIL = "fail"


@dataclass(frozen=True)
class Rule:
    """`CONSTRAINT name EXPECT (condition) [ON VIOLATION ...]`; `condition` is the source text."""

    name: str
    condition: str
    action: Action
    place: Place  # of the name
    condition_place: Place


class Kind(Enum):
    """What a stage file creates."""

    MATERIALIZED_VIEW = "materialized view"
    STREAMING_TABLE = "streaming table"
    VIEW = "view"
    TEMPORARY_VIEW = "temporary view"

    @property
    def stored(self) -> bool:
        """Whether the stage has a Delta table of its own."""
        return self in (Kind.MATERIALIZED_VIEW, Kind.STREAMING_TABLE)


@dataclass(frozen=True)
class Read:
    """A table that a body reads: the part body[start:end] names it.

    `table` is `stage` for a stage of this pipeline, `pipeline.stage` for a published table of
    another one. For `STREAM(t)` and `STREAM t`, start and end cover the whole of it. A classifier
    that a function is given is read, too: then they cover the option's value, and `table` may be
    empty, with the `address` of a file in its place.
    """

    table: str
    start: int
    end: int
    stream: bool = False
    address: str = ""
    function: str = ""  # that is given the classifier

    @property
    def is_model(self) -> bool:
        """Whether a function is given it as its classifier."""
        return bool(self.function)


@dataclass(frozen=True)
class Marker:
    """A parameter as an option's value: `format => :format`."""

    parameter: str


OptionValue = str | int | float | bool | None | Marker


@dataclass(frozen=True)
class NamedFile:
    """A file, beside documents, that a call in a body reads: a model, a list, thresholds.

    `place` and `length` are those of the function's name.
    """

    function: str
    option: str
    value: OptionValue
    place: Place
    length: int


@dataclass(frozen=True)
class TableArgument:
    """`name => TABLE(query)`: `sql` is the query, `SELECT * FROM t` for `TABLE(t)`.

    A WITH clause of the body that the query needs is already in front of it. `reads` are offsets
    into `sql`.
    """

    name: str
    sql: str
    reads: tuple[Read, ...]


@dataclass(frozen=True)
class Call:
    """A call of an operator or a source in a body: body[start:end], `STREAM` before it included."""

    declaration: Declaration
    start: int
    end: int
    place: Place
    tables: tuple[TableArgument, ...] = ()
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    stream: bool = False


@dataclass(frozen=True)
class Stage:
    """One stage file.

    `body` is the query as written; `body_place` is where it starts in the file. `tokens` is the
    whole statement without comments and white space, for the definition hash.
    """

    name: str
    kind: Kind
    place: Place
    statement: str
    body: str
    body_place: Place
    tokens: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    comment: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[Read, ...] = ()
    calls: tuple[Call, ...] = ()
    functions: tuple[str, ...] = ()  # column functions that the body calls
    files: tuple[NamedFile, ...] = ()  # that calls in the body read, apart from documents
    parameters: tuple[str, ...] = ()  # used in the body and in rules

    @property
    def inputs(self) -> tuple[str, ...]:
        """All tables read, TABLE arguments included, sorted, each once."""
        return tuple(sorted({read.table for read in self._all_reads() if read.table}))

    @property
    def models(self) -> frozenset[str]:
        """The tables among the inputs that are classifiers, and nothing else."""
        reads = self._all_reads()
        models = frozenset(read.table for read in reads if read.table and read.is_model)
        return models - {read.table for read in reads if not read.is_model}

    @property
    def streams(self) -> frozenset[str]:
        """The tables of which new rows alone are read, TABLE arguments included."""
        return frozenset(read.table for read in self._all_reads() if read.stream)

    def _all_reads(self) -> tuple[Read, ...]:
        nested = (read for call in self.calls for table in call.tables for read in table.reads)
        return (*self.reads, *nested)

    @property
    def sources(self) -> tuple[Call, ...]:
        """The calls that read documents from outside."""
        return tuple(call for call in self.calls if call.declaration.kind == "source")


@dataclass(frozen=True)
class Check:
    """One entry of `checks/stage.yml`."""

    section: str  # kept or all
    type: str
    kwargs: Mapping[str, object]
    severity: str
    notes: str
    place: Place


@dataclass(frozen=True)
class Example:
    """One row of `tests/stage.yml` with the verdict expected of it."""

    name: str
    table: str  # the input of the stage that the row stands in
    row: Mapping[str, object]
    dropped: bool
    failed: tuple[str, ...] | None  # rules; None when the file does not say
    place: Place


@dataclass(frozen=True)
class Parameter:
    """One parameter of `pipeline.yml` with the value that holds for this run."""

    name: str
    value: str | int | float | bool | None
    description: str
    is_run_option: bool = False  # where documents are, and what to do with them: part of no hash


@dataclass(frozen=True)
class Pipeline:
    """A pipeline whose files are valid as far as that can be known without Spark.

    `stages` are in dependency order, temporary views included.
    """

    name: str
    folder: Path
    description: str
    parameters: Mapping[str, Parameter]
    stages: tuple[Stage, ...]
    checks: Mapping[str, tuple[Check, ...]]
    examples: Mapping[str, tuple[Example, ...]]
    functions: Mapping[str, Declaration]
    warnings: tuple[Problem, ...] = ()
    own_functions: frozenset[str] = frozenset()  # those of `functions:` in pipeline.yml

    def stage(self, name: str) -> Stage:
        """Return the stage of that name.

        Raises:
            KeyError: there is none.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)

    @property
    def values(self) -> dict[str, str | int | float | bool | None]:
        """The parameters' values by name, as Spark binds them."""
        return {name: parameter.value for name, parameter in self.parameters.items()}

    def options(self, call: Call) -> dict[str, object]:
        """Return the options of a call with parameters replaced by their values."""
        return {
            name: self.values[value.parameter] if isinstance(value, Marker) else value
            for name, value in call.options.items()
        }
