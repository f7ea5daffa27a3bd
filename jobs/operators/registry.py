"""The decorator of operators: DataFrames in, one DataFrame out, called as a table function."""

import inspect
from collections.abc import Callable, Mapping

from winnow.udfs.registry import Declaration, Function, declare, options_of

# Columns of a table: name -> Spark DDL type. Spark-free, so that a plan can check types early.
Columns = Mapping[str, str]

SO_FAR = "so_far"  # the parameter of an append-only operator that the engine gives
VERSIONS = "versions"  # the parameter of one that notes what it was built from; the engine gives it


def operator(
    *,
    schema: str | Callable[[Mapping[str, Columns], Mapping[str, object]], str],
    version: int,
    libraries: tuple[str, ...] = (),
    assets: tuple[str, ...] = (),
    append_only: bool = False,
    reads_versions: bool = False,
    plan_check: Callable[..., object] | None = None,
) -> Callable[[Function], Function]:
    """Declare an operator.

    Its parameters annotated `DataFrame` are the TABLE arguments; those after them are options:
    `components(TABLE(pairs), similarity => 0.8)`. It decides and drops nothing: rules drop.

    Args:
        schema: the result's columns as Spark DDL (`id STRING, component STRING`), or a function
            of the input columns by table name and of the options that returns it.
        version: raise it when results change for a reason that the source does not show.
        libraries: distributions whose version changes results.
        assets: files beside the module.
        reads_versions: its last parameter is called `versions`; SQL does not give it, it is the
            versions of the stored tables that the stage reads, by their full names.
        plan_check: takes the same options by name and raises a ValueError where the files that
            they name are wrong. A plan calls it, so that this is told before anything is built.
        append_only: given what is new of one input (`TABLE(STREAM(t))`) and all of the others, it
            returns what is new of its answer, and no earlier row would be another one: a streaming
            table may call it. Its last DataFrame is called `so_far`; SQL does not give it, it is
            the answer that the stage holds already, without a row when it is built anew.

    Raises:
        ValueError: an operator is append-only and has no `so_far`, or the other way round.
    """

    def register(function: Function) -> Function:
        tables: list[str] = []
        for parameter in inspect.signature(function).parameters.values():
            annotation = parameter.annotation
            name = annotation if isinstance(annotation, str) else annotation.__name__
            if name.rpartition(".")[2] != "DataFrame":
                break
            tables.append(parameter.name)
        if append_only != (SO_FAR in tables[-1:]):
            raise ValueError(f"{function.__name__}: append-only operators end with `{SO_FAR}`")
        return declare(
            function,
            Declaration(
                kind="operator",
                name=function.__name__,
                version=version,
                function=function,
                returns=schema,
                tables=tuple(tables[:-1] if append_only else tables),
                options=tuple(
                    option
                    for option in options_of(function, len(tables))
                    if not (reads_versions and option.name == VERSIONS)
                ),
                libraries=libraries,
                assets=assets,
                append_only=append_only,
                reads_versions=reads_versions,
                plan_check=plan_check,
            ),
        )

    return register


def check(*, version: int) -> Callable[[Function], Function]:
    """Declare a check of a whole table version, named by `type:` in `checks/stage.yml`.

    The function takes options with defaults and returns SQL that selects the bad rows: `{batch}`
    stands for the version that is audited, `{published}` for the one that readers see now. The
    check passes when no row comes back.

    Args:
        version: raise it when results change for a reason that the source does not show.
    """

    def register(function: Function) -> Function:
        return declare(
            function,
            Declaration(
                kind="check",
                name=function.__name__,
                version=version,
                function=function,
                options=options_of(function, 0),
            ),
        )

    return register
