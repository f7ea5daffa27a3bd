"""Column functions of this pipeline: Arrow arrays in, one value a row out, callable in SQL."""

import pyarrow as pa
import pyarrow.compute as pc

from winnow import column_function


@column_function(returns="INT", version=1)
def question_marks(text: pa.Array) -> pa.Array:
    """Count the question marks of a text; null gives null."""
    return pc.count_substring(text, "?").cast(pa.int32())
