import hashlib
from base64 import b64encode

import pytest
from resiliparse.parse.html import HTMLTree

import small_warehouse
from report_warehouse import HOSTILE_IDS, hostile_warehouse
from winnow.engine.vacuum import vacuum
from winnow.engine.warehouse import Warehouse
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.report import page, report, write


@pytest.fixture(scope="module")
def facts(warehouse):
    return report(Catalog.of(warehouse))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return hostile_warehouse(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def html(hostile):
    return page(report(Catalog.of(hostile)))


@pytest.fixture(scope="module")
def tree(html):
    return HTMLTree.parse(html)


def step(facts, part, stage):
    return next(one for one in facts[part] if one["stage"] == stage)


def test_the_flow_goes_through_the_stages_whose_rows_are_documents(facts):
    flow = [(one["stage"], one["kept"], one["dropped"], one["above"]) for one in facts["flow"]]
    assert flow == [
        ("documents", 6, 1, []),
        ("filtered", 3, 3, ["web.documents"]),
        ("kept", 2, 1, ["web.filtered"]),
        ("curated", 2, 0, ["web.kept"]),
    ]
    assert facts["only_spark_reads"] == ["web.shouted"]


def test_a_stage_without_sizes_takes_them_from_the_documents(hostile):
    flow = report(Catalog.of(hostile))["flow"]
    lengths = {name: len(text or "") for name, text in HOSTILE_IDS.items()}
    assert flow[0]["kept_bytes"] == sum(lengths.values())
    assert flow[1]["kept_bytes"] + flow[1]["dropped_bytes"] == flow[0]["kept_bytes"]


def test_rules_say_what_they_drop_and_with_whom(hostile):
    filtered = step(report(Catalog.of(hostile)), "rules", "filtered")
    together = {(one["rule"], one["also fails"]): one["documents"] for one in filtered["pairs"]}
    assert together == {("word_count", "short_lines"): 1, ("short_lines", "word_count"): 1}
    shares = {one["rule"]: one["share"] for one in filtered["pairs"]}
    assert 0 < shares["word_count"] <= 1


def test_a_histogram_counts_every_finite_value_once_and_marks_the_threshold(facts):
    words = next(
        one for one in step(facts, "signals", "filtered")["histograms"] if one["measure"] == "words"
    )
    assert sum(one["kept"] for one in words["bins"]) == 3
    assert sum(one["dropped"] for one in words["bins"]) == 3
    assert {(one["sign"], one["value"]) for one in words["limits"]} == {("≥", 5), ("≤", 100_000)}
    edges = [one["from"] for one in words["bins"]]
    assert edges == sorted(set(edges))


def test_a_signal_that_is_no_number_in_places_counts_where_it_is_one(facts):
    ratio = next(
        one for one in step(facts, "signals", "filtered")["histograms"] if one["measure"] == "ratio"
    )
    assert sum(one["kept"] + one["dropped"] for one in ratio["bins"]) == 5


def test_the_mixture_holds_what_came_against_what_stays(facts):
    source = next(one for one in facts["mixture"] if one["part"] == "source")
    (wiki,) = source["values"]
    assert (wiki["name"], wiki["before"], wiki["after"]) == ("wiki", 6, 2)


def test_rare_values_of_the_mixture_are_one_row(tmp_path):
    many = {f"d{i:02}": "Some words of a text that is long enough." for i in range(40)}
    place = hostile_warehouse(tmp_path, many, source=lambda name: name)
    source = report(Catalog.of(place))["mixture"][0]
    assert len(source["values"]) == 13
    assert source["values"][-1]["name"] == "28 others"
    assert sum(value["before"] for value in source["values"]) == 40


def test_what_a_cut_moved_is_told_by_dimension_with_rare_values_as_one_row(hostile, facts):
    sources, suffixes = report(Catalog.of(hostile))["shifts"]
    assert (sources["table"], sources["dimension"]) == ("web.shift", "source")
    unknown, gone = sources["values"]
    assert (unknown["name"], unknown["share_before"], unknown["factor"]) == ("unknown", 0.75, 4 / 3)
    assert (gone["documents_before"], gone["documents_after"], gone["factor"]) == (2, 0, 0)
    assert [value["name"] for value in suffixes["values"]][-1] == "3 others"
    assert sum(value["share_before"] for value in suffixes["values"]) == pytest.approx(1)
    assert facts["shifts"] == []


def test_what_a_cut_moved_is_shown_as_text(tree, html):
    assert "What the cut moved, by web.shift" in tree.body.text
    assert "<script>alert('suffix')</script>\\u202e\\x1b[32m" in tree.body.text
    assert "<script>alert('suffix')" not in html


def test_clusters_are_counted_by_size_and_shown_with_their_members(facts):
    kept = step(facts, "duplicates", "kept")
    assert [(one["size"], one["clusters"]) for one in kept["sizes"]] == [("2", 1)]
    assert kept["largest"] == [{"kept_id": "a1-kept", "documents": 2, "others": ["a2-copy"]}]


def test_near_duplicates_that_went_are_shown_beside_what_stays_the_least_alike_first(hostile):
    found = step(report(Catalog.of(hostile)), "duplicates", "unique")
    assert found["largest"] == [{"kept_id": "script", "documents": 2, "others": ["svg"]}]
    assert found["least_alike"] == [{"id": "svg", "kept_id": "script", "similarity": 0.83}]


def test_the_best_and_the_worst_of_a_score_are_kept_documents(hostile):
    (found,) = report(Catalog.of(hostile))["favourites"]
    assert found["score"] == "quality_score"
    assert [row["id"] for row in found["best"]][:2] == ["template", "terminal"]
    assert found["worst"][0] == {"id": "script", "score": 0.0}


def test_samples_of_a_rule_failed_it_and_those_that_passed_by_the_least_did_not(facts):
    filtered = step(facts, "samples", "filtered")
    rule = filtered["rules"][0]
    assert set(rule["failed"]) <= {"a3-short", "b2-huge", "b3-nul"}
    assert rule["passed"]
    assert not set(rule["passed"]) & set(rule["failed"])
    assert filtered["documents"]["a3-short"]["values"]["word_count"] == {"words": 3}


def test_two_reports_about_the_same_versions_are_the_same(warehouse):
    one, other = (page(report(Catalog.of(warehouse))) for _ in range(2))
    assert one == other


def test_the_text_of_a_dropped_document_comes_from_where_it_still_is(facts):
    assert facts["texts"]["a3-short"] == "Too few words."
    assert "b3-nul" not in facts["texts"]


def test_a_text_is_read_up_to_a_bound(facts):
    assert len(facts["texts"]["b2-huge"]) == 20_000


def test_checks_are_told_in_words(facts):
    filtered = next(one for one in facts["checks"] if one["table"] == "web.filtered")
    assert filtered["checks"][0]["what"] == "column id: values to be unique"
    assert [one["version"] for one in facts["rejected"]] == [3]


def test_lineage_unfolds_a_table_once(facts):
    def unfolded(tree):
        below = [name for one in tree.get("inputs", ()) for name in unfolded(one)]
        return [tree["table"], *below] if tree.get("inputs") else below

    tables = [name for tree in facts["lineage"] for name in unfolded(tree)]
    assert "web.documents" in tables
    assert len(tables) == len(set(tables))


def test_the_page_forbids_every_request_and_runs_only_its_own_script(tree, html):
    policy = tree.head.query_selector('meta[http-equiv="Content-Security-Policy"]')
    parts = dict(part.strip().split(" ", 1) for part in policy["content"].split(";"))
    assert parts["default-src"] == "'none'"
    for name in ("script", "style"):
        (own,) = tree.document.get_elements_by_tag_name(name)
        text = html[html.index(f"<{name}>") + len(name) + 2 : html.index(f"</{name}>")]
        digest = b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert parts[f"{name}-src"] == f"'sha256-{digest}'"
        assert own.get_attribute("src") in (None, "")


@pytest.fixture(scope="module")
def elements(tree):
    found = tree.document.query_selector_all("*")
    return [(one.tag, {name: one[name] for name in one.attrs}) for one in found]


def test_nothing_on_the_page_comes_from_elsewhere_or_runs_when_it_is_touched(elements):
    for tag, attributes in elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
        assert not [name for name in attributes if name.startswith("on")]
        assert not {"style", "src", "srcset", "action", "xlink:href"} & set(attributes)
        if tag == "a":
            assert attributes["href"].startswith("#")


def test_hostile_documents_are_text_and_what_steers_is_written_out(tree, html):
    assert not {"\x1b", "\x07", "\u202e", "\x9b", "\x00"} & set(html)
    shown = tree.body.text
    assert "<script>alert(1)</script>" in shown
    assert '<img src=x onerror="alert(2)">' in shown
    assert "javascript:alert(3)" in shown
    assert "\\u202e" in shown
    assert "\\x1b" in shown
    assert "{{ 7 * 7 }}" in shown


def test_ids_are_unique_and_what_is_named_by_one_is_there(elements):
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in elements:
        for name in ("for", "aria-labelledby", "aria-controls", "aria-describedby"):
            assert attributes.get(name, ids[0]) in ids
        assert attributes.get("href", f"#{ids[0]}").removeprefix("#") in ids


def test_the_page_is_small(html):
    assert len(html.encode()) < 5_000_000


def test_a_pipeline_is_named_where_there_are_several_or_it_is_not_there(warehouse, tmp_path):
    with pytest.raises(CommandError, match="did you mean `web`"):
        report(Catalog.of(warehouse), "webs")
    empty = Warehouse.at(str(tmp_path / "empty"))
    empty.create()
    with pytest.raises(CommandError, match="nothing is published"):
        report(Catalog.of(empty))


def test_the_page_of_an_earlier_run_shows_what_it_had_published(warehouse, facts):
    earlier = report(Catalog.of(warehouse), run="r1")
    assert earlier["run"]["run"] == "r1"
    assert {(one["table"], one["version"]) for one in earlier["tables"]} == {
        ("web.documents", 1),
        ("web.filtered", 1),
    }
    assert [(one["stage"], one["kept"], one["dropped"]) for one in earlier["flow"]] == [
        ("documents", 3, 0)
    ]
    assert earlier["is_earlier"]
    assert "What is published now is another version" in page(earlier)
    same = report(Catalog.of(warehouse), run="r2")
    assert same == facts
    assert "What is published now" not in page(same)


def test_a_run_that_cannot_be_shown_is_told_with_those_that_can(warehouse):
    def said(run, pipeline=None):
        with pytest.raises(CommandError) as error:
            report(Catalog.of(warehouse), pipeline, run)
        return str(error.value)

    assert said("r7") == "no run `r7`. The last that can be shown: `r2`, `r1`"
    assert said("r3").startswith("the run `r3` of `web` published nothing (it is rejected). The ")
    assert said("r1", "demo") == "the run `r1` is one of `web`, not of `demo`"


def test_a_run_whose_versions_a_vacuum_deleted_is_told_so(tmp_path):
    place = small_warehouse.build(tmp_path / "warehouse")
    vacuum(place, keep=0, dry_run=False)
    with pytest.raises(CommandError) as error:
        report(Catalog.of(place), run="r1")
    assert str(error.value) == (
        "a vacuum deleted what the run `r1` had published: `web.documents` v1, `web.filtered` v1. "
        "The last that can be shown: `r2`"
    )
    with pytest.raises(CommandError, match=r"no run `r22`\. Did you mean `r2`"):
        report(Catalog.of(place), run="r22")


def test_a_folder_that_is_not_there_is_named(warehouse, tmp_path):
    with pytest.raises(CommandError, match=r"cannot write .*report.html: No such file"):
        write(Catalog.of(warehouse), None, tmp_path / "nowhere" / "report.html")


def test_files_that_are_gone_are_named(tmp_path):
    place = small_warehouse.build(tmp_path / "warehouse")
    for file in (tmp_path / "warehouse" / "web" / "filtered").rglob("*.parquet"):
        file.unlink()
    with pytest.raises(CommandError, match="the report cannot be made"):
        report(Catalog.of(place))
