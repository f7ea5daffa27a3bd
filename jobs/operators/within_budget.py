"""The best documents that a budget of tokens has room for, and a share of it for general text.

No task sorts all rows: weights are added up over a million cells of the score, and only the cell
in which the budget ends is sorted.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)

from winnow.operators.registry import operator

CELLS = 1 << 20

# From the lowest score to the highest; those of one score are in one cell.
PLACED = """
    SELECT
        id, weight, score,
        CASE
            WHEN high = low THEN 0
            ELSE least(CAST((score - low) / (high - low) * {cells} AS BIGINT), {cells} - 1)
        END AS cell
    FROM {rows}
    CROSS JOIN (SELECT min(score) AS low, max(score) AS high FROM {rows})
    WHERE score IS NOT NULL
"""

# The highest cell that the budget does not hold with all above it.
BORDER = """
    SELECT cell, above
    FROM (
        SELECT cell, weight, sum(weight) OVER (ORDER BY cell DESC) - weight AS above
        FROM (SELECT cell, sum(weight) AS weight FROM {placed} GROUP BY cell)
    )
    WHERE above + weight > {budget}
    ORDER BY cell DESC
    LIMIT 1
"""

CHOSEN = """
    SELECT id FROM {placed} WHERE cell > {cell}
    UNION ALL
    SELECT id
    FROM (
        SELECT id, sum(weight) OVER (ORDER BY score DESC, sha2(id, 256), id) AS weight
        FROM {placed}
        WHERE cell = {cell}
    )
    WHERE {above} + weight <= {budget}
"""

# 52 bits of the id's digest.
DRAW = "CAST(conv(substr(sha2(id, 256), 1, 13), 16, 10) AS DOUBLE)"

VERDICTS = """
    SELECT
        rows.id,
        CASE WHEN best.id IS NOT NULL THEN 'score' WHEN general.id IS NOT NULL THEN 'general' END
            AS chosen_by
    FROM {rows} AS rows
    LEFT JOIN {best} AS best ON best.id = rows.id
    LEFT JOIN {general} AS general ON general.id = rows.id
"""


@operator(schema="id STRING, chosen_by STRING", version=1)
def within_budget(
    rows: DataFrame,
    budget: int = 0,
    share: float = 0.0,
    general_share: float = 0.0,
    score: str = "score",
    weight: str = "tokens",
) -> DataFrame:
    """Choose the rows with the best scores that a budget of tokens holds, and general text.

    Rows are taken from the best score down until the next one does not fit; of equal scores that
    of the smallest id digest comes first. Then general text is drawn from the rest, by id digest,
    whatever its score.

    Args:
        rows: id STRING, unique, and the two columns that the options name.
        budget: what the weights of all that is chosen add up to at most; or give share.
        share: of the sum of all weights, as budget.
        general_share: of the budget that goes to general text, 0 to 1.
        score: a column of numbers; a row without one is never chosen by it.
        weight: a column of whole numbers, e.g. tokens.

    Returns:
        id STRING, chosen_by STRING: `score`, `general`, or null for a row that is left out; one
        row a row.

    Raises:
        ValueError: not exactly one of budget and share is given, or a share is not from 0 to 1.
    """
    if (budget > 0) == (share > 0) or min(budget, share) < 0:
        raise ValueError("give either budget, above 0, or share, above 0 and at most 1")
    if share > 1 or not 0 <= general_share <= 1:
        raise ValueError("share and general_share are from 0 to 1")
    number = F.col(score).cast("double")
    given = rows.select(
        "id",
        F.coalesce(F.col(weight).cast("bigint"), F.lit(0)).alias("weight"),
        F.when(~F.isnan(number), number).alias("score"),
    )
    if share:
        total = given.agg(F.sum("weight")).first()
        budget = int((total[0] or 0) * share) if total is not None else 0
    general_budget = round(budget * general_share)
    best = _best(given, budget - general_budget)
    rest = given.join(best, "id", "left_anti")
    general = _best(rest.withColumn("score", F.expr(DRAW)), general_budget)
    return rows.sparkSession.sql(VERDICTS, rows=given, best=best, general=general)


def _best(given: DataFrame, budget: int) -> DataFrame:
    """Return the ids of the rows with the best scores whose weights the budget holds."""
    session = given.sparkSession
    placed = session.sql(PLACED, rows=given, cells=CELLS)
    border = session.sql(BORDER, placed=placed, budget=budget).first()
    if border is None:
        return placed.select("id")
    return session.sql(CHOSEN, placed=placed, cell=border.cell, above=border.above, budget=budget)
