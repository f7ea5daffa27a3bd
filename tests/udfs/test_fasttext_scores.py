"""fastText's scores by our kernel are the library's, for every text and every kind of model."""

import struct

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.buffers import utf8
from winnow.udfs.classifiers import load_classifier
from winnow.udfs.fasttext_scores import NO_NUMBER, read_plain, scores
from winnow.udfs.quality import quality

LINES = (
    "__label__positive the old oak tree in the old town",
    "__label__positive größer 語 the 語 oak",
    "__label__negative home menu login home menu",
    "__label__third the menu of the town",
)
WORDS = ("the", "old", "oak", "menu", "größer", "語", "unseen", "a", "\u3000", "\u00a0", "</s")
SEPARATORS = (" ", "\n", "\t", "\r\n", "\x0b", "\x0c", "\x00", "  ")
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(WORDS + SEPARATORS), max_size=60).map("".join),
)
KINDS = {
    "words": {"wordNgrams": 1, "dim": 16},
    "pairs": {"wordNgrams": 2, "dim": 7, "bucket": 50},
    "runs of five": {"wordNgrams": 5, "dim": 100, "bucket": 1000},
}


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Train a model with some options; return its file."""

    def train(**options):
        from fasttext import train_supervised

        folder = tmp_path_factory.mktemp("models")
        (folder / "examples").write_text("\n".join(LINES * 40) + "\n")
        given = {"thread": 1, "epoch": 3, "verbose": 0, "bucket": 100} | options
        train_supervised(str(folder / "examples"), **given).save_model(str(folder / "model.bin"))
        return folder / "model.bin"

    return train


@pytest.fixture(scope="module", params=KINDS)
def model(request, train):
    return str(train(**KINDS[request.param]))


def by_library(path: str, texts: list[str], label: str) -> list[float | None]:
    from fasttext import load_model

    predict = load_model(path).f.predict
    found = []
    for text in texts:
        line = text.replace("\n", " ").replace("</s>", " ").replace("__label__", " ")
        known = {name: score for score, name in predict(line + "\n", 9, 0.0, "replace")}
        found.append(min(known.get(label, 0.0), 1.0) if line.strip() else None)
    return found


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
@settings(deadline=None)
def test_a_score_is_the_librarys(model, texts):
    plain, labels = read_plain(model)
    assert sorted(labels) == ["__label__negative", "__label__positive", "__label__third"]
    for label in labels:
        expected = by_library(model, texts, label)
        column = pa.array([text if score is not None else "" for text, score in
                           zip(texts, expected, strict=True)])  # fmt: skip
        found = scores(plain, labels.index(label), *utf8(column))
        for one, other in zip(found, expected, strict=True):
            assert np.isnan(one) if other is None else one == pytest.approx(other, rel=3e-7)


def test_a_long_text_has_the_librarys_bits_in_its_sums(model):
    text = " ".join(["the old oak", "menu login\n", "unseen größer"] * 5000)
    [expected] = by_library(model, [text], "__label__third")
    plain, labels = read_plain(model)
    [found] = scores(plain, labels.index("__label__third"), *utf8(pa.array([text])))
    assert found == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(
    "options",
    [{"loss": "hs"}, {"loss": "ova"}, {"loss": "ns"}, {"minn": 2, "maxn": 4}],
    ids=["hierarchical softmax", "one against all", "negative sampling", "character n-grams"],
)
def test_another_kind_of_model_is_left_to_the_library(train, options):
    path = train(**options)
    assert read_plain(str(path)) is None
    text = "the old oak, 語"
    [expected] = by_library(str(path), [text], "__label__positive")
    [found] = load_classifier(str(path)).score(pa.array([text]))
    assert found == expected


def test_a_model_whose_weights_are_no_numbers_is_an_error(train):
    path = train(dim=4)
    content = bytearray(path.read_bytes())
    content[-4:] = struct.pack("<f", float("nan"))  # the last label's last weight
    path.write_bytes(content)
    plain, _ = read_plain(str(path))
    assert scores(plain, 0, *utf8(pa.array(["oak", " "])))[0] == NO_NUMBER
    with pytest.raises(ValueError, match="its weights give no number"):
        load_classifier(str(path)).score(pa.array(["oak"]))


def test_a_weight_that_is_no_number_is_an_error_by_the_library_too(train):
    path = train(loss="ova")
    content = bytearray(path.read_bytes())
    content[-4:] = struct.pack("<f", float("nan"))
    path.write_bytes(content)
    with pytest.raises(ValueError, match="is a damaged fastText file: Encountered NaN"):
        load_classifier(str(path)).score(pa.array(["oak"]))


# Offsets of the header's and the dictionary's numbers: src/args.cc, src/dictionary.cc.
@pytest.mark.parametrize(
    ("offset", "number", "part"),
    [(8, 5, "matrix of words"), (28, 2, "header"), (40, 7, "matrix of words"),
     (48, 2, "header"), (68, 3, "dictionary"), (72, 2, "dictionary")],
    ids=["dimensions", "n-grams", "buckets", "subwords", "words", "labels"],
)  # fmt: skip
def test_a_file_whose_parts_do_not_fit_is_told_before_anything_reads_beside_them(
    train, offset, number, part
):
    path = train(wordNgrams=1)
    content = bytearray(path.read_bytes())
    content[offset : offset + 4] = struct.pack("<i", number)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"damaged fastText file: its {part} does not fit"):
        load_classifier(str(path))


def test_a_word_of_another_kind_or_that_stands_twice_is_told(train):
    path = train(wordNgrams=1)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"oak\0", b"old\0"))
    with pytest.raises(ValueError, match="a word stands twice in its dictionary"):
        load_classifier(str(path))
    kind = content.index(b"oak\0") + len(b"oak\0") + 8
    path.write_bytes(content[:kind] + b"\x10" + content[kind + 1 :])
    with pytest.raises(ValueError, match="its dictionary does not fit the rest"):
        load_classifier(str(path))


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_a_slice_of_any_column_of_strings_is_scored_as_its_texts_alone(model, kind):
    column = pa.array(["menu", "the oak", None, "login"], kind)
    [whole] = quality(column[1:2], model=model, label="__label__third").to_pylist()
    assert [whole] == quality(
        pa.array(["the oak"]), model=model, label="__label__third"
    ).to_pylist()
    assert quality(column[4:], model=model).to_pylist() == []
    assert quality(column[2:3], model=model).to_pylist() == [None]
