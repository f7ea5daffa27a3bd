"""All that FineWeb's rules ask as datatrove measures it, with one reading of the text."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from winnow.udfs import c4_clean, datatrove_lines, datatrove_quality, datatrove_repetition
from winnow.udfs.buffers import strings, utf8
from winnow.udfs.registry import column_function
from winnow.udfs.token_table import tokenise

DDL = (
    f"STRUCT<quality {datatrove_quality.DDL}, repetition {datatrove_repetition.DDL}, "
    f"c4 {c4_clean.DDL}, cleaned {datatrove_lines.DDL}>"
)


@column_function(returns=DDL, version=1, assets=("english_tokens.json",), measures=True)
def datatrove_fineweb(text: pa.Array) -> pa.Array:
    r"""Measure all that FineWeb's rules ask: Gopher's signals, C4's cleaning, the lines it leaves.

    Shape: STRING -> STRUCT<quality STRUCT<...>, repetition STRUCT<...>, c4 STRUCT<text STRING,
        ...>, cleaned STRUCT<...>>; null gives null.
    Units: quality and repetition are `datatrove_quality` and `datatrove_repetition` of the text, c4
        is `c4_clean` without the rule on the ends of lines, cleaned `datatrove_lines` of c4.text;
        their docstrings say what the fields are. Here a text is cut into tokens once and not four
        times. Of a text of more than `limit` bytes all of it, c4.text too, is that of its head.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: as in datatrove 0.10.1 examples/fineweb.py with spaCy 3.8.18.
    """
    data, offsets = utf8(text)
    rows = len(text)
    quality = np.zeros((len(datatrove_quality.SIGNALS), rows), np.int32)
    repetition = np.zeros((len(datatrove_repetition.SIGNALS), rows), np.int64)
    c4 = np.zeros((len(c4_clean.SIGNALS), rows), np.int32)
    cleaned = np.zeros((len(datatrove_lines.SIGNALS), rows), np.int32)
    bodies, sizes = [np.zeros(0, np.uint8)], [np.zeros(1, np.int64)]  # of the cleaned texts
    for found in tokenise(data, offsets):
        part = offsets[found.rows.start : found.rows.stop + 1]
        datatrove_quality.count_quality(data, part, found, quality[:, found.rows])
        datatrove_repetition.count_repetition(data, part, found, repetition[:, found.rows])
        lines = c4_clean.cleaned(data, part, found, filter_no_terminal_punct=False)
        after = c4_clean.joined([lines], np.arange(part.size))
        bodies.append(after.data)
        sizes.append(np.diff(after.offsets))
        c4[:, found.rows] = after.counts[:-1]
        datatrove_lines.count_lines(after.data, after.offsets, cleaned[:, found.rows])
        cleaned[datatrove_lines.TOKENS, found.rows] = after.counts[-1]
    texts = strings(np.concatenate(bodies), np.cumsum(np.concatenate(sizes)), text.type)
    fields = {
        "quality": _struct(datatrove_quality.SIGNALS, quality),
        "repetition": _struct(datatrove_repetition.SIGNALS, repetition),
        "c4": _struct(c4_clean.SIGNALS, c4, text=texts),
        "cleaned": _struct(datatrove_lines.SIGNALS, cleaned),
    }
    return pa.StructArray.from_arrays(list(fields.values()), list(fields), mask=text.is_null())


def _struct(
    names: tuple[str, ...], counts: NDArray[np.int32] | NDArray[np.int64], **first: pa.Array
) -> pa.Array:
    return pa.StructArray.from_arrays([*first.values(), *map(pa.array, counts)], [*first, *names])
