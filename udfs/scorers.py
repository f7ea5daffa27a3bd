"""Models of one's own as column functions: a class that loads a file and scores lists of texts."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from inspect import Parameter, Signature
from typing import Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from winnow.udfs.buffers import texts
from winnow.udfs.registry import ATTRIBUTE, Declaration, File, ResultError, declare, options_of

LOADED = 8  # models that a worker keeps
BATCH_BYTES = 1 << 20


class Scorer(Protocol):
    """What a class of a user's has."""

    def load(self, path: str) -> None:
        """Get ready; called once in each Python worker. `path` is empty if SQL gives none."""

    def score(self, texts: list[str]) -> ArrayLike:
        """Return one number for each text."""


Class = TypeVar("Class", bound=type[Scorer])


def scorer(
    *,
    version: int,
    low: float = 0.0,
    high: float = 1.0,
    batch_bytes: int = BATCH_BYTES,
    libraries: tuple[str, ...] = (),
    assets: tuple[str, ...] = (),
) -> Callable[[Class], Class]:
    """Declare a class as a column function: `class EduValue` is `edu_value(text, path => ...)`.

    The function's rows are DOUBLE; null gives null and is not shown to the model. What the model
    returns is checked: one finite number a text, from `low` to `high`.

    Args:
        version: raise it when results change for a reason that the source does not show.
        low: the least score there is.
        high: the highest.
        batch_bytes: of texts in UTF-8 that the model is given at once; a longer one comes alone.
        libraries: distributions whose version changes results.
        assets: files beside the module.
    """

    def register(model: Class) -> Class:
        def function(text: pa.Array, path: File = "") -> pa.Array:
            loaded = _loaded(model, path)
            given = list(texts(text))
            known = [each for each in given if each is not None]
            found = np.empty(len(known))
            for start, end in _batches(known, batch_bytes):
                found[start:end] = _checked(loaded.score(known[start:end]), end - start, low, high)
            scores = np.empty(len(given))
            missing = np.array([each is None for each in given], bool)
            scores[~missing] = found
            return pa.array(scores, mask=missing)

        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", model.__name__).lower()
        function.__name__, function.__doc__ = name, model.__doc__
        function.__module__, function.__wrapped__ = model.__module__, model  # type: ignore[attr-defined]
        parameters = [
            Parameter("text", Parameter.POSITIONAL_OR_KEYWORD, annotation=pa.Array),
            Parameter("path", Parameter.POSITIONAL_OR_KEYWORD, default="", annotation=File),
        ]
        function.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        declaration = Declaration(
            kind="column function",
            name=name,
            version=version,
            function=function,
            returns="DOUBLE",
            tables=("text",),
            options=options_of(function, 1),
            libraries=libraries,
            assets=assets,
        )
        declare(function, declaration)
        setattr(model, ATTRIBUTE, declaration)
        return model

    return register


@lru_cache(LOADED)
def _loaded(model: type[Scorer], path: str) -> Scorer:
    made = model()
    made.load(path)
    return made


def _batches(given: Sequence[str], most: int) -> Iterator[tuple[int, int]]:
    start = size = 0
    for end, each in enumerate(given):
        length = len(each.encode())
        if end > start and size + length > most:
            yield start, end
            start, size = end, 0
        size += length
    if start < len(given):
        yield start, len(given)


def _checked(returned: Any, count: int, low: float, high: float) -> NDArray[np.float64]:
    """Return the scores of a model as numbers.

    Raises:
        ResultError: they are not one finite number a text, from low to high.
    """
    try:
        scores = np.asarray(returned, np.float64)
    except (TypeError, ValueError):
        raise ResultError("returned scores that are no numbers") from None
    if scores.shape != (count,):
        raise ResultError(f"returned scores of shape {scores.shape} for {count} texts")
    if wrong := int(np.count_nonzero(~np.isfinite(scores))):
        raise ResultError(f"returned NaN or infinity for {wrong} of {count} texts")
    if wrong := int(np.count_nonzero((scores < low) | (scores > high))):
        raise ResultError(f"returned {wrong} of {count} scores that are not from {low} to {high}")
    return scores
