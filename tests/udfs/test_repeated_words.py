"""Windows, spans and runs of words: kernels against plain Python."""

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repeated_words_reference import copied_words, covered, places
from winnow.udfs.repeat_anchors import repeat_anchors
from winnow.udfs.repeat_windows import repeat_windows
from winnow.udfs.span_cover import SPAN, span_cover
from winnow.udfs.without_spans import without_spans
from winnow.udfs.word_runs import word_runs
from winnow.udfs.word_windows import anchor_words

ANCHORS = pa.list_(pa.int64())
SPANS = pa.list_(pa.struct({"start": pa.int32(), "end": pa.int32()}))
RUNS = pa.list_(pa.struct({"start": pa.int32(), "words": pa.int32()}))

WORDS = st.sampled_from(["a", "b", "é", "語", "longer-word", "longer-wort", "\0", "\u200b"])
SPACES = st.sampled_from([" ", "  ", "\n", "\u3000", "\x1c"])
TEXTS = st.lists(st.tuples(WORDS, SPACES), max_size=40).map(
    lambda parts: "".join(word + space for word, space in parts)
)


def anchors(text, words):
    return repeat_anchors(pa.array([text], pa.string()), words)[0].as_py()


def windows(text, wanted, words):
    return repeat_windows(pa.array([text], pa.string()), pa.array([wanted], ANCHORS), words)[
        0
    ].as_py()


def cover(spans):
    rows = [dict(zip(SPAN.names, span, strict=True)) for span in spans]
    return [tuple(row.values()) for row in span_cover(pa.array([rows], pa.list_(SPAN)))[0].as_py()]


def rest(text, spans):
    rows = [{"start": start, "end": end} for start, end in spans]
    return without_spans(pa.array([text], pa.string()), pa.array([rows], SPANS))[0].as_py()


@given(TEXTS, st.integers(1, 6))
@settings(max_examples=500, deadline=None)
def test_the_spans_of_a_text_hold_exactly_the_words_of_its_copied_windows(text, words):
    spans = anchors(text, words)["spans"]
    expected = copied_words([("x", text)], words)["x"]
    assert covered(text, [(span["start"], span["end"]) for span in spans]) == expected
    for span in spans:
        here = text[span["start"] : span["end"]].split()
        there = text[span["other_start"] :].split()[: span["words"]]
        assert here == there
        assert len(here) == span["words"] >= words
        assert span["other_start"] < span["start"]


@given(TEXTS, TEXTS, st.integers(1, 6))
@settings(max_examples=500, deadline=None)
def test_windows_that_two_texts_share_are_found_by_the_anchors_that_they_share(one, other, words):
    shared = set(anchors(one, words)["anchors"]) & set(anchors(other, words)["anchors"])
    found = [
        {window["hash"] for window in windows(text, list(shared), words)} for text in (one, other)
    ]
    runs = [
        {tuple(split[i : i + words]) for i in range(len(split) - words + 1)}
        for split in (one.split(), other.split())
    ]
    assert len(found[0] & found[1]) == len(runs[0] & runs[1])


@given(TEXTS, st.integers(1, 6))
@settings(max_examples=200, deadline=None)
def test_windows_of_all_anchors_are_all_that_are_no_copies(text, words):
    found = windows(text, anchors(text, words)["anchors"], words)
    split = text.split()
    first: dict = {}
    fresh = []
    for i in range(len(split) - words + 1):
        if first.setdefault(tuple(split[i : i + words]), i) + words > i:
            fresh.append(i)
    assert [window["position"] for window in found] == fresh
    assert windows(text, None, words) == windows(text, [], words) == []


@pytest.mark.parametrize(("words", "run"), [(1, 1), (2, 1), (3, 1), (4, 2), (50, 16), (64, 32)])
def test_an_anchor_has_the_largest_power_of_two_up_to_half_the_words(words, run):
    assert anchor_words(words) == run


def test_so_many_words_are_found_and_one_less_is_not():
    numbers = random.Random(1)
    text = [f"w{numbers.random()}" for _ in range(300)]
    assert anchors(" ".join(text + text[20:69]), 50)["spans"] == []
    [span] = anchors(" ".join(text + text[20:70]), 50)["spans"]
    assert span["words"] == 50


def test_anchors_are_few():
    numbers = random.Random(2)
    text = " ".join(str(numbers.random()) for _ in range(100_000))
    assert len(anchors(text, 50)["anchors"]) == pytest.approx(2 * 100_000 / 36, rel=0.05)


def test_one_word_five_megabytes_long_over_and_over_is_one_span():
    text = "word " * 1_000_000
    found = anchors(text, 50)
    [span] = found["spans"]
    assert span == {"start": 250, "end": 4_999_999, "other_start": 0, "words": 999_950}
    assert len(found["anchors"]) == 1


def test_a_word_of_ten_megabytes_is_one_word():
    assert anchors("x" * 10_000_000, 1)["spans"] == []
    [span] = anchors("x" * 10_000_000 + " " + "x" * 10_000_000, 1)["spans"]
    assert span["words"] == 1


@pytest.mark.parametrize("text", ["", " ", "\n\u3000", "word"])
def test_a_text_without_so_many_words_has_nothing(text):
    assert anchors(text, 2) == {"anchors": [], "spans": []}


def test_no_text_has_no_answer():
    assert anchors(None, 50) is None
    assert windows(None, [1], 50) is None
    assert without_spans(pa.array([None], pa.string()), pa.nulls(1, SPANS))[0].as_py() is None
    assert span_cover(pa.nulls(1, pa.list_(SPAN))).to_pylist() == [None]
    assert word_runs(pa.array([None], pa.string()), pa.array([[]], RUNS)).to_pylist() == [None]


def test_a_window_has_a_word():
    with pytest.raises(ValueError, match="a window has at least 1 word, not 0"):
        anchors("a", 0)


@given(st.lists(st.none() | TEXTS, max_size=5), st.integers(1, 4), st.data())
@settings(max_examples=50, deadline=None)
def test_rows_do_not_depend_on_their_neighbours_nor_on_where_a_slice_begins(texts, words, data):
    start = data.draw(st.integers(0, len(texts)))
    column = pa.array(texts, data.draw(st.sampled_from([pa.string(), pa.large_string()])))
    alone = [anchors(text, words) for text in texts]
    assert repeat_anchors(column.slice(start), words).to_pylist() == alone[start:]
    wanted = pa.array([row and row["anchors"][::2] for row in alone], ANCHORS)
    assert repeat_windows(column.slice(start), wanted.slice(start), words).to_pylist() == [
        windows(text, row and row["anchors"][::2], words)
        for text, row in zip(texts[start:], alone[start:], strict=True)
    ]


INTERVALS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 9), st.sampled_from("xy"), st.integers(0, 9)),
    max_size=20,
)


@given(INTERVALS)
@settings(max_examples=500, deadline=None)
def test_a_cover_holds_the_same_words_none_more_than_twice_in_any_order(spans):
    taken = cover(spans)
    held = [word for start, words, *_ in taken for word in range(start, start + words)]
    assert set(held) == {w for start, words, *_ in spans for w in range(start, start + words)}
    assert all(held.count(word) <= 2 for word in held)
    assert set(taken) <= set(spans)
    assert cover(spans[::-1]) == taken


@given(TEXTS, st.data())
@settings(max_examples=200, deadline=None)
def test_a_run_is_found_where_its_words_stand(text, data):
    ends = places(text)
    runs = []
    if ends:
        start = data.draw(st.integers(0, len(ends) - 1))
        runs = [{"start": start, "words": data.draw(st.integers(1, len(ends) - start))}]
    runs.append({"start": 0, "words": len(ends) + 1})  # longer than the text
    found = word_runs(pa.array([text]), pa.array([runs], RUNS))[0].as_py()
    assert len(found) == len(runs) - 1
    for run in found:
        expected = text.split()[run["start"] : run["start"] + run["words"]]
        assert text[run["start_char"] : run["end_char"]].split() == expected
        same = word_runs(
            pa.array([" ".join(expected)]), pa.array([[{"start": 0, "words": run["words"]}]], RUNS)
        )
        assert same[0].as_py()[0]["digest"] == run["digest"]


def test_runs_of_other_words_have_other_digests():
    run = pa.array([[{"start": 0, "words": 2}]] * 3, RUNS)
    found = word_runs(pa.array(["a b", "a\tb", "ab c"]), run).to_pylist()
    digests = [row[0]["digest"] for row in found]
    assert digests[0] == digests[1] != digests[2]


@given(
    st.text(max_size=30), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)
)
@settings(max_examples=300, deadline=None)
def test_what_is_in_no_span_is_left_and_what_is_in_one_is_returned(text, spans):
    gone = {i for start, end in spans for i in range(start, end) if i < len(text)}
    found = rest(text, spans)
    assert found["text"] == "".join(c for i, c in enumerate(text) if i not in gone)
    assert "".join(found["removed"]) == "".join(c for i, c in enumerate(text) if i in gone)
    assert found["removed_chars"] == len(gone)


def test_spans_that_touch_go_as_one():
    assert rest("one two three", [(4, 6), (6, 7), (0, 3)])["removed"] == ["one", "two"]
    assert rest("one", []) == {"text": "one", "removed": [], "removed_chars": 0}


@given(st.lists(st.binary(max_size=6) | TEXTS.map(str.encode)).map(b"".join))
@settings(max_examples=100, deadline=None)
def test_broken_utf8_is_no_error(content):
    offsets = pa.py_buffer(pa.array([0, len(content)], pa.int32()).buffers()[1])
    text = pa.StringArray.from_buffers(1, offsets, pa.py_buffer(content))
    found = repeat_anchors(text, 2)
    assert len(repeat_windows(text, found.field("anchors"), 2)) == 1
    assert len(word_runs(text, pa.array([[{"start": 0, "words": 1}]], RUNS))) == 1
    assert len(without_spans(text, found.field("spans"))) == 1
