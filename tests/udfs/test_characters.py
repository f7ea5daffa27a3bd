import sys

import pytest

from winnow.udfs.characters import (
    CONTROL,
    DIGIT,
    LETTER,
    SENTENCE_END,
    SPACE,
    UPPERCASE,
    character_classes,
)

CLASSES = character_classes()
ALL = [chr(point) for point in range(sys.maxunicode + 1)]


@pytest.mark.parametrize(
    ("bit", "has"),
    [
        (LETTER, str.isalpha),
        (UPPERCASE, str.isupper),
        (DIGIT, str.isdecimal),
        (SPACE, str.isspace),
    ],
)
def test_the_classes_of_all_characters_are_those_of_python(bit, has):
    assert [c for c in ALL if bool(CLASSES[ord(c)] & bit) != has(c)] == []


def test_there_are_29_white_space_characters_159_sentence_ends_and_62_controls():
    assert [int((CLASSES & bit != 0).sum()) for bit in (SPACE, SENTENCE_END, CONTROL)] == [
        29,
        159,
        62,
    ]
