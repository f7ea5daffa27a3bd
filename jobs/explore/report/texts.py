"""The texts of the documents that are shown: one scan for all of them, a row group at a time."""

from collections.abc import Iterable

import pyarrow as pa

from winnow.explore.report.rows import Rows
from winnow.explore.report.steps import Step
from winnow.explore.stored import values_of

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
            read = values_of(rows.stored(step.version), TEXT, sorted(missing))
            found |= {id: str(text)[:MOST_CHARACTERS] for id, text in read.items()}
            missing -= set(found)
    return found
