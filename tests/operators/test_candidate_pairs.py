"""Pairs are verified, found in any order and batches alike, and few under skew."""

import itertools
import random

import pyarrow as pa
import pytest

from shingle_reference import shingles
from winnow.operators.candidate_pairs import candidate_pairs
from winnow.session import register_functions
from winnow.udfs.minhash_bands import minhash_bands
from winnow.udfs.registry import declaration_of
from winnow.udfs.shingle_hashes import shingle_hashes
from winnow.udfs.similarity import similarity

BANDS = "id STRING, rank INT, bands ARRAY<BIGINT>, words_hash STRING"
KNOWN = "id_a STRING, id_b STRING, similarity DOUBLE, containment DOUBLE, is_estimate BOOLEAN"


@pytest.fixture(scope="module")
def session(spark):
    register_functions(spark, map(declaration_of, (shingle_hashes, similarity)))
    return spark


def run(
    session, texts, order=None, new=None, known=(), partitions=2, bands=None, words=None, **options
):
    """Return the rows of `candidate_pairs` over texts by id; they came in the order given."""
    order = list(texts) if order is None else order
    if bands is None:
        made = minhash_bands(pa.array([texts[id] for id in order])).to_pylist()
        bands = dict(zip(order, made, strict=True))
    rows = [(id, rank, bands[id], (words or {}).get(id, id)) for rank, id in enumerate(order)]
    found = candidate_pairs(
        session.createDataFrame([(id,) for id in (order if new is None else new)], "id STRING"),
        session.createDataFrame(rows, BANDS).repartition(partitions),
        session.createDataFrame([(id, texts[id]) for id in order], "id STRING, text STRING"),
        session.createDataFrame(list(known), KNOWN),
        **options,
    )
    return sorted(map(tuple, found.collect()), key=str)


def pairs(rows):
    return {(a, b) for a, b, *_ in rows if b is not None}


def jaccard(a, b):
    left, right = set(shingles(a)), set(shingles(b))
    return len(left & right) / len(left | right)


def families(count, members, seed=0, words=60):
    """Texts by id; those of a family differ in a few words."""
    numbers = random.Random(seed)
    texts = {}
    for family in range(count):
        original = [f"f{family}w{i}" for i in range(words)]
        for member in range(members):
            edited = list(original)
            for place in numbers.sample(range(words), numbers.randrange(4)):
                edited[place] = f"new{numbers.randrange(10**9)}"
            texts[f"{numbers.randrange(10**6):06d}-{family}-{member}"] = " ".join(edited)
    return texts


def test_every_pair_of_a_small_group_is_verified_and_none_below_the_threshold_is_told(session):
    texts = families(20, 4)
    bands = dict(zip(texts, minhash_bands(pa.array(texts.values())).to_pylist(), strict=True))
    expected = {}
    for a, b in itertools.combinations(sorted(texts), 2):
        if set(bands[a]) & set(bands[b]) and (alike := jaccard(texts[a], texts[b])) >= 0.5:
            expected[a, b] = alike
    rows = run(session, texts, similarity=0.5)
    assert len(rows) == len(expected)
    assert {(a, b): alike for a, b, alike, *_ in rows} == pytest.approx(expected)


def test_of_documents_of_the_same_words_the_first_is_compared(session):
    texts = {"b": "one two three four five six", "a": "one two three four five six!", "c": "else"}
    assert pairs(run(session, texts | {"c": texts["b"]}, words={"a": "same", "b": "same"})) == {
        ("b", "c")
    }


MORE = [pytest.param(number, marks=pytest.mark.slow) for number in (1, 2, 64)]


@pytest.mark.parametrize("partitions", [8, *MORE])
def test_partitions_change_nothing(session, partitions):
    texts = families(3, 12, seed=1)
    options = {"all_pairs": 4, "representatives": 2, "match": 0.9}
    assert run(session, texts, partitions=partitions, **options) == run(session, texts, **options)


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))]
)
def test_batches_add_up_to_a_replay(session, seed):
    """With limits so small that every group is a large one, and all in one group besides."""
    texts = families(3, 10, seed)
    order = random.Random(seed).sample(list(texts), len(texts))
    made = dict(
        zip(order, minhash_bands(pa.array([texts[i] for i in order])).to_pylist(), strict=True)
    )
    bands = {id: [*made[id][:5], 1] for id in order}
    options = {"all_pairs": 5, "representatives": 2, "match": 0.85, "similarity": 0.3, "rounds": 2}
    replay = run(session, texts, order, bands=bands, **options)
    known = []
    for start, end in ((0, 4), (4, 17), (17, 30)):
        known += run(
            session, texts, order[:end], new=order[start:end], known=known, bands=bands, **options
        )
    assert sorted(known, key=str) == replay


def test_a_large_group_is_compared_with_representatives_and_who_matches_none_goes_on(session):
    """One band for all: 3 clusters of equal texts, of which the first fills the first round."""
    texts = {f"{i:02d}": f"cluster {i // 10} a b c d e f" for i in range(30)}
    options = {"bands": {id: [7] for id in texts}, "all_pairs": 4, "representatives": 2}
    found = pairs(run(session, texts, rounds=9, **options))
    for cluster in range(3):
        centre = f"{10 * cluster:02d}"
        assert {(centre, f"{10 * cluster + i:02d}") for i in range(1, 10)} <= found
    assert len(found) < 30 * 2 * 3


@pytest.mark.parametrize(("rounds", "left"), [(1, 6), (2, 3), (3, 0)])
def test_who_is_left_when_rounds_end_is_named(session, rounds, left):
    texts = {f"{i}": f"nothing alike {i}" for i in range(9)}
    one_band = {id: [7] for id in texts}
    rows = run(session, texts, bands=one_band, all_pairs=3, representatives=3, rounds=rounds)
    assert [row[1:] for row in rows] == [(None,) * 4] * left


def test_the_pair_of_texts_too_long_to_be_compared_in_full_says_that_it_is_an_estimate(session):
    words = [f"w{i}" for i in range(140_000)]
    texts = {
        "a": " ".join(words),
        "b": " ".join(words[:-1]),
        "c": "a few words",
        "d": "others",
    }
    rows = run(session, texts, bands={"a": [1], "b": [1], "c": [2], "d": [2]}, similarity=0)
    assert [(a, b, is_estimate) for a, b, *_, is_estimate in rows] == [
        ("a", "b", True),
        ("c", "d", False),
    ]


def test_empty_texts_and_null_make_no_pairs(session):
    texts = {"a": "", "b": " ", "c": None, "d": None}
    bands = {id: made or [] for id, made in zip(texts, [[], [], None, None], strict=True)}
    assert run(session, texts, bands=bands) == []


def test_comparisons_grow_with_documents_under_skew(session):
    """Equal texts are one group in every band: 4 comparisons each, after the first 32 in full."""
    texts = {f"{i:03d}": "the same few words on every page" for i in range(400)}
    found = pairs(run(session, texts))
    assert len(found) == 32 * 31 / 2 + (400 - 32) * 4
