from decimal import Decimal

import pytest

from winnow.explore.margins import margin, ratio

ROW = {
    "words": 51,
    "hashes": 5,
    "line": {"short": 60},
    "none": None,
    "name": "x",
    "yes": True,
    "price": Decimal(50),
}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("words >= 50", 0.02),
        ("words BETWEEN 50 AND 100000", 0.02),
        ("hashes <= 0.1 * words", 0.1 / 5.1),
        ("(words + 1) < 2 * 52 - 51", 1 / 53),
        ("CAST(words AS DOUBLE) > 60", 0.15),
        ("line.short <= 60", 0.0),
        ("words > -51", 2.0),
        ("words >= 50 AND line.short < 600", 0.02),
        ("words >= 50 AND name = 'x'", 0.02),
        ("try_divide(words, hashes) >= 10", 0.02),
        ("hashes = 0 OR try_divide(words, hashes) >= 10", 0.02),
        ("words / hashes < 10", 0.02),
        ("10 > words / hashes", 0.02),
        ("50 <= words", 0.02),
        ("words >= price", 0.02),
        ("greatest(hashes, words) >= 50", 0.02),
        ("hashes - 4 = 0 OR try_divide(words, hashes - 4) >= 50", 0.02),
    ],
)
def test_the_margin_is_a_share_of_the_nearest_threshold(condition, expected):
    assert margin(condition, ROW) == pytest.approx(expected)


@pytest.mark.parametrize(
    "condition",
    [
        "words > 0",
        "none > 3",
        "hashes = 0 OR words > 50",
        "try_divide(words, 0) > 3",
        "name > 3",
        "yes > 3",
        "words > 5 OR true",
        "CAST(words / 2 AS INT) >= 25",
        "length(name) > 3",
        "((",
    ],
)
def test_what_cannot_be_measured_has_no_margin(condition):
    assert margin(condition, ROW) is None


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("hashes = 0 OR try_divide(words, hashes) >= 10", 10.2),
        ("words > 3 AND words / (hashes + 1) < 9", 8.5),
        ("try_divide(words, none) > 3", None),
        ("words >= 50", None),
        ("10 > words / hashes", 10.2),
        ("words / hashes BETWEEN 5 AND 11", 10.2),
        ("words / hashes < 10 AND words / 2 < 3", None),
    ],
)
def test_a_ratio_is_told_if_a_condition_asks_for_one(condition, expected):
    assert ratio(condition, ROW) == pytest.approx(expected)
