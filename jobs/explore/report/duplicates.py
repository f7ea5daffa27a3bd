"""Clusters of duplicates: how many of which size, the largest, and the least alike that went."""

from collections.abc import Mapping
from typing import Any

from winnow.explore.report.rows import Rows
from winnow.explore.report.steps import Step
from winnow.schemas.documents import DROPPED

KEPT_ID, COPIES, SIMILARITY = "kept_id", "copies", "similarity"
SIZES = """
    SELECT
        CASE
            WHEN copies <= 4 THEN copies::VARCHAR
            WHEN copies <= 9 THEN '5 to 9'
            WHEN copies <= 99 THEN '10 to 99'
            WHEN copies <= 999 THEN '100 to 999'
            ELSE '1,000 and more'
        END AS size,
        min(copies) AS smallest,
        count(*) AS clusters,
        sum(copies)::BIGINT AS documents
    FROM (SELECT kept_id, count(*) AS copies FROM {table} WHERE kept_id IS NOT NULL GROUP BY 1)
    WHERE copies > 1
    GROUP BY 1
    ORDER BY smallest
"""
LARGEST = """
    WITH largest AS (
        SELECT kept_id, count(*) AS documents
        FROM {table} WHERE kept_id IS NOT NULL
        GROUP BY kept_id HAVING count(*) > 1
        ORDER BY documents DESC, md5(kept_id)
        LIMIT {clusters}
    )
    SELECT
        largest.kept_id,
        any_value(largest.documents) AS documents,
        arg_min(r.id, md5(r.id), {most}) AS others
    FROM {table} AS r JOIN largest ON largest.kept_id = r.kept_id
    WHERE r.id <> r.kept_id
    GROUP BY largest.kept_id
    ORDER BY any_value(largest.documents) DESC, md5(largest.kept_id)
"""
LEAST_ALIKE = """
    SELECT id, kept_id, similarity
    FROM {table} WHERE {dropped} AND kept_id <> id AND similarity IS NOT NULL
    ORDER BY similarity, md5(id)
    LIMIT {clusters}
"""
CLUSTERS, MEMBERS = 6, 2  # shown


def duplicates(rows: Rows, steps: list[Step]) -> list[dict[str, Any]]:
    """Return the clusters of each step that names for each document the copy that stays."""
    return [
        _step(rows, step) for step in steps if KEPT_ID in step.columns and not step.version.is_view
    ]


def _step(rows: Rows, step: Step) -> dict[str, Any]:
    table = rows.table(step.version)
    alike: list[dict[str, Any]] = []
    if SIMILARITY in step.columns:
        alike = rows.ask(LEAST_ALIKE.format(table=table, dropped=DROPPED, clusters=CLUSTERS))
    return {
        "table": step.table,
        "stage": step.version.stage,
        "sizes": rows.ask(SIZES.format(table=table)),
        "largest": rows.ask(LARGEST.format(table=table, most=MEMBERS, clusters=CLUSTERS)),
        "least_alike": alike,
    }


def ids_of(found: Mapping[str, Any]) -> list[str]:
    """Return the ids of the documents that are shown of a step's clusters."""
    largest = [id for row in found["largest"] for id in (row["kept_id"], *(row["others"] or ()))]
    return [*largest, *(id for row in found["least_alike"] for id in (row["id"], row["kept_id"]))]
