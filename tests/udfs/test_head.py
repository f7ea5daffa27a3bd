"""The size limit: of a text above it, functions that measure see the head."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.buffers import head
from winnow.udfs.c4_clean import c4_clean
from winnow.udfs.registry import TEXT_LIMIT, declaration_of
from winnow.udfs.text_head import text_head
from winnow.udfs.text_signals import text_signals


def reference(text, limit):
    """Characters from the front while their bytes fit."""
    kept = ""
    for character in text:
        if len((kept + character).encode()) > limit:
            break
        kept += character
    return kept


@given(
    st.lists(st.none() | st.text("aé語🌾\n", max_size=12), max_size=6),
    st.integers(1, 12),
    st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]),
)
@settings(deadline=None)
def test_every_text_is_cut_between_two_characters_and_no_other_is_changed(texts, limit, kind):
    found = head(pa.array([None, *texts], kind).slice(1), limit)
    assert found.to_pylist() == [text and reference(text, limit) for text in texts]
    found.validate(full=True)


def test_what_is_not_too_long_is_not_even_copied():
    texts = pa.array(["a" * 10, None])
    assert head(texts, 10) is texts


def test_broken_utf_8_is_cut_too():
    data = pa.py_buffer(b"\x80" * 20)
    broken = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\x14\0\0\0"), data]
    )
    assert len(head(broken, 10).cast(pa.large_binary())[0].as_py()) <= 10


@pytest.mark.parametrize("letter", ["x", "é", "🌾"])
def test_a_text_of_exactly_the_limit_is_measured_as_a_whole_and_one_byte_more_is_not(letter):
    size = len(letter.encode())
    texts = pa.array([letter * 5])
    assert text_signals(texts, limit=5 * size)[0].as_py()["chars"] == 5
    assert text_signals(texts, 5 * size - 1)[0].as_py()["chars"] == 4


@pytest.mark.parametrize("function", [text_signals, text_head])
@pytest.mark.parametrize("limit", [None, -1])
def test_what_is_no_number_of_bytes_is_no_limit(function, limit):
    with pytest.raises(ValueError, match=r"limit: .* is no number of bytes"):
        function(pa.array(["x"]), limit=limit)


@pytest.mark.parametrize("limit", range(12))
def test_a_function_that_changes_texts_can_be_given_the_head_that_others_measure(limit):
    texts = pa.array(["aé語🌾", None])
    [measured, _] = text_signals(texts, limit=limit).to_pylist()
    [found, nothing] = text_head(texts, limit).to_pylist()
    assert (len(found), nothing) == (measured["chars"], None)


def test_ten_megabytes_are_the_limit_unless_another_is_given():
    texts = pa.array(["x" * (TEXT_LIMIT + 1)])
    assert TEXT_LIMIT == 10_000_000
    assert text_signals(texts)[0].as_py()["chars"] == TEXT_LIMIT
    assert text_signals(texts, limit=TEXT_LIMIT + 1)[0].as_py()["chars"] == TEXT_LIMIT + 1


def test_what_changes_a_text_never_shortens_it_for_its_size():
    options = {option.name for option in declaration_of(c4_clean).options}
    assert "limit" not in options
    assert "limit" in {option.name for option in declaration_of(text_signals).options}
