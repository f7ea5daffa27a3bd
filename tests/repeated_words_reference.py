"""Repeated spans by their definition, in plain Python."""

import re

_WORD = re.compile(r"\S+")


def places(text):
    """Where the words of a text are: (start, end) in code points."""
    return [match.span() for match in _WORD.finditer(text)]


def copied_words(documents, words):
    """The numbers of the words in copied windows, by id; documents are (id, text) in order."""
    seen: dict = {}
    found = {}
    for id, text in documents:
        split = (text or "").split()
        held = set()
        for i in range(len(split) - words + 1):
            other, place = seen.setdefault(tuple(split[i : i + words]), (id, i))
            if other != id or place + words <= i:
                held.update(range(i, i + words))
        found[id] = held
    return found


def covered(text, spans):
    """The numbers of the words that lie in spans of code points, which cut no word."""
    found = set()
    for number, (start, end) in enumerate(places(text)):
        for span_start, span_end in spans:
            assert (span_start <= start) == (span_start < end)
            assert (end <= span_end) == (start < span_end)
            if span_start <= start and end <= span_end:
                found.add(number)
    return found
