"""The decorator of sources: readers of documents, called as table functions in SQL."""

from collections.abc import Callable

from winnow.schemas.documents import DOCUMENT_DDL
from winnow.udfs.registry import Declaration, Function, declare, options_of


def source(
    *,
    version: int,
    libraries: tuple[str, ...] = (),
    run_options: tuple[str, ...] = (),
) -> Callable[[Function], Function]:
    """Declare a source.

    The function plans: it takes the options of the call, `STREAM read_documents(:input, format =>
    'jsonl')`, all of which its signature names, and returns the files to read as a list of
    `InputFile`. It returns the columns of `schemas.documents.DOCUMENT`.

    Args:
        version: raise it when results change for a reason that the source does not show.
        libraries: distributions whose version changes results, e.g. `("orjson",)`.
        run_options: options that say where to read and when to stop, not what a record becomes: a
            parameter that is given to these alone is no part of a stage's definition.
    """

    def register(function: Function) -> Function:
        return declare(
            function,
            Declaration(
                kind="source",
                name=function.__name__,
                version=version,
                function=function,
                returns=DOCUMENT_DDL,
                options=options_of(function, 0),
                libraries=libraries,
                run_options=run_options,
            ),
        )

    return register
