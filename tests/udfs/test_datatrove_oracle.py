"""datatrove's own verdicts: every rule on every document, and FineWeb's filters in a row."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from oracles import column, digest, texts, verdicts
from winnow.udfs.c4_clean import c4_clean
from winnow.udfs.datatrove_lines import datatrove_lines
from winnow.udfs.datatrove_quality import datatrove_quality
from winnow.udfs.datatrove_repetition import datatrove_repetition

Row = dict[str, Any]


def ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def rule(name: str, upper: bool, limit: float) -> Callable[[Row], tuple[float | None, bool]]:
    """A rule on the ratio of two signals, or on one; without a ratio it is kept."""
    numerator, _, denominator = name.partition("/")

    def check(row: Row) -> tuple[float | None, bool]:
        value = ratio(row[numerator], row[denominator]) if denominator else row[numerator]
        return value, value is None or (value <= limit if upper else value >= limit)

    return check


def symbols(row: Row) -> tuple[float | None, bool]:
    value = ratio(max(row["hashes"], row["ellipses"]), row["tokens"])
    return value, value is None or value <= 0.1


QUALITY = {
    "min_words": rule("words", False, 50),
    "max_words": rule("words", True, 100_000),
    "min_avg_word_length": rule("word_chars/words", False, 3),
    "max_avg_word_length": rule("word_chars/words", True, 10),
    "symbol_ratio": symbols,
    "bullet_lines": rule("bullet_lines/lines", True, 0.9),
    "ellipsis_lines": rule("ellipsis_lines/lines", True, 0.3),
    "alpha_words": rule("alphabetic_tokens/tokens", False, 0.8),
    "stop_words": rule("stop_words", False, 2),
}
REPETITION = {
    "dup_para_frac": rule("duplicate_paragraphs/paragraphs", True, 0.3),
    "dup_para_char_frac": rule("duplicate_paragraph_chars/chars", True, 0.2),
    "dup_line_frac": rule("duplicate_line_runs/line_runs", True, 0.3),
    "dup_line_char_frac": rule("duplicate_line_run_chars/chars", True, 0.2),
    **{
        f"top_{n}_gram": rule(f"top_{n}_gram_chars/chars", True, limit)
        for n, limit in ((2, 0.2), (3, 0.18), (4, 0.16))
    },
    **{
        f"dup_{n}_gram": rule(f"duplicate_{n}_gram_chars/chars", True, round(0.2 - n / 100, 2))
        for n in range(5, 11)
    },
}
LINES = {
    "line_punct_ratio": rule("ended_lines/lines", False, 0.12),
    "short_line_ratio": rule("short_lines/lines", True, 0.67),
    "char_dup_ratio": rule("duplicate_line_chars/visible_chars", True, 0.01),
    "list_ratio": rule("newlines/tokens", True, 0.3),
}


def quality(text: pa.Array) -> list[Row]:
    return datatrove_quality(text).to_pylist()


def repetition(text: pa.Array) -> list[Row]:
    return datatrove_repetition(text).to_pylist()


def lines(text: pa.Array) -> list[Row]:
    found = datatrove_lines(text).to_pylist()
    return [{**row, "visible_chars": row["chars"] - row["newlines"]} for row in found]


FAMILIES = {
    "gopher_quality": (quality, QUALITY),
    "gopher_repetition": (repetition, REPETITION),
    "fineweb_quality": (lines, LINES),
}
RULES = [(family, name) for family, (_, rules) in FAMILIES.items() for name in rules]

# datatrove divides by zero where a text has no tokens or lines; there our rule keeps the document.
# An empty text is a rule of its own.
EMPTY = {
    "gopher_repetition": lambda row: not row["chars"],
    "fineweb_quality": lambda row: not row["lines"],
}


@cache
def signals(data: Path, family: str) -> dict[str, Row]:
    found = texts(data)
    return dict(zip(found, FAMILIES[family][0](column(found)), strict=True))


@pytest.mark.parametrize(("family", "name"), RULES)
def test_every_document_has_the_value_and_the_verdict_of_datatrove(family, name, shared_data):
    expected = verdicts(shared_data / "oracles" / "datatrove.jsonl.gz")[f"{family}.{name}"]
    assert len(expected) == 2284
    for key, row in signals(shared_data, family).items():
        value, is_kept = FAMILIES[family][1][name](row)
        wanted = expected[key]
        if wanted["keep"] is None:
            continue
        is_empty = family in EMPTY and EMPTY[family](row)
        assert (is_kept and not is_empty) == wanted["keep"], (key, value, wanted)
        assert (wanted.get("reason") == "empty") == is_empty
        if "value" in wanted:
            assert abs(value - wanted["value"]) <= 1e-9 * max(1, abs(wanted["value"])), key


@cache
def cleaned(data: Path, filter_no_terminal_punct: bool) -> dict[str, Row]:
    found = texts(data)
    rows = c4_clean(column(found), filter_no_terminal_punct).to_pylist()
    return dict(zip(found, rows, strict=True))


def c4_reason(row: Row) -> str | None:
    """The rule that drops the document: of lorem ipsum and a bracket the one in an earlier line."""
    if row["lorem_ipsum_lines"] and row["curly_bracket_lines"]:
        lines = row["text"].lower().split("\n")
        first = next(line for line in lines if "lorem ipsum" in line or "{" in line)
        return "lorem_ipsum" if "lorem ipsum" in first else "curly_bracket"
    if row["lorem_ipsum_lines"] or row["curly_bracket_lines"]:
        return "lorem_ipsum" if row["lorem_ipsum_lines"] else "curly_bracket"
    return "too_few_sentences" if row["sentences"] < 5 else None


@pytest.mark.parametrize("configuration", ["default", "fineweb"])
def test_c4_keeps_the_same_documents_and_the_same_lines_of_them(configuration, shared_data):
    rule = f"c4_quality.{configuration}"
    expected = verdicts(shared_data / "oracles" / "datatrove.jsonl.gz")[rule]
    for key, row in cleaned(shared_data, configuration == "default").items():
        wanted = expected[key]
        assert (c4_reason(row) is None) == wanted["keep"], (key, wanted)
        assert c4_reason(row) == wanted.get("reason"), key
        if wanted["keep"]:
            assert digest(row["text"]) == wanted["text_after_sha256"], key
            assert row["all_lines"] - row["kept_lines"] == wanted["n_lines_removed"], key


def first_broken(rows: dict[str, Row]) -> tuple[str, str] | None:
    """FineWeb's filters in their order: the first that drops, and its first reason."""
    row = rows["gopher_repetition"]
    if not row["chars"]:
        return "gopher_repetition", "empty"
    for name, check in REPETITION.items():
        if not check(row)[1]:
            n = name.split("_")[1]
            grams = {"top": f"top_{n}_gram", "dup": f"duplicated_{n}_n_grams"}
            return "gopher_repetition", grams[name[:3]] if name.endswith("gram") else name
    row = rows["gopher_quality"]
    reasons = {
        "min_words": "gopher_short_doc",
        "max_words": "gopher_long_doc",
        "min_avg_word_length": "gopher_below_avg_threshold",
        "max_avg_word_length": "gopher_above_avg_threshold",
        "symbol_ratio": "gopher_too_many_hashes",
        "bullet_lines": "gopher_too_many_bullets",
        "ellipsis_lines": "gopher_too_many_end_ellipsis",
        "alpha_words": "gopher_below_alpha_threshold",
        "stop_words": "gopher_enough_stop_words",
    }
    for name, check in QUALITY.items():
        if not check(row)[1]:
            few_hashes = name == "symbol_ratio" and row["hashes"] / row["tokens"] <= 0.1
            return "gopher_quality", "gopher_too_many_ellipsis" if few_hashes else reasons[name]
    if reason := c4_reason(rows["c4"]):
        return "c4_quality", reason
    row = rows["fineweb_quality"]
    if not row["lines"]:
        return "fineweb_quality", "empty"
    broken = [name for name, check in LINES.items() if not check(row)[1]]
    return ("fineweb_quality", broken[0]) if broken else None


def test_fineweb_in_a_row_drops_the_same_documents_for_the_same_reason(shared_data):
    expected = verdicts(shared_data / "oracles" / "cascades.jsonl.gz")["fineweb"]
    after_c4 = cleaned(shared_data, False)
    after = dict(
        zip(after_c4, lines(pa.array([r["text"] for r in after_c4.values()])), strict=True)
    )
    for key, wanted in expected.items():
        rows = {
            name: signals(shared_data, name)[key]
            for name in ("gopher_repetition", "gopher_quality")
        }
        found = first_broken({**rows, "c4": after_c4[key], "fineweb_quality": after[key]})
        assert found == ((wanted["stage"], wanted["reason"]) if not wanted["keep"] else None), key
        if wanted["keep"]:
            assert digest(after_c4[key]["text"]) == wanted["text_after_sha256"], key
