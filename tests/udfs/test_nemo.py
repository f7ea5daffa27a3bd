"""NeMo Curator's column functions against its definitions in plain Python."""

import sys
import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nemo_reference as reference
from winnow.udfs.nemo_quality import nemo_quality
from winnow.udfs.nemo_repetition import nemo_repetition
from winnow.udfs.registry import declaration_of

FUNCTIONS = {nemo_quality: reference.quality, nemo_repetition: reference.repetition}
ALL = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


def one(function, text):
    return function(pa.array([text], pa.string()))[0].as_py()


@ALL
@given(reference.TEXTS | reference.REPETITIVE)
@settings(max_examples=500, deadline=None)
def test_every_signal_equals_its_definition_in_plain_python(function, text):
    assert one(function, text) == FUNCTIONS[function](text)


@ALL
@given(st.lists(st.none() | reference.TEXTS, max_size=6), st.data())
@settings(max_examples=50, deadline=None)
def test_rows_do_not_depend_on_their_neighbours_nor_on_where_a_slice_begins(function, texts, data):
    start = data.draw(st.integers(0, len(texts)))
    kind = data.draw(st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]))
    found = function(pa.array(texts, kind).slice(start)).to_pylist()
    assert found == [None if t is None else FUNCTIONS[function](t) for t in texts[start:]]


@ALL
@given(st.lists(st.binary(max_size=6) | st.sampled_from(reference.SPECIAL).map(str.encode)))
@settings(max_examples=100, deadline=None)
def test_broken_utf8_is_no_error(function, parts):
    content = b"".join(parts)
    offsets = pa.py_buffer(pa.array([0, len(content)], pa.int32()).buffers()[1])
    assert len(function(pa.StringArray.from_buffers(1, offsets, pa.py_buffer(content)))) == 1


@ALL
def test_no_rows_give_no_rows_of_the_declared_fields(function):
    none = function(pa.array([], pa.string()))
    fields = ", ".join(f"{field.name} INT" for field in none.type)
    assert len(none) == 0
    assert {field.type for field in none.type} == {pa.int32()}
    assert declaration_of(function).returns == f"STRUCT<{fields}>"


@ALL
def test_a_column_that_is_no_string_is_named_in_the_error(function):
    with pytest.raises(TypeError, match="int64"):
        function(pa.array([1]))


@ALL
@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000_000,
        "x " * 5_000_000,
        f"{'x' * 3_000_000} " * 3,
        "h" * 5_000_000,
        "\n" * 5_000_000,
    ],
    ids=["one word", "one letter", "three long words", "no address", "no line"],
)
def test_ten_megabytes_of_one_kind_do_not_take_minutes(function, text):
    started = time.process_time()
    one(function, text)
    assert time.process_time() - started < 30


def test_alphabetic_is_the_property_of_unicode_17():
    regex = pytest.importorskip("regex")
    letters = regex.compile("[[:alpha:]]")
    every = (chr(point) for point in range(sys.maxunicode + 1))
    assert [c for c in every if reference.is_alphabetic(c) != bool(letters.match(c))] == []


def test_a_run_of_hashes_counts_once_so_that_two_in_a_row_are_no_symbol():
    assert one(nemo_quality, "# ## #a# a#")["symbol_words"] == 2


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("http://", 0),
        ("http://a", 8),
        ("xhttps://a.b/%4Fc%4", 16),
        ("Http://a", 0),
        ("http://a b", 8),
    ],
)
def test_an_address_ends_at_the_first_character_that_cannot_be_in_one(text, size):
    assert one(nemo_quality, text)["url_chars"] == size


def test_three_line_breaks_make_one_paragraph_break_and_four_make_two():
    assert one(nemo_quality, "a\n\n\nb")["paragraphs"] == 2
    assert one(nemo_quality, "a\n\n\n\nb")["paragraphs"] == 3


def test_the_commonest_words_are_found_inside_longer_words_but_not_across_a_line_break():
    assert one(nemo_repetition, "a cat a cat bathe a cats\na\ncat")["top_2_gram_chars"] == 3 * 5
    assert one(nemo_repetition, "a\ncat a\ncat b")["top_2_gram_chars"] == 0


def test_words_that_two_copies_share_count_once():
    text = "one two three four five six one two three four five six"
    assert one(nemo_repetition, text)["duplicate_5_gram_chars"] == len("onetwothreefourfivesix") + 5


def test_fewer_words_than_n_are_repetition_as_a_whole():
    found = one(nemo_repetition, "one two three ")
    assert (found["top_3_gram_chars"], found["top_4_gram_chars"]) == (13, 14)
    assert found["duplicate_5_gram_chars"] == 14
