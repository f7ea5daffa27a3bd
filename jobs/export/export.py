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
from winnow.export.destination import MANIFEST, Destination
from winnow.export.shards import FORMATS, ID, LINE, PARQUET, PLACED, Shards, write_shard

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

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
    table = catalog.full_name(request.table)
    version = catalog.current(table)
    if request.version is not None:
        version = catalog.version(table, str(request.version))
    columns = _columns(version, request.columns)
    asked = {
        "table": version.table,
        "versions": _stored(catalog, version),
        "format": request.format,
        "columns": columns,
        "shards": request.shards,
    }
    destination = Destination(address, catalog.warehouse)
    if destination.has(asked):
        return _facts("THERE", destination)

    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    from winnow.engine.failures import cause
    from winnow.explore.connect import connected
    from winnow.session import build_session

    began = time.monotonic()
    spark = build_session(master)
    rows = connected(catalog, spark).table(version.table, request.version)
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    try:
        number = request.shards or max(1, -(-rows.count() // SHARD_DOCUMENTS))
        shards = Shards(destination.address, version.stage, number, request.format)
        destination.begin(asked)
        files = _write(rows.select(*columns), shards, name, catalog.warehouse)
    except (PySparkException, Py4JError) as error:
        raise ExportError(f"export of `{version.table}`: {cause(error)}") from error
    written = {
        "export": name,
        "documents": sum(file["documents"] for file in files),
        "bytes": sum(file["bytes"] for file in files),
    }
    destination.end({**written, "winnow": metadata.version("winnow-data"), "shards": files})
    row = {
        **written,
        "pipeline": version.pipeline,
        "stage": version.stage,
        "version": version.version,
        "versions": json.dumps(asked["versions"]),
        "address": destination.address,
        "format": request.format,
        "columns": columns,
        "shards": number,
        "seconds": time.monotonic() - began,
    }
    Registry(catalog.warehouse).append("exports", [row])
    return _facts("DONE", destination)


def _columns(version: Version, named: Sequence[str]) -> list[str]:
    """Return the columns to write."""
    known = [name for name in version.columns if not name.startswith("_")]
    if "id" not in known:
        raise CommandError(
            f"`{version.table}` has no column `id`, and documents are what is exported; "
            f'winnow sql "SELECT * FROM {version.table}" --format csv writes any table'
        )
    for name in named:
        if name not in known:
            near = closest(name, known) or known
            raise CommandError(
                f"`{version.table}` has no column `{name}`; it has {', '.join(near)}"
            )
    return list(dict.fromkeys(named)) or known


def _stored(catalog: Catalog, version: Version) -> dict[str, int]:
    """Return the versions of stored tables that a table's rows come from: a view has none."""
    if not version.is_view:
        return {version.table: version.version}
    found: dict[str, int] = {}
    for name in inputs_of(version):
        if name in catalog.published:
            found |= _stored(catalog, catalog.published[name])
    return dict(sorted(found.items()))


def _write(
    rows: "DataFrame", shards: Shards, export: str, warehouse: Warehouse
) -> list[dict[str, Any]]:
    """Write the shards and, as rows, what is in them; return the files in their order.

    The rows are sorted by a hash within each shard, and a shard is a task, whatever the cluster.
    One entry a shard comes to the driver.
    """
    from pyspark.sql import Observation
    from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)
    from pyspark.sql.pandas.types import to_arrow_schema

    from winnow.explore.spark_views import quoted

    line = F.to_json(F.struct(*map(quoted, rows.columns)))
    is_parquet = shards.format == PARQUET
    body = list(map(quoted, rows.columns)) if is_parquet else [line.alias(LINE)]
    # Rows of one id, if a table has such, are told apart by all that they hold.
    order = (F.xxhash64(line) if is_parquet else F.lit(0)).alias(_ORDER)
    # A name before the id: a sample that was drawn by the id's own hash is shuffled, too.
    draw = F.xxhash64(F.lit("winnow export"), "id").alias(_DRAW)
    placed = (
        rows.select(F.col("id").alias(ID), draw, order, *body)
        .repartitionById(shards.count, F.pmod(_DRAW, F.lit(shards.count)).cast("int"))
        .sortWithinPartitions(_DRAW, ID, _ORDER, *([] if is_parquet else [LINE]))
    )
    columns = to_arrow_schema(rows.schema)

    def write(batches: Iterator["pa.RecordBatch"]) -> Iterator["pa.RecordBatch"]:
        from pyspark import TaskContext

        task = TaskContext.get()
        assert task is not None
        return write_shard(shards, columns, task.partitionId(), batches)

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
    found = {row.file: row.asDict() for row in seen.get["files"]}  # a task may be tried twice
    return [found[file] for file in sorted(found)]


def _facts(state: str, destination: Destination) -> dict[str, Any]:
    return {**destination.manifest, "state": state, "address": destination.address}


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
