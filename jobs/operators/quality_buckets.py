"""Scores as ranks: which twentieth of its language's bytes a document belongs to.

Scores of two models do not compare, ranks do. What is sorted is one row for each score, rounded to
a millionth, so that no task sorts a language's documents.
"""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)

from winnow.operators.registry import Columns, operator

RANKS = """
    WITH sizes AS (
        SELECT name, part, place, sum(weight) AS weight
        FROM {rows}
        WHERE place IS NOT NULL
        GROUP BY name, part, place
    ),
    ranked AS (
        SELECT
            name,
            part,
            place,
            weight,
            sum(weight) OVER (PARTITION BY name, part ORDER BY place) - weight AS below,
            sum(weight) OVER (PARTITION BY name, part) AS total
        FROM sizes
    )
    SELECT
        rows.id,
        rows.name,
        -- By the middle of what has the same score, in whole numbers: below + weight / 2 of total.
        CASE
            WHEN total IS NULL THEN NULL
            WHEN total = 0 THEN 0
            ELSE least({buckets} - 1, {buckets} * (2 * below + ranked.weight) DIV (2 * total))
        END AS bucket
    FROM {rows} AS rows
    LEFT JOIN ranked
      ON ranked.name = rows.name AND ranked.part <=> rows.part AND ranked.place = rows.place
"""


def _names(scores: object) -> list[str]:
    return [name.strip() for name in str(scores).split(",") if name.strip()]


def _columns(_: Mapping[str, Columns], options: Mapping[str, object]) -> str:
    own = [f"`{name}_bucket` INT" for name in _names(options.get("scores", "score"))]
    return ", ".join(["id STRING", *own, "bucket INT"])


@operator(schema=_columns, version=1)
def quality_buckets(
    rows: DataFrame,
    scores: str = "score",
    weight: str = "bytes",
    by: str = "language",
    buckets: int = 20,
) -> DataFrame:
    """Rank documents by score within their language, weighted by bytes, in twenty buckets.

    Args:
        rows: id STRING, unique; the columns that the options name.
        scores: columns of scores, with commas between them; higher is better.
        weight: a column of whole numbers, bytes or tokens: each bucket holds the same sum of them,
            as far as equal scores allow, which share a bucket.
        by: a column to rank within, e.g. language or source; empty for all together. Rows where it
            is null are a group.
        buckets: how many.

    Returns:
        id STRING, for each score `<score>_bucket` INT from 0 (worst) to buckets - 1, and bucket
        INT, the highest of them: the union of the models. One row a row; null where there is no
        score. As Nemotron-CC (Su et al. 2024, arXiv:2412.02595, section 2.2), which ranks
        documents, not bytes, and all languages that it has (English) together.

    Raises:
        ValueError: no score is named, or there are fewer than two buckets.
    """
    names = _names(scores)
    if not names or buckets < 2:
        raise ValueError("quality_buckets needs a score and at least two buckets")
    part: Column = F.col(by).cast("string") if by else F.lit(None).cast("string")
    each = [
        F.struct(
            F.lit(name).alias("name"),
            F.when(~F.isnan(name), F.round(F.col(name).cast("double"), 6)).alias("place"),
        )
        for name in names
    ]
    long = rows.select(
        "id",
        part.alias("part"),
        F.coalesce(F.col(weight).cast("bigint"), F.lit(0)).alias("weight"),
        F.explode(F.array(*each)).alias("score"),
    ).select("id", "part", "weight", "score.name", "score.place")
    ranks = rows.sparkSession.sql(RANKS, rows=long, buckets=buckets)
    own = [
        F.max(F.when(F.col("name") == name, F.col("bucket"))).cast("int").alias(f"{name}_bucket")
        for name in names
    ]
    wide = ranks.groupBy("id").agg(*own)
    union = reduce(lambda a, b: F.greatest(a, b), [F.col(f"{name}_bucket") for name in names[1:]],
                   F.col(f"{names[0]}_bucket"))  # fmt: skip
    return wide.withColumn("bucket", union)
