"""One builder of Spark sessions, for a laptop, a cluster and Databricks.

The settings and their reasons stand in `conf/spark/`: `common.conf` always holds, `local.conf` and
`cluster.conf` come on top of it. A session that exists already (Databricks, a notebook) is taken
as it is, and gets the settings that can still be changed.
"""

import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from importlib import resources
from inspect import signature
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from winnow.cache import cache_folder
from winnow.errors import CommandError
from winnow.jars import delta_jars
from winnow.java import find_java
from winnow.udfs.hashing import blake2b_128
from winnow.udfs.registry import Declaration, ResultError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DEFAULT_MASTER = "local[*]"
JAVA_OPTIONS = "spark.driver.extraJavaOptions"
JAVA_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "SPARK_SUBMIT_OPTS")
COLLECTOR = r"-XX:\+Use\w+GC"  # of garbage; with two of them no JVM starts


def build_session(
    master: str | None = None,
    app: str = "winnow",
    settings: Mapping[str, str] | None = None,
) -> "SparkSession":
    """Return the running session, or start one with Delta and Winnow's settings.

    Args:
        master: a Spark master. None takes `MASTER` or `spark-submit`'s own, else all local cores.
        app: the name that the cluster shows.
        settings: more Spark settings; they win.

    Raises:
        CommandError: Java or Delta's jars are missing and cannot be fetched.
    """
    from pyspark.sql import SparkSession

    _hush()
    running = SparkSession.getActiveSession()
    if running is not None:
        return _adopt(running, settings or {})
    submitted = "SPARK_ENV_LOADED" in os.environ  # spark-submit chose Java, jars and the master
    master = master or os.environ.get("MASTER") or (None if submitted else DEFAULT_MASTER)
    local = master is not None and master.startswith("local")
    values = read_settings("common") | read_settings("local" if local else "cluster")
    builder = SparkSession.builder.appName(app)
    if master is not None:
        os.environ["JAVA_HOME"] = str(find_java())
        values["spark.jars"] = ",".join(str(jar) for jar in delta_jars())
        builder = builder.master(master)
    if local:
        if any(re.search(COLLECTOR, os.environ.get(name, "")) for name in JAVA_VARIABLES):
            values[JAVA_OPTIONS] = re.sub(COLLECTOR, "", values[JAVA_OPTIONS])
        # Workers would otherwise start the first `python3` on PATH, which lacks our libraries.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    for key, value in (values | dict(settings or {})).items():
        builder = builder.config(key, value)
    with _quiet() as log:
        try:
            session = builder.getOrCreate()
        except Exception as error:
            cause = (str(error) or type(error).__name__).splitlines()[0]
            raise CommandError(f"Spark did not start: {cause}. Its log: {log}") from error
    session.sparkContext.setLogLevel("ERROR")
    return session


def _hush() -> None:
    """Stop PySpark from printing every SQL error on stderr, unless WINNOW_VERBOSE is set.

    It is printed with Java's stack trace and the values that it is about; the error itself is
    raised all the same.
    """
    from pyspark.logger import PySparkLogger

    quiet = not os.environ.get("WINNOW_VERBOSE")
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = quiet
    if quiet:
        logging.getLogger().addFilter(_is_not_py4js)


def _is_not_py4js(record: logging.LogRecord) -> bool:
    """Whether a record of the root logger is not py4j's: it logs Ctrl-C with a stack trace."""
    return "py4j" not in record.pathname


@contextmanager
def _quiet() -> Iterator[str]:
    """Send what a JVM started here writes on stderr to a file, unless WINNOW_VERBOSE is set.

    The JVM keeps the stderr that it starts with, so its warnings stay out of the command line for
    its whole life; this process gets its own back at once.
    """
    if os.environ.get("WINNOW_VERBOSE"):
        yield "above"
        return
    path = cache_folder("logs") / "spark.log"  # of the last session
    sys.stderr.flush()
    own = os.dup(2)
    with path.open("wb") as log:
        os.dup2(log.fileno(), 2)
    try:
        yield str(path)
    finally:
        os.dup2(own, 2)
        os.close(own)


def _adopt(session: "SparkSession", settings: Mapping[str, str]) -> "SparkSession":
    for key, value in (read_settings("common") | dict(settings)).items():
        if session.conf.isModifiable(key):
            session.conf.set(key, value)
    return session


def read_settings(name: str) -> dict[str, str]:
    """Return the settings of `conf/spark/<name>.conf`: lines of `key value  # reason`."""
    text = (resources.files("winnow.conf") / "spark" / f"{name}.conf").read_text()
    lines = (line.partition(" #")[0].strip() for line in text.splitlines())
    pairs = (line.split(None, 1) for line in lines if line and not line.startswith("#"))
    return dict(pairs)


def register_functions(session: "SparkSession", functions: Iterable[Declaration]) -> None:
    """Make column functions callable in this session's SQL, as vectorised UDFs.

    Raises:
        CommandError: the type that one declares is no Spark type.
    """
    from pyspark.errors import ParseException
    from pyspark.sql.functions import arrow_udf  # type: ignore[attr-defined]
    from pyspark.sql.pandas.types import to_arrow_type
    from pyspark.sql.types import DataType

    for declaration in functions:
        if declaration.kind == "column function":
            try:
                kind = to_arrow_type(DataType.fromDDL(str(declaration.returns)))
            except ParseException:
                raise CommandError(
                    f"the function `{declaration.name}` declares that it returns "
                    f"`{declaration.returns}`, which is no Spark type"
                ) from None
            udf = arrow_udf(_plain(declaration, kind), returnType=declaration.returns)
            session.udf.register(declaration.name, udf)


def _plain(declaration: Declaration, kind: pa.DataType) -> Any:
    """Return the function as Spark calls it: options come as columns of one repeated value.

    An error names the function and, by its hash, the value that it failed on.
    """
    function, columns, name = declaration.function, len(declaration.tables), declaration.name
    names = [option.name for option in declaration.options]
    models = {option.name for option in declaration.options if option.is_model}
    _ship(function)

    @wraps(function)
    def call(*arguments: pa.Array, **named: pa.Array) -> pa.Array:
        if len(arguments) > columns + len(names):
            raise RuntimeError(
                f"winnow function `{name}` takes {columns + len(names)} arguments at most"
            )
        # A NULL that is written in SQL has no type, and all of its rows are null.
        arguments = tuple(
            each.cast(pa.string()) if pa.types.is_null(each.type) else each for each in arguments
        )
        options = dict(zip(names, arguments[columns:], strict=False)) | named
        given = {key: _constant(name, key, option) for key, option in options.items()}
        given |= {key: _local(given[key]) for key in models & given.keys()}
        try:
            result = function(*arguments[:columns], **given)
        except ResultError as error:
            raise RuntimeError(f"winnow function `{name}` {error}") from None
        except Exception as error:
            for row in range(len(arguments[0]) if columns else 0):
                value = [column.slice(row, 1) for column in arguments[:columns]]
                try:
                    function(*value, **given)
                except Exception as cause:
                    raise _failure(function, value, cause) from None
            raise RuntimeError(
                f"winnow function `{name}` failed on no single row: {type(error).__name__}"
            ) from None
        return _checked(name, result, kind, len(arguments[0]) if arguments else None)

    call.__signature__ = signature(function)  # type: ignore[attr-defined]
    # Spark tells kinds of UDFs by the annotations of all parameters, and knows none with options.
    call.__annotations__ = dict.fromkeys((*signature(function).parameters, "return"), pa.Array)
    return call


def _failure(function: Any, values: Sequence[pa.Array], cause: Exception) -> RuntimeError:
    """The error that `winnow.engine.failures` reads; see FUNCTION_ERROR there."""
    texts = [_text(value) for value in values]
    said = str(cause)[:1000]
    for text in texts:
        said = _without(text, said)
    message = f"{type(cause).__name__}: {ascii(said[:200])[1:-1]}"
    file, line = "", 0
    trace = cause.__traceback__
    while trace:
        if trace.tb_frame.f_globals.get("__name__") == function.__module__:
            file, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    where = f" ({os.path.basename(file)}:{line})" if file else ""
    digest = blake2b_128(texts[0].encode("utf-8", "backslashreplace"))
    return RuntimeError(
        f"winnow function `{function.__name__}` failed on a value of hash {digest}: "
        f"{message}{where}"
    )


def _text(value: pa.Array) -> str:
    """Return the one value of an array as text, of whatever bytes it is."""
    try:
        return str(value[0].as_py())
    except UnicodeDecodeError:
        return str(value.cast(pa.binary())[0].as_py(), "utf-8", "replace")


SHOWN = 8  # characters in a row that a message may share with a text: a word, not a sentence


def _without(text: str, message: str) -> str:
    """Return a message without the pieces of a text that it quotes."""
    size = min(SHOWN, len(text))
    if size < 3:
        return message
    kept, start = "", 0
    while start < len(message):
        end = start + size
        if len(message) < end or message[start:end] not in text:
            kept, start = kept + message[start], start + 1
            continue
        while end < len(message) and message[start : end + 1] in text:
            end += 1
        kept, start = kept + "...", end
    return kept


def _checked(name: str, result: Any, kind: pa.DataType, rows: int | None) -> pa.Array:
    """Return what a function returned, in the type that it declares."""
    if not isinstance(result, pa.Array | pa.ChunkedArray):
        found = type(result).__name__
        raise RuntimeError(f"winnow function `{name}` returned {found}, not an Arrow array")
    if isinstance(result, pa.ChunkedArray):
        result = result.combine_chunks()
    if rows is not None and len(result) != rows:
        raise RuntimeError(
            f"winnow function `{name}` returned {len(result)} values for {rows} rows"
        )
    if pa.types.is_struct(kind) and pa.types.is_struct(result.type):
        fields = {field.name for field in result.type}
        if fields != {field.name for field in kind}:  # a cast would leave out and fill with nulls
            raise RuntimeError(
                f"winnow function `{name}` returned the fields {', '.join(sorted(fields))}, which "
                "are not those that it declares"
            )
    try:
        return result if result.type == kind else result.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        message = f"returned values of type {result.type} that are no {kind}, as it declares"
        raise RuntimeError(f"winnow function `{name}` {message}") from None


def _local(model: str | None) -> str | None:
    """Return the path of a classifier that the engine sent here, else what was given."""
    from pyspark import SparkFiles

    path = SparkFiles.get(model) if model else ""
    return path if os.path.isfile(path) else model


def _constant(name: str, option: str, column: pa.Array) -> Any:
    if len(column.unique()) > 1:
        raise RuntimeError(
            f"winnow function `{name}` takes one value of `{option}` for all rows, not one a row"
        )
    return column[0].as_py() if len(column) else None


def _ship(function: Any) -> None:
    """Send a user's modules along by value: workers cannot import them from the pipeline's folder.

    Those are the function's own module and what is imported from beside it.
    """
    from pyspark import cloudpickle

    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None)
    if module is None or module.__name__.partition(".")[0] == "winnow":
        return
    folder = os.path.dirname(file) + os.sep if file else None
    for name, own in list(sys.modules.items()):
        place = getattr(own, "__file__", None) or ""
        beside = folder and place.startswith(folder) and name.partition(".")[0] != "winnow"
        if (own is module or beside) and "site-packages" not in place:
            cloudpickle.register_pickle_by_value(own)  # type: ignore[no-untyped-call]


def jvm_process(session: "SparkSession") -> int | None:
    """Return the process id of the session's JVM where it is on this machine, else None."""
    gateway = getattr(session, "_jvm", None)
    return int(gateway.java.lang.ProcessHandle.current().pid()) if gateway else None
