"""datatrove's column functions against its definitions in plain Python."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datatrove_reference as reference
from winnow.udfs.c4_clean import c4_clean
from winnow.udfs.datatrove_fineweb import datatrove_fineweb
from winnow.udfs.datatrove_lines import datatrove_lines
from winnow.udfs.datatrove_quality import datatrove_quality
from winnow.udfs.datatrove_repetition import datatrove_repetition
from winnow.udfs.registry import declaration_of


def fineweb(text):
    c4 = reference.clean(text, False)
    return {
        "quality": reference.quality(text),
        "repetition": reference.repetition(text),
        "c4": c4,
        "cleaned": reference.lines(c4["text"]),
    }


FUNCTIONS = {
    datatrove_quality: reference.quality,
    datatrove_repetition: reference.repetition,
    datatrove_lines: reference.lines,
    c4_clean: lambda text: reference.clean(text, True),
    datatrove_fineweb: fineweb,
}
ALL = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)


def one(function, text, *options):
    return function(pa.array([text], pa.string()), *options)[0].as_py()


@ALL
@given(reference.TEXTS)
@settings(max_examples=300, deadline=None)
def test_every_signal_equals_its_definition_in_plain_python(function, text):
    assert one(function, text) == FUNCTIONS[function](text)


@given(reference.TEXTS)
@settings(max_examples=300, deadline=None)
def test_cleaning_without_the_rule_on_line_ends_equals_its_definition(text):
    assert one(c4_clean, text, False) == reference.clean(text, False)


@given(st.lists(st.none() | reference.TEXTS, max_size=4), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_long_text_is_cleaned_in_parts_that_do_not_show(texts, ends_matter):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("winnow.udfs.c4_clean.PIECE", 20)
        rows = c4_clean(pa.array(texts, pa.string()), ends_matter).to_pylist()
    assert rows == [None if text is None else reference.clean(text, ends_matter) for text in texts]


WORDS = st.lists(st.sampled_from(["a", "b", "ab", "ba", "aba", "é", "a b"]), max_size=120)


@given(WORDS.map(" ".join))
@settings(max_examples=300, deadline=None)
def test_ngrams_are_joined_with_nothing_so_that_other_words_are_copies_too(text):
    assert one(datatrove_repetition, text) == reference.repetition(text)


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


def ddl(kind: pa.DataType) -> str:
    if not pa.types.is_struct(kind):
        return {pa.string(): "STRING", pa.int32(): "INT", pa.int64(): "BIGINT"}[kind]
    return "STRUCT<" + ", ".join(f"{field.name} {ddl(field.type)}" for field in kind) + ">"


@ALL
def test_no_rows_give_no_rows_of_the_declared_fields(function):
    none = function(pa.array([], pa.string()))
    assert len(none) == 0
    assert declaration_of(function).returns == ddl(none.type)


@ALL
def test_a_column_that_is_no_string_is_named_in_the_error(function):
    with pytest.raises(TypeError, match="int64"):
        function(pa.array([1]))


def test_a_second_copy_of_five_words_counts_and_one_of_four_does_not():
    five = "one two three four five"
    assert one(datatrove_repetition, f"{five} {five}")["duplicate_5_gram_chars"] == 19
    assert (
        one(datatrove_repetition, f"{five} six two three four five")["duplicate_5_gram_chars"] == 0
    )


@pytest.mark.parametrize("letter", ["x", "é", "語", "🌾"])  # 1, 2, 3 and 4 bytes in UTF-8
def test_a_line_of_30_characters_is_short_and_a_word_of_1001_is_long(letter):
    assert one(datatrove_lines, letter * 30)["short_lines"] == 1
    assert one(datatrove_lines, letter * 31)["short_lines"] == 0
    assert one(c4_clean, f"a b {letter * 1000}.", False)["long_word_lines"] == 1
    assert one(c4_clean, f"a b {letter * 1000}", False)["long_word_lines"] == 0
