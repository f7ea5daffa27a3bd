"""Turns what Spark raises while a stage runs into one line that names the stage and the cause."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from deltalake.exceptions import DeltaError
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException, PythonException
from pyspark.errors.exceptions.captured import UnknownException

from winnow.errors import WinnowError

FindDocument = Callable[[str], str | None]

# What `winnow.session` raises in a worker: function, hash of the row's first argument unless the
# fault is the whole batch's, cause.
FUNCTION_ERROR = re.compile(
    r"winnow function `(\w+)`(?: failed on a value of hash (\w+):)? ([^\n]*)"
)
LENGTH = 500


class StageFailure(WinnowError):
    """A stage failed while it ran; what was published stays."""


@contextmanager
def guarded(
    stage: str,
    function: str = "",
    find_document: FindDocument | None = None,
    conditions: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Raise Spark's errors, and those of a user's function, as a StageFailure of one line.

    Args:
        stage: the stage that runs.
        function: the operator that runs; whatever it raises is its author's to mend.
        find_document: tells the document of a content hash, on which a column function failed.
        conditions: of the stage's rules by name, to say which of them failed.
    """
    try:
        yield
    except WinnowError:
        raise
    except (PySparkException, Py4JError, DeltaError) as error:
        sql = fragment(error)
        rule = next((n for n, text in (conditions or {}).items() if sql and sql in text), None)
        where = f"operator `{function}`: " if function else f"rule `{rule}`: " if rule else ""
        raise StageFailure(f"stage `{stage}`: {where}{cause(error, find_document)}") from error
    except Exception as error:
        if not function:
            raise
        raise StageFailure(
            f"stage `{stage}`: operator `{function}`: {first_line(error)}"
        ) from error


def first_line(error: Exception) -> str:
    """Return what a user's function raised, in one line."""
    text = str(error).strip().split("\n")[0]
    return f"{type(error).__name__}{': ' if text else ''}{text}"[:LENGTH]


def cause(error: Exception, find_document: FindDocument | None = None) -> str:
    """Return the part of an error that says what went wrong, in one line and without a text."""
    found = FUNCTION_ERROR.search(str(error))
    if found:
        name, value, message = found.groups()
        if not value:
            return f"function `{name}` {message}"[:LENGTH]
        document = find_document(value) if find_document else None
        where = f"document {document}" if document else f"a value of hash {value}"
        return f"function `{name}` failed on {where}: {message}"[:LENGTH]
    if isinstance(error, Py4JJavaError):  # one that PySpark has no class for
        error = UnknownException(origin=error.java_exception)
    if isinstance(error, PythonException):
        return _python_cause(str(error))[:LENGTH]
    text = _without_values(error).split("\n== SQL")[0].split(" SQLSTATE:")[0].strip()
    first = text.split("\n")[0].split(" If necessary set ")[0]
    sql = " ".join(fragment(error).split())
    return (first + (f" (in `{sql}`)" if sql else ""))[:LENGTH]


def fragment(error: Exception) -> str:
    """Return the part of the SQL text that an error is about, empty if Spark does not say."""
    try:
        contexts = error.getQueryContext() if isinstance(error, PySparkException) else []
        return next((c.fragment() for c in contexts if c.contextType().name == "SQL"), "")
    except Py4JError:
        return ""


def _python_cause(text: str) -> str:
    """Return what a Python worker raised, and where; its message only where it holds no value."""
    lines = text.split("\n\nJVM stacktrace")[0].strip().split("\n")
    kind, _, message = next((x for x in reversed(lines) if _RAISED.match(x)), "").partition(": ")
    name = kind.rpartition(".")[2] or "an error"
    if kind.startswith("pyspark.") or name in _ABOUT_CODE:
        return f"a Python function failed: {name}: {message}"
    places = [x for x in re.findall(r'File "([^"]+)", line (\d+)', text) if _is_users(x[0])]
    where = f" at {places[-1][0].rpartition('/')[2]}:{places[-1][1]}" if places else ""
    return f"a Python function failed: {name}{where}"


_RAISED = re.compile(r"[\w.]*(?:Error|Exception|Warning|Interrupt|Exit)\b")
_ABOUT_CODE = ("ImportError", "ModuleNotFoundError", "NameError")


def _is_users(file: str) -> bool:
    return "/pyspark/" not in file and file.endswith(".py")


def _without_values(error: Exception) -> str:
    """Return an error's message; what it quotes of the data, which may be texts, is left out."""
    text = str(error)
    if not isinstance(error, PySparkException) or isinstance(error, AnalysisException):
        return text
    parameters = error.getMessageParameters() or {}
    for name, value in sorted(parameters.items(), key=lambda item: -len(item[1] or "")):
        if value and name not in _NO_VALUES and not value.isdigit():
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", text)
    return text


# Parameters of Spark's messages that come from its own words or from the SQL.
_NO_VALUES = frozenset(
    [
        "alternative",
        "ansiConfig",
        "config",
        "functionName",
        "operation",
        "sourceType",
        "suggestion",
        "targetType",
    ]
)
