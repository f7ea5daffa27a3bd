import re
import unicodedata

import ftfy
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.normalise_text import FIELDS, normalise_text


def normalised(text):
    [row] = normalise_text(pa.array([text], pa.string())).to_pylist()
    return row


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("a  b\t\tc", "a b c"),
        ("a \n b\n\n\n\nc", "a\n b\n\nc"),
        ("if x:\n\ty\n        z", "if x:\n\ty\n        z"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\u00a0\u3000b", "a b"),
        ("e\u0301", "é"),
        ("e\x00\u0301", "é"),
        ("sch\u00c3\u00b6n", "schön"),
        ("\u00e2\u20ac\u0153so\u00e2\u20ac\x9d", "“so”"),
        ("“so” 'so'", "“so” 'so'"),
        ("AT&amp;T", "AT&T"),
        ("<b>AT&amp;T</b>", "<b>AT&amp;T</b>"),
        ("\x1b[36mblue\x1b[0m", "blue"),
        ("\ufeffmark", "mark"),
        ("ﬁ ＡＢ", "fi AB"),
    ],
)
def test_a_text_without_what_programs_left_in_it(text, expected):
    assert normalised(text)["text"] == expected


def test_what_was_removed_is_counted_and_a_repair_told():
    assert normalised("a\x00\x01  b\n\n\n") == {
        "text": "a b",
        "removed_control_chars": 2,
        "removed_space_chars": 4,
        "is_repaired": False,
    }
    assert normalised("sch\u00c3\u00b6n")["is_repaired"]
    assert normalised("a\r\nb")["is_repaired"]
    assert not normalised("e\u0301")["is_repaired"]


PIECES = st.sampled_from(
    ["\n", "\r", " ", "\t", "\u3000", "\x0b", "\x00", "\x85", "&amp;", "<", "Ã©", "â€™", "\x1b[0m"]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=12).map(
    lambda pieces: "".join(pieces).encode("utf-8", "replace").decode()
)


@given(st.lists(st.none() | TEXTS, max_size=4))
@settings(max_examples=300, deadline=None)
def test_it_is_ftfy_and_then_plain_steps(texts):
    rows = normalise_text(pa.array(texts, pa.string()))
    assert rows.type == pa.struct(FIELDS)
    for text, row in zip(texts, rows.to_pylist(), strict=True):
        if text is None:
            assert row is None
            continue
        expected = unicodedata.normalize("NFC", ftfy.fix_text(text, uncurl_quotes=False))
        lines = []
        for line in expected.split("\n"):
            indentation = re.match(r"\s*", line)[0] if line.strip() else ""
            lines.append(re.sub(r"[^\S\t]", " ", indentation) + " ".join(line.split()))
        assert row["text"] == re.sub("\n\n+", "\n\n", "\n".join(lines)).strip()
        assert row["text"] == unicodedata.normalize("NFC", row["text"])


@given(st.lists(TEXTS, max_size=6), st.integers(0, 20))
@settings(max_examples=300, deadline=None)
def test_cutting_a_long_text_changes_nothing(lines, size):
    text = "\na".join(lines)
    whole = normalised(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("winnow.udfs.normalise_text._PIECE", size)
        assert normalised(text) == whole


@pytest.mark.parametrize("unit", ["a ", "\n", " \n", "é", "Ã©", "&amp;", "\x00", "\x1b["])
def test_a_hostile_text_takes_seconds_at_most(unit):
    assert len(normalised(unit * 100_000)["text"]) <= 200_000


def test_broken_utf8_and_slices_are_no_error():
    raw = pa.array([b"a\xff  b", None], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 2, raw.buffers()).slice(0, 1)
    assert normalise_text(broken).to_pylist()[0]["text"] == "a\ufffd b"
    assert normalise_text(pa.array([], pa.string())).type == pa.struct(FIELDS)
    with pytest.raises(TypeError, match="expected a STRING column"):
        normalise_text(pa.array([1]))
