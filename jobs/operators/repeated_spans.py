"""Repeated spans: so many words in a row that an earlier document, or the same one, has too.

Every window of `words` words is compared with its first occurrence only, so a window that a million
documents share makes a million rows, not 10^12. That finds every repeat: a window is repeated if
and only if it is not its own first occurrence. What is shuffled are ids and hashes:

1. a text's copies of itself are found in it alone; its other windows are left, by their anchors;
2. anchors that no second document has are most of them, and go; of documents with others the
   windows behind those anchors are looked up by hash, each beside its first occurrence;
3. neighbouring windows become spans, of which as few are taken as hold all their words;
4. the words of both sides of a span are compared, by digests made where the texts are.
"""

from pyspark.sql import DataFrame

from winnow.errors import CommandError
from winnow.operators.registry import operator
from winnow.operators.steps import checkpointed
from winnow.udfs.repeat_anchors import repeat_anchors
from winnow.udfs.repeat_windows import repeat_windows
from winnow.udfs.span_cover import span_cover
from winnow.udfs.word_runs import word_runs

# The column functions that the SQL calls. A stage is rebuilt when what its operator imports has
# changed, and SQL imports nothing.
FUNCTIONS = (repeat_anchors, repeat_windows, span_cover, word_runs)

ANCHORS = """
    SELECT id, repeats.anchors, repeats.spans
    FROM (SELECT id, repeat_anchors(text, {words}) AS repeats FROM {documents})
"""

# A document has an anchor once, so rows are documents.
SHARED = """
    WITH anchored AS (SELECT id, explode(anchors) AS anchor FROM {anchors}),
    repeated AS (SELECT anchor FROM anchored GROUP BY anchor HAVING count(*) > 1)
    SELECT id, collect_list(anchor) AS anchors
    FROM anchored JOIN repeated USING (anchor)
    GROUP BY id
"""

WINDOWS = """
    SELECT id, rank, window.position, window.hash
    FROM (
        SELECT id, rank, explode(repeat_windows(text, anchors, {words})) AS window
        FROM {documents} JOIN {shared} USING (id)
    )
"""

COPIES = """
    SELECT id, position, first.id AS other_id, first.position AS other_position
    FROM {windows}
    JOIN (
        SELECT hash, min(struct(rank, id, position)) AS first
        FROM {windows}
        GROUP BY hash
        HAVING min(struct(rank, id)) <> max(struct(rank, id))
    ) USING (hash)
    WHERE id <> first.id
"""

# Copies in a row of windows in a row are one span.
SPANS = """
    SELECT
        id,
        other_id,
        min(position) AS start,
        min(other_position) AS other_start,
        CAST(count(*) + {words} - 1 AS INT) AS words
    FROM (
        SELECT
            *,
            position - other_position AS distance,
            position - row_number() OVER (
                PARTITION BY id, other_id, position - other_position ORDER BY position
            ) AS run
        FROM {copies}
    )
    GROUP BY id, other_id, distance, run
"""

COVER = """
    SELECT id, span.*
    FROM (
        SELECT
            id,
            explode(span_cover(collect_list(struct(start, words, other_id, other_start)))) AS span
        FROM {spans}
        GROUP BY id
    )
"""

PLACES = """
    WITH runs AS (
        SELECT id, struct(start, words) AS run FROM {cover}
        UNION ALL
        SELECT other_id AS id, struct(other_start AS start, words) AS run FROM {cover}
    ),
    wanted AS (SELECT id, collect_set(run) AS runs FROM runs GROUP BY id)
    SELECT id, place.*
    FROM (
        SELECT id, explode(word_runs(text, runs)) AS place
        FROM {documents} JOIN wanted USING (id)
    )
"""

# A copy within a text was compared word by word when it was found.
VERIFIED = """
    SELECT
        own.id,
        own.start_char AS start,
        own.end_char AS end,
        other.id AS other_id,
        other.start_char AS other_start,
        own.words
    FROM {cover} AS span
    JOIN {places} AS own
        ON own.id = span.id AND own.start = span.start AND own.words = span.words
    JOIN {places} AS other
        ON other.id = span.other_id AND other.start = span.other_start AND other.words = span.words
    WHERE own.digest = other.digest
    UNION ALL
    SELECT id, span.start, span.end, id AS other_id, span.other_start, span.words
    FROM (SELECT id, explode(spans) AS span FROM {anchors})
"""


@operator(
    schema="id STRING, start INT, end INT, other_id STRING, other_start INT, words INT",
    version=1,
)
def repeated_spans(documents: DataFrame, words: int = 50) -> DataFrame:
    """Return the spans of at least so many words that came before: in an earlier document or here.

    A word is in a span exactly if it is one of `words` words in a row that an earlier document has,
    or that the same text has before without overlapping. Words stand between white space and are
    compared byte for byte, how much white space stands between them does not matter. Texts without
    spaces, Chinese ones say, have few words and so no spans.

    Taking all spans out keeps the first copy of everything, though of what was first cut up by
    others only in parts: of two overlapping repeats the first document of each keeps its own.

    Args:
        documents: id STRING, text STRING, rank; one row for each document. The one with the smaller
            rank was first, of equals the one with the smaller id; a rank is anything that Spark can
            order: `struct(arrival, file, position)`.
        words: of the shortest span.

    Returns:
        id STRING, start INT, end INT, other_id STRING, other_start INT, words INT: text[start:end]
        of id and what begins at other_start of other_id are the same `words` words. Code points,
        from 0, end exclusive. other_id was first, or is id itself and other_start comes before
        start. Spans of a document may overlap; no word is in more than two that name other
        documents, or in more than two that name its own. A null text has no spans.

    Raises:
        CommandError: words is below 1.
    """
    if words < 1:
        raise CommandError(f"repeated_spans: words is at least 1, not {words}")
    session = documents.sparkSession
    anchors = checkpointed(session.sql(ANCHORS, documents=documents, words=words))
    shared = session.sql(SHARED, anchors=anchors)
    windows = session.sql(WINDOWS, documents=documents, shared=shared, words=words)
    copies = session.sql(COPIES, windows=checkpointed(windows))
    spans = session.sql(SPANS, copies=copies, words=words)
    cover = checkpointed(session.sql(COVER, spans=spans))
    places = checkpointed(session.sql(PLACES, cover=cover, documents=documents))
    return session.sql(VERIFIED, cover=cover, places=places, anchors=anchors)
