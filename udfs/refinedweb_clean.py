"""DCLM's line modifiers: which lines of a text stay, and which phrases go."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, strings, utf8
from winnow.udfs.characters import DIGIT, SPACE, UPPERCASE, having
from winnow.udfs.dclm_quality import CLASSES as WORD_CLASSES
from winnow.udfs.dclm_quality import count_words
from winnow.udfs.decoding import decode, space_size, space_size_before
from winnow.udfs.kernels import kernel
from winnow.udfs.refinedweb_urls import is_word_character
from winnow.udfs.registry import column_function
from winnow.udfs.seen import most_newlines

MODIFIERS = (
    "uppercase_ratio_line",
    "numeric_ratio_line",
    "counter_line",
    "line_length",
    "substring_cart",
    "substring_read_more",
    "substring_sign_in",
)
SIGNALS = (
    "words",
    "modifiers_passed",
    "uppercase_lines",
    "numeric_lines",
    "counter_lines",
    "short_lines",
    "cart_phrases",
    "read_more_phrases",
    "sign_in_phrases",
)
DDL = "STRUCT<text STRING, " + ", ".join(f"{name} INT" for name in SIGNALS) + ">"

MOST_UPPERCASE, MOST_NUMERIC = 0.5, 0.999999  # of a line's characters
FEWEST_WORDS = 2
MOST_PHRASE_WORDS = 10  # in lines that lose phrases
COUNTERS = (
    "likes", "shares", "comments", "retweets", "reposts", "quotes", "bookmarks", "upvotes",
    "downvotes", "downloads", "views", "followers",
)  # fmt: skip

(
    _UPPERCASE_RATIO, _NUMERIC_RATIO, _COUNTER, _LINE_LENGTH, _CART, _READ_MORE, _SIGN_IN
) = range(len(MODIFIERS))  # fmt: skip

_NEWLINE, _COMMA, _FULL_STOP = (ord(character) for character in "\n,.")
_SUFFIXES = tuple(ord(character) for character in "kmb")
_COUNTERS = tuple(np.frombuffer(word.encode(), np.uint8) for word in COUNTERS)
_PHRASES = tuple(
    np.frombuffer(phrase, np.uint8) for phrase in (b"items in cart", b"read more", b"sign-in")
)
_IS_CART = np.zeros(256, np.bool_)  # of bytes: "i" in any case may begin here
_IS_CART[[ord("i"), ord("I"), 0xC4]] = True
_DOTS = 3  # of "Read more...", where each stands for any character
_LOWER = np.arange(256, dtype=np.uint8)
_LOWER[65:91] += 32

_SUPERSCRIPT = 128  # digits that are not decimal: "²", "①"
_CLASSES = WORD_CLASSES.copy()
_CLASSES[having(str.isdigit)] |= _SUPERSCRIPT
_CLASSES.flags.writeable = False

_STORE, _WIDE = types.Array(types.uint8, 1, "C"), types.Array(types.int64, 1, "C")
_LINES = types.Array(types.int64, 2, "C")
_MATRIX = types.Array(types.int32, 2, "C")
# Columns of a table of lines.
_START, _END, _CHARS, _UPPERCASES, _DIGITS, _WORDS = range(6)


@kernel(
    "UniTuple(int64, 2)(Array(uint8, 1, 'C', readonly=True), int64, int64, boolean)", inlined=True
)
def _lower(data: NDArray[np.uint8], at: int, end: int, by_fold: bool) -> tuple[int, int]:
    """Return the ASCII letter in lower case that stands here, or the byte, and its size.

    The Kelvin sign is a "k" for `str.lower`; `re.IGNORECASE` also takes İ and ı for "i", ſ for "s".
    """
    byte = data[at]
    if byte == 0xE2 and at + 2 < end and data[at + 1] == 0x84 and data[at + 2] == 0xAA:
        return 107, 3
    if by_fold and at + 1 < end:
        if byte == 0xC4 and data[at + 1] in (0xB0, 0xB1):
            return 105, 2
        if byte == 0xC5 and data[at + 1] == 0xBF:
            return 115, 2
    return int(_LOWER[byte]), 1


_PHRASE_SIZE = types.int64(BYTES, types.int64, types.int64, BYTES, types.boolean)


@kernel(_PHRASE_SIZE, inlined=True)
def _phrase_size(
    data: NDArray[np.uint8], at: int, end: int, phrase: NDArray[np.uint8], by_fold: bool
) -> int:
    """Return the bytes of the phrase that stands here in any case, 0 where it does not."""
    start = at
    for letter in phrase:
        if at >= end:
            return 0
        found, size = _lower(data, at, end, by_fold)
        if found != letter:
            return 0
        at += size
    return at - start


@kernel(types.boolean(BYTES, types.int64, types.int64, BYTES))
def _is_counter(data: NDArray[np.uint8], at: int, end: int, classes: NDArray[np.uint8]) -> bool:
    """Tell whether the line says no more than "1,234 likes"."""
    kind, size = 0, 0
    while at < end:
        point, size = decode(data, at, end)
        kind = int(classes[point])
        if is_word_character(classes, point):
            break
        at += size
    if at >= end or not kind & DIGIT:
        return False
    while at < end:
        point, size = decode(data, at, end)
        if not (point in (_COMMA, _FULL_STOP) or classes[point] & DIGIT):
            break
        at += size
    if at < end:
        letter, size = _lower(data, at, end, False)
        if letter in _SUFFIXES:
            at += size
    spaces = at
    while at < end and space_size(data, at, end):
        at += space_size(data, at, end)
    if at == spaces:
        return False
    for counter in _COUNTERS:
        size = _phrase_size(data, at, end, counter, False)
        if size:
            at += size
            while at < end:
                point, size = decode(data, at, end)
                if is_word_character(classes, point):
                    return False
                at += size
            return True
    return False


@kernel(types.int64(_STORE, types.int64, types.int64, types.int64))
def _cut(data: NDArray[np.uint8], at: int, after: int, end: int) -> int:
    """Move what is behind the part to its place; return the new end."""
    for i in range(after, end):
        data[at + i - after] = data[i]
    return end - (after - at)


@kernel(types.int64(_STORE, _LINES, types.int64))
def _strip(data: NDArray[np.uint8], lines: NDArray[np.int64], count: int) -> int:
    """Take white space from the ends of the text that the lines are; return how many are left."""
    first = 0
    while first < count:
        start, end = lines[first, _START], lines[first, _END]
        while start < end and space_size(data, start, end):
            start += space_size(data, start, end)
            lines[first, _CHARS] -= 1
        lines[first, _START] = start
        if start < end:
            break
        first += 1
    if first:
        for i in range(first, count):
            lines[i - first] = lines[i]
    count -= first
    while count > 0:
        start, end = lines[count - 1, _START], lines[count - 1, _END]
        while space_size_before(data, start, end):
            end -= space_size_before(data, start, end)
            lines[count - 1, _CHARS] -= 1
        lines[count - 1, _END] = end
        if start < end:
            break
        count -= 1
    return count


@kernel(types.boolean(_STORE, _LINES, types.int64))
def _measure_ascii(data: NDArray[np.uint8], lines: NDArray[np.int64], line: int) -> bool:
    """Count as `_measure` does, without a branch; return whether the line is ASCII indeed."""
    start, end = lines[line, _START], lines[line, _END]
    uppercases = digits = words = others = np.int64(0)
    before = np.uint8(1)
    for byte in data[start:end]:
        is_space = (
            np.uint8(byte == 0x20)
            | np.uint8(np.uint8(byte - np.uint8(0x09)) < 5)
            | np.uint8(np.uint8(byte - np.uint8(0x1C)) < 4)
        )
        others += byte >= 0x80
        uppercases += np.uint8(byte - np.uint8(0x41)) < 26
        digits += np.uint8(byte - np.uint8(0x30)) < 10
        words += before & (is_space ^ np.uint8(1))
        before = is_space
    lines[line, _CHARS], lines[line, _UPPERCASES] = end - start, uppercases
    lines[line, _DIGITS], lines[line, _WORDS] = digits, words
    return bool(others == 0)


@kernel(types.void(_STORE, _LINES, types.int64, BYTES))
def _measure(
    data: NDArray[np.uint8], lines: NDArray[np.int64], line: int, classes: NDArray[np.uint8]
) -> None:
    """Count the line's characters and words."""
    if _measure_ascii(data, lines, line):
        return
    at, end = lines[line, _START], lines[line, _END]
    chars = uppercases = digits = words = 0
    is_space = True
    while at < end:
        point, size = int(data[at]), 1
        if point >= 0x80:
            point, size = decode(data, at, end)
        kind = int(classes[point])
        chars += 1
        uppercases += kind & UPPERCASE != 0
        digits += kind & _SUPERSCRIPT != 0
        was_space, is_space = is_space, kind & SPACE != 0
        words += was_space and not is_space
        at += size
    lines[line, _CHARS], lines[line, _UPPERCASES] = chars, uppercases
    lines[line, _DIGITS], lines[line, _WORDS] = digits, words


@kernel(types.int64(_STORE, types.int64, types.int64))
def _cut_cart(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Cut "items in cart" and one white space before it out; return the new end."""
    at = start  # behind the last phrase
    while at < end:
        size = _phrase_size(data, at, end, _PHRASES[0], True) if _IS_CART[data[at]] else 0
        if size:
            first = at - space_size_before(data, start, at)
            end = _cut(data, first, at + size, end)
            start = at = first
        else:
            at += 1
    return end


@kernel(types.int64(_STORE, types.int64, types.int64))
def _cut_read_more(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Cut "read more", the three characters behind it and one white space off; return the end."""
    at = end
    for _ in range(_DOTS):
        at -= 1
        while at > start and data[at] & 0xC0 == 0x80:
            at -= 1
    at -= _PHRASES[1].size
    if at < start or not _phrase_size(data, at, end, _PHRASES[1], True):
        return end
    return at - space_size_before(data, start, at)


@kernel(types.int64(_STORE, types.int64, types.int64))
def _cut_sign_in(data: NDArray[np.uint8], start: int, end: int) -> int:
    """Cut "sign-in" and one white space behind it off the beginning; return the new end."""
    size = _phrase_size(data, start, end, _PHRASES[2], True)
    if not size:
        return end
    behind = start + size
    if behind < end:
        behind += space_size(data, behind, end)
    return _cut(data, start, behind, end)


_CLEAN = types.void(BYTES, OFFSETS, BYTES, types.int64, _STORE, _WIDE, _MATRIX)


@kernel(_CLEAN)
def _clean(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: NDArray[np.uint8],
    modifiers: int,
    cleaned: NDArray[np.uint8],
    cleaned_offsets: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> None:
    """Apply the modifiers whose bits are set, in their order."""
    most_bytes = 0
    for row in range(offsets.size - 1):
        most_bytes = max(most_bytes, offsets[row + 1] - offsets[row])
    text = np.empty(most_bytes, np.uint8)
    lines = np.empty((most_newlines(data, offsets) + 1, 6), np.int64)
    written = 0
    for row in range(offsets.size - 1):
        cleaned_offsets[row] = written
        size = offsets[row + 1] - offsets[row]
        text[:size] = data[offsets[row] : offsets[row + 1]]
        count = start = 0
        for i in range(size + 1):
            if i == size or text[i] == _NEWLINE:
                lines[count, _START], lines[count, _END] = start, i
                _measure(text, lines, count, classes)
                count += 1
                start = i + 1
        passed = 0
        for modifier in range(len(MODIFIERS)):
            if not modifiers >> modifier & 1:
                continue
            kept = 0
            for line in range(count):
                start, before = lines[line, _START], lines[line, _END]
                if modifier <= _LINE_LENGTH:
                    if modifier == _UPPERCASE_RATIO:
                        share = lines[line, _UPPERCASES] / max(lines[line, _CHARS], 1)
                        is_removed = share > MOST_UPPERCASE
                    elif modifier == _NUMERIC_RATIO:
                        share = lines[line, _DIGITS] / max(lines[line, _CHARS], 1)
                        is_removed = share > MOST_NUMERIC
                    elif modifier == _COUNTER:
                        is_removed = lines[line, _DIGITS] > 0 and _is_counter(
                            text, start, before, classes
                        )
                    else:
                        is_removed = start < before and lines[line, _WORDS] < FEWEST_WORDS
                    if is_removed:
                        counts[2 + modifier, row] += 1
                        continue
                elif lines[line, _WORDS] <= MOST_PHRASE_WORDS:
                    if modifier == _CART:
                        end = _cut_cart(text, start, before)
                    elif modifier == _READ_MORE:
                        end = _cut_read_more(text, start, before)
                    else:
                        end = _cut_sign_in(text, start, before)
                    if end < before:
                        counts[2 + modifier, row] += 1
                        lines[line, _END] = end
                        _measure(text, lines, line, classes)
                    if start < before and not lines[line, _WORDS]:
                        continue
                if kept < line:
                    lines[kept] = lines[line]
                kept += 1
            count = kept
            if modifier != _LINE_LENGTH:  # the one that does not strip
                count = _strip(text, lines, count)
            if count == 0 or (count == 1 and lines[0, _START] == lines[0, _END]):
                count = 0
                break
            passed += 1
        for line in range(count):
            if line:
                cleaned[written] = _NEWLINE
                written += 1
            start, end = lines[line, _START], lines[line, _END]
            cleaned[written : written + end - start] = text[start:end]
            written += end - start
        counts[0, row] = count_words(cleaned, cleaned_offsets[row], written, classes)
        counts[1, row] = passed
    cleaned_offsets[offsets.size - 1] = written


def modified(text: pa.Array, modifiers: tuple[str, ...]) -> pa.Array:
    """Apply some of MODIFIERS, in the order that they have there; as `refinedweb_clean`."""
    data, offsets = utf8(text)
    counts = np.zeros((len(SIGNALS), len(text)), np.int32)
    cleaned = np.empty(int(offsets[-1] - offsets[0]) + 1, np.uint8)
    cleaned_offsets = np.empty(len(text) + 1, np.int64)
    bits = sum(1 << MODIFIERS.index(modifier) for modifier in modifiers)
    _clean(data, offsets, _CLASSES, bits, cleaned, cleaned_offsets, counts)
    columns = [strings(cleaned, cleaned_offsets, text.type), *map(pa.array, counts)]
    return pa.StructArray.from_arrays(columns, ("text", *SIGNALS), mask=text.is_null())


@column_function(returns=DDL, version=1)
def refinedweb_clean(text: pa.Array) -> pa.Array:
    r"""Take lines and phrases of menus out of a text, as DCLM's seven line modifiers do.

    Shape: STRING -> STRUCT<text STRING, words INT, ..., sign_in_phrases INT>, the fields of SIGNALS
        in order; null gives null.
    Units: lines stand between two "\n"; words between white space, as `str.split` cuts. The
        modifiers, one after the other, with the lines that the first four remove:
        uppercase_lines have more than half of their characters in upper case, numeric_lines only
        digits, counter_lines say "1,234 likes" and the like, short_lines have one word. Then lines
        with up to ten words lose a phrase in any case; the counts are of such lines: cart_phrases
        "items in cart" anywhere, read_more_phrases "read more" and three more characters at the
        end, sign_in_phrases "sign-in" at the beginning. A line of which nothing is left goes.
        All but the fourth strip the text.
        words: fastText's words of the new text, as in `dclm_quality`. modifiers_passed: how many of
        the seven left something, 7 or the number before the one that left nothing.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: RefinedWeb (Penedo et al. 2023, arXiv:2306.01116, G.2), as in mlfoundations/dclm 361714b
        modifiers.py and dclm_baseline_refinedweb.yaml.
    """
    return modified(text, MODIFIERS)
