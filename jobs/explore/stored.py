"""The rows of a table version, read through delta-rs. No JVM, and nothing that is not asked for."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from winnow.engine.registry import Version
from winnow.engine.warehouse import Warehouse, folder
from winnow.errors import CommandError
from winnow.schemas.documents import DROPPED


def dataset(warehouse: Warehouse, version: Version, dropped: bool | None = None) -> ds.Dataset:
    """Return a version's rows, not yet read; only the kept or the dropped ones on demand.

    Raises:
        CommandError: the version's files are gone.
    """
    path = warehouse.path(version.pipeline, version.stage)
    try:
        rows = DeltaTable(path, version=version.version).to_pyarrow_dataset(filesystem=folder(path))
    except DeltaError as error:
        raise CommandError(
            f"cannot read version {version.version} of {version.table} at {path}: "
            f"{str(error).splitlines()[0]}"
        ) from None
    return rows if dropped is None else rows.filter(pc.field(DROPPED) == dropped)


def find(rows: ds.Dataset, condition: pc.Expression, columns: list[str], most: int) -> pa.Table:
    """Return at most `most` rows, with only these columns read."""
    return rows.scanner(columns=columns, filter=condition).head(most)


def values_of(rows: ds.Dataset, column: str, ids: Sequence[str]) -> dict[str, object]:
    """Return one column's first value that is not null for each of some ids that have one.

    A column of texts may be a terabyte: the ids are read first, then the text of only the row
    groups that hold one of them.
    """
    found: dict[str, object] = {}
    wanted = pc.field("id").isin(pa.array(ids, pa.string()))
    for fragment in rows.get_fragments(wanted):
        for group in fragment.split_by_row_group(wanted, schema=rows.schema):
            if not group.to_table(rows.schema, columns=["id"], filter=wanted).num_rows:
                continue
            read = group.to_table(rows.schema, columns=["id", column], filter=wanted)
            for id, value in zip(read["id"].to_pylist(), read[column], strict=True):
                if value.is_valid:
                    found.setdefault(id, value.as_py())
            if len(found) == len(ids):
                return found
    return found
