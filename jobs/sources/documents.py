"""`read_documents`: the documents of files, folders and globs, as SQL calls it.

    SELECT * FROM STREAM read_documents('data/*.jsonl.gz', constant_licence => 'CC0-1.0')

The files are listed once, when a run is planned; Spark's tasks then read them as streams, in
batches of about 8 MB of text. A record that cannot be read is a row with a `reject_reason`; a file
that cannot be read to its end has it noted in the ledger of files. Neither ends the run.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from winnow.errors import CommandError
from winnow.sources import python_environment
from winnow.sources.files import InputFile, list_address
from winnow.sources.formats import FORMATS, format_of
from winnow.sources.registry import source as declare_source
from winnow.udfs.registry import declaration_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from winnow.sources.reader import Reading

STOP, IGNORE = "stop", "ignore"  # values of `changed_files`

_PACKED = re.compile(r"\.(?:7z|br|lz4|lzma|snappy|xz|z|zip|zstd)$", re.IGNORECASE)


@declare_source(
    version=3,
    libraries=("orjson", "fastwarc", "pyarrow"),
    run_options=("path", "changed_files", "max_rejects"),
)
def read_documents(
    path: str,
    format: str = "auto",
    glob: str | None = None,
    text: str = "text",
    id: str = "id",
    url: str = "url",
    source: str = "source",
    licence: str = "licence",
    created: str = "created",
    constant_source: str | None = None,
    constant_licence: str | None = None,
    id_prefix: str | None = None,
    changed_files: str = "stop",
    max_rejects: float = 0.05,
) -> list[InputFile]:
    """Read documents from a file, a folder or a glob; here: list the files, sorted by name.

    One row is one document, or one record that could not be read. A document's id is the record's
    own (a string that is not empty, an integer, a WARC-Record-ID), else the hash of the file's name
    below the literal part of `path` and of the record's position in it.

    Args:
        path: a file, a folder (with all folders below it) or a glob, local (from where the command
            runs) or any address that fsspec knows; `python-environment` for the documentation of
            the installed Python.
        format: `jsonl`, `parquet`, `text`, `html`, `warc` or `python-environment`; `auto` goes by
            the ends of the files' names.
        glob: only the files whose name matches; a pattern without "/" is matched with the last
            part of the name.
        text: the field that holds the text.
        id: the field that holds the id.
        url: the field that holds the address.
        source: the field that holds the source.
        licence: the field that holds the licence.
        created: the field that holds the time at which the document was made.
        constant_source: the source of all documents, whatever the records say.
        constant_licence: the licence of all documents, whatever the records say.
        id_prefix: stands before every id, so that two inputs with the same ids can be told apart.
        changed_files: what to do with a file that changed after it was read: `stop`, or `ignore`
            for the documents that were read from it then.
        max_rejects: the share of a run's new records that may be rejects; more reject the version.

    Raises:
        CommandError: the path does not exist, holds no file of the format or may not be read; or
            the format is unknown.
    """
    if changed_files not in (STOP, IGNORE):
        raise CommandError(f"changed_files: {changed_files!r} is neither {STOP!r} nor {IGNORE!r}")
    if not 0 <= max_rejects <= 1:
        raise CommandError(f"max_rejects: {max_rejects} is no share; it is between 0 and 1")
    for option, field in (("text", text), ("id", id), ("path", path)):
        if not field:
            raise CommandError(f"{option}: it is empty")
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
        if found is None and format_of(_PACKED.sub("", name)):
            raise CommandError(
                f"path: {name!r} is compressed in a way that is not read; unpack it, or leave it "
                "out by `glob`"
            )
        return found if format in ("auto", found) else None

    files = list_address(path, glob, wanted, is_named=format != "auto")
    packed = next((file for file in files if file.format == "parquet" and file.is_compressed), None)
    if packed is not None:
        raise CommandError(
            f"path: {packed.name!r} cannot be read: Parquet is compressed inside; unpack the file"
        )
    return files


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
) -> "Reading":
    """Return the documents of the files, one row each, with the columns of `schemas.documents`.

    Args:
        files: as `list_files` gives them, or some of those.
        options: of the call; what is missing has its default.
        arrival: number of the batch of documents in which they come.
        limit: at most that many documents, the first by file and position; they are read one file
            after the other by one task.
    """
    from winnow.sources.reader import read_files

    return read_files(spark, files, with_defaults(options), arrival, limit)


def with_defaults(options: Mapping[str, object]) -> dict[str, Any]:
    """Return all options of a call; what it does not give has its default."""
    declaration = declaration_of(read_documents)
    assert declaration is not None
    return {option.name: option.default for option in declaration.options} | dict(options)
