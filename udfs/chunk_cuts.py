"""The usual chunks of a text cut into spaCy's English tokens by a kernel.

`english_tokens` says what the tokens of a chunk are; this is the same for the shapes that most
chunks have, in half a microsecond: letters, digits, marks around them and between them. Where
anything else could matter the chunk is left to it: special cases, rare characters. A test compares
the two.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES
from winnow.udfs.characters import LETTER, character_classes
from winnow.udfs.decoding import decode
from winnow.udfs.english_tokens import SEQUENCES, SPECIAL_CASES
from winnow.udfs.kernels import kernel
from winnow.udfs.seen import slot_of, slots_for

# What a character may be to spaCy's patterns, as bits; a character without any is not handled.
# The numbers are compiled into kernels: do not renumber them.
LOWER, UPPER, DIGIT, WORD, PREFIX, SUFFIX, BEFORE_STOP, QUOTE, INNER, CURRENCY = (
    1 << bit for bit in range(10)
)
_ALPHA, _NUMBER = LOWER | UPPER, DIGIT | BEFORE_STOP

_AFFIXES = "!\"#&'()*,:;<>?[]_`{}‘’“”–—…«»"
_STOP, _HYPHEN, _TILDE, _COMMA, _PERCENT, _SLASH, _AT, _PLUS, _DOLLAR = (
    ord(character) for character in ".-~,%/@+$"
)
_EN_DASH, _EM_DASH, _ELLIPSIS, _APOSTROPHE = (ord(character) for character in "–—…’")
_UNITS = """
    km m dm cm mm ha nm yd in ft kg g mg t lb oz kmh mph hPa Pa mbar mb MB kb KB gb GB tb TB T G M K
"""
_LONGEST_UNIT = 5  # letters of the longest unit, those in other scripts included
# What no pattern knows, apart from addresses: C1 controls in texts of a wrong encoding, signs.
_NEUTRAL = "".join(map(chr, (*range(0x80, 0x85), *range(0x86, 0xA0)))) + "−×±÷∼≈≤≥→′¼½¾"
_MOST = 256  # characters of a chunk that is cut here
_IS_JOINED = 2  # of a character that began a token before this one was joined to the last
_LONGEST_CASE = max(map(len, SPECIAL_CASES))
_LONGEST_SEQUENCE = max(len(case) for cases in SEQUENCES.values() for case in cases)
# What a hash of anything but a special case begins with: a unit, the tokens of a special case that
# are several with NUL between them, the first two of these, and two that the case makes one.
_UNIT, _SEQUENCE, _PAIR, _JOINED = 1, 2, 3, 4

_CLASSES = types.Array(types.uint16, 1, "C", readonly=True)
_KEYS = types.Array(types.uint64, 1, "C", readonly=True)
_MASK = types.Array(types.boolean, 1, "C")
_POINTS, _PLACES = types.Array(types.int64, 1, "C"), types.Array(types.int64, 1, "C")
_START, _FACTOR = np.uint64(14695981039346656037), np.uint64(1099511628211)  # FNV-1a


def _classes() -> NDArray[np.uint16]:
    """Return uint16[0x110000]: the bits of every code point."""
    classes = np.where(character_classes() & LETTER, WORD, 0).astype(np.uint16)
    classes[ord("a") : ord("z") + 1] = LOWER | BEFORE_STOP
    classes[ord("A") : ord("Z") + 1] = UPPER
    classes[ord("0") : ord("9") + 1] = DIGIT | BEFORE_STOP
    for marks, bits in (
        (_AFFIXES, PREFIX | SUFFIX),
        ("=%", PREFIX),
        ("-/@\\^|~.+" + _NEUTRAL, INNER),
        ("!\"#%&'()*,:;<>?[]_`{}‘’“”…«»-|+", BEFORE_STOP),
        ("$£€¥", CURRENCY),
        ("\"',`‘’“”«»", QUOTE),
    ):
        classes[list(map(ord, marks))] |= bits
    classes.flags.writeable = False
    return classes


def _known() -> NDArray[np.uint64]:
    """Return the hashes of what the kernel looks up, an open table; 0 is an empty slot."""
    found = {case: parts for cases in SEQUENCES.values() for case, parts in cases.items()}
    sequences = [case for case in found if len(case) > 1]
    joined = [case for case in sequences if len(case) == 2 and len(found[case]) == 1]
    strings = {
        *SPECIAL_CASES,
        *(chr(_UNIT) + unit for unit in _UNITS.split()),
        *(chr(_PAIR) + "\0".join(case[:2]) for case in sequences),
        *(chr(_SEQUENCE) + "\0".join(case) for case in sequences if case not in joined),
        *(chr(_JOINED) + "\0".join(case) for case in joined),
    }
    table = np.zeros(4 * slots_for(len(strings)), np.uint64)
    for string in sorted(strings):
        key = int(_START)
        for character in string:
            key = (key ^ ord(character)) * int(_FACTOR) % (1 << 64)
        slot = slot_of(np.uint64(key), len(table))
        while table[slot]:
            slot = (slot + 1) & (len(table) - 1)
        table[slot] = key
    table.flags.writeable = False
    return table


CLASSES, KNOWN = _classes(), _known()


@kernel(types.boolean(_KEYS, types.uint64), inlined=True)
def _holds(table: NDArray[np.uint64], key: np.uint64) -> bool:
    slot = slot_of(key, len(table))
    while table[slot]:
        if table[slot] == key:
            return True
        slot = (slot + 1) & (len(table) - 1)
    return False


@kernel(types.uint64(types.uint64, _POINTS, types.int64, types.int64), inlined=True)
def _hash(key: np.uint64, points: NDArray[np.int64], start: int, end: int) -> np.uint64:
    for i in range(start, end):
        key = (key ^ np.uint64(points[i])) * _FACTOR
    return key


@kernel(types.boolean(_POINTS, types.int64, types.int64, _KEYS), inlined=True)
def _is_special(points: NDArray[np.int64], start: int, end: int, known: NDArray[np.uint64]) -> bool:
    return 0 < end - start <= _LONGEST_CASE and _holds(known, _hash(_START, points, start, end))


@kernel(types.int64(_POINTS, _POINTS, types.int64, types.int64), inlined=True)
def _prefix_size(points: NDArray[np.int64], kinds: NDArray[np.int64], start: int, end: int) -> int:
    """Return the characters of the prefix, 0 for none."""
    if kinds[start] & (PREFIX | CURRENCY):
        return 1
    if points[start] == _PLUS:
        return int(start + 1 == end or kinds[start + 1] & DIGIT == 0)
    if points[start] == _STOP and start + 1 < end and points[start + 1] == _STOP:
        size = 2
        while start + size < end and points[start + size] == _STOP:
            size += 1
        return size
    if kinds[start] & UPPER and end - start >= 2:  # US$, C$, A$
        if points[start + 1] == _DOLLAR and points[start] in (0x41, 0x43):
            return 2
        if (
            end - start >= 3
            and points[start + 2] == _DOLLAR
            and points[start] == 0x55
            and points[start + 1] == 0x53
        ):
            return 3
    return 0


@kernel(types.int64(_POINTS, _POINTS, types.int64, types.int64, _KEYS), inlined=True)
def _suffix_size(
    points: NDArray[np.int64],
    kinds: NDArray[np.int64],
    start: int,
    end: int,
    known: NDArray[np.uint64],
) -> int:
    """Return the characters of the suffix, 0 for none, -1 where it is not known."""
    last = end - 1
    if kinds[last] & (_ALPHA | WORD):
        if (
            points[last] in (0x73, 0x53)
            and last > start
            and points[last - 1] in (0x27, _APOSTROPHE)
        ):
            return 2
        at, words = last, kinds[last] & WORD
        while at > start and kinds[at - 1] & (_ALPHA | WORD):
            at -= 1
            words |= kinds[at] & WORD
        if at > start and end - at <= _LONGEST_UNIT and kinds[at - 1] & DIGIT:
            if words:
                return -1
            return (
                end - at
                if _holds(known, _hash((_START ^ np.uint64(_UNIT)) * _FACTOR, points, at, end))
                else 0
            )
        if at > start and points[at - 1] == _SLASH:  # km/h
            at -= 1
            while at > start and kinds[at - 1] & (_ALPHA | WORD):
                at -= 1
            if at > start and kinds[at - 1] & DIGIT:
                return -1
        return 0
    if points[last] == _PERCENT or points[last] == _PLUS:
        return int(last > start and kinds[last - 1] & DIGIT != 0)
    if kinds[last] & CURRENCY:
        size = 1
        if points[last] == _DOLLAR and last > start:
            if points[last - 1] in (0x41, 0x43):
                size = 2
            elif points[last - 1] == 0x53 and last - 1 > start and points[last - 2] == 0x55:
                size = 3
        return size if end - size > start and kinds[end - size - 1] & DIGIT else 0
    if points[last] == _STOP:
        at = last
        while at > start and points[at - 1] == _STOP:
            at -= 1
        if at < last:
            return end - at
        if last > start and kinds[last - 1] & WORD:
            return -1
        if last > start and kinds[last - 1] & BEFORE_STOP:
            return 1
        return int(last > start + 1 and kinds[last - 1] & kinds[last - 2] & UPPER != 0)
    if kinds[last] & SUFFIX:
        is_double = points[last] == _ELLIPSIS and last > start and points[last - 1] == _ELLIPSIS
        return 2 if is_double else 1
    return 0


@kernel(types.int64(_POINTS, _POINTS, *(types.int64,) * 3), inlined=True)
def _infix_size(
    points: NDArray[np.int64], kinds: NDArray[np.int64], at: int, start: int, end: int
) -> int:
    """Return the characters of the infix that begins here, 0 for none."""
    point = points[at]
    if point == _STOP and at + 1 < end and points[at + 1] == _STOP:
        size = 2
        while at + size < end and points[at + size] == _STOP:
            size += 1
        return size
    if point == _ELLIPSIS:
        return 1
    if at == start or at + 1 >= end:
        return 0
    before, after = kinds[at - 1], kinds[at + 1]
    is_sign = point in (0x2A, _PLUS, _HYPHEN, 0x5E)  # * + - ^
    if is_sign and before & DIGIT and (after & DIGIT or points[at + 1] == _HYPHEN):
        return 1
    if point == _STOP:
        return int(before & (LOWER | QUOTE) != 0 and after & (UPPER | QUOTE) != 0)
    if point == _COMMA:
        return int(before & _ALPHA != 0 and after & _ALPHA != 0)
    if not before & (_ALPHA | DIGIT):
        return 0
    if point in (_HYPHEN, _EM_DASH):
        size, most = 1, 3 if point == _HYPHEN else 2
        while size < most and at + size < end and points[at + size] == point:
            size += 1
        return size if at + size < end and kinds[at + size] & _ALPHA else 0
    if point in (_EN_DASH, _TILDE, 0x3A, 0x3C, 0x3D, 0x3E, 0x2F):  # : < = > /
        return int(after & _ALPHA != 0)
    return 0


@kernel(types.boolean(_POINTS, _POINTS, types.int64, types.int64), inlined=True)
def _is_public(points: NDArray[np.int64], kinds: NDArray[np.int64], start: int, end: int) -> bool:
    """Tell whether an IP address of no private network is all that is here."""
    at, first = start, 0
    for octet in range(4):
        begin, value = at, 0
        while at < end and kinds[at] & DIGIT and at - begin < 3:
            value = 10 * value + points[at] - 0x30
            at += 1
        if at == begin or (at - begin == 3 and value < 100) or value > 255:
            return False
        if octet in (0, 3) and (points[begin] == 0x30 or value > (254 if octet else 223)):
            return False
        if octet == 0:
            first = value
        if octet == 1 and (
            first in (10, 127)
            or (first == 169 and value == 254)
            or (first == 172 and 16 <= value <= 31)
            or (first == 192 and value == 168)
        ):
            return False
        if octet < 3:
            if at == end or points[at] != _STOP:
                return False
            at += 1
    return bool(at == end)


@kernel(types.boolean(_POINTS, _POINTS, types.int64, types.int64), inlined=True)
def _is_host(points: NDArray[np.int64], kinds: NDArray[np.int64], start: int, end: int) -> bool:
    """Tell whether a host, perhaps a port and a path are all that is here."""
    at = label = start
    stops, is_name = 0, False  # is_name: the last label is of lower case letters
    while at < end and (kinds[at] & (_ALPHA | DIGIT) or points[at] in (_HYPHEN, 0x5F, _STOP)):
        if points[at] == _STOP:
            if at == label or at - label > 64:
                return False
            if not kinds[label] & (_ALPHA | DIGIT) or not kinds[at - 1] & (_ALPHA | DIGIT):
                return False
            stops += 1
            label, is_name = at + 1, True
        else:
            is_name = is_name and kinds[at] & LOWER != 0
        at += 1
    if is_name:
        if not 2 <= at - label <= 63:
            return False
    elif stops != 3 or not _is_public(points, kinds, start, at):
        return False
    if at < end and points[at] == 0x3A:  # a port
        begin = at + 1
        at = begin
        while at < end and kinds[at] & DIGIT:
            at += 1
        if not 2 <= at - begin <= 5:
            return False
    return bool(at == end or points[at] in (_SLASH, 0x3F, 0x23))


@kernel(types.boolean(_POINTS, _POINTS, types.int64, types.int64), inlined=True)
def _is_url(points: NDArray[np.int64], kinds: NDArray[np.int64], start: int, end: int) -> bool:
    """Tell whether an address is all that is here."""
    if _is_host(points, kinds, start, end):
        return True
    at = start
    is_scheme = True  # so far, letters and so on
    while at < end:
        is_host = points[at] == _AT and at > start
        if is_scheme and points[at] == 0x3A:
            is_host = (
                at - start >= 2
                and at + 2 < end
                and (points[at + 1] == _SLASH and points[at + 2] == _SLASH)
            )
            is_scheme = False
            if is_host:
                at += 2
        is_scheme = is_scheme and (
            kinds[at] & (_ALPHA | DIGIT) != 0 or points[at] in (0x5F, _PLUS, _HYPHEN, _STOP)
        )
        if is_host and _is_host(points, kinds, at + 1, end):
            return True
        at += 1
    return False


@kernel(types.boolean(_POINTS, _PLACES, types.int64, _KEYS), inlined=True)
def _has_special_sequence(
    points: NDArray[np.int64], is_begin: NDArray[np.int64], size: int, known: NDArray[np.uint64]
) -> bool:
    """Tell whether neighbours are the tokens of a special case, apart from two that it makes one.

    Those are joined, where neither is part of another case, too.
    """
    first = 0
    joins = False
    while first < size - 1:
        key = (_START ^ np.uint64(_SEQUENCE)) * _FACTOR
        pair = (_START ^ np.uint64(_PAIR)) * _FACTOR
        joined = (_START ^ np.uint64(_JOINED)) * _FACTOR
        at, parts, following = first, 0, size
        while at < size and parts < _LONGEST_SEQUENCE:
            after = at + 1
            while after < size and not is_begin[after]:
                after += 1
            if parts == 0:
                following = after
            else:
                key *= _FACTOR  # a NUL
            if after - at > _LONGEST_CASE or following == size:
                break
            key = _hash(key, points, at, after)
            if parts < 2:
                pair = _hash(pair * _FACTOR if parts else pair, points, at, after)
                joined = _hash(joined * _FACTOR if parts else joined, points, at, after)
            parts += 1
            at = after
            if parts == 2:
                if not _holds(known, pair):
                    break
                if _holds(known, joined):
                    if is_begin[first] == _IS_JOINED:
                        return True
                    is_begin[following] = _IS_JOINED
                    joins = True
            if parts > 1 and _holds(known, key):
                return True
        first = following
    if joins:
        for i in range(size):
            is_begin[i] &= 1
    return False


_CUT_ONE = types.boolean(_POINTS, _POINTS, types.int64, _KEYS, _PLACES)


@kernel(_CUT_ONE, inlined=True)
def _cut(
    points: NDArray[np.int64],
    kinds: NDArray[np.int64],
    size: int,
    known: NDArray[np.uint64],
    is_begin: NDArray[np.int64],
) -> bool:
    """Mark the characters that tokens begin with; return whether it is certain."""
    start, end = 0, size
    while start < end:
        if _is_special(points, start, end, known):
            return False
        after = start + _prefix_size(points, kinds, start, end)
        if after > start and _is_special(points, after, end, known):
            return False
        suffix = _suffix_size(points, kinds, after, end, known) if after < end else 0
        if suffix < 0 or (suffix and _is_special(points, start, end - suffix, known)):
            return False
        if after == start and not suffix:
            break
        is_begin[start] = 1
        start, end = after, end - suffix
        if suffix:
            is_begin[end] = 1
    if start < end:
        is_begin[start] = 1
        marks = stops = all_kinds = 0
        is_ascii = True  # other characters can be part of an address
        for i in range(start, end):
            stops += points[i] == _STOP
            if not kinds[i] & (_ALPHA | DIGIT | WORD):
                marks += 1
            if points[i] != _STOP:
                all_kinds |= kinds[i]
            is_ascii = is_ascii and points[i] < 0x80
        if marks and (all_kinds & WORD or (stops and not is_ascii)):
            return False
        is_url = stops > 0 and all_kinds & ~_NUMBER != 0 and _is_url(points, kinds, start, end)
        at = end if is_url or not marks else start
        while at < end:
            infix = _infix_size(points, kinds, at, start, end)
            if infix and at > start:
                is_begin[at] = 1
                if at + infix < end:
                    is_begin[at + infix] = 1
            at += max(infix, 1)
    return not _has_special_sequence(points, is_begin, size, known)


_CUT_ALL = types.int64(BYTES, _PLACES, _CLASSES, _KEYS, _MASK, _PLACES)


@kernel(_CUT_ALL)
def cut_chunks(
    store: NDArray[np.uint8],
    places: NDArray[np.int64],
    classes: NDArray[np.uint16],
    known: NDArray[np.uint64],
    begins: NDArray[np.bool_],
    unsure: NDArray[np.int64],
) -> int:
    """Mark the bytes that tokens begin with; return how many chunks are unsure.

    Chunk i is store[places[i]:places[i + 1]]. Nothing is marked in an unsure chunk, but its number
    is written to `unsure`.
    """
    points, kinds = np.zeros(_MOST, np.int64), np.zeros(_MOST, np.int64)
    at_byte, is_begin = np.zeros(_MOST, np.int64), np.zeros(_MOST, np.int64)
    left = 0
    for chunk in range(places.size - 1):
        at, end = places[chunk], places[chunk + 1]
        size = 0
        is_sure = end - at <= _MOST
        while is_sure and at < end:
            point, length = decode(store, at, end)
            points[size], kinds[size], at_byte[size] = point, classes[point], at
            is_begin[size] = 0
            is_sure = kinds[size] != 0
            at += length
            size += 1
        if is_sure and _cut(points, kinds, size, known, is_begin):
            for i in range(size):
                if is_begin[i]:
                    begins[at_byte[i]] = True
        else:
            unsure[left] = chunk
            left += 1
    return left
