"""Turns what Spark raises while a stage runs into one line that names the stage and the cause."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from winnow.errors import WinnowError

FindDocument = Callable[[str], str | None]

# What `winnow.session` raises in a worker: function, hash of the row's first argument, cause.
FUNCTION_ERROR = re.compile(r"winnow function `(\w+)` failed on a value of hash (\w+): ([^\n]*)")
LENGTH = 500


class StageFailure(WinnowError):
    """A stage failed while it ran; what was published stays."""


@contextmanager
def guarded(
    stage: str, function: str = "", find_document: FindDocument | None = None
) -> Iterator[None]:
    """Raise Spark's errors, and those of a user's function, as a StageFailure of one line.

    Args:
        stage: the stage that runs.
        function: the operator that runs; whatever it raises is its author's to mend.
        find_document: tells the document of a content hash, on which a column function failed.
    """
    try:
        yield
    except WinnowError:
        raise
    except (PySparkException, Py4JError) as error:
        raise StageFailure(f"stage `{stage}`: {cause(error, find_document)}") from error
    except Exception as error:
        if not function:
            raise
        line = f"{type(error).__name__}: {error}".split("\n")[0][:LENGTH]
        raise StageFailure(f"stage `{stage}`: operator `{function}`: {line}") from error


def cause(error: Exception, find_document: FindDocument | None = None) -> str:
    """Return the part of an error that says what went wrong, in one line."""
    text = str(error)
    function = FUNCTION_ERROR.search(text)
    if function:
        name, value, message = function.groups()
        document = find_document(value) if find_document else None
        where = f"document {document}" if document else f"a value of hash {value}"
        return f"function `{name}` failed on {where}: {message}"[:LENGTH]
    fragment = next((c.fragment() for c in _contexts(error) if c.fragment()), "")
    first = text.split("\n== SQL")[0].split(" SQLSTATE:")[0].strip().split("\n")[0]
    return (first + (f" (in `{' '.join(fragment.split())}`)" if fragment else ""))[:LENGTH]


def _contexts(error: Exception) -> list:  # type: ignore[type-arg]
    try:
        return list(error.getQueryContext()) if isinstance(error, PySparkException) else []
    except Py4JError:
        return []
