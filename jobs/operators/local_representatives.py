"""Which documents stay: nobody goes who is not verified to be like one that stays.

Similarity is not transitive: a chain of small edits ties its far ends into one component. Here
documents are decided in an order, and one is dropped only when enough of its own partners stay, so
the far end stays too. With `max_copies` 1 what stays is the first maximal independent set in the
order: of any two partners one at most stays, and who goes has a partner that stays.

A decision reads earlier documents alone. So when the order is that of arrival, a document that
stays is never displaced, and a batch that is added gives the answer of a replay from the start.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

import pyarrow as pa
from pyspark.sql import DataFrame

from winnow.errors import CommandError
from winnow.operators.registry import operator

# One row for each document and earlier partner, and one without a partner for each document.
ORDERED = """
    WITH both AS (
        SELECT
            a.component,
            pairs.similarity,
            struct(a.rank, a.id) AS a,
            struct(b.rank, b.id) AS b
        FROM {pairs} AS pairs
        JOIN {members} AS a ON pairs.id_a = a.id
        JOIN {members} AS b ON pairs.id_b = b.id
        WHERE a.id <> b.id
    )
    SELECT component, rank, id, NULL AS earlier_rank, NULL AS earlier, NULL AS similarity
    FROM {members}
    UNION ALL
    SELECT
        component,
        greatest(a, b).rank AS rank,
        greatest(a, b).id AS id,
        least(a, b).rank AS earlier_rank,
        least(a, b).id AS earlier,
        similarity
    FROM both
"""

COPIES = """
    SELECT *, CAST(count(*) OVER (PARTITION BY kept_id) AS INT) AS copies FROM {decided}
"""

BATCH = 10_000  # rows that go back to Spark at once

_DECIDED = "id STRING, component STRING, kept_id STRING, similarity DOUBLE"
_ARROW = pa.schema(
    {
        "id": pa.string(),
        "component": pa.string(),
        "kept_id": pa.string(),
        "similarity": pa.float64(),
    }
)

Row = tuple[str, str, str | None, float | None]


def decide(rows: Iterable[Row], max_copies: int) -> Iterator[tuple[str, str, str, float]]:
    """Yield (id, component, kept_id, similarity) for each document, in the order of the rows.

    Args:
        rows: (component, id, earlier, similarity): those of a component one after the other, its
            documents in their order, and of a document first the one without an earlier partner.
        max_copies: how many partners that stay let a document go.
    """
    component = document = None
    kept: set[str] = set()  # of the component: all that is remembered
    stay: list[tuple[float, str]] = []  # of the document: earlier partners that stay

    def verdict() -> tuple[str, str, str, float]:
        assert document is not None
        assert component is not None
        if len(stay) < max_copies:
            kept.add(document)
            return document, component, document, 1.0
        similarity, kept_id = max(stay, key=lambda each: each[0])  # the first of equals
        return document, component, kept_id, similarity

    for row_component, row_document, earlier, similarity in rows:
        if row_document != document:
            if document is not None:
                yield verdict()
            document, stay = row_document, []
            if row_component != component:
                component, kept = row_component, set()
        if earlier in kept and earlier is not None and similarity is not None:
            stay.append((similarity, earlier))
    if document is not None:
        yield verdict()


@operator(
    schema="id STRING, component STRING, kept_id STRING, similarity DOUBLE, copies INT", version=1
)
def local_representatives(members: DataFrame, pairs: DataFrame, max_copies: int = 1) -> DataFrame:
    """Name, for every clustered document, the one that stays in its place: itself, if it stays.

    A component is decided by one task that reads its pairs as a stream and remembers the ids that
    stay, so a component may have any number of pairs. No text is read.

    Args:
        members: id STRING, component STRING (as `components` names it), rank; one row per
            clustered document. Smaller ranks come first and equal ones by id; a rank is anything
            that Spark can order: `struct(arrival, file, position)` for first seen, `-words` for
            longest.
        pairs: id_a STRING, id_b STRING, similarity DOUBLE; each pair once, those from the
            threshold up. A pair with a document that is no member is not looked at.
        max_copies: a document goes when so many of its partners stay. 1 keeps one of a kind.

    Returns:
        id STRING, component STRING, kept_id STRING, similarity DOUBLE, copies INT; one row per
        member. Of several partners that stay, kept_id is the most similar one, and the first of
        equals. similarity is that of id and kept_id, 1 for a document that stays. copies counts
        the documents with this kept_id, the one that stays among them.

    Raises:
        CommandError: max_copies is below 1.
    """
    if max_copies < 1:
        raise CommandError(f"local_representatives: max_copies is at least 1, not {max_copies}")
    session = members.sparkSession
    ordered = session.sql(ORDERED, members=members, pairs=pairs)
    streams = (
        ordered.repartition("component")
        .sortWithinPartitions("component", "rank", "id", "earlier_rank", "earlier")
        .select("component", "id", "earlier", "similarity")
    )

    def decided(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = (
            row
            for batch in batches
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        )
        verdicts = decide(rows, max_copies)
        while some := list(islice(verdicts, BATCH)):
            columns = zip(*some, strict=True)
            yield pa.RecordBatch.from_arrays(
                [
                    pa.array(column, kind)
                    for column, kind in zip(columns, _ARROW.types, strict=True)
                ],
                schema=_ARROW,
            )

    return session.sql(COPIES, decided=streams.mapInArrow(decided, _DECIDED))
