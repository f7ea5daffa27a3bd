"""What operators of several rounds have in common."""

from pyspark.sql import DataFrame


def checkpointed(rows: DataFrame) -> DataFrame:
    """Compute the rows once and keep them, so that the next round does not begin at the first.

    They are kept reliably where the session has a checkpoint directory (`sc.setCheckpointDir`): a
    lost executor then costs its tasks only. Else they are kept on the executors.
    """
    reliable = rows.sparkSession.sparkContext.getCheckpointDir() is not None
    return rows.checkpoint() if reliable else rows.localCheckpoint()
