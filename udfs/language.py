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
from winnow.udfs.remembered import remembered

FIELDS = {
    "label": pa.string(),
    "score": pa.float64(),
    "second_label": pa.string(),
}
UNDETERMINED = "und"  # ISO 639-3 for a text that shows no language

# Labels that are not ISO 639 as we give it. fastText's lid.176 keeps Wikipedia's old codes.
_PY3LANGID = {"kik": "ki"}
_LID_176 = {"als": "gsw", "bh": "bih", "sh": "hbs"}

_MOVES = types.Array(types.uint32, 2, "C", readonly=True)
_STATES = types.Array(types.int32, 1, "C", readonly=True)
_WEIGHTS = types.Array(types.int16, 2, "C", readonly=True)
_SCORES = types.Array(types.float64, 2, "C")

# The model's weights are half-precision numbers between 2 and 16 in size: whole multiples of this.
_UNIT = 2.0**-9
_LONGEST = 6  # bytes of a feature: after so many the automaton has forgotten what was before

Found = tuple[str | None, float, str | None]


@kernel(types.uint64(_MOVES, _STATES, types.uint64, types.uint8), inlined=True)
def _next(
    moves: NDArray[np.uint32], rows: NDArray[np.int32], state: np.uint64, byte: np.uint8
) -> np.uint64:
    return np.uint64(moves[np.uint64(byte), np.uint64(rows[state])])


@kernel(_SCORES(BYTES, OFFSETS, _MOVES, _STATES, _STATES, _WEIGHTS))
def _evidence(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    moves: NDArray[np.uint32],
    rows: NDArray[np.int32],
    features: NDArray[np.int32],
    weights: NDArray[np.int16],
) -> NDArray[np.float64]:
    """Sum log(1 + count) * weights over the features of each text: float64[n_texts, n_classes].

    A row without any feature is NaN; the last row of weights is that of no feature, of zeros. The
    weights of features that are as frequent are added as whole numbers first, so that the sum does
    not depend on the order.

    A step of the automaton waits for memory, so a text is walked at four places at once.
    """
    classes, no_feature = weights.shape[1], weights.shape[0] - 1
    found = np.zeros((offsets.size - 1, classes), np.float64)
    total = np.empty(classes, np.int32)
    counts = np.zeros(weights.shape[0], np.int32)
    seen = np.empty(weights.shape[0] + 1, np.int32)
    for text in range(offsets.size - 1):
        start, end = offsets[text], offsets[text + 1]
        quarter = (end - start) // 4 if end - start >= 4 * _LONGEST else 0
        distinct = 0
        one = two = three = four = np.uint64(0)
        # The last three begin a feature's length earlier, to be in the state that one would be in.
        for i in range(start + quarter - min(quarter, _LONGEST), start + quarter):
            two = _next(moves, rows, two, data[np.uint64(i)])
            three = _next(moves, rows, three, data[np.uint64(i + quarter)])
            four = _next(moves, rows, four, data[np.uint64(i + 2 * quarter)])
        for i in range(start, start + quarter):
            one = _next(moves, rows, one, data[np.uint64(i)])
            two = _next(moves, rows, two, data[np.uint64(i + quarter)])
            three = _next(moves, rows, three, data[np.uint64(i + 2 * quarter)])
            four = _next(moves, rows, four, data[np.uint64(i + 3 * quarter)])
            for state in (one, two, three, four):
                feature = np.uint64(features[state])
                seen[distinct] = feature
                distinct += counts[feature] == 0
                counts[feature] += 1
        for i in range(start + 4 * quarter, end):
            four = _next(moves, rows, four, data[np.uint64(i)])
            feature = np.uint64(features[four])
            seen[distinct] = feature
            distinct += counts[feature] == 0
            counts[feature] += 1
        if distinct == np.int64(counts[no_feature] > 0):
            found[text, :] = np.nan
        count = np.int32(1)
        while distinct > 0:
            total[:] = 0
            left, larger = 0, np.int32(2**31 - 1)
            for k in range(distinct):
                feature = np.uint64(seen[np.uint64(k)])
                if counts[feature] == count:
                    counts[feature] = 0
                    for c in range(classes):
                        total[c] += weights[feature, c]
                else:
                    larger = min(larger, counts[feature])
                    seen[left] = feature
                    left += 1
            factor = np.log1p(count) * _UNIT
            for c in range(classes):
                found[text, c] += factor * total[c]
            distinct, count = left, larger
    return found


@dataclass(frozen=True)
class _Model:
    """py3langid's arrays, as the kernel reads them."""

    labels: list[str]
    twins: list[tuple[int, int]]  # columns of one label: the one that counts, the one that joins it
    prior: NDArray[np.float64]
    moves: NDArray[np.uint32]  # by byte, then by row
    rows: NDArray[np.int32]  # of each state
    features: NDArray[np.int32]  # of each state
    weights: NDArray[np.int16]

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
    weights = (np.asarray(found.nb_ptc) / _UNIT).astype(np.int16)
    features = np.asarray(found.tk_output, np.int32)
    arrays = (
        np.asarray(found.nb_pc, np.float64),
        # The moves of a byte lie together: few bytes make up most of a text.
        np.ascontiguousarray(np.reshape(found.tk_nextmove, (-1, 256)).T, np.uint32),
        np.asarray(found.tk_row, np.int32),
        np.where(features < 0, len(weights), features).astype(np.int32),
        np.vstack([weights, np.zeros_like(weights[:1])]),
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


@remembered
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
    version=2,
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
        normalised as its norm_probs. Differs: sums in double precision, whatever the order. With
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
