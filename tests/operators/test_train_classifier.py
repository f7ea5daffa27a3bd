"""A classifier is the same for the same examples; examples that cannot teach one are refused."""

import json
import random

import pyarrow as pa
import pytest

from winnow.operators import train_classifier as module
from winnow.operators.train_classifier import train_classifier
from winnow.udfs.hashing import blake2b_128, unit_of
from winnow.udfs.quality import quality

GOOD = ("the oak grows slowly", "a jay buries acorns", "the elm is tall in spring")
BAD = ("home login menu", "click here now", "buy cheap now")


def examples(count=60, more=()):
    """So many texts of each class, and others."""
    found = [(f"g{i}", f"{GOOD[i % 3]} {i}", "positive") for i in range(count)]
    found += [(f"b{i}", f"{BAD[i % 3]} {i}", "negative") for i in range(count)]
    return [*found, *more]


@pytest.fixture
def trained(spark):
    """Train on (id, text, label) rows; return the one row."""

    def trained(rows, algorithm="linear", partitions=2, **options):
        frame = spark.createDataFrame(list(rows), "id STRING, text STRING, label STRING")
        small = {"buckets": 1000} if algorithm == "fasttext" else {}
        answer = train_classifier(
            frame.repartition(partitions), algorithm=algorithm, **(small | options)
        )
        [row] = answer.collect()
        return row

    return trained


@pytest.mark.parametrize("algorithm", ["linear", "ngram_ratio", "fasttext"])
def test_the_same_examples_give_the_same_bytes_in_any_order(trained, algorithm):
    rows = examples()
    first = trained(rows, algorithm)
    second = trained(reversed(rows), algorithm, partitions=3)
    assert first.asDict() == second.asDict()
    assert first.digest == blake2b_128(first.content)
    changed = trained(examples(61), algorithm)
    assert changed.digest != first.digest
    assert changed.examples_digest != first.examples_digest


@pytest.mark.parametrize("algorithm", ["linear", "ngram_ratio", "fasttext"])
def test_a_row_says_what_was_trained_on_what_and_how_good_it_is(trained, algorithm):
    row = trained(examples(200), algorithm, versions={"web.examples": 3}, held_back=0.3)
    held = sum(unit_of(f"held back {name}") < 0.3 for name, _, _ in examples(200))
    assert (row.kind, row.trained_on, row.held_back) == (algorithm, "web.examples v3", held)
    assert row.examples + row.held_back == 400
    assert 0 < row.held_back_positives < row.held_back
    library = {"fasttext": "fasttext-community", "linear": "scikit-learn", "ngram_ratio": "numpy"}
    assert row.library.startswith(library[algorithm])
    assert json.loads(row.parameters)["held_back"] == 0.3
    assert row.auc > 0.95
    assert [item.share for item in row.precision_at_share] == [0.1, 0.2, 0.5]
    assert row.precision_at_share[0].precision > 0.9
    assert sum(item.examples for item in row.calibration) == held
    assert 0 <= row.calibration_error <= 1


def test_measures_are_those_of_their_definitions(trained, monkeypatch):
    class Fixed:
        def score(self, text):
            import numpy as np

            return np.array([float(each.as_py().split()[-1]) for each in text])

    fake = type("Load", (), {"cache_clear": lambda: None, "__call__": lambda *_: Fixed()})()
    fake.cache_clear = lambda: None
    monkeypatch.setattr(module, "load_classifier", fake)
    scores = {"positive": ("0.95", "0.45"), "negative": ("0.05", "0.45")}
    rows = [
        (f"{label}{i}", f"text {scores[label][i % 2]}", label)
        for label in scores
        for i in range(400)
    ]
    row = trained(rows)
    held = [(name, text, label) for name, text, label in rows if unit_of(f"held back {name}") < 0.2]
    pairs = [
        (float(good[1].split()[-1]), float(bad[1].split()[-1]))
        for good in held
        if good[2] == "positive"
        for bad in held
        if bad[2] == "negative"
    ]
    auc = sum((good > bad) + 0.5 * (good == bad) for good, bad in pairs) / len(pairs)
    assert row.auc == pytest.approx(auc)
    assert row.precision_at_share[0].precision == 1.0
    assert [item.mean_score for item in row.calibration] == pytest.approx([0.05, 0.45, 0.95])
    middle = row.calibration[1]
    error = (
        0.05 * (row.calibration[0].examples + row.calibration[2].examples)
        + abs(0.45 - middle.positive_ratio) * middle.examples
    ) / len(held)
    assert row.calibration_error == pytest.approx(error)


def test_of_more_examples_than_fit_those_of_the_smallest_digests_are_taken(trained):
    row = trained(examples(100), max_examples=150)
    assert row.examples + row.held_back == 150
    assert row.asDict() == trained(reversed(examples(100)), max_examples=150).asDict()
    assert trained(examples(75), max_examples=150).examples > 0
    with pytest.raises(ValueError, match=r"examples are '.*tive', and fewer than 50"):
        trained(examples(75), max_examples=90)


def test_labels_may_be_of_any_type_and_name(spark):
    rows = [(name, text, label == "positive") for name, text, label in examples()]
    frame = spark.createDataFrame(rows, "id STRING, text STRING, liked BOOLEAN")
    answer = train_classifier(frame, "linear", label="liked", positive="true", negative="false")
    assert answer.collect()[0].positives > 0


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (examples(49), {}, "49 examples are 'positive', and fewer than 50 say nothing"),
        (examples()[:60], {}, "of one class only: 'positive'"),
        ([], {}, "of one class only: there are none"),
        (examples(more=[("x", "a", "spam"), ("y", "a", None)]), {}, "2 examples have labels that "),
        (examples(more=[("x", " \n", "positive")]), {}, "1 examples have no word: 'x'"),
        (examples(more=[("x", None, "positive")]), {}, "1 examples have no word: 'x'"),
        (examples(more=[(None, "a", "positive")]), {}, "1 examples have no id"),
        (examples(), {"algorithm": "magic"}, "'magic' is none of fasttext, linear, ngram_ratio"),
        (examples(), {"held_back": 1.0}, "held_back is a share above 0 and below 1"),
        (examples(), {"held_back": 0.001}, "the examples held back are of one class only"),
        (examples(), {"label": "quality"}, "the examples have no column 'quality'"),
        (examples(), {"positive": "negative"}, "positive and negative are both 'negative'"),
        (examples(), {"negatives_passed": 1.5}, "negatives_passed is a share, 0 to 1, not 1.5"),
        (examples(), {"max_examples": 0}, "max_examples, epochs and buckets are at least 1"),
    ],
)
def test_examples_that_cannot_teach_are_refused(trained, rows, options, message):
    with pytest.raises(ValueError, match=message):
        trained(rows, **options)


@pytest.mark.parametrize("share", [0, 0.25, 0.5, 1])
def test_so_many_of_the_negatives_held_back_pass_the_ratio_s_middle(trained, tmp_path, share):
    draw = random.Random(5)
    vocabulary = {"positive": " ".join(GOOD).split(), "negative": " ".join(BAD + GOOD).split()}
    rows = [
        (name, " ".join(draw.choices(vocabulary[label], k=20)), label)
        for name, _, label in examples(400)
    ]
    row = trained(rows, "ngram_ratio", negatives_passed=share)
    (tmp_path / "model").write_bytes(row.content)
    held = [
        text for name, text, label in rows
        if label == "negative" and unit_of(f"held back {name}") < 0.2
    ]  # fmt: skip
    scores = quality(pa.array(held), model=str(tmp_path / "model")).to_pylist()
    passed = sum(score >= 0.5 for score in scores) / len(held)
    assert passed == pytest.approx(share, abs=2 / len(held))


def test_fifty_examples_of_a_class_are_enough(trained):
    assert trained(examples(50)).examples > 0


def test_more_text_than_the_driver_holds_is_refused(trained, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"bytes of text, and at most 1,000 fit on the driver"):
        trained(examples())


def test_a_model_that_no_row_can_carry_is_refused(trained, monkeypatch):
    monkeypatch.setattr(module, "MOST_MODEL_BYTES", 1000)
    with pytest.raises(ValueError, match=r"and at most 1,000 fit; lower buckets"):
        trained(examples())
