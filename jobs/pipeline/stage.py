"""The header of a stage file: what it creates, its rules, its comment. The query stays text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from winnow.pipeline.model import Action, Kind, Problem, Rule
from winnow.pipeline.reader import QueryError, pair
from winnow.pipeline.text import Text, did_you_mean, quoted, words
from winnow.pipeline.tokens import Lexeme, Token, fingerprint, tokenize

NAME = re.compile(r"[a-z][a-z0-9_]*")
# Names that Spark cannot read as a plain table after FROM.
RESERVED = words(
    """anti cross except from full identifier inner intersect join lateral left minus natural on
    right select semi stream table union using values where winnow with"""
)
RESERVED_ENDINGS = ("_dropped", "_rejected")
_STARTS = (
    "A stage starts with CREATE OR REFRESH MATERIALIZED VIEW name, CREATE OR REFRESH STREAMING "
    "TABLE name, CREATE VIEW name or CREATE TEMPORARY VIEW name."
)


class HeaderError(Exception):
    """The header cannot be read further."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass
class Statement:
    """A stage file, split: header values and the tokens of the query.

    `problems` are those that reading could go on after. Numbers are offsets into the file.
    """

    text: Text
    kind: Kind
    kind_span: tuple[int, int]
    name: str
    name_span: tuple[int, int]
    rules: tuple[Rule, ...] = ()
    conditions: list[list[Token]] = field(default_factory=list)  # of the rules, in order
    comment: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    body: list[Token] = field(default_factory=list)
    pairs: dict[int, int] = field(default_factory=dict)  # of `body`
    start: int = 0  # of the statement
    end: int = 0
    tokens: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)

    @property
    def body_span(self) -> tuple[int, int]:
        """Where the query stands in the file."""
        return self.body[0].start, self.body[-1].end

    def problem(self, start: int, end: int, message: str, remedy: str = "") -> Problem:
        """A problem under the body's tokens [start, end)."""
        first, last = self._span(start, end)
        return self.text.problem(first, last, message, remedy)

    def warning(self, start: int, end: int, message: str, remedy: str = "") -> Problem:
        """The same, as a warning."""
        first, last = self._span(start, end)
        return self.text.warning(first, last, message, remedy)

    def _span(self, start: int, end: int) -> tuple[int, int]:
        start = min(start, len(self.body) - 1)
        end = max(start + 1, min(end, len(self.body)))
        return self.body[start].start, self.body[end - 1].end


def read_statement(text: Text) -> Statement:
    """Read a stage file.

    Raises:
        HeaderError: it is no statement of the stage language; only the first problem is known.
    """
    tokens, problem = tokenize(text)
    if problem:
        raise HeaderError(problem)
    tokens = _one_statement(text, tokens)
    if not tokens:
        raise HeaderError(text.problem(0, 0, "this stage file has no statement", _STARTS))
    try:
        pairs = pair(tokens)
    except QueryError as error:
        start, end = tokens[error.start].start, tokens[error.end - 1].end
        raise HeaderError(text.problem(start, end, error.message)) from None
    return _Header(text, tokens, pairs).read()


def guess_name(text: Text) -> str:
    """The name of a stage whose file cannot be read; the file's own name if there is none."""
    tokens, _ = tokenize(text)
    for before, token in pairwise(tokens):
        if before.word in ("TABLE", "VIEW") and token.name:
            return token.name
    return file_stage(text)


def file_stage(text: Text) -> str:
    """The stage that a file's name promises: `20_filtered.sql` -> `filtered`."""
    return re.sub(r"^[0-9]+[a-z]?_", "", text.file.stem)


def _one_statement(text: Text, tokens: list[Token]) -> list[Token]:
    for i, token in enumerate(tokens):
        if token.word == ";":
            if i + 1 < len(tokens):
                following = tokens[i + 1]
                message = "a stage file holds one statement, and a second one starts here"
                remedy = "Put it into a file of its own."
                raise HeaderError(text.problem(following.start, following.end, message, remedy))
            return tokens[:i]
    return tokens


class _Header:
    """A cursor over the header's tokens."""

    def __init__(self, text: Text, tokens: list[Token], pairs: dict[int, int]) -> None:
        self.text, self.tokens, self.pairs = text, tokens, pairs
        self.i = 0

    def read(self) -> Statement:
        kind, kind_span = self._kind()
        statement = Statement(self.text, kind, kind_span, *self._name())
        statement.start, statement.end = self.tokens[0].start, self.tokens[-1].end
        statement.tokens = fingerprint(self.tokens)
        self._check_name(statement)
        if self._at("("):
            self._constraints(statement)
        self._clauses(statement)
        self._body(statement)
        return statement

    # -- cursor --------------------------------------------------------------------------------

    def _at(self, *words: str) -> bool:
        return all(
            self.i + n < len(self.tokens) and self.tokens[self.i + n].word == word
            for n, word in enumerate(words)
        )

    def _accept(self, *words: str) -> bool:
        if not self._at(*words):
            return False
        self.i += len(words)
        return True

    def _expect(self, *words: str, remedy: str = "") -> None:
        for word in words:
            if not self._accept(word):
                raise self._expected(word, remedy)

    def _expected(self, what: str, remedy: str = "") -> HeaderError:
        """The error at the cursor; a near miss is suggested where there is no remedy."""
        if self.i >= len(self.tokens):
            end = self.tokens[-1].end
            problem = self.text.problem(end - 1, end, f"expected {what} after this", remedy)
            return HeaderError(problem)
        token = self.tokens[self.i]
        keywords = re.findall(r"[A-Z]{2,}", what)
        if not remedy and token.lexeme is Lexeme.WORD:
            near = did_you_mean(token.text, [word.lower() for word in keywords])
            remedy = near.upper().replace("DID YOU MEAN", "Did you mean") if near else ""
        message = f"expected {what}, found {quoted(token.text)}"
        return HeaderError(self.text.problem(token.start, token.end, message, remedy))

    def _take(self) -> Token:
        self.i += 1
        return self.tokens[self.i - 1]

    # -- CREATE ... name -----------------------------------------------------------------------

    def _kind(self) -> tuple[Kind, tuple[int, int]]:
        self._expect("CREATE", remedy="" if self._near_create() else _STARTS)
        refresh = "Write CREATE OR REFRESH: a run adds to the table or replaces its rows."
        if self._at("OR", "REPLACE"):
            self.i += 1
            plain = self.i + 1 < len(self.tokens) and self.tokens[self.i + 1].word in (
                "VIEW",
                "TEMPORARY",
            )
            remedy = "Write CREATE VIEW: each run defines its views anew." if plain else refresh
            raise self._expected("REFRESH", remedy)
        start = self.i
        if self._accept("OR"):
            self._expect("REFRESH", remedy=refresh)
            start = self.i
            if self._at("VIEW") or self._at("TEMPORARY"):
                raise self._expected(
                    "MATERIALIZED VIEW or STREAMING TABLE",
                    "A view is not stored: write CREATE VIEW, or CREATE TEMPORARY VIEW.",
                )
            kind = self._stored_kind()
        elif self._accept("TEMPORARY"):
            self._expect("VIEW")
            kind = Kind.TEMPORARY_VIEW
        elif self._accept("VIEW"):
            kind = Kind.VIEW
        elif self._at("MATERIALIZED") or self._at("STREAMING"):
            raise self._expected("OR REFRESH", refresh)
        else:
            raise self._expected(
                "OR REFRESH, VIEW or TEMPORARY VIEW",
                _STARTS if self._at("TABLE") or self._at("TEMP") else "",
            )
        return kind, (self.tokens[start].start, self.tokens[self.i - 1].end)

    def _near_create(self) -> bool:
        return bool(did_you_mean(self.tokens[0].text, ["create"]))

    def _stored_kind(self) -> Kind:
        if self._accept("MATERIALIZED"):
            self._expect("VIEW")
            return Kind.MATERIALIZED_VIEW
        if self._accept("STREAMING"):
            self._expect("TABLE")
            return Kind.STREAMING_TABLE
        raise self._expected("MATERIALIZED VIEW or STREAMING TABLE")

    def _name(self) -> tuple[str, tuple[int, int]]:
        if self._at("IF", "NOT", "EXISTS"):
            raise self._expected("the name of the stage", "Leave IF NOT EXISTS out.")
        if self.i >= len(self.tokens) or not self.tokens[self.i].name:
            raise self._expected("the name of the stage")
        token = self._take()
        if self._at("."):
            message = "a stage has a name of one part: its pipeline's name comes before it anyway"
            end = self.tokens[min(self.i + 1, len(self.tokens) - 1)].end
            raise HeaderError(self.text.problem(token.start, end, message))
        return token.value, (token.start, token.end)

    def _check_name(self, statement: Statement) -> None:
        name, span = statement.name, statement.name_span
        if not NAME.fullmatch(name):
            message = f"{quoted(name)} cannot name a stage"
            remedy = "Use lower-case letters, digits and _, a letter first."
        elif name.endswith(RESERVED_ENDINGS):
            message = f"a stage's name cannot end in _dropped or _rejected, as {quoted(name)} does"
            remedy = "Winnow makes views of these names, of the rows that rules dropped."
        elif name in RESERVED:
            message = f"{quoted(name)} is a reserved word and cannot name a stage"
            remedy = ""
        else:
            if file_stage(self.text) != name:
                message = f"the file of stage {quoted(name)} should be named after it"
                remedy = f"Rename the file to NN_{name}.sql."
                statement.problems.append(self.text.warning(*span, message, remedy))
            return
        statement.problems.append(self.text.problem(*span, message, remedy))

    # -- rules ---------------------------------------------------------------------------------

    def _constraints(self, statement: Statement) -> None:
        opening = self.i
        if not statement.kind.stored:
            raise self._expected(
                "AS", "A view has no rules: give them to the stages that it reads."
            )
        self.i += 1
        rules: list[Rule] = []
        while True:
            rules.append(self._rule(statement))
            if self._accept(","):
                continue
            if self.i != self.pairs[opening]:
                raise self._expected("ON VIOLATION, a comma or `)`")
            break
        self.i += 1
        statement.rules = tuple(rules)
        self._unique(statement, rules)

    def _rule(self, statement: Statement) -> Rule:
        self._expect(
            "CONSTRAINT",
            remedy=""
            if self._misspelt("constraint")
            else "Columns are not declared: they come "
            "from the query. Rules read CONSTRAINT name EXPECT (condition).",
        )
        if not self.tokens[self.i].name:
            raise self._expected("the name of the rule")
        token = self._take()
        if not NAME.fullmatch(token.value):
            message = f"{quoted(token.value)} cannot name a rule"
            remedy = "Use lower-case letters, digits and _, a letter first."
            statement.problems.append(self.text.problem(token.start, token.end, message, remedy))
        self._expect("EXPECT")
        if not self._at("("):
            raise self._expected("the condition between parentheses")
        opening, closing = self.i, self.pairs[self.i]
        if closing == opening + 1:
            span = self.tokens[opening].start, self.tokens[closing].end
            message = f"rule {quoted(token.value)} has no condition"
            raise HeaderError(self.text.problem(*span, message))
        self.i = closing + 1
        statement.conditions.append(self.tokens[opening + 1 : closing])
        start, end = self.tokens[opening + 1].start, self.tokens[closing - 1].end
        return Rule(
            name=token.value,
            condition=self.text.text[start:end],
            action=self._action(),
            place=self.text.place(token.start),
            condition_place=self.text.place(start),
        )

    def _misspelt(self, word: str) -> bool:
        return self.i < len(self.tokens) and bool(did_you_mean(self.tokens[self.i].text, [word]))

    def _action(self) -> Action:
        if not self._accept("ON"):
            return Action.RECORD
        self._expect("VIOLATION")
        if self._accept("DROP"):
            self._expect("ROW")
            return Action.DROP
        if self._accept("FAIL"):
            self._expect("UPDATE")
            return Action.FAIL
        raise self._expected("DROP ROW or FAIL UPDATE")

    def _unique(self, statement: Statement, rules: list[Rule]) -> None:
        first: dict[str, Rule] = {}
        for rule in rules:
            if rule.name in first:
                message = (
                    f"rule {quoted(rule.name)} is already defined in line "
                    f"{first[rule.name].place.line}"
                )
                remedy = "A verdict names rules: give each a name of its own."
                statement.problems.append(
                    Problem(rule.place, message, remedy, length=len(rule.name))
                )
            first.setdefault(rule.name, rule)

    # -- COMMENT, TBLPROPERTIES, AS ------------------------------------------------------------

    def _clauses(self, statement: Statement) -> None:
        seen: set[str] = set()
        while not self._at("AS"):
            word = self.tokens[self.i].word if self.i < len(self.tokens) else ""
            if word in seen:
                raise self._expected("AS", f"{word} is given twice.")
            if self._accept("COMMENT"):
                statement.comment = self._string("the comment as a string")
            elif word == "TBLPROPERTIES" and statement.kind.stored:
                self.i += 1
                statement.properties = self._properties()
            else:
                raise self._expected(self._may_follow(statement, seen))
            seen.add(word)
        self.i += 1

    def _may_follow(self, statement: Statement, seen: set[str]) -> str:
        stored = statement.kind.stored
        rules = ["rules between parentheses"] if stored and not (statement.rules or seen) else []
        known = ["COMMENT", "TBLPROPERTIES"] if stored else ["COMMENT"]
        return f"{', '.join([*rules, *(word for word in known if word not in seen)])} or AS"

    def _string(self, what: str) -> str:
        if self.i >= len(self.tokens) or self.tokens[self.i].lexeme is not Lexeme.STRING:
            raise self._expected(what)
        return self._take().value

    def _properties(self) -> dict[str, str]:
        if not self._at("("):
            raise self._expected("the properties between parentheses")
        closing = self.pairs[self.i]
        self.i += 1
        found: dict[str, str] = {}
        while True:
            key_token = self.tokens[self.i]
            key = self._key()
            if key in found:
                message = f"property {quoted(key)} is given twice"
                raise HeaderError(self.text.problem(key_token.start, key_token.end, message))
            self._accept("=")
            found[key] = self._value()
            if not self._accept(","):
                break
        if self.i != closing:
            raise self._expected("a comma or `)`")
        self.i += 1
        return found

    def _key(self) -> str:
        if self.tokens[self.i].lexeme is Lexeme.STRING:
            return self._take().value
        if not self.tokens[self.i].name:
            raise self._expected("the name of a property")
        parts = [self._take().value]
        while self._accept("."):
            if not self.tokens[self.i].name:
                raise self._expected("the rest of the property's name")
            parts.append(self._take().value)
        return ".".join(parts)

    def _value(self) -> str:
        token = self.tokens[self.i]
        if token.lexeme not in (Lexeme.STRING, Lexeme.NUMBER) and token.word not in (
            "TRUE",
            "FALSE",
        ):
            raise self._expected("the value of the property: a string, a number, true or false")
        value = self._take().value
        return value if token.lexeme is Lexeme.STRING else value.lower()

    def _body(self, statement: Statement) -> None:
        if self.i >= len(self.tokens):
            raise self._expected("the query")
        statement.body = self.tokens[self.i :]
        statement.pairs = {
            opening - self.i: closing - self.i
            for opening, closing in self.pairs.items()
            if opening >= self.i
        }
