"""Signatures are datasketch's; bands find what its index finds, as often as they should."""

import itertools
import random

import pyarrow as pa
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from shingle_reference import shingles
from winnow.udfs import shingles as shingles_module
from winnow.udfs.minhash import minhash
from winnow.udfs.minhash_bands import minhash_bands


def reference(text: str, values: int, unit: str = "word", size: int = 5, seed: int = 1) -> MinHash:
    sketch = MinHash(values, seed=seed)
    sketch.update_batch([shingle.encode() for shingle in shingles(text, unit, size)])
    return sketch


def bands(*texts: str, **options: object) -> list[list[int]]:
    return minhash_bands(pa.array(texts), **options).to_pylist()


# Words and white space of one to four bytes, with many repeats, and texts of more than one piece.
WORDS = st.sampled_from(["a", "b", "rain", "é", "語", "🌾", "x" * 70, "The", "\0", "\u200b"])
SPACES = st.sampled_from([" ", "  ", "\n", "\t", "\u3000", "\x85", "\u2028", "\x1c"])
TEXTS = st.lists(st.one_of(WORDS, SPACES), max_size=40).map("".join)


@given(
    st.lists(TEXTS | st.none(), min_size=1, max_size=6),
    st.sampled_from(["word", "char"]),
    st.integers(1, 9),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_signatures_are_bit_for_bit_those_of_datasketch(texts, unit, size, seed):
    found = minhash(pa.array(texts, pa.string()), 16, unit, size, seed).to_pylist()
    for text, signature in zip(texts, found, strict=True):
        if text is None:
            assert signature is None
        else:
            assert signature == reference(text, 16, unit, size, seed).hashvalues.tolist()


@pytest.mark.parametrize("unit", ["word", "char"])
@pytest.mark.parametrize("values", [112, 100, 286])
def test_a_text_of_several_pieces_has_the_signature_of_the_whole(unit, values):
    words = [f"w{i % 4999}" for i in range(3 * shingles_module.PIECE)]
    text = " \n".join(words) + "  "
    [found] = minhash(pa.array([text]), values, unit).to_pylist()
    assert found == reference(text, values, unit).hashvalues.tolist()


@pytest.mark.parametrize("units", [-1, 0, 1])
def test_a_text_that_ends_where_a_piece_ends_is_complete(units):
    text = "  ".join(f"w{i}" for i in range(shingles_module.PIECE + 5 + units)) + " \n"
    [found] = minhash(pa.array([text]), 16).to_pylist()
    assert found == reference(text, 16).hashvalues.tolist()


def test_an_empty_text_has_no_bands_and_null_is_null():
    assert minhash_bands(pa.array(["", " \n\u3000", None])).to_pylist() == [[], [], None]


@pytest.mark.parametrize("unit", ["word", "char"])
def test_a_text_below_the_shingle_length_matches_the_same_text_and_no_other(unit):
    same, spaced, longer, other = bands("a b c", " a\nb  c ", "a b c d", "a b d", unit=unit)
    assert same == spaced
    assert not set(same) & set(longer)
    assert not set(same) & set(other)


def test_equal_values_in_different_bands_are_different_hashes():
    [found] = bands("one", bands=50, rows=1, size=1)
    assert len(set(found)) == 50


def edited(words: list[str], changes: int, seed: int) -> str:
    """The text with so many of its words replaced, each far enough from the next one."""
    numbers = random.Random(seed)
    places = numbers.sample(range(2, len(words) - 2), changes)
    return " ".join(f"new{seed}x{i}" if i in places else word for i, word in enumerate(words))


def similarity(a: str, b: str) -> float:
    left, right = set(shingles(a)), set(shingles(b))
    return len(left & right) / len(left | right)


@pytest.mark.parametrize(("number", "rows"), [(14, 8), (20, 5), (26, 11)])
def test_the_same_candidates_as_datasketch_finds(number, rows):
    numbers = random.Random(number)
    texts = []
    for i in range(40):
        words = [f"t{i}w{numbers.randrange(50)}" for _ in range(120)]
        texts += [edited(words, changes, 10 * i + changes) for changes in (0, 1, 2, 4, 6)]
    index = MinHashLSH(num_perm=number * rows, params=(number, rows))
    sketches = [reference(text, number * rows) for text in texts]
    for i, sketch in enumerate(sketches):
        index.insert(i, sketch)
    expected = {
        tuple(sorted((i, j))) for i, sketch in enumerate(sketches) for j in index.query(sketch)
    }
    sets = [set(row) for row in bands(*texts, bands=number, rows=rows)]
    pairs = itertools.combinations(range(len(texts)), 2)
    assert {(i, j) for i, j in pairs if sets[i] & sets[j]} == {(i, j) for i, j in expected if i < j}


@pytest.mark.parametrize("changes", [2, 5, 9, 14])
def test_a_share_of_pairs_is_found_that_the_formula_foretells_within_two_points(changes):
    """Over seeds, since all pairs of one seed share their permutations."""
    numbers = random.Random(changes)
    found = expected = 0.0
    for seed in range(30):
        first, second = [], []
        for i in range(150):
            words = [f"s{seed}t{i}w{numbers.randrange(400)}" for _ in range(200)]
            first.append(" ".join(words))
            second.append(edited(words, changes, 1000 * seed + i))
        for a, b, left, right in zip(
            first, second, bands(*first, seed=seed), bands(*second, seed=seed), strict=True
        ):
            found += bool(set(left) & set(right)) / 4500
            expected += (1 - (1 - similarity(a, b) ** 8) ** 14) / 4500
    assert abs(found - expected) < 0.02


@pytest.mark.parametrize(
    "options",
    [{"unit": "line"}, {"size": 0}, {"size": 1001}, {"bands": 0}, {"rows": 0}, {"seed": -1}],
)
def test_options_out_of_their_range_are_errors(options):
    with pytest.raises(ValueError, match="not"):
        minhash_bands(pa.array(["text"]), **options)
