"""What new documents are most like in a finished corpus, which is looked into and never changed.

A document of the words of another is a match without a comparison. All others are compared, on the
texts, with those of the corpus that share a band; of a band that very many there share, with the
first of them alone, so that work grows with the new documents.
"""

from pyspark.sql import DataFrame

from winnow.errors import CommandError
from winnow.operators.registry import operator
from winnow.operators.steps import checkpointed
from winnow.udfs.shingle_hashes import shingle_hashes
from winnow.udfs.similarity import similarity

# The column functions that the SQL calls. A stage is rebuilt when what its operator imports has
# changed, and SQL imports nothing.
FUNCTIONS = (shingle_hashes, similarity)

COPIES = """
    SELECT new.id, min(reference.id) AS reference_id
    FROM {new} AS new
    JOIN {reference} AS reference USING (words_hash)
    GROUP BY new.id
"""

CANDIDATES = """
    WITH banded AS (
        SELECT id, explode(bands) AS band FROM {new} LEFT ANTI JOIN {copies} USING (id)
    ),
    numbered AS (
        SELECT band, id, row_number() OVER (PARTITION BY band ORDER BY id) AS ordinal
        FROM (SELECT id, explode(array_distinct(bands)) AS band FROM {reference})
        LEFT SEMI JOIN banded USING (band)
    )
    SELECT DISTINCT banded.id, numbered.id AS reference_id
    FROM banded
    JOIN numbered USING (band)
    WHERE ordinal <= {per_band}
"""

COMPARED = """
    SELECT id, reference_id, alike.*
    FROM (
        SELECT candidates.id, candidates.reference_id, similarity(a.shingles, b.shingles) AS alike
        FROM {candidates} AS candidates
        JOIN (
            SELECT id, shingle_hashes(text, {unit}, {size}) AS shingles
            FROM {documents} LEFT SEMI JOIN {candidates} USING (id)
        ) AS a ON a.id = candidates.id
        JOIN (
            SELECT id, shingle_hashes(text, {unit}, {size}) AS shingles
            FROM {texts} AS texts
            LEFT SEMI JOIN {candidates} AS candidates ON texts.id = candidates.reference_id
        ) AS b ON b.id = candidates.reference_id
    )
"""

MATCHES = """
    SELECT id, reference_id, 1D AS similarity, 1D AS containment, false AS is_estimate
    FROM {copies}
    UNION ALL
    SELECT id, found.*
    FROM (
        SELECT
            id,
            min_by(
                struct(reference_id, similarity, containment, is_estimate),
                struct(-similarity, reference_id)
            ) AS found
        FROM {compared}
        WHERE similarity >= {similarity}
        GROUP BY id
    )
"""


@operator(
    schema="""
        id STRING, reference_id STRING, similarity DOUBLE, containment DOUBLE, is_estimate BOOLEAN
    """,
    version=1,
    append_only=True,
)
def reference_matches(
    new: DataFrame,
    reference: DataFrame,
    documents: DataFrame,
    texts: DataFrame,
    so_far: DataFrame,
    similarity: float = 0.5,
    per_band: int = 32,
    unit: str = "word",
    size: int = 5,
) -> DataFrame:
    """Return for each new document the most similar one of a finished corpus, if there is one.

    A document's row depends on it and on the corpus alone, so it is the same in any batch.

    Args:
        new: id STRING, words_hash STRING, bands ARRAY<BIGINT>; the documents that are asked about.
        reference: the same of the finished corpus.
        documents: id STRING, text STRING; the texts of new documents, of candidates alone read.
        texts: id STRING, text STRING; those of the finished corpus.
        so_far: is not needed.
        similarity: matches are returned from this Jaccard similarity up.
        per_band: with how many of the corpus a document is compared that share one band with it,
            the smallest ids.
        unit: of shingles, 'word' or 'char', as bands were made with.
        size: of shingles, in units.

    Returns:
        id STRING, reference_id STRING, similarity DOUBLE, containment DOUBLE, is_estimate BOOLEAN;
        one row for a new document with a match, as `winnow.udfs.similarity` defines the numbers,
        and 1 for a document of the same words. Of equally similar ones it is the smallest id.

    Raises:
        CommandError: `per_band` is below 1.
    """
    if per_band < 1:
        raise CommandError(f"reference_matches: per_band is at least 1, not {per_band}")
    session = new.sparkSession
    copies = checkpointed(session.sql(COPIES, new=new, reference=reference))
    candidates = checkpointed(
        session.sql(CANDIDATES, new=new, reference=reference, copies=copies, per_band=per_band)
    )
    compared = session.sql(
        COMPARED, candidates=candidates, documents=documents, texts=texts, unit=unit, size=size
    )
    return session.sql(MATCHES, copies=copies, compared=compared, similarity=similarity)
