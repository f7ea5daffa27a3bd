"""A warehouse made by hand with delta-rs, as two runs of a pipeline `web` would have left it.

documents   v1 published, v2 published   streaming table over files; one record is a reject
filtered    v1 published, v2 published, v3 rejected
duplicates  v1                           which document of an exact copy stays
kept        v1                           drops the copies
curated     view that DuckDB understands
shouted     view that only Spark understands
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake

from winnow.engine.registry import Input, Registry, Version
from winnow.engine.warehouse import Warehouse

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = "\x1b]0;owned\x07\x1b[31mred\x1b[0m \u202etxt.exe\u202c \x9b2J end. "
GOOD = "The quick brown fox jumps over the lazy dog and of course it is not alone. " * 5
TEXTS = {
    "a1-kept": GOOD,
    "a2-copy": GOOD,
    "a3-short": "Too few words.",
    "b1-hostile": HOSTILE * 20,
    "b2-huge": "word " * 200_000,
    "b3-nul": None,
}

ENGINE = [
    ("_failed_rules", pa.list_(pa.string())),
    ("_dropped", pa.bool_()),
    ("_batch", pa.int64()),
]
DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("source", pa.string()),
        ("licence", pa.string()),
        ("url", pa.string()),
        ("created", pa.string()),
        ("metadata", pa.map_(pa.string(), pa.string())),
        ("file", pa.string()),
        ("position", pa.int64()),
        ("content_hash", pa.string()),
        ("text_bytes", pa.int64()),
        ("arrival", pa.int64()),
        ("reject_reason", pa.string()),
        ("reject_snippet", pa.string()),
        *ENGINE,
    ]
)
FILTERED = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("text", pa.string()),
        ("words", pa.int32()),
        ("line", pa.struct([("short_lines", pa.int32())])),
        ("ratio", pa.float64()),
        ("language_score", pa.float64()),
        ("seen", pa.timestamp("us", tz="UTC")),
        *ENGINE,
    ]
)
DUPLICATES = pa.schema(
    [("id", pa.string()), ("kept_id", pa.string()), ("copies", pa.int64()), *ENGINE]
)
KEPT = pa.schema([("id", pa.string()), ("kept_id", pa.string()), *ENGINE])

FILTERED_RULES = [
    ("word_count", "words BETWEEN 5 AND 100000", "drop"),
    ("short_lines", "line.short_lines <= 2", "drop"),
    ("known_source", "source IS NOT NULL", "record"),
]
DEFINITION = "0123456789abcdef0123456789abcdef"


def build(folder: Path) -> Warehouse:
    """Write the warehouse into an empty folder."""
    warehouse = Warehouse.at(str(folder))
    warehouse.create()
    registry = Registry(warehouse)
    _write(warehouse, "documents", DOCUMENTS, [_document(name, 1) for name in list(TEXTS)[:3]])
    _write(warehouse, "filtered", FILTERED, [_filtered(name, 1) for name in list(TEXTS)[:3]])
    documents = _version(
        "documents", 1, "r1", rows=(3, 3, 0), inputs=(Input("files", digest="f1"),)
    )
    filtered = _version("filtered", 1, "r1", rows=(3, 2, 1), inputs=(_on("documents", 1),))
    _run(registry, "r1", "succeeded", [documents, filtered], START)

    late = [_document(name, 2) for name in list(TEXTS)[3:]]
    _write(warehouse, "documents", DOCUMENTS, [*late, _reject()])
    _write(warehouse, "filtered", FILTERED, [_filtered(name, 2) for name in list(TEXTS)[3:]])
    copies = [_duplicate("a1-kept", "a1-kept"), _duplicate("a2-copy", "a1-kept")]
    _write(warehouse, "duplicates", DUPLICATES, copies)
    _write(warehouse, "kept", KEPT, [_kept(name) for name in ("a1-kept", "a2-copy", "b1-hostile")])
    documents = _version(
        "documents", 2, "r2", rows=(7, 6, 1), inputs=(Input("files", digest="f2"),)
    )
    filtered = _version("filtered", 2, "r2", rows=(6, 4, 2), inputs=(_on("documents", 2),))
    duplicates = _version("duplicates", 1, "r2", rows=(2, 2, 0), inputs=(_on("filtered", 2),))
    kept = _version(
        "kept", 1, "r2", rows=(3, 2, 1), inputs=(_on("duplicates", 1), _on("filtered", 2))
    )
    both = (_on("documents", 2), _on("kept", 1))
    curated = _version("curated", 1, "r2", kind="view", inputs=both, sql=CURATED)
    shouted = _version("shouted", 1, "r2", kind="view", inputs=both, sql=SHOUTED)
    built = [documents, filtered, duplicates, kept, curated, shouted]
    _run(registry, "r2", "succeeded", built, START + timedelta(hours=1))
    _rules(registry)
    _checks(registry)

    _write(warehouse, "filtered", FILTERED, [_filtered("a1-kept", 3)])
    rejected = _version("filtered", 3, "r3", rows=(7, 5, 2), state="rejected")
    registry.add_versions([rejected])
    _runs_row(registry, "r3", "rejected", [rejected], START + timedelta(hours=2))
    return warehouse


CURATED = (
    "SELECT d.id, d.source, d.text FROM web.documents AS d "
    "LEFT SEMI JOIN web.kept AS k ON k.id = d.id"
)
SHOUTED = "SELECT id, upper(text) AS text FROM web.documents"


def _write(warehouse: Warehouse, stage: str, schema: pa.Schema, rows: list[dict[str, Any]]) -> None:
    path = warehouse.path("web", stage)
    if not Path(path).exists():
        write_deltalake(path, schema.empty_table(), partition_by=["_dropped"])
    table = pa.Table.from_pylist(rows, schema=schema)
    write_deltalake(path, table, mode="append", partition_by=["_dropped"])


def _document(name: str, batch: int) -> dict[str, Any]:
    return {
        "id": name,
        "text": TEXTS[name],
        "source": "wiki",
        "licence": "CC-BY-SA-4.0",
        "url": f"https://example.org/{name}",
        "metadata": [("lang", "en")],
        "file": f"part-{batch}.jsonl.gz",
        "position": 100 * len(name),
        "arrival": batch,
        "_failed_rules": [],
        "_dropped": False,
        "_batch": batch,
    }


def _reject() -> dict[str, Any]:
    return {
        "id": "reject-1",
        "file": "part-2.jsonl.gz",
        "position": 4096,
        "arrival": 2,
        "reject_reason": "not_json",
        "reject_snippet": "{broken \x1b[2J",
        "_failed_rules": ["readable"],
        "_dropped": True,
        "_batch": 2,
    }


def _filtered(name: str, batch: int) -> dict[str, Any]:
    words = len((TEXTS[name] or "").split())
    failed = [] if 5 <= words <= 100_000 else ["word_count"]
    return {
        "id": name,
        "source": "wiki",
        "text": None if failed else TEXTS[name],
        "words": words,
        "line": {"short_lines": 1},
        "ratio": float("nan") if name == "a1-kept" else 0.25,
        "language_score": 0.75,
        "seen": START,
        "_failed_rules": failed,
        "_dropped": bool(failed),
        "_batch": batch,
    }


def _duplicate(name: str, kept: str) -> dict[str, Any]:
    return {
        "id": name,
        "kept_id": kept,
        "copies": 2,
        "_failed_rules": [],
        "_dropped": False,
        "_batch": 1,
    }


def _kept(name: str) -> dict[str, Any]:
    dropped = name == "a2-copy"
    return {
        "id": name,
        "kept_id": "a1-kept" if name.startswith("a") else name,
        "_failed_rules": ["exact_duplicate"] if dropped else [],
        "_dropped": dropped,
        "_batch": 1,
    }


SCHEMAS = {"documents": DOCUMENTS, "filtered": FILTERED, "duplicates": DUPLICATES, "kept": KEPT}


def _version(
    stage: str,
    version: int,
    run: str,
    *,
    rows: tuple[int, int, int] = (0, 0, 0),
    inputs: Iterable[Input] = (),
    kind: str = "streaming table",
    state: str = "audited",
    sql: str = "",
) -> Version:
    columns: Mapping[str, str] = dict.fromkeys(SCHEMAS.get(stage, pa.schema([])).names, "")
    return Version(
        pipeline="web",
        stage=stage,
        kind=kind,
        version=version,
        state=state,
        run=run,
        definition=DEFINITION,
        definition_parts={"sql": "s", "function language": "f00dfacef00dface"},
        inputs=tuple(inputs),
        generation=1,
        batch=version,
        rows_in=rows[0],
        rows_kept=rows[1],
        rows_dropped=rows[2],
        bytes=1234,
        seconds=1.5,
        committed=START,
        sql=sql,
        columns=columns,
    )


def _on(table: str, version: int) -> Input:
    return Input(table, version, 1, version)


def _run(
    registry: Registry, run: str, state: str, versions: list[Version], started: datetime
) -> None:
    registry.add_versions(versions)
    registry.publish(versions)
    _runs_row(registry, run, state, versions, started)


def _runs_row(
    registry: Registry, run: str, state: str, versions: list[Version], started: datetime
) -> None:
    stages = [
        {
            "stage": item.stage,
            "state": "REJECTED" if item.state == "rejected" else "BUILT",
            "version": item.version,
            "reason": "first build" if item.version == 1 else "1 new file",
        }
        for item in versions
    ]
    row = {
        "run": run,
        "pipeline": "web",
        "state": "running",
        "started": started,
        "parameters": "{}",
        "versions": "{}",
        "host": "here",
        "stages": "[]",
    }
    ended = {
        "state": state,
        "ended": started + timedelta(seconds=72),
        "seconds": 72.0,
        "stages": json.dumps(stages),
        "error": "filtered was rejected" if state == "rejected" else None,
    }
    registry.append("runs", [row])
    registry.append("runs", [row | ended])


def _rules(registry: Registry) -> None:
    stages = {
        ("documents", 2): [("readable", "reject_reason IS NULL", "drop")],
        ("filtered", 2): FILTERED_RULES,
        ("kept", 1): [("exact_duplicate", "kept_id = id", "drop")],
    }
    rows = [
        {
            "pipeline": "web",
            "stage": stage,
            "version": version,
            "run": "r2",
            "position": position,
            "rule": rule,
            "condition": condition,
            "action": action,
            "failed": 1,
            "failed_alone": 1,
            "failed_first": 1,
        }
        for (stage, version), rules in stages.items()
        for position, (rule, condition, action) in enumerate(rules)
    ]
    registry.append("rules", rows)


def _checks(registry: Registry) -> None:
    row = {
        "pipeline": "web",
        "stage": "filtered",
        "version": 2,
        "run": "r2",
        "section": "kept",
        "type": "expect_column_values_to_be_unique",
        "kwargs": '{"column": "id"}',
        "severity": "critical",
        "success": True,
    }
    registry.append("checks", [row])
