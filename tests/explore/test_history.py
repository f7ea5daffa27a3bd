from dataclasses import replace
from pathlib import Path

import pytest

import small_warehouse
from winnow.engine.registry import Registry, published
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.history import show_status, show_versions, status, tables, versions
from winnow.explore.lineage import lineage, show_lineage, show_mermaid
from winnow.explore.query import Query
from winnow.explore.screen import Screen


@pytest.fixture
def catalog(warehouse):
    return Catalog.of(warehouse)


def test_the_last_run_comes_first_with_its_last_state(catalog):
    runs = status(catalog)["runs"]
    assert [(run["run"], run["state"]) for run in runs] == [
        ("r3", "rejected"),
        ("r2", "succeeded"),
        ("r1", "succeeded"),
    ]


def test_states_are_coloured_on_a_terminal_alone(catalog):
    facts = status(catalog)
    assert "\x1b[31mrejected\x1b[0m" in show_status(facts, Screen(colour=True))
    assert "\x1b" not in show_status(facts, Screen())


def test_tables_stand_after_what_they_are_built_from(catalog):
    names = [item["table"] for item in tables(catalog)["tables"]]
    assert names == [
        f"web.{name}"
        for name in ("documents", "filtered", "duplicates", "kept", "curated", "shouted")
    ]


def test_a_table_has_its_counts_and_a_view_has_none(catalog):
    found = {item["table"]: item for item in tables(catalog)["tables"]}
    assert (found["web.filtered"]["rows_kept"], found["web.filtered"]["rows_dropped"]) == (4, 2)
    assert found["web.curated"]["rows_kept"] is None


def test_versions_come_newest_first_with_state_and_reason(catalog):
    found = versions(catalog, "web.filtered")["versions"]
    assert [(item["version"], item["state"], item["reason"]) for item in found] == [
        (3, "rejected", "1 new file"),
        (2, "published", "1 new file"),
        (1, "was published", "first build"),
    ]


def test_an_unknown_table_names_the_closest(catalog):
    with pytest.raises(CommandError, match=r"Did you mean `web\.filtered`"):
        versions(catalog, "web.filterd")
    with pytest.raises(CommandError, match=r"Did you mean `web\.kept`"):
        lineage(catalog, "kept")


def test_a_pipelines_name_in_place_of_a_tables_is_told(catalog):
    with pytest.raises(CommandError, match=r"It is a pipeline; its tables are `web\.curated`, "):
        catalog.current("web")


@pytest.fixture
def rejected(tmp_path):
    """A warehouse in which the first version of `other.scored`, and of `other.filtered`, failed."""
    warehouse = small_warehouse.build(tmp_path / "warehouse")
    registry = Registry(warehouse)
    last = [item for item in registry.versions() if item.table == "web.filtered"][-1]
    for stage in ("scored", "filtered"):
        registry.add_versions([replace(last, pipeline="other", stage=stage, publication=None)])
    return Catalog.of(warehouse)


@pytest.mark.parametrize("name", ["other.scored", "Other.Scored_dropped", "scored"])
def test_a_table_of_which_no_version_was_ever_published_is_told(rejected, name):
    with pytest.raises(CommandError, match=r"`other\.scored` was built and never published"):
        Query(rejected, f"SELECT * FROM {name}")


@pytest.mark.parametrize("name", ["filtered", "web.filtered_new"])
def test_a_published_table_of_such_a_name_comes_before_one_that_is_not(rejected, name):
    with pytest.raises(CommandError, match=r"Did you mean `web\.filtered"):
        Query(rejected, f"SELECT * FROM {name}")


def test_a_rolled_back_table_is_shown_as_held(tmp_path):
    warehouse = small_warehouse.build(tmp_path / "warehouse")
    registry = Registry(warehouse)
    rows = registry.versions()
    first = next(item for item in rows if item.table == "web.filtered" and item.publication)
    now = {**published(rows), "web.filtered": first}
    held = [item.from_row({**item.row(), "held": True}) for item in now.values()]
    registry.publish(held)
    catalog = Catalog.of(warehouse)
    assert {"table": "web.filtered", "version": 1} in status(catalog)["held"]
    assert "held back by a rollback" in show_status(status(catalog), Screen())
    assert "v1       published, held" in show_versions(versions(catalog, "web.filtered"), Screen())


def test_lineage_goes_down_to_the_files(catalog):
    tree = lineage(catalog, "web.kept")["tables"][0]
    duplicates, filtered = tree["inputs"]
    assert (duplicates["table"], filtered["table"]) == ("web.duplicates", "web.filtered")
    assert filtered["inputs"][0]["inputs"] == [{"files": 0, "digest": "f2"}]


def test_what_was_unfolded_once_is_not_unfolded_again(catalog):
    assert show_lineage(lineage(catalog), Screen()).count("files (listing") == 1


def test_the_fate_of_a_document_in_each_version_is_told(catalog):
    found = versions(catalog, "web.filtered", "a3-short")
    assert [item["document"] for item in found["versions"]] == ["dropped", "dropped", "dropped"]
    found = versions(catalog, "web.filtered", "b2-huge")
    assert [item["document"] for item in found["versions"]] == ["dropped", "dropped", "not there"]
    assert "not there" in show_versions(found, Screen())


def test_a_table_has_the_size_of_all_its_versions(catalog):
    found = {item["table"]: item for item in tables(catalog)["tables"]}
    folder = Path(catalog.warehouse.path("web", "filtered"))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert found["web.filtered"]["bytes_with_history"] == size
    assert found["web.curated"]["bytes_with_history"] is None


def test_lineage_of_a_table_says_what_reads_it(catalog):
    found = lineage(catalog, "web.duplicates")
    assert found["read_by"] == ["web.kept", "web.curated", "web.shouted"]
    assert "read by web.kept, web.curated" in show_lineage(found, Screen())


def test_lineage_is_a_mermaid_diagram_too(catalog):
    lines = show_mermaid(lineage(catalog, "web.duplicates"), Screen()).split("\n")
    assert lines == [
        "graph LR",
        '  n0["web.duplicates v1"]',
        '  n1["web.filtered v2"]',
        '  n2["web.documents v2"]',
        '  n3["0 files, f2"]',
        "  n3 --> n2",
        "  n2 --> n1",
        "  n1 --> n0",
    ]
