import pytest

from winnow.explore.catalog import Catalog
from winnow.explore.life import explain
from winnow.explore.life_shown import show_life
from winnow.explore.screen import Screen

pytestmark = pytest.mark.slow  # the pipeline `deduplicate` runs


@pytest.fixture
def dropped(duplicates):
    """The row of a near-duplicate that goes."""
    number = duplicates.published("deduplicate.near_duplicates").version
    path = duplicates.warehouse.path("deduplicate", "near_duplicates")
    rows = duplicates.spark.read.format("delta").option("versionAsOf", number).load(path)
    return rows.where("_dropped").orderBy("id").first()


def life(project, id):
    found = explain(Catalog.of(project.warehouse), id)
    return next(life for life in found["pipelines"] if life["pipeline"] == "deduplicate")


def test_a_document_names_its_near_duplicates_how_similar_and_which_stays(duplicates, dropped):
    found = life(duplicates, dropped.id)
    similar = {one["id"]: one for one in found["similar"]}
    assert similar[dropped.kept_id]["similarity"] == dropped.similarity
    assert similar[dropped.kept_id]["state"] == "kept"
    order = [one["similarity"] for one in found["similar"]]
    assert order == sorted(order, reverse=True)
    back = {one["id"]: one for one in life(duplicates, dropped.kept_id)["similar"]}
    assert back[dropped.id]["state"] == "dropped"


def test_the_page_shows_them(duplicates, dropped):
    text = show_life(explain(Catalog.of(duplicates.warehouse), dropped.id), Screen(120))
    assert f"{dropped.kept_id} stays instead" in text
    assert f"similarity {dropped.similarity:.3f}" in text
    assert f"{dropped.similarity:.3f}  {dropped.kept_id}  stays" in text


def test_an_exact_copy_has_the_near_duplicates_of_the_first_one(duplicates):
    number = duplicates.published("deduplicate.exact").version
    path = duplicates.warehouse.path("deduplicate", "exact")
    rows = duplicates.spark.read.format("delta").option("versionAsOf", number).load(path)
    for copy in rows.where("first_id <> id").orderBy("id").collect():
        first = life(duplicates, copy.first_id)["similar"]
        assert life(duplicates, copy.id)["similar"] == first
        if first:
            return
    pytest.fail("no copy has near-duplicates")
