"""Pairs of documents that share a band, verified on their texts, in time linear under skew.

The documents that share a band are a group. In a group of up to `all_pairs` documents every pair is
compared. In a larger one a document is compared with the first `representatives` alone, and those
that match none of them go to a next round among themselves, with new representatives: a star around
one member would split true clusters, since two near-duplicates can both fail against the centre. So
a band that a million template pages share makes 4 comparisons a page and round, not 10^12 in all.

A document is only ever compared with earlier ones, and what happens to it hangs on earlier ones of
its groups alone. When the order is that of arrival, a new batch therefore adds exactly the pairs
that a replay of everything would find, and reads the texts of new documents and their candidates;
of the other members of a group that a new document joins, ids and stored pairs are read.
"""

from typing import Any

from pyspark.sql import DataFrame

from winnow.errors import CommandError
from winnow.operators.registry import operator
from winnow.operators.steps import checkpointed
from winnow.udfs.shingle_hashes import shingle_hashes
from winnow.udfs.similarity import similarity

# The column functions that the SQL calls. A stage is rebuilt when what its operator imports has
# changed, and SQL imports nothing.
FUNCTIONS = (shingle_hashes, similarity)

# Of documents with the same words the first stands for all.
MEMBERS = """
    SELECT explode(array_distinct(bands)) AS band, rank, id, new.id IS NOT NULL AS is_new
    FROM (
        SELECT *, row_number() OVER (PARTITION BY words_hash ORDER BY rank, id) AS copy FROM {bands}
    )
    LEFT JOIN (SELECT DISTINCT id FROM {new}) AS new USING (id)
    WHERE copy = 1
"""

# Groups that a new document joined, their members in order.
GROUPS = """
    SELECT band, id, rank, is_new, size > {all_pairs} AS is_large, ordinal
    FROM (
        SELECT
            *,
            row_number() OVER (PARTITION BY band ORDER BY rank, id) AS ordinal,
            count(*) OVER (PARTITION BY band) AS size,
            max(is_new) OVER (PARTITION BY band) AS has_new
        FROM {members}
    )
    WHERE has_new AND size > 1
"""

# Of known documents only those of large groups: whether they matched decides who represents next.
# bands are the large groups in which the two are compared.
CANDIDATES = """
    WITH laters AS (SELECT * FROM {groups} WHERE is_new OR is_large),
    comparisons AS (
        SELECT earlier.id AS earlier, later.id AS later, later.is_new, later.is_large, band
        FROM laters AS later
        JOIN (SELECT * FROM {groups} WHERE ordinal <= {representatives}) AS earlier USING (band)
        WHERE later.ordinal > earlier.ordinal
        UNION ALL
        SELECT earlier.id AS earlier, later.id AS later, later.is_new, later.is_large, band
        FROM (SELECT * FROM laters WHERE ordinal <= {all_pairs}) AS later
        JOIN (
            SELECT * FROM {groups} WHERE ordinal > {representatives} AND ordinal <= {all_pairs}
        ) AS earlier USING (band)
        WHERE later.ordinal > earlier.ordinal
    )
    SELECT earlier, later, is_new, collect_list(band) FILTER (WHERE is_large) AS bands
    FROM comparisons
    GROUP BY earlier, later, is_new
"""

# What an earlier round compared is not compared again. Each side has its own sets: those of
# representatives are few, and Spark sends them to all tasks.
VERIFIED = """
    WITH pairs AS (
        SELECT earlier, later, bands
        FROM {candidates} LEFT ANTI JOIN {compared} USING (earlier, later)
        WHERE is_new
    )
    SELECT earlier, later, bands, alike.*
    FROM (
        SELECT earlier, later, bands, similarity(a.shingles, b.shingles) AS alike
        FROM pairs
        JOIN (
            SELECT id, shingle_hashes(text, {unit}, {size}) AS shingles
            FROM {documents} LEFT SEMI JOIN pairs ON id = later
        ) AS a ON later = a.id
        JOIN (
            SELECT id, shingle_hashes(text, {unit}, {size}) AS shingles
            FROM {documents} LEFT SEMI JOIN pairs ON id = earlier
        ) AS b ON earlier = b.id
    )
"""

UNMATCHED = """
    WITH alike AS (
        SELECT least(earlier, later) AS id_a, greatest(earlier, later) AS id_b
        FROM {compared} WHERE similarity >= {match}
        UNION ALL
        SELECT id_a, id_b FROM {so_far} WHERE similarity >= {match}
    ),
    matched AS (
        SELECT explode(bands) AS band, later AS id FROM {verified} WHERE similarity >= {match}
        UNION ALL
        SELECT explode(bands) AS band, later AS id
        FROM {candidates}
        JOIN alike ON id_a = least(earlier, later) AND id_b = greatest(earlier, later)
    )
    SELECT band, rank, id, is_new, ordinal
    FROM {groups} LEFT ANTI JOIN matched USING (band, id)
    WHERE is_large AND ordinal > {representatives}
"""

FOUND = """
    SELECT
        least(earlier, later) AS id_a,
        greatest(earlier, later) AS id_b,
        similarity,
        containment,
        is_estimate
    FROM {compared}
    WHERE similarity >= {similarity}
"""

NONE_YET = """
    SELECT '' AS earlier, '' AS later, 0D AS similarity, 0D AS containment, false AS is_estimate
    WHERE false
"""

# Up to `all_pairs` a document was compared with everyone before it.
LEFT = """
    SELECT DISTINCT
        id AS id_a,
        CAST(NULL AS STRING) AS id_b,
        CAST(NULL AS DOUBLE) AS similarity,
        CAST(NULL AS DOUBLE) AS containment,
        CAST(NULL AS BOOLEAN) AS is_estimate
    FROM {unmatched}
    WHERE is_new AND ordinal > {all_pairs}
"""


@operator(
    schema="""
        id_a STRING, id_b STRING, similarity DOUBLE, containment DOUBLE, is_estimate BOOLEAN
    """,
    version=1,
    append_only=True,
)
def candidate_pairs(
    new: DataFrame,
    bands: DataFrame,
    documents: DataFrame,
    so_far: DataFrame,
    similarity: float = 0.5,
    match: float = 0.8,
    all_pairs: int = 32,
    representatives: int = 4,
    rounds: int = 8,
    unit: str = "word",
    size: int = 5,
) -> DataFrame:
    """Return the pairs of a new document and an earlier one that share a band and are alike.

    Args:
        new: id STRING; the documents whose pairs are asked for.
        bands: id STRING, bands ARRAY<BIGINT>, words_hash STRING, rank; one row for every document
            so far, the new ones among them. Smaller ranks come first and equal ones by id; a rank
            is anything that Spark can order: `struct(arrival, file, position)`. Of documents with
            one words_hash the first alone is compared. In a large group, pairs of which neither
            represents it are not found, so give the order in which documents stay.
        documents: id STRING, text STRING; only candidates' texts are compared.
        so_far: id_a STRING, id_b STRING, similarity DOUBLE; the pairs found before, with the same
            options. Empty when everything is new.
        similarity: pairs are returned from this Jaccard similarity up.
        match: in a large group, a document that is so similar to a representative goes on no more.
        all_pairs: groups of up to so many documents are compared in full.
        representatives: of a larger group, how many represent it in a round; at most `all_pairs`.
        rounds: at most so many. Whoever is left then is named, see below.
        unit: of shingles, 'word' or 'char', as bands were made with.
        size: of shingles, in units.

    Returns:
        id_a STRING, id_b STRING, similarity DOUBLE, containment DOUBLE, is_estimate BOOLEAN with
        id_a < id_b; each pair once, as `winnow.udfs.similarity` defines the numbers. A new document
        that no round could place has a row (id, null, null, null, null) besides: a rule
        `EXPECT (id_b IS NOT NULL) ON VIOLATION DROP ROW` takes it out and keeps it on record.

    Raises:
        CommandError: a limit is below 1.
    """
    for limit, value in (
        ("all_pairs", all_pairs),
        ("representatives", representatives),
        ("rounds", rounds),
    ):
        if value < 1:
            raise CommandError(f"candidate_pairs: {limit} is at least 1, not {value}")
    session = new.sparkSession
    limits: dict[str, Any] = {
        "all_pairs": all_pairs,
        "representatives": min(representatives, all_pairs),
    }
    members = session.sql(MEMBERS, bands=bands, new=new)
    compared = session.sql(NONE_YET)
    for _ in range(rounds):
        groups = checkpointed(session.sql(GROUPS, members=members, **limits))
        candidates = checkpointed(session.sql(CANDIDATES, groups=groups, **limits))
        verified = checkpointed(
            session.sql(
                VERIFIED,
                candidates=candidates,
                compared=compared,
                documents=documents,
                unit=unit,
                size=size,
            )
        )
        unmatched = checkpointed(
            session.sql(
                UNMATCHED,
                groups=groups,
                candidates=candidates,
                verified=verified,
                compared=compared,
                so_far=so_far,
                match=match,
                **limits,
            )
        )
        compared = compared.union(verified.drop("bands"))
        if unmatched.where("is_new").isEmpty():
            break
        members = unmatched.drop("ordinal")
    return session.sql(FOUND, compared=compared, similarity=similarity).union(
        session.sql(LEFT, unmatched=unmatched, **limits)
    )
