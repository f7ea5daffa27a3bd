"""Documents that are similar to one, from the pairs that a pipeline verified and stored."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from winnow.engine.registry import Version
from winnow.explore.catalog import Catalog
from winnow.explore.lookup import StoredStage
from winnow.explore.stored import dataset, find
from winnow.schemas.documents import DROPPED

PAIR = {"id_a", "id_b", "similarity"}
MOST, READ = 10, 1000  # shown; read to find the most similar


def similar_to(catalog: Catalog, stages: Sequence[StoredStage], id: str) -> list[dict[str, Any]]:
    """Return the documents most similar to one, by similarity, each with whether it stays.

    Pairs are stored of the first of exact copies alone, so a copy has those of its first one.

    Args:
        catalog: what is published.
        stages: of one pipeline, those that have ids.
        id: the document.
    """
    found: dict[str, float] = {}
    name = _first(stages, id)
    for version in pairs_of(catalog, stages[0].version.pipeline):
        rows = dataset(catalog.warehouse, version, dropped=False)
        either = (pc.field("id_a") == name) | (pc.field("id_b") == name)
        for row in find(rows, either, sorted(PAIR), READ).to_pylist():
            other = row["id_b"] if row["id_a"] == name else row["id_a"]
            found[other] = row["similarity"]
    ordered = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST]
    states = _states(stages, [other for other, _ in ordered])
    return [
        {"id": other, "similarity": similarity, "state": states.get(other)}
        for other, similarity in ordered
    ]


def pairs_of(catalog: Catalog, pipeline: str) -> list[Version]:
    """Return a pipeline's published tables of pairs with their similarity."""
    stored = (one for one in catalog.published.values() if not one.is_view)
    return [one for one in stored if one.pipeline == pipeline and set(one.columns) >= PAIR]


def _first(stages: Sequence[StoredStage], id: str) -> str:
    """Return the exact copy of a document that pairs are stored of."""
    for stage in stages:
        if "first_id" in stage.columns:
            rows = find(stage.rows, pc.field("id") == id, ["first_id"], 1)
            if rows.num_rows:
                return str(rows["first_id"][0].as_py())
    return id


def _states(stages: Sequence[StoredStage], ids: Sequence[str]) -> dict[str, str]:
    """Return whether documents stay, from the last stage that decides over duplicates."""
    deciding = [stage for stage in stages if "kept_id" in stage.columns]
    if not deciding or not ids:
        return {}
    wanted = pc.field("id").isin(pa.array(ids, pa.string()))
    rows = find(deciding[-1].rows, wanted, ["id", DROPPED], len(ids))
    return {row["id"]: "dropped" if row[DROPPED] else "kept" for row in rows.to_pylist()}
