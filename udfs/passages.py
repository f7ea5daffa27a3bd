"""Passages: parts of a text of about one length, cut where a paragraph or a sentence ends."""

import numpy as np
import pyarrow as pa
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES, OFFSETS, strings, utf8
from winnow.udfs.decoding import count_chars
from winnow.udfs.kernels import kernel
from winnow.udfs.registry import column_function

TOKEN_BYTES = 4  # of English in UTF-8, about what byte-pair encodings of 50,000 tokens reach

_NEWLINE, _SPACE, _TAB, _RETURN = ord("\n"), ord(" "), ord("\t"), ord("\r")
_STOP, _EXCLAMATION, _QUESTION = (ord(end) for end in ".!?")
_CUT = types.int64(BYTES, types.int64, types.int64, types.int64)
_PLACES = types.Array(types.int64, 1, "C")


@kernel(types.boolean(types.uint8), inlined=True)
def _is_space(byte: int) -> bool:
    return byte in (_SPACE, _NEWLINE, _TAB, _RETURN)


@kernel(types.boolean(BYTES, types.int64, types.int64), inlined=True)
def _ends_sentence(data: NDArray[np.uint8], start: int, at: int) -> bool:
    """Whether a sentence ends before data[at]: "." and white space, or an ideographic full stop."""
    if at - start >= 3:
        one, two, three = data[at - 3], data[at - 2], data[at - 1]
        if one == 0xE3 and two == 0x80 and three == 0x82:  # U+3002
            return True
        if one == 0xEF and two == 0xBC and (three == 0x81 or three == 0x9F):  # U+FF01, U+FF1F
            return True
    if at - start < 2 or not _is_space(data[at - 1]):
        return False
    last = data[at - 2]
    return last in (_STOP, _EXCLAMATION, _QUESTION)


@kernel(_CUT)
def _cut(data: NDArray[np.uint8], start: int, end: int, size: int) -> int:
    """Return where the passage that begins at `start` ends: after its white space."""
    if end - start <= size + size // 4:
        return end
    last, least = start + size, start + size // 2
    sentence = line = space = 0
    for at in range(last, least, -1):
        before = data[at - 1]
        if before == _NEWLINE:
            if at - 2 >= start and data[at - 2] == _NEWLINE and data[at] != _NEWLINE:
                return at
            line = max(line, at)
        if _is_space(before) and not _is_space(data[at]):
            space = max(space, at)
        if not _is_space(data[at]) and _ends_sentence(data, start, at):
            sentence = max(sentence, at)
    if sentence or line or space:
        return sentence or line or space
    while last > least and data[last] & 0xC0 == 0x80:  # a UTF-8 continuation byte
        last -= 1
    return last


@kernel(types.int64(BYTES, OFFSETS, types.int64, _PLACES, _PLACES))
def _cut_all(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    size: int,
    ends: NDArray[np.int64],
    first: NDArray[np.int64],
) -> int:
    count = 0
    for row in range(offsets.size - 1):
        first[row] = count
        at = offsets[row]
        while at < offsets[row + 1]:
            at = _cut(data, at, offsets[row + 1], size)
            ends[count] = at
            count += 1
    first[offsets.size - 1] = count
    return count


@kernel(types.void(BYTES, *(_PLACES,) * 5))
def _measure(
    data: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    first: NDArray[np.int64],
    position: NDArray[np.int64],
    start: NDArray[np.int64],
    characters: NDArray[np.int64],
) -> None:
    """Number the passages of each row and count code points; i is data[bounds[i]:bounds[i + 1]]."""
    for row in range(first.size - 1):
        place = 0
        for i in range(first[row], first[row + 1]):
            position[i], start[i] = i - first[row], place
            place += count_chars(data, bounds[i], bounds[i + 1])
            characters[i] = place - start[i]


_FIELDS = "position: INT, start: BIGINT, characters: BIGINT, bytes: BIGINT, text: STRING"


@column_function(returns=f"ARRAY<STRUCT<{_FIELDS}>>", version=1)
def passages(text: pa.Array, tokens: int = 256) -> pa.Array:
    """Return the passages of each text, about so many tokens each, cut at paragraphs or sentences.

    Shape: STRING -> ARRAY<STRUCT<position INT, start BIGINT, characters BIGINT, bytes BIGINT, text
        STRING>>; null gives null, an empty text no passage. Put together they are the text.
        `id || ':' || position` names a passage as long as its document stays as it is.
    Units: `position` from 0; `start` and `characters` in code points, so that
        `substring(text, start + 1, characters)` is the passage again; a token is taken for
        TOKEN_BYTES bytes of UTF-8. A passage ends in the second half of its size, after the last
        blank line there, else the last sentence, the last line, the last word, else anywhere
        between two code points. The rest of a text is one passage up to 1.25 times the size.
    Errors: ValueError if tokens is below 16; TypeError if the column is not STRING.
    Source: ours; measured in docs/learned_scores.md.
    """
    if tokens < 16:
        raise ValueError(f"a passage has at least 16 tokens, not {tokens}")
    data, offsets = utf8(text.fill_null(""))
    size = tokens * TOKEN_BYTES
    most = int((np.diff(offsets) // (size // 2 - 3) + 1).sum())
    ends, first = np.empty(most, np.int64), np.empty(offsets.size, np.int64)
    count = _cut_all(data, offsets, size, ends, first)
    bounds = np.concatenate([offsets[:1], ends[:count]])
    position, start, characters = np.empty((3, count), np.int64)
    _measure(data, bounds, first, position, start, characters)
    fields = {
        "position": pa.array(position, pa.int32()),
        "start": pa.array(start),
        "characters": pa.array(characters),
        "bytes": pa.array(np.diff(bounds)),
        "text": strings(data, bounds, pa.large_string()),
    }
    rows = pa.StructArray.from_arrays(list(fields.values()), list(fields))
    return pa.LargeListArray.from_arrays(pa.array(first), rows, mask=text.is_null())
