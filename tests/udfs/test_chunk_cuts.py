from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datatrove_reference as reference
from winnow.udfs.chunk_cuts import CLASSES, KNOWN, cut_chunks
from winnow.udfs.english_tokens import SPECIAL_CASES, tokens


def cut(chunks: list[str]) -> list[list[str] | None]:
    """The tokens of each chunk, None where the kernel is not sure."""
    encoded = [chunk.encode() for chunk in chunks]
    store = b"".join(encoded)
    places = np.cumsum([0, *map(len, encoded)])
    begins, unsure = np.zeros(len(store), np.bool_), np.zeros(len(chunks), np.int64)
    data = np.frombuffer(store, np.uint8)
    left = cut_chunks(data, places, CLASSES, KNOWN, begins, unsure)
    found: list[list[str] | None] = []
    for i, (start, end) in enumerate(pairwise(places)):
        bounds = [*(start + np.flatnonzero(begins[start:end])), end]
        parts = [store[a:b].decode() for a, b in pairwise(bounds)]
        found.append(None if i in unsure[:left] else parts)
    return found


PIECES = [
    *"abXYZs19.,:;-–—…'’\"“”()[]{}<>=/*^~@&#!?_|\\+$%é語", "..", "...", "--", "---", "'s", "’S",
    "word", "Word", "WORD", "km", "mbar", "10", "3.5", "127.0.0.1", "example.org", "www", ".com",
    "http://", "user@", ":80", "e.g.", "don't", "it's", "U.S.", "Mr.", "a.", ":)", "or", "and/or",
    *"£€−×\x92", "US$", "C$", "A$", "+1", "1+", "$1", "1$", "):", ":*", ":-)", "8)",
    "8.8.8.8", "223.255.99.254", "172.16.", "192.168.", "169.254", "10.", "0", "256", "01", "/x",
]  # fmt: skip
CHUNKS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)


@given(st.lists(CHUNKS | st.text("abB1.,-'\"()/:", min_size=1, max_size=9), max_size=20))
@settings(max_examples=600, deadline=None)
def test_what_the_kernel_is_sure_of_is_what_the_patterns_say(chunks):
    for chunk, parts in zip(chunks, cut(chunks), strict=True):
        assert parts is None or parts == tokens(chunk), chunk


@given(reference.TEXTS)
@settings(max_examples=300, deadline=None)
def test_chunks_of_any_characters_are_cut_alike(text):
    chunks = text.split()
    for chunk, parts in zip(chunks, cut(chunks), strict=True):
        assert parts is None or parts == tokens(chunk), chunk


@pytest.mark.parametrize(
    ("chunk", "parts"),
    [
        ("plain", ["plain"]),
        ("(well-known),", ["(", "well", "-", "known", ")", ","]),
        ("“Tom’s", ["“", "Tom", "’s"]),
        ("end...", ["end", "..."]),
        ("1,234.56", ["1,234.56"]),
        ("1990s", ["1990s"]),
        ("10km,", ["10", "km", ","]),
        ("<http://www.example.org/a-b?c=d>.", ["<", "http://www.example.org/a-b?c=d", ">", "."]),
        ("me@example.org", ["me@example.org"]),
        ("(127.0.0.1)", ["(", "127.0.0.1", ")"]),
        ("[n=a-b@8.8.8.8]", ["[", "n=a-b@8.8.8.8", "]"]),
        ("[n=a-b@10.8.8.8]", ["[", "n", "=", "a", "-", "b@10.8.8.8", "]"]),
        ("naïve", ["naïve"]),
        ("x" * 256, ["x" * 256]),
        ("US$1,750.50,", ["US$", "1,750.50", ","]),
        ("(£5-$6)", ["(", "£", "5-$6", ")"]),
        ("5€", ["5", "€"]),
        ("1+2", ["1", "+", "2"]),
        ("+1.5%,", ["+1.5", "%", ","]),
        ("50+", ["50", "+"]),
        ("C++11", ["C++11"]),
        ("__init__(self):", ["_", "_", "init__(self", "):"]),
        ("**Note:**", ["*", "*", "Note", ":*", "*"]),
        ("10−7", ["10−7"]),
        ("Don\x92t", ["Don\x92t"]),
    ],
)
def test_usual_chunks_are_cut_by_the_kernel(chunk, parts):
    assert tokens(chunk) == parts
    assert cut([chunk]) == [parts]


def test_special_cases_and_what_is_rare_are_left_to_the_patterns():
    cases = [case for case in SPECIAL_CASES if " " not in case]
    others = ["(don't", "10km/h", "x" * 257, "\0", "(x:):)"]
    assert cut(cases + others) == [None] * len(cases + others)
