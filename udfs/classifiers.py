"""Classifiers of texts as files: fastText's own format, and two models of hashed n-grams.

All are what `train_classifier` stores in a table. A score is the probability of one label.
"""

import struct
from collections.abc import Callable, Sequence
from functools import cache
from os import SEEK_END
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.udfs.buffers import texts, utf8
from winnow.udfs.fasttext_files import read_parts
from winnow.udfs.fasttext_scores import NO_NUMBER, Plain, read_plain, scores
from winnow.udfs.hashed_ngrams import BUCKETS, mean_weights, weighted_sums

FASTTEXT, LINEAR, NGRAM_RATIO = "fasttext", "linear", "ngram_ratio"
POSITIVE, NEGATIVE = "__label__positive", "__label__negative"

_FASTTEXT_MAGIC = struct.pack("<i", 793712314)  # fastText 0.9.2, src/fasttext.cc
_MAGIC = {LINEAR: b"winnow-linear-1\n", NGRAM_RATIO: b"winnow-ngrams-1\n"}
_HEADER = 16  # bytes that tell what a model is
_HASHED_BYTES = 8 + 4 * BUCKETS  # a bias, and a weight for each bucket
_LABEL, _END = "__label__", "</s>"  # words that mean something to fastText


class Classifier(Protocol):
    """A model that was loaded."""

    def score(self, text: pa.Array) -> NDArray[np.float64]:
        """Return the score of each text, 0 to 1; NaN for one without words, null included."""


def kind_of(head: bytes) -> str:
    """Return what kind of model a file is, from its first bytes.

    Raises:
        ValueError: it is none.
    """
    if head.startswith(_FASTTEXT_MAGIC):
        return FASTTEXT
    for kind, magic in _MAGIC.items():
        if head.startswith(magic):
            return kind
    raise ValueError(
        "is no model; a model is a fastText file (.bin or .ftz) or what train_classifier makes"
    )


def check_model(path: str) -> str:
    """Return what kind of model a file is, and make sure that it is whole: nothing is loaded.

    Raises:
        ValueError: there is no such file, it is no model, or it ends too early.
    """
    try:
        with Path(path).open("rb") as file:
            kind = kind_of(file.read(_HEADER))
            size = file.seek(0, SEEK_END)
    except OSError as error:
        raise ValueError(f"cannot be read ({type(error).__name__})") from None
    if kind == FASTTEXT:
        read_parts(path)
    elif size != _HEADER + _HASHED_BYTES:
        raise ValueError(f"is no whole {kind} model: it has {size:,} bytes")
    return kind


def _without_marks(text: pa.Array) -> pa.Array:
    """Return texts without the words that fastText takes for its own: a label, or a line's end.

    They become spaces; null is empty.
    """
    text = text.fill_null("")
    for mark in (_LABEL, _END):
        text = pc.replace_substring(text, mark, " ")
    return text


def as_lines(text: pa.Array) -> list[str]:
    """Return texts as the library reads them, one line each, without words of its own."""
    text = pc.replace_substring(_without_marks(text), "\n", " ")
    try:
        lines: list[str] = text.to_pylist()
    except UnicodeDecodeError:
        lines = [each or "" for each in texts(text)]
    return lines


class FastText:
    """A supervised model of fastText as `train_supervised` makes it, read by a kernel."""

    def __init__(self, model: Plain, labels: Sequence[str], label: str) -> None:
        """Take a model that was read.

        Raises:
            ValueError: it has no such label.
        """
        self._model, self._label = model, _place(label, labels)

    def score(self, text: pa.Array) -> NDArray[np.float64]:
        """See Classifier.

        Raises:
            ValueError: the model's weights give no number.
        """
        found = scores(self._model, self._label, *utf8(_without_marks(text)))
        if (found == NO_NUMBER).any():
            raise ValueError("is a damaged fastText file: its weights give no number")
        return _at_most_1(found)


class FastTextLibrary:
    """Any other supervised model, by the library; each worker holds its file in memory."""

    def __init__(self, path: str, label: str) -> None:
        """Load the file.

        Raises:
            ValueError: it is no supervised model, or has no such label.
        """
        from fasttext import load_model

        try:
            model: Any = load_model(path)
            labels = model.f.getLabels("replace")[0]
        except (RuntimeError, ValueError, MemoryError) as error:
            raise ValueError(f"is no fastText model: {error}") from None
        if not any(each.startswith(_LABEL) for each in labels):
            raise ValueError("is a fastText model of words, not of labels")
        self._label = labels[_place(label, labels)]
        self._model, self._count = model, len(labels)

    def score(self, text: pa.Array) -> NDArray[np.float64]:
        """See Classifier.

        Raises:
            ValueError: the model's weights give no number.
        """
        predict, label, count = self._model.f.predict, self._label, self._count
        found = np.full(len(text), np.nan)
        for row, line in enumerate(as_lines(text)):
            if line and not line.isspace():
                try:
                    given = predict(line + "\n", count, 0.0, "replace")
                except RuntimeError as error:  # of a weight that is no number
                    raise ValueError(f"is a damaged fastText file: {error}") from None
                found[row] = next((p for p, each in given if each == label), 0.0)
        return _at_most_1(found)


def _fasttext(path: str, label: str) -> Classifier:
    found = read_plain(path)
    return FastText(*found, label) if found else FastTextLibrary(path, label)


def _place(label: str, labels: Sequence[str]) -> int:
    wanted = label or POSITIVE
    if wanted not in labels:
        known = ", ".join(sorted(labels)[:5])
        raise ValueError(f"has no label {wanted!r}; give one as label => ...: {known}")
    return labels.index(wanted)


def _at_most_1(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return scores without what fastText adds to a probability before its logarithm, 1e-5."""
    capped: NDArray[np.float64] = np.minimum(found, 1.0)
    return capped


class Linear:
    """Logistic regression over `winnow.udfs.hashed_ngrams`: 1 MB, 100 MB of text a second."""

    def __init__(self, path: str, label: str) -> None:
        """Load the file.

        Raises:
            ValueError: a label is asked for: it has one.
        """
        self._weights, self._bias = _hashed(path, label, LINEAR)

    def score(self, text: pa.Array) -> NDArray[np.float64]:
        """See Classifier."""
        sums = weighted_sums(*utf8(text.fill_null("")), self._weights)
        return _probabilities(sums + self._bias)


class NgramRatio:
    """The mean of `log_ratios` over a text's words and pairs, and a bias: 1 MB, 240 MB a second.

    Its scores rank texts, and 0.5 is what the bias makes it; they are no calibrated probabilities.
    """

    def __init__(self, path: str, label: str) -> None:
        """Load the file.

        Raises:
            ValueError: a label is asked for: it has one.
        """
        self._weights, self._bias = _hashed(path, label, NGRAM_RATIO)

    def score(self, text: pa.Array) -> NDArray[np.float64]:
        """See Classifier."""
        means = mean_weights(*utf8(text.fill_null("")), self._weights)
        return _probabilities(means + self._bias)


def _hashed(path: str, label: str, kind: str) -> tuple[NDArray[np.float32], float]:
    """Return weights float32[BUCKETS] and bias of a model of hashed n-grams."""
    content = Path(path).read_bytes()
    if label not in ("", POSITIVE):
        raise ValueError(f"is {kind} and scores one label, not {label!r}; leave `label` out")
    bias = struct.unpack_from("<d", content, _HEADER)[0]
    return np.frombuffer(content, "<f4", BUCKETS, _HEADER + 8), bias


def _probabilities(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    probabilities: NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return probabilities


def hashed_bytes(kind: str, weights: NDArray[np.floating[Any]], bias: float) -> bytes:
    """Return the file of a model of hashed n-grams: LINEAR or NGRAM_RATIO.

    Args:
        kind: which of them.
        weights: one number a bucket, [BUCKETS].
        bias: what is added to a text's sum or mean of weights.
    """
    return _MAGIC[kind] + struct.pack("<d", bias) + weights.astype("<f4").tobytes()


_CLASSES: dict[str, Callable[[str, str], Classifier]] = {
    FASTTEXT: _fasttext,
    LINEAR: Linear,
    NGRAM_RATIO: NgramRatio,
}


@cache
def load_classifier(path: str, label: str = "") -> Classifier:
    """Return the model of a file; it is loaded once in each process.

    Raises:
        ValueError: there is no such file, it is no whole model, or has no such label.
    """
    return _CLASSES[check_model(path)](path, label)
