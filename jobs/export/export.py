"""`winnow export`: a table's kept documents as shuffled shards, each of them accounted for.

A document's place follows from a hash of its id: the same rows give the same files, in any number
of tasks, and whoever reads the shards in their order reads a shuffled corpus. `winnow.exported` has
a row for every document, so that `winnow explain` can say where it went.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from winnow.engine.registry import Registry, Version
from winnow.engine.warehouse import Warehouse
from winnow.errors import CommandError, WinnowError
from winnow.explore.catalog import Catalog, closest, inputs_of
from winnow.explore.screen import Screen, count, escape, size
from winnow.export.destination import MANIFEST, Asked, Destination, File, Manifest
from winnow.export.shards import FORMATS, ID, LINE, PARQUET, PLACED, Shards, write_shard

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

SHARD_DOCUMENTS = 100_000  # in a shard, where nobody says how many shards there are to be
MOST_SHARDS = 100_000  # the manifest names each
_DRAW, _ORDER = "_draw", "_order"


class ExportError(WinnowError):
    """Writing the shards failed; the same command does it again."""


@dataclass(frozen=True)
class Request:
    """What is to be exported, and how."""

    table: str
    format: str
    columns: Sequence[str] = ()  # none: all but the engine's
    version: int | None = None  # None: the published one
    shards: int | None = None


def export(
    catalog: Catalog, request: Request, address: str, master: str | None = None
) -> dict[str, Any]:
    """Write a table's kept documents into a folder; return what was written.

    The same export into the same folder is done once; one that broke off is done again.

    Args:
        catalog: of the warehouse.
        request: what and how.
        address: of the folder, which must be new or empty.
        master: where Spark runs.

    Raises:
        CommandError: something that is named is not there, or the folder cannot be taken.
        ExportError: Spark could not read the rows or write the shards.
    """
    if request.format not in FORMATS:
        raise CommandError(f"--format {request.format}: it is one of {', '.join(FORMATS)}")
    if request.shards is not None and not 1 <= request.shards <= MOST_SHARDS:
        raise CommandError(f"--shards {request.shards}: it is from 1 to {MOST_SHARDS:,}")
    version = _version(catalog, request)
    columns = _columns(version, request.columns)
    asked = Asked(
        table=version.table,
        versions=_versions(catalog, version),
        format=request.format,
        columns=columns,
        shards=request.shards,
    )
    destination = Destination(address, catalog.warehouse)
    done = destination.done(asked)
    if done is not None and any(row["export"] == done.export for row in catalog.rows("exports")):
        return _facts("THERE", destination, done)

    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    from winnow.engine.failures import cause
    from winnow.explore.connect import connected
    from winnow.session import build_session

    began = time.monotonic()
    spark = build_session(master)
    manifest = Manifest(
        state="writing",
        export=f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}",
        winnow=metadata.version("winnow-data"),
        asked=asked,
    )
    try:
        rows = connected(catalog, spark).table(version.table, request.version)
        number = request.shards or max(1, -(-rows.count() // SHARD_DOCUMENTS))
        shards = Shards(destination.address, version.stage, number, request.format)
        destination.begin(manifest)
        files = _write(rows, columns, shards, manifest.export, catalog.warehouse)
        manifest = manifest.model_copy(
            update={
                "state": "done",
                "documents": sum(file.documents for file in files),
                "bytes": sum(file.bytes for file in files),
                "shards": files,
            }
        )
        destination.end(manifest)
    except (PySparkException, Py4JError) as error:
        raise ExportError(f"export of `{version.table}`: {cause(error)}") from error
    except OSError as error:
        raise ExportError(f"cannot write to {destination.address}: {error}") from error
    row = {
        "export": manifest.export,
        "pipeline": version.pipeline,
        "stage": version.stage,
        "version": version.version,
        "versions": json.dumps(asked.versions),
        "address": destination.address,
        "format": request.format,
        "columns": columns,
        "shards": number,
        "documents": manifest.documents,
        "bytes": manifest.bytes,
        "seconds": time.monotonic() - began,
    }
    Registry(catalog.warehouse).append("exports", [row])
    return _facts("DONE", destination, manifest)


def _version(catalog: Catalog, request: Request) -> Version:
    """Return the version that is asked for."""
    table = catalog.full_name(request.table)
    relation = catalog.relations.get(table.lower())
    if relation is not None and table not in catalog.published:
        raise CommandError(f"`{table}` holds no kept documents, and they are what is exported")
    version = catalog.current(table)
    if request.version is None:
        return version
    if version.is_view:
        raise CommandError(
            f"`{table}` is a view, which is exported as it is published: leave --version out"
        )
    return catalog.version(table, str(request.version))


def _columns(version: Version, named: Sequence[str]) -> list[str]:
    """Return the columns to write."""
    known = [name for name in version.columns if not name.startswith("_")]
    if "id" not in known:
        raise CommandError(
            f"`{version.table}` has no column `id`, and documents are what is exported; "
            f'winnow sql "SELECT * FROM {version.table}" --format csv writes any table'
        )
    for name in named:
        if not name:
            raise CommandError("--columns has an empty name; write --columns id,text")
        if name not in known:
            near = closest(name, known) or known
            raise CommandError(
                f"`{version.table}` has no column `{name}`; it has {', '.join(near)}"
            )
    return list(dict.fromkeys(named)) or known


def _versions(catalog: Catalog, version: Version) -> dict[str, str]:
    """Return the versions, with their runs, of a table and of all that it is a view of."""
    found = {version.table: f"{version.version} of run {version.run}"}
    for name in inputs_of(version) if version.is_view else ():
        if name in catalog.published:
            found |= _versions(catalog, catalog.published[name])
    return found


def _write(
    rows: "DataFrame", columns: list[str], shards: Shards, export: str, warehouse: Warehouse
) -> list[File]:
    """Write the shards and, as rows, what is in them; return the files in their order.

    The rows are sorted by a hash within each shard, and a shard is a task, whatever the cluster.
    One entry a shard comes to the driver.
    """
    from py4j.protocol import Py4JError
    from pyspark.sql import Observation
    from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)
    from pyspark.sql.pandas.types import to_arrow_schema

    from winnow.explore.spark_views import quoted

    named = list(map(quoted, columns))
    line = F.to_json(F.struct(*named))
    # Rows of one id, if a table has such, are told apart by all that they hold: the last key.
    body: list[Column | str]
    if shards.format == PARQUET:
        body, last = [*named, F.xxhash64(line).alias(_ORDER)], _ORDER
    else:
        body, last = [line.alias(LINE)], LINE
    # A name before the id: a sample that was drawn by the id's own hash is shuffled, too.
    draw = F.xxhash64(F.lit("winnow export"), "id").alias(_DRAW)
    placed = (
        rows.select(F.col("id").alias(ID), draw, *body)
        .repartitionById(shards.count, F.pmod(_DRAW, F.lit(shards.count)).cast("int"))
        .sortWithinPartitions(_DRAW, ID, last)
    )
    schema = to_arrow_schema(rows.select(*named).schema)

    def write(batches: Iterator["pa.RecordBatch"]) -> Iterator["pa.RecordBatch"]:
        from pyspark import TaskContext

        task = TaskContext.get()
        assert task is not None
        return write_shard(shards, schema, task.partitionId(), batches)

    is_file = F.col("id").isNull()
    seen = Observation(f"shards-{uuid4()}")
    file = F.when(is_file, F.struct("file", "documents", "bytes", "digest"))
    (
        placed.mapInArrow(write, PLACED)
        .observe(seen, F.collect_list(file).alias("files"))
        .where(~is_file)
        .select(
            F.lit(export).alias("export"), "file", "row", "id",
            F.lit(datetime.now(UTC)).alias("recorded"),
        )
        .write.format("delta").mode("append").partitionBy("export")
        .save(warehouse.path("winnow", "exported"))
    )  # fmt: skip
    try:
        files = [File(**row.asDict()) for row in seen.get["files"]]
    except Py4JError:  # Spark knew that there are no rows, and ran another plan
        files = []
    found = {file.file: file for file in files}  # a task that was tried again says it twice
    for number in range(shards.count):
        if shards.file(number) not in found:  # Spark runs no task where it knows of no row
            [batch] = write_shard(shards, schema, number, [])
            [row] = batch.select(File.model_fields).to_pylist()
            found[row["file"]] = File(**row)
    return [found[file] for file in sorted(found)]


def _facts(state: str, destination: Destination, manifest: Manifest) -> dict[str, Any]:
    return {**manifest.model_dump(), "state": state, "address": destination.address}


def show_export(facts: dict[str, Any], screen: Screen) -> str:
    """Return what was exported as text."""
    asked, files = facts["asked"], facts["shards"]
    there = "was there already: " if facts["state"] == "THERE" else ""
    shards = "1 shard" if len(files) == 1 else f"{count(len(files))} shards"
    return (
        f"{asked['table']}  {there}{count(facts['documents'])} documents in {shards}, "
        f"{size(facts['bytes'])}\n"
        f"  the first    {escape(facts['address'])}/{escape(files[0]['file'])}\n"
        f"  all of them  {escape(facts['address'])}/{MANIFEST}"
    )
