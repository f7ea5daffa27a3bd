"""Learned scores: how sure a classifier is that a text is one of those it was taught to prefer."""

import numpy as np
import pyarrow as pa

from winnow.udfs.buffers import check_strings
from winnow.udfs.classifiers import load_classifier
from winnow.udfs.registry import Model, column_function


@column_function(
    returns="DOUBLE", version=2, libraries=("fasttext-community", "numpy"), measures=True
)
def quality(text: pa.Array, model: Model, label: str = "") -> pa.Array:
    """Return how likely each text is one of a classifier's positive ones.

    Shape: STRING -> DOUBLE; null gives null, and so does a text without words.
    Units: a probability, 0 to 1, as the model gives it; scores of two models do not compare.
    Options: `model` is a table that train_classifier made, `stage` or `pipeline.stage`, or the
        address of a fastText file (.bin, .ftz). The run pins the table's version. `label` is the
        label of a fastText file whose probability is the score, `__label__positive` if not given.
    Errors: ValueError if `model` is no model or has no such label. No text is an error.
    Source: fastText (Joulin et al. 2016, arXiv:1607.01759), used so by DCLM (Li et al. 2024,
        arXiv:2406.11794, section 4.4). Measured in docs/learned_scores.md.
    """
    if not model:  # an empty name is no model: nothing was measured
        return pa.nulls(len(text), pa.float64())
    check_strings(text)
    try:
        scores = load_classifier(model, label).score(text.cast(pa.large_string()))
    except ValueError as error:
        raise ValueError(f"model: {model!r} {error}") from None
    return pa.array(scores, mask=np.isnan(scores) | text.is_null().to_numpy(zero_copy_only=False))
