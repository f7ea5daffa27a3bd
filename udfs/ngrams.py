"""Repeated n-grams for kernels: of numbered items, where each came first and how often.

An n-gram is the pair of the (n-1)-grams at its beginning and one further, and comes twice only
where both do. So each pass looks up pairs of numbers, and from n = 3 on few of them.
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


_COUNT = "UniTuple(int64, 2)(int32[::1], int32[::1], int32[::1], int32[::1], int32[::1], int64)"


@kernel(_COUNT)
def count_pairs(
    items: NDArray[np.int32],
    item_times: NDArray[np.int32],
    firsts: NDArray[np.int32],
    times: NDArray[np.int32],
    seen: NDArray[np.int32],
    size: int,
) -> tuple[int, int]:
    """Number the pairs of neighbours among the first `size` items, at least two.

    firsts[i] becomes the place where the pair at i stands first, times[firsts[i]] how often it
    comes. To number pairs of such pairs give `firsts` and `times` as items and item_times, which is
    empty where nothing is known of the items. `seen` has room for slots_for(size).

    Returns:
        The place and the number of the pair that comes most often, the first of several.
    """
    slots = slots_for(size)
    clear(seen, slots)
    best, most = 0, 1
    for i in range(size - 1):
        one, other = items[i], items[i + 1]
        if item_times.size and (item_times[np.uint64(one)] < 2 or item_times[np.uint64(other)] < 2):
            firsts[i], times[i] = i, 1
            continue
        slot = slot_of(np.uint64(one) << np.uint64(32) | np.uint64(other), slots)
        place = seen[np.uint64(slot)]
        while place >= 0 and (
            items[np.uint64(place)] != one or items[np.uint64(place + 1)] != other
        ):
            slot = (slot + 1) & (slots - 1)
            place = seen[slot]
        if place < 0:
            seen[slot] = i
            firsts[i], times[i] = i, 1
            continue
        firsts[i] = place
        times[place] += 1
        count = times[place]
        if count > most or (count == most and place < best):
            best, most = place, count
    return best, most
