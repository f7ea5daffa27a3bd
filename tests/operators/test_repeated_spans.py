"""Repeated spans: every repeat of so many words is found, nothing shorter, in any order."""

import random

import pytest

from repeated_words_reference import copied_words, covered
from winnow.errors import CommandError
from winnow.operators.repeated_spans import FUNCTIONS, repeated_spans
from winnow.session import register_functions
from winnow.udfs.registry import declaration_of


@pytest.fixture(scope="module")
def session(spark):
    register_functions(spark, map(declaration_of, FUNCTIONS))
    return spark


def run(session, texts, words=50, partitions=2, order=None):
    """Return the rows of `repeated_spans`; documents rank as they stand, whatever the row order."""
    rows = [(id, rank, text) for rank, (id, text) in enumerate(texts.items())]
    rows = [rows[i] for i in order or range(len(rows))]
    documents = session.createDataFrame(rows, "id STRING, rank INT, text STRING")
    found = repeated_spans(documents.repartition(partitions), words)
    return sorted(map(tuple, found.collect()))


def check(texts, rows, words):
    """Hold the rows against the definition."""
    spans = {id: [row[1:3] for row in rows if row[0] == id] for id in texts}
    held = {id: covered(text or "", spans[id]) for id, text in texts.items()}
    assert held == copied_words(texts.items(), words)
    ranks = {id: rank for rank, id in enumerate(texts)}
    for id, start, end, other_id, other_start, count in rows:
        here = texts[id][start:end].split()
        assert here == texts[other_id][other_start:].split()[:count]
        assert len(here) == count >= words
        assert (ranks[other_id], other_start) < (ranks[id], start)


def planted(seed, lengths):
    """Documents of words of their own, each with a passage of one of two others."""
    numbers = random.Random(seed)
    own = lambda n: [f"{numbers.random():.9f}" for _ in range(n)]  # noqa: E731
    passages = own(2000)
    texts = {"source": " ".join(passages[:1000]), "other": " ".join(passages[1000:])}
    for i, length in enumerate(lengths):
        start = numbers.randrange(0, 1000 - length) + 1000 * (i % 2)
        text = own(numbers.randrange(60)) + passages[start : start + length]
        texts[f"copy{i}"] = "\n".join(text + own(numbers.randrange(60)))
    return texts


def test_every_planted_repeat_of_50_words_is_found_and_none_of_49(session):
    texts = planted(1, [50] * 20 + [49] * 20 + [51, 64, 99, 100, 333])
    rows = run(session, texts)
    check(texts, rows, 50)
    assert {row[0]: row[5] for row in rows if row[0] in {f"copy{i}" for i in range(20)}} == {
        f"copy{i}": 50 for i in range(20)
    }
    assert not {row[0] for row in rows} & {f"copy{i}" for i in range(20, 40)}


HOSTILE = {
    "nothing": None,
    "empty": "",
    "white": " \n\u3000\t",
    "word": "word",
    "many": "word " * 5000,
    "as many": "word\n" * 3000 + "end",
    "turns": "one two three " * 400,
    "turned": "two three one " * 90 + "four " + "three one two " * 80,
    "broken": "\0 \ufffd \u200b " * 60,
    "cut": "x" * 200_000 + " word" * 49,
    "edited": " ".join(["one two three"] * 20 + ["word"] * 60 + ["one two three"] * 17),
}


@pytest.mark.parametrize("words", [1, 2, 7, 50])
def test_hostile_texts_are_as_the_definition_says(session, words):
    check(HOSTILE, run(session, HOSTILE, words), words)


def test_texts_of_few_words_are_as_the_definition_says(session):
    numbers = random.Random(3)
    texts = {}
    for i in range(150):  # many repeats of many lengths that meet, overlap and cross
        words = numbers.choices("abc", k=numbers.randrange(60))
        texts[f"{i:03}"] = numbers.choice([" ", "\n "]).join(words)
    check(texts, run(session, texts, 6), 6)


def test_the_answer_is_the_same_for_any_number_of_partitions_and_any_order_of_rows(session):
    texts = {**planted(5, [49, 50, 60, 70]), **HOSTILE}
    rows = run(session, texts, partitions=1)
    shuffled = list(range(len(texts)))
    for seed, partitions in enumerate((2, 8)):
        random.Random(seed).shuffle(shuffled)
        assert run(session, texts, partitions=partitions, order=shuffled) == rows


def test_the_rank_decides_who_was_first_and_between_equals_the_id(session):
    text = " ".join(map(str, range(50)))
    rows = [("a", ("2", 1), text), ("b", ("1", 2), text), ("c", ("1", 2), text)]
    kind = "id STRING, rank STRUCT<file STRING, position INT>, text STRING"
    found = repeated_spans(session.createDataFrame(rows, kind))
    assert {(row.id, row.other_id) for row in found.collect()} == {("a", "b"), ("c", "b")}


def test_a_window_has_a_word(session):
    with pytest.raises(CommandError, match="words is at least 1, not 0"):
        repeated_spans(session.createDataFrame([], "id STRING, rank INT, text STRING"), 0)


@pytest.mark.slow
def test_a_passage_that_20_000_documents_share_takes_a_row_each_and_five_megabytes_are_read(
    session,
):
    passage = " ".join(f"p{i}" for i in range(60))
    texts = {f"{i:05}": f"{passage} own{i}" for i in range(20_000)}
    texts["long"] = "word " * 1_000_000
    texts["longer"] = "word " * 1_000_001
    rows = run(session, texts)
    assert len(rows) == 19_999 + 2 + 2
    assert {row[3] for row in rows} == {"00000", "long", "longer"}
    check(texts, rows, 50)
