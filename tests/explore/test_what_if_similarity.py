"""Other similarities from stored pairs keep what runs with them keep."""

import random

import numpy as np
import pytest

from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.screen import Screen
from winnow.explore.what_if_asked import ask
from winnow.explore.what_if_shown import show_what_if
from winnow.explore.what_if_similarity import decided_at, found_ratio
from winnow.operators.local_representatives import decide

TABLE = "deduplicate.near_duplicates"
runs = pytest.mark.slow  # the pipeline `deduplicate`


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("max_copies", [1, 2])
def test_the_decision_is_that_of_the_operator(seed, max_copies):
    """In a random graph, at a threshold that a quarter of its pairs do not reach."""
    numbers = random.Random(seed)
    documents = numbers.randrange(2, 40)
    pairs = {
        tuple(sorted(numbers.sample(range(documents), 2))): numbers.choice([0.6, 0.8, 0.9, 1.0])
        for _ in range(numbers.randrange(1, 120))
    }
    alike = {pair: similarity for pair, similarity in pairs.items() if similarity >= 0.8}
    rows = [("c", document, None, None) for document in range(documents)]
    rows += [("c", later, earlier, alike[earlier, later]) for earlier, later in alike]
    rows.sort(key=lambda row: (row[1], -1 if row[2] is None else row[2]))
    expected = [(row[2], row[3]) for row in decide(rows, max_copies)]

    ordered = sorted((later, earlier) for earlier, later in pairs)
    earlier = np.array([pair[1] for pair in ordered])
    later = np.array([pair[0] for pair in ordered])
    similarity = np.array([pairs[pair[1], pair[0]] for pair in ordered])
    none = np.zeros(documents)
    found = decided_at(0.8, max_copies, documents, earlier, later, similarity, none)
    assert list(zip(found.stays.tolist(), found.similarity.tolist(), strict=True)) == expected


def test_who_is_in_a_finished_corpus_goes_and_decides_about_no_other():
    """0 and 1 are alike, and 1 and 2; the corpus has something like 1."""
    pairs = (np.array([0, 1]), np.array([1, 2]), np.array([0.9, 0.9]))
    reference = np.array([0, 0.8, 0])
    there = decided_at(0.8, 1, 3, *pairs, reference)
    assert (there.kept.tolist(), there.similarity.tolist()) == ([True, False, True], [1, 0.8, 1])
    without = decided_at(0.81, 1, 3, *pairs, reference)
    assert without.stays.tolist() == [0, 0, 2]


def swept(project, values):
    found = ask(Catalog.of(project.warehouse), TABLE, [], f"similarity: {{{values}}}")
    return {one["value"]: one for one in found["values"]}


def really(project, **settings):
    """Build the stage with other parameters; what is published stays."""
    given = {name: str(value) for name, value in settings.items()}
    result = project.run("deduplicate", select=("near_duplicates",), settings=given)
    version = next(stage.version for stage in result.stages if stage.stage == "near_duplicates")
    return project.kept(TABLE, version)


@runs
@pytest.mark.parametrize("similarity", [0.6, 0.9])
def test_another_similarity_keeps_what_a_run_with_it_keeps(duplicates, similarity):
    asked = ask(Catalog.of(duplicates.warehouse), TABLE, [f"similarity: {similarity}"])
    now = duplicates.kept(TABLE, duplicates.published(TABLE).version)
    then = really(duplicates, similarity=similarity)
    assert (asked["kept_now"], asked["kept"]) == (len(now), len(then))
    assert (asked["come_back"], asked["go"]) == (len(then - now), len(now - then))
    assert {one["id"] for one in asked["examples"]["go"]} <= now - then
    assert asked["come_back"] + asked["go"] > 0


@runs
def test_a_sweep_of_similarities_keeps_more_the_higher_it_is(duplicates):
    found = swept(duplicates, "0.5,0.6,0.7,0.8,0.9,0.95,1")
    kept = [one["kept"] for one in found.values()]
    assert kept == sorted(kept)
    assert kept[0] < kept[-1]
    assert [value for value, one in found.items() if one["is_now"]] == ["0.8"]
    assert found["0.8"]["come_back"] == found["0.8"]["go"] == 0


@runs
def test_an_example_that_goes_names_the_one_that_stays_and_how_similar_it_is(duplicates):
    found = ask(Catalog.of(duplicates.warehouse), TABLE, ["similarity: 0.6"])
    for one in found["examples"]["go"]:
        assert 0.6 <= one["values"]["similarity"] < 0.8
        assert one["values"]["stays"] != one["id"]
        assert one["text"]
    assert "kept then" in show_what_if(found, Screen(100))


@runs
def test_a_sweep_says_how_many_pairs_the_bands_can_find(duplicates):
    found = swept(duplicates, "0.6,0.8")
    assert found["0.8"]["pairs_found"] == pytest.approx(0.92, abs=0.01)
    assert "pairs found" in show_what_if(
        ask(Catalog.of(duplicates.warehouse), TABLE, [], "similarity: {0.6,0.8}"), Screen(100)
    )
    assert found_ratio(1.0, {"bands": 14, "rows": 8}) == 1


@runs
@pytest.mark.parametrize("value", ["0.49", "1.1", "high", "nan", ">= 0.9"])
def test_a_similarity_is_a_number_for_which_pairs_are_stored(duplicates, value):
    with pytest.raises(CommandError, match=r"is no number from 0\.5 to 1"):
        ask(Catalog.of(duplicates.warehouse), TABLE, [f"similarity: {value}"])
