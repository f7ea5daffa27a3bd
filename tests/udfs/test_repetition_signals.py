import re
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import datatrove_reference
from winnow.udfs.registry import declaration_of
from winnow.udfs.repetition_signals import SIGNALS, repetition_signals
from winnow.udfs.text_signals import text_signals


def copies(name: str, parts: list[str]) -> dict[str, int]:
    times = Counter(parts)
    later = [part for i, part in enumerate(parts) if part in parts[:i]]
    repeated = [part for part in parts if times[part] > 1]
    return {
        f"{name}s": len(parts),
        f"{name}_chars": len("".join(parts)),
        f"duplicate_{name}s": len(later),
        f"duplicate_{name}_chars": len("".join(later)),
        f"repeated_{name}s": len(repeated),
        f"repeated_{name}_chars": len("".join(repeated)),
    }


def top(words: list[str], n: int) -> dict[str, int]:
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    gram, times = Counter(grams).most_common(1)[0] if grams else ((), 0)
    return {f"top_{n}_gram_copies": times, f"top_{n}_gram_chars": len("".join(gram))}


def duplicate(words: list[str], n: int) -> dict[str, int]:
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    times = Counter(grams)
    covered = {i + k for i, gram in enumerate(grams) if times[gram] > 1 for k in range(n)}
    seen, chars, i = set(), 0, 0
    while i < len(grams):
        if grams[i] in seen:
            chars += len("".join(grams[i]))
            i += n
        else:
            seen.add(grams[i])
            i += 1
    return {
        f"duplicate_{n}_gram_chars": chars,
        f"repeated_{n}_gram_chars": sum(len(words[i]) for i in covered),
    }


def reference(text: str) -> dict[str, int]:
    """The same counts in plain Python."""
    words = text.split()
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    parts = re.split(r"\n[^\S\n]*\n", text)
    found = {"chars": len(text), **copies("line", lines)}
    found |= copies("paragraph", [part.strip() for part in parts if part.strip()])
    found |= {"words": len(words), "word_chars": len("".join(words))}
    for n in (2, 3, 4):
        found |= top(words, n)
    for n in (5, 6, 7, 8, 9, 10):
        found |= duplicate(words, n)
    return found


def signals(text: str) -> dict[str, int]:
    return repetition_signals(pa.array([text]))[0].as_py()


REPEATING = st.lists(st.sampled_from(["a", "b", "c", "é", "\n", "\n\n", " \n \n"]), max_size=80)
TEXTS = datatrove_reference.TEXTS | REPEATING.map(" ".join)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_every_signal_equals_its_definition_in_plain_python(text):
    assert signals(text) == reference(text)


@given(st.lists(st.none() | TEXTS, max_size=8), st.data())
@settings(max_examples=100, deadline=None)
def test_rows_do_not_depend_on_their_neighbours_nor_on_where_a_slice_begins(texts, data):
    start = data.draw(st.integers(0, len(texts)))
    kind = data.draw(st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]))
    found = repetition_signals(pa.array(texts, kind).slice(start)).to_pylist()
    assert found == [None if text is None else reference(text) for text in texts[start:]]


@given(st.lists(st.binary(max_size=6)).map(b"".join))
@settings(max_examples=100, deadline=None)
def test_broken_utf8_is_no_error(content):
    offsets = pa.py_buffer(pa.array([0, len(content)], pa.int32()).buffers()[1])
    column = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(content))
    assert len(repetition_signals(column)) == 1


@given(st.lists(st.none() | TEXTS, min_size=1))
@settings(deadline=None)
def test_words_that_another_function_found_are_the_same(texts):
    column = pa.array(["other", *texts])[1:]
    alone = repetition_signals(pa.array(texts, pa.string()))
    text_signals(column)
    assert repetition_signals(column) == alone
    assert repetition_signals(column[1:]) == alone[1:]
    assert repetition_signals(pa.array(texts, pa.string())) == alone


def test_three_equal_lines_are_two_duplicates_and_three_repeated():
    found = signals("again\nonce\nagain\nagain")
    assert (found["duplicate_lines"], found["repeated_lines"]) == (2, 3)
    assert (found["duplicate_line_chars"], found["repeated_line_chars"]) == (10, 15)


def test_five_words_that_come_again_count_and_four_do_not():
    assert signals("a b c d e x a b c d e")["duplicate_5_gram_chars"] == 5
    assert signals("a b c d e x a b c d e")["repeated_5_gram_chars"] == 10
    assert signals("a b c d e x b c d e")["repeated_5_gram_chars"] == 0


def test_a_line_of_white_space_parts_paragraphs():
    assert signals("one\ntwo\n \t\nthree")["paragraphs"] == 2


def test_a_text_of_one_long_line_is_no_error():
    found = signals("ab " * 100_000)
    assert found["top_2_gram_copies"] == 99_999
    assert found["repeated_10_gram_chars"] == found["word_chars"] == 200_000


def test_null_gives_null_and_an_empty_text_zeros():
    found = repetition_signals(pa.array([None, ""], pa.string())).to_pylist()
    assert found == [None, dict.fromkeys(SIGNALS, 0)]


def test_no_rows_give_no_rows_of_the_declared_fields():
    none = repetition_signals(pa.array([], pa.string()))
    fields = ", ".join(f"{field.name} INT" for field in none.type)
    assert len(none) == 0
    assert declaration_of(repetition_signals).returns == f"STRUCT<{fields}>"


def test_a_column_that_is_no_string_is_named_in_the_error():
    with pytest.raises(TypeError, match="int64"):
        repetition_signals(pa.array([1]))
