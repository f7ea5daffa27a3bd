"""Classifiers of texts as files: fastText's own format, and linear models of hashed n-grams.

Both are what `train_classifier` stores in a table. A score is the probability of one label.
"""

import struct
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.udfs.buffers import texts, utf8
from winnow.udfs.hashed_ngrams import BUCKETS, weighted_sums

FASTTEXT, LINEAR = "fasttext", "linear"
POSITIVE, NEGATIVE = "__label__positive", "__label__negative"

_FASTTEXT_MAGIC = struct.pack("<i", 793712314)  # fastText 0.9.2, src/fasttext.cc
_LINEAR_MAGIC = b"winnow-linear-1\n"
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
    if head.startswith(_LINEAR_MAGIC):
        return LINEAR
    raise ValueError(
        "is no model; a model is a fastText file (.bin or .ftz) or what train_classifier makes"
    )


def as_lines(text: pa.Array) -> list[str]:
    """Return texts as fastText reads them, one line each; null is empty.

    Line ends become spaces, and so do the words of a text that fastText would take for its own: a
    label, or the end of a line.
    """
    text = text.fill_null("")
    for mark in ("\n", _LABEL, _END):
        text = pc.replace_substring(text, mark, " ")
    try:
        lines: list[str] = text.to_pylist()
    except UnicodeDecodeError:
        lines = [each or "" for each in texts(text)]
    return lines


class FastText:
    """A supervised model of fastText; its whole file is held in memory, by each worker."""

    def __init__(self, path: str, label: str = "") -> None:
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
        wanted = label or POSITIVE
        if wanted not in labels:
            known = ", ".join(sorted(labels)[:5])
            raise ValueError(f"has no label {wanted!r}; give one as label => ...: {known}")
        self._model, self._label, self._count = model, wanted, len(labels)

    def score(self, text: pa.Array) -> NDArray[np.float64]:
        """See Classifier. fastText adds 1e-5 to a probability before its logarithm; here 1 is 1."""
        predict, label, count = self._model.f.predict, self._label, self._count
        found = np.full(len(text), np.nan)
        for row, line in enumerate(as_lines(text)):
            if line and not line.isspace():
                given = predict(line + "\n", count, 0.0, "replace")
                found[row] = next((p for p, each in given if each == label), 0.0)
        scores: NDArray[np.float64] = np.minimum(found, 1.0)
        return scores


class Linear:
    """Logistic regression over `winnow.udfs.hashed_ngrams`: 1 MB, 50 MB of text a second."""

    def __init__(self, path: str, label: str = "") -> None:
        """Load the file.

        Raises:
            ValueError: it is damaged, or a label is asked for: it has one.
        """
        content = Path(path).read_bytes()
        header = len(_LINEAR_MAGIC)
        if len(content) != header + 8 + 4 * BUCKETS:
            raise ValueError(f"is no whole linear model: it has {len(content):,} bytes")
        if label not in ("", POSITIVE):
            raise ValueError(f"is linear and scores one label, not {label!r}; leave `label` out")
        self._bias = struct.unpack_from("<d", content, header)[0]
        self._weights = np.frombuffer(content, "<f4", BUCKETS, header + 8)

    def score(self, text: pa.Array) -> NDArray[np.float64]:
        """See Classifier."""
        data, offsets = utf8(text.fill_null(""))
        sums = weighted_sums(data, offsets, self._weights) + self._bias
        scores: NDArray[np.float64] = 1 / (1 + np.exp(-sums))
        return scores


def linear_bytes(weights: NDArray[np.float64], bias: float) -> bytes:
    """Return the file of a linear model: weights float64[BUCKETS] and the bias."""
    return _LINEAR_MAGIC + struct.pack("<d", bias) + weights.astype("<f4").tobytes()


@cache
def load_classifier(path: str, label: str = "") -> Classifier:
    """Return the model of a file; it is loaded once in each process.

    Raises:
        ValueError: there is no such file, or it is no model.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(len(_LINEAR_MAGIC))
    except OSError as error:
        raise ValueError(f"cannot be read ({type(error).__name__})") from None
    return FastText(path, label) if kind_of(head) == FASTTEXT else Linear(path, label)
