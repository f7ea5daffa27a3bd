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

from functools import reduce
from typing import Any

from pyspark.sql import DataFrame

from winnow.errors import CommandError
from winnow.operators.registry import operator
from winnow.operators.steps import checkpointed

# Of documents with the same words the first stands for all.
MEMBERS = """
    SELECT explode(bands) AS band, rank, id, new.id IS NOT NULL AS is_new
    FROM (
        SELECT *, row_number() OVER (PARTITION BY words_hash ORDER BY rank, id) AS copy FROM {bands}
    )
    LEFT JOIN (SELECT DISTINCT id FROM {new}) AS new USING (id)
    WHERE copy = 1
"""

# Groups that a new document joined, their members in order.
GROUPS = """
    SELECT band, id, rank, is_new, size, ordinal
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
COMPARISONS = """
    SELECT later.band, earlier.id AS earlier, later.id AS later, later.is_new, later.size
    FROM {groups} AS later
    JOIN (SELECT * FROM {groups} WHERE ordinal <= {representatives}) AS earlier
        ON later.band = earlier.band AND later.ordinal > earlier.ordinal
    WHERE later.is_new OR later.size > {all_pairs}
    UNION ALL
    SELECT later.band, earlier.id AS earlier, later.id AS later, later.is_new, later.size
    FROM (SELECT * FROM {groups} WHERE ordinal <= {all_pairs}) AS later
    JOIN (
        SELECT * FROM {groups} WHERE ordinal > {representatives} AND ordinal <= {all_pairs}
    ) AS earlier
        ON later.band = earlier.band AND later.ordinal > earlier.ordinal
    WHERE later.is_new OR later.size > {all_pairs}
"""

CANDIDATES = "SELECT DISTINCT earlier, later FROM {comparisons} WHERE is_new AND earlier <> later"

# Each side has its own sets: those of representatives are few, and Spark sends them to all tasks.
VERIFIED = """
    SELECT
        least(earlier, later) AS id_a,
        greatest(earlier, later) AS id_b,
        alike.similarity,
        alike.containment
    FROM (
        SELECT earlier, later, similarity(a.shingles, b.shingles) AS alike
        FROM {candidates}
        JOIN (
            SELECT id, shingle_hashes(text, {unit}, {size}) AS shingles
            FROM {documents} LEFT SEMI JOIN {candidates} AS some ON id = some.later
        ) AS a ON later = a.id
        JOIN (
            SELECT id, shingle_hashes(text, {unit}, {size}) AS shingles
            FROM {documents} LEFT SEMI JOIN {candidates} AS some ON id = some.earlier
        ) AS b ON earlier = b.id
    )
"""

UNMATCHED = """
    WITH alike AS (
        SELECT id_a, id_b FROM {verified} WHERE similarity >= {match}
        UNION ALL
        SELECT id_a, id_b FROM {so_far} WHERE similarity >= {match}
    ),
    matched AS (
        SELECT DISTINCT band, later AS id
        FROM {comparisons}
        JOIN alike ON id_a = least(earlier, later) AND id_b = greatest(earlier, later)
        WHERE size > {all_pairs}
    )
    SELECT band, rank, id, is_new, ordinal
    FROM {groups} LEFT ANTI JOIN matched USING (band, id)
    WHERE size > {all_pairs} AND ordinal > {representatives}
"""

FOUND = "SELECT * FROM {verified} WHERE similarity >= {similarity}"

# Up to `all_pairs` a document was compared with everyone before it.
LEFT = """
    SELECT DISTINCT
        id AS id_a,
        CAST(NULL AS STRING) AS id_b,
        CAST(NULL AS DOUBLE) AS similarity,
        CAST(NULL AS DOUBLE) AS containment
    FROM {unmatched}
    WHERE is_new AND ordinal > {all_pairs}
"""


@operator(
    schema="id_a STRING, id_b STRING, similarity DOUBLE, containment DOUBLE",
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
        id_a STRING, id_b STRING, similarity DOUBLE, containment DOUBLE with id_a < id_b; each pair
        once, as `winnow.udfs.similarity` defines the numbers. A new document that no round could
        place has a row (id, null, null, null) besides: a rule
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
    found = []
    for _ in range(rounds):
        groups = checkpointed(session.sql(GROUPS, members=members))
        comparisons = session.sql(COMPARISONS, groups=groups, **limits)
        candidates = checkpointed(session.sql(CANDIDATES, comparisons=comparisons))
        verified = checkpointed(
            session.sql(VERIFIED, candidates=candidates, documents=documents, unit=unit, size=size)
        )
        found.append(session.sql(FOUND, verified=verified, similarity=similarity))
        unmatched = session.sql(
            UNMATCHED,
            groups=groups,
            comparisons=comparisons,
            verified=verified,
            so_far=so_far,
            match=match,
            **limits,
        )
        unmatched = checkpointed(unmatched)
        if unmatched.where("is_new").isEmpty():
            break
        members = unmatched.drop("ordinal")
    return (
        reduce(DataFrame.union, found)
        .distinct()
        .union(session.sql(LEFT, unmatched=unmatched, **limits))
    )
