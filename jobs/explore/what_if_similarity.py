"""Which near-duplicates would stay at another similarity: from stored pairs alone, no Spark.

`winnow what-if deduplicate.near_duplicates --sweep 'similarity: {0.7,0.8,0.9}'`. The decision is
that of `local_representatives`: in the order of ranks a document goes when `max_copies` of its
earlier partners stay; one that a finished corpus has goes before. It needs no components, since a
document has no partner outside its own. All pairs and documents lie in this process, about 50 bytes
each plus their ids. The present threshold is decided too and held against what is published: a
stage that decides otherwise is not guessed at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.engine.registry import Version
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.history import parameters_of
from winnow.explore.lineage import ancestors, descendants, nearest
from winnow.explore.previews import EXAMPLES, GROUPS, texts_of
from winnow.explore.stored import dataset
from winnow.udfs.kernels import kernel

NAME = "similarity"  # of the parameter, where a rule's name stands otherwise
LOWEST = 0.5  # from which pairs are stored; see conf/pipelines/shared/duplicates/60_pairs.sql
IN_REFERENCE = -1  # instead of a place

DOCUMENTS = """
    CREATE TEMP TABLE documents AS
    SELECT
        exact.id,
        first_id,
        source,
        row_number() OVER (ORDER BY {rank}, exact.id) - 1 AS place,
        reference_id,
        coalesce(similarity, 0) AS reference_similarity
    FROM exact LEFT JOIN reference_matches ON reference_matches.id = first_id
"""
PAIRS = """
    SELECT least(a.place, b.place) AS earlier, greatest(a.place, b.place) AS later, similarity
    FROM pairs
    JOIN documents AS a ON a.first_id = pairs.id_a
    JOIN documents AS b ON b.first_id = pairs.id_b
    WHERE a.place <> b.place
    ORDER BY later, earlier
"""
REFERENCE = "SELECT reference_similarity FROM documents ORDER BY place"
PUBLISHED = """
    SELECT coalesce(near.kept_id = documents.id, false) AS kept
    FROM documents LEFT JOIN near_duplicates AS near ON near.id = documents.id
    ORDER BY place
"""
SIZES = """
    SELECT coalesce(sizes.text_bytes, 0) AS bytes
    FROM documents LEFT JOIN sizes ON sizes.id = documents.id
    ORDER BY place
"""
BY_SOURCE = """
    SELECT
        source AS name,
        count(*) FILTER (kept_now) AS kept,
        count(*) FILTER (kept_then AND NOT kept_now) AS come_back,
        count(*) FILTER (kept_now AND NOT kept_then) AS go
    FROM documents JOIN decisions USING (place)
    GROUP BY source
    ORDER BY come_back + go DESC, kept DESC, name
    LIMIT $1
"""
CHOSEN = """
    SELECT
        documents.id,
        documents.source,
        coalesce(other.id, documents.reference_id) AS stays,
        decisions.similarity
    FROM documents
    JOIN decisions USING (place)
    LEFT JOIN documents AS other ON other.place = decisions.stays
    WHERE {which}
    ORDER BY md5(documents.id), documents.id
    LIMIT $1
"""

MATCHES = "reference_matches"
NO_MATCHES = pa.schema(
    {"id": pa.string(), "reference_id": pa.string(), NAME: pa.float64()}
).empty_table()

_PLACES, _FLOATS = types.Array(types.int64, 1, "C"), types.Array(types.float64, 1, "C")
# Arrow hands out read-only memory; an eager signature that does not say so never matches.
_STORED = types.Array(types.int64, 1, "C", readonly=True)
_STORED_FLOATS = types.Array(types.float64, 1, "C", readonly=True)


@kernel(types.void(_STORED, _STORED, _STORED_FLOATS, types.float64, types.int64, _PLACES, _FLOATS))
def _decide(
    earlier: NDArray[np.int64],
    later: NDArray[np.int64],
    similarity: NDArray[np.float64],
    threshold: float,
    max_copies: int,
    stays: NDArray[np.int64],
    alike: NDArray[np.float64],
) -> None:
    """Write for each document by rank the one that stays for it, and how similar they are.

    Pairs are sorted by (later, earlier), so who is earlier is decided already; `stays` comes in as
    every document itself, or IN_REFERENCE, `alike` as ones.
    """
    pair = 0
    while pair < later.size:
        document = later[pair]
        partners, best, best_similarity = 0, document, 0.0
        while pair < later.size and later[pair] == document:
            other = earlier[pair]
            if similarity[pair] >= threshold and stays[other] == other:
                partners += 1
                if similarity[pair] > best_similarity:
                    best, best_similarity = other, similarity[pair]
            pair += 1
        if stays[document] == document and partners >= max_copies:
            stays[document], alike[document] = best, best_similarity


@dataclass(frozen=True)
class Decided:
    """Which document stays for each one, and how similar they are, by places in the order.

    For one that goes for a finished corpus it is IN_REFERENCE, which is no place.
    """

    stays: NDArray[np.int64]
    similarity: NDArray[np.float64]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which documents stay."""
        kept: NDArray[np.bool_] = self.stays == np.arange(self.stays.size)
        return kept


def decided_at(
    threshold: float,
    max_copies: int,
    documents: int,
    earlier: NDArray[np.int64],
    later: NDArray[np.int64],
    similarity: NDArray[np.float64],
    reference: NDArray[np.float64],
) -> Decided:
    """Return which documents stay: in the order of ranks one goes when enough partners stay.

    Args:
        threshold: pairs of a lower similarity do not count.
        max_copies: how many partners that stay let a document go.
        documents: how many there are; they are known by their places in the order of ranks.
        earlier: int64[pairs], the place of each pair's earlier document.
        later: int64[pairs], of its later one; pairs are sorted by (later, earlier).
        similarity: float64[pairs].
        reference: float64[documents], the similarity of each with a finished corpus, 0 for none.
    """
    is_there = reference >= threshold
    found = Decided(
        np.where(is_there, IN_REFERENCE, np.arange(documents)), np.where(is_there, reference, 1.0)
    )
    _decide(earlier, later, similarity, threshold, max_copies, found.stays, found.similarity)
    return found


def is_about_similarity(catalog: Catalog, version: Version, name: str) -> bool:
    """Whether what-if is asked for another similarity of a stage that stands on stored pairs."""
    return (
        name == NAME and NAME in parameters_of(catalog, version) and bool(_inputs(catalog, version))
    )


def what_if_similar(
    catalog: Catalog, version: Version, values: Sequence[str], one: bool
) -> dict[str, Any]:
    """Return for each similarity which documents would stay.

    Args:
        catalog: what is published.
        version: of a stage for which `is_about_similarity` holds.
        values: thresholds, as they were written.
        one: whether one value is asked about, in detail; else they are a sweep.

    Raises:
        CommandError: a value is no number from 0.5 to 1, or the stage decides in another way.
    """
    thresholds = [_threshold(value) for value in values]
    given = parameters_of(catalog, version)
    now, max_copies = float(given[NAME]), int(given.get("max_copies", 1))
    engine, inputs = duckdb.connect(), _inputs(catalog, version)
    pairs = _load(catalog, version, engine, inputs)
    documents = int(engine.execute("SELECT count(*) FROM documents").fetchall()[0][0])

    earlier, later, alike = (pairs[name].to_numpy() for name in ("earlier", "later", NAME))
    reference = engine.sql(REFERENCE).to_arrow_table()["reference_similarity"].to_numpy()

    def decide(threshold: float) -> Decided:
        return decided_at(threshold, max_copies, documents, earlier, later, alike, reference)

    before = decide(now)
    published = engine.sql(PUBLISHED).to_arrow_table()["kept"].to_numpy()
    if not np.array_equal(before.kept, published):
        raise CommandError(
            f"`{version.table}` does not decide over similar pairs as the stages of "
            "conf/pipelines/shared/duplicates do, so what another similarity keeps is not known "
            f"without a run: winnow run {version.pipeline} --set {NAME}={values[0]}"
        )
    sizes = _sizes(catalog, version, engine)
    decided = [decide(threshold) for threshold in thresholds]
    found = [
        {
            "value": value,
            "is_now": threshold == now,
            **_counts(before, then, sizes),
            "pairs": int((alike >= threshold).sum()),
            "pairs_found": found_ratio(threshold, given),
        }
        for value, threshold, then in zip(values, thresholds, decided, strict=True)
    ]
    facts = {"table": version.table, "version": version.version, "unit": "documents"}
    if one:
        change = {"rule": NAME, "condition": values[0], "before": f"{now:g}", "action": "parameter"}
        details = _details(catalog, version, engine, before, decided[0])
        return {**facts, "changes": [change], **found[0], **details}
    about = {"rule": NAME, "condition": "the least of near-duplicates", "now": f"{now:g}"}
    return {**facts, "changes": [], **about, "values": found}


def found_ratio(similarity: float, given: dict[str, Any]) -> float | None:
    """Return the probability that a pair shares a band: 1 - (1 - s^rows)^bands.

    Source: Leskovec, Rajaraman, Ullman, Mining of Massive Datasets, section 3.4.2.
    """
    if not {"bands", "rows"} <= set(given):
        return None
    return float(1 - (1 - similarity ** int(given["rows"])) ** int(given["bands"]))


def _threshold(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not LOWEST <= number <= 1:
        raise CommandError(
            f"{NAME}: {value!r} is no number from {LOWEST} to 1, as pairs are stored. "
            f"Write --sweep '{NAME}: {{0.7,0.8,0.9}}' or --rule '{NAME}: 0.9'"
        )
    return number


def _inputs(catalog: Catalog, version: Version) -> dict[str, Version]:
    """Return the tables of exact copies and of pairs that a version was built from, or nothing.

    With them the matches in a finished corpus, of a pipeline that looks into one.
    """
    shapes = {
        "exact": {"id", "first_id", "kept_id", "rank", "source"},
        "pairs": {"id_a", "id_b", NAME},
        MATCHES: {"id", "reference_id", NAME},
    }
    found = {
        name: one
        for name, columns in shapes.items()
        for one in ancestors(catalog, version)
        if columns <= set(one.columns)
    }
    own = {"id", "kept_id", "component", NAME} <= set(version.columns)
    return found if own and {"exact", "pairs"} <= set(found) else {}


def _load(
    catalog: Catalog,
    version: Version,
    engine: duckdb.DuckDBPyConnection,
    inputs: dict[str, Version],
) -> pa.Table:
    """Read documents and pairs; return the pairs by the documents' places in the order of ranks."""
    engine.register(MATCHES, NO_MATCHES)
    for name, one in inputs.items():
        engine.register(name, dataset(catalog.warehouse, one, dropped=False))
    engine.register("near_duplicates", dataset(catalog.warehouse, version))
    rank = dataset(catalog.warehouse, inputs["exact"]).schema.field("rank").type
    # Spark orders nulls first, DuckDB last; both compare strings by their bytes.
    order = ", ".join(f"rank.{field.name} NULLS FIRST" for field in rank)
    engine.execute(DOCUMENTS.format(rank=order))
    return engine.sql(PAIRS).to_arrow_table().combine_chunks()


def _sizes(
    catalog: Catalog, version: Version, engine: duckdb.DuckDBPyConnection
) -> NDArray[np.int64] | None:
    """Return the bytes of each document's text, None where no input measured them."""
    source = nearest(catalog, version, "text_bytes")
    if source is None:
        return None
    engine.register("sizes", dataset(catalog.warehouse, source))
    sizes: NDArray[np.int64] = engine.sql(SIZES).to_arrow_table()["bytes"].to_numpy()
    return sizes


def _counts(
    before: Decided, then: Decided, sizes: NDArray[np.int64] | None
) -> dict[str, int | None]:
    back, go = then.kept & ~before.kept, before.kept & ~then.kept
    return {
        "rows": int(then.kept.size),
        "kept_now": int(before.kept.sum()),
        "kept": int(then.kept.sum()),
        "come_back": int(back.sum()),
        "go": int(go.sum()),
        "come_back_bytes": None if sizes is None else int(sizes[back].sum()),
        "go_bytes": None if sizes is None else int(sizes[go].sum()),
    }


def _details(
    catalog: Catalog,
    version: Version,
    engine: duckdb.DuckDBPyConnection,
    before: Decided,
    then: Decided,
) -> dict[str, Any]:
    """Return who comes and goes by source, and examples: each with the one that stays for it."""

    def rows(query: str, *values: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            engine.sql(query, params=list(values)).to_arrow_table().to_pylist()
        )
        return found

    def examples(which: str, decided: Decided) -> list[dict[str, Any]]:
        columns = {
            "place": np.arange(before.stays.size),
            "kept_now": before.kept,
            "kept_then": then.kept,
            "stays": decided.stays,
            NAME: decided.similarity,
        }
        engine.register("decisions", pa.table(columns))
        found = rows(CHOSEN.format(which=which), EXAMPLES)
        texts = texts_of(catalog, version, [row["id"] for row in found])
        return [
            {
                "id": row["id"],
                "source": row["source"],
                "values": {NAME: row[NAME], "stays": row["stays"]},
                "text": texts.get(row["id"]),
            }
            for row in found
        ]

    shown = {
        "come_back": examples("kept_then AND NOT kept_now", before),
        "go": examples("kept_now AND NOT kept_then", then),
    }
    further = [{"table": one.table, "kind": one.kind} for one in descendants(catalog, version)]
    return {
        "by": {"source": rows(BY_SOURCE, GROUPS)},
        "examples": shown,
        "still_dropped": [],
        "downstream": further,
    }
