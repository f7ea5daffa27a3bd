import pytest

from winnow.explore.report.marks import EXCERPT, excerpt, marked
from winnow.explore.report.thresholds import thresholds


def pieces(text, signal):
    return [text[start:end] for start, end in marked(text, [signal])]


@pytest.mark.parametrize(
    ("signal", "text", "expected"),
    [
        ("hashes", "a # b ##", ["#", "##"]),
        ("ellipses", "wait... and…", ["...", "…"]),
        ("short_lines", "x" * 30 + "\n" + "y" * 31 + "\n \n z \n", ["x" * 30, " z "]),
        ("duplicate_lines", "one\ntwo\n one \n\n\none", [" one ", "one"]),
        ("ended_lines", "It ends.\nit does not\n\nends。", ["it does not"]),
        ("bullet_lines", "- one\ntwo\n • three", ["- one", " • three"]),
        ("ellipsis_lines", "so...\nnot... so\nand… ", ["so...", "and… "]),
        ("alphabetic_words", "one 2 -- thr33", ["2", "--"]),
        ("stop_words", "The other, of the;", ["The", "of"]),
        ("words", "one two", []),
    ],
)
def test_what_a_signal_counted_is_marked_or_what_it_missed(signal, text, expected):
    assert pieces(text, signal) == expected


def test_marks_that_touch_are_one():
    assert marked("### #", ["hashes"]) == [(0, 3), (4, 5)]


def test_an_excerpt_holds_the_first_mark_and_says_what_it_leaves_out():
    text = "a" * 5000 + "#" + "b" * 5000
    parts = excerpt(text, marked(text, ["hashes"]))
    assert [kind for kind, _ in parts] == ["cut", "text", "mark", "text", "cut"]
    assert sum(len(piece) for kind, piece in parts if kind != "cut") == EXCERPT


def test_a_short_text_is_shown_whole():
    assert excerpt("two\n\tlines", []) == [("text", "two\n\tlines")]


def test_characters_that_steer_are_parts_of_their_own_also_within_a_mark():
    text = "a\x1b[2J # \u202e"
    assert excerpt(text, marked(text, ["hashes"])) == [
        ("text", "a"),
        ("control", "\\x1b"),
        ("text", "[2J "),
        ("mark", "#"),
        ("text", " "),
        ("control", "\\u202e"),
    ]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("words >= 50", [("words", "≥", 50)]),
        ("50 <= words", [("words", "≥", 50)]),
        ("words BETWEEN 5 AND 10", [("words", "≥", 5), ("words", "≤", 10)]),
        ("hashes <= 0.1 * words", [("hashes / words", "≤", 0.1)]),
        ("0.1 * words > line.hashes", [("line.hashes / words", "<", 0.1)]),
        ("a > -1 AND (b = 0)", [("a", ">", -1), ("b", "=", 0)]),
        (
            "chars BETWEEN 3 * words AND 10 * words",
            [("chars / words", "≥", 3), ("chars / words", "≤", 10)],
        ),
        ("try_divide(a, b) <= 0.2", [("a / b", "≤", 0.2)]),
        ("b = 0 OR try_divide(line.a, b) >= 0.2", [("line.a / b", "≥", 0.2)]),
        ("0.2 > a / b", [("a / b", "<", 0.2)]),
        ("c = 0 OR try_divide(a, b) >= 0.2", []),
        ("b = 1 OR try_divide(a, b) >= 0.2", []),
        ("b = 0 OR a >= 0.2", []),
        ("b = 0 OR try_divide(a, b) >= 0.2 AND a > 3", []),
        ("try_divide(a, b + 1) <= 0.2", []),
        ("a > 1 OR b > 2", []),
        ("NOT a > 1", []),
        ("a + b > 1", []),
        ("a <= limits.a * words", []),
        ("this is (no condition", []),
    ],
)
def test_a_threshold_is_read_off_a_condition_or_nothing_is_said(condition, expected):
    found = [(one.measure.name, one.sign, one.value) for one in thresholds(condition)]
    assert found == expected
