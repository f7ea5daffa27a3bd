"""Replaces parts of a text and still knows where everything stood."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from winnow.pipeline.model import Place
from winnow.pipeline.text import words

# What may follow a table in FROM and is no alias of it.
_FOLLOWS = words(
    """ANTI CLUSTER CROSS DISTRIBUTE EXCEPT FULL GROUP HAVING INNER INTERSECT JOIN LATERAL LEFT
    LIMIT MINUS NATURAL OFFSET ON ORDER PIVOT QUALIFY RIGHT SELECT SEMI SET SORT TABLESAMPLE
    UNION UNPIVOT USING WHERE WINDOW"""
)
_NEXT = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*(`|\w+)?", re.DOTALL)


@dataclass(frozen=True)
class Rendered:
    """A text after replacements; `pieces` are (start here, start there, length, is_copy)."""

    text: str
    pieces: tuple[tuple[int, int, int, bool], ...]

    def original_offset(self, line: int, column: int) -> int:
        """The offset in the original of a position here, as Spark's errors give it.

        Inside a replacement it is the start of what was replaced.

        Args:
            line: from 1.
            column: characters from the start of the line, from 0.
        """
        starts = [0] + [i + 1 for i, character in enumerate(self.text) if character == "\n"]
        return self.original(starts[min(max(line, 1), len(starts)) - 1] + max(column, 0))

    def original(self, offset: int) -> int:
        """The offset in the original of an offset here; see original_offset."""
        start, original, length, is_copy = self.pieces[0]
        for piece in self.pieces:
            if piece[0] > offset:
                break
            start, original, length, is_copy = piece
        return original + min(offset - start, length) if is_copy else original


def replace(text: str, changes: Iterable[tuple[int, int, str]]) -> Rendered:
    """Replace every text[start:end] by its new text.

    Args:
        text: the original.
        changes: (start, end, new); parts must not overlap.

    Raises:
        ValueError: two of them overlap.
    """
    parts: list[str] = []
    pieces: list[tuple[int, int, int, bool]] = []
    here = there = 0
    for start, end, new in sorted(changes):
        if start < there or end < start:
            raise ValueError(f"replacements overlap at {start}")
        copied = text[there:start]
        pieces.append((here, there, len(copied), True))
        pieces.append((here + len(copied), start, end - start, False))
        parts += [copied, new]
        here += len(copied) + len(new)
        there = end
    pieces.append((here, there, len(text) - there, True))
    return Rendered("".join([*parts, text[there:]]), tuple(pieces))


def has_alias(text: str, end: int) -> bool:
    """Whether a table that ends at text[end] is given another name."""
    following = _NEXT.match(text, end)
    word = following[1] if following else None
    return word is not None and word.upper() not in _FOLLOWS


def place_in(text: str, start: Place, offset: int) -> Place:
    """Where text[offset] stands in a file, of a text that begins at `start`."""
    before = text[:offset]
    line = before.count("\n")
    column = offset - (before.rfind("\n") + 1)
    return Place(start.file, start.line + line, column + (1 if line else start.column))
