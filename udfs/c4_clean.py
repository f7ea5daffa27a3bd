"""C4's cleaning of a text line by line, as datatrove does it: the lines that stay, and why not."""

import numpy as np
import pyarrow as pa
from numba import njit, types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, strings, utf8
from winnow.udfs.characters import DIGIT, character_classes
from winnow.udfs.decoding import MAY_BE_SPACE, decode, line_break_size, space_size
from winnow.udfs.phrases import beginnings, packed, phrases_at
from winnow.udfs.registry import column_function
from winnow.udfs.token_table import ENDER, INTS, PUNCTUATION, WIDE, tokenise

SIGNALS = (
    "all_lines",
    "kept_lines",
    "long_word_lines",
    "unended_lines",
    "few_words_lines",
    "javascript_lines",
    "policy_lines",
    "lorem_ipsum_lines",
    "curly_bracket_lines",
    "sentences",
)
DDL = "STRUCT<text STRING, " + ", ".join(f"{name} INT" for name in SIGNALS) + ">"

LONGEST_WORD = 1000  # code points
FEWEST_WORDS = 3
LOREM_IPSUM, JAVASCRIPT = b"lorem ipsum", b"javascript"
POLICIES = (
    b"terms of use",
    b"privacy policy",
    b"cookie policy",
    b"uses cookies",
    b"use of cookies",
    b"use cookies",
)
CITATIONS = (b"[edit]", b"[citation needed]")

_CLASSES = character_classes()
_NEWLINE, _SPACE, _OPENING, _CLOSING, _CURLY, _STOP = (ord(character) for character in "\n []{.")
_ENDS = tuple(ord(character) for character in ".?!\"'")


# What the kernel looks for: lorem ipsum, javascript, the policies; the citations.
_WANTED = (LOREM_IPSUM, JAVASCRIPT, *POLICIES)
_PHRASES, _PHRASE_AT = packed(_WANTED)
_BEGIN = beginnings(_WANTED)
_CITATIONS, _CITATION_AT = packed(CITATIONS)

_STORE = types.Array(types.uint8, 1, "C")
_MATRIX = types.Array(types.int32, 2, "A")


@njit(types.int64(BYTES, types.int64, types.int64, BYTES), cache=True, nogil=True)
def _citation_size(data: NDArray[np.uint8], at: int, end: int, classes: NDArray[np.uint8]) -> int:
    """Return the bytes of the citation that begins at this bracket, 0 where none does."""
    for item in range(_CITATION_AT.size - 1):
        first, size = _CITATION_AT[item], _CITATION_AT[item + 1] - _CITATION_AT[item]
        if at + size <= end:
            i = 0
            while i < size and data[at + i] == _CITATIONS[first + i]:
                i += 1
            if i == size:
                return int(size)
    place = at + 1
    while place < end:
        if data[place] == _CLOSING:
            return place + 1 - at
        point, size = decode(data, place, end)
        if not classes[point] & DIGIT:
            return 0
        place += size
    return 0


_CLEAN = types.int64(BYTES, OFFSETS, BYTES, types.boolean, _STORE, WIDE, WIDE, WIDE, WIDE, _MATRIX)


@njit(_CLEAN, cache=True, nogil=True)
def _clean(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    classes: NDArray[np.uint8],
    ends_matter: bool,
    cleaned: NDArray[np.uint8],
    cleaned_offsets: NDArray[np.int64],
    line_starts: NDArray[np.int64],
    line_ends: NDArray[np.int64],
    first_line: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> int:
    """Write the lines that stay, with "\\n" between those of a row; return their number."""
    written = kept_in_all = 0
    for row in range(offsets.size - 1):
        cleaned_offsets[row], first_line[row] = written, kept_in_all
        lines = kept = long_word = unended = few_words = javascripts = policies = 0
        lorem_ipsums = curly_brackets = 0
        start, text_end = offsets[row], offsets[row + 1]
        while start < text_end:
            # One pass finds the line's end, its visible part, and its words.
            lines += 1
            first = last = at = start
            words = chars = longest = size = 0
            while at < text_end:
                size = 0
                if MAY_BE_SPACE[data[at]]:
                    size = line_break_size(data, at, text_end)
                    if size:
                        break
                    size = space_size(data, at, text_end)
                    if size:
                        chars = 0
                        at += size
                        size = 0
                        continue
                if not chars:
                    if not words:
                        first = at
                    words += 1
                chars += data[at] & 0xC0 != 0x80
                longest = max(longest, chars)
                at += 1
                last = at
            start = at + size
            if longest > LONGEST_WORD:
                long_word += 1
                continue
            if words < FEWEST_WORDS and not ends_matter:
                few_words += 1
                continue
            begin = written + (kept > 0)
            to = begin
            at = first
            while at < last:
                if data[at] == _OPENING:
                    size = _citation_size(data, at, last, classes)
                    if size:
                        at += size
                        continue
                cleaned[to] = data[at]
                to += 1
                at += 1
            if ends_matter and (
                to == begin
                or cleaned[to - 1] not in _ENDS
                or (
                    to - begin >= 3
                    and cleaned[to - 1] == _STOP
                    and cleaned[to - 2] == _STOP
                    and cleaned[to - 3] == _STOP
                )
            ):
                unended += 1
                continue
            if words < FEWEST_WORDS:
                few_words += 1
                continue
            lorem_ipsum = javascript = curly_bracket = policy = False
            for at in range(begin, to):
                if cleaned[at] == _CURLY:
                    curly_bracket = True
                elif at + 1 < to and _BEGIN[0, cleaned[at]] & _BEGIN[1, cleaned[at + 1]]:
                    found = phrases_at(cleaned, at, to, _PHRASES, _PHRASE_AT, _BEGIN)
                    lorem_ipsum = lorem_ipsum or found & 1 != 0
                    javascript = javascript or found & 2 != 0
                    policy = policy or found > 3
            lorem_ipsums += lorem_ipsum
            if javascript:
                javascripts += 1
                continue
            curly_brackets += curly_bracket
            if policy:
                policies += 1
                continue
            if kept:
                cleaned[written] = _NEWLINE
            line_starts[kept_in_all], line_ends[kept_in_all] = begin, to
            kept += 1
            kept_in_all += 1
            written = to
        counts[0, row], counts[1, row], counts[2, row] = lines, kept, long_word
        counts[3, row], counts[4, row], counts[5, row] = unended, few_words, javascripts
        counts[6, row], counts[7, row], counts[8, row] = policies, lorem_ipsums, curly_brackets
    cleaned_offsets[offsets.size - 1], first_line[offsets.size - 1] = written, kept_in_all
    return kept_in_all


_SENTENCES = types.void(
    _STORE, WIDE, WIDE, WIDE, WIDE, WIDE, WIDE, INTS, INTS, WIDE, INTS, INTS,
    types.Array(types.int32, 1, "A"),
)  # fmt: skip


@njit(_SENTENCES, cache=True, nogil=True)
def _count_sentences(
    cleaned: NDArray[np.uint8],
    line_starts: NDArray[np.int64],
    line_ends: NDArray[np.int64],
    first_line: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    first_chunk: NDArray[np.int64],
    chunks: NDArray[np.int32],
    firsts: NDArray[np.int32],
    first_token: NDArray[np.int64],
    ids: NDArray[np.int32],
    flags: NDArray[np.int32],
    sentences: NDArray[np.int32],
) -> None:
    for row in range(first_chunk.size - 1):
        chunk, token = first_chunk[row], first_token[row]
        total = 0
        for line in range(first_line[row], first_line[row + 1]):
            found, is_ended, is_first = 1, False, True
            before, end = line_starts[line], line_ends[line]
            while True:
                is_chunk = chunk < first_chunk[row + 1] and starts[chunk] < end
                to = starts[chunk] if is_chunk else end
                # White space is a token, apart from one space after a chunk.
                gap = to - before
                if gap > 1 or (gap == 1 and (is_first or cleaned[before] != _SPACE)):
                    found += is_ended
                    is_ended = False
                if not is_chunk:
                    break
                for i in range(token, token + firsts[chunks[chunk] + 1] - firsts[chunks[chunk]]):
                    known = flags[ids[i]]
                    if known & ENDER:
                        is_ended = True
                    elif is_ended and not known & PUNCTUATION:
                        found += 1
                        is_ended = False
                token += firsts[chunks[chunk] + 1] - firsts[chunks[chunk]]
                before, is_first = ends[chunk], False
                chunk += 1
            total += found
        sentences[row] = total


@njit(types.void(_STORE, WIDE, _STORE, WIDE), cache=True, nogil=True)
def _strip(
    cleaned: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    stripped: NDArray[np.uint8],
    stripped_offsets: NDArray[np.int64],
) -> None:
    """Copy every row without the white space at its ends."""
    written = 0
    for row in range(offsets.size - 1):
        stripped_offsets[row] = written
        at, end = offsets[row], offsets[row + 1]
        last = written
        while at < end:
            size = space_size(cleaned, at, end) if MAY_BE_SPACE[cleaned[at]] else 0
            if size and written == stripped_offsets[row]:
                at += size
                continue
            for i in range(max(size, 1)):
                stripped[written + i] = cleaned[at + i]
            written += max(size, 1)
            at += max(size, 1)
            if not size:
                last = written
        written = last
    stripped_offsets[offsets.size - 1] = written


@column_function(returns=DDL, version=1, assets=("english_tokens.json",))
def c4_clean(text: pa.Array, filter_no_terminal_punct: bool = True) -> pa.Array:
    r"""Rewrite a text to the lines that C4 keeps, and count the others by what removed them.

    Shape: STRING -> STRUCT<text STRING, all_lines INT, ..., sentences INT>, the fields of SIGNALS
        in order; null gives null, an empty text an empty text and zeros.
    Units: all_lines, as `str.splitlines` cuts them; the first that holds of a line removes it:
        long_word_lines have a word of over 1,000 code points; unended_lines do not end with one of
        . ? ! " ' or end with "..." (only where filter_no_terminal_punct); few_words_lines have
        less than 3 words; javascript_lines name javascript, policy_lines one of POLICIES, in any
        case. Words stand between white space and are counted before citations go: [1], [edit],
        [citation needed].
        lorem_ipsum_lines and curly_bracket_lines are not removed: datatrove drops the document at
        the first. Removed lines are not among them, but for lorem ipsum beside javascript.
        sentences: those of the kept lines, as spaCy's sentencizer cuts each.
        text: the kept lines with "\n" between them, without white space at both ends.
    Errors: TypeError if the column is not STRING. No text is an error.
    Source: C4 (Raffel et al. 2019, arXiv:1910.10683, section 2.2), as in datatrove 0.10.1
        c4_filters.py with spaCy 3.8.18; false as in its examples/fineweb.py. Differs: the text is
        rewritten also where datatrove drops the document; as in `datatrove_quality`, a chunk's
        tokens do not depend on its neighbours.
    """
    data, offsets = utf8(text)
    rows, size = len(text), int(offsets[-1] - offsets[0])
    counts = np.zeros((len(SIGNALS), rows), np.int32)
    cleaned = np.empty(size + 1, np.uint8)
    cleaned_offsets, first_line = np.empty((2, rows + 1), np.int64)
    line_starts, line_ends = np.empty((2, size // FEWEST_WORDS + 1), np.int64)
    _clean(
        data, offsets, _CLASSES, filter_no_terminal_punct,
        cleaned, cleaned_offsets, line_starts, line_ends, first_line, counts,
    )  # fmt: skip
    for found in tokenise(cleaned, cleaned_offsets):
        _count_sentences(
            cleaned, line_starts, line_ends, first_line[found.rows.start : found.rows.stop + 1],
            found.starts, found.ends, found.first_chunk, found.chunks, found.firsts,
            found.first, found.ids, found.flags, counts[-1, found.rows],
        )  # fmt: skip
    stripped, stripped_offsets = np.empty(size + 1, np.uint8), np.empty(rows + 1, np.int64)
    _strip(cleaned, cleaned_offsets, stripped, stripped_offsets)
    columns = [strings(stripped, stripped_offsets, text.type), *map(pa.array, counts)]
    return pa.StructArray.from_arrays(columns, ("text", *SIGNALS), mask=text.is_null())
