"""The signals of a text that heuristic quality rules are made of, in one pass over its bytes.

One fused kernel decodes UTF-8 and counts everything at once: about 200 MB of text a second and
core, whatever the number of rules that read the counts.
"""

import numpy as np
import pyarrow as pa
from numba import njit, types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.characters import (
    CONTROL,
    DIGIT,
    LETTER,
    SENTENCE_END,
    SPACE,
    UPPERCASE,
    character_classes,
)
from winnow.udfs.decoding import REPLACEMENT, decode
from winnow.udfs.registry import column_function

SIGNALS = (
    "chars",
    "letters",
    "uppercase_letters",
    "digits",
    "control_chars",
    "replacement_chars",
    "words",
    "word_chars",
    "max_word_chars",
    "alphabetic_words",
    "stop_words",
    "hashes",
    "ellipses",
    "curly_brackets",
    "lorem_ipsum",
    "lines",
    "short_lines",
    "ended_lines",
    "bullet_lines",
    "ellipsis_lines",
    "duplicate_lines",
    "duplicate_line_chars",
)
DDL = "STRUCT<" + ", ".join(f"{name} INT" for name in SIGNALS) + ">"

SHORT = 30  # code points; FineWeb, section 3.6
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")  # Gopher, appendix A.1
LOREM = np.frombuffer(b"lorem ipsum", np.uint8)

_NEWLINE, _FULL_STOP, _HASH, _OPENING_CURLY = (ord(character) for character in "\n.#{")
_HYPHEN, _BULLET, _ELLIPSIS = (ord(character) for character in "-•…")

# Most characters only add to the count of their class; the few that are looked at closer are
# marked, so that the others need not be compared with them.
_MARKED = 64
_CLASSES = character_classes()
_CLASSES[[ord(character) for character in ".#{lL…\ufffd"]] |= _MARKED
_CLASSES.flags.writeable = False

# The longest stop word has 4 bytes: a word is compared as one number, a 1 and then its bytes, so
# that NUL before a stop word makes another word of it.
_STOP_WORD_BYTES = 4
_STOP_KEYS = tuple(int.from_bytes(b"\1" + word.encode(), "big") for word in STOP_WORDS)

# FNV-1a, over code points instead of bytes. Equal hashes are verified byte by byte.
_HASH_START, _HASH_FACTOR = np.uint64(14695981039346656037), np.uint64(1099511628211)


@njit(types.boolean(BYTES, types.int64, types.int64), cache=True, nogil=True)
def is_stop_word(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Tell whether the word is one of STOP_WORDS, in ASCII capitals or not."""
    if end - start > _STOP_WORD_BYTES:
        return False
    key = 1
    for i in range(start, end):
        byte = int(data[i])
        key = key << 8 | (byte + 32 if 65 <= byte <= 90 else byte)
    return key in _STOP_KEYS


@njit(types.boolean(BYTES, types.int64, types.int64), cache=True, nogil=True)
def _is_lorem(data: NDArray[np.uint8], start: int, end: int) -> bool:
    if end - start < LOREM.size:
        return False
    for i in range(LOREM.size):
        byte = data[start + i]
        if (byte + 32 if 65 <= byte <= 90 else byte) != LOREM[i]:
            return False
    return True


@njit(types.boolean(BYTES, *(types.int64,) * 4), cache=True, nogil=True)
def _are_equal(data: NDArray[np.uint8], start: int, end: int, other: int, other_end: int) -> bool:
    if end - start != other_end - other:
        return False
    i = 0
    while i < end - start and data[start + i] == data[other + i]:
        i += 1
    return i == end - start


@njit(types.int64(BYTES, OFFSETS), cache=True, nogil=True)
def _slots(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> int:
    """Return a power of two, at least twice the number of lines of the row that has most."""
    most = 0
    for row in range(offsets.size - 1):
        lines = 1
        for i in range(offsets[row], offsets[row + 1]):
            lines += data[i] == _NEWLINE
        most = max(most, lines)
    slots = 2
    while slots < 2 * most:
        slots *= 2
    return slots


@njit(types.Array(types.int32, 2, "C")(BYTES, OFFSETS, BYTES), cache=True, nogil=True)
def _count(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], classes: NDArray[np.uint8]
) -> NDArray[np.int32]:
    counts = np.zeros((len(SIGNALS), offsets.size - 1), np.int32)
    tally = np.zeros(256, np.int64)  # characters of the row by their class bits

    # Lines seen in the row: a table by hash, with linear probing. `used` is the row that filled
    # the slot, counted from 1, so that nothing has to be cleared between rows.
    slots = _slots(data, offsets)
    used = np.zeros(slots, np.int64)
    seen = np.zeros((slots, 2), np.int64)

    for row in range(offsets.size - 1):
        tally[:] = 0
        chars = replacements = hashes = ellipses = curly_brackets = lorem_ipsum = 0
        words = word_chars = max_word_chars = alphabetic_words = stop_words = 0
        lines = short = ended = bullets = ellipsis_lines = duplicates = duplicate_chars = 0

        dots, dots_end = 0, -1  # full stops in a row, and the byte after them
        # The current word: its first byte (-1 outside of one), characters before it, classes.
        word_start, word_before, word_kinds = -1, 0, 0
        # The current line: from its first visible character to the last, -1 before there is one.
        line_start, line_end, line_before, line_chars = -1, 0, 0, 0
        first = last = 0
        hash_so_far = line_hash = _HASH_START

        at, end = offsets[row], offsets[row + 1]
        while at <= end:
            if at == end:  # the end of the text ends its last word and its last line
                point, size, kind = _NEWLINE, 1, SPACE
            else:
                point, size = int(data[at]), 1
                if point >= 0x80:
                    point, size = decode(data, at, end)
                kind = int(classes[point])
                tally[kind] += 1

            if not kind & SPACE:
                if word_start < 0:
                    word_start, word_before, word_kinds = at, chars, 0
                    if line_start < 0:
                        line_start, line_before, first = at, chars, point
                        hash_so_far = _HASH_START
                word_kinds |= kind
                last = point
                if kind & _MARKED:
                    if point == _FULL_STOP:
                        dots = dots + 1 if dots_end == at else 1
                        dots_end = at + 1
                        if dots == 3:
                            ellipses += 1
                            dots = 0
                    elif point == _HASH:
                        hashes += 1
                    elif point == _OPENING_CURLY:
                        curly_brackets += 1
                    elif point == _ELLIPSIS:
                        ellipses += 1
                    elif point == REPLACEMENT:
                        replacements += 1
                    else:
                        lorem_ipsum += _is_lorem(data, at, end)
            else:
                if word_start >= 0:
                    words += 1
                    word_chars += chars - word_before
                    max_word_chars = max(max_word_chars, chars - word_before)
                    alphabetic_words += word_kinds & LETTER != 0
                    stop_words += is_stop_word(data, word_start, at)
                    word_start = -1
                    line_end, line_chars, line_hash = at, chars - line_before, hash_so_far
                if point == _NEWLINE and line_start >= 0:
                    lines += 1
                    short += line_chars <= SHORT
                    ended += classes[last] & SENTENCE_END != 0
                    bullets += first in (_BULLET, _HYPHEN)
                    ellipsis_lines += last == _ELLIPSIS or (
                        line_end - line_start >= 3
                        and data[line_end - 3] == _FULL_STOP
                        and data[line_end - 2] == _FULL_STOP
                        and data[line_end - 1] == _FULL_STOP
                    )
                    slot = int((line_hash ^ (line_hash >> np.uint64(32))) >> np.uint64(1))
                    slot &= slots - 1
                    while used[slot] == row + 1 and not _are_equal(
                        data, line_start, line_end, seen[slot, 0], seen[slot, 1]
                    ):
                        slot = (slot + 1) & (slots - 1)
                    if used[slot] == row + 1:
                        duplicates += 1
                        duplicate_chars += line_chars
                    else:
                        used[slot] = row + 1
                        seen[slot, 0], seen[slot, 1] = line_start, line_end
                    line_start = -1
            hash_so_far = (hash_so_far ^ np.uint64(point)) * _HASH_FACTOR
            chars += 1
            at += size

        letters = uppercase = digits = controls = 0
        for kind in range(tally.size):
            letters += tally[kind] if kind & LETTER else 0
            uppercase += tally[kind] if kind & UPPERCASE else 0
            digits += tally[kind] if kind & DIGIT else 0
            controls += tally[kind] if kind & CONTROL else 0
        chars -= 1  # the end of the text
        counts[:, row] = (
            chars, letters, uppercase, digits, controls, replacements,
            words, word_chars, max_word_chars, alphabetic_words, stop_words,
            hashes, ellipses, curly_brackets, lorem_ipsum,
            lines, short, ended, bullets, ellipsis_lines, duplicates, duplicate_chars,
        )  # fmt: skip
    return counts


@column_function(returns=DDL, version=1, measures=True)
def text_signals(text: pa.Array) -> pa.Array:
    r"""Count what quality rules ask of a text: characters, words, lines, marks of junk.

    Shape: STRING -> STRUCT<chars INT, letters INT, ..., duplicate_line_chars INT>, the fields of
        SIGNALS in order; null gives null, an empty text gives zeros.
    Units: all are counts, none is a ratio.
        chars: code points. letters are Unicode letters, digits decimal digits of any script,
            uppercase_letters characters that are upper-case; control_chars are U+0000-001F and
            U+007F-009F without TAB, LF and CR; replacement_chars are U+FFFD.
        words: maximal runs of characters that are no white space (29 code points, as in Python's
            str.split). word_chars are the code points in them, max_word_chars those of the
            longest. alphabetic_words have at least one letter. stop_words are occurrences of
            STOP_WORDS as whole words, in ASCII capitals or not: "The" counts, "the," does not.
        hashes: "#". ellipses: "..." without overlap, and "…". curly_brackets: "{".
            lorem_ipsum: "lorem ipsum" in ASCII capitals or not.
        lines: what stands between two "\n", white space at both ends left out; one of white space
            alone is no line. short_lines have at most 30 code points. ended_lines end with one of
            the 159 sentence ends of all scripts, bullet_lines begin with "•" or "-",
            ellipsis_lines end with "..." or "…". duplicate_lines are the copies of a line after
            the first, duplicate_line_chars their code points.
    Errors: TypeError if the column is not STRING. No text is an error: each byte that is not part
        of well-formed UTF-8 counts as one U+FFFD.
    Source: Gopher (Rae et al. 2021, arXiv:2112.11446, appendix A.1), C4 (Raffel et al. 2019,
        arXiv:1910.10683, section 2.2), FineWeb (Penedo et al. 2024, arXiv:2406.17557,
        section 3.6), as in datatrove a649de7 gopher_quality_filter.py, c4_filters.py and
        fineweb_quality_filter.py. Differs: words are split at white space, not by a tokeniser;
        stop words are counted, not only told apart; lines break at "\n" only, their ends are
        trimmed before they are measured, compared and looked at.
    """
    counts = _count(*utf8(text), _CLASSES)
    return pa.StructArray.from_arrays([pa.array(c) for c in counts], SIGNALS, mask=text.is_null())
