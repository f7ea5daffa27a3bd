"""As few spans of a text as hold all of its repeated words."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from winnow.udfs.registry import column_function

SPAN = pa.struct(
    {
        "start": pa.int32(),
        "words": pa.int32(),
        "other_id": pa.string(),
        "other_start": pa.int32(),
    }
)


@column_function(
    returns="ARRAY<STRUCT<start INT, words INT, other_id STRING, other_start INT>>", version=1
)
def span_cover(spans: pa.Array) -> pa.Array:
    """Return those of the spans that are needed to hold every word that any of them holds.

    Shape: ARRAY<STRUCT<start INT, words INT, other_id STRING, other_start INT>> -> the same, in
        order of start; null gives null. No word is in more than two of them.
    Units: start and words count words. Of spans that serve as well the first counts, then the
        longest, then the one with the smallest (other_id, other_start).
    Errors: none.
    Source: the greedy cover of a line by intervals, which takes the fewest.
    """
    rows = [None if row is None else list(_cover(row)) for row in spans.to_pylist()]
    return pa.array(rows, pa.list_(SPAN))


def _cover(spans: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Take the first span, then of those that touch what is held the one that reaches farthest."""
    spans = sorted(spans, key=_order)
    held, i = -1, 0  # words before `held` are in a span or in none
    while i < len(spans):
        farthest = spans[i]
        i += farthest["start"] > held
        while i < len(spans) and spans[i]["start"] <= held:
            farthest = max(farthest, spans[i], key=_end)
            i += 1
        if _end(farthest) > held:
            yield farthest
            held = _end(farthest)


def _end(span: dict[str, Any]) -> int:
    return int(span["start"] + span["words"])


def _order(span: dict[str, Any]) -> tuple[int, int, str, int]:
    return span["start"], -span["words"], span["other_id"], span["other_start"]
