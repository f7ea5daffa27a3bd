"""What a cut does to the mixture: filters silently change the share of sources and languages."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)

from winnow.operators.registry import operator

SHIFT = """
    WITH sizes AS (
        SELECT
            dimension,
            value,
            count(*) AS documents_before,
            count_if(stays) AS documents_after,
            sum(weight) AS weight_before,
            sum(CASE WHEN stays THEN weight ELSE 0 END) AS weight_after
        FROM {rows}
        GROUP BY dimension, value
    ),
    shares AS (
        SELECT
            *,
            weight_before / nullif(sum(weight_before) OVER (PARTITION BY dimension), 0)
                AS share_before,
            weight_after / nullif(sum(weight_after) OVER (PARTITION BY dimension), 0)
                AS share_after
        FROM sizes
    )
    SELECT *, share_after / nullif(share_before, 0) AS factor FROM shares
"""


@operator(
    schema="""
        dimension STRING, value STRING, documents_before BIGINT, documents_after BIGINT,
        weight_before BIGINT, weight_after BIGINT, share_before DOUBLE, share_after DOUBLE,
        factor DOUBLE
    """,
    version=1,
)
def mixture_shift(before: DataFrame, after: DataFrame, weight: str = "tokens") -> DataFrame:
    """Show how the shares of sources, languages and whatever else moved by a cut.

    Args:
        before: id STRING, unique; the weight's column; every other column is a dimension, of few
            values, e.g. source, language, the length as a power of two, the suffix of the address.
        after: id STRING; other columns are not read: the rows that stayed.
        weight: a column of whole numbers that shares are of, e.g. tokens or bytes.

    Returns:
        One row for each value of each dimension, null included: how many documents and what weight
        it had before and after, its shares of the whole (0 to 1), and factor, the share after by
        the share before: above 1 for what gained.

    Raises:
        ValueError: `before` has no dimension.
    """
    dimensions = [name for name in before.columns if name not in ("id", weight)]
    if not dimensions:
        raise ValueError("the first table has no column beside id and weight to compare by")
    each = [
        F.struct(F.lit(name).alias("dimension"), F.col(name).cast("string").alias("value"))
        for name in dimensions
    ]
    stays = after.select("id").distinct().withColumn("stays", F.lit(True))
    rows = before.join(stays, "id", "left").select(
        F.explode(F.array(*each)).alias("of"),
        F.coalesce("stays", F.lit(False)).alias("stays"),
        F.coalesce(F.col(weight).cast("bigint"), F.lit(0)).alias("weight"),
    )
    rows = rows.select("of.dimension", "of.value", "stays", "weight")
    return before.sparkSession.sql(SHIFT, rows=rows)
