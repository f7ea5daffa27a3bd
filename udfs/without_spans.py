"""Texts without some of their spans."""

import pyarrow as pa

from winnow.udfs.buffers import texts
from winnow.udfs.registry import column_function

FIELDS = {"text": pa.string(), "removed": pa.list_(pa.string()), "removed_chars": pa.int32()}


@column_function(
    returns="STRUCT<text STRING, removed ARRAY<STRING>, removed_chars INT>",
    version=1,
)
def without_spans(text: pa.Array, spans: pa.Array) -> pa.Array:
    """Return a text without its spans, and what went.

    Shape: STRING, ARRAY<STRUCT<start INT, end INT>> -> STRUCT<text STRING, removed ARRAY<STRING>,
        removed_chars INT>; a null text gives null, null spans take out nothing.
    Units: spans in code points as `repeated_spans` gives them, from 0, end exclusive, in any order.
        Those that overlap or touch go as one; what lies behind the end of the text is nothing.
        White space around a span stays.
    Errors: TypeError if the text is not STRING.
    Source: cutting spans out, as Lee et al. 2021 (arXiv:2107.06499, section 4.2) and RefinedWeb
        (Penedo et al. 2023, arXiv:2306.01116, appendix G.3.2) do. Which copy goes is for the rows
        of `repeated_spans` to say.
    """
    rows = zip(texts(text), spans.to_pylist(), strict=True)
    return pa.array(
        [None if row is None else _cut(row, places or []) for row, places in rows],
        pa.struct(FIELDS),
    )


def _cut(text: str, spans: list[dict[str, int]]) -> dict[str, object]:
    kept: list[str] = []
    removed: list[str] = []
    at = begin = end = 0  # text[begin:end] goes next
    for start, stop in sorted((span["start"], span["end"]) for span in spans):
        if start > end:
            kept.append(text[at:begin])
            removed.append(text[begin:end])
            at, begin = end, start
        end = max(end, start, stop)
    kept += [text[at:begin], text[end:]]
    removed.append(text[begin:end])
    return {
        "text": "".join(kept),
        "removed": [part for part in removed if part],
        "removed_chars": sum(map(len, removed)),
    }
