"""The shingles of a text, as hashes: what near-duplicates are found and verified by.

A shingle is so many words or characters in a row. Words are what stands between white space, as
they are: case, punctuation and Unicode forms count, and who does not want that gives a text without
them, as in `minhash_bands(lower(text))`. For both kinds a text is its words joined by one space, so
runs of white space never count. A shingle of words is those words joined by one space, in UTF-8:
`" ".join(text.split()[i:i + 5])`; one of characters `" ".join(text.split())[i:i + 5]`.

A text that is shorter than one shingle is one shingle as a whole, so it equals the same text and
no other. A text of white space has none.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.buffers import BYTES
from winnow.udfs.decoding import MAY_BE_SPACE, space_size
from winnow.udfs.kernels import kernel
from winnow.udfs.sha1 import HASHES, POSITIONS, SLACK, WORDS, big_endian_words, sha1_hash64

UNITS = ("word", "char")
MOST_UNITS = 1000  # in a shingle: more are a whole text, and work grows with the product

PIECE = 2048  # units that are read at once, so that they stay in the cache
SPACE = ord(" ")

# What is kept from one piece of a text to the next, in an int64[5].
_AT, _UNITS, _SIZE, _SPACE_SEEN, _HASHED = range(5)

_MUTABLE = types.Array(types.uint8, 1, "C")
_UNIT_READER = types.void(BYTES, types.int64, POSITIONS, _MUTABLE, POSITIONS, POSITIONS)


class Room(NamedTuple):
    """The memory that reading needs, for one text after the other."""

    state: NDArray[np.int64]
    joined: NDArray[np.uint8]
    text: NDArray[np.uint32]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    hashes: NDArray[np.uint64]


ROOM = types.NamedTuple(  # type: ignore[no-untyped-call]
    (POSITIONS, _MUTABLE, WORDS, POSITIONS, POSITIONS, HASHES), Room
)


def room_for(offsets: NDArray[np.int64], size: int) -> Room:
    """Return room to read texts with these offsets in shingles of `size` units.

    Of a long text only so much is touched as a piece of it takes: 20 KB or, if it is larger, one
    shingle.
    """
    longest = int(np.diff(offsets).max(initial=0)) + 4
    units = PIECE + size
    return Room(
        state=np.zeros(5, np.int64),
        joined=np.empty(longest, np.uint8),
        text=np.empty(longest + SLACK, np.uint32),
        starts=np.empty(units + 1, np.int64),
        ends=np.empty(units, np.int64),
        hashes=np.empty(units, np.uint64),
    )


def check_shingle(unit: str, size: int) -> None:
    """Make sure that there are such shingles.

    Raises:
        ValueError: the unit is unknown, or the size is not from 1 to MOST_UNITS.
    """
    if unit not in UNITS:
        raise ValueError(f"unit is 'word' or 'char', not {unit!r}")
    if not 1 <= size <= MOST_UNITS:
        raise ValueError(f"a shingle has 1 to {MOST_UNITS} units, not {size}")


@kernel(_UNIT_READER)
def _read_words(
    data: NDArray[np.uint8],
    end: int,
    state: NDArray[np.int64],
    joined: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> None:
    """Append words until the room is full or the text ends: each is followed by one space.

    A branch a byte would be guessed wrong at the ends of every word: ASCII takes none.
    """
    at, units, size = state[_AT], state[_UNITS], state[_SIZE]
    inside = 0  # whether the byte before belongs to a word
    while at < end and units < ends.size:
        byte = data[at]
        space = int(MAY_BE_SPACE[byte])
        if byte > 0x7F and space:
            width = space_size(data, at, end)
            space = int(width > 0)
            at += max(width - 1, 0)
        starts[units + inside] = size  # stands when a word begins, else it is written again
        ends[units] = size
        units += inside & space
        joined[size] = SPACE if space else byte
        size += (1 - space) | inside
        inside = 1 - space
        at += 1
    if inside:
        ends[units] = size
        units += 1
    state[_AT], state[_UNITS], state[_SIZE] = at, units, size


@kernel(_UNIT_READER)
def _read_characters(
    data: NDArray[np.uint8],
    end: int,
    state: NDArray[np.int64],
    joined: NDArray[np.uint8],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> None:
    at, units, size = state[_AT], state[_UNITS], state[_SIZE]
    while at < end and units < ends.size:
        if MAY_BE_SPACE[data[at]]:
            space = space_size(data, at, end)
            if space > 0:
                state[_SPACE_SEEN] = 1
                at += space
                continue
        starts[units] = size
        if state[_SPACE_SEEN]:
            state[_SPACE_SEEN] = 0
            if size:  # white space at the beginning is no character
                joined[size] = SPACE
                size += 1
                ends[units] = size
                units += 1
                continue
        joined[size] = data[at]
        size += 1
        at += 1
        while at < end and data[at] & 0xC0 == 0x80:  # the rest of the character
            joined[size] = data[at]
            size += 1
            at += 1
        ends[units] = size
        units += 1
    state[_AT], state[_UNITS], state[_SIZE] = at, units, size


@kernel(types.void(types.int64, ROOM))
def begin(start: int, room: Room) -> None:
    """Turn to the text that begins at `start`."""
    room.state[:] = 0
    room.state[_AT] = start


@kernel(types.int64(BYTES, types.int64, types.boolean, types.int64, ROOM))
def next_hashes(
    data: NDArray[np.uint8], end: int, is_char: bool, shingle_size: int, room: Room
) -> int:
    """Write the hashes of the next shingles of the text that ends at `end`; return their number.

    A shingle that comes twice is there twice. 0 says that the text is at its end.
    """
    state, joined, starts, ends = room.state, room.joined, room.starts, room.ends
    if is_char:
        _read_characters(data, end, state, joined, starts, ends)
    else:
        _read_words(data, end, state, joined, starts, ends)
    units, size = state[_UNITS], state[_SIZE]
    length = shingle_size
    if units < length and not state[_HASHED]:
        length = units  # the whole text is shorter than a shingle
    count = units - length + 1 if length else 0
    if count <= 0:
        return 0
    state[_HASHED] = 1
    big_endian_words(joined, size, room.text)
    sha1_hash64(room.text, starts, ends[length - 1 :], count, room.hashes)
    # The last units begin the next piece's first shingles.
    kept = min(shingle_size - 1, units)
    first = units - kept
    begins = starts[first] if kept else size
    for i in range(begins, size):
        joined[i - begins] = joined[i]
    for i in range(kept):
        starts[i], ends[i] = starts[first + i] - begins, ends[first + i] - begins
    state[_UNITS], state[_SIZE] = kept, size - begins
    return count
