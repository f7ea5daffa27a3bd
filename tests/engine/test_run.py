"""A run: what it builds, what it reuses, what readers see."""

import pytest

from winnow.engine.run import plan_run as plan
from winnow.engine.run import selected
from winnow.errors import CommandError
from winnow.pipeline.load import load_pipeline


def test_a_first_run_builds_every_stage_and_publishes_all_tables_at_once(project):
    result = project.run()
    assert project.states(result) == dict.fromkeys(
        ("documents", "filtered", "unique", "curated"), "BUILT"
    )
    assert (result.exit_code, result.published) == (0, True)
    assert project.kept("documents") == ["a", "b", "c", "d", "e"]
    assert project.kept("filtered") == ["a", "b"]
    assert project.kept("unique") == ["a"]
    assert len({version.publication for version in project.published().values()}) == 1


def test_a_dropped_row_names_all_rules_that_it_failed_in_file_order(ran):
    verdicts = {row["id"]: row["_failed_rules"] for row in ran.rows("filtered")}
    assert verdicts == {
        "a": [],
        "b": [],
        "c": ["long_enough", "licence_known"],
        "d": ["no_markup", "licence_known"],
        "e": ["long_enough", "no_markup", "licence_known"],
    }


def test_rule_counts_equal_a_plain_count_over_the_verdicts(project, stage_of):
    rules = {rule.rule: rule for rule in stage_of(project.run(), "filtered").rules}
    rows = project.rows("filtered")
    for name, rule in rules.items():
        assert rule.failed == sum(name in row["_failed_rules"] for row in rows)
        assert rule.failed_first == sum(row["_failed_rules"][:1] == [name] for row in rows)
    assert (rules["long_enough"].failed_alone, rules["no_markup"].failed_alone) == (1, 1)
    assert rules["licence_known"].failed_alone == 0


def test_a_condition_that_is_null_counts_as_violated(project):
    project.edit("20_filtered.sql", "licence IS NOT NULL", "licence LIKE 'CC%'")
    project.run()
    failed = [
        row["id"] for row in project.rows("filtered") if "licence_known" in row["_failed_rules"]
    ]
    assert failed == ["c", "d", "e"]


def test_a_dropped_row_does_not_repeat_the_text_of_its_input(ran):
    texts = {row["id"]: row["text"] for row in ran.rows("filtered")}
    assert texts == {"a": "one two three", "b": "one two three", "c": None, "d": None, "e": None}
    assert all(row["text"] for row in ran.rows("documents"))


def test_a_text_that_the_stage_changed_is_kept_on_dropped_rows_too(project):
    project.edit("20_filtered.sql", "arrival, text,", "arrival, lower(text) AS text,")
    project.run()
    assert all(row["text"] for row in project.rows("filtered"))


def test_an_unchanged_run_reuses_every_stage_and_publishes_nothing_new(ran):
    before = ran.published()
    result = ran.run()
    assert set(ran.states(result).values()) == {"REUSED"}
    assert (result.exit_code, ran.published()) == (0, before)


def test_a_plan_of_an_unchanged_pipeline_says_so(ran):
    assert {item.action for item in plan(ran.options())} == {"REUSE"}


def test_a_new_file_costs_only_its_own_documents(ran, stage_of):
    ran.add("two.jsonl", SECOND)
    actions = {item.name: (item.action, item.reason) for item in plan(ran.options())}
    assert actions["documents"] == ("APPEND", "1 new file")
    assert actions["filtered"] == ("APPEND", "new rows in `documents`")
    result = ran.run()
    assert [stage_of(result, name).new_rows for name in ("documents", "filtered")] == [2, 2]
    assert ran.kept("filtered") == ["a", "b", "f", "g"]
    assert ran.kept("unique") == ["a", "g"]


def test_a_batch_added_equals_a_replay_of_everything(ran, tmp_path):
    ran.add("two.jsonl", SECOND)
    ran.run()
    batched = {name: _without_batch(ran.rows(name)) for name in ("filtered", "unique")}
    counted = {name: _counts(ran, name) for name in ("filtered", "unique")}
    ran.run(full_refresh=("filtered",))
    assert {name: _without_batch(ran.rows(name)) for name in batched} == batched
    assert {name: _counts(ran, name) for name in counted} == counted


def test_a_changed_rule_rebuilds_its_stage_and_what_reads_it_but_not_what_it_reads(ran):
    ran.edit("20_filtered.sql", "'%<%'", "'%<b>%'")
    result = ran.run()
    assert ran.states(result) == {
        "documents": "REUSED",
        "filtered": "BUILT",
        "unique": "BUILT",
        "curated": "BUILT",
    }
    assert ran.published()["documents"].version == 1


def test_a_changed_comment_changes_nothing(ran):
    ran.write(
        "20_filtered.sql", "-- said otherwise\n" + (ran.pipeline / "20_filtered.sql").read_text()
    )
    assert set(ran.states(ran.run()).values()) == {"REUSED"}


def test_a_changed_parameter_rebuilds_only_what_uses_it(ran):
    reasons = {item.name: item.reason for item in plan(ran.options(settings={"shortest": "1"}))}
    assert reasons["documents"] == "unchanged"
    assert reasons["filtered"] == "parameter shortest changed"


def test_a_moved_input_folder_is_no_change(ran):
    (ran.folder / "input").rename(ran.folder / "elsewhere")
    moved = {"input": str(ran.folder / "elsewhere")}
    assert {item.action for item in plan(ran.options(settings=moved))} == {"REUSE"}


def test_a_file_that_changed_after_it_was_read_stops_the_run_with_its_name(ran):
    ran.add("one.jsonl", SECOND)
    with pytest.raises(CommandError, match=r"`one.jsonl` changed since `documents` read it"):
        ran.run()
    assert ran.kept("documents") == ["a", "b", "c", "d", "e"]
    ran.run(full_refresh=("documents",))
    assert ran.kept("documents") == ["f", "g"]


def test_a_later_record_with_an_id_that_exists_is_a_reject(project):
    project.add("two.jsonl", ({"id": "a", "text": "not the first a"}, {"id": "h", "text": "x"}))
    project.run()
    rows = {(row["file"], row["id"]): row for row in project.rows("documents")}
    second = rows["two.jsonl", "a"]
    assert (second["reject_reason"], second["_dropped"]) == ("duplicate_id", True)
    assert (second["_failed_rules"], second["text"]) == (["readable"], None)
    assert project.kept("documents") == ["a", "b", "c", "d", "e", "h"]


def test_an_id_of_an_earlier_batch_is_taken(ran):
    ran.add("two.jsonl", ({"id": "a", "text": "not the first a"}, {"id": "h", "text": "x"}))
    ran.run()
    assert ran.kept("documents") == ["a", "b", "c", "d", "e", "h"]
    assert ran.published()["documents"].rows_dropped == 1


def test_a_selected_stage_is_built_with_what_it_needs_and_nothing_else(project):
    result = project.run(select=("filtered",))
    assert list(project.states(result)) == ["documents", "filtered"]
    assert sorted(project.published()) == ["documents", "filtered"]


def test_several_stages_are_selected_with_what_each_needs():
    pipeline = load_pipeline("web")
    names = [stage.name for stage in selected(pipeline, ["bands", "url_lists"])]
    assert names == ["documents", "languages", "url_lists", "filtered", "bands"]
    assert [stage.name for stage in selected(pipeline, ["url_lists"])] == ["url_lists"]
    assert len(selected(pipeline, [])) > 10


def test_a_selected_stage_is_not_published_beside_tables_built_from_its_old_version(ran):
    ran.edit("20_filtered.sql", "'%<%'", "'%<b>%'")
    result = ran.run(select=("filtered",))
    assert not result.published
    assert "`unique` still stands on older versions" in result.messages[-1]
    assert ran.published()["filtered"].version == 1
    assert ran.states(ran.run())["filtered"] == "REUSED"
    assert ran.published()["filtered"].version == 2


def test_an_unknown_selected_stage_is_an_error_that_names_the_stages(project):
    with pytest.raises(CommandError, match="has no stage `filter`; it has documents, filtered"):
        project.run(select=("filter",))


def test_a_limited_run_leaves_the_warehouse_alone(project):
    result = project.run(limit=2)
    assert result.stages[0].rows_in == 2
    assert not project.warehouse.exists()


def test_a_full_refresh_starts_from_the_first_batch_again(ran):
    ran.add("two.jsonl", SECOND)
    ran.run()
    ran.run(full_refresh=())
    assert {row["_batch"] for row in ran.rows("documents")} == {1}
    assert {row["arrival"] for row in ran.rows("documents")} == {1}


SECOND = ({"id": "f", "text": "one two three"}, {"id": "g", "text": "four five six seven"})


def _without_batch(rows):
    return [{key: value for key, value in row.items() if key != "_batch"} for row in rows]


def _counts(project, stage):
    version = project.published()[stage]
    return version.rows_in, version.rows_kept, version.rows_dropped
