import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from winnow.udfs.decoding import count_chars, find_space, space_size
from winnow.udfs.eight_bytes import BLOCK, between, count_of, eight_bytes, first_of, may_be_space
from winnow.udfs.seen import count_newlines

ANY_BYTES = st.binary(max_size=3 * BLOCK)
# Bytes at the borders of what is told apart are as many as all others together.
EIGHT = st.lists(st.sampled_from(b"\n !az{\xc2\xe0\xe1\xe3\xe4") | st.integers(0, 255), min_size=8)
SPACES = st.sampled_from("ab \u0085\u2003\u3000\u1680éжक日")
PLACES = st.integers(0, 3 * BLOCK)


def array(data):
    return np.frombuffer(data, np.uint8)


def mask_of(flags):
    return sum(0x80 << 8 * i for i, flag in enumerate(flags) if flag)


@given(EIGHT)
def test_a_mask_has_the_bytes_of_which_it_is_true_and_no_others(some):
    eight = eight_bytes(array(bytes(some)), 0)
    assert eight == int.from_bytes(bytes(some[:8]), "little")
    spaces = [byte <= 0x20 or byte in b"\xc2\xe1\xe2\xe3" for byte in some[:8]]
    letters = [ord("a") <= byte & 0x7F <= ord("z") for byte in some[:8]]
    assert may_be_space(eight) == mask_of(spaces)
    assert between(eight, ord("a"), ord("z")) == mask_of(letters)
    assert count_of(may_be_space(eight)) == sum(spaces)
    assert first_of(may_be_space(eight)) == [*spaces, True].index(True)


@pytest.mark.parametrize("byte", range(8))
def test_the_first_of_a_mask_of_one(byte):
    assert first_of(np.uint64(0x80 << 8 * byte)) == byte


@given(ANY_BYTES, PLACES, PLACES)
def test_counts_are_those_of_each_byte_alone(data, start, end):
    start, end = min(start, len(data)), min(end, len(data))
    part = data[start:end]
    assert count_newlines(array(data), start, end) == part.count(b"\n")
    assert count_chars(array(data), start, end) == sum(byte & 0xC0 != 0x80 for byte in part)


@given(
    st.text(st.sampled_from("ab \u0085\u2003\u3000\u1680éжक日") | st.characters()), PLACES, PLACES
)
def test_the_next_space_is_the_first_one_before_the_end(text, start, end):
    data = array(text.encode("utf-8", "replace"))
    start, end = sorted((min(start, data.size), min(end, data.size)))
    spaces = (at for at in range(start, end) if space_size(data, at, end))
    assert find_space(data, start, end) == next(spaces, end)
