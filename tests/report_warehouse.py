"""A warehouse of `documents`, `filtered` and `unique` with any texts: else hostile ones.

The last document is taken for a near-duplicate of the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from small_warehouse import DOCUMENTS, ENGINE, FILTERED, FILTERED_RULES, START, _on, _run, _version
from winnow.engine.registry import Input, Registry
from winnow.engine.warehouse import Warehouse

LINES = "A line of words that is long enough to be no short line at all.\n"
HOSTILE_IDS: Mapping[str, str] = {
    "script": f"<script>alert(1)</script> and words and more words.\n{LINES}",
    'quote"><img src=x onerror=alert(9)>': f'<img src=x onerror="alert(2)"> and words.\n{LINES}',
    "link": f"<a href='javascript:alert(3)'>javascript:alert(3)</a> is a link of words.\n{LINES}",
    "bidi": f"\u202etxt.exe\u202c and \u2066 more \u2069 words of a text.\n{LINES}",
    "terminal": f"\x1b]0;owned\x07\x1b[31mred\x1b[0m \x9b2J and more words here.\n{LINES}",
    "template": "{{ 7 * 7 }} {% raw %} </pre></section></template><!-- words <![CDATA[ words ]]>",
    "svg": "<svg onload=alert(4)><animate onbegin=alert(5)> </svg> of words and words",
    "short": "<b>few</b>\nwords",
}
UNIQUE = pa.schema(
    [
        ("id", pa.string()),
        ("kept_id", pa.string()),
        ("copies", pa.int64()),
        ("similarity", pa.float64()),
        ("quality_score", pa.float64()),
        *ENGINE,
    ]
)
SHIFT = pa.schema(
    [
        ("dimension", pa.string()),
        ("value", pa.string()),
        ("documents_before", pa.int64()),
        ("documents_after", pa.int64()),
        ("share_before", pa.float64()),
        ("share_after", pa.float64()),
        *ENGINE,
    ]
)
UNIQUE_RULES = [("near_duplicate", "kept_id = id", "drop")]
HOSTILE_SUFFIX = "<script>alert('suffix')</script>\u202e\x1b[32m"
HOSTILE_SOURCE = '</text><script>alert("source")</script>\u202e\x1b[31m'


def hostile_warehouse(
    folder: Path,
    texts: Mapping[str, str] = HOSTILE_IDS,
    source: Callable[[str], str] = lambda _: HOSTILE_SOURCE,
) -> Warehouse:
    """Write the warehouse into an empty folder: documents of fewer than five words go."""
    warehouse = Warehouse.at(str(folder / "warehouse"))
    warehouse.create()
    documents = [
        {
            "id": name,
            "text": text,
            "source": source(name),
            "licence": HOSTILE_SOURCE,
            "url": "javascript:alert(6)",
            "file": f"{name}.jsonl",
            "position": 0,
            "text_bytes": len(text),
            "arrival": 1,
            "_failed_rules": [],
            "_dropped": False,
            "_batch": 1,
        }
        for name, text in texts.items()
    ]
    filtered = []
    for name, text in texts.items():
        is_short = len(text.split()) < 5
        failed = ["word_count", "short_lines"] if is_short else []
        filtered.append(
            {
                "id": name,
                "source": source(name),
                "text": None if failed else text,
                "words": len(text.split()),
                "line": {"short_lines": 2 if is_short else 0},
                "ratio": 0.5,
                "seen": START,
                "_failed_rules": failed,
                "_dropped": bool(failed),
                "_batch": 1,
            }
        )
    kept = [row["id"] for row in filtered if not row["_dropped"]]
    unique = [
        {
            "id": name,
            "kept_id": kept[0] if name == kept[-1] else name,
            "copies": 2 if name in (kept[0], kept[-1]) else 1,
            "similarity": 0.83 if name == kept[-1] else 1.0,
            "quality_score": place / len(kept),
            "_failed_rules": ["near_duplicate"] if name == kept[-1] else [],
            "_dropped": name == kept[-1],
            "_batch": 1,
        }
        for place, name in enumerate(kept)
    ]
    for stage, schema, rows in (
        ("documents", DOCUMENTS, documents),
        ("filtered", FILTERED, filtered),
        ("unique", UNIQUE, unique),
        ("shift", SHIFT, _shift()),
    ):
        path = warehouse.path("web", stage)
        table = pa.Table.from_pylist(rows, schema=schema)
        write_deltalake(path, table, partition_by=["_dropped"])
    _publish(Registry(warehouse), len(documents), len(documents) - len(kept))
    return warehouse


def _shift() -> list[dict[str, Any]]:
    """Return shares of two sources, of which one is gone, and of 15 suffixes."""
    sources = [("source", None, 6, 5, 0.75, 1.0), ("source", HOSTILE_SOURCE, 2, 0, 0.25, 0.0)]
    suffixes = [("url_suffix", f"s{i:02}", 1, 1, 0.05, 0.05) for i in range(14)]
    suffixes.append(("url_suffix", HOSTILE_SUFFIX, 6, 6, 0.3, 0.3))
    engine = {"_failed_rules": [], "_dropped": False, "_batch": 1}
    return [dict(zip(SHIFT.names, row, strict=False)) | engine for row in [*sources, *suffixes]]


def _publish(registry: Registry, documents: int, dropped: int) -> None:
    counts = (documents, documents - dropped, dropped)
    versions = [
        _version(
            "documents",
            0,
            "r1",
            rows=(documents, documents, 0),
            inputs=(Input("files", digest="f"),),
        ),
        _version("filtered", 0, "r1", rows=counts, inputs=(_on("documents", 0),)),
        _version(
            "unique", 0, "r1", rows=(counts[1], counts[1] - 1, 1), inputs=(_on("filtered", 0),)
        ),
    ]
    shift = _version("shift", 0, "r1", rows=(17, 17, 0), inputs=(_on("unique", 0),))
    versions.append(replace(shift, columns=dict.fromkeys(SHIFT.names, "")))
    _run(registry, "r1", "succeeded", versions, START)
    rules = {"filtered": (FILTERED_RULES, dropped), "unique": (UNIQUE_RULES, 1)}
    registry.append(
        "rules",
        [
            {
                "pipeline": "web",
                "stage": stage,
                "version": 0,
                "run": "r1",
                "position": position,
                "rule": rule,
                "condition": condition,
                "action": action,
                "failed": failed if action == "drop" else 0,
                "failed_alone": 0,
                "failed_first": failed if position == 0 else 0,
            }
            for stage, (own, failed) in rules.items()
            for position, (rule, condition, action) in enumerate(own)
        ],
    )
