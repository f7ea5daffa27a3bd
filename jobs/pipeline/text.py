"""The text of a file with its places, and words of a user quoted safely in messages."""

import difflib
from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from winnow.pipeline.model import PipelineError, Place, Problem, escape


class Text:
    """A file's text; offsets count characters from 0, places count lines and columns from 1."""

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self.text = text

    @classmethod
    def read(cls, file: Path) -> "Text":
        """Read a UTF-8 file as it is, line ends included.

        Raises:
            PipelineError: the file cannot be read or is not UTF-8.
        """
        try:
            data = file.read_bytes()
        except OSError as error:
            problem = Problem(Place(file), f"cannot be read: {error.strerror}", length=0)
            raise PipelineError((problem,)) from None
        try:
            return cls(file, data.decode("utf-8"))
        except UnicodeDecodeError as error:
            before = cls(file, data[: error.start].decode("utf-8"))
            problem = Problem(
                before.place(len(before.text)),
                f"byte 0x{data[error.start]:02x} is not UTF-8",
                "Save the file as UTF-8.",
            )
            raise PipelineError((problem,)) from None

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0] + [i + 1 for i, character in enumerate(self.text) if character == "\n"]

    def place(self, offset: int) -> Place:
        """Where the character at `offset` stands."""
        line = bisect_right(self._line_starts, offset)
        return Place(self.file, line, offset - self._line_starts[line - 1] + 1)

    def problem(self, start: int, end: int, message: str, remedy: str = "") -> Problem:
        """A problem whose carets underline text[start:end], on its first line."""
        return Problem(self.place(start), message, remedy, max(1, end - start))

    def warning(self, start: int, end: int, message: str, remedy: str = "") -> Problem:
        """The same, as a warning."""
        return Problem(self.place(start), message, remedy, max(1, end - start), warning=True)


def quoted(word: str) -> str:
    """A user's word between backquotes: control characters escaped, at most 60 characters."""
    shown = escape(word if len(word) <= 60 else word[:57] + "...")
    return f"`{shown}`"


def listed(words: Iterable[str]) -> str:
    """`a`, `b` and `c`."""
    shown = [quoted(word) for word in words]
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean ...?` with the nearest known word, or nothing."""
    nearest = difflib.get_close_matches(word.lower(), sorted(set(known)), n=1, cutoff=0.6)
    return f"Did you mean {quoted(nearest[0])}?" if nearest else ""


def words(text: str) -> frozenset[str]:
    """A set of words written as one text."""
    return frozenset(text.split())
