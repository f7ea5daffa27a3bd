import sys
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datatrove_reference as reference
from winnow.udfs import token_table
from winnow.udfs.buffers import utf8
from winnow.udfs.token_table import PUNCTUATION, tokenise


def found(column: pa.Array) -> list[list[str]]:
    rows: list[list[str]] = []
    for part in tokenise(*utf8(column)):
        store, places = part.store.tobytes(), part.places
        words = [store[places[i] : places[i + 1]].decode() for i in part.ids]
        rows += [words[part.first[i] : part.first[i + 1]] for i in range(part.first.size - 1)]
    return rows


@given(st.lists(reference.TEXTS, max_size=6))
@settings(deadline=None)
def test_the_table_gives_the_tokens_of_every_chunk(texts):
    assert found(pa.array(texts, pa.string())) == [reference.tokens(text) for text in texts]


def test_a_full_table_starts_afresh_and_changes_nothing(monkeypatch):
    texts = [f"word{i} isn't, number {i}." for i in range(300)]
    expected = [reference.tokens(text) for text in texts]
    monkeypatch.setattr(token_table, "MOST_CHUNKS", 10)
    monkeypatch.setattr(token_table, "PIECE", 100)
    assert found(pa.array(texts)) == expected
    assert token_table._memo.chunks.size[0] < 50


def test_tables_grow_with_what_they_hold():
    texts = [" ".join(f"w{i}x{k}," for k in range(2000)) for i in range(20)]
    assert found(pa.array(texts)) == [reference.tokens(text) for text in texts]


def test_no_punctuation_stands_above_the_last_one_that_is_looked_at():
    for point in range(sys.maxunicode + 1):
        is_punctuation = unicodedata.category(chr(point)).startswith("P")
        assert bool(token_table._KINDS[point] & PUNCTUATION) == is_punctuation


@pytest.mark.parametrize("content", [b"\xff\xfe a.\x80b, \xe2\x80", b"\xed\xa0\x80 (\xc0)"])
def test_broken_utf8_is_no_error(content):
    offsets = pa.py_buffer(pa.array([0, len(content)], pa.int32()).buffers()[1])
    column = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(content))
    (part,) = tokenise(*utf8(column))
    joined = b"".join(part.store[part.places[i] : part.places[i + 1]].tobytes() for i in part.ids)
    assert joined == content.replace(b" ", b"")
