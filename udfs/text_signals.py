"""The signals of a text that heuristic quality rules are made of, in one pass over its bytes.

One fused kernel decodes UTF-8 and counts everything at once, whatever the number of rules that read
the counts. A quarter of its time goes into telling words apart.
"""

import math
import unicodedata

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, utf8
from winnow.udfs.characters import (
    CONTROL,
    DIGIT,
    LAST_PUNCTUATION,
    LETTER,
    SENTENCE_END,
    SPACE,
    UPPERCASE,
    character_classes,
)
from winnow.udfs.decoding import REPLACEMENT, decode
from winnow.udfs.eight_bytes import HIGHEST, between, eight_bytes, first_of
from winnow.udfs.kernels import kernel
from winnow.udfs.ngrams import NUMBERS
from winnow.udfs.registry import column_function
from winnow.udfs.seen import (
    count_newlines,
    is_one_of,
    is_repeat,
    key_of,
    most_newlines,
    short_keys,
    slots_for,
)
from winnow.udfs.words import FIRST, PLACES, number_words, remember, room_for_words

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
    "white_space",
    "punctuation",
    "uppercase_words",
    "unique_words",
    "sentences",
    "paragraphs",
    "javascript",
    "policy_phrases",
)
ENTROPY = "word_entropy"
DDL = "STRUCT<" + ", ".join(f"{name} INT" for name in SIGNALS) + f", {ENTROPY} DOUBLE>"

SHORT = 30  # code points; FineWeb, section 3.6
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")  # Gopher, appendix A.1
LOREM_IPSUM, JAVASCRIPT = "lorem ipsum", "javascript"
POLICIES = (  # C4, as in datatrove's C4QualityFilter
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
CLOSING = "\"')]}’”»"

_NEWLINE, _FULL_STOP, _HASH, _OPENING_CURLY = (ord(character) for character in "\n.#{")
_BLANK = ord(" ")
_HYPHEN, _BULLET, _ELLIPSIS = (ord(character) for character in "-•…")

# A phrase is looked for where its last space stands, between the letters that it has there, and the
# one without a space where its first letter, a rare one, does.
_PHRASES = (LOREM_IPSUM, *POLICIES, JAVASCRIPT)
_PHRASE = np.frombuffer("".join(_PHRASES).encode(), np.uint8)
_PHRASE_AT = np.cumsum([0, *map(len, _PHRASES)])
_PHRASES_WITH_SPACE = len(_PHRASES) - 1
_SPACE_AT = np.array([max(phrase.rfind(" "), 0) for phrase in _PHRASES])
_BEFORE, _AFTER = np.zeros((2, 256), np.uint8)  # phrases that have this byte there, as bits
for _bit, _phrase in enumerate(_PHRASES[:-1]):
    _before, _, _after = _phrase.rpartition(" ")
    for _letter in (_before[-1], _before[-1].upper()):
        _BEFORE[ord(_letter)] |= 1 << _bit
    for _letter in (_after[0], _after[0].upper()):
        _AFTER[ord(_letter)] |= 1 << _bit

# Most characters only add to the count of their class; the few that are looked at closer are
# marked, so that the others need not be compared with them.
_MARKED, _PUNCTUATION = 64, 128
_CLASSES = character_classes()
_CLASSES[[ord(character) for character in ".#{…\ufffdjJ" + CLOSING]] |= _MARKED
for _point in range(LAST_PUNCTUATION + 1):
    if unicodedata.category(chr(_point)).startswith("P"):
        _CLASSES[_point] |= _PUNCTUATION
_CLASSES.flags.writeable = False
_CLOSINGS = tuple(map(ord, CLOSING))

# n * log(n) of small counts, for the entropy.
_LOGS = np.array([0.0, *(n * math.log(n) for n in range(1, 256))])

_STOP_KEYS = short_keys(STOP_WORDS)


@kernel(types.boolean(types.uint64), inlined=True)
def is_stop_word(key: np.uint64) -> bool:
    """Tell whether the word with this key is one of STOP_WORDS, in ASCII capitals or not."""
    capitals = between(key, ord("A"), ord("Z")) & ~key
    return is_one_of(key | capitals >> np.uint64(2), _STOP_KEYS)


@kernel(types.boolean(BYTES, *(types.int64,) * 4), inlined=True)
def _is_phrase(data: NDArray[np.uint8], at: int, start: int, end: int, phrase: int) -> bool:
    """Tell whether the phrase stands around its last space, or from here on if it has none."""
    first, size = _PHRASE_AT[phrase], _PHRASE_AT[phrase + 1] - _PHRASE_AT[phrase]
    at -= _SPACE_AT[phrase]
    if at < start or at + size > end:
        return False
    for i in range(size):
        byte = data[at + i]
        if (byte + 32 if 65 <= byte <= 90 else byte) != _PHRASE[first + i]:
            return False
    return True


@kernel(types.int64(BYTES, types.int64, types.int64), inlined=True)
def _end_of_run(data: NDArray[np.uint8], at: int, end: int) -> int:
    """Return where the small letters of ASCII end that have no mark: all but j."""
    while at + 8 <= end:
        eight = eight_bytes(data, at)
        letters = between(eight, ord("a"), ord("i")) | between(eight, ord("k"), ord("z"))
        run = first_of(~(letters & ~eight) & HIGHEST)
        at += run
        if run < 8:
            return at
    while at < end and ord("a") <= data[at] <= ord("z") and data[at] != ord("j"):
        at += 1
    return at


_COUNT = types.void(
    BYTES, OFFSETS, BYTES, types.Array(types.int32, 2, "C"), types.Array(types.float64, 1, "C"),
    PLACES, NUMBERS, FIRST, types.int64,
)  # fmt: skip


@kernel(_COUNT)
def _count(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: NDArray[np.uint8],
    counts: NDArray[np.int32],
    entropy: NDArray[np.float64],
    places: NDArray[np.int64],
    numbers: NDArray[np.int32],
    first_words: NDArray[np.int64],
    most: int,
) -> None:
    tally = np.zeros(256, np.int64)  # characters of the row by their class bits
    seen_lines = np.zeros((slots_for(most_newlines(data, offsets) + 1), 3), np.int64)
    seen_words, keys = np.empty(slots_for(most), np.int32), np.empty(most, np.uint64)
    times = np.empty(most, np.int32)
    first_words[0] = 0

    for row in range(offsets.size - 1):
        tally[:] = 0
        chars = replacements = hashes = ellipses = curly_brackets = 0
        lorem_ipsum = javascript = policies = 0
        words = word_chars = max_word_chars = alphabetic_words = stop_words = 0
        uppercase_words = sentences = paragraphs = 0
        lines = short = ended = bullets = ellipsis_lines = duplicates = duplicate_chars = 0

        text, end = offsets[row], offsets[row + 1]
        first_word = first_words[row]
        line_slots = slots_for(count_newlines(data, text, end) + 1)

        dots, dots_end = 0, -1  # full stops in a row, and the byte after them
        # The current word: its first byte (-1 outside of one), characters before it, classes.
        word_start, word_before, word_kinds = -1, 0, 0
        has_lower = False  # a letter that is not upper-case
        tail = 0  # the class of its last character that closes no quote or bracket
        is_ended = True  # whether the last word ended a sentence
        is_blank = True  # whether the line before had no visible character
        # The current line: from its first visible character to the last, -1 before there is one.
        line_start, line_end, line_before, line_chars = -1, 0, 0, 0
        first = last = 0

        at = text
        while at <= end:
            if at == end:  # the end of the text ends its last word and its last line
                point, size, kind = _NEWLINE, 1, SPACE
            else:
                point, size = int(data[np.uint64(at)]), 1
                if point >= 0x80:
                    point, size = decode(data, at, end)
                kind = int(classes[np.uint64(point)])
                tally[np.uint64(kind)] += 1

            if not kind & SPACE:
                if word_start < 0:
                    word_start, word_before, word_kinds = at, chars, 0
                    has_lower, tail = False, 0
                    if line_start < 0:
                        line_start, line_before, first = at, chars, point
                word_kinds |= kind
                has_lower |= kind & (LETTER | UPPERCASE) == LETTER
                last = point
                if kind & _MARKED:
                    if point not in _CLOSINGS:
                        tail = kind
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
                    elif kind & LETTER:
                        javascript += _is_phrase(data, at, text, end, _PHRASES_WITH_SPACE)
                else:
                    tail = kind
                    if kind == LETTER and size == 1:  # letters like it add to few counts
                        run = _end_of_run(data, at + 1, end)
                        tally[LETTER] += run - at - 1
                        chars += run - at
                        at = run
                        last = int(data[run - 1])
                        continue
            else:
                if point == _BLANK and text < at < end - 1:
                    found = _BEFORE[data[at - 1]] & _AFTER[data[at + 1]]
                    if found:
                        for phrase in range(_PHRASES_WITH_SPACE):
                            if found >> phrase & 1 and _is_phrase(data, at, text, end, phrase):
                                lorem_ipsum += phrase == 0
                                policies += phrase > 0
                if word_start >= 0:
                    places[first_word + words, 0], places[first_word + words, 1] = word_start, at
                    word_chars += chars - word_before
                    max_word_chars = max(max_word_chars, chars - word_before)
                    alphabetic_words += word_kinds & LETTER != 0
                    uppercase_words += word_kinds & UPPERCASE != 0 and not has_lower
                    key = key_of(data, word_start, at)
                    keys[words] = key
                    stop_words += is_stop_word(key)
                    words += 1
                    is_ended = tail & SENTENCE_END != 0
                    sentences += is_ended
                    word_start = -1
                    line_end, line_chars = at, chars - line_before
                if point == _NEWLINE and line_start >= 0:
                    lines += 1
                    paragraphs += is_blank
                    is_blank = False
                    short += line_chars <= SHORT
                    ended += classes[last] & SENTENCE_END != 0
                    bullets += first in (_BULLET, _HYPHEN)
                    ellipsis_lines += last == _ELLIPSIS or (
                        line_end - line_start >= 3
                        and data[line_end - 3] == _FULL_STOP
                        and data[line_end - 2] == _FULL_STOP
                        and data[line_end - 1] == _FULL_STOP
                    )
                    if is_repeat(data, text, line_start, line_end, row + 1, line_slots, seen_lines):
                        duplicates += 1
                        duplicate_chars += line_chars
                    line_start = -1
                elif point == _NEWLINE:
                    is_blank = True
            chars += 1
            at += size

        first_words[row + 1] = first_word + words
        row_places, row_numbers = places[first_word:], numbers[first_word:]
        unique_words = number_words(
            data, row_places, words, keys, row_numbers, seen_words, slots_for(words)
        )
        times[:unique_words] = 0
        for i in range(words):
            times[row_numbers[i]] += 1
        logs = 0.0
        for number in range(unique_words):
            count = times[number]
            logs += _LOGS[count] if count < _LOGS.size else count * math.log(count)
        if words:
            entropy[row] = max(math.log(words) - logs / words, 0.0)

        spaces = letters = uppercase = digits = controls = punctuation = 0
        for kind in range(tally.size):
            spaces += tally[kind] if kind & SPACE else 0
            letters += tally[kind] if kind & LETTER else 0
            uppercase += tally[kind] if kind & UPPERCASE else 0
            digits += tally[kind] if kind & DIGIT else 0
            controls += tally[kind] if kind & CONTROL else 0
            punctuation += tally[kind] if kind & _PUNCTUATION else 0
        chars -= 1  # the end of the text
        counts[:, row] = (
            chars, letters, uppercase, digits, controls, replacements,
            words, word_chars, max_word_chars, alphabetic_words, stop_words,
            hashes, ellipses, curly_brackets, lorem_ipsum,
            lines, short, ended, bullets, ellipsis_lines, duplicates, duplicate_chars,
            spaces, punctuation, uppercase_words, unique_words, sentences + (not is_ended),
            paragraphs, javascript, policies,
        )  # fmt: skip


@column_function(returns=DDL, version=1, measures=True)
def text_signals(text: pa.Array) -> pa.Array:
    r"""Count what quality rules ask of a text: characters, words, lines, marks of junk.

    Shape: STRING -> STRUCT<chars INT, letters INT, ..., policy_phrases INT, word_entropy DOUBLE>,
        the fields of SIGNALS in order and ENTROPY; null gives null, an empty text gives zeros.
    Units: all but the entropy are counts, none is a ratio.
        chars: code points. letters are Unicode letters, digits decimal digits of any script,
            uppercase_letters characters that are upper-case; control_chars are U+0000-001F and
            U+007F-009F without TAB, LF and CR; replacement_chars are U+FFFD; white_space are the 29
            code points of Python's str.split; punctuation is Unicode's categories P*.
        words: maximal runs of characters that are no white space. word_chars are the code points
            in them, max_word_chars those of the longest. alphabetic_words have at least one
            letter. stop_words are occurrences of STOP_WORDS as whole words, in ASCII capitals or
            not: "The" counts, "the," does not.
            uppercase_words have an upper-case character and no other letter. unique_words are
            words that differ; word_entropy is that of their shares, in nats.
        sentences: words that end with a sentence end, quotes and brackets of CLOSING behind it left
            out, and one more for words after the last of them.
        hashes: "#". ellipses: "..." without overlap, and "…". curly_brackets: "{".
            lorem_ipsum, javascript, policy_phrases: "lorem ipsum", "javascript" and all of
            POLICIES, also within words, in ASCII capitals or not.
        lines: what stands between two "\n", white space at both ends left out; one of white space
            alone is no line. short_lines have at most 30 code points. ended_lines end with one of
            the 159 sentence ends of all scripts, bullet_lines begin with "•" or "-",
            ellipsis_lines end with "..." or "…". duplicate_lines are the copies of a line after
            the first, duplicate_line_chars their code points. paragraphs are lines, one or more,
            between which no line of white space stands.
    Errors: TypeError if the column is not STRING. No text is an error: each byte that is not part
        of well-formed UTF-8 counts as one U+FFFD.
    Source: Gopher (Rae et al. 2021, arXiv:2112.11446, appendix A.1), C4 (Raffel et al. 2019,
        arXiv:1910.10683, section 2.2), FineWeb (Penedo et al. 2024, arXiv:2406.17557,
        section 3.6), as in datatrove a649de7 gopher_quality_filter.py, c4_filters.py and
        fineweb_quality_filter.py. Differs: words are split at white space, not by a tokeniser;
        stop words are counted, not only told apart; lines break at "\n" only, their ends are
        trimmed before they are measured, compared and looked at.
    """
    data, offsets = utf8(text)
    counts = np.zeros((len(SIGNALS), len(text)), np.int32)
    entropy = np.zeros(len(text))
    words, most = room_for_words(offsets)
    _count(data, offsets, _CLASSES, counts, entropy, *words, most)
    remember(data, offsets, words)
    columns = [*map(pa.array, counts), pa.array(entropy)]
    return pa.StructArray.from_arrays(columns, [*SIGNALS, ENTROPY], mask=text.is_null())
