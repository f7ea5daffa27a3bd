"""C4's cleaning of a text line by line, as datatrove does it: the lines that stay, and why not."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, strings, utf8
from winnow.udfs.characters import DIGIT, character_classes
from winnow.udfs.decoding import (
    MAY_BE_SPACE,
    count_chars,
    decode,
    find_space,
    line_break_size,
    space_size,
    stripped,
)
from winnow.udfs.kernels import kernel
from winnow.udfs.phrases import beginnings, packed, phrases_at
from winnow.udfs.registry import column_function
from winnow.udfs.token_table import ENDER, INTS, PIECE, PUNCTUATION, WIDE, Tokens, tokenise

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
KEPT_LINES = SIGNALS.index("kept_lines")
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


# What the kernel looks for: lorem ipsum, javascript, the policies; the citations. A bracket is one
# bit more among what a byte can begin, so that one look tells whether anything begins.
_WANTED = (LOREM_IPSUM, JAVASCRIPT, *POLICIES)
_PHRASES, _PHRASE_AT = packed(_WANTED)
_BEGIN = beginnings(_WANTED)
_CURLY_BIT = 1 << len(_WANTED)
_FIRST, _SECOND = _BEGIN[0].copy(), _BEGIN[1] | _CURLY_BIT
_FIRST[_CURLY] = _CURLY_BIT
_CITATIONS, _CITATION_AT = packed(CITATIONS)

_STORE = types.Array(types.uint8, 1, "C")
_MATRIX = types.Array(types.int32, 2, "A")


@kernel(types.int64(BYTES, types.int64, types.int64, BYTES), inlined=True)
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


@kernel(types.int64(BYTES, types.int64, types.int64, _STORE, types.int64), inlined=True)
def _copy(data: NDArray[np.uint8], start: int, end: int, to: NDArray[np.uint8], place: int) -> int:
    """Copy the bytes to a place; return the place after them."""
    for i in range(end - start):
        to[np.uint64(place + i)] = data[np.uint64(start + i)]
    return place + end - start


@kernel(types.boolean(BYTES, types.int64, types.int64), inlined=True)
def _is_long(data: NDArray[np.uint8], start: int, end: int) -> bool:
    """Tell whether a word is too long."""
    return end - start > LONGEST_WORD and count_chars(data, start, end) > LONGEST_WORD


@kernel(types.boolean(_STORE, types.int64, types.int64), inlined=True)
def _is_ended(line: NDArray[np.uint8], start: int, end: int) -> bool:
    """Tell whether the line ends like a sentence."""
    return (
        end > start
        and line[end - 1] in _ENDS
        and not (
            end - start >= 3
            and line[end - 1] == _STOP
            and line[end - 2] == _STOP
            and line[end - 3] == _STOP
        )
    )


_CLEAN = types.int64(
    BYTES, OFFSETS, BYTES, types.boolean, _STORE, *(WIDE,) * 4, _STORE, *(WIDE,) * 2, _MATRIX
)  # fmt: skip


@kernel(_CLEAN)
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
    rewritten: NDArray[np.uint8],
    rewritten_offsets: NDArray[np.int64],
    rewritten_rows: NDArray[np.int64],
    counts: NDArray[np.int32],
) -> int:
    """Write the lines that stay, with "\n" between those of a row; return how many have changed.

    Where a line that stays as it is lies in `data` is written to line_starts and line_ends, those
    of a row from first_line[row] on. A line without its citations is also written to `rewritten`.
    """
    written = unchanged = changed = changed_bytes = 0
    for row in range(offsets.size - 1):
        cleaned_offsets[row], first_line[row] = written, unchanged
        lines = kept = long_word = unended = few_words = javascripts = policies = 0
        lorem_ipsums = curly_brackets = 0
        at, text_end = offsets[row], offsets[row + 1]
        while at < text_end:
            # One pass finds the line's end, its visible part, and its words.
            lines += 1
            first = last = at
            words = 0
            is_long = False
            while at < text_end:
                if data[np.uint64(at)] == _SPACE:
                    at += 1
                    continue
                if MAY_BE_SPACE[data[np.uint64(at)]]:
                    size = line_break_size(data, at, text_end)
                    if size:
                        at += size
                        break
                    size = space_size(data, at, text_end)
                    if size:
                        at += size
                        continue
                word = at
                at = find_space(data, at, text_end)
                first = first if words else word
                words += 1
                last = at
                is_long = is_long or _is_long(data, word, at)
            if is_long:
                long_word += 1
                continue
            if words < FEWEST_WORDS and not ends_matter:
                few_words += 1
                continue
            begin = written + (kept > 0)
            to = begin
            is_changed = False
            start = first
            for i in range(first, last):
                if data[np.uint64(i)] == _OPENING and i >= start:
                    size = _citation_size(data, i, last, classes)
                    if size:
                        is_changed = True
                        to = _copy(data, start, i, cleaned, to)
                        start = i + size
            to = _copy(data, start, last, cleaned, to)
            if ends_matter and not _is_ended(cleaned, begin, to):
                unended += 1
                continue
            if words < FEWEST_WORDS:
                few_words += 1
                continue
            found = 0
            for i in range(begin, to):
                may_be = _FIRST[cleaned[np.uint64(i)]] & _SECOND[cleaned[np.uint64(i + 1)]]
                if may_be:
                    found |= may_be & _CURLY_BIT
                    found |= phrases_at(cleaned, i, to, _PHRASES, _PHRASE_AT, _BEGIN)
            lorem_ipsums += found & 1
            if found & 2:
                javascripts += 1
                continue
            curly_brackets += found & _CURLY_BIT != 0
            if found & (_CURLY_BIT - 1) & ~3:
                policies += 1
                continue
            if kept:
                cleaned[written] = _NEWLINE
            if is_changed:
                rewritten_offsets[changed], rewritten_rows[changed] = changed_bytes, row
                changed_bytes = _copy(cleaned, begin, to, rewritten, changed_bytes)
                changed += 1
            else:
                line_starts[unchanged], line_ends[unchanged] = first, last
                unchanged += 1
            kept += 1
            written = to
        counts[0, row], counts[1, row], counts[2, row] = lines, kept, long_word
        counts[3, row], counts[4, row], counts[5, row] = unended, few_words, javascripts
        counts[6, row], counts[7, row], counts[8, row] = policies, lorem_ipsums, curly_brackets
    cleaned_offsets[offsets.size - 1], first_line[offsets.size - 1] = written, unchanged
    rewritten_offsets[changed] = changed_bytes
    return changed


_SENTENCES = types.void(
    BYTES, *(WIDE,) * 6, *(INTS,) * 2, WIDE, *(INTS,) * 2, types.Array(types.int32, 2, "A")
)  # fmt: skip


@kernel(_SENTENCES)
def _count_sentences(
    data: NDArray[np.uint8],
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
    counts: NDArray[np.int32],
) -> None:
    """Add the tokens and the sentences of some lines to those of their rows."""
    for row in range(first_chunk.size - 1):
        chunk, token = first_chunk[row], first_token[row]
        tokens = sentences = 0
        for line in range(first_line[row], first_line[row + 1]):
            before, end = line_starts[line], line_ends[line]
            while chunk < first_chunk[row + 1] and starts[chunk] < before:  # of a removed line
                token += firsts[chunks[chunk] + 1] - firsts[chunks[chunk]]
                chunk += 1
            begin = token
            found, is_ended, is_first = 1, False, True
            while True:
                is_chunk = chunk < first_chunk[row + 1] and starts[chunk] < end
                to = starts[chunk] if is_chunk else end
                # White space is a token, apart from one space after a chunk.
                gap = to - before
                if gap > 1 or (gap == 1 and (is_first or data[before] != _SPACE)):
                    found += is_ended
                    is_ended = False
                if not is_chunk:
                    break
                after = token + firsts[chunks[chunk] + 1] - firsts[chunks[chunk]]
                for i in range(token, after):
                    known = flags[ids[i]]
                    if known & ENDER:
                        is_ended = True
                    elif is_ended and not known & PUNCTUATION:
                        found += 1
                        is_ended = False
                token = after
                before, is_first = ends[chunk], False
                chunk += 1
            sentences += found
            tokens += token - begin
        counts[0, row] += sentences
        counts[1, row] += tokens


_JOIN = types.void(_STORE, WIDE, types.Array(types.int32, 1, "A"), WIDE, _STORE, WIDE)


@kernel(_JOIN)
def _join(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    kept: NDArray[np.int32],
    first: NDArray[np.int64],
    texts: NDArray[np.uint8],
    text_offsets: NDArray[np.int64],
) -> None:
    """Write of every row its parts with kept lines, "\n" between, no white space at the ends."""
    written = 0
    for row in range(first.size - 1):
        text_offsets[row] = start = written
        is_first = True
        for part in range(first[row], first[row + 1]):
            if kept[part]:
                if not is_first:
                    texts[written] = _NEWLINE
                    written += 1
                is_first = False
                written = _copy(data, offsets[part], offsets[part + 1], texts, written)
        begin, end = stripped(texts, start, written)
        if begin > start:
            _copy(texts, begin, end, texts, start)
        written = start + end - begin
    text_offsets[first.size - 1] = written


class Cleaned(NamedTuple):
    """Rows or parts of rows after cleaning: the i-th is data[offsets[i]:offsets[i + 1]]."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int32]  # SIGNALS and, in a last row, the tokens of the texts


def cleaned(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    found: Tokens,
    filter_no_terminal_punct: bool,
) -> Cleaned:
    """Clean some parts of rows, lines as a whole; `found` are their tokens.

    A line without a citation keeps its tokens, the others are cut again. White space that citations
    leave at the ends of a part stays.
    """
    parts, size = offsets.size - 1, int(offsets[-1] - offsets[0])
    counts = np.zeros((len(SIGNALS) + 1, parts), np.int32)
    lines, changed = np.zeros((2, size + 2), np.uint8)
    line_offsets, first_line = np.empty((2, parts + 1), np.int64)
    most = size // FEWEST_WORDS + 2
    line_starts, line_ends, changed_offsets, changed_parts = np.empty((4, most), np.int64)
    again = _clean(
        data, offsets, _CLASSES, filter_no_terminal_punct,
        lines, line_offsets, line_starts, line_ends, first_line,
        changed, changed_offsets, changed_parts, counts,
    )  # fmt: skip
    sentences = counts[-2:]
    _add_sentences(data, line_starts, line_ends, first_line, found, sentences)
    for part in tokenise(changed, changed_offsets[: again + 1]):
        places = changed_offsets[part.rows.start : part.rows.stop + 1]
        added = np.zeros((2, places.size - 1), np.int32)
        each = np.arange(places.size)
        _add_sentences(changed, places[:-1], places[1:], each, part, added)
        np.add.at(sentences.T, changed_parts[part.rows], added.T)
    return Cleaned(lines[: line_offsets[-1]].copy(), line_offsets, counts)


def _add_sentences(
    data: NDArray[np.uint8],
    line_starts: NDArray[np.int64],
    line_ends: NDArray[np.int64],
    first_line: NDArray[np.int64],
    found: Tokens,
    counts: NDArray[np.int32],
) -> None:
    _count_sentences(
        data, line_starts, line_ends, first_line, found.starts, found.ends, found.first_chunk,
        found.chunks, found.firsts, found.first, found.ids, found.flags, counts,
    )  # fmt: skip


def joined(groups: list[Cleaned], first: NDArray[np.int64]) -> Cleaned:
    """Put rows together from their parts, those of row i from first[i] on, and strip them."""
    sizes = [np.zeros(1, np.int64), *(np.diff(group.offsets) for group in groups)]
    data = np.concatenate([np.zeros(0, np.uint8), *(group.data for group in groups)])
    counts = np.zeros((len(SIGNALS) + 1, int(first[-1])), np.int32)
    np.concatenate([counts[:, :0], *(group.counts for group in groups)], axis=1, out=counts)
    texts = np.empty(data.size + counts.shape[1], np.uint8)
    offsets = np.empty(first.size, np.int64)
    _join(data, np.cumsum(np.concatenate(sizes)), counts[KEPT_LINES], first, texts, offsets)
    sums: NDArray[np.int32] = np.add.reduceat(counts, first[:-1], axis=1, dtype=np.int32)
    return Cleaned(texts[: offsets[-1]], offsets, sums)


def _parts(
    data: NDArray[np.uint8], offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut long rows between lines; return int64[parts + 1] and each row's first part.

    A part has about PIECE bytes, more only where a line has.
    """
    places, parts = [offsets[:1]], np.ones(offsets.size - 1, np.int64)
    for row in range(offsets.size - 1):
        start, end = offsets[row], offsets[row + 1]
        if end - start > PIECE:
            ends = np.flatnonzero(data[start : end - 1] == _NEWLINE) + 1
            _, chosen = np.unique(ends // PIECE, return_index=True)
            places.append(start + ends[chosen])
            parts[row] += chosen.size
        places.append(offsets[row + 1 : row + 2])
    return np.concatenate(places), np.cumsum(np.append(0, parts))


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
    places, first = _parts(data, offsets)
    groups = [
        cleaned(
            data, places[found.rows.start : found.rows.stop + 1], found, filter_no_terminal_punct
        )
        for found in tokenise(data, places)
    ]
    rows = joined(groups, first)
    columns = [strings(rows.data, rows.offsets, text.type), *map(pa.array, rows.counts[:-1])]
    return pa.StructArray.from_arrays(columns, ("text", *SIGNALS), mask=text.is_null())
