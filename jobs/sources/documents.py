"""`read_documents`: the documents of files, folders and globs, as SQL calls it.

    SELECT * FROM STREAM read_documents('data/*.jsonl.gz', licence => 'CC0-1.0')

The files are listed once, when a run is planned; Spark's tasks then read them as streams, in
batches of about 8 MB of text. A file that has no permission or cannot be decompressed to its end
is a row with a `reject_reason`, not the end of the run.
"""

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from winnow.errors import CommandError
from winnow.sources import python_environment
from winnow.sources.files import InputFile, list_address
from winnow.sources.formats import FORMATS, format_of
from winnow.sources.registry import source as declare_source
from winnow.udfs.registry import declaration_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@declare_source(version=1, libraries=("orjson",))
def read_documents(
    path: str,
    format: str = "auto",
    glob: str | None = None,
    source: str | None = None,
    licence: str | None = None,
    text: str = "text",
    id: str = "id",
    url: str = "url",
    created: str = "created",
    id_prefix: str | None = None,
) -> list[InputFile]:
    """Read documents from a file, a folder or a glob; here: list the files, sorted by name.

    One row is one document, or one record that could not be read. A document's id is the record's
    own (a string that is not empty, or an integer), else the hash of the file's name below the
    literal part of `path` and of the record's position in it.

    Args:
        path: a file, a folder (with all folders below it) or a glob, local or any address that
            fsspec knows; `python-environment` for the documentation of the installed Python.
        format: `jsonl` or `python-environment`; `auto` goes by the ends of the files' names.
        glob: only the files whose name matches; a pattern without "/" is matched with the last
            part of the name.
        source: of all documents, instead of the records' own field `source`.
        licence: of all documents, instead of the records' own field `licence`.
        text: the field that holds the text.
        id: the field that holds the id.
        url: the field that holds the address.
        created: the field that holds the time at which the document was made.
        id_prefix: stands before every id, so that two inputs with the same ids can be told apart.

    Raises:
        CommandError: the path does not exist, holds no file of the format or may not be read; or
            the format is unknown.
    """
    names = ("auto", *FORMATS)
    if format not in names:
        near = difflib.get_close_matches(format, names, 1)
        meant = f", did you mean {near[0]!r}?" if near else ""
        raise CommandError(f"format: {format!r} is none of {', '.join(names)}{meant}")
    if path == python_environment.ADDRESS:
        if format not in ("auto", python_environment.FORMAT):
            raise CommandError(f"format: {path!r} has a format of its own, not {format!r}")
        return python_environment.list_environment()
    if format == python_environment.FORMAT:
        raise CommandError(f"format: {format!r} is read from no other path, {path!r} was given")

    def wanted(name: str) -> str | None:
        if not name:  # whatever it is called
            return format
        found = format_of(name)
        return found if format in ("auto", found) else None

    return list_address(path, glob, wanted, is_named=format != "auto")


def list_files(options: Mapping[str, object]) -> list[InputFile]:
    """List the files that a call with these options reads, sorted by name.

    Raises:
        CommandError: as `read_documents` does.
    """
    return read_documents(**options)  # type: ignore[arg-type]


def documents(
    spark: "SparkSession",
    files: Sequence[InputFile],
    options: Mapping[str, object],
    arrival: int,
    limit: int | None = None,
) -> "DataFrame":
    """Return the documents of the files, one row each, with the columns of `schemas.documents`.

    Args:
        files: as `list_files` gives them, or some of those.
        options: of the call; what is missing has its default.
        arrival: number of the batch of documents in which they come.
        limit: at most that many documents, the first by file and position; they are read one file
            after the other by one task.
    """
    from winnow.sources.reader import read_files

    declaration = declaration_of(read_documents)
    assert declaration is not None
    defaults = {option.name: option.default for option in declaration.options}
    return read_files(spark, files, {**defaults, **options}, arrival, limit)
