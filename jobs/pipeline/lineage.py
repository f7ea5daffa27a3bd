"""Which tables, functions and parameters a stage's query uses, and where each is named."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from winnow.pipeline.calls import (
    SPARK_TABLE_FUNCTIONS,
    Arguments,
    check_stream,
    literal,
    read_arguments,
)
from winnow.pipeline.context import Context
from winnow.pipeline.model import (
    Call,
    Kind,
    Marker,
    NamedFile,
    OptionValue,
    Problem,
    Read,
    TableArgument,
)
from winnow.pipeline.query import (
    Cte,
    Function,
    Query,
    Relation,
    Scope,
    TableQuery,
    blocks,
    find,
    relations,
)
from winnow.pipeline.reader import Reader
from winnow.pipeline.stage import Statement
from winnow.pipeline.text import did_you_mean, quoted, words
from winnow.pipeline.tokens import KEYWORDS, Lexeme, Token
from winnow.udfs.registry import Declaration, Option

PATH_FORMATS = words("avro binaryfile csv delta hive_metastore iceberg json orc parquet text xml")
CONTROL_SCHEMA = "winnow"
MODEL_FILES = (".bin", ".ftz")  # fastText's; else a name without a path is a table's
_TABLE = re.compile(r"\w+(\.\w+)?")
_PINNED = "A run pins the version of every input, so that its result can be made again."


@dataclass
class Uses:
    """What a stage's query reads and calls. Offsets of reads and calls count from the body.

    `tables` and `operators` find the table or the function of an input by its first token, `ends`
    the end of its tokens; `streams` are the inputs with STREAM before them, `models` the
    classifiers, in tables or files.
    """

    query: Query
    reader: Reader
    reads: list[Read] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    functions: tuple[str, ...] = ()
    files: list[NamedFile] = field(default_factory=list)
    parameters: tuple[str, ...] = ()
    tables: dict[int, str] = field(default_factory=dict)
    operators: dict[int, Declaration] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)
    streams: set[int] = field(default_factory=set)
    models: set[int] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def uses(statement: Statement, context: Context) -> Uses:
    """Read a stage's query.

    Raises:
        QueryError: its shape cannot be read.
    """
    reader = Reader(statement.body, statement.pairs)
    query = reader.query(0, len(statement.body))
    return _Finder(statement, context, Uses(query, reader)).find()


class _Finder:
    def __init__(self, statement: Statement, context: Context, found: Uses) -> None:
        self.statement, self.context, self.found = statement, context, found
        self.tokens = statement.body
        self.base = statement.body[0].start
        self.all_reads: list[Read] = []  # those inside calls too
        self.arguments: list[tuple[Relation, Scope, Declaration, Arguments]] = []

    def find(self) -> Uses:
        for relation, scope in relations(self.found.query):
            if relation.arguments is not None or relation.name or relation.identifier:
                self.found.ends[relation.start] = relation.end
                self.found.streams |= {relation.start} if relation.stream else set()
            if relation.arguments is not None:
                self._function(relation, scope)
            elif relation.name or relation.identifier:
                self._table(relation, scope)
            elif relation.stream:
                self._stream_of_query(relation)
        self.found.functions = self._column_functions()
        self._calls()
        self.found.parameters = self._parameters()
        return self.found

    def _problem(self, start: int, end: int, message: str, remedy: str = "") -> None:
        self.found.problems.append(self.statement.problem(start, end, message, remedy))

    # -- tables --------------------------------------------------------------------------------

    def _table(self, relation: Relation, scope: Scope) -> None:
        first = relation.name[0] if relation.name else relation.start
        parts = [self.tokens[i].value for i in relation.name] or self._identifier(relation)
        if not parts:
            return
        if len(parts) == 1 and find(scope, parts[0].lower()):
            if relation.stream:
                message = f"STREAM({parts[0]}) reads a WITH step"
                remedy = "Put STREAM before the table that the step reads."
                self._problem(relation.start, relation.end, message, remedy)
            return
        last = relation.end
        if self._refused(relation, parts, first, last):
            return
        table = self._resolve([part.lower() for part in parts], first, last)
        if table:
            self.found.tables[relation.start] = table
            start = self.tokens[relation.start].start - self.base
            end = self.tokens[relation.end - 1].end - self.base
            self.all_reads.append(Read(table, start, end, relation.stream))

    def _stream_of_query(self, relation: Relation) -> None:
        message = "STREAM( ) takes one table, not a query"
        remedy = "Write STREAM before the table inside the query."
        self._problem(relation.start, relation.start + 1, message, remedy)

    def _identifier(self, relation: Relation) -> list[str]:
        """The name that IDENTIFIER(...) stands for: a string or a parameter's value."""
        start, end = relation.identifier or (0, 0)
        tokens = self.tokens[start:end]
        value: object = None
        if tokens and all(token.lexeme is Lexeme.STRING for token in tokens):
            value = "".join(token.value for token in tokens)
        elif len(tokens) == 2 and tokens[0].word == ":":
            parameter = self.context.parameters.get(tokens[1].value)
            if parameter is None or parameter.name in self.context.broken_parameters:
                return []  # said elsewhere
            value = parameter.value
        if not isinstance(value, str) or not value.strip():
            message = "IDENTIFIER( ) takes a string or a parameter whose value is a string"
            self._problem(relation.start, relation.end, message)
            return []
        return [part.strip().strip("`") for part in value.split(".")]

    def _refused(self, relation: Relation, parts: list[str], first: int, last: int) -> bool:
        """Tables whose version a run cannot pin."""
        shown = ".".join(parts)
        if len(parts) > 1 and parts[0].lower() in PATH_FORMATS:
            message = f"{quoted(shown)} is read by its path, and a run cannot pin that"
            remedy = "Read files by a source: STREAM read_documents(:input)."
        elif len(parts) > 2:
            message = f"{quoted(shown)} has {len(parts)} parts: a run cannot pin its version"
            remedy = "Read a stage by its name, or pipeline.table of the same warehouse."
        elif len(parts) == 2 and parts[0].lower() == CONTROL_SCHEMA:
            message = f"{quoted(shown)} is a control table, and each run changes it"
            remedy = "Ask for it with `winnow sql`."
        elif travel := self._time_travel(relation):
            first, last = travel
            message = "a stage cannot choose the version of an input"
            remedy = f"{_PINNED} Leave this out."
        else:
            return False
        self._problem(first, last, message, remedy)
        return True

    def _time_travel(self, relation: Relation) -> tuple[int, int] | None:
        start, end = relation.tail
        said = [self.found.reader.word(i) for i in range(start, min(start + 4, end))]
        skip = 1 if said[:1] == ["FOR"] else 0
        rest = said[skip:]
        versions = ("VERSION", "SYSTEM_VERSION", "TIMESTAMP", "SYSTEM_TIME")
        if rest[:1] and rest[0] in versions and rest[1:3] == ["AS", "OF"]:
            return start, min(start + skip + 4, end)
        if said[:2] == ["CHANGES", "FROM"]:
            return start, min(start + 4, end)
        return None

    def _resolve(self, parts: list[str], first: int, last: int) -> str:
        """The name of the table as the plan knows it; empty if there is none."""
        context = self.context
        own = len(parts) == 2 and parts[0] == context.pipeline
        if len(parts) == 2 and not own:
            return ".".join(parts)
        name = parts[-1]
        if name in context.stages:
            return name
        if name in context.unreadable:
            return ""
        message = f"there is no stage {quoted(name)} in this pipeline"
        if name in context.functions:
            remedy = f"{name} is a function: call it as {name}(...)."
        else:
            remedy = did_you_mean(name, context.stages) or (
                "Tables of other pipelines are read as pipeline.table."
            )
        self._problem(first, last, message, remedy)
        return ""

    # -- table functions -----------------------------------------------------------------------

    def _function(self, relation: Relation, scope: Scope) -> None:
        name = self.tokens[relation.name[-1]].name
        first, last = relation.name[0], relation.name[-1] + 1
        declared = self.context.functions.get(name) if len(relation.name) == 1 else None
        if declared is None:
            self._undeclared(relation, name, first, last)
        elif declared.kind == "column function":
            message = f"{quoted(name)} is a column function and gives no table"
            self._problem(first, last, message, f"Call it in a SELECT: SELECT {name}(...).")
        elif declared.kind == "check":
            message = f"{quoted(name)} is a check and gives no table"
            self._problem(first, last, message, "Name it in a file of checks/.")
        else:
            self.found.operators[relation.start] = declared
            arguments = read_arguments(
                self.statement, self.found.reader, relation, declared, self.context
            )
            self.found.problems += arguments.problems
            self.found.problems += check_stream(self.statement, relation, declared)
            self.arguments.append((relation, scope, declared, arguments))

    def _undeclared(self, relation: Relation, name: str, first: int, last: int) -> None:
        if name in SPARK_TABLE_FUNCTIONS:
            if relation.stream:
                message = f"{quoted(name)} is a function of Spark's and cannot be streamed"
                self._problem(relation.start, relation.start + 1, message, "Leave STREAM out.")
            return
        if self.context.functions_missing:
            return
        kinds = ("operator", "source")
        known = [other for other, found in self.context.functions.items() if found.kind in kinds]
        near = did_you_mean(name, [*known, *SPARK_TABLE_FUNCTIONS])
        message = f"there is no table function {quoted(name)}"
        self._problem(first, last, message, near or "`winnow functions` lists what SQL can call.")

    def _calls(self) -> None:
        spans: list[tuple[int, int]] = []
        for relation, scope, declared, arguments in self.arguments:
            start = self.tokens[relation.start].start - self.base
            end = self.tokens[relation.end - 1].end - self.base
            spans.append((start, end))
            for option in declared.options:
                if option.is_file and option.name in arguments.options:
                    value = arguments.options[option.name]
                    self._file(declared, option, value, relation.name[0])
            pairs = zip(arguments.tables, relation.tables, strict=True)
            self.found.calls.append(
                Call(
                    declaration=declared,
                    start=start,
                    end=end,
                    place=self.statement.text.place(self.base + start),
                    tables=tuple(self._table_argument(*pair, scope) for pair in pairs),
                    options=arguments.options,
                    stream=relation.stream,
                )
            )
        self.found.reads = [
            read
            for read in self.all_reads
            if not any(start <= read.start < end for start, end in spans)
        ]

    def _table_argument(self, name: str, table: TableQuery, scope: Scope) -> TableArgument:
        needed = list(_needed(table.query, scope, self.tokens))
        for inner in (table.query, *(cte.query for cte in needed)):
            self._no_call_inside(inner)
        builder = _Builder(self.statement.text.text, self.base, self.all_reads)
        levels = [[cte for cte in level if cte in needed] for level in scope]
        levels = [level for level in levels if level]
        has_steps = not table.is_name and self.tokens[table.start].word == "WITH"
        # A WITH clause behind another one stands in parentheses, with the query that it is for.
        inner_clauses = max(0, len(levels) + has_steps - 1)
        for depth, level in enumerate(levels):
            builder.add("WITH RECURSIVE " if any(cte.recursive for cte in level) else "WITH ")
            for i, cte in enumerate(level):
                builder.add(", " if i else "")
                builder.copy(self.tokens[cte.start].start, self.tokens[cte.end - 1].end)
            builder.add(" (" if depth < inner_clauses else " ")
        builder.add("SELECT * FROM " if table.is_name else "")
        builder.copy(self.tokens[table.start].start, self.tokens[table.end - 1].end)
        builder.add(")" * inner_clauses)
        return TableArgument(name, builder.sql, tuple(builder.reads))

    def _no_call_inside(self, query: Query) -> None:
        for relation, _ in relations(query):
            if relation.start in self.found.operators:
                name = self.found.operators[relation.start].name
                message = f"{quoted(name)} is called inside the argument of another function"
                remedy = "Make it a stage of its own, a CREATE TEMPORARY VIEW for instance."
                self._problem(relation.start, relation.end, message, remedy)

    # -- column functions and parameters -------------------------------------------------------

    def _column_functions(self) -> tuple[str, ...]:
        names: set[str] = set()
        for block in blocks(self.found.query):
            for function in block.functions:
                declared = self.context.functions.get(function.name)
                if declared is None or self.found.reader.word(function.start - 1) == ".":
                    continue
                if declared.kind == "column function":
                    names.add(declared.name)
                    self._arity(function, declared)
                    self._files(function, declared)
                elif declared.kind in ("operator", "source"):
                    message = f"{quoted(function.name)} gives a table, not a value"
                    remedy = f"Call it after FROM: FROM {function.name}(...)."
                    self._problem(function.start, function.start + 1, message, remedy)
        return tuple(sorted(names))

    def _arity(self, function: Function, declared: Declaration) -> None:
        parts = self.found.reader.split(function.opening + 1, function.closing)
        if any(self.found.reader.word(end - 1) == "*" for _, end in parts):
            return  # f(*), f(t.*): Spark counts
        columns, options = declared.tables, declared.options
        least = len(columns) + sum(option.required for option in options)
        if not least <= len(parts) <= len(columns) + len(options):
            names = ", ".join([*columns, *(f"[{option.name}]" for option in options)])
            message = f"{quoted(declared.name)} is called with {len(parts)} arguments"
            remedy = f"It is declared as {declared.name}({names})."
            self._problem(function.start, function.closing + 1, message, remedy)

    def _files(self, function: Function, declared: Declaration) -> None:
        """Note the files that a call of a column function names."""
        word, parts = self.found.reader.word, []
        named: dict[str, tuple[int, int]] = {}
        for start, end in self.found.reader.split(function.opening + 1, function.closing):
            if word(start + 1) == "=>":
                named[self.tokens[start].name] = start + 2, end
            else:
                parts.append((start, end))
        options = zip(declared.options, parts[len(declared.tables) :], strict=False)
        named |= {option.name: span for option, span in options}
        for option in declared.options:
            if not (option.is_file or option.is_model) or option.name not in named:
                continue
            start, end = named[option.name]
            is_known, value = literal(self.tokens[start:end])
            if is_known and option.is_model:
                self._model(declared, option, value, start, end)
            elif is_known:
                self._file(declared, option, value, function.start)
            else:
                what = f"option {quoted(option.name)} of {quoted(declared.name)}"
                thing = "model" if option.is_model else "file"
                message = f"{what} names a {thing}, and this is neither a string nor a parameter"
                remedy = f"Give a string or :parameter: the plan looks whether the {thing} changed."
                self._problem(start, end, message, remedy)

    def _model(
        self, declared: Declaration, option: Option, value: OptionValue, start: int, end: int
    ) -> None:
        """Note the classifier that a call of a column function names: a table or a file."""
        name: object = value
        if isinstance(value, Marker):
            parameter = self.context.parameters.get(value.parameter)
            if parameter is None or parameter.name in self.context.broken_parameters:
                return  # said elsewhere
            name = parameter.value
        if name is None or name == "":
            return  # no model: the function gives NULL
        first = self.tokens[start].start - self.base
        last = self.tokens[end - 1].end - self.base
        table = _TABLE.fullmatch(str(name))
        if table is None or str(name).endswith(MODEL_FILES):
            self._file(declared, option, value, start)
            self._note_model(start, end)
            self.all_reads.append(Read("", first, last, address=str(name), function=declared.name))
            return
        found = self._resolve(str(name).lower().split("."), start, end)
        kind = self.context.stages.get(found)
        if kind is not None and kind is not Kind.MATERIALIZED_VIEW:
            message = f"{quoted(found)} is a {kind.value}, and a model is a materialized view"
            remedy = "A new model is a new version as a whole: CREATE OR REFRESH MATERIALIZED VIEW."
            self._problem(start, end, message, remedy)
        elif found:
            self.found.tables[start] = found
            self._note_model(start, end)
            self.all_reads.append(Read(found, first, last, function=declared.name))

    def _note_model(self, start: int, end: int) -> None:
        self.found.models.add(start)
        self.found.ends[start] = end

    def _file(self, declared: Declaration, option: Option, value: OptionValue, token: int) -> None:
        place = self.statement.text.place(self.tokens[token].start)
        length = len(self.tokens[token].text)
        self.found.files.append(NamedFile(declared.name, option.name, value, place, length))

    def _parameters(self) -> tuple[str, ...]:
        names: set[str] = set()
        for tokens in (self.tokens, *self.statement.conditions):
            for token in markers(tokens):
                names.add(token.value)
                if token.value not in self.context.parameters:
                    near = did_you_mean(token.value, self.context.parameters)
                    remedy = near or "Define it under `parameters:` in pipeline.yml."
                    message = f"there is no parameter {quoted(token.value)}"
                    span = token.start, token.end
                    self.found.problems.append(self.statement.text.problem(*span, message, remedy))
        return tuple(sorted(names & set(self.context.parameters)))


class _Builder:
    """Puts a query together from parts of the body and carries the reads in them along."""

    def __init__(self, text: str, base: int, reads: list[Read]) -> None:
        self.sql, self.reads = "", list[Read]()
        self._text, self._base, self._all = text, base, reads

    def add(self, text: str) -> None:
        self.sql += text

    def copy(self, start: int, end: int) -> None:
        """Add the file's text[start:end]."""
        shift = len(self.sql) - (start - self._base)
        for read in self._all:
            if start <= read.start + self._base < end:
                moved = replace(read, start=read.start + shift, end=read.end + shift)
                self.reads.append(moved)
        self.sql += self._text[start:end]


def _needed(query: Query, scope: Scope, tokens: list[Token]) -> Iterator[Cte]:
    """The WITH steps of an outer scope that a query reads, and those that they read."""
    outside = {id(cte) for level in scope for cte in level}
    waiting: list[tuple[Query, Scope]] = [(query, scope)]
    done: set[int] = set()
    while waiting:
        for relation, inner in relations(*waiting.pop()):
            if len(relation.name) != 1 or relation.arguments is not None:
                continue
            cte = find(inner, tokens[relation.name[0]].name)
            if cte and id(cte) in outside and id(cte) not in done:
                done.add(id(cte))
                yield cte
                waiting.append((cte.query, seen_by(cte, scope)))


def seen_by(cte: Cte, scope: Scope) -> Scope:
    """The WITH steps that a step itself sees: those before it."""
    for depth, level in enumerate(scope):
        for i, other in enumerate(level):
            if other is cte:
                return (*scope[:depth], level[: i + cte.recursive])
    return ()


def markers(tokens: list[Token]) -> Iterator[Token]:
    """The names of the parameters that tokens use, `:name`; `a:b` picks a field of a variant."""
    for i, token in enumerate(tokens[1:], start=1):
        colon = tokens[i - 1]
        if colon.word != ":" or colon.end != token.start or token.lexeme is not Lexeme.WORD:
            continue
        before = tokens[i - 2] if i > 1 else None
        picks = before is not None and (
            before.word in (")", "]")
            or before.lexeme in (Lexeme.QUOTED, Lexeme.STRING)
            or (before.lexeme is Lexeme.WORD and before.word not in KEYWORDS)
        )
        if not picks:
            yield token
