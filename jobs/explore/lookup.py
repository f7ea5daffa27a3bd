"""Which document is meant: by its id or the beginning of it, its address, or words of its text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from winnow.engine.registry import Version
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog, holds_rejects
from winnow.explore.stored import dataset, find

ID, URL, TEXT = "id", "url", "text"
# Why a record could not be read, and its beginning; all but ASCII is written as `\xNN` there.
REASON, SNIPPET = "reject_reason", "reject_snippet"

# People give the beginning of an id, too: it counts as much as the whole.
CLOSEST = """
    SELECT {column} FROM documents
    WHERE {column} IS NOT NULL
    ORDER BY
        least(levenshtein({column}, $1), 1 + levenshtein(left({column}, length($1)), $1)),
        {column}
    LIMIT $2
"""
MOST_ROWS, SHOWN, GIVEN = 100, 5, 200


@dataclass(frozen=True)
class StoredStage:
    """A published stage that has a row, or several, for a document."""

    version: Version
    rows: ds.Dataset

    @property
    def columns(self) -> set[str]:
        """The names of its columns."""
        return set(self.rows.schema.names)

    @property
    def documents(self) -> pc.Expression:
        """What tells rows of documents from records that could not be read."""
        is_document = pc.field(REASON).is_null()
        return is_document if holds_rejects(self.version) else pc.scalar(True)

    @property
    def has_ids(self) -> bool:
        """Whether it has a column `id` of strings, as documents have."""
        kind = self.rows.schema.field(ID).type if ID in self.columns else None
        return kind in (pa.string(), pa.large_string(), pa.string_view())


def stages_with_ids(catalog: Catalog) -> list[StoredStage]:
    """Return the published stages whose rows are documents, inputs before what reads them."""
    stored = [item for item in catalog.ordered() if not item.is_view]
    stages = [StoredStage(item, dataset(catalog.warehouse, item)) for item in stored]
    return [stage for stage in stages if stage.has_ids]


def by_id(stages: Sequence[StoredStage], given: str) -> str:
    """Return the id that is meant.

    Raises:
        CommandError: none or more than one.
    """
    if any(find(stage.rows, pc.field(ID) == given, [ID], 1).num_rows for stage in stages):
        return given
    begins = pc.starts_with(pc.field(ID), given)
    found: set[str] = set()
    for stage in stages if given else ():
        found.update(map(str, find(stage.rows, begins, [ID], MOST_ROWS)[ID].to_pylist()))
    if len(found) == 1:
        return found.pop()
    if found:
        shown = ", ".join(sorted(found)[:SHOWN])
        raise CommandError(f"{len(found)} or more ids begin with `{given}`: {shown}")
    for stage in stages:
        if holds_rejects(stage.version) and given:
            begins = rf':\s*"{re.escape(given.encode().decode("ascii", "backslashreplace"))}'
            matches = pc.match_substring_regex(pc.field(SNIPPET), begins)
            rejects = find(stage.rows, matches, [ID], SHOWN)
            if rejects.num_rows:
                shown = ", ".join(sorted(map(str, rejects[ID].to_pylist())))
                raise CommandError(
                    f"no published document has the id `{given}`, but records that could not be "
                    f"read hold it: {shown}. See {stage.version.table}_rejected"
                )
    near = closest_values(stages[0], ID, given) if stages else []
    remedy = f"The closest: {', '.join(near)}" if near else "Nothing with ids is published yet"
    raise CommandError(f"no published document has the id `{given}`. {remedy}")


def by_url(stages: Sequence[StoredStage], given: str) -> str:
    """Return the id of the document with this address.

    Raises:
        CommandError: no document has it, or several.
    """
    known = [stage for stage in stages if URL in stage.columns]
    if not known:
        raise CommandError("no published table has addresses of documents (a column `url`)")
    found: set[str] = set()
    for stage in known:
        rows = find(stage.rows, pc.field(URL) == given, [ID], MOST_ROWS)
        found.update(map(str, rows[ID].to_pylist()))
    if len(found) == 1:
        return found.pop()
    if found:
        shown = ", ".join(sorted(found)[:SHOWN])
        raise CommandError(f"{len(found)} documents have the address {given}: {shown}")
    near = closest_values(known[0], URL, given)
    remedy = f"The closest: {', '.join(near)}" if near else "None has an address"
    raise CommandError(f"no published document has the address {given}. {remedy}")


def by_text(stages: Sequence[StoredStage], given: str) -> str:
    """Return the id of the one document whose text holds these words. Reads texts until it knows.

    Raises:
        CommandError: no document holds them, or several.
    """
    stage = next((stage for stage in stages if TEXT in stage.columns), None)
    if stage is None or not given.strip():
        raise CommandError("--match takes words of a text, and a published table with texts")
    rows = find(stage.rows, pc.match_substring(pc.field(TEXT), given), [ID], SHOWN + 1)
    if not rows.num_rows:
        raise CommandError(
            f"no text in {stage.version.table} holds {given!r}; upper and lower case and white "
            "space count. `winnow sql` can search in other ways: SELECT id FROM "
            f"{stage.version.table} WHERE text ILIKE '%...%'"
        )
    found = sorted({str(id) for id in rows[ID].to_pylist()})
    if len(found) > 1:
        more = ", ..." if len(found) > SHOWN else ""
        shown = ", ".join(found[:SHOWN])
        raise CommandError(f"several texts hold {given!r}: {shown}{more}. Name one by its id")
    return found[0]


def closest_values(stage: StoredStage, column: str, given: str, most: int = 3) -> list[str]:
    """Return the values of a column of a stage that differ least from this one."""
    import duckdb

    engine = duckdb.connect()
    engine.register("documents", stage.rows)
    query = CLOSEST.format(column=column)
    return [row[0] for row in engine.execute(query, [given[:GIVEN], most]).fetchall()]
