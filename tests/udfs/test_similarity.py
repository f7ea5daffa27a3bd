"""Stored similarities are those of the sets of shingles."""

import gzip
import json
import re

import pyarrow as pa
import pytest
from datasketch.hashfunc import sha1_hash64
from hypothesis import given, settings
from hypothesis import strategies as st

from shingle_reference import shingles
from winnow.udfs import shingle_hashes as sets
from winnow.udfs.shingle_hashes import shingle_hashes
from winnow.udfs.similarity import similarity


def compared(a: str | None, b: str | None, **options: object) -> dict[str, float] | None:
    left, right = (shingle_hashes(pa.array([text], pa.string()), **options) for text in (a, b))
    return similarity(left, right)[0].as_py()


def reference(a: str, b: str, unit: str, size: int) -> tuple[float, float]:
    left, right = set(shingles(a, unit, size)), set(shingles(b, unit, size))
    if not left or not right:
        return 0, 0
    shared = len(left & right)
    return shared / len(left | right), shared / min(len(left), len(right))


TEXTS = st.lists(st.sampled_from(["a", "b", "c", "é", "語 ", " ", "\n"]), max_size=30).map("".join)


@given(TEXTS, st.sampled_from(["word", "char"]), st.integers(1, 6))
@settings(deadline=None)
def test_the_set_of_a_text_is_its_distinct_shingles_in_order(text, unit, size):
    found = shingle_hashes(pa.array([text]), unit, size)[0].as_py()
    hashes = {sha1_hash64(shingle.encode()) for shingle in shingles(text, unit, size)}
    signed = sorted(value - (1 << 64) if value >> 63 else value for value in hashes)
    assert found == {"hashes": signed, "is_sampled": False}


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8), st.data())
@settings(deadline=None)
def test_similarity_and_containment_equal_their_definitions_in_plain_python(pairs, data):
    unit = data.draw(st.sampled_from(["word", "char"]))
    size = data.draw(st.integers(1, 4))
    left, right = (
        shingle_hashes(pa.array(texts), unit, size) for texts in zip(*pairs, strict=True)
    )
    start = data.draw(st.integers(0, len(pairs) - 1))
    for (a, b), row in zip(
        pairs[start:], similarity(left.slice(start), right.slice(start)).to_pylist(), strict=True
    ):
        expected = reference(a, b, unit, size)
        assert (row["similarity"], row["containment"]) == pytest.approx(expected, abs=1e-15)


def test_texts_without_words_are_like_no_other_not_even_one_another():
    assert compared("", " \n") == {"similarity": 0, "containment": 0, "is_estimate": False}
    assert compared("", "a b c")["similarity"] == 0


def test_one_word_equals_itself_alone():
    assert compared("rain", " rain\n")["similarity"] == 1
    assert compared("rain", "Rain")["similarity"] == 0


def test_null_on_either_side_gives_null():
    assert compared(None, "a") is None
    assert compared("a", None) is None


def test_a_text_inside_another_is_contained_and_not_similar():
    found = compared("a b c d e f", "a b c d e f " + " ".join(map(str, range(94))))
    assert found["containment"] == 1
    assert found["similarity"] == 2 / 96


@pytest.mark.parametrize(("words", "is_sampled"), [(1004, False), (1005, True)])
def test_a_text_of_more_shingles_than_are_kept_is_a_sample_and_says_so(
    monkeypatch, words, is_sampled
):
    most = sets.MOST_HASHES
    text = " ".join(map(str, range(words - 1000 + most)))
    found = shingle_hashes(pa.array([text]))[0].as_py()
    assert found["is_sampled"] == is_sampled
    assert len(found["hashes"]) == most
    assert found["hashes"] == sorted(set(found["hashes"]))


def test_a_giant_text_is_compared_by_its_sample_within_half_a_point():
    words = [f"w{i}" for i in range(900_000)]
    changed = ["x" if i % 40 == 0 else word for i, word in enumerate(words)]  # 7/9 is the same
    found = compared(" ".join(words), " ".join(changed))
    assert found["is_estimate"]
    assert found["similarity"] == pytest.approx(7 / 9, abs=0.005)
    assert found["containment"] == pytest.approx(35 / 40, abs=0.005)


def rows(path):
    with gzip.open(path, "rt") as lines:
        return [json.loads(line) for line in lines]


def test_labelled_revisions_have_the_similarity_that_the_labels_say(shared_data):
    """The labels are rounded to four places and take lower-case runs of `\\w` as words."""
    folder = shared_data / "labelled" / "neardup"
    texts = {
        row["id"]: " ".join(re.findall(r"\w+", row["text"].lower()))
        for row in rows(folder / "revisions_eips.docs.jsonl.gz")
    }
    pairs = rows(folder / "revisions_eips.pairs.jsonl.gz")
    a, b = (shingle_hashes(pa.array([texts[pair[side]] for pair in pairs])) for side in "ab")
    for pair, found in zip(pairs, similarity(a, b).to_pylist(), strict=True):
        assert found["similarity"] == pytest.approx(pair["jaccard5"], abs=0.00005001)
        assert found["containment"] == pytest.approx(pair["containment"], abs=0.00005001)
