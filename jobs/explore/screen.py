"""Text for a terminal: tidy columns, cut to the screen, nothing hostile in it.

Documents come from anywhere. A text may hold escape sequences that rename the window or marks
that reverse the line, so every value passes `escape` before it is printed.
"""

import json
import os
import re
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

from rich.cells import cell_len, set_cell_size

# Control characters, line and paragraph separators, marks that turn the direction of writing or
# that nobody can see, tag characters, and halves of surrogate pairs.
_HOSTILE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
_COLOURS = {"red": "31", "green": "32", "yellow": "33", "dim": "2", "bold": "1"}
NO_COLOURS: Mapping[str, str] = {}
PIPED_WIDTH = 400
GAP = "  "


def escape(text: str) -> str:
    r"""Return the text with everything that steers a terminal written out, e.g. `\x1b`."""
    return _HOSTILE.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    character = match.group()
    return _SHORT.get(character) or character.encode("unicode_escape", "surrogatepass").decode()


def escape_lines(text: str) -> str:
    """Return a message, escaped, with its own line breaks."""
    return "\n".join(escape(line) for line in text.split("\n"))


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Yield a text in pieces, each with whether it must be escaped; lines and tabs are text."""
    at = 0
    for match in _HOSTILE.finditer(text):
        if match.group() in "\n\t":
            continue
        yield text[at : match.start()], False
        yield match.group(), True
        at = match.end()
    yield text[at:], False


def json_escape(text: str) -> str:
    r"""Return JSON text with the same characters as `\u....`: the value stays what it was."""
    return _HOSTILE.sub(_json_written_out, text)


def _json_written_out(match: re.Match[str]) -> str:
    character = match.group()
    return character if character == "\n" else json.dumps(character)[1:-1]


def cut(text: str, width: int) -> str:
    """Return the text, escaped, on at most `width` cells; a cut ends in `…`."""
    shown = escape(text[: 4 * width + 4])  # a megabyte of combining marks fills no cell
    if cell_len(shown) <= width and len(text) <= 4 * width + 4:
        return shown
    return set_cell_size(shown, max(0, min(width - 1, cell_len(shown)))).rstrip() + "…"


def shown(value: Any) -> str:
    """Return a value of a row as one would read it; not yet escaped."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False, default=shown)
    return value.hex() if isinstance(value, bytes) else str(value)


def moment(value: datetime | None) -> str:
    """Return a point in time to the second."""
    return "" if value is None else f"{value:%Y-%m-%d %H:%M:%S}"


def count(number: int | None) -> str:
    """Return a number with its thousands apart."""
    return "" if number is None else f"{number:,}"


def duration(seconds: float | None) -> str:
    """Return a time span as people say it: `0.4 s`, `41 s`, `1 min 52 s`, `2 h 5 min`."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def size(number: int | None) -> str:
    """Return a number of bytes with a unit."""
    amount = float(number or 0)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


@dataclass(frozen=True)
class Screen:
    """Where text goes to: how wide it is and whether it shows colours."""

    width: int = PIPED_WIDTH
    colour: bool = False

    @classmethod
    def of(cls, stream: IO[str]) -> "Screen":
        """Return the screen behind a stream; a pipe has 400 columns and no colour."""
        terminal = stream.isatty()
        if terminal or "COLUMNS" in os.environ:
            width = shutil.get_terminal_size().columns
        else:
            width = PIPED_WIDTH
        return cls(max(40, width), terminal and not os.environ.get("NO_COLOR"))

    def paint(self, text: str, colour: str) -> str:
        """Return the text in a colour if this screen shows colours."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour and colour else text

    def table(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[Any]],
        right: str | Sequence[str] = "",
        colours: Mapping[str, str] = NO_COLOURS,
        whole: Sequence[str] = (),
    ) -> str:
        """Return rows under their heads, each on one line, the widest columns cut to fit.

        Args:
            heads: the names of the columns.
            rows: values; None is shown as nothing.
            right: the names of the columns to align at the right; in a text apart by blanks.
            colours: of whole values, on a screen that shows colours.
            whole: the names of the columns that are never cut: others give way to them.
        """
        limit = 4 * self.width + 4
        cells = [[_cell(value, limit) for value in row] for row in rows]
        widths = [max(cell_len(row[i]) for row in [list(heads), *cells]) for i in range(len(heads))]
        room = self.width - len(GAP) * (len(heads) - 1)
        kept = {i: widths[i] for i, head in enumerate(heads) if head in whole}
        others = [width for i, width in enumerate(widths) if i not in kept]
        shrunk = iter(fitted(others, room - sum(kept.values())))
        widths = [kept[i] if i in kept else next(shrunk) for i in range(len(heads))]
        names = right.split() if isinstance(right, str) else right
        at_right = [head in names for head in heads]

        def line(row: Sequence[str], paint: bool) -> str:
            padded = [_padded(*item) for item in zip(row, widths, at_right, strict=True)]
            if paint:
                padded = [
                    cell.replace(value, self.paint(value, colours.get(value, "")), 1)
                    for cell, value in zip(padded, row, strict=True)
                ]
            return GAP.join(padded).rstrip()

        head = self.paint(line(heads, paint=False), "bold")
        return "\n".join([head, *(line(row, paint=True) for row in cells)])

    def folded(self, text: str, indent: int = 0) -> list[str]:
        """Return the text, escaped, on as many indented lines as it needs."""
        safe = escape(text)
        wide = cell_len(safe) > len(safe)  # scripts whose characters fill two cells
        room = max(20, self.width - indent) // (2 if wide else 1)
        return [" " * indent + line for line in textwrap.wrap(safe, room)]

    def record(self, names: Sequence[str], row: Sequence[Any]) -> str:
        """Return one row as lines of name and value, for rows with too many columns."""
        width = max((cell_len(escape(name)) for name in names), default=0)
        room = max(20, self.width - width - len(GAP))
        lines = (
            f"{set_cell_size(escape(name), width)}{GAP}{cut(shown(value), room)}".rstrip()
            for name, value in zip(names, row, strict=True)
        )
        return "\n".join(lines)


def _cell(value: Any, limit: int) -> str:
    return "" if value is None else escape(shown(value)[:limit])


def _padded(text: str, width: int, at_right: bool) -> str:
    text = cut(text, width) if cell_len(text) > width else text
    blank = " " * (width - cell_len(text))
    return blank + text if at_right else text + blank


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Return widths that together fit into the room: the widest give way first."""
    found = list(widths)
    excess = sum(found) - room
    while excess > 0 and max(found, default=0) > 8:
        widest = max(found)
        second = max((width for width in found if width < widest), default=8)
        many = found.count(widest)
        step = max(1, min(widest - max(second, 8), -(-excess // many)))
        for i, width in enumerate(found):
            if width == widest and excess > 0:
                found[i] -= min(step, excess)
                excess -= min(step, excess)
    return found
