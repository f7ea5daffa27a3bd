"""How well and how fast `extract_text` finds main texts, on the labelled pages of the shared data.

    python benchmarks/extraction.py

Prints one table. Token F1 is that of word multisets, mean over pages. `4-gram F1` is the score of
the Article Extraction Benchmark's own evaluate.py (at 4a3bc97): shingles of four words, precision
and recall averaged over pages, F1 of the two averages. `CleanEval F1` goes by the longest common
subsequence of words, as CleanEval's own scorer aligns texts.
Ours against alone: seconds of `extract_text` over all pages, and its CPU time in both processes,
divided by those of the extractor called in a plain loop with the same options on the same bytes,
charset included, as its own documentation does it; both alternating in one run.
"""

import argparse
import gzip
import json
import os
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pyarrow as pa
from usage import usage

from winnow.udfs.extract_text import METHODS, extract_text

SETS = ("scrapinghub_aeb", "cleaneval_dev", "mozilla_readability")
WORD = re.compile(r"\w+")
MARKUP = re.compile(r"^\s*<[hlp]>", re.MULTILINE)  # in CleanEval's gold: headers, lists, paragraphs
Score = tuple[float, float, float]  # true positives, false positives, false negatives


def main() -> None:
    """Score both methods on each set, then time them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="of the timing")
    runs = parser.parse_args().runs
    print("| set | pages | method | token F1 | 4-gram F1 | CleanEval F1 | no text |")
    print("|---|--:|---|--:|--:|--:|--:|")
    everything: list[dict[str, Any]] = []
    for name in SETS:
        pages = list(labelled(name))
        everything += pages
        for method in METHODS:
            texts = texts_of(*columns_of(pages), method)
            pairs = [(page["gold"], text or "") for page, text in zip(pages, texts, strict=True)]
            aligned = f"{f1([common(*pair) for pair in pairs]):.3f}" if "clean" in name else ""
            print(
                f"| {name} | {len(pages)} | {method} | {token_f1(pairs):.3f} "
                f"| {f1([shingles(*pair) for pair in pairs]):.3f} | {aligned} "
                f"| {sum(text is None for text in texts)} |"
            )
    for method in METHODS:
        ratios, seconds = timed(everything, method, runs)
        print(
            f"{method}: {seconds / len(everything) * 1000:.1f} ms a page alone; ours against alone "
            f"{ratios}"
        )


def labelled(name: str) -> Iterator[dict[str, Any]]:
    """Yield the pages of a set, each with `html`, `url` and `gold`, its main text."""
    shared = Path(os.environ.get("WINNOW_SHARED", "../shared"))
    with gzip.open(shared / "data" / "labelled" / "extraction" / f"{name}.jsonl.gz", "rt") as file:
        for line in file:
            row = json.loads(line)
            gold = row["gold_text"]
            if name.startswith("cleaneval"):
                gold = MARKUP.sub("", gold)
            yield {"html": row["html"].encode(), "url": row["url"] or "", "gold": gold}


def columns_of(pages: Sequence[dict[str, Any]]) -> tuple[pa.Array, pa.Array]:
    """Return the pages and their addresses as Spark hands them to a function."""
    html = pa.array([page["html"] for page in pages], pa.binary())
    return html, pa.array([page["url"] for page in pages])


def texts_of(html: pa.Array, url: pa.Array, method: str) -> list[str | None]:
    """Return what `extract_text` gives for each page."""
    return [row["text"] for row in extract_text(html, url, method=method).to_pylist()]


def timed(pages: Sequence[dict[str, Any]], method: str, runs: int) -> tuple[str, float]:
    """Return ours / alone, and the median seconds of CPU time of the extractor alone."""
    extract: Callable[[bytes], Any] = ALONE[method]
    columns = columns_of(pages)
    texts_of(*columns, method)  # starts the process beside this one, and fills its memory once
    clock, processor, seconds = [], [], []
    for _ in range(runs):
        with usage() as alone:
            for page in pages:
                extract(page["html"])
        with usage() as ours:
            texts_of(*columns, method)
        clock.append(ours.seconds / alone.seconds)
        processor.append(ours.cpu_seconds / alone.cpu_seconds)
        seconds.append(alone.cpu_seconds)
    return f"{spread(clock)}, of CPU time {spread(processor)}", statistics.median(seconds)


def spread(values: Sequence[float]) -> str:
    """Return the median with the smallest and the largest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _trafilatura(page: bytes) -> None:
    from trafilatura import extract

    extract(page, favor_precision=True, include_comments=False, deduplicate=True)


def _resiliparse(page: bytes) -> None:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import detect_encoding
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse_from_bytes(page, detect_encoding(page))
    extract_plain_text(tree, main_content=True, alt_texts=False)


ALONE = {"trafilatura": _trafilatura, "resiliparse": _resiliparse}


def token_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Return the mean F1 of word multisets over (gold, found); two empty texts agree."""
    scores = []
    for gold, found in pairs:
        tp, fp, fn = _matched(Counter(WORD.findall(gold)), Counter(WORD.findall(found)))
        scores.append(2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1.0)
    return statistics.mean(scores)


def shingles(gold: str, found: str) -> Score:
    """Return the match of the shingles of four words; of a shorter text, of the whole of it."""

    def of(text: str) -> Counter[tuple[str, ...]]:
        words = WORD.findall(text)
        return Counter(tuple(words[i : i + 4]) for i in range(max(1, len(words) - 3)) if words)

    return _matched(of(gold), of(found))


def common(gold: str, found: str) -> Score:
    """Return the match of two texts word by word, in order."""
    one, other = WORD.findall(gold), WORD.findall(found)
    blocks = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    tp = sum(block.size for block in blocks)
    return tp, len(other) - tp, len(one) - tp


def _matched(gold: Counter[Any], found: Counter[Any]) -> Score:
    tp = (gold & found).total()
    return tp, found.total() - tp, gold.total() - tp


def f1(scores: Sequence[Score]) -> float:
    """Return the F1 of mean precision and mean recall."""
    precision = statistics.mean(tp / (tp + fp) for tp, fp, _ in scores if tp + fp)
    recall = statistics.mean(tp / (tp + fn) for tp, _, fn in scores if tp + fn)
    return 2 * precision * recall / (precision + recall)


if __name__ == "__main__":
    main()
