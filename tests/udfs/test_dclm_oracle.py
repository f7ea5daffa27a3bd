"""DCLM's own verdicts: every rule on every document, and RefinedWeb's steps in a row."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from oracles import column, digest, texts, verdicts
from winnow.udfs.dclm_quality import dclm_quality
from winnow.udfs.dclm_repetition import dclm_repetition
from winnow.udfs.refinedweb_clean import MODIFIERS, modified, refinedweb_clean
from winnow.udfs.refinedweb_urls import refinedweb_urls, without

Row = dict[str, Any]
Check = Callable[[Row], tuple[float | None, bool]]


def share(numerator: str, denominator: str, least: float, most: float, nothing: bool) -> Check:
    """A rule on the ratio of two signals; `nothing` is the verdict where there is none."""

    def check(row: Row) -> tuple[float | None, bool]:
        if not row[denominator]:
            return None, nothing
        value = row[numerator] / row[denominator]
        return value, least <= value <= most

    return check


def product(count: str, limit: float) -> Check:
    """A rule on a count of lines, compared with a product as DCLM does."""
    return lambda row: (
        row[count] / row["lines"] if row["lines"] else None,
        row[count] <= limit * row["lines"],
    )


QUALITY: dict[str, Check] = {
    "page_length": lambda row: (row["words"], 50 <= row["words"] <= 100_000),
    "word_length": share("chunk_chars", "chunks", 3, 10, False),
    "symbol_ratio": share("symbols", "chunks", 0, 0.1, False),
    "bullet_count": product("bullet_lines", 0.9),
    "ellipsis_count": product("ellipsis_lines", 0.3),
    "alphabetic_word_ratio": share("chunks_without_letter", "chunks", 0, 0.2, False),
    "stop_word": lambda row: (row["stop_words"], row["stop_words"] >= 2),
}


def grams(name: str, limit: float) -> Check:
    check = share(name, "word_chars", 0, limit, True)
    return lambda row: check(row) if row["chars"] else (None, False)


REPETITION: dict[str, Check] = {
    "repetition.line": share("repeated_lines", "lines", 0, 0.3, False),
    "repetition.paragraph": share("repeated_paragraphs", "paragraphs", 0, 0.3, False),
    "repetition.line_char": share("repeated_line_chars", "line_chars", 0, 0.2, False),
    "repetition.paragraph_char": share(
        "repeated_paragraph_chars", "paragraph_chars", 0, 0.2, False
    ),
    **{
        f"repetition.{n}_gram": grams(f"top_{n}_gram_chars", limit)
        for n, limit in ((2, 0.2), (3, 0.18), (4, 0.16))
    },
    **{
        f"repetition.{n}_gram": grams(f"repeated_{n}_gram_chars", round(0.2 - n / 100, 2))
        for n in range(5, 11)
    },
}


@cache
def signals(data: Path) -> dict[str, Row]:
    found = texts(data)
    rows = zip(
        dclm_quality(column(found)).to_pylist(),
        dclm_repetition(column(found)).to_pylist(),
        strict=True,
    )
    return {key: one | other for key, (one, other) in zip(found, rows, strict=True)}


@pytest.mark.parametrize("name", [*QUALITY, *REPETITION])
def test_every_document_has_the_value_and_the_verdict_of_dclm(name, shared_data):
    expected = verdicts(shared_data / "oracles" / "dclm.jsonl.gz")[name]
    assert len(expected) == 2284
    for key, row in signals(shared_data).items():
        value, is_kept = {**QUALITY, **REPETITION}[name](row)
        wanted = expected[key]
        assert is_kept == wanted["keep"], (key, value, wanted)
        if "value" in wanted:
            limit = 1e-9 * max(1, abs(wanted["value"]))
            assert abs((value or 0) - wanted["value"]) <= limit, (key, value, wanted)


@pytest.mark.parametrize("name", ["url_removal", "newline_removal", *MODIFIERS])
def test_each_modifier_leaves_the_same_text_as_dclm(name, shared_data):
    expected = verdicts(shared_data / "oracles" / "dclm.jsonl.gz")[name]
    assert len(expected) == 2284
    found = texts(shared_data)
    if name in MODIFIERS:
        rows = modified(column(found), (name,)).to_pylist()
    else:
        removals = {"url_removal": ("urls", "ip_addresses"), "newline_removal": ("newlines",)}
        rows = without(column(found), removals[name]).to_pylist()
    for (key, text), row in zip(found.items(), rows, strict=True):
        wanted = expected[key]
        is_kept = bool(row["text"]) or name == "newline_removal"
        assert is_kept == wanted["keep"] == row.get("modifiers_passed", is_kept), key
        if wanted["keep"]:
            assert digest(row["text"]) == wanted["text_after_sha256"], key
            removed = text.count("\n") - row["text"].count("\n")
            assert removed == wanted["n_lines_removed"], key


def first_broken(url_free: Row, row: Row, cleaned: Row) -> str | None:
    """The first step that drops the document."""
    if not url_free["text"]:
        return "url_removal"
    for name, check in QUALITY.items():
        if not check(row)[1]:
            return name
    if not all(check(row)[1] for check in REPETITION.values()):
        return "repetition"
    if cleaned["modifiers_passed"] < len(MODIFIERS):
        return MODIFIERS[cleaned["modifiers_passed"]]
    removed = row["words"] - cleaned["words"]
    return "word_removal_ratio" if removed / row["words"] > 0.05 else None


def test_refinedweb_in_a_row_drops_the_same_documents_at_the_same_step(shared_data):
    expected = verdicts(shared_data / "oracles" / "cascades.jsonl.gz")["dclm_refinedweb"]
    found = texts(shared_data)
    url_free = refinedweb_urls(column(found))
    left = url_free.field("text")
    columns = zip(
        found,
        url_free.to_pylist(),
        dclm_quality(left).to_pylist(),
        dclm_repetition(left).to_pylist(),
        refinedweb_clean(left).to_pylist(),
        strict=True,
    )
    for key, urls, quality, repetition, cleaned in columns:
        wanted = expected[key]
        assert first_broken(urls, quality | repetition, cleaned) == wanted.get("stage"), key
        if wanted["keep"]:
            assert digest(cleaned["text"]) == wanted["text_after_sha256"], key
