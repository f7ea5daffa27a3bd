"""Two versions of the demo's tables: a rule changed and a file came in between."""

import json
import shutil

import pytest

from demo_project import DemoProject, corpus
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.differences import diff
from winnow.explore.differences_shown import show_diff
from winnow.explore.screen import Screen


@pytest.fixture(scope="module")
def changed(demo, tmp_path_factory):
    """The demo with word_count from 10 words up, stop_words gone, and ten more documents."""
    folder = tmp_path_factory.mktemp("changed") / "project"
    shutil.copytree(demo.folder, folder)
    made = DemoProject(folder, demo.spark)
    file = made.stage_file("demo", "filtered")
    lines = [line for line in file.read_text().split("\n") if "CONSTRAINT stop_words" not in line]
    file.write_text("\n".join(lines).replace("words BETWEEN 30", "words BETWEEN 10"))
    (folder / "pipelines" / "demo" / "tests" / "filtered.yml").unlink()  # names stop_words
    checks = folder / "pipelines" / "demo" / "checks" / "filtered.yml"
    checks.write_text(checks.read_text().replace("min_value: 30", "min_value: 10"))
    more = [{**record, "id": f"new{i}"} for i, record in enumerate(corpus(10, seed=7))]
    text = "\n".join(json.dumps(record) for record in more)
    (folder / "input" / "second.jsonl").write_text(text)
    assert made.run().exit_code == 0
    return made


def differences(project, table):
    """Compare the two versions of a table that were ever published."""
    catalog = Catalog.of(project.warehouse)
    rows = (item for item in catalog.history(table) if item.publication is not None)
    before, after = sorted({item.version for item in rows})
    return diff(catalog, table, f"v{before}", str(after))


@pytest.fixture(scope="module")
def found(changed):
    return differences(changed, "demo.filtered")


def verdicts(project, version):
    path = project.warehouse.path("demo", "filtered")
    rows = project.spark.read.format("delta").option("versionAsOf", version).load(path)
    found = rows.select("id", "_dropped", "_failed_rules").collect()
    return {row.id: (row["_dropped"], set(row["_failed_rules"])) for row in found}


def test_documents_are_counted_by_what_became_of_them(found, changed):
    before, after = (verdicts(changed, found[name]["version"]) for name in ("before", "after"))
    rows = found["rows"]
    new = after.keys() - before.keys()
    assert len(new) == 10
    assert rows["added_kept"] == sum(not after[id][0] for id in new)
    assert rows["added_dropped"] == sum(after[id][0] for id in new)
    assert rows["came_back"] == sum(before[id][0] and not after[id][0] for id in before)
    assert rows["came_back"] > 0
    assert rows["went"] == rows["removed_kept"] == rows["removed_dropped"] == 0
    assert set(rows["examples"]["added_kept"]) <= new


def test_verdicts_that_changed_are_counted_by_rule(found, changed):
    before, after = (verdicts(changed, found[name]["version"]) for name in ("before", "after"))
    rules = {one["rule"]: one for one in found["rows"]["rules"]}
    assert set(rules) <= {"word_count", "stop_words"}
    mended = [id for id in before if "word_count" in before[id][1] - after[id][1]]
    assert rules["word_count"]["no_longer"] == len(mended) > 0
    assert rules["word_count"]["came_back"] == sum(not after[id][0] for id in mended)
    assert rules["word_count"]["newly"] == 0


def test_the_causes_are_the_rules_and_the_new_file(found):
    rules = {one["name"]: one for one in found["causes"] if one["kind"] == "rule"}
    assert rules["word_count"]["before"] == "words BETWEEN 30 AND 100000  (drop)"
    assert rules["word_count"]["after"] == "words BETWEEN 10 AND 100000  (drop)"
    assert rules["stop_words"]["after"] is None
    assert set(rules) == {"word_count", "stop_words"}
    moved = next(one for one in found["causes"] if one["kind"] == "input")
    assert (moved["name"], moved["rebuilt"]) == ("demo.documents", False)
    assert moved["causes"] == [
        {
            "kind": "files",
            "name": "",
            "before": 1,
            "after": 2,
            "added": ["second.jsonl"],
            "removed": [],
        }
    ]


def test_shares_are_those_of_what_is_kept(found):
    sources = found["rows"]["shares"]["source"]
    assert sum(one["before"] for one in sources) == found["before"]["rows_kept"]
    assert sum(one["after"] for one in sources) == found["after"]["rows_kept"]
    assert sum(one["share_after"] for one in sources) == pytest.approx(1)


def test_it_reads_as_a_page(found):
    text = show_diff(found, Screen(100))
    assert "  - words BETWEEN 30 AND 100000  (drop)\n" in text
    assert "input demo.documents: v" in text
    assert "files: 1 -> 2" in text
    assert "dropped before, kept now" in text
    assert all(len(line) <= 100 for line in text.split("\n"))


def test_a_version_does_not_differ_from_itself(changed):
    catalog = Catalog.of(changed.warehouse)
    number = str(catalog.current("demo.unique").version)
    same = diff(catalog, "demo.unique", number, number)
    assert same["causes"] == []
    assert same["rows"]["rules"] == same["rows"]["values"] == []
    assert "nothing differs" in show_diff(same, Screen())


def test_values_that_changed_are_counted_by_column(changed):
    rows = differences(changed, "demo.unique")["rows"]
    assert rows["added_kept"] > 0
    assert {one["column"] for one in rows["values"]} <= {"kept_id", "copies"}


def test_records_that_could_not_be_read_are_counted_apart(changed):
    """Some of them have the id of a document that was read before."""
    found = differences(changed, "demo.documents")
    rows = found["rows"]
    assert rows["key"] == ["id"]
    assert rows["rejects"] == {"before": 7, "after": 7}
    assert (rows["added_kept"], rows["stayed"], rows["removed_kept"]) == (10, 160, 0)
    assert "records that could not be read: 7 -> 7" in show_diff(found, Screen())


def test_of_a_view_the_causes_alone_are_known(changed):
    found = differences(changed, "demo.curated")
    assert found["rows"] is None
    assert {one["name"] for one in found["causes"]} == {"demo.filtered", "demo.unique"}
    assert "a view stores no rows" in show_diff(found, Screen())


@pytest.mark.parametrize(
    ("table", "versions", "message"),
    [
        ("demo.filterd", ("1", "2"), "Did you mean `demo.filtered`"),
        ("demo.filtered", ("1", "99"), "has no version 99; it has 1"),
        ("demo.filtered", ("first", "1"), "has no version first"),
    ],
)
def test_an_unknown_table_or_version_is_explained(demo, table, versions, message):
    with pytest.raises(CommandError, match=message):
        diff(Catalog.of(demo.warehouse), table, *versions)
