"""DCLM's column functions against its definitions in plain Python."""

import re
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dclm_reference as reference
from winnow.udfs.dclm_quality import dclm_quality
from winnow.udfs.dclm_repetition import dclm_repetition
from winnow.udfs.refinedweb_clean import MODIFIERS, modified, refinedweb_clean
from winnow.udfs.refinedweb_urls import _FOLD, refinedweb_urls
from winnow.udfs.registry import declaration_of

FUNCTIONS = {
    dclm_quality: reference.quality,
    dclm_repetition: reference.repetition,
    refinedweb_urls: reference.without_urls,
    refinedweb_clean: reference.clean,
}
ALL = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


def one(function, text, *options):
    return function(pa.array([text], pa.string()), *options)[0].as_py()


@ALL
@given(reference.TEXTS)
@settings(max_examples=400, deadline=None)
def test_every_signal_equals_its_definition_in_plain_python(function, text):
    assert one(function, text) == FUNCTIONS[function](text)


@pytest.mark.parametrize("modifier", MODIFIERS)
@given(reference.TEXTS)
@settings(max_examples=100, deadline=None)
def test_each_modifier_alone_equals_its_definition(modifier, text):
    assert one(modified, text, (modifier,)) == reference.clean(text, (modifier,))


PARTS = [
    "In ", "http://", "https://", "ftp://", "a", "1", "12", "300", ".", ".com", ".co", "/", "_",
    ":", "=", " ", "\n", "é", "(", "@", "-", "x" * 254, ".测试", "२",
]  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=40).map("".join))
@settings(max_examples=600, deadline=None)
def test_addresses_are_found_where_the_patterns_match(text):
    assert one(refinedweb_urls, text) == reference.without_urls(text)


WORDS = st.lists(st.sampled_from(["a", "bb", "ab", "abcdefgh", "é", "."]), max_size=120)


@given(WORDS.map(" ".join))
@settings(max_examples=400, deadline=None)
def test_ngrams_that_come_often_equal_their_definition(text):
    assert one(dclm_repetition, text) == reference.repetition(text)


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
    kinds = {pa.string(): "STRING", pa.int32(): "INT", pa.int64(): "BIGINT"}
    fields = ", ".join(f"{field.name} {kinds[field.type]}" for field in none.type)
    assert len(none) == 0
    assert declaration_of(function).returns == f"STRUCT<{fields}>"


@ALL
def test_a_column_that_is_no_string_is_named_in_the_error(function):
    with pytest.raises(TypeError, match="int64"):
        function(pa.array([1]))


@ALL
@pytest.mark.parametrize("part", ["x", ". ", "1.", " ", "a.com", "\n", "'", "\u0301"])
def test_ten_megabytes_in_one_line_take_seconds(function, part):
    text = "In " + part * (10_000_000 // len(part))
    assert function(pa.array([text]))[0].is_valid


def test_a_character_is_folded_for_the_guard_as_the_pattern_does():
    letters = "".join({letter for domain in reference.DOMAINS for letter in domain})
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, sys.maxunicode + 1)]))
    matching = re.findall(f"[{re.escape(letters)}]", everything, re.IGNORECASE)
    folded = {c: chr(_FOLD[ord(c)]) if ord(c) < len(_FOLD) else c for c in everything}
    assert [c for c in everything if folded[c] in letters] == matching
    assert all(re.fullmatch(re.escape(folded[c]), c, re.IGNORECASE) for c in matching)


def test_a_text_loses_its_addresses_only_if_it_begins_like_a_domain():
    assert one(refinedweb_urls, "Visit example.com now")["text"] == "Visit now"
    assert one(refinedweb_urls, "Zebras: see example.com now")["urls"] == 0
    assert one(refinedweb_urls, "Zebras: see 10.0.0.1 now")["text"] == "Zebras: see now"


def test_a_line_in_capitals_goes_and_one_of_just_half_of_them_stays():
    assert one(refinedweb_clean, "ABC d\nAB c")["text"] == "AB c"
