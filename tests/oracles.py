"""Verdicts of the tools themselves, and the texts that they were given: shared/data/oracles."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from winnow.pipeline.load import load_pipeline


def records(file: Path) -> Iterator[dict[str, Any]]:
    """Read JSON lines, cut at U+000A only."""
    if not file.is_file():
        pytest.skip(f"no {file}")
    content = file.read_bytes()
    if file.suffix == ".gz":
        content = gzip.decompress(content)
    return (json.loads(line) for line in content.split(b"\n") if line.strip())


@cache
def texts(data: Path) -> dict[str, str]:
    """All documents of the oracles, edge cases first, by their ids there."""
    found = {}
    for row in records(data / "oracles" / "edge_cases.jsonl"):
        parts = row["text_repeat"] if "text_repeat" in row else [(row["text"], 1)]
        found[row["id"]] = "".join(text * times for text, times in parts)
    wanted: dict[str, dict[str, tuple[str, str]]] = {}
    for row in records(data / "oracles" / "docs.jsonl.gz"):
        if "file" in row:
            wanted.setdefault(row["file"], {})[row["doc_id"]] = (row["id"], row["sha256"])
    for file, ids in wanted.items():
        for row in records(data / file):
            if (name := ids.get(row.get("id"))) and digest(row["text"]) == name[1]:
                found[name[0]] = row["text"]
    missing = [name for rows in wanted.values() for name, _ in rows.values() if name not in found]
    assert not missing, f"{len(missing)} documents are missing, {missing[0]} is the first"
    return found


@cache
def verdicts(file: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """The rows of a file of verdicts: by rule or cascade, then by document."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in records(file):
        found.setdefault(row.get("rule") or row["cascade"], {})[row["id"]] = row
    return found


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def column(texts: dict[str, str]) -> pa.Array:
    return pa.array(list(texts.values()), pa.large_string())


def rules(pipeline: str) -> dict[str, str]:
    """The conditions of the stage `filtered` of a packaged pipeline, by rule, in order."""
    stages = {stage.name: stage for stage in load_pipeline(pipeline).stages}
    return {rule.name: rule.condition for rule in stages["filtered"].rules}
