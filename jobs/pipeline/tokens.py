"""SQL text as tokens with offsets.

sqlglot's tokenizer knows Spark's comments, strings and quoted names. Here its tokens become what
the rest of the room needs: one token a word, the source text untouched, offsets of both ends.
"""

import re
from dataclasses import dataclass
from enum import Enum

from sqlglot import TokenType
from sqlglot.dialects.spark import Spark
from sqlglot.errors import TokenError

from winnow.pipeline.model import Problem
from winnow.pipeline.text import Text, words


class Lexeme(Enum):
    """What a token is."""

    WORD = "word"  # keyword or plain identifier
    QUOTED = "quoted"  # `identifier`
    STRING = "string"
    NUMBER = "number"
    SYMBOL = "symbol"
    HINT = "hint"  # /*+ ... */


_STRINGS = {
    TokenType.STRING,
    TokenType.RAW_STRING,
    TokenType.HEX_STRING,
    TokenType.BIT_STRING,
    TokenType.BYTE_STRING,
    TokenType.NATIONAL_STRING,
    TokenType.UNICODE_STRING,
    TokenType.HEREDOC_STRING,
}
_WORD = re.compile(r"\w+")

# Keywords that nobody uses as a name: their case does not matter to a definition's hash.
KEYWORDS = words(
    """ALL AND ANTI ANY AS ASC BETWEEN BY CASE CAST COMMENT CONSTRAINT CREATE CROSS CUBE DESC
    DISTINCT DISTRIBUTE DROP ELSE END ESCAPE EXCEPT EXISTS EXPECT FAIL FALSE FOLLOWING FROM FULL
    GROUP HAVING ILIKE IN INNER INTERSECT INTERVAL IS JOIN LATERAL LEFT LIKE LIMIT MATERIALIZED
    MINUS NATURAL NOT NULL NULLS ON OR ORDER OUTER OVER PARTITION PRECEDING QUALIFY REFRESH
    RIGHT RLIKE ROLLUP SELECT SEMI SORT STREAM STREAMING TABLE TABLESAMPLE TBLPROPERTIES
    TEMPORARY THEN TRUE UNBOUNDED UNION UPDATE USING VALUES VIEW VIOLATION WHEN WHERE WINDOW
    WITH WITHIN"""
)


@dataclass(frozen=True, slots=True)
class Token:
    """text[start:end] of the file. `value` is what a string or a quoted name says."""

    lexeme: Lexeme
    text: str
    value: str
    start: int
    end: int

    @property
    def word(self) -> str:
        """The word in upper case, or the symbol; empty for all that cannot be a keyword."""
        if self.lexeme is Lexeme.WORD:
            return self.text.upper()
        return self.text if self.lexeme is Lexeme.SYMBOL else ""

    @property
    def name(self) -> str:
        """The identifier in lower case, as Spark compares names; empty if it cannot be one."""
        return self.value.lower() if self.lexeme in (Lexeme.WORD, Lexeme.QUOTED) else ""


def tokenize(text: Text) -> tuple[list[Token], Problem | None]:
    """Split SQL into tokens; comments and white space are left out.

    Returns:
        The tokens and, for a string, name or comment that has no end, the problem.
    """
    try:
        found = Spark().tokenize(text.text)
    except TokenError:
        return [], _unfinished(text)
    tokens: list[Token] = []
    for token in found:
        end = token.end + 1
        if tokens and token.start < tokens[-1].end:
            continue  # `1L` comes as three tokens over the same two characters
        source = text.text[token.start : end]
        if token.token_type in _STRINGS:
            tokens.append(Token(Lexeme.STRING, source, token.text, token.start, end))
        elif token.token_type is TokenType.IDENTIFIER:
            tokens.append(Token(Lexeme.QUOTED, source, token.text, token.start, end))
        elif token.token_type is TokenType.NUMBER:
            tokens.append(Token(Lexeme.NUMBER, source, source, token.start, end))
        elif token.token_type is TokenType.HINT:
            tokens.append(Token(Lexeme.HINT, source, source, token.start, end))
        elif source[0].isalnum() or source[0] == "_":
            tokens += _words(source, token.start)  # `GROUP  BY` comes as one token
        else:
            tokens.append(Token(Lexeme.SYMBOL, source, source, token.start, end))
    return tokens, None


def _words(source: str, start: int) -> list[Token]:
    return [
        Token(Lexeme.WORD, word[0], word[0], start + word.start(), start + word.end())
        for word in re.finditer(r"\S+", source)
    ]


_OPENING = re.compile(r"--[^\n]*|/\*|['\"`]")
_CLOSED = {
    "'": re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL),
    '"': re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL),
    "`": re.compile(r"`[^`]*`"),
    "/*": re.compile(r"/\*.*?\*/", re.DOTALL),
}


def _unfinished(text: Text) -> Problem:
    """Find the string, quoted name or comment without an end: the tokenizer says no offset."""
    position = 0
    while opening := _OPENING.search(text.text, position):
        mark = opening[0]
        if mark.startswith("--"):
            position = opening.end()
            continue
        closed = _CLOSED[mark].match(text.text, opening.start())
        if not closed:
            end = mark[::-1]
            message = f"{_CALLED[mark]} that starts here has no closing {end}"
            return text.problem(opening.start(), opening.end(), message)
        position = closed.end()
    return text.problem(0, 1, "this file cannot be split into words of SQL")


_CALLED = {"'": "the string", '"': "the string", "`": "the quoted name", "/*": "the comment"}


def fingerprint(tokens: list[Token]) -> tuple[str, ...]:
    """The texts of the tokens for a definition's hash: layout and the case of keywords are gone."""
    return tuple(token.text.upper() if token.word in KEYWORDS else token.text for token in tokens)
