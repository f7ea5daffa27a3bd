"""A kernel is compiled at its first call and for its own signature alone, as by `numba.njit`."""

import numpy as np
import pytest
from numba import njit

from winnow.udfs.kernels import kernel

SIGNATURE = "int64(uint8[::1], int64)"


def halved(data, start):
    return data[start] // 2


def compiled(dispatcher) -> int:
    return len(dispatcher.signatures)


@pytest.fixture
def half():
    return kernel(SIGNATURE)(halved)


def test_nothing_is_compiled_before_the_first_call(half):
    assert compiled(half) == 0
    assert half(np.array([3, 9], np.uint8), 1) == 4
    assert compiled(half) == 1


def test_a_kernel_that_calls_another_compiles_it_for_its_own_signature(half):
    @kernel("int64(uint8[::1])")
    def first(data):
        return half(data, np.int32(0))

    assert first(np.array([200], np.uint8)) == 100
    assert [str(one) for one in half.nopython_signatures] == [
        "(Array(uint8, 1, 'C', False, aligned=True), int64) -> int64"
    ]


@pytest.mark.parametrize("given", [(np.array([9], np.uint8), 0.0), (np.array([9], np.int32), 0)])
def test_other_arguments_are_taken_or_refused_as_by_njit(half, given):
    eager = njit(SIGNATURE)(halved)
    for _ in range(2):  # at the first call, too
        found = []
        for each in (half, eager):
            try:
                found.append(each(*given))
            except TypeError:
                found.append(TypeError)
        assert found[0] == found[1]
    assert compiled(half) == 1
