"""What the engine knows of every function that SQL can call.

Four kinds share one declaration: column functions (here), operators, sources and checks (declared
beside their built-ins). A decorator only notes name, version and types and returns the function
itself: nothing here needs Spark or a running session.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Annotated, Any, Literal, TypeVar, cast

import pyarrow as pa

Kind = Literal["column function", "operator", "source", "check"]
Function = TypeVar("Function", bound=Callable[..., Any])

# The type of an option that names a file which the function reads: a model, a list. What is in the
# file is part of the definition of every stage that names it; an empty name is no file.
File = Annotated[str, "file"]

# The type of an option that names a classifier: a table of one, `stage` or `pipeline.stage`, or the
# address of a file. The run pins its version, and the function gets the path of a local copy.
Model = Annotated[str, "model"]

TEXT_LIMIT = 10_000_000  # bytes of a text that functions measure, unless told otherwise

ATTRIBUTE = "__winnow__"
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ResultError(ValueError):
    """What a function computed is wrong as a whole. The message holds no text."""


@dataclass(frozen=True)
class Option:
    """One `name => value` that a call may give. `required` when the function has no default."""

    name: str
    type: type
    default: object = None
    required: bool = False
    is_file: bool = False
    is_model: bool = False


@dataclass(frozen=True, eq=False)
class Declaration:
    """One function that SQL can call.

    `tables` are the names of its TABLE arguments or, for a column function, of its columns, in
    order. `returns` is a DDL type (column function), a DDL schema or a function that gives one
    (operator), a DDL schema (source), or empty (check). `libraries` are distributions whose
    version changes its results; `assets` are files beside its module. Both are part of the
    definition hash of every stage that calls it, as is the source of its module. `run_options` are
    a source's options that say where to read, not what a record becomes. An `append_only` operator
    may be called by a streaming table; one that `reads_versions` is told those of its inputs. Its
    `plan_check` takes the same options and raises where files that they name are wrong.
    """

    kind: Kind
    name: str
    version: int
    function: Callable[..., Any]
    returns: str | Callable[..., str] = ""
    tables: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    libraries: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    run_options: tuple[str, ...] = ()
    append_only: bool = False
    reads_versions: bool = False
    plan_check: Callable[..., object] | None = None

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


def declare(function: Function, declaration: Declaration) -> Function:
    """Attach the declaration to the function and return the function.

    Raises:
        ValueError: the name is no SQL name in lower case, or the function has no docstring.
    """
    if not _NAME.fullmatch(declaration.name):
        raise ValueError(f"{declaration.name!r}: a function's name is lower case: a-z, 0-9 and _")
    if not declaration.summary:
        raise ValueError(f"{declaration.name}: a function that SQL can call needs a docstring")
    setattr(function, ATTRIBUTE, declaration)
    return function


def declaration_of(value: object) -> Declaration | None:
    """Return the declaration that a decorator attached, if there is one."""
    found = getattr(value, ATTRIBUTE, None)
    return found if isinstance(found, Declaration) else None


def options_of(function: Callable[..., Any], skip: int) -> tuple[Option, ...]:
    """Read the options from a signature: every parameter after the first `skip`."""
    found = []
    for parameter in list(inspect.signature(function).parameters.values())[skip:]:
        annotation = parameter.annotation
        if isinstance(annotation, str):  # of a module with `from __future__ import annotations`
            annotation = eval(annotation, inspect.unwrap(function).__globals__)
        found.append(
            Option(
                name=parameter.name,
                type=annotation if isinstance(annotation, type) else str,
                default=None if parameter.default is parameter.empty else parameter.default,
                required=parameter.default is parameter.empty,
                is_file=annotation == File,
                is_model=annotation == Model,
            )
        )
    return tuple(found)


def leading(function: Callable[..., Any], annotation: object) -> tuple[str, ...]:
    """Names of the first parameters that carry this annotation (a type or its name)."""
    names: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        given = parameter.annotation
        if given is not annotation and given != annotation:
            break
        names.append(parameter.name)
    return tuple(names)


def column_function(
    *,
    returns: str,
    version: int,
    libraries: tuple[str, ...] = (),
    assets: tuple[str, ...] = (),
    measures: bool = False,
) -> Callable[[Function], Function]:
    """Declare a column function: Arrow arrays in, one Arrow array of as many rows out.

    Parameters annotated `pa.Array` are columns; those after them are options and arrive as plain
    Python values: `shingles(text, 5)` in SQL gives `n=5`.

    Args:
        returns: the result's type as Spark DDL, e.g. `STRUCT<lines INT, short_lines INT>`.
        version: raise it when results change for a reason that the source does not show.
        libraries: distributions whose version changes results, e.g. `("ftfy",)`.
        assets: files beside the module, e.g. word lists.
        measures: the function measures texts and changes none. Then it has one more option,
            `limit`: of a text of more bytes than that it sees the head alone, so that no text is
            too long for a worker's memory. A rule says which texts those are.
    """

    def register(function: Function) -> Function:
        columns = leading(function, pa.Array)
        if measures:
            function = _limited(function, columns)
        return declare(
            function,
            Declaration(
                kind="column function",
                name=function.__name__,
                version=version,
                function=function,
                returns=returns,
                tables=columns,
                options=options_of(function, len(columns)),
                libraries=libraries,
                assets=assets,
            ),
        )

    return register


def _limited(function: Function, columns: tuple[str, ...]) -> Function:
    """Return a function that sees of each text at most the option `limit` in bytes."""
    from winnow.udfs.buffers import head  # brings numba along, which few commands need

    option = inspect.Parameter(
        "limit", inspect.Parameter.POSITIONAL_OR_KEYWORD, default=TEXT_LIMIT, annotation=int
    )
    own = inspect.signature(function)
    signature = own.replace(parameters=[*own.parameters.values(), option])

    @wraps(function)
    def measured(*arguments: Any, **named: Any) -> Any:
        given = signature.bind(*arguments, **named)
        limit = given.arguments.pop(option.name, TEXT_LIMIT)
        heads = {name: head(given.arguments[name], limit) for name in columns}
        return function(**(given.arguments | heads))

    measured.__signature__ = signature  # type: ignore[attr-defined]
    return cast(Function, measured)
