import time

import pytest
from hypothesis import given

from datatrove_reference import TEXTS
from winnow.udfs.english_tokens import SPECIAL_CASES, tokens


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
    "chunk", ["(" * 20_000, ")" * 20_000, "." * 50_000, "x" * 50_000, "a," * 20_000]
)
def test_a_long_chunk_takes_linear_time(chunk):
    started = time.process_time()
    assert "".join(tokens(chunk)) == chunk
    assert time.process_time() - started < 5
