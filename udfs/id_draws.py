"""Numbers as if drawn at random for each id: the same in every run, whatever stands beside it."""

from math import log

import pyarrow as pa

from winnow.udfs.buffers import check_strings
from winnow.udfs.hashing import unit_of
from winnow.udfs.registry import column_function


@column_function(returns="DOUBLE", version=1)
def id_uniform(id: pa.Array, seed: int = 0) -> pa.Array:
    """Draw a number from 0 up to 1 for each id, to sample by: `id_uniform(id) < 0.1`.

    Shape: STRING -> DOUBLE; null gives null.
    Units: evenly distributed, 1 excluded. Another `seed` gives numbers that have nothing to do
        with these. A smaller share is part of a larger one.
    Errors: TypeError if the column is not STRING.
    Source: the first 53 bits of BLAKE2b-64 over the seed, a space and the id.
    """
    check_strings(id)
    drawn = (None if each is None else unit_of(f"{seed} {each}") for each in id.to_pylist())
    return pa.array(drawn, pa.float64())


@column_function(returns="DOUBLE", version=1)
def id_gumbel(id: pa.Array, seed: int = 0) -> pa.Array:
    """Draw Gumbel noise for each id: the best k of score / temperature + noise are a sample.

    It is one without replacement, in which each next document comes with a probability that is
    proportional to exp(score / temperature): a high temperature is a random sample, a low one the
    best scores.

    Shape: STRING -> DOUBLE; null gives null.
    Units: standard Gumbel, -ln(-ln(u)) of id_uniform's u (taken in the middle of its step).
    Errors: TypeError if the column is not STRING.
    Source: Gumbel top-k (Kool, van Hoof and Welling 2019, arXiv:1903.06059, section 2), as QuRating
        samples by quality (Wettig et al. 2024, arXiv:2402.09739, section 3.2). Differs: the noise
        is a hash of the id, so that the sample can be drawn again.
    """
    check_strings(id)
    drawn = (
        None if each is None else -log(-log(unit_of(f"{seed} {each}") + 2**-54))
        for each in id.to_pylist()
    )
    return pa.array(drawn, pa.float64())
