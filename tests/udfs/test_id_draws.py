"""Draws by id: evenly distributed, and the same for the same id."""

import math

import pyarrow as pa
import pytest

from winnow.udfs.id_draws import id_gumbel, id_uniform

IDS = pa.array([f"document {i}" for i in range(4000)])


def test_draws_are_spread_evenly_and_do_not_depend_on_neighbours():
    drawn = id_uniform(IDS).to_pylist()
    assert drawn[7:9] == id_uniform(IDS[7:9]).to_pylist()
    assert all(0 <= each < 1 for each in drawn)
    for tenth in range(10):
        assert 340 < sum(int(each * 10) == tenth for each in drawn) < 460
    other = id_uniform(IDS, seed=1).to_pylist()
    both = sum(a < 0.5 and b < 0.5 for a, b in zip(drawn, other, strict=True))
    assert 900 < both < 1100


def test_gumbel_noise_samples_in_proportion_to_the_exponent_of_the_score():
    noise = id_gumbel(IDS).to_pylist()
    assert noise[0] == pytest.approx(-math.log(-math.log(id_uniform(IDS)[0].as_py())))
    mean = sum(noise) / len(noise)
    assert mean == pytest.approx(0.5772, abs=0.06)  # Euler's constant
    # Of one document in two with score ln 3, the best one by score + noise is that one in 3 of 4.
    wins = sum(noise[i] + math.log(3) > noise[i + 1] for i in range(0, 4000, 2))
    assert wins / 2000 == pytest.approx(0.75, abs=0.03)


def test_null_gives_null_and_another_type_is_an_error():
    for draw in (id_uniform, id_gumbel):
        assert draw(pa.array([None, "a"]))[0].as_py() is None
        with pytest.raises(TypeError, match="expected a STRING column"):
            draw(pa.array([1]))
