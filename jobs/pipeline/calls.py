"""Calls of operators and sources: TABLE arguments and options, checked before Spark starts."""

import re
from dataclasses import dataclass, field

from winnow.pipeline.context import Context
from winnow.pipeline.model import Kind, Marker, OptionValue, Problem
from winnow.pipeline.query import Relation
from winnow.pipeline.reader import Reader
from winnow.pipeline.stage import Statement
from winnow.pipeline.text import did_you_mean, listed, quoted, words
from winnow.pipeline.tokens import Lexeme, Token
from winnow.udfs.registry import Declaration, Option

# Spark's own table functions; a test holds the list against Spark.
SPARK_TABLE_FUNCTIONS = words(
    """collations explode explode_outer inline inline_outer json_tuple posexplode posexplode_outer
    python_worker_logs range sql_keywords stack variant_explode variant_explode_outer"""
)
_TYPES: dict[type, str] = {str: "a string", int: "an integer", float: "a number", bool: "a boolean"}


@dataclass
class Arguments:
    """The arguments of one call, as far as they are right."""

    options: dict[str, OptionValue] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)  # names of the TABLE arguments, in order
    problems: list[Problem] = field(default_factory=list)


def read_arguments(
    statement: Statement,
    reader: Reader,
    relation: Relation,
    declared: Declaration,
    context: Context,
) -> Arguments:
    """Match the arguments of a call with what its function declares."""
    return _Call(statement, reader, relation, declared, context).read()


def check_stream(statement: Statement, relation: Relation, declared: Declaration) -> list[Problem]:
    """STREAM belongs before a source in a streaming table, and nowhere else before a function."""
    first, last = relation.start, relation.end
    name = quoted(declared.name)
    streaming = statement.kind is Kind.STREAMING_TABLE
    if declared.kind == "operator" and relation.stream:
        message = f"{name} is an operator, and STREAM cannot stand before one"
        return [statement.problem(first, first + 1, message, f"Write FROM {declared.name}(...).")]
    if declared.kind == "source" and streaming and not relation.stream:
        message = f"a streaming table reads {name} without STREAM"
        remedy = f"Write STREAM {declared.name}(...): each run reads the files that are new."
        return [statement.problem(first, last, message, remedy)]
    return []


class _Call:
    def __init__(
        self,
        statement: Statement,
        reader: Reader,
        relation: Relation,
        declared: Declaration,
        context: Context,
    ) -> None:
        self.statement, self.reader, self.relation = statement, reader, relation
        self.declared, self.context = declared, context
        self.tokens = reader.tokens
        self.known = {option.name: option for option in declared.options}
        self.found = Arguments()

    def read(self) -> Arguments:
        self._tables()
        positional = 0
        for start, end in self.relation.arguments or ():
            named = self.tokens[start].name and self.reader.word(start + 1) == "=>"
            if named and end > start + 2:
                self._option(self.tokens[start].name, start, start + 2, end)
            elif end > start and not named:
                positional += 1
                self._positional(positional, start, end)
            else:
                self._problem(start, end + 1, "expected an argument")
        self._missing()
        return self.found

    def _problem(self, start: int, end: int, message: str, remedy: str = "") -> None:
        self.found.problems.append(self.statement.problem(start, end, message, remedy))

    def _whole(self, message: str, remedy: str = "") -> None:
        self._problem(self.relation.name[0], self.relation.name[-1] + 1, message, remedy)

    # -- TABLE arguments -----------------------------------------------------------------------

    def _tables(self) -> None:
        wanted, name = self.declared.tables, quoted(self.declared.name)
        for i, table in enumerate(self.relation.tables):
            self._nothing_after(table.end)
            position = wanted[i] if i < len(wanted) else ""
            self.found.tables.append(table.name or position)
            if table.name and table.name not in wanted:
                remedy = did_you_mean(table.name, wanted)
                message = f"{name} has no TABLE argument {quoted(table.name)}"
                self._problem(table.start - 2, table.end + 1, message, remedy)
        given = len(self.relation.tables)
        positional = any(
            self.reader.word(start + 1) != "=>" for start, _ in self.relation.arguments or ()
        )
        if given != len(wanted) and not (positional and given < len(wanted)):
            takes = f"{len(wanted)} TABLE argument{'s' * (len(wanted) != 1)}"
            names = f" ({listed(wanted)})" if wanted else ""
            remedy, verb = f"Write {self._usage()}.", "is" if given == 1 else "are"
            self._whole(f"{name} takes {takes}{names}, and {given} {verb} given", remedy)
        elif len(set(self.found.tables)) < given:
            self._whole(f"a TABLE argument of {name} is given twice", f"Write {self._usage()}.")

    def _nothing_after(self, closing: int) -> None:
        word = self.reader.word(closing + 1)
        if word in (",", ")"):
            return
        message = f"nothing may follow TABLE( ) in a call of {quoted(self.declared.name)}"
        remedy = "An operator sees its whole input: it orders and groups rows by itself."
        self._problem(closing + 1, closing + 2, message, remedy)

    def _usage(self) -> str:
        tables = [f"TABLE({name})" for name in self.declared.tables]
        options = [f"{option.name} => ..." for option in self.declared.options if option.required]
        return f"{self.declared.name}({', '.join(tables + options)})"

    # -- options -------------------------------------------------------------------------------

    def _positional(self, position: int, start: int, end: int) -> None:
        if self.declared.kind == "source" and position == 1 and self.declared.options:
            self._option(self.declared.options[0].name, start, start, end)
            return
        if self.reader.word(start) == "TABLE":
            message, remedy = "expected parentheses after TABLE", f"Write {self._usage()}."
        elif position + len(self.relation.tables) <= len(self.declared.tables):
            shown = self._source(start, end)
            message = f"{quoted(shown)} is not a TABLE argument"
            remedy = f"Write TABLE({shown})." if end == start + 1 else f"Write {self._usage()}."
        else:
            message = "options are given by name"
            names = [option.name for option in self.declared.options]
            remedy = f"Write name => value; the names are {listed(names)}." if names else ""
        self._problem(start, end, message, remedy)

    def _source(self, start: int, end: int) -> str:
        return self.statement.text.text[self.tokens[start].start : self.tokens[end - 1].end]

    def _option(self, name: str, at: int, start: int, end: int) -> None:
        option = self.known.get(name)
        if option is None:
            names = [*self.known, *self.declared.tables]
            known = f"Its options are {listed(self.known)}." if self.known else "It has no options."
            message = f"{quoted(self.declared.name)} has no option {quoted(name)}"
            self._problem(at, at + 1, message, did_you_mean(name, names) or known)
            return
        if name in self.found.options:
            self._problem(at, at + 1, f"option {quoted(name)} is given twice")
            return
        known_value, value = literal(self.tokens[start:end])
        if not known_value:
            message = f"option {quoted(name)} is neither a literal nor a parameter"
            remedy = "Give a string, a number, TRUE, FALSE, NULL or :parameter."
            self._problem(start, end, message, remedy)
            self.found.options[name] = option.default  # type: ignore[assignment]
            return
        self.found.options[name] = self._typed(option, value, start, end)

    def _typed(self, option: Option, value: OptionValue, start: int, end: int) -> OptionValue:
        given: object = value
        shown = self._source(start, end)
        if isinstance(value, Marker):
            parameter = self.context.parameters.get(value.parameter)
            if parameter is None or parameter.name in self.context.broken_parameters:
                return value  # said elsewhere
            given = parameter.value
            shown = f"{shown} is {given!r}" if given is not None else f"{shown} is NULL"
        if not fits(option, given):
            message = f"option {quoted(option.name)} of {quoted(self.declared.name)} must be "
            self._problem(start, end, f"{message}{described(option)}: {shown}")
        elif option.type is float and isinstance(value, int):
            return float(value)
        return value

    def _missing(self) -> None:
        for option in self.declared.options:
            if option.required and option.name not in self.found.options:
                message = f"{quoted(self.declared.name)} needs the option {quoted(option.name)}"
                self._whole(message, f"Add {option.name} => ... to its arguments.")


def literal(tokens: list[Token]) -> tuple[bool, OptionValue]:
    """Return whether tokens are a literal or a parameter, and which."""
    if tokens and all(token.lexeme is Lexeme.STRING for token in tokens):
        return True, "".join(token.value for token in tokens)
    if len(tokens) == 2 and tokens[0].word == ":" and tokens[1].name:
        return True, Marker(tokens[1].value)
    if len(tokens) == 1 and tokens[0].word in ("TRUE", "FALSE", "NULL"):
        return True, {"TRUE": True, "FALSE": False, "NULL": None}[tokens[0].word]
    sign = -1 if tokens[0].word == "-" else 1
    if tokens[0].word in ("-", "+"):
        tokens = tokens[1:]
    if len(tokens) == 1 and tokens[0].lexeme is Lexeme.NUMBER:
        number = _number(tokens[0].text)
        return number is not None, None if number is None else sign * number
    return False, None


def described(option: Option) -> str:
    """What an option takes, in words."""
    return _TYPES.get(option.type, "a string")


def fits(option: Option, value: object) -> bool:
    """Whether an option takes a value: an integer is a number, NULL where it is the default."""
    if value is None:
        return option.default is None and not option.required
    if option.type in (int, float) and isinstance(value, bool):
        return False
    if option.type is float:
        return isinstance(value, int | float)
    return isinstance(value, option.type if option.type in _TYPES else str)


def _number(text: str) -> int | float | None:
    plain = re.sub(r"(?:BD|[LSYDF])$", "", text, flags=re.IGNORECASE)
    try:
        return int(plain) if plain.isdigit() and text[-1] not in "dDfF" else float(plain)
    except ValueError:
        return None
