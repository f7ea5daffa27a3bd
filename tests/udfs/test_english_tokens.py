import re
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datatrove_reference import SPECIAL, TEXTS
from winnow.udfs import english_tokens
from winnow.udfs.english_tokens import SPECIAL_CASES, tokens

URL = re.compile(english_tokens._DATA["url"])


def plainly(chunk: str) -> list[str]:
    """The tokens by spaCy's patterns alone, without a look at what can be told without them."""
    if chunk in SPECIAL_CASES:
        return SPECIAL_CASES[chunk]
    prefixes, suffixes, rest, size = [], [], chunk, None
    while rest and len(rest) != size and rest not in SPECIAL_CASES:
        size = len(rest)
        found = english_tokens._PREFIX.search(rest)
        prefix = found.end() if found else 0
        if rest[prefix:] in SPECIAL_CASES and prefix:
            prefixes.append(rest[:prefix])
            rest = rest[prefix:]
            break
        found = english_tokens._SUFFIX.search(rest[prefix:])
        before = prefix + found.start() if found else size
        if rest[:before] in SPECIAL_CASES and before < size:
            suffixes.append(rest[before:])
            rest = rest[:before]
            break
        prefixes += [rest[:prefix]] if prefix else []
        suffixes += [rest[before:]] if before < size else []
        rest = rest[prefix:before]
    middle = [rest] if rest else []
    if rest in SPECIAL_CASES:
        middle = SPECIAL_CASES[rest]
    elif rest and not URL.match(rest):
        cuts = [0]
        for infix in english_tokens._INFIX.finditer(rest):
            cuts += [infix.start(), infix.end()] if infix.start() else []
        middle = [rest[i:k] for i, k in pairwise([*cuts, len(rest)]) if i < k]
    return english_tokens._with_special_sequences([*prefixes, *middle, *reversed(suffixes)])


ODD = [
    "US$",
    "C$",
    "$",
    "5",
    "km",
    "m",
    "'s",
    "’S",
    "'",
    ".",
    "-",
    "a",
    "B",
    "://",
    "www.",
    ".org",
    "x@y.z",
    "u:p@",
    "." * 23,
    "." * 25,
]
CHUNKS = st.lists(st.sampled_from([*SPECIAL, *ODD, *map(str.strip, SPECIAL_CASES)]), max_size=8)


@given(CHUNKS.map("".join))
@settings(max_examples=500)
def test_shortcuts_change_no_token(text):
    for chunk in text.split():
        assert tokens(chunk) == plainly(chunk)


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        ("word", ["word"]),
        ("word,", ["word", ","]),
        ("word.", ["word", "."]),
        ("X.", ["X."]),
        ("XY.", ["XY", "."]),
        ("cannot,", ["can", "not", ","]),
        ("shouldn't", ["should", "n't"]),
        ("(e.g.,", ["(", "e.g.", ","]),
        ("U.S.", ["U.S."]),
        ("10km", ["10", "km"]),
        ("well-known", ["well", "-", "known"]),
        ("-known", ["-known"]),  # an infix at the very beginning does not cut
        ("a/b", ["a", "/", "b"]),
        ("...", ["..."]),
        ("http://example.org/a-b", ["http://example.org/a-b"]),
        ("well…he's", ["well", "…", "he", "'s"]),  # found by the second look
        # Special cases that overlap: "):" is not taken, yet keeps ":*" from being taken.
        (":))):*", [":)))", ":", "*"]),
        ("(=[:http://", ["(=", "[", ":", "http://"]),
    ],
)
def test_a_chunk_is_cut_as_spacy_cuts_it(chunk, expected):
    assert tokens(chunk) == expected


def test_every_special_case_is_its_parts():
    assert len(SPECIAL_CASES) == 1347
    assert all(tokens(case) == parts for case, parts in SPECIAL_CASES.items())


@given(TEXTS)
def test_tokens_joined_are_the_chunk_and_none_is_empty(text):
    for chunk in text.split():
        assert "".join(tokens(chunk)) == chunk
        assert all(tokens(chunk))


@pytest.mark.parametrize(
    "chunk",
    [
        *("(" * 20_000, ")" * 20_000, "." * 50_000, "x" * 50_000, "a," * 20_000),
        *("http://a.b/" * 10_000, ":@" * 50_000 + ".x", ("." * 64 + ")") * 2_000),
        '[{"mail":"me@example.org"},' + '{"id":1.5,"name":"x.y"},' * 10_000,
    ],
)
def test_a_long_chunk_takes_linear_time(chunk):
    started = time.process_time()
    assert "".join(tokens(chunk)) == chunk
    assert time.process_time() - started < 5
