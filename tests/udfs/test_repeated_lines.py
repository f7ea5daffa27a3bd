"""Lines and paragraphs: what is the same, what goes, what is left."""

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.line_hashes import line_hashes
from winnow.udfs.text_units import _LAST, _TABLE
from winnow.udfs.without_lines import without_lines

HASHES = pa.list_(pa.int64())


def hashes(text, *options):
    return line_hashes(pa.array([text], pa.string()), *options)[0].as_py()


def rest(text, repeated=None, kept_once=None, *options):
    columns = pa.array([text], pa.string()), *(pa.array([h], HASHES) for h in (repeated, kept_once))
    return without_lines(*columns, *options)[0].as_py()


def normalised(unit):
    points = []
    for character in unit:
        if character.isspace():
            points.append(" ")
        elif character.isdecimal():
            points.append("0")
        elif unicodedata.category(character)[0] != "P" and unicodedata.category(character) != "Cc":
            points.append(character.lower() if len(character.lower()) == 1 else character)
    return " ".join("".join(points).split())


def paragraphs(text):
    """The paragraphs of a text as (start, end)."""
    found, at = [], 0
    inside = False
    for line in text.split("\n"):
        if line.strip():
            found[-1:] = [(found[-1][0], at + len(line))] if inside else found[-1:]
            if not inside:
                found.append((at, at + len(line)))
        inside = bool(line.strip())
        at += len(line) + 1
    return found


PARTS = ["a", "A", "É", "é", "İ", "Σ", "ς", "語", "\U0001f33e", "\u0301", "7", "٣", ".", "!", "。"]
PARTS += [" ", "\u3000", "\t", "\r", "\0", "\n", "\n\n"]
TEXTS = st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=40).map("".join)


@pytest.mark.parametrize(
    "same",
    [
        ("Terms of Service", "terms of service"),
        ("Page 12 of 99", "Page 34 of 56"),
        ("Read more...", "Read more"),
        ("«Привет», мир!", "привет мир"),
        ("  two\t words \r", "two words"),
    ],
)
def test_case_digits_punctuation_and_white_space_make_no_difference(same):
    assert hashes(same[0]) == hashes(same[1])


@pytest.mark.parametrize("other", [("a b", "ab"), ("page 1", "page 12"), ("e", "é"), ("a", "b")])
def test_letters_words_and_the_number_of_digits_do(other):
    assert hashes(other[0]) != hashes(other[1])


def test_a_line_of_punctuation_or_nothing_has_no_hash():
    assert hashes("...\n \n\n----\n") == []
    assert hashes("") == []
    assert hashes(None) is None


def test_so_many_characters_are_counted_as_normalised():
    assert len(hashes("(abcé)", "line", 4)) == 1
    assert hashes("(abcé)", "line", 5) == []


def test_a_paragraph_ends_at_a_blank_line():
    assert len(hashes("one\ntwo\n \nthree", "paragraph")) == 2
    assert hashes("one\ntwo", "paragraph") == hashes("One two.", "line")


def test_no_sign_of_the_alphabets_is_forgotten():
    for point in range(_LAST + 1, 0x110000):
        character = chr(point)
        assert unicodedata.category(character)[0] not in "PN"
        assert character.lower() == character
        assert _TABLE[point] == point


@given(st.lists(TEXTS, min_size=2, max_size=2), st.sampled_from(["line", "paragraph"]))
@settings(max_examples=500, deadline=None)
def test_units_have_one_hash_exactly_where_they_are_equal_once_normalised(texts, unit):
    def said(text):
        if unit == "line":
            units = text.split("\n")
        else:
            units = [text[start:end] for start, end in paragraphs(text)]
        return {normal for normal in map(normalised, units) if normal}

    first, second = (set(hashes(text, unit)) for text in texts)
    assert len(first) == len(said(texts[0]))
    assert len(first & second) == len(said(texts[0]) & said(texts[1]))


@given(TEXTS, st.data())
@settings(max_examples=500, deadline=None)
def test_what_is_left_of_the_lines_is_joined_by_line_breaks(text, data):
    lines = text.split("\n")
    gone = set(data.draw(st.lists(st.sampled_from(hashes(text) or [0]))))
    once = set(data.draw(st.lists(st.sampled_from(hashes(text) or [0]))))
    kept, seen = [], set()
    for line in lines:
        own = set(hashes(line))
        if not own & gone and not own & once & seen:
            kept.append(line)
        seen |= own
    found = rest(text, list(gone), list(once))
    assert found["text"] == "\n".join(kept)
    assert found["removed_lines"] == len(lines) - len(kept)
    assert found["removed_chars"] == len(text) - len(found["text"])


@given(TEXTS, st.data())
@settings(max_examples=300, deadline=None)
def test_a_paragraph_goes_with_the_blank_lines_after_it_the_last_with_those_before(text, data):
    gone = data.draw(st.lists(st.sampled_from(hashes(text, "paragraph") or [0]), unique=True))
    places = paragraphs(text)
    is_gone = [bool(set(hashes(text[a:b], "paragraph")) & set(gone)) for a, b in places]
    left = [i for i, goes in enumerate(is_gone) if not goes]
    expected = text if not any(is_gone) else ""
    if left and any(is_gone):
        expected = text[: places[0][0]]
        for i in left:
            is_end = i == left[-1] and is_gone[-1]
            after = places[i + 1][0] if i + 1 < len(places) else len(text)
            expected += text[places[i][0] : places[i][1] if is_end else after]
    found = rest(text, gone, None, "paragraph")
    assert found["text"] == expected
    assert found["removed_lines"] == sum(is_gone)


def test_of_a_line_that_is_kept_once_the_first_copy_here_stays():
    again = hashes("again")
    assert rest("again\nand\nAgain!\nagain", None, again)["text"] == "again\nand"
    assert rest("again\nand\nAgain!\nagain", again)["text"] == "and"


def test_a_text_of_which_nothing_is_left_is_empty():
    assert rest("a\nb", hashes("a\nb")) == {"text": "", "removed_lines": 2, "removed_chars": 3}


def test_without_hashes_a_text_stays_as_it_is():
    assert rest("a\r\n b ", None, None) == {
        "text": "a\r\n b ",
        "removed_lines": 0,
        "removed_chars": 0,
    }
    assert rest(None, [1], [2]) is None


@given(st.lists(st.none() | TEXTS, max_size=6), st.data())
@settings(max_examples=50, deadline=None)
def test_rows_do_not_depend_on_their_neighbours_nor_on_where_a_slice_begins(texts, data):
    start = data.draw(st.integers(0, len(texts)))
    kind = data.draw(st.sampled_from([pa.string(), pa.large_string()]))
    column = pa.array(texts, kind).slice(start)
    repeated = pa.array([hashes(text) for text in texts], HASHES).slice(start)
    nothing = pa.nulls(len(column), HASHES)
    assert line_hashes(column).to_pylist() == [hashes(text) for text in texts[start:]]
    assert without_lines(column, repeated, nothing).to_pylist() == [
        rest(text, hashes(text)) for text in texts[start:]
    ]


def test_another_unit_is_an_error():
    with pytest.raises(ValueError, match="unit is 'line' or 'paragraph', not 'word'"):
        hashes("a", "word")


def test_a_line_of_ten_megabytes_is_one_line():
    assert hashes("x" * 10_000_000) == hashes("X" * 10_000_000 + "!")


def broken(content):
    """A column of one text of these bytes, whatever they are."""
    offsets = pa.py_buffer(pa.array([0, len(content)], pa.int32()).buffers()[1])
    return pa.StringArray.from_buffers(1, offsets, pa.py_buffer(content))


@given(st.lists(st.binary(max_size=6) | TEXTS.map(str.encode)).map(b"".join))
@settings(max_examples=100, deadline=None)
def test_broken_utf8_is_no_error(content):
    for unit in ("line", "paragraph"):
        found = line_hashes(broken(content), unit)
        assert len(without_lines(broken(content), found, found, unit)) == 1
