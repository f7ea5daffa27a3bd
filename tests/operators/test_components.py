"""Components are those of a plain search, on the driver and in rounds, however the pairs lie."""

import random

import pytest

from winnow.operators import components as module
from winnow.operators.components import components

COLUMNS = "id_a STRING, id_b STRING, similarity DOUBLE"


def reference(pairs):
    """Name everybody's component by its smallest id: labels go on until nothing changes."""
    smallest = {id: id for pair in pairs for id in pair if None not in pair and pair[0] != pair[1]}
    changed = True
    while changed:
        changed = False
        for a, b in pairs:
            if a in smallest and b in smallest and smallest[a] != smallest[b]:
                smallest[a] = smallest[b] = min(smallest[a], smallest[b])
                changed = True
    return smallest


def found(spark, pairs, partitions=2, **options):
    rows = spark.createDataFrame([(a, b, 0.9) for a, b in pairs], COLUMNS).repartition(partitions)
    result = components(rows, **options).collect()
    assert len({row.id for row in result}) == len(result)
    return {row.id: row.component for row in result}


def random_pairs(nodes, edges, seed):
    numbers = random.Random(seed)
    names = [f"d{numbers.randrange(10**6):06d}é" for _ in range(nodes)]
    return [tuple(sorted(numbers.sample(names, 2))) for _ in range(edges)]


CHAIN = [(f"c{i:03d}", f"c{i + 1:03d}") for i in range(100)]
STAR = [("s", f"s{i}") for i in range(100)]
BYTES = [("z", "é"), ("é", "🌾"), ("Z", "z")]  # whose order decides the name
GRAPH = [
    *random_pairs(300, 200, seed=1),
    *random_pairs(60, 300, seed=2),
    *random.Random(3).sample(CHAIN, len(CHAIN)),
    *STAR,
    *BYTES,
]
EXPECTED = reference(GRAPH)


MORE = [pytest.param(number, marks=pytest.mark.slow) for number in (1, 2, 64)]


@pytest.mark.parametrize("partitions", [8, *MORE])
@pytest.mark.parametrize("driver_pairs", [0, 1_000_000], ids=["rounds", "driver"])
def test_components_are_those_of_a_plain_search(spark, partitions, driver_pairs):
    assert found(spark, GRAPH, partitions, driver_pairs=driver_pairs) == EXPECTED


@pytest.mark.parametrize("driver_pairs", [0, 1_000_000], ids=["rounds", "driver"])
def test_the_order_of_rows_and_of_ids_in_a_pair_changes_nothing(spark, driver_pairs):
    pairs = [(b, a) for a, b in GRAPH[::-1]] + GRAPH[:50]
    assert found(spark, pairs, driver_pairs=driver_pairs) == EXPECTED


@pytest.mark.parametrize("driver_pairs", [0, 1_000_000], ids=["rounds", "driver"])
def test_no_pairs_are_no_components(spark, driver_pairs):
    assert found(spark, [], driver_pairs=driver_pairs) == {}


@pytest.mark.parametrize("driver_pairs", [0, 1_000_000], ids=["rounds", "driver"])
def test_a_pair_with_itself_or_with_nothing_says_nothing(spark, driver_pairs):
    pairs = [("a", "a"), ("b", None), (None, "c"), ("x", "y"), ("x", "y")]
    assert found(spark, pairs, driver_pairs=driver_pairs) == {"x": "x", "y": "x"}


@pytest.mark.parametrize(("driver_pairs", "way"), [(2, "_in_rounds"), (3, "_on_driver")])
def test_the_driver_takes_just_so_many_pairs_and_no_more(spark, monkeypatch, driver_pairs, way):
    monkeypatch.setattr(module, way, lambda pairs: way)
    pairs = spark.createDataFrame([("a", "b", 1.0)] * 3, COLUMNS)
    assert components(pairs, driver_pairs) == way
