"""The texts of the documents that are shown: one scan for all of them, a row group at a time."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from winnow.explore.report.rows import Rows
from winnow.explore.report.steps import ID, Step

TEXT, MOST_CHARACTERS = "text", 20_000


def texts(rows: Rows, steps: list[Step], ids: Iterable[str]) -> dict[str, str]:
    """Return the beginnings of the texts of these documents, from the first step that has them.

    The ids of all row groups are read, and the texts of those that hold one of the documents.
    """
    missing, found = set(ids), dict[str, str]()
    for step in steps:
        kind = step.columns.get(TEXT)
        is_text = kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
        if is_text and not step.version.is_view and missing:
            found |= _of(rows.stored(step.version), missing)
            missing -= set(found)
    return found


def _of(stored: ds.Dataset, ids: set[str]) -> dict[str, str]:
    wanted = pc.field(ID).isin(pa.array(sorted(ids), pa.string()))
    found: dict[str, str] = {}
    for fragment in stored.get_fragments():
        for group in fragment.split_by_row_group(schema=stored.schema):
            if not group.to_table(stored.schema, columns=[ID], filter=wanted).num_rows:
                continue
            table = group.to_table(stored.schema, columns=[ID, TEXT], filter=wanted)
            begun = pc.utf8_slice_codeunits(table[TEXT], 0, MOST_CHARACTERS)
            pairs = zip(table[ID].to_pylist(), begun.to_pylist(), strict=True)
            found |= {id: text for id, text in pairs if text is not None}
    return found
