"""Plan errors: what a stage may not say, whatever Spark thinks of it."""

from collections.abc import Callable, Container, Iterator

from winnow.pipeline import nondeterminism, streaming
from winnow.pipeline.context import Context
from winnow.pipeline.lineage import Uses, markers
from winnow.pipeline.model import Kind, Problem, Rule
from winnow.pipeline.query import Query, Select, blocks, queries
from winnow.pipeline.reader import QueryError, Reader, pair
from winnow.pipeline.stage import Statement
from winnow.pipeline.text import quoted
from winnow.pipeline.tokens import Token
from winnow.schemas.documents import ENGINE_COLUMNS, HEAVY_COLUMNS

At = Callable[[int, int, str, str], Problem]  # tokens [start, end), message, remedy


def refusals(
    statement: Statement, uses: Uses, context: Context, growing: frozenset[str]
) -> list[Problem]:
    """Everything that a stage's query and rules may not say, and warnings.

    Args:
        statement: the stage's file.
        uses: what its query reads and calls.
        context: the names around it.
        growing: stages whose rows grow by appending.
    """
    found = [*_nondeterminism(uses.reader, uses.query, statement.problem)]
    found += _stream_outside(statement, uses)
    if statement.kind is Kind.STREAMING_TABLE:
        found += streaming.problems(statement, uses, growing)
    if statement.kind is Kind.VIEW:
        found += _published_view(statement, uses, context)
    for select in _outermost(uses.query):
        found += _reserved_columns(statement, uses.reader, select)
        found += _filters(statement, uses.reader, select)
    for rule, condition in zip(statement.rules, statement.conditions, strict=True):
        found += _rule(statement, rule, condition, context)
    return found


def _nondeterminism(reader: Reader, query: Query, at: At) -> Iterator[Problem]:
    for block in blocks(query):
        for finding in nondeterminism.in_expressions(reader, block):
            yield at(*finding)
    for inner in queries(query):
        for finding in nondeterminism.in_clauses(reader, inner):
            yield at(*finding)


def _stream_outside(statement: Statement, uses: Uses) -> Iterator[Problem]:
    if statement.kind is Kind.STREAMING_TABLE:
        return
    for start in sorted(uses.streams):
        message = f"STREAM in a {statement.kind.value}: only a streaming table reads what is new"
        remedy = "Leave STREAM out, or write CREATE OR REFRESH STREAMING TABLE."
        yield statement.problem(start, start + 1, message, remedy)


# -- views -------------------------------------------------------------------------------------


def _published_view(statement: Statement, uses: Uses, context: Context) -> Iterator[Problem]:
    """A reader's session runs a published view: it has no operators, parameters, own functions."""
    for start, declared in sorted(uses.operators.items()):
        message = f"a view cannot call {quoted(declared.name)}: its readers would run it each time"
        remedy = "Call it in a materialized view, and read that one here."
        yield statement.problem(start, uses.ends[start], message, remedy)
    for start in sorted(uses.models):
        message = "a view cannot score with a model: its readers pin none"
        remedy = "Store the scores in a streaming table or a materialized view, and read them here."
        yield statement.problem(start, uses.ends[start], message, remedy)
    for block in blocks(uses.query):
        for function in block.functions:
            if function.name in context.own_functions & set(uses.functions):
                message = (
                    f"a view cannot call {quoted(function.name)}, a function of this pipeline "
                    "alone: its readers do not have it"
                )
                remedy = "Compute it in a stored stage, or install the function as a package."
                yield statement.problem(function.start, function.start + 1, message, remedy)
    for token in markers(statement.body):
        message = f"a view cannot use the parameter {quoted(token.value)}: its readers give none"
        remedy = "Use it in a stored stage, and read that one here."
        yield statement.text.problem(token.start - 1, token.end, message, remedy)


# -- what the outermost SELECT returns ---------------------------------------------------------


def _outermost(query: Query) -> Iterator[Select]:
    """The blocks whose rows are the stage's rows; in a pipe, all its steps."""
    for operand in query.operands:
        if isinstance(operand, Query):
            yield from _outermost(operand)
            continue
        yield operand
        if operand.pipe:
            for relation in operand.relations[:1]:
                yield from _outermost(relation.query) if relation.query else ()


def _reserved_columns(statement: Statement, reader: Reader, select: Select) -> Iterator[Problem]:
    for _, end in reader.split(*select.items) if select.items else ():
        token = reader.tokens[end - 1]
        if token.name.startswith("_"):
            own = token.name in ENGINE_COLUMNS
            message = (
                f"{quoted(token.value)} is a column that Winnow adds to every table"
                if own
                else f"{quoted(token.value)}: columns that begin with _ are Winnow's own"
            )
            yield statement.problem(end - 1, end, message, "Return it under another name.")


def _filters(statement: Statement, reader: Reader, select: Select) -> Iterator[Problem]:
    for i in select.filters if statement.rules else ():
        message = f"{reader.word(i)} loses rows without a verdict"
        remedy = "Rows leave by rules, so that each has a verdict: write a CONSTRAINT."
        yield statement.warning(i, i + 1, message, remedy)


# -- rules -------------------------------------------------------------------------------------


def _rule(
    statement: Statement, rule: Rule, tokens: list[Token], context: Context
) -> Iterator[Problem]:
    def at(start: int, end: int, message: str, remedy: str) -> Problem:
        return statement.text.problem(tokens[start].start, tokens[end - 1].end, message, remedy)

    try:
        found = list(in_condition(rule.name, tokens, context.functions))
    except QueryError as error:
        last = min(error.end, len(tokens))
        yield at(min(error.start, last - 1), last, error.message, error.remedy)
        return
    yield from (at(*finding) for finding in found)
    yield from _heavy(statement, quoted(rule.name), tokens)


def in_condition(
    rule: str, tokens: list[Token], functions: Container[str]
) -> Iterator[nondeterminism.Finding]:
    """What a rule's condition may not hold: subqueries, Python, many rows, chance.

    Args:
        rule: its name.
        tokens: of the condition.
        functions: the names that call Python.

    Raises:
        QueryError: the condition's shape cannot be read.
    """
    reader, select = _scanned(tokens)
    name = quoted(rule)
    for opening, _ in select.subqueries:
        message = f"rule {name} has a subquery: a rule sees one row of this stage"
        remedy = "Join the table in the query, and compare its columns here."
        yield opening, opening + 1, message, remedy
    for function in select.functions:
        if reader.word(function.start - 1) != ".":
            for message, remedy in _rule_function(
                name, function.name, bool(function.over), functions
            ):
                yield function.start, function.start + 1, message, remedy
    for finding in nondeterminism.in_expressions(reader, select):
        if reader.tokens[finding[0]].name not in streaming.AGGREGATES:
            yield finding


def _scanned(tokens: list[Token]) -> tuple[Reader, Select]:
    reader, select = Reader(tokens, pair(tokens)), Select(0, len(tokens))
    reader.scan(select, 0, len(tokens))
    return reader, select


def _rule_function(
    rule: str, name: str, is_window: bool, functions: Container[str]
) -> Iterator[tuple[str, str]]:
    if name in functions:
        yield (
            f"rule {rule} calls {quoted(name)}, and rules call no Python",
            f"Compute {name}(...) in the query under a name, and compare that column here.",
        )
    elif is_window or name in streaming.AGGREGATES:
        yield (
            f"rule {rule} calls {quoted(name)} over many rows, and a rule sees one",
            "Compute it in the query under a name, and compare that column here.",
        )


def _heavy(statement: Statement, rule: str, tokens: list[Token]) -> Iterator[Problem]:
    reader, select = _scanned(tokens)
    for i in select.words:
        token = reader.tokens[i]
        if token.name in HEAVY_COLUMNS and reader.word(i + 1) != "IS":
            message = f"rule {rule} computes over {quoted(token.value)}, a column of long texts"
            remedy = (
                "Store the measure in the query (`length(text) AS characters`) and compare that: "
                "then `winnow what-if` need not fetch the texts of dropped rows."
            )
            yield statement.text.warning(token.start, token.end, message, remedy)
