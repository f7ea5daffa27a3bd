"""Repeated n-grams for kernels: of numbered items, where they stand and how often.

An n-gram is the pair of the (n-1)-grams at its beginning and one further, and comes twice only
where both do. So each pass looks up pairs of numbers, and only of those that came more than once in
the pass before: few of most texts.
"""

import numpy as np
from numba import types
from numpy.typing import NDArray

from winnow.udfs.kernels import kernel
from winnow.udfs.seen import slot_of, slots_for

NUMBERS = types.Array(types.int32, 1, "C")


@kernel(types.void(NUMBERS, types.int64))
def clear(seen: NDArray[np.int32], slots: int) -> None:
    """Empty the first slots of a table of places; -1 stands for none."""
    for slot in range(slots):
        seen[slot] = -1


_LENGTHEN = "UniTuple(int64, 3)(int32[::1], int32[::1], int64, int32[::1], int32[::1], int32[::1])"


@kernel(_LENGTHEN)
def lengthen(
    places: NDArray[np.int32],
    grams: NDArray[np.int32],
    size: int,
    longer: NDArray[np.int32],
    times: NDArray[np.int32],
    seen: NDArray[np.int32],
) -> tuple[int, int, int]:
    """Make n-grams of (n-1)-grams, and leave those that come more than once.

    The first `size` places, ascending, hold where (n-1)-grams stand and `grams` their numbers;
    afterwards so many as are returned hold that of n-grams, and times[gram] is how often one comes.
    `longer` is room for as many, `seen` for slots_for(size).

    Returns:
        How many are left, the place of the n-gram that comes most often, the first of several, and
        how often it comes: 0 and 1 where none comes again.
    """
    slots = slots_for(size)
    clear(seen, slots)
    best, most = 0, 1
    for k in range(size - 1):
        longer[k] = -1
        if places[k + 1] != places[k] + 1:
            continue
        one, other = grams[k], grams[k + 1]
        slot = slot_of(np.uint64(one) << np.uint64(32) | np.uint64(other), slots)
        gram = seen[np.uint64(slot)]
        while gram >= 0 and (grams[np.uint64(gram)] != one or grams[np.uint64(gram + 1)] != other):
            slot = (slot + 1) & (slots - 1)
            gram = seen[slot]
        if gram < 0:
            seen[slot] = longer[k] = k
            times[k] = 1
            continue
        longer[k] = gram
        times[gram] += 1
        count = times[gram]
        if count > most or (count == most and places[gram] < best):
            best, most = places[gram], count
    left = 0
    for k in range(size - 1):
        gram = longer[k]
        places[left], grams[left] = places[k], gram
        left += gram >= 0 and times[np.uint64(max(gram, 0))] > 1
    return left, best, most
