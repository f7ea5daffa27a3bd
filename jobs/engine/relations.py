"""Gives a stage's body its inputs: every read and call becomes a temporary view of the session.

The body itself runs as it was written. Only the parts that name a table or call an operator or a
source are replaced, by offsets, so Spark's positions can be traced back to the file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import DataFrame, SparkSession

from winnow.pipeline.model import Call, Kind, Pipeline, Problem, Read, Rule, Stage
from winnow.pipeline.render import Rendered, has_alias, place_in, replace

QUERY = "__winnow_query"
CONDITION = "SELECT *, ("  # before a rule's own text, when it is checked alone
FLAG = "__winnow_rule_"  # and the number of a rule: the column that says whether it holds


class Inputs(Protocol):
    """Where the rows of inputs come from: pinned versions in a build, empty tables in a check."""

    def table(self, read: Read) -> DataFrame:
        """Return a stored table's kept rows; only the new ones for a `STREAM`."""

    def call(self, call: Call, tables: Mapping[str, DataFrame]) -> DataFrame:
        """Return what an operator or a source gives."""

    def model(self, read: Read) -> str:
        """Return the name under which workers find a classifier.

        Raises:
            NoModelError: the table is none.
        """


class NoModelError(Exception):
    """A table that is read as a classifier and is none."""


@dataclass
class Relations:
    """The inputs of one pipeline's stages in one Spark session."""

    session: SparkSession
    pipeline: Pipeline
    inputs: Inputs
    _numbers: Callable[[], int] = field(default_factory=lambda: count().__next__)

    def query(self, stage: Stage) -> DataFrame:
        """Return the rows of a stage's body.

        Raises:
            StageProblem: Spark cannot analyse the body; the problem says where and why.
        """
        edits = [self._read_edit(stage, stage.body, read) for read in stage.reads]
        for call in stage.calls:
            tables = {
                table.name: self._argument(stage, table.sql, table.reads) for table in call.tables
            }
            result = self.inputs.call(call, tables)
            alias = call.declaration.name
            edits.append((call.start, call.end, self._named(result, stage.body, call.end, alias)))
        rendered = replace(stage.body, edits)
        try:
            return self.session.sql(rendered.text, args=self.pipeline.values)
        except (AnalysisException, ParseException) as error:
            raise StageProblem(_body_problem(stage, rendered, error)) from None

    def flags(self, query: DataFrame, rules: tuple[Rule, ...]) -> DataFrame:
        """Return the query's rows with one Boolean a rule, FLAG and its number.

        A condition stands inside of another expression, where it can make no rows of one.
        """
        query.createOrReplaceTempView(QUERY)
        flags = [
            f"if(({rule.condition}\n), true, false) AS {FLAG}{i}" for i, rule in enumerate(rules)
        ]
        text = f"SELECT {', '.join(['*', *flags])} FROM {QUERY}"
        return self.session.sql(text, args=self.pipeline.values)

    def are_rules(self, query: DataFrame, rules: tuple[Rule, ...]) -> bool:
        """Whether all conditions are Booleans over the columns of their query: one question."""
        try:
            return len(self.flags(query, rules).schema) == len(query.schema) + len(rules)
        except (AnalysisException, ParseException):
            return False

    def check_rule(self, query: DataFrame, rule: Rule) -> None:
        """Make sure that a rule is a Boolean over the columns of its query.

        Raises:
            StageProblem: its condition cannot be analysed or is no Boolean.
        """
        query.createOrReplaceTempView(QUERY)
        text = f"{CONDITION}{rule.condition}\n) AS holds FROM {QUERY}"
        try:
            checked = self.session.sql(text, args=self.pipeline.values)
            kind = checked.schema.fields[-1].dataType
            is_boolean = kind.typeName() in ("boolean", "void")
            if is_boolean:
                self.flags(query, (rule,))
        except (AnalysisException, ParseException) as error:
            raise StageProblem(_rule_problem(rule, error)) from None
        if not is_boolean:
            message = f"rule `{rule.name}` has a condition of type {kind.simpleString().upper()}"
            remedy = "A condition is a Boolean, e.g. `words >= 50`"
            width = len(rule.condition.split("\n")[0])
            raise StageProblem(Problem(rule.condition_place, message, remedy, width))

    def _argument(self, stage: Stage, sql: str, reads: tuple[Read, ...]) -> DataFrame:
        rendered = replace(sql, [self._read_edit(stage, sql, read) for read in reads])
        try:
            return self.session.sql(rendered.text, args=self.pipeline.values)
        except (AnalysisException, ParseException) as error:
            raise StageProblem(Problem(stage.body_place, _message(error), length=0)) from None

    def _read_edit(self, stage: Stage, text: str, read: Read) -> tuple[int, int, str]:
        if read.is_model:
            return read.start, read.end, f"'{self._model(stage, text, read)}'"
        alias = read.table.rpartition(".")[2]
        return read.start, read.end, self._named(self._rows(read), text, read.end, alias)

    def _model(self, stage: Stage, text: str, read: Read) -> str:
        try:
            return self.inputs.model(read)
        except NoModelError as error:
            offset = read.start if text is stage.body else 0
            place = place_in(stage.body, stage.body_place, offset)
            remedy = "Make it with SELECT * FROM train_classifier(TABLE(examples), ...)."
            length = read.end - read.start if offset else 0
            raise StageProblem(Problem(place, str(error), remedy, length)) from None

    def _rows(self, read: Read) -> DataFrame:
        if "." not in read.table:
            stage = self.pipeline.stage(read.table)
            if stage.kind in (Kind.VIEW, Kind.TEMPORARY_VIEW):
                return self.query(stage)
        return self.inputs.table(read)

    def _named(self, rows: DataFrame, text: str, end: int, alias: str) -> str:
        name = f"__winnow_input_{self._numbers()}"
        rows.createOrReplaceTempView(name)
        return name if has_alias(text, end) else f"{name} AS `{alias}`"


class StageProblem(Exception):
    """One thing wrong in a stage that only Spark could see."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def _body_problem(stage: Stage, rendered: Rendered, error: AnalysisException) -> Problem:
    span = _span(error)
    if span is None:
        return Problem(
            stage.body_place, f"stage `{stage.name}`: {_message(error)}", _hint(error), 0
        )
    place = place_in(stage.body, stage.body_place, rendered.original(span[0]))
    return Problem(place, f"stage `{stage.name}`: {_message(error)}", _hint(error), span[1])


def _rule_problem(rule: Rule, error: AnalysisException) -> Problem:
    span = _span(error)
    offset = min(max(0, span[0] - len(CONDITION)), len(rule.condition)) if span else 0
    place = place_in(rule.condition, rule.condition_place, offset)
    condition = error.getCondition() or ""
    if condition.startswith("UNRESOLVED_COLUMN"):
        name = (error.getMessageParameters() or {}).get("objectName", "").replace("`", "")
        message = (
            f"rule `{rule.name}` reads `{name}`, which the SELECT of this stage does not return"
        )
        known = _hint(error)
        remedy = f"Add `{name}` to the SELECT" + (
            f", or {known[0].lower()}{known[1:]}" if known else ""
        )
        return Problem(place, message, remedy, span[1] if span else 1)
    return Problem(
        place, f"rule `{rule.name}`: {_message(error)}", _hint(error), span[1] if span else 1
    )


def _span(error: AnalysisException) -> tuple[int, int] | None:
    """Return offset and length of the part of the SQL text that an error is about."""
    contexts = [c for c in error.getQueryContext() if c.startIndex() >= 0] if error else []
    if contexts:
        return contexts[0].startIndex(), contexts[0].stopIndex() - contexts[0].startIndex() + 1
    return None


def _message(error: AnalysisException) -> str:
    """Return an error's first sentence without its code, state and query context."""
    text = (
        str(error.getMessage() or error).split("\n== SQL")[0].split(" SQLSTATE:")[0].split("\n")[0]
    )
    return text.partition("] ")[2] if text.startswith("[") else text


def _hint(error: AnalysisException) -> str:
    proposal = (error.getMessageParameters() or {}).get("proposal", "")
    return f"Did you mean {proposal}?" if proposal else ""
