"""Which documents hold an item of a benchmark, and where.

Items are few next to documents: their n-grams are indexed on the driver and sent to every task, and
each document is read once.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame

from winnow.errors import CommandError
from winnow.operators.registry import operator
from winnow.udfs.decon import decon
from winnow.udfs.decon import indexes as decon_indexes
from winnow.udfs.ngram_overlap import indexes as ngram_indexes
from winnow.udfs.ngram_overlap import ngram_overlap
from winnow.udfs.target_index import FOUND, read_targets, scanned

METHODS = {"ngram13": (ngram_overlap, ngram_indexes), "decon": (decon, decon_indexes)}
LEAST_WORDS, LEAST_DISTINCT = 8, 4

# Texts of items, in UTF-8. An index takes about 7 bytes a byte of text, in every Python worker.
MOST_TARGET_BYTES = 100_000_000

_FOUND = f"id STRING, {', '.join(f'{name} BIGINT' for name in FOUND[1:])}, score DOUBLE"

EVIDENCE = """
    SELECT
        found.id,
        items.id AS target_id,
        items.benchmark,
        found.start AS span_start,
        found.end AS span_end,
        found.target_start,
        found.target_end,
        found.score
    FROM {found} AS found
    JOIN {items} AS items ON found.item = items.item
"""


@operator(
    schema="""
        id STRING, target_id STRING, benchmark STRING, span_start BIGINT, span_end BIGINT,
        target_start BIGINT, target_end BIGINT, score DOUBLE
    """,
    version=1,
    append_only=True,
)
def contamination(
    documents: DataFrame, targets: DataFrame, so_far: DataFrame, method: str = "decon"
) -> DataFrame:
    """Find the benchmark items that documents hold, each with its place.

    A document's rows depend on it and on all targets. A streaming table that calls this may
    therefore stream its documents; its targets are a materialized view, which is rebuilt when items
    come, and not another streaming table, whose new items earlier documents would never meet.

    Args:
        documents: id STRING, text STRING; a null text holds nothing.
        targets: id STRING, benchmark STRING, text STRING; one row for each item, at most
            MOST_TARGET_BYTES of text. Of fewer than 8 words, or 4 different ones, it is found
            nowhere: what is so short stands in many texts by chance.
        so_far: is not needed.
        method: `decon` finds items of which words were changed too (`winnow.udfs.decon`),
            `ngram13` whatever shares 13 words in a row (`winnow.udfs.ngram_overlap`).

    Returns:
        id STRING, target_id STRING, benchmark STRING; span_start and span_end BIGINT, the place in
        the document in code points, the end excluded; target_start and target_end BIGINT, that in
        the item; score DOUBLE above 0 up to 1: of `decon` the weighted share of the item's words,
        of `ngram13` the share of its n-grams. One row for each document and item found in it.

    Raises:
        CommandError: the method is unknown, or the targets are too large.
    """
    if method not in METHODS:
        raise CommandError(f"contamination: method {method!r} is none of {', '.join(METHODS)}")
    scan, indexes_of = METHODS[method]
    session = documents.sparkSession
    size = targets.selectExpr("coalesce(sum(octet_length(text)), 0) AS bytes").collect()[0].bytes
    if size > MOST_TARGET_BYTES:
        raise CommandError(
            f"contamination: the targets have {size:,} bytes of text, and at most "
            f"{MOST_TARGET_BYTES:,} fit; give them in parts, each to a stage of its own"
        )
    given = targets.select("id", "benchmark", "text").toArrow().combine_chunks()
    read, item_of = read_targets(given["text"].combine_chunks(), LEAST_WORDS, LEAST_DISTINCT)
    known = session.sparkContext.broadcast((read, indexes_of(read)))

    def find(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        read, indexes = known.value
        for batch in batches:
            for found, scores in scanned(scan, batch["text"], read, indexes):
                rows = dict(zip(FOUND, found.T, strict=True))
                ids = batch["id"].take(pa.array(rows.pop("row")))
                yield pa.RecordBatch.from_pydict({"id": ids, **rows, "score": scores})

    found = documents.select("id", "text").where("text IS NOT NULL").mapInArrow(find, _FOUND)
    items = given.drop_columns("text").append_column("item", pa.array(item_of))
    items = items.filter(pa.array(item_of >= 0))
    return session.sql(EVIDENCE, found=found, items=session.createDataFrame(items))
