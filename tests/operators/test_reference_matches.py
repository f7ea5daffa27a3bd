"""Who is like a document of a finished corpus, and like which."""

import pyarrow as pa
import pytest

from winnow.errors import CommandError
from winnow.operators.reference_matches import reference_matches
from winnow.session import register_functions
from winnow.udfs.minhash_bands import minhash_bands
from winnow.udfs.registry import declaration_of
from winnow.udfs.shingle_hashes import shingle_hashes
from winnow.udfs.similarity import similarity

BANDS = "id STRING, words_hash STRING, bands ARRAY<BIGINT>"
TEXTS = "id STRING, text STRING"
WORDS = [f"word{i}" for i in range(60)]


@pytest.fixture(scope="module")
def session(spark):
    register_functions(spark, map(declaration_of, (shingle_hashes, similarity)))
    return spark


def edited(*places: int) -> str:
    """Return 60 words of which those at some places are others: each takes 5 of 56 shingles."""
    return " ".join("other" if i in places else word for i, word in enumerate(WORDS))


def matches(session, new, reference, words=None, bands=None, **options):
    """Return the rows for new texts by id and those of a corpus by id."""

    def banded(texts):
        made = minhash_bands(pa.array(list(texts.values()), pa.string())).to_pylist()
        rows = [
            (id, (words or {}).get(id, id), own if bands is None else bands)
            for id, own in zip(texts, made, strict=True)
        ]
        return session.createDataFrame(rows, BANDS)

    found = reference_matches(
        banded(new),
        banded(reference),
        session.createDataFrame(list(new.items()), TEXTS),
        session.createDataFrame(list(reference.items()), TEXTS),
        session.createDataFrame([], "id STRING"),
        **options,
    )
    return sorted(map(tuple, found.collect()))


@pytest.fixture(scope="module")
def found(session):
    """One run over several documents: what each is like, by its id."""
    corpus = {"r3": edited(30), "r2": edited(30), "r1": edited(10, 30), "r4": edited(7), "r5": "?!"}
    new = {"near": edited(), "copy": edited(7).upper(), "other": "1 2 3 4 5 6 7"}
    nothing = {"null": None, "empty": "", "blank": " \n"}
    words = {"copy": "same", "r4": "same"}
    there = corpus | {f"r {id}": text for id, text in nothing.items()}
    return {row[0]: row[1:] for row in matches(session, new | nothing, there, words)}


def test_a_document_matches_the_most_similar_one_and_of_equals_the_smallest_id(found):
    assert found["near"] == ("r2", pytest.approx(51 / 61), pytest.approx(51 / 56), False)


def test_a_document_of_the_same_words_matches_without_a_comparison(found):
    assert found["copy"] == ("r4", 1.0, 1.0, False)


def test_what_is_like_nothing_and_no_text_and_no_words_match_nothing(found):
    assert set(found) == {"near", "copy"}


def test_nothing_below_the_least_similarity_matches(session):
    above = 51 / 61 + 1e-9
    assert matches(session, {"n": edited()}, {"r": edited(30)}, similarity=above) == []


def test_of_a_band_that_many_share_the_first_of_the_corpus_are_compared(session):
    corpus = {"r1": "a b c d e f", "r2": "g h i j k l", "r3": edited(30)}
    for per_band, found in ((2, []), (3, [("n", "r3")])):
        rows = matches(session, {"n": edited()}, corpus, bands=[7], per_band=per_band)
        assert [row[:2] for row in rows] == found


def test_a_band_is_compared_with_one_at_least(session):
    with pytest.raises(CommandError, match="per_band is at least 1, not 0"):
        matches(session, {"n": edited()}, {}, per_band=0)
