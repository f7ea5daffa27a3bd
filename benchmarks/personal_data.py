"""How well and how fast `personal_data` finds what people want left out, on labelled text.

    python benchmarks/personal_data.py [--misses]

Precision, recall and F1 of each kind on Presidio's two generated sets. A span counts as found if
kind, start and end are those of the label (`exact`), or if it overlaps a label of its kind
(`overlap`). IP addresses that are not public are no personal data to us and are left out of the
labels. Speed is of the web pages' texts of the
shared data, on one core.
"""

import argparse
import gzip
import json
import os
import time
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pyarrow as pa

from winnow.udfs.personal_data import KINDS, personal_data, redact

LABELS = {
    "EMAIL_ADDRESS": "email",
    "IP_ADDRESS": "ip_address",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "us_ssn",
    "PHONE_NUMBER": "phone",
}
Span = tuple[str, int, int]


def main() -> None:
    """Print one table of precision and recall, then the speed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--misses", action="store_true", help="print them (the data are made up)")
    misses = parser.parse_args().misses
    counts = scored(misses)
    print("| kind | labels | precision | recall | F1 | precision, overlap | recall, overlap |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for kind in KINDS:
        if not counts[kind, "label"]:
            print(f"| {kind} | 0 | | | | | | found: {counts[kind, 'found']}")
            continue
        exact, loose = (
            (
                counts[kind, f"found {how}"] / max(1, counts[kind, "found"]),
                counts[kind, f"label {how}"] / counts[kind, "label"],
            )
            for how in ("exact", "overlap")
        )
        f1 = 2 * exact[0] * exact[1] / (sum(exact) or 1)
        print(
            f"| {kind} | {counts[kind, 'label']} | {exact[0]:.3f} | {exact[1]:.3f} | {f1:.3f} "
            f"| {loose[0]:.3f} | {loose[1]:.3f} |"
        )
    texts = [row["text"] for row in labelled("quality/dclm_human_quality_dev")]
    column = pa.array([text for text in texts if text])
    begin = time.perf_counter()
    spans = personal_data(column)
    seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    redact(column, spans)
    size = sum(len(text.encode()) for text in column.to_pylist()) / 1e6
    print(
        f"personal_data {size / seconds:.1f} MB/s, redact "
        f"{size / (time.perf_counter() - begin):.0f} MB/s, on {len(column)} web pages; found: "
        f"{dict(Counter(span['kind'] for row in spans.to_pylist() for span in row))}"
    )


def scored(misses: bool = False) -> Counter[tuple[str, str]]:
    """Count by kind the spans of ours and of the labels, and those of each that the other has."""
    rows = [*labelled("pii/presidio_synth_v2_dev"), *labelled("pii/presidio_generated_small")]
    found = personal_data(pa.array([row["text"] for row in rows])).to_pylist()
    counts: Counter[tuple[str, str]] = Counter()
    for row, spans in zip(rows, found, strict=True):
        ours = {(span["kind"], span["start"], span["end"]) for span in spans}
        gold = labels(row)
        for name, these, those in (("found", ours, gold), ("label", gold, ours)):
            for span in these:
                counts[span[0], name] += 1
                counts[span[0], name + " exact"] += span in those
                counts[span[0], name + " overlap"] += any(overlap(span, each) for each in those)
                if misses and span not in those:
                    kind, start, end = span
                    around = row["text"][max(0, start - 30) : end + 20]
                    print(f"in {name} only: {kind} {row['text'][start:end]!r} in {around!r}")
    return counts


def labels(row: dict[str, Any]) -> set[Span]:
    """Return the labels of one row in our kinds."""
    return {
        (LABELS[span["type"]], span["start"], span["end"])
        for span in row["spans"]
        if span["type"] in LABELS
        and (span["type"] != "IP_ADDRESS" or ip_address(span["value"]).is_global)
    }


def overlap(one: Span, other: Span) -> bool:
    """Return whether two spans of one kind share a character."""
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def labelled(name: str) -> list[dict[str, Any]]:
    """Return the rows of one labelled set."""
    shared = Path(os.environ.get("WINNOW_SHARED", "../shared"))
    with gzip.open(shared / "data" / "labelled" / f"{name}.jsonl.gz") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    main()
