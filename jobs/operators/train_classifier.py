"""Trains a classifier of texts and gives it as one row of a table: its bytes and how good it is.

Training is done on the driver, with one thread: a model depends on the order of its examples, and a
second thread would make it depend on chance. So the examples have to fit there: at most
`max_examples`, those of the smallest id digests, and MOST_BYTES of text.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from winnow.operators.registry import operator
from winnow.udfs.buffers import utf8
from winnow.udfs.classifiers import (
    FASTTEXT,
    LINEAR,
    NEGATIVE,
    NGRAM_RATIO,
    POSITIVE,
    as_lines,
    hashed_bytes,
    load_classifier,
)
from winnow.udfs.hashed_ngrams import (
    BUCKETS,
    bucket_counts,
    features,
    log_ratios,
    mean_weights,
)
from winnow.udfs.hashing import blake2b_128, unit_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# The algorithms, each with the library that makes its models.
LIBRARIES = {FASTTEXT: "fasttext-community", LINEAR: "scikit-learn", NGRAM_RATIO: "numpy"}
LEAST_EXAMPLES = 50  # of a class: with fewer, a fifth of them says nothing about the model
MOST_BYTES = 1_000_000_000  # of text, in UTF-8; the driver holds three times as much
MOST_MODEL_BYTES = 1 << 29  # what one row of a table carries well
PART = 1 << 24  # bytes of text whose features are counted at once
SHARES = (0.1, 0.2, 0.5)  # of the texts held back, for the precision among the best
BINS = 10  # of scores, for calibration

SCHEMA = """
    kind STRING, parameters STRING, trained_on STRING, examples_digest STRING, examples BIGINT,
    positives BIGINT, held_back BIGINT, held_back_positives BIGINT, auc DOUBLE,
    precision_at_share ARRAY<STRUCT<share: DOUBLE, precision: DOUBLE>>, calibration_error DOUBLE,
    calibration ARRAY<STRUCT<examples: BIGINT, mean_score: DOUBLE, positive_ratio: DOUBLE>>,
    library STRING, digest STRING, content BINARY
"""


@dataclass(frozen=True)
class _Examples:
    """Texts and whether each is positive, in the order of their ids' digests."""

    text: pa.Array
    is_positive: NDArray[np.bool_]

    def where(self, mask: NDArray[np.bool_]) -> "_Examples":
        return _Examples(self.text.filter(pa.array(mask)), self.is_positive[mask])


@operator(
    schema=SCHEMA,
    version=1,
    libraries=("fasttext-community", "scikit-learn", "scipy", "numpy"),
    reads_versions=True,
)
def train_classifier(
    examples: "DataFrame",
    algorithm: str = FASTTEXT,
    label: str = "label",
    positive: str = "positive",
    negative: str = "negative",
    held_back: float = 0.2,
    max_examples: int = 400_000,
    epochs: int = 5,
    buckets: int = 200_000,
    negatives_passed: float = 0.5,
    versions: Mapping[str, int] | None = None,
) -> "DataFrame":
    """Train a classifier of texts on labelled examples: one row with its bytes and measures.

    The same examples give the same bytes, in any order and partitions (on one kind of machine:
    other instructions may round otherwise). Whether an example is held back for measuring depends
    on its id alone.

    Args:
        examples: id STRING, text STRING and a column of labels; one row is one example. Ids that
            are equal are held back together.
        algorithm: `fasttext`, the library itself with word 2-grams as DCLM (Li et al. 2024,
            arXiv:2406.11794, section 4.4) and otherwise its defaults, but for the buckets;
            `linear`, logistic regression (scikit-learn, L2, C = 10) over hashed words and pairs of
            words in 2^18 buckets; or `ngram_ratio`, the mean log-ratio of the shares of the same
            in both classes (Moore & Lewis 2010 with the features of DSIR, Xie et al. 2023,
            arXiv:2302.03169; see `winnow.udfs.hashed_ngrams`), which is counted, not fitted, and
            the fastest to score: its scores rank texts, and are no calibrated probabilities.
        label: the column of labels; it is read as a string.
        positive: the label of what is looked for; a score is its probability.
        negative: the label of all else.
        held_back: the share of examples that the model is measured on, not trained.
        max_examples: of more, those of the smallest id digests are taken.
        epochs: of fastText, how often it sees each example.
        buckets: of fastText, for word 2-grams, 400 bytes each in the model. Its own default is
            2,000,000: a model of 800 MB, too large for a row.
        negatives_passed: of ngram_ratio, the share of the negatives held back that score 0.5 and
            more. Where these are drawn from the corpus, `score >= 0.5` is a first step that keeps
            this share of it.
        versions: of the tables that the stage reads; the engine gives it.

    Returns:
        One row. kind: the algorithm; parameters: JSON; trained_on: `table vN, ...`;
        examples_digest: of ids, texts and labels; auc: the area under the ROC curve, on the
        examples held back as all measures; precision_at_share: of the share with the best scores;
        calibration: by tenths of the score that have examples; calibration_error: the mean distance
        between score and share of positives in them, weighted by examples (Guo et al. 2017,
        arXiv:1706.04599, section 2); digest: BLAKE2b-128 of content, the model's file.

    Raises:
        ValueError: an unknown algorithm or option; fewer than 50 examples of a class or of one
            class only; labels that are neither; texts that are null or without a word; more text
            than MOST_BYTES; a model of more than MOST_MODEL_BYTES.
    """
    if algorithm not in LIBRARIES:
        raise ValueError(f"algorithm {algorithm!r} is none of {', '.join(LIBRARIES)}")
    if not 0 < held_back < 1:
        raise ValueError(f"held_back is a share above 0 and below 1, not {held_back}")
    if min(max_examples, epochs, buckets) < 1:
        raise ValueError("max_examples, epochs and buckets are at least 1")
    if not 0 <= negatives_passed <= 1:
        raise ValueError(f"negatives_passed is a share, 0 to 1, not {negatives_passed}")
    parameters = {"positive": positive, "negative": negative, "held_back": held_back}
    parameters["max_examples"] = max_examples
    if algorithm == FASTTEXT:
        parameters |= {"epochs": epochs, "buckets": buckets}
    elif algorithm == NGRAM_RATIO:
        parameters["negatives_passed"] = negatives_passed
    rows = _collected(examples, label, (positive, negative), max_examples)
    known = _Examples(rows["text"], pc.equal(rows["label"], positive).to_numpy(False))
    is_held = np.array([unit_of(f"held back {id}") < held_back for id in rows["id"].to_pylist()])
    learned, measured = known.where(~is_held), known.where(is_held)
    for part, name in ((learned, "to train on"), (measured, "held back")):
        if part.is_positive.all() or not part.is_positive.any():
            raise ValueError(f"the examples {name} are of one class only; give more of the other")
    if algorithm == FASTTEXT:
        content = _fasttext(learned, epochs, buckets)
    elif algorithm == LINEAR:
        content = _linear(learned)
    else:
        content = _ngram_ratio(learned, measured, negatives_passed)
    if len(content) > MOST_MODEL_BYTES:
        raise ValueError(
            f"the model has {len(content):,} bytes, and at most {MOST_MODEL_BYTES:,} fit; lower "
            "buckets, or give fewer examples: each different word takes 400 bytes"
        )
    row = {
        "kind": algorithm,
        "parameters": json.dumps(parameters, sort_keys=True),
        "trained_on": ", ".join(f"{name} v{n}" for name, n in sorted((versions or {}).items())),
        "examples_digest": _digest(rows),
        "examples": len(learned.text),
        "positives": int(learned.is_positive.sum()),
        "held_back": len(measured.text),
        "held_back_positives": int(measured.is_positive.sum()),
        **_measures(measured, content),
        "library": f"{LIBRARIES[algorithm]} {version_of(LIBRARIES[algorithm])}",
        "digest": blake2b_128(content),
        "content": content,
    }
    return _table(examples, row)


def _table(examples: "DataFrame", row: Mapping[str, object]) -> "DataFrame":
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructType

    schema = cast(StructType, StructType.fromDDL(SCHEMA))
    found = pa.Table.from_pylist([dict(row)], schema=to_arrow_schema(schema))
    return examples.sparkSession.createDataFrame(found, schema)


def _collected(
    examples: "DataFrame", label: str, labels: tuple[str, str], most: int
) -> dict[str, pa.Array]:
    """Return ids, texts and labels of the examples in the order of their ids' digests."""
    from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)

    for name in ("id", "text", label):
        if name not in examples.columns:
            raise ValueError(f"the examples have no column {name!r}; they have {examples.columns}")
    given = examples.select(
        "id", "text", F.col(label).cast("string").alias("label"), F.sha2("id", 256).alias("place")
    )
    counts = {row["label"]: row["count"] for row in given.groupBy("label").count().collect()}
    _check_labels(counts, labels)
    count = sum(counts.values())
    if count > most:
        last = given.select("place").orderBy("place").offset(most).first()
        assert last is not None  # there are more than `most`
        given = given.where(F.col("place") < last.place)
    size = given.agg(F.sum(F.octet_length("text"))).first()
    if size is not None and (size[0] or 0) > MOST_BYTES:
        raise ValueError(
            f"the examples have {size[0]:,} bytes of text, and at most {MOST_BYTES:,} fit on the "
            "driver; give passages, or lower max_examples"
        )
    table = given.toArrow()
    order = [("place", "ascending"), ("label", "ascending"), ("text", "ascending")]
    table = table.take(pc.sort_indices(table, order))
    rows = {
        name: table[name].cast(pa.large_string()).combine_chunks()
        for name in ("id", "text", "label")
    }
    _check_texts(rows)
    if count > most:
        _check_labels(Counter(rows["label"].to_pylist()), labels)
    return rows


def _check_labels(counts: Mapping[str | None, int], labels: tuple[str, str]) -> None:
    positive, negative = labels
    if positive == negative:
        raise ValueError(f"positive and negative are both {positive!r}")
    strange = sorted(ascii(name)[:40] for name in counts.keys() - {positive, negative})
    if strange:
        raise ValueError(
            f"{sum(counts[name] for name in counts.keys() - {*labels}):,} examples have labels "
            f"that are neither {positive!r} nor {negative!r}: {', '.join(strange[:5])}"
        )
    if len(counts) < 2:
        only = ascii(next(iter(counts))) if counts else "there are none"
        raise ValueError(f"the examples are of one class only: {only}; give two")
    for name in labels:
        if counts[name] < LEAST_EXAMPLES:
            raise ValueError(
                f"{counts[name]} examples are {name!r}, and fewer than {LEAST_EXAMPLES} say "
                "nothing about the class; give more"
            )


def _check_texts(rows: Mapping[str, pa.Array]) -> None:
    if rows["id"].null_count:
        raise ValueError(f"{rows['id'].null_count:,} examples have no id")
    empty = [i for i, line in enumerate(as_lines(rows["text"])) if not line or line.isspace()]
    if empty:
        shown = ", ".join(ascii(rows["id"][i].as_py())[:40] for i in empty[:3])
        raise ValueError(f"{len(empty):,} examples have no word: {shown}; leave them out")


def _digest(rows: Mapping[str, pa.Array]) -> str:
    parts = (rows[name].cast(pa.large_binary()) for name in ("id", "label", "text"))
    return blake2b_128(
        "".join(blake2b_128(value.as_buffer()) for part in parts for value in part).encode()
    )


def _fasttext(learned: _Examples, epochs: int, buckets: int) -> bytes:
    from fasttext import train_supervised

    with tempfile.TemporaryDirectory(prefix="winnow-train-") as folder:
        path, result = Path(folder, "examples.txt"), Path(folder, "model.bin")
        with path.open("w", encoding="utf-8") as file:
            for line, is_positive in zip(as_lines(learned.text), learned.is_positive, strict=True):
                file.write(f"{POSITIVE if is_positive else NEGATIVE} {line}\n")
        model = train_supervised(
            str(path), wordNgrams=2, epoch=epochs, bucket=buckets, thread=1, seed=0, verbose=0
        )
        model.save_model(str(result))
        return result.read_bytes()


def _linear(learned: _Examples) -> bytes:
    from scipy.sparse import csr_matrix, vstack
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    parts = []
    for part in _parts(learned.text):
        first, columns, values = features(*utf8(part))
        parts.append(csr_matrix((values, columns, first), (len(part), BUCKETS)))
    with threadpool_limits(1):  # sums of several threads are rounded by chance
        model: Any = LogisticRegression(C=10.0, max_iter=1000)
        model.fit(vstack(parts, "csr"), learned.is_positive)
    return hashed_bytes(LINEAR, model.coef_[0], float(model.intercept_[0]))


def _ngram_ratio(learned: _Examples, measured: _Examples, negatives_passed: float) -> bytes:
    counts = np.zeros((2, BUCKETS), np.int64)
    for of_class, is_in in zip(counts, (learned.is_positive, ~learned.is_positive), strict=True):
        for part in _parts(learned.where(is_in).text):
            of_class += bucket_counts(*utf8(part))
    weights = log_ratios(*counts)
    negatives = mean_weights(*utf8(measured.where(~measured.is_positive).text), weights)
    known = negatives[~np.isnan(negatives)]  # those of signs alone have no words
    middle = np.quantile(known, 1 - negatives_passed, method="lower") if known.size else 0.0
    return hashed_bytes(NGRAM_RATIO, weights, -float(middle))


def _parts(text: pa.Array) -> Iterator[pa.Array]:
    """Slices of the texts with about PART bytes each."""
    _, offsets = utf8(text)
    start = 0
    while start < len(text):
        end = int(np.searchsorted(offsets, offsets[start] + PART, "right")) - 1
        end = max(end, start + 1)
        yield text[start:end]
        start = end


def _measures(measured: _Examples, content: bytes) -> dict[str, object]:
    from sklearn.metrics import roc_auc_score

    with tempfile.NamedTemporaryFile(prefix="winnow-model-") as file:
        file.write(content)
        file.flush()
        scores = load_classifier(file.name).score(measured.text)
        load_classifier.cache_clear()
    scores = np.nan_to_num(scores)  # a text of signs alone has words for fastText, not for linear
    truth = measured.is_positive
    best = truth[np.argsort(-scores, kind="stable")]
    tops = [max(1, round(share * best.size)) for share in SHARES]
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    filled = [bins == i for i in range(BINS) if (bins == i).any()]
    calibration = [
        {
            "examples": int(each.sum()),
            "mean_score": float(scores[each].mean()),
            "positive_ratio": float(truth[each].mean()),
        }
        for each in filled
    ]
    distances = [
        abs(float(scores[each].mean()) - float(truth[each].mean())) * int(each.sum())
        for each in filled
    ]
    return {
        "auc": float(roc_auc_score(truth, scores)),
        "precision_at_share": [
            {"share": share, "precision": float(best[:top].mean())}
            for share, top in zip(SHARES, tops, strict=True)
        ],
        "calibration_error": sum(distances) / scores.size,
        "calibration": calibration,
    }
