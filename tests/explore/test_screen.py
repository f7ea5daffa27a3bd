import json
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from winnow.explore.json_text import to_json
from winnow.explore.screen import Screen, cut, duration, escape, fitted, shown, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202eb", "a\\u202eb"),
        ("a\u2066b\u200b", "a\\u2066b\\u200b"),
        ("one\ntwo\t\r", "one\\ntwo\\t\\r"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("نص עברית 語 é 🌾", "نص עברית 語 é 🌾"),
    ],
)
def test_what_steers_a_terminal_is_written_out_and_nothing_else(text, expected):
    assert escape(text) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("語語", 4, "語語"),
        ("語語語", 4, "語…"),
        ("", 3, ""),
    ],
)
def test_a_cut_text_fits_its_width_and_ends_in_an_ellipsis(text, width, expected):
    assert cut(text, width) == expected
    assert cell_len(cut(text, width)) <= width


def test_a_million_combining_marks_are_cut():
    assert len(cut("a" + "\u0301" * 1_000_000, 20)) < 100


def test_no_line_of_a_table_is_wider_than_the_screen():
    table = Screen(60).table(("id", "text"), [("a", "word " * 100), ("語" * 50, "\x1b[31m")])
    assert all(cell_len(line) <= 60 for line in table.split("\n"))
    assert "\x1b" not in table


def test_the_widest_columns_give_way_first():
    assert fitted([4, 50, 30], 50) == [4, 23, 23]
    assert fitted([4, 5], 50) == [4, 5]


def test_a_column_that_is_to_stay_whole_is_not_cut():
    rows = [("gopher.documents", "streaming table", "x" * 50)]
    table = Screen(40).table(("table", "kind", "text"), rows, whole=["table"])
    assert "gopher.documents  " in table
    assert all(cell_len(line) <= 40 for line in table.split("\n"))
    assert Screen(10).table(("table",), [("gopher.documents",)], whole=["table"]).endswith("nts")


def test_numbers_stand_at_the_right():
    assert Screen(60).table(("n",), [(1,), (100,)], right="n").split("\n") == ["  n", "  1", "100"]


def test_colour_is_used_only_where_the_screen_shows_it():
    assert Screen(60).paint("x", "red") == "x"
    assert Screen(60, colour=True).paint("x", "red") == "\x1b[31mx\x1b[0m"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (41.2, "41 s"), (59.6, "1 min 0 s"), (112, "1 min 52 s")],
)
def test_a_duration_reads_as_people_say_it(seconds, expected):
    assert duration(seconds) == expected


def test_a_size_has_a_unit():
    assert [size(number) for number in (0, 999, 1000, 2_500_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "2.5 MB",
    ]


def test_values_are_shown_as_one_would_write_them():
    assert shown(None) == "null"
    assert shown(True) == "true"
    assert (
        shown([1, {"a": datetime(2026, 1, 2, tzinfo=UTC)}]) == '[1, {"a": "2026-01-02 00:00:00"}]'
    )


def test_json_is_valid_and_holds_the_same_text():
    value = {
        "text": "a\x1b\u202e\u2028\U000e0041\nb",
        "number": float("nan"),
        "time": datetime(2026, 1, 2),
    }
    text = to_json(value)
    assert json.loads(text) == {**value, "number": None, "time": "2026-01-02T00:00:00"}
    assert escape(text) == text
