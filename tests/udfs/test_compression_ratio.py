import random

import pyarrow as pa
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.udfs.compression_ratio import compression_ratio


def ratio(text):
    return compression_ratio(pa.array([text], pa.string()))[0].as_py()


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
@settings(deadline=None)
def test_it_is_the_share_of_a_frame_compressed_alone(texts):
    assert compression_ratio(pa.array(texts, pa.string())).to_pylist() == [
        len(zstd.compress(text.encode(), 3)) / len(text.encode()) if text else None
        for text in texts
    ]


def test_repetition_compresses_and_noise_does_not():
    noise = "".join(random.Random(7).choices("0123456789abcdef", k=100_000))
    assert ratio("again and again " * 10_000) < 0.01
    assert 0.5 < ratio(noise) < 0.6  # four bits of eight
    assert ratio(noise + noise) < 0.3  # further apart than zlib sees


def test_a_slice_stays_a_slice_and_any_bytes_do():
    column = pa.array(["a" * 1000, None, "b"], pa.large_string()).slice(1)
    assert compression_ratio(column).to_pylist() == [None, ratio("b")]
    raw = pa.array([b"\xff" * 1000], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 1, raw.buffers())
    assert compression_ratio(broken)[0].as_py() < 0.1
    assert len(compression_ratio(pa.array([], pa.string()))) == 0
    with pytest.raises(TypeError, match="expected a STRING column"):
        compression_ratio(pa.array([1]))
