import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.word_list_hits import word_list_hits

ENTRIES = ["bad", "bad apple", "Größe", "s&m", "坏", "坏人", "คำ", "कम"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("lists") / "words.txt"
    file.write_text("# a comment: good\n\n" + "\n".join(ENTRIES) + "\n", encoding="utf-8")
    return str(file)


def hits(text, path):
    return word_list_hits(pa.array([text], pa.string()), path)[0].as_py()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("bad", 1),
        ("Bad, BAD. bad", 3),
        ("badly bad_ abad", 0),
        ("good #", 0),
        ("a bad\n apple", 1),
        ("bad bad apple", 2),
        ("GRÖSSE", 1),
        ("S&M s & m", 2),
        ("这个坏人很坏", 2),
        ("bad坏bad", 3),
        ("กคำก", 1),
        ("कम कमी। कम।", 2),
    ],
)
def test_an_entry_counts_as_a_whole_word_or_phrase(text, count, path):
    assert hits(text, path) == count


@given(st.lists(st.sampled_from(["bad", "apple", "BAD", " ", "\n", ",", "x", "_", "é"])))
@settings(deadline=None)
def test_words_and_phrases_count_as_a_regular_expression_does(path, pieces):
    text = "".join(pieces)
    assert hits(text, path) == len(re.findall(r"(?<!\w)bad(?:\s*apple)?(?!\w)", text, re.I)) - len(
        re.findall(r"(?<!\w)badapple(?!\w)", text, re.I)
    )


def test_null_gives_null_and_a_slice_stays_a_slice(path):
    column = pa.array(["bad", None, "bad bad"], pa.large_string()).slice(1)
    assert word_list_hits(column, path).to_pylist() == [None, 2]
    assert word_list_hits(pa.array([], pa.string()), path).to_pylist() == []
    with pytest.raises(TypeError, match="expected a STRING column"):
        word_list_hits(pa.array([1]), path)


def test_a_large_text_is_counted_in_one_pass(path):
    assert hits("bad apple " * 100_000, path) == 100_000


def test_a_list_that_is_missing_or_empty_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ValueError, match=r"'/no/list\.txt' cannot be read as a word list"):
        hits("a", "/no/list.txt")
    (tmp_path / "empty.txt").write_text("# nothing\n\n")
    with pytest.raises(ValueError, match=r"no entry is in the word list '.*empty\.txt'"):
        hits("a", str(tmp_path / "empty.txt"))
    (tmp_path / "latin.txt").write_bytes(b"\xe9")
    with pytest.raises(ValueError, match=r"latin\.txt' cannot be read"):
        hits("a", str(tmp_path / "latin.txt"))


def test_a_list_that_changes_is_read_again_and_may_begin_with_a_mark(tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("bad\nworse\n", encoding="utf-8-sig")
    assert hits("bad worse worst", str(file)) == 2
    file.write_text("bad\nworse\nworst\n", encoding="utf-8")
    assert hits("bad worse worst", str(file)) == 3
