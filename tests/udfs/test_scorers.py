"""A class of a user's as a column function: what it returns is checked."""

import math

import pyarrow as pa
import pytest

from winnow.udfs.registry import ResultError, declaration_of
from winnow.udfs.scorers import scorer

SEEN = []


@scorer(version=3, batch_bytes=6)
class CountVowels:
    """Score a text by its share of vowels."""

    def load(self, path):
        SEEN.append(path)

    def score(self, texts):
        SEEN.append(texts)
        return [sum(c in "aeiou" for c in text) / len(text) for text in texts]


def returning(value, **limits):
    @scorer(version=1, **limits)
    class Model:
        """Return always the same."""

        def load(self, path):
            pass

        def score(self, texts):
            return value

    return declaration_of(Model).function


def test_a_class_is_a_column_function_named_after_it():
    declared = declaration_of(CountVowels)
    assert (declared.kind, declared.name, declared.version) == (
        "column function",
        "count_vowels",
        3,
    )
    assert declared.summary == "Score a text by its share of vowels."
    assert declared.tables == ("text",)
    assert [(one.name, one.is_file, one.required) for one in declared.options] == [
        ("path", True, False)
    ]


def test_texts_are_scored_in_batches_of_bytes_by_a_model_that_is_loaded_once():
    SEEN.clear()
    score = declaration_of(CountVowels).function
    texts = pa.array(["abc", None, "éa", "x", "a long one", "b"])
    assert score(texts, path="m").to_pylist() == [1 / 3, None, 0.5, 0.0, 0.4, 0.0]
    assert score(texts[:2], path="m").to_pylist() == [1 / 3, None]
    assert SEEN == ["m", ["abc", "éa"], ["x"], ["a long one"], ["b"], ["abc"]]


def test_no_text_is_no_batch():
    assert returning(None)(pa.array([], pa.string())).to_pylist() == []
    assert returning(None)(pa.array([None], pa.string())).to_pylist() == [None]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([0.5], r"returned scores of shape \(1,\) for 2 texts"),
        (0.5, r"returned scores of shape \(\) for 2 texts"),
        ([0.5, math.nan], "returned NaN or infinity for 1 of 2 texts"),
        ([0.5, math.inf], "returned NaN or infinity for 1 of 2 texts"),
        ([1.0, 1.001], "returned 1 of 2 scores that are not from 0.0 to 1.0"),
        (["good", "bad"], "returned scores that are no numbers"),
        (None, "returned NaN or infinity|returned scores"),
    ],
)
def test_what_is_no_score_is_an_error_without_a_text(value, message):
    with pytest.raises(ResultError, match=message):
        returning(value)(pa.array(["one", "two"]))


def test_the_edges_of_the_range_are_scores():
    assert returning([-3, 5], low=-3, high=5)(pa.array(["a", "b"])).to_pylist() == [-3.0, 5.0]
