"""Words are the same whatever their case, accents and punctuation, and their places are exact."""

import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.buffers import utf8
from winnow.udfs.normalised_words import FOLDS, room_for, write_ngrams, write_words


def words(text):
    """Return each word's hash and place."""
    data, offsets = utf8(pa.array([text]))
    room = room_for(offsets)
    count = write_words(data, 0, offsets[1], FOLDS, room.words, room.starts, room.ends)
    return [
        (int(key), int(start), int(end))
        for key, start, end in zip(
            room.words[:count], room.starts[:count], room.ends[:count], strict=True
        )
    ]


def hashes(text):
    return [key for key, _, _ in words(text)]


def folded(character):
    kept = unicodedata.normalize("NFKD", character.upper().casefold())
    kept = "".join(part for part in kept if unicodedata.category(part)[0] in "LN")
    return kept if 0 < len(kept) <= 3 else character


def is_alone(point):
    ranges = ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF))
    ranges += ((0xF900, 0xFAFF), (0x20000, 0x3FFFF), (0x0E01, 0x0E4E), (0x0E81, 0x0ECD))
    ranges += ((0x0EDC, 0x0EDF), (0x1000, 0x103F), (0x1050, 0x108F), (0x1780, 0x17D3))
    return any(first <= point <= last for first, last in ranges)


def reference(text):
    """The folded words with their places, in plain Python."""
    found, word, start = [], "", 0
    for place, character in enumerate([*text, "."]):
        category = unicodedata.category(character)
        if category in ("Cf", "Mn") and ord(character) < 0x1F000:
            continue
        is_rare = ord(character) >= 0x20000 and is_alone(ord(character))
        is_word = is_rare or (category[0] in "LMN" and ord(character) < 0x1F000)
        if is_word and not is_alone(ord(character)):
            start = start if word else place
            word += folded(character)
            continue
        if word:
            found.append((word, start, place))
            word = ""
        if is_word:
            found.append((character if is_rare else folded(character), place, place + 1))
    return found


TEXT = st.text(
    st.sampled_from("aAbB 1.,'-\n\u00ad\u200béÉe\u0301ßſıİςΣ漢字かﾊﾝ가각ﬁΩ🙂\u0000𠀀ไทำပမာခម𝔄")
    | st.characters(codec="utf-8"),
    max_size=40,
)


@settings(deadline=None)  # the first call compiles
@given(TEXT)
def test_words_are_those_of_the_plain_reference(text):
    expected = reference(text)
    found = words(text)
    assert [place for _, *place in found] == [place for _, *place in expected]
    by_hash = dict(zip(hashes(text), (word for word, _, _ in expected), strict=True))
    assert [by_hash[key] for key, _, _ in found] == [word for word, _, _ in expected]
    assert len(by_hash) == len({word for word, _, _ in expected})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hello, world!", "HELLO... World"),
        ("Straße", "STRASSE"),
        ("ΟΔΟΣ", "οδος"),
        ("ılık İZMİR", "ILIK izmir"),
        ("café", "cafe\u0301"),
        ("naïve", "naive"),
        ("soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"),
        ("ﬁne １２３", "fine 123"),
        ("가각", unicodedata.normalize("NFD", "가각")),
    ],
)
def test_these_are_the_same_words(one, other):
    assert hashes(one) == hashes(other)


@pytest.mark.parametrize(("one", "other"), [("12 apples", "13 apples"), ("ab c", "a bc")])
def test_these_are_not(one, other):
    assert hashes(one) != hashes(other)


def test_a_letter_is_a_word_where_there_are_no_spaces_between_words():
    assert [place for _, *place in words("日本 go")] == [[0, 1], [1, 2], [3, 5]]
    thai, lao, burmese, khmer = "กขค", "ກຂ", "ကခ", "កខ"
    assert len(words(thai + lao + burmese + khmer)) == 9


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(1, 14))
def test_equal_n_grams_have_equal_hashes_and_others_do_not(keys, size):
    keys = np.array([key % 3 for key in keys], np.uint64)
    found = np.empty(len(keys) + 1, np.uint64)
    count = write_ngrams(keys, len(keys), size, found)
    grams = [tuple(keys[i : i + size]) for i in range(len(keys) - size + 1)]
    assert count == len(grams)
    assert len(set(zip(grams, found[:count].tolist(), strict=True))) == len(set(grams))
    assert len(set(found[:count].tolist())) == len(set(grams))
