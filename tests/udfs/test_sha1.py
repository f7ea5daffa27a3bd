"""SHA-1 of many strings at once is SHA-1."""

import numpy as np
import pytest
from datasketch.hashfunc import sha1_hash32, sha1_hash64
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.sha1 import SLACK, big_endian_words
from winnow.udfs.sha1 import sha1_hash64 as kernel


def hashes(strings: list[bytes]) -> list[int]:
    data = np.frombuffer(b"".join(strings) + b"\xff\xff\xff", np.uint8).copy()
    text = np.empty(data.size + SLACK, np.uint32)
    big_endian_words(data, data.size - 3, text)
    ends = np.cumsum([len(string) for string in strings], dtype=np.int64)
    starts = ends - [len(string) for string in strings]
    found = np.empty(len(strings), np.uint64)
    kernel(text, starts, ends, len(strings), found)
    return [int(value) for value in found]


@pytest.mark.parametrize("size", [*range(10), 54, 55, 56, 57, 59, 60, 63, 64, 65, 119, 120, 1000])
def test_strings_of_every_length_around_a_block_have_the_hash_of_hashlib(size):
    string = bytes(i % 256 for i in range(size))
    [found] = hashes([string])
    assert found == sha1_hash64(string)
    assert found & 0xFFFFFFFF == sha1_hash32(string)


@given(st.lists(st.binary(max_size=200), min_size=1, max_size=150))
@settings(deadline=None)
def test_long_and_short_strings_side_by_side_do_not_disturb_each_other(strings):
    assert hashes(strings) == [sha1_hash64(string) for string in strings]
