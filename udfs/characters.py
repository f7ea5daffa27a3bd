"""Classes of characters, as bits in a table that kernels look code points up in."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

# These numbers are compiled into kernels, and numba's cache notices a change of the kernel's own
# file only: add to them, do not renumber them.
SPACE, LETTER, UPPERCASE, DIGIT, SENTENCE_END, CONTROL = (1 << bit for bit in range(6))

# White space: the 29 code points of Python's str.split, written down because Java and Rust differ.
_SPACES = "9-D 1C-20 85 A0 1680 2000-200A 2028 2029 202F 205F 3000"

# Control characters without TAB, LF and CR, which plain text is made with.
_CONTROLS = "0-8 B C E-1F 7F-9F"

# Sentence ends of all scripts: the 159 code points of TERMINAL_PUNCTUATION in datatrove a649de7,
# src/datatrove/utils/text.py.
_SENTENCE_ENDS = """
    21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E
    1735-1736 17D4-17D6 17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E
    1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 2E2E 2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7
    A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB FE52 FE56-FE57 FF01 FF0E FF1F FF61
    10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 111C5-111C6 111CD
    111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642
    1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F
    16AF5 16B37-16B38 16B44 16E98 1BC9F 1DA88
"""

# Python 3.13 knows no letter, digit or upper-case character above this one, so that the table
# takes 0.1 s to make and not 0.5 s; a test looks at all of them.
_LAST_LETTER = 0x33FFF
LAST_PUNCTUATION = 0x1FFFF  # no character of category P stands above; a test looks at all


def code_points(ranges: str) -> list[int]:
    """Return the code points that `"9-D 20"` names, hexadecimal, both ends included."""
    points: list[int] = []
    for part in ranges.split():
        first, _, last = part.partition("-")
        points.extend(range(int(first, 16), int(last or first, 16) + 1))
    return points


def having(test: Callable[[str], bool]) -> list[int]:
    """Return the code points whose character passes a test such as `str.isalnum`."""
    return [point for point in range(_LAST_LETTER + 1) if test(chr(point))]


def character_classes() -> NDArray[np.uint8]:
    """Return uint8[0x110000]: the classes of every code point, as bits.

    Letters are `str.isalpha` (Unicode category L*), upper-case `str.isupper` (property Uppercase),
    digits `str.isdecimal` (category Nd) of the running Python's Unicode.
    """
    classes = np.zeros(0x110000, np.uint8)
    for point in range(_LAST_LETTER + 1):
        character = chr(point)
        if character.isalpha():
            classes[point] = LETTER | (UPPERCASE if character.isupper() else 0)
        elif character.isdecimal():
            classes[point] = DIGIT
        elif character.isupper():  # circled and Roman capitals
            classes[point] = UPPERCASE
    classes[code_points(_SPACES)] |= SPACE
    classes[code_points(_CONTROLS)] |= CONTROL
    classes[code_points(_SENTENCE_ENDS)] |= SENTENCE_END
    return classes
