"""The language that a text is written in.

py3langid's model of 139 languages, walked by a kernel of ours; the measurements that chose it are
in docs/language.md. Loading it takes one to three seconds and 100 MB in each Python worker, once.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, texts
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import File, column_function

FIELDS = {
    "label": pa.string(),
    "score": pa.float64(),
    "second_label": pa.string(),
}
UNDETERMINED = "und"  # ISO 639-3 for a text that shows no language

# Labels that are not ISO 639 as we give it. fastText's lid.176 keeps Wikipedia's old codes.
_PY3LANGID = {"kik": "ki"}
_LID_176 = {"als": "gsw", "bh": "bih", "sh": "hbs"}

_TABLE = types.Array(types.float32, 2, "C", readonly=True)
_STATES = types.Array(types.int32, 1, "C", readonly=True)
_CELLS = types.Array(types.uint32, 1, "C", readonly=True)
_SCORES = types.Array(types.float64, 2, "C")

Found = tuple[str | None, float, str | None]


@kernel(_SCORES(BYTES, OFFSETS, _CELLS, _STATES, _STATES, _TABLE))
def _evidence(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    moves: NDArray[np.uint32],
    rows: NDArray[np.int32],
    features: NDArray[np.int32],
    weights: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Sum log(1 + count) * weights over the features of each text: float64[n_texts, n_classes].

    A row without any feature is NaN. The order of the sum is that of first occurrence, so that it
    is the same on every machine.
    """
    classes = weights.shape[1]
    found = np.zeros((offsets.size - 1, classes), np.float64)
    counts = np.zeros(weights.shape[0], np.int64)
    for text in range(offsets.size - 1):
        length = offsets[text + 1] - offsets[text]
        seen = np.empty(min(length, counts.size), np.int64)
        distinct, state = 0, 0
        for i in range(offsets[text], offsets[text + 1]):
            state = int(moves[rows[state] * 256 + data[i]])
            feature = features[state]
            if feature >= 0:
                if counts[feature] == 0:
                    seen[distinct] = feature
                    distinct += 1
                counts[feature] += 1
        for k in range(distinct):
            feature = seen[k]
            factor = np.log1p(counts[feature])
            for c in range(classes):
                found[text, c] += factor * weights[feature, c]
            counts[feature] = 0
        if distinct == 0:
            found[text, :] = np.nan
    return found


@dataclass(frozen=True)
class _Model:
    """py3langid's arrays, as the kernel reads them."""

    labels: list[str]
    twins: list[tuple[int, int]]  # columns of one label: the one that counts, the one that joins it
    prior: NDArray[np.float64]
    moves: NDArray[np.uint32]
    rows: NDArray[np.int32]
    features: NDArray[np.int32]
    weights: NDArray[np.float32]

    def __call__(self, batch: list[str]) -> list[Found]:
        encoded = [_as_trained(text) for text in batch]
        offsets = np.zeros(len(batch) + 1, np.int64)
        np.cumsum([len(text) for text in encoded], out=offsets[1:])
        data = np.frombuffer(b"".join(encoded), np.uint8)
        scores = _evidence(data, offsets, self.moves, self.rows, self.features, self.weights)
        scores += self.prior
        # py3langid's temperature: the square root of the bytes keeps scores comparable
        # between short texts and long ones.
        scores /= np.sqrt(np.maximum(np.diff(offsets), 1))[:, None]
        scores -= scores.max(axis=1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=1, keepdims=True)
        for first, twin in self.twins:
            scores[:, first] += scores[:, twin]
            scores[:, twin] = 0.0
        at = np.arange(len(batch))
        best = scores.argmax(axis=1)
        score = scores[at, best]
        scores[at, best] = -1.0
        second = scores.argmax(axis=1)
        return [
            (None, 0.0, None) if np.isnan(sure) else (self.labels[one], sure, self.labels[two])
            for one, sure, two in zip(best, score.tolist(), second, strict=True)
        ]


def _as_trained(text: str) -> bytes:
    """Fold a text as py3langid does before it looks at it."""
    if text.isupper():
        text = text.lower()
    return unicodedata.normalize("NFC", text).encode()


@cache
def _built_in() -> _Model:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    found: Any = LanguageIdentifier.from_model_file(MODEL_FILE)
    labels = [_PY3LANGID.get(label, label) for label in found.nb_classes]
    twins = [(labels.index(each), i) for i, each in enumerate(labels) if labels.index(each) != i]
    arrays = (
        np.asarray(found.nb_pc, np.float64),
        np.asarray(found.tk_nextmove, np.uint32),
        np.asarray(found.tk_row, np.int32),
        np.asarray(found.tk_output, np.int32),
        np.ascontiguousarray(found.nb_ptc, np.float32),
    )
    for array in arrays:
        array.flags.writeable = False
    return _Model(labels, twins, *arrays)


@dataclass(frozen=True)
class _FastText:
    """A fastText model of the user's own."""

    model: Any

    def __call__(self, batch: list[str]) -> list[Found]:
        return [self._one(" ".join(text.split())) for text in batch]

    def _one(self, line: str) -> Found:
        if not line:
            return None, 0.0, None
        # The library's binding: (probability, label) pairs, best first. Its own wrapper gives the
        # same in an array.
        found = self.model.predict(line + "\n", 2, 0.0, "strict")
        if not found:
            return None, 0.0, None
        labels = [_iso_639(label) for _, label in found]
        return labels[0], min(1.0, float(found[0][0])), labels[1] if len(labels) > 1 else None


def _iso_639(label: str) -> str:
    """`__label__en`, `__label__eng_Latn` and `__label__als` are en, en and gsw."""
    from babel.core import get_global

    code, _, script = label.removeprefix("__label__").partition("_")
    if not script and code in _LID_176:
        return _LID_176[code]
    short = get_global("language_aliases").get(code, "")
    return short if len(code) == 3 and len(short) == 2 else code


@cache
def _from_file(path: File) -> _FastText:
    if not Path(path).is_file():
        raise ValueError(
            f"model: there is no file {path!r}; give the path of a fastText model such as "
            "lid.176.bin on every worker, or leave `model` out for the one that comes with Winnow"
        )
    from fasttext import load_model

    try:
        return _FastText(load_model(path).f)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"model: {path!r} is no fastText model: {error}") from error


@column_function(
    returns="STRUCT<label STRING, score DOUBLE, second_label STRING>",
    version=1,
    libraries=("py3langid", "fasttext-community", "babel"),
    measures=True,
)
def language(text: pa.Array, model: File = "") -> pa.Array:
    """Return the language that each text is written in, how sure that is, and the runner-up.

    Shape: STRING -> STRUCT<label STRING, score DOUBLE, second_label STRING>; null gives null.
    Units: `label` is ISO 639-1 where there is one, else ISO 639-3; `zxx` is a text that is no
        language (numbers, markup), `und` with score 0 one that shows nothing at all, e.g. an empty
        text. Norwegian is `no` (Bokmål) or `nn`. `score` is the probability that the model gives
        its label, 0 to 1; a text that repeats itself a hundred times scores low, whatever its
        language. Scores of two models do not compare: a threshold of 0.65 on fastText's lid.176
        is another one here.
    Errors: ValueError if `model` is no file or no fastText model. No text is an error.
    Source: py3langid 0.4 (Lui and Baldwin 2012, ACL P12-3005; Barbaresi's fork and model), scores
        normalised as its norm_probs. Differs: sums in double precision and in a fixed order. With
        `model`, the path of a fastText model (lid.176.bin, GlotLID): Joulin et al. 2016,
        arXiv:1607.01759, white space runs as one space. Measured in docs/language.md.
    """
    identify = _from_file(model) if model else _built_in()
    every = list(texts(text))
    found = iter(identify([each for each in every if each is not None]))
    rows: list[dict[str, object] | None] = []
    for each in every:
        if each is None:
            rows.append(None)
            continue
        label, score, second = next(found)
        rows.append({"label": label or UNDETERMINED, "score": score, "second_label": second})
    return pa.array(rows, pa.struct(FIELDS))
