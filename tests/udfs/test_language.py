import gzip
import itertools
import json
import struct
from collections import Counter, defaultdict
from functools import cache
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.language import language

ENGLISH = "The oak is a tree that grows slowly and lives for hundreds of years."
GERMAN = "Die Eiche ist ein Baum, der langsam wächst und Hunderte von Jahren alt wird."


def found(*texts, **options):
    return language(pa.array(texts, pa.string()), **options).to_pylist()


@cache
def py3langid():
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


WORDS = st.sampled_from(
    [
        "the",
        "und",
        "est",
        "är",
        "не",
        "и",
        "को",
        "是",
        "です",
        "ال",
        "\n",
        " ",
        "É",
        "e\u0301",
        "<p>",
    ]
)
TEXTS = st.lists(WORDS | st.text(max_size=6), max_size=30).map(" ".join)


@given(st.lists(TEXTS, max_size=4))
@settings(max_examples=150, deadline=None)
def test_labels_and_scores_are_those_of_py3langid(texts):
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    for text, row in zip(texts, found(*texts), strict=True):
        ranked = py3langid().rank(text)
        scores = dict(ranked) | {"ki": dict(ranked)["kik"]}
        if row["label"] == "und":
            assert (row["score"], row["second_label"]) == (0.0, None)
            continue
        assert row["score"] == pytest.approx(ranked[0][1], rel=1e-2, abs=1e-5)
        assert scores[row["label"]] == pytest.approx(ranked[0][1], rel=1e-2, abs=1e-5)
        assert scores[row["second_label"]] == pytest.approx(ranked[1][1], rel=1e-2, abs=1e-5)


def score_by_the_book(text):
    """The score of a text's label as the model defines it: one byte after the other."""
    model = py3langid()
    state, counts = 0, Counter()
    for byte in text.encode():
        state = int(model.tk_nextmove[model.tk_row[state] * 256 + byte])
        counts[int(model.tk_output[state])] += 1
    del counts[-1]
    if not counts:
        return 0.0
    factors = np.log1p(np.array(list(counts.values()), np.float64))
    evidence = factors @ np.asarray(model.nb_ptc, np.float64)[list(counts)] + model.nb_pc
    chances = np.exp((evidence - evidence.max()) / np.sqrt(len(text.encode())))
    shares = Counter()
    for label, chance in zip(model.nb_classes, chances, strict=True):
        shares[label] += chance / chances.sum()
    return max(shares.values())


@given(st.lists(TEXTS.filter(lambda text: not text.isupper()), max_size=4))
@settings(max_examples=150, deadline=None)
def test_the_walk_at_four_places_is_the_walk_at_one(texts):
    texts = [normalize("NFC", text.encode("utf-8", "replace").decode()) for text in texts]
    expected = [score_by_the_book(text) for text in texts]
    assert [row["score"] for row in found(*texts)] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("length", [*range(22, 34), 5_000])
def test_no_byte_is_left_out_and_none_is_counted_twice(length):
    text = (ENGLISH * 100)[:length]
    assert found(text)[0]["score"] == pytest.approx(score_by_the_book(text), rel=1e-9)


def test_a_row_does_not_depend_on_its_neighbours_and_null_gives_null():
    rows = found(None, ENGLISH, "", GERMAN, None)
    assert [row and row["label"] for row in rows] == [None, "en", "und", "de", None]
    assert rows[1:2] == found(ENGLISH)
    column = pa.array(["x", None, GERMAN], pa.large_string()).slice(1)
    assert language(column).to_pylist() == [None, rows[3]]
    assert found() == []
    assert language(pa.nulls(2, pa.string())).to_pylist() == [None, None]


@pytest.mark.parametrize("text", ["", " \n\t", "0", "\x00"])
def test_a_text_that_shows_nothing_is_undetermined(text):
    assert found(text) == [{"label": "und", "score": 0.0, "second_label": None}]


def test_capitals_and_decomposed_letters_change_little():
    assert found(GERMAN.upper())[0]["label"] == "de"
    assert found(GERMAN.replace("ä", "a\u0308")) == found(GERMAN)


def test_a_text_that_repeats_itself_is_labelled_but_with_a_low_score():
    [row] = found(ENGLISH * 20_000)
    assert row["label"] == "en"
    assert row["score"] < 0.1 < found(ENGLISH)[0]["score"]


def test_broken_utf8_is_no_error():
    column = pa.array([ENGLISH.encode() + b"\xff\xc3"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 1, column.buffers())
    assert language(broken).to_pylist()[0]["label"] == "en"


def test_another_type_is_an_error():
    with pytest.raises(TypeError, match="expected a STRING column, got int64"):
        language(pa.array([1]))


class TestAModelOfTheUsers:
    @pytest.fixture
    def model(self, tmp_path):
        """A fastText model of two words and three languages, by hand, so that its scores are known.

        Layout: fastText 0.9.2, src/fasttext.cc saveModel, dictionary.cc save, densematrix.cc save.
        """
        words, labels = ["oak", "Eiche"], ["__label__eng_Latn", "__label__de", "__label__als"]
        arguments = struct.pack("<12id", 2, 5, 5, 1, 5, 1, 3, 3, 0, 0, 0, 100, 1e-4)
        entries = b"".join(
            name.encode() + b"\0" + struct.pack("<qb", 1, kind)
            for name, kind in [*((w, 0) for w in words), *((each, 1) for each in labels)]
        )
        dictionary = struct.pack("<iiiqq", 5, 2, 3, 5, -1) + entries

        def matrix(*rows):
            values = itertools.chain(*rows)
            return struct.pack("<qq", len(rows), 2) + struct.pack(f"<{2 * len(rows)}f", *values)

        path = tmp_path / "two_words.bin"
        path.write_bytes(
            struct.pack("<ii", 793712314, 12)
            + arguments
            + dictionary
            + b"\0"
            + matrix((9, 0), (0, 9))
            + b"\0"
            + matrix((1, 0), (0, 1), (-1, 0.5))
        )
        return str(path)

    def test_its_labels_are_given_as_iso_639(self, model):
        english, german = found("oak", "Eiche\n Eiche", model=model)
        assert (english["label"], german["label"], german["second_label"]) == ("en", "de", "gsw")
        assert 0.9 < german["score"] <= 1.0

    def test_a_text_without_words_is_undetermined(self, model):
        rows = found(" \n", None, "", model=model)
        assert [row and row["label"] for row in rows] == ["und", None, "und"]

    def test_a_file_that_is_missing_or_no_model_is_an_error_that_names_it(self, tmp_path):
        with pytest.raises(ValueError, match=r"there is no file '/no/lid\.bin'; give the path"):
            found("a", model="/no/lid.bin")
        (tmp_path / "lid.bin").write_bytes(b"no model")
        with pytest.raises(ValueError, match=r"lid\.bin' is no fastText model"):
            found("a", model=str(tmp_path / "lid.bin"))


def test_sentences_are_labelled_as_well_as_the_documentation_says(shared_data):
    """0.961 over the 72 languages of the set that the model knows, on all 300 sentences of each."""
    right = defaultdict(list)
    with gzip.open(shared_data / "labelled" / "lid" / "lingua_sentences.jsonl.gz") as file:
        rows = [json.loads(line) for line in itertools.islice(file, 0, None, 15)]
    for row, got in zip(rows, found(*(row["text"] for row in rows)), strict=True):
        if row["lang"] not in ("mi", "tn", "ts"):  # not among the model's
            right[row["lang"].replace("nb", "no")].append(got["label"])
    shares = [labels.count(lang) / len(labels) for lang, labels in right.items()]
    assert len(shares) == 72
    assert sum(shares) / len(shares) > 0.95
