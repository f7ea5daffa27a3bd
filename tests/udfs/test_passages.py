"""Passages are the text again, of about one length, cut where something ends."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.passages import passages

SENTENCE = "The oak is a tree that grows slowly and lives for years. "  # 57 bytes


def cut(text, tokens=64):
    return passages(pa.array([text], pa.string()), tokens=tokens)[0].as_py()


@given(st.text("ab é語\n.。🌾", max_size=400), st.sampled_from([16, 20]))
@settings(deadline=None)
def test_put_together_they_are_the_text_and_none_is_much_longer(text, tokens):
    found = cut(text, tokens)
    assert "".join(one["text"] for one in found) == text
    assert [one["position"] for one in found] == list(range(len(found)))
    for one in found:
        assert text[one["start"] : one["start"] + one["characters"]] == one["text"]
        assert one["bytes"] == len(one["text"].encode()) <= 5 * tokens
    assert all(one["bytes"] >= 2 * tokens - 3 for one in found[:-1])


def test_a_rest_of_a_quarter_more_is_one_passage_and_one_byte_above_is_two():
    assert len(cut("x" * 320)) == 1  # 64 tokens are 256 bytes
    assert len(cut("x" * 321)) == 2


def test_a_paragraph_end_goes_before_a_sentence_end_and_that_before_a_line_and_a_word():
    paragraph = (SENTENCE * 3).rstrip() + "\n\n"
    assert cut(paragraph + SENTENCE * 4)[0]["text"] == paragraph
    assert cut(SENTENCE * 8)[0]["text"] == SENTENCE * 4
    lines = "a line without an end\n" * 20
    assert cut(lines)[0]["text"] == "a line without an end\n" * 11
    words = "word " * 100
    assert cut(words)[0]["text"] == "word " * 51


def test_ideographic_full_stops_end_sentences():
    text = "樫の木はゆっくり育つ。" * 12  # 33 bytes each
    assert cut(text)[0]["text"] == "樫の木はゆっくり育つ。" * 7


def test_null_gives_null_and_an_empty_text_no_passage():
    column = pa.array(["x", None, "", "a"]).slice(1)
    assert [row and len(row) for row in passages(column).to_pylist()] == [None, [], 1]
    assert passages(pa.array([], pa.string())).to_pylist() == []


def test_a_row_does_not_depend_on_its_neighbours():
    texts = [SENTENCE * 9, None, "short", SENTENCE * 30]
    together = passages(pa.array(texts), tokens=64).to_pylist()
    assert together == [None if text is None else cut(text) for text in texts]


def test_a_passage_that_is_too_small_is_an_error():
    with pytest.raises(ValueError, match="at least 16 tokens, not 15"):
        cut("x", tokens=15)
