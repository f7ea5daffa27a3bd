"""The beginning of a text, for functions that change texts and would hold all of one."""

import pyarrow as pa

from winnow.udfs.buffers import head
from winnow.udfs.registry import TEXT_LIMIT, column_function


@column_function(returns="STRING", version=1)
def text_head(text: pa.Array, limit: int = TEXT_LIMIT) -> pa.Array:
    """Return texts, those of more than `limit` bytes cut before the character that does not fit.

    Shape: STRING -> STRING; null gives null.
    Units: `limit` is bytes of UTF-8, as of the functions that measure: they see the same head.
        `left(text, n)` counts characters.
    Errors: TypeError if the column is not STRING; ValueError if `limit` is null or negative. No
        text is an error.
    Source: ours.
    """
    return head(text, limit)
