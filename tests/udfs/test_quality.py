"""Scores of classifiers: the same whatever stands beside a text, which cannot choose its score."""

import struct
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.buffers import utf8
from winnow.udfs.classifiers import (
    as_lines,
    check_model,
    hashed_bytes,
    kind_of,
    load_classifier,
)
from winnow.udfs.hashed_ngrams import (
    BUCKETS,
    bucket_counts,
    features,
    log_ratios,
    mean_weights,
    weighted_sums,
)
from winnow.udfs.quality import quality

TEXTS = st.lists(st.none() | st.text("aB é語.\n\x00", max_size=12), max_size=5)


@pytest.fixture(scope="module")
def linear(tmp_path_factory):
    """A linear model of random weights."""
    path = tmp_path_factory.mktemp("models") / "linear"
    weights = np.random.default_rng(7).normal(size=BUCKETS)
    path.write_bytes(hashed_bytes("linear", weights, -0.5))
    return str(path)


@pytest.fixture(scope="module")
def ngram_ratio(tmp_path_factory):
    """A ratio of random weights."""
    path = tmp_path_factory.mktemp("models") / "ngram_ratio"
    weights = np.random.default_rng(8).normal(size=BUCKETS)
    path.write_bytes(hashed_bytes("ngram_ratio", weights, 0.25))
    return str(path)


@pytest.fixture(scope="module")
def fasttext(tmp_path_factory):
    """A small model of the library itself that prefers oaks to menus."""
    from fasttext import train_supervised

    folder = tmp_path_factory.mktemp("models")
    lines = ["__label__positive the old oak tree", "__label__negative home menu login"] * 60
    (folder / "examples").write_text("\n".join(lines) + "\n")
    model = train_supervised(
        str(folder / "examples"), wordNgrams=2, bucket=100, dim=4, thread=1, epoch=20, verbose=0
    )
    model.save_model(str(folder / "model.bin"))
    return str(folder / "model.bin")


def scored(model, *texts, **options):
    return quality(pa.array(texts, pa.string()), model=model, **options).to_pylist()


@pytest.fixture(scope="module", params=["linear", "ngram_ratio", "fasttext"])
def any_model(request):
    """A model of each kind, one after the other."""
    return request.getfixturevalue(request.param)


@given(texts=TEXTS)
@settings(deadline=None)
def test_a_score_depends_on_its_text_alone_and_is_a_probability(any_model, texts):
    together = scored(any_model, *texts)
    assert together == [one for text in texts for one in scored(any_model, text)]
    assert all(score is None or 0 <= score <= 1 for score in together)


def test_null_and_a_text_without_words_have_no_score(any_model):
    assert scored(any_model, None, "", " \n\t", "oak")[:3] == [None, None, None]
    assert scored(any_model, "oak")[0] is not None
    assert scored(any_model) == []


def test_without_a_model_nothing_is_scored():
    assert scored("", "oak", None) == [None, None]


def test_fasttext_gives_the_librarys_own_probability(fasttext):
    from fasttext import load_model

    text = "the old\noak  login"
    labels, probabilities = load_model(fasttext).predict(text.replace("\n", " "), k=2)
    own = dict(zip(labels, probabilities.tolist(), strict=True))
    assert scored(fasttext, text) == [pytest.approx(own["__label__positive"], abs=1e-6)]
    negative = scored(fasttext, text, label="__label__negative")
    assert negative == [pytest.approx(own["__label__negative"], abs=1e-6)]
    assert scored(fasttext, "oak")[0] > 0.9 > 0.1 > scored(fasttext, "login")[0]


def test_a_text_cannot_name_its_own_label_or_end_its_line():
    lines = as_lines(pa.array(["a\n__label__positive b </s> c", None, "d"]))
    assert [line.split() for line in lines] == [["a", "positive", "b", "c"], [], ["d"]]


def test_broken_utf8_is_no_error(any_model):
    column = pa.array([b"oak \xff\xc3", b"oak"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 2, column.buffers())
    assert quality(broken, model=any_model).null_count == 0


def test_features_are_words_and_pairs_without_case_and_accents():
    data = utf8(pa.array(["An oak, an OAK", "än öak AN oak!", "oak an oak an", "", "oak"]))
    first, buckets, values = features(*data)
    assert np.diff(first).tolist() == [4, 4, 4, 0, 1]  # an, oak, an oak, oak an
    rows = [dict(zip(buckets[a:b], values[a:b], strict=True)) for a, b in pairwise(first)]
    assert rows[0] == rows[1] != rows[2]
    for row in (rows[0], rows[2], rows[4]):
        assert sum(value**2 for value in row.values()) == pytest.approx(1, abs=1e-6)


def test_a_sum_is_that_of_the_features_and_their_weights():
    weights = np.random.default_rng(1).normal(size=BUCKETS).astype(np.float32)
    data = utf8(pa.array(["one two three two", "", "four"]))
    first, buckets, values = features(*data)
    sums = weighted_sums(*data, weights)
    assert np.isnan(sums[1])
    for row in (0, 2):
        own = slice(first[row], first[row + 1])
        assert sums[row] == pytest.approx(float(values[own] @ weights[buckets[own]]), abs=1e-5)


def test_a_ratio_is_that_of_the_shares_of_words_and_pairs_in_both_classes():
    def counts(*texts):
        return bucket_counts(*utf8(pa.array(texts)))

    positives, negatives = counts("An oak, an OAK", "oak"), counts("menu")
    assert (positives.sum(), negatives.sum()) == (8, 1)  # five words and three pairs; one word
    weights = log_ratios(positives, negatives)

    def mean(text):
        return mean_weights(*utf8(pa.array([text])), weights)[0]

    # One n-gram of the smaller class, of which there is one, is added to each share.
    assert mean("oak") == pytest.approx(np.log(3 / 8 + 1) - np.log(1), abs=1e-6)
    assert mean("menu") == pytest.approx(np.log(1) - np.log(1 + 1), abs=1e-6)
    assert mean("never seen") == 0
    assert mean("oak menu") == pytest.approx((mean("oak") + mean("menu")) / 3, abs=1e-6)
    assert mean("oak " * 50) < mean("oak")  # of `oak oak` nothing is known; length tells nothing
    assert np.isnan(mean("..."))


def test_a_file_that_is_no_model_is_an_error_that_says_so(tmp_path, linear, fasttext):
    (tmp_path / "notes.bin").write_bytes(b"no model")
    with pytest.raises(ValueError, match=r"notes\.bin' is no model; a model is a fastText file"):
        scored(str(tmp_path / "notes.bin"), "oak")
    with pytest.raises(ValueError, match=r"model: '/no/such\.bin' cannot be read"):
        scored("/no/such.bin", "oak")
    with open(linear, "rb") as file:
        (tmp_path / "half").write_bytes(file.read()[:-1])
    with pytest.raises(ValueError, match="is no whole linear model: it has 1,048,599 bytes"):
        scored(str(tmp_path / "half"), "oak")
    (tmp_path / "old.bin").write_bytes(struct.pack("<ii", 793712314, 99) + bytes(100))
    with pytest.raises(ValueError, match="is a fastText file of version 99; 11 and 12 are known"):
        scored(str(tmp_path / "old.bin"), "oak")


@pytest.mark.parametrize("kind", ["plain", "quantised", "quantised with norms"])
def test_a_fasttext_file_that_ends_early_is_told_before_the_library_reads_it(tmp_path, kind):
    from fasttext import train_supervised

    lines = ["__label__positive the old oak tree", "__label__negative home menu login"] * 60
    (tmp_path / "examples").write_text("\n".join(lines) + "\n")
    options = {"wordNgrams": 2, "bucket": 1000, "dim": 4, "thread": 1, "epoch": 1, "verbose": 0}
    model = train_supervised(str(tmp_path / "examples"), **options)
    if kind == "quantised":
        model.quantize()
    elif kind == "quantised with norms":
        model.quantize(input=str(tmp_path / "examples"), qnorm=True, cutoff=300)
    path = tmp_path / "model.bin"
    model.save_model(str(path))
    whole = path.read_bytes()
    assert check_model(str(path)) == "fasttext"
    ends = {"header": 20, "dictionary": 100, "matrix of words": len(whole) // 2,
            "matrix of labels": len(whole) - 1}  # fmt: skip
    for part, end in ends.items():
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match=rf"has {end:,} bytes and ends within its {part}; "):
            scored(str(path), "oak")
    for end in range(8, len(whole), 97):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match="is no whole fastText file"):
            check_model(str(path))


def test_a_fasttext_file_of_sizes_that_cannot_be_is_told(tmp_path, fasttext):
    with open(fasttext, "rb") as file:
        content = bytearray(file.read())
    content[64:68] = struct.pack("<i", -5)  # how many words its dictionary has
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(ValueError, match="damaged fastText file: its dictionary has the size -5"):
        check_model(str(tmp_path / "model.bin"))


def test_a_label_that_the_model_has_not_is_an_error_that_names_those_it_has(fasttext, linear):
    with pytest.raises(ValueError, match=r"has no label '__label__hq'; give one .*__label__negat"):
        scored(fasttext, "oak", label="__label__hq")
    with pytest.raises(ValueError, match="is linear and scores one label"):
        scored(linear, "oak", label="__label__hq")


def test_a_model_is_told_by_its_first_bytes_and_loaded_once(linear):
    assert kind_of(struct.pack("<ii", 793712314, 12)) == "fasttext"
    assert load_classifier(linear) is load_classifier(linear)
