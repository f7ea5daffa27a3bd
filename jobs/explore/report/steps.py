"""The stages through which documents pass on their way from the files to what is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from winnow.engine.registry import Version
from winnow.explore.catalog import Catalog, inputs_of
from winnow.explore.life import rules_of
from winnow.explore.report.rows import Rows, path
from winnow.schemas.documents import DROPPED

ID, TEXT_BYTES = "id", "text_bytes"
RECORD = "record"  # the action of a rule that drops nothing


@dataclass(frozen=True)
class Step:
    """A stage whose rows are documents: it reads the files, has rules that drop, or is read last.

    Stages on the way whose rows are something else (bands, pairs, clusters) are no steps.
    """

    version: Version
    columns: Mapping[str, pa.DataType]
    rules: tuple[Mapping[str, Any], ...]  # rows of the control table `rules`, in file order
    above: tuple[str, ...]  # tables of the steps from which its documents come

    @property
    def table(self) -> str:
        """`pipeline.stage`."""
        return self.version.table


def steps(catalog: Catalog, rows: Rows, pipeline: str) -> tuple[list[Step], list[str]]:
    """Return the steps of a pipeline in order, and the views that only Spark can read."""
    published = [item for item in catalog.ordered() if item.pipeline == pipeline]
    read = {name for item in catalog.published.values() for name in inputs_of(item)}
    found: list[Step] = []
    unread: list[str] = []
    for item in published:
        rules = tuple(rules_of(catalog, item)) if not item.is_view else ()
        drops = any(rule["action"] != RECORD for rule in rules)
        last = item.is_view and item.table not in read
        if not (drops or last or any(one.digest for one in item.inputs)):
            continue
        if not rows.can_read(item):
            unread.append(item.table)
            continue
        columns = rows.columns(item)
        if ID in columns:
            found.append(Step(item, columns, rules, _above(catalog, item, found)))
    return found, unread


def _above(catalog: Catalog, item: Version, known: list[Step]) -> tuple[str, ...]:
    """Return the nearest steps that a version reads; one that another of them reads is left out."""
    names = [step.table for step in known]
    near: set[str] = set()
    ways, seen = inputs_of(item), set[str]()
    while ways:
        name = ways.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in names:
            near.add(name)
        elif name in catalog.published:
            ways += inputs_of(catalog.published[name])
    before = {step.table: _all_above(step, known) for step in known}
    farther = {name for one in near for name in before[one]}
    return tuple(sorted(near - farther, key=names.index))


def _all_above(step: Step, known: list[Step]) -> set[str]:
    found = set(step.above)
    for other in known:
        if other.table in step.above:
            found |= _all_above(other, known)
    return found


class Sizes:
    """Where the bytes of a document's text are stored: one step has them, the others join it."""

    def __init__(self, rows: Rows, found: list[Step]) -> None:
        self._rows = rows
        self._step = next(
            (step for step in found if TEXT_BYTES in step.columns and not step.version.is_view),
            None,
        )

    @property
    def known(self) -> bool:
        """Whether any step has them."""
        return self._step is not None

    def of(self, step: Step) -> tuple[str, str]:
        """Return what a query over `r`, a step's rows, joins and sums up to know their bytes."""
        if TEXT_BYTES in step.columns:
            return "", path((TEXT_BYTES,))
        if self._step is None:
            return "", "NULL::BIGINT"
        table = self._rows.table(self._step.version)
        sizes = f"(SELECT {ID}, {TEXT_BYTES} FROM {table} WHERE NOT {DROPPED})"
        return f"LEFT JOIN {sizes} AS size ON size.{ID} = r.{ID}", f"size.{TEXT_BYTES}"
