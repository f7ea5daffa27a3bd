"""spaCy's English tokeniser as a function of one chunk, what stands between two white spaces.

datatrove counts words with it, so its rules can be matched only with its tokens. Patterns and
special cases are spaCy's own (english_tokens.json: spaCy 3.8.18, MIT, Copyright 2016-2024
ExplosionAI GmbH, 2016 spaCy GmbH, 2015 Matthew Honnibal; see NOTICE). A chunk costs 2 to 20
microseconds, so callers keep what they have cut (`token_table`).
"""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from string import ascii_letters, ascii_lowercase, digits

ASSET = "english_tokens.json"
_DATA = json.loads(files(__package__).joinpath(ASSET).read_text("utf-8"))
_PREFIX, _SUFFIX, _INFIX = (re.compile(_DATA[name]) for name in ("prefix", "suffix", "infix"))
# A user with a password is a user, and looking for the one takes quadratic time. Without "@" there
# is neither.
_USER = r"(?:\S+(?::\S*)?@)?"
_URL = re.compile(_DATA["url"].replace(_USER, r"(?:\S+@)?", 1))
_URL_WITHOUT_USER = re.compile(_DATA["url"].replace(_USER, "", 1))

SPECIAL_CASES: Mapping[str, list[str]] = _DATA["special_cases"]
_LONGEST = max(map(len, SPECIAL_CASES))

# Affixes are looked for this far from an end of the chunk: more than the longest and what has to
# stand beside it. Only a run of full stops can be longer, and its end is looked for by itself, so
# that long chunks take linear time.
_REACH = 24

# Marks that always are a token of their own after letters.
_MARKS = frozenset(',;:!?"')

# Where most chunks end, no pattern can match: a prefix of spaCy's begins with a letter only before
# "$"; a suffix ends with a letter only in 's and in units after digits, and never with a digit.
_LETTERS, _DIGITS = frozenset(ascii_letters), frozenset(digits)
_LOWER_CASE = frozenset(ascii_lowercase)
_ALPHANUMERIC = _LETTERS | _DIGITS
_MAY_END_IN_LETTERS = re.compile(r"[0-9]|['’][sS]$")


def tokens(chunk: str) -> list[str]:
    """Return the tokens of a chunk, a string without white space; joined they are the chunk."""
    special = SPECIAL_CASES.get(chunk)
    if special is not None:
        return special
    if chunk.isalpha():  # no pattern matches letters alone
        return [chunk]
    word, last = chunk[:-1], chunk[-1]
    ends = last in _MARKS or (last == "." and word[-1:] in _LOWER_CASE)
    if ends and word.isalpha() and word not in SPECIAL_CASES:
        return [word, last]
    return _with_special_sequences(_cut(chunk, SPECIAL_CASES))


def _cut(chunk: str, special: Mapping[str, list[str]]) -> list[str]:
    """Peel prefixes and suffixes off, then cut what is left at its infixes."""
    prefixes: list[str] = []
    suffixes: list[str] = []
    start, end = 0, len(chunk)
    while start < end:
        if end - start <= _LONGEST and chunk[start:end] in special:
            break
        after = _prefix_end(chunk, start, end)
        if after > start and _is_special(chunk, after, end, special):
            prefixes.append(chunk[start:after])
            start = after
            break
        before = _suffix_start(chunk, after, end)
        if before < end and _is_special(chunk, start, before, special):
            suffixes.append(chunk[before:end])
            end = before
            break
        if after == start and before == end:
            break
        if after > start:
            prefixes.append(chunk[start:after])
        if before < end:
            suffixes.append(chunk[before:end])
        start, end = after, before
    return [*prefixes, *_middle(chunk[start:end], special), *reversed(suffixes)]


def _is_special(chunk: str, start: int, end: int, special: Mapping[str, list[str]]) -> bool:
    return 0 < end - start <= _LONGEST and chunk[start:end] in special


def _prefix_end(chunk: str, start: int, end: int) -> int:
    if chunk[start] in _ALPHANUMERIC and "$" not in chunk[start : start + 4]:
        return start
    found = _PREFIX.search(chunk[start : min(end, start + _REACH)])
    after = start + found.end() if found is not None else start
    if after == start + _REACH:
        while after < end and chunk[after] == ".":
            after += 1
    return after


def _suffix_start(chunk: str, start: int, end: int) -> int:
    near = max(start, end - _REACH)
    last = chunk[end - 1]
    if last in _DIGITS or (last in _LETTERS and not _MAY_END_IN_LETTERS.search(chunk, near, end)):
        return end
    found = _SUFFIX.search(chunk[near:end])
    if found is None:
        return end
    before = near + found.start()
    if before == near:
        while before > start and chunk[before - 1] == ".":
            before -= 1
    return before


def _middle(text: str, special: Mapping[str, list[str]]) -> list[str]:
    if not text:
        return []
    if text in special:
        return special[text]
    if text.isascii() and text.isalnum():  # every infix has a mark in it
        return [text]
    if "." in text and (_URL if "@" in text else _URL_WITHOUT_USER).match(text):
        return [text]
    parts: list[str] = []
    start = 0
    for infix in _INFIX.finditer(text):
        if infix.start() > 0:
            parts += [text[start : infix.start()], infix[0]]
            start = infix.end()
    return [part for part in (*parts, text[start:]) if part]


def _sequences() -> dict[str, dict[tuple[str, ...], list[str]]]:
    """Special cases that the patterns would cut, by their first token and by how they are cut."""
    found: dict[str, dict[tuple[str, ...], list[str]]] = {}
    for case, parts in SPECIAL_CASES.items():
        if _PREFIX.search(case) or _SUFFIX.search(case) or _INFIX.search(case) or " " in case:
            cut = tuple(_cut(case, {}))
            found.setdefault(cut[0], {})[cut] = parts
    return found


SEQUENCES = _sequences()


def _with_special_sequences(cut: list[str]) -> list[str]:
    """Put a special case where its tokens stand in a row: longest first, then leftmost."""
    spans: list[tuple[int, int, list[str]]] = []  # minus the length, start, parts
    for start, token in enumerate(cut):
        for sequence, parts in SEQUENCES.get(token, {}).items():
            if tuple(cut[start : start + len(sequence)]) == sequence:
                spans.append((-len(sequence), start, parts))
    if not spans:
        return cut
    taken: dict[int, tuple[int, list[str]]] = {}
    covered: set[int] = set()
    for negative, start, parts in sorted(spans):
        places = range(start, start - negative)
        if places[0] not in covered and places[-1] not in covered:
            taken[start] = (-negative, parts)
        covered.update(places)  # those of a span that was not taken too, as spaCy does
    result: list[str] = []
    at = 0
    while at < len(cut):
        length, parts = taken.get(at, (1, [cut[at]]))
        result += parts
        at += length
    return result
