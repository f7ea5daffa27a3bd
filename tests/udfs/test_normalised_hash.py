"""Copies that differ in case, punctuation and white space have one hash; other texts do not."""

import sys
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.hashing import blake2b_128
from winnow.udfs.normalised_hash import normalised_hash


def hashed(text):
    return normalised_hash(pa.array([text], pa.string()))[0].as_py()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Don't  stop!", "dont stop"),
        ("one two", "\n one\ttwo\u3000"),
        ("ﬁne print", "FINE PRINT"),
        ("Straße", "STRASSE"),
        ("“Quoted” – text…", '"Quoted" text'),
        ("e\u0301t\u00e9", "\u00e9te\u0301"),
        ("ｆｕｌｌ　ｗｉｄｔｈ", "full width"),
    ],
)
def test_texts_that_only_look_different_have_one_hash(one, other):
    assert hashed(one) == hashed(other)


@pytest.mark.parametrize(
    ("one", "other"), [("a b", "ab"), ("in 1999", "in 2000"), ("C", "C++"), ("résumé", "resume")]
)
def test_other_texts_have_other_hashes(one, other):
    assert hashed(one) != hashed(other)


@pytest.mark.parametrize("text", [None, "", " \n", "...", "?!", "—"])
def test_a_text_without_words_is_nobodys_copy(text):
    assert hashed(text) is None


def plain(text):
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(c for c in folded if not unicodedata.category(c).startswith("P"))
    words = " ".join(kept.split())
    return blake2b_128(words.encode()) if words else None


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
@settings(deadline=None)
def test_it_is_the_hash_of_the_words_as_plain_python_finds_them(texts):
    column = pa.array(texts, pa.string())
    assert normalised_hash(column).to_pylist() == [
        None if text is None else plain(text) for text in texts
    ]


def test_no_punctuation_stands_above_the_table():
    assert not any(
        unicodedata.category(chr(point)).startswith("P")
        for point in range(0x20000, sys.maxunicode + 1)
    )
