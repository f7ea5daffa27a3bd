"""Sends classifiers to workers: each as a file that Spark copies once to every machine.

What a run pinned is named by its content, so that a worker that is used again loads it once.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from winnow.engine.registry import Version
from winnow.engine.warehouse import Warehouse, folder
from winnow.errors import CommandError
from winnow.schemas.documents import DROPPED
from winnow.sources.files import list_address, open_raw
from winnow.udfs.classifiers import check_model
from winnow.udfs.hashing import blake2b_128

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BLOCK = 1 << 24  # bytes
MODEL = {"digest": "string", "content": "binary"}  # columns of a table of one


class ModelError(Exception):
    """A classifier that cannot be had. The message says which, and why."""


def model_digest(warehouse: Warehouse, version: Version) -> str:
    """Return what tells a trained classifier from another one: its content, else its version.

    A model that was trained again from the same examples is the same; scores stay as they are.
    """
    try:
        [digest] = _rows(warehouse, version, ["digest"])["digest"].to_pylist()
    except (DeltaError, OSError, pa.ArrowException, ValueError):
        return f"v{version.version}"
    return str(digest)


def _rows(warehouse: Warehouse, version: Version, columns: list[str]) -> pa.Table:
    path = warehouse.path(version.pipeline, version.stage)
    table = DeltaTable(path, version=version.version)
    rows = table.to_pyarrow_dataset(filesystem=folder(path))
    return rows.to_table(columns=columns, filter=~pc.field(DROPPED))


def ship_table(session: "SparkSession", warehouse: Warehouse, version: Version) -> str:
    """Send the classifier of a table at a version; return its name for workers.

    Raises:
        ModelError: the version is gone, or holds no model or several.
    """
    name = f"the model `{version.table}` v{version.version}"
    try:
        rows = _rows(warehouse, version, list(MODEL))
    except (DeltaError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"{name} is gone: {reason}. Train it again: winnow run {version.pipeline} "
            f"--full-refresh {version.stage}"
        ) from None
    if rows.num_rows != 1:
        raise ModelError(f"{name} has {rows.num_rows} rows, and a model is one")
    content = rows["content"][0].as_buffer()
    if content is None or blake2b_128(content) != rows["digest"][0].as_py():
        raise ModelError(f"{name} is damaged: its content is not that of its digest")
    return _send(session, iter([content]), name)


def ship_file(session: "SparkSession", address: str) -> str:
    """Send the classifier at an address; return its name for workers.

    Raises:
        ModelError: there is no such file, or it is no whole model.
    """
    name = f"the model {address!r}"
    try:
        files = list_address(address, None, lambda _: "file", is_named=True)
        if len(files) != 1:
            raise ModelError(f"{name} are {len(files)} files, and a model is one")
        with open_raw(files[0]) as stream:
            return _send(session, _blocks(stream), name)
    except (CommandError, OSError) as error:
        raise ModelError(f"{name} cannot be read: {error}") from None


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: stream.read(BLOCK), b"")


def _send(session: "SparkSession", blocks: Iterator[bytes], name: str) -> str:
    """Write a file that is named by its content, and have Spark copy it."""
    digest = hashlib.blake2b(digest_size=16)
    with tempfile.NamedTemporaryFile(dir=_folder().name, delete=False) as file:
        for block in blocks:
            digest.update(block)
            file.write(block)
    path = Path(file.name)
    try:
        check_model(str(path))
    except ValueError as error:
        path.unlink()
        raise ModelError(f"{name} {error}") from None
    target = path.with_name(f"winnow-model-{digest.hexdigest()}")
    path.replace(target)
    session.sparkContext.addFile(str(target))
    return target.name


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """The folder of what this process sent; it goes when the process ends."""
    return tempfile.TemporaryDirectory(prefix="winnow-models-")
