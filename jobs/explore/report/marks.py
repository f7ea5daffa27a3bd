"""Which part of a text a signal counted, where that is a place in the text.

The definitions are those of `winnow.udfs.text_signals`; a signal that is not here is one of the
whole text (its length, its words), and nothing is marked.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from winnow.explore.screen import escape, pieces
from winnow.udfs.characters import SENTENCE_END, character_classes
from winnow.udfs.text_signals import LOREM_IPSUM, POLICIES, SHORT, STOP_WORDS

Span = tuple[int, int]
EXCERPT, LEAD, MOST_MARKS = 700, 150, 200

_PATTERNS = {
    "hashes": r"#",
    "ellipses": r"\.\.\.|…",
    "curly_brackets": r"\{",
    "replacement_chars": "\ufffd",
    "control_chars": r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]",
    "lorem_ipsum": rf"(?i){LOREM_IPSUM}",
    "javascript": r"(?i)javascript",
    "policy_phrases": "(?i)" + "|".join(POLICIES),
    "bullet_lines": r"(?m)^[^\S\n]*[•-][^\n]*",
    "ellipsis_lines": r"(?m)^[^\n]*(?:\.\.\.|…)[^\S\n]*$",
    "short_lines": rf"(?m)^[^\S\n]*\S(?:[^\n]{{0,{SHORT - 2}}}[^\s])?[^\S\n]*$",
    "stop_words": rf"(?i)(?<!\S)(?:{'|'.join(STOP_WORDS)})(?!\S)",
}


def _found(pattern: str) -> Callable[[str], Iterator[Span]]:
    compiled = re.compile(pattern)
    return lambda text: (match.span() for match in compiled.finditer(text))


def _repeated_lines(text: str) -> Iterator[Span]:
    seen: set[str] = set()
    for line in re.finditer(r"[^\n]+", text):
        words = line.group().strip()
        if words in seen:
            yield line.span()
        seen.update({words} - {""})


def _lines_without_end(text: str) -> Iterator[Span]:
    classes = _classes()
    for line in re.finditer(r"[^\n]*\S", text):
        if not classes[ord(line.group()[-1])] & SENTENCE_END:
            yield line.span()


@cache
def _classes() -> NDArray[np.uint8]:
    return character_classes()


def _words_without_letters(text: str) -> Iterator[Span]:
    for word in re.finditer(r"\S+", text):
        if not any(map(str.isalpha, word.group())):
            yield word.span()


# Where a rule asks for at least so much, what is marked is what does not count.
_MARKS: dict[str, Callable[[str], Iterator[Span]]] = {
    **{name: _found(pattern) for name, pattern in _PATTERNS.items()},
    "duplicate_lines": _repeated_lines,
    "duplicate_line_chars": _repeated_lines,
    "ended_lines": _lines_without_end,
    "alphabetic_words": _words_without_letters,
}


def marked(text: str, signals: Iterable[str]) -> list[Span]:
    """Return the places of a text that these signals counted, apart and in order; at most 200."""
    known = [_MARKS[name] for name in signals if name in _MARKS]
    if not known:
        return []
    spans: list[Span] = []
    for start, end in sorted(span for find in known for span in find(text)):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        elif len(spans) < MOST_MARKS:
            spans.append((start, end))
    return spans


def excerpt(text: str, spans: list[Span]) -> list[tuple[str, str]]:
    """Return the piece of a text with the first mark in it, as parts to show one after another.

    A part is of kind `text`, `mark`, `cut` (left out here) or `control`: a character that steers
    or cannot be seen, written out, e.g. `\\u202e`.
    """
    first = spans[0][0] if spans else 0
    start = max(0, first - LEAD) if first > EXCERPT - LEAD else 0
    end = min(len(text), start + EXCERPT)
    parts: list[tuple[str, str]] = [("cut", "…")] if start else []
    at = start
    for begin, stop in spans:
        begin, stop = max(begin, start), min(stop, end)
        if begin < stop:
            parts += [*visible("text", text[at:begin]), *visible("mark", text[begin:stop])]
            at = stop
    parts += visible("text", text[at:end])
    return [*parts, ("cut", "…")] if end < len(text) else parts


def visible(kind: str, text: str) -> list[tuple[str, str]]:
    """Return a text as parts, every hostile character in one of its own; lines stay lines."""
    parts = []
    for piece, is_hostile in pieces(text):
        if is_hostile:
            parts.append(("control", escape(piece)))
        elif piece:
            parts.append((kind, piece))
    return parts
