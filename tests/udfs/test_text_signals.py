import codecs
import math
import re
import unicodedata
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.characters import _SENTENCE_ENDS as SENTENCE_ENDS
from winnow.udfs.characters import code_points
from winnow.udfs.registry import declaration_of
from winnow.udfs.text_signals import CLOSING, ENTROPY, POLICIES, SIGNALS, text_signals

STOP_WORDS = {"the", "be", "to", "of", "and", "that", "have", "with"}
ENDS = {chr(point) for point in code_points(SENTENCE_ENDS)}


def ascii_lower(text: str) -> str:
    return re.sub("[A-Z]", lambda letter: letter[0].lower(), text)


def reference(text: str) -> dict[str, int]:
    """The same counts in plain Python."""
    words = text.split()
    lines = [line for line in (each.strip() for each in text.split("\n")) if line]
    copies = [line for i, line in enumerate(lines) if line in lines[:i]]
    return {
        "chars": len(text),
        "letters": sum(c.isalpha() for c in text),
        "uppercase_letters": sum(c.isupper() for c in text),
        "digits": sum(c.isdecimal() for c in text),
        "control_chars": sum(
            (c < " " or "\x7f" <= c <= "\x9f") and c not in "\t\n\r" for c in text
        ),
        "replacement_chars": text.count("\ufffd"),
        "words": len(words),
        "word_chars": sum(map(len, words)),
        "max_word_chars": max(map(len, words), default=0),
        "alphabetic_words": sum(any(c.isalpha() for c in word) for word in words),
        "stop_words": sum(ascii_lower(word) in STOP_WORDS for word in words),
        "hashes": text.count("#"),
        "ellipses": text.count("...") + text.count("…"),
        "curly_brackets": text.count("{"),
        "lorem_ipsum": ascii_lower(text).count("lorem ipsum"),
        "lines": len(lines),
        "short_lines": sum(len(line) <= 30 for line in lines),
        "ended_lines": sum(line[-1] in ENDS for line in lines),
        "bullet_lines": sum(line.startswith(("•", "-")) for line in lines),
        "ellipsis_lines": sum(line.endswith(("...", "…")) for line in lines),
        "duplicate_lines": len(copies),
        "duplicate_line_chars": sum(map(len, copies)),
        "white_space": sum(c.isspace() for c in text),
        "punctuation": sum(unicodedata.category(c).startswith("P") for c in text),
        "uppercase_words": sum(
            any(c.isupper() for c in word) and all(c.isupper() for c in word if c.isalpha())
            for word in words
        ),
        "unique_words": len(set(words)),
        "sentences": sum(map(ends, words)) + bool(words and not ends(words[-1])),
        "paragraphs": len([part for part in re.split(r"\n[^\S\n]*\n", text) if part.strip()]),
        "javascript": ascii_lower(text).count("javascript"),
        "policy_phrases": sum(ascii_lower(text).count(phrase) for phrase in POLICIES),
        "word_entropy": pytest.approx(
            -sum(n / len(words) * math.log(n / len(words)) for n in Counter(words).values())
        ),
    }


def ends(word: str) -> bool:
    return word.rstrip(CLOSING)[-1:] in ENDS


def signals(text: str) -> dict[str, int]:
    return text_signals(pa.array([text]))[0].as_py()  # a plain Arrow function: no Spark


# Text that meets the special cases often: line ends of all kinds, white space that only some
# languages know, what is invisible, and what the rules look for.
SPECIAL = [
    "\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\0", "\t", " ", "\u3000",
    "\u00a0", "\u200b", "\u200d", "\ufeff", "\x7f", "\ufffd", ".", "..", "...", "…", "!", "。", "#",
    "{", "-", "•", "the", "The", "AND", "that", "thats", "tHe", "lorem ipsum", "LOREM IPSUM",
    "lorem", "ipsum", "l", "lo", "İ", "ǅ", "Ⅷ", "Ⓐ", "٣", "²", "é", "e\u0301", "語", "🌾",
    "\U0010ffff", "x" * 30, "x" * 31, "a line that comes again", "K",
    "javascript", "JavaScript", "terms of use", "Privacy Policy", "cookie policy", "uses cookies",
    "use of cookies", "use cookies", "use ", '"', ")", "”", "end.", "NASA",
]  # fmt: skip
CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXTS = st.lists(st.sampled_from(SPECIAL) | st.text(CHARACTERS, max_size=4), max_size=30).map(
    "".join
)


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_every_signal_equals_its_definition_in_plain_python(text):
    assert signals(text) == reference(text)


@given(st.lists(st.none() | TEXTS, max_size=8), st.data())
@settings(deadline=None)
def test_rows_do_not_depend_on_their_neighbours_nor_on_where_a_slice_begins(texts, data):
    start = data.draw(st.integers(0, len(texts)))
    length = data.draw(st.integers(0, len(texts) - start))
    kind = data.draw(st.sampled_from([pa.string(), pa.large_string(), pa.string_view()]))
    found = text_signals(pa.array(texts, kind).slice(start, length)).to_pylist()
    expected = [None if t is None else reference(t) for t in texts[start : start + length]]
    assert found == expected


codecs.register_error(
    "one for each byte", lambda error: ("\ufffd" * (error.end - error.start), error.end)
)


@given(st.lists(st.binary(max_size=6) | st.sampled_from(SPECIAL).map(str.encode)).map(b"".join))
@settings(max_examples=400, deadline=None)
def test_every_byte_that_is_no_utf8_counts_as_one_replacement_character(content):
    offsets = pa.py_buffer(pa.array([0, len(content)], pa.int32()).buffers()[1])
    text = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(content))
    decoded = content.decode("utf-8", "one for each byte")
    found = text_signals(text)[0].as_py()
    expected = reference(decoded)
    # Lines and words are compared by their bytes: two different broken ones are no copies.
    for name in ("duplicate_lines", "duplicate_line_chars"):
        assert found.pop(name) <= expected.pop(name)
    assert found.pop("unique_words") >= expected.pop("unique_words")
    assert found.pop(ENTROPY) >= expected.pop(ENTROPY).expected - 1e-9
    assert found == expected


@pytest.mark.parametrize(
    "content", [b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xff", b"\x80"]
)
def test_surrogates_overlong_forms_and_cut_sequences_are_replaced_byte_by_byte(content):
    offsets = pa.array([0, len(content)], pa.int32()).buffers()[1]
    text = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(content))
    assert text_signals(text)[0].as_py()["replacement_chars"] == len(content)


@pytest.mark.parametrize("letter", ["x", "é", "語", "🌾"])  # 1, 2, 3 and 4 bytes in UTF-8
def test_a_line_of_30_characters_is_short_and_one_of_31_is_not(letter):
    assert signals(letter * 30)["short_lines"] == 1
    assert signals(letter * 31)["short_lines"] == 0


def test_white_space_around_a_line_makes_it_neither_longer_nor_another_line():
    found = signals("  " + "x" * 30 + " \r\n" + "x" * 30)
    assert (found["lines"], found["short_lines"], found["duplicate_lines"]) == (2, 2, 1)


@pytest.mark.parametrize(("word", "count"), [("the", 1), ("THE", 1), ("\0the", 0), ("the\0", 0)])
def test_a_stop_word_is_a_whole_word(word, count):
    assert signals(f"a {word} b")["stop_words"] == count


def test_lines_that_differ_in_the_last_character_are_no_copies():
    assert signals("a long line of text 1\na long line of text 2")["duplicate_lines"] == 0


def test_three_copies_of_a_line_are_two_duplicates():
    found = signals("again\nonce\nagain\nagain")
    assert (found["duplicate_lines"], found["duplicate_line_chars"]) == (2, 10)


def test_many_different_lines_all_find_a_place():
    text = "\n".join(str(number) for number in range(20_000))
    assert signals(text)["duplicate_lines"] == 0
    assert signals(text + "\n" + text)["duplicate_lines"] == 20_000


def test_null_gives_null_and_an_empty_text_zeros():
    found = text_signals(pa.array([None, ""], pa.string())).to_pylist()
    assert found == [None, {**dict.fromkeys(SIGNALS, 0), ENTROPY: 0.0}]


def test_no_rows_give_no_rows_of_the_same_type():
    none = text_signals(pa.array([], pa.string()))
    assert len(none) == 0
    assert none.type == text_signals(pa.array(["x"])).type


def test_a_column_that_is_no_string_is_named_in_the_error():
    with pytest.raises(TypeError, match="int64"):
        text_signals(pa.array([1]))


def test_the_declared_type_names_the_fields_in_the_order_in_which_they_come():
    declaration = declaration_of(text_signals)
    *fields, last = [field.name for field in text_signals(pa.array(["x"])).type]
    assert declaration is not None
    assert declaration.returns == (
        f"STRUCT<{', '.join(f'{name} INT' for name in fields)}, {last} DOUBLE>"
    )
    assert declaration.tables == ("text",)
