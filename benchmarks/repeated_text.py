"""Repeated lines and spans: MB/s of the kernels, and how much of each source is repeated.

python benchmarks/repeated_text.py speed FILE.jsonl.gz
winnow run lines --warehouse W --set input=FOLDER
python benchmarks/repeated_text.py shares W
"""

import gzip
import sys
import time
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow as pa

from winnow.engine.warehouse import Warehouse
from winnow.extensions import built_in
from winnow.operators.repeated_spans import repeated_spans
from winnow.session import build_session, register_functions
from winnow.udfs.line_hashes import line_hashes
from winnow.udfs.repeat_anchors import repeat_anchors
from winnow.udfs.repeat_windows import repeat_windows
from winnow.udfs.without_lines import without_lines

SHARES = """
    WITH cut AS (
        SELECT
            documents.id,
            without_spans(
                any_value(text), collect_list(struct(start, end))
            ).removed_chars AS span_chars,
            without_spans(
                any_value(text), collect_list(struct(start, end)) FILTER (WHERE other_id = spans.id)
            ).removed_chars AS own_chars
        FROM {documents} AS documents JOIN {spans} AS spans ON spans.id = documents.id
        GROUP BY documents.id
    )
    SELECT
        regexp_extract(file, '([^/]+)[.]jsonl', 1) AS file,
        sum(chars) / 1e6 AS million_chars,
        100 * sum(removed_chars) / sum(chars) AS lines,
        100 * coalesce(sum(span_chars), 0) / sum(chars) AS spans,
        100 * coalesce(sum(own_chars), 0) / sum(chars) AS own_spans
    FROM {cleaned}
    JOIN (SELECT id, file FROM {documents}) USING (id)
    LEFT JOIN cut USING (id)
    GROUP BY 1
    ORDER BY 1
"""


def speed(path: Path) -> None:
    """Print MB of text a second of one core's time, the best of three."""
    with gzip.open(path) as file:
        texts = [orjson.loads(line)["text"] for line in file]
    text = pa.array(texts)
    size = sum(len(row.encode()) for row in texts) / 1e6
    hashes = line_hashes(text)
    anchors = repeat_anchors(text).field("anchors")
    calls: dict[str, Callable[[], object]] = {
        "line_hashes": lambda: line_hashes(text),
        "line_hashes, paragraphs": lambda: line_hashes(text, "paragraph"),
        "without_lines": lambda: without_lines(text, hashes, pa.nulls(len(text), hashes.type)),
        "repeat_anchors": lambda: repeat_anchors(text),
        "repeat_windows": lambda: repeat_windows(text, anchors),
    }
    for name, call in calls.items():
        seconds = []
        for _ in range(3):
            started = time.process_time()
            call()
            seconds.append(time.process_time() - started)
        print(f"{name:<28}{size / min(seconds):8.0f} MB/s", flush=True)


def shares(address: str) -> None:
    """Print the characters of each file, and the percentages in repeated lines and spans."""
    session = build_session()
    register_functions(session, built_in().values())
    warehouse = Warehouse.at(address)
    documents, cleaned = (
        session.read.format("delta").load(warehouse.path("lines", table))
        for table in ("documents", "cleaned")
    )
    started = time.perf_counter()
    ranked = documents.selectExpr("id", "text", "struct(arrival, file, position) AS rank")
    spans = repeated_spans(ranked).cache()
    print(f"{spans.count()} spans, {time.perf_counter() - started:.0f} s")
    rows = session.sql(SHARES, documents=documents, cleaned=cleaned, spans=spans).collect()
    print(f"{'file':<28}{'million chars':>14}{'% lines':>9}{'% spans':>9}{'% own spans':>13}")
    for row in rows:
        print(
            f"{row.file:<28}{row.million_chars:14.1f}{row.lines:9.2f}{row.spans:9.2f}"
            f"{row.own_spans:13.2f}"
        )


if __name__ == "__main__":
    what, where = sys.argv[1:]
    speed(Path(where)) if what == "speed" else shares(where)
