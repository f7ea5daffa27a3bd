import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.history import versions
from winnow.explore.life import _verdict, columns_of, explain
from winnow.explore.life_shown import _rule, show_life
from winnow.explore.lookup import StoredStage
from winnow.explore.query import Query
from winnow.explore.screen import Screen


@pytest.fixture
def catalog(warehouse):
    return Catalog.of(warehouse)


def life(catalog, id):
    return explain(catalog, id)["pipelines"][0]


def test_a_kept_document_is_kept_at_every_stage_that_has_it(catalog):
    found = life(catalog, "a1-kept")
    assert found["kept"]
    assert [stage["table"] for stage in found["stages"]] == [
        "web.documents",
        "web.filtered",
        "web.duplicates",
        "web.kept",
    ]


def test_a_dropped_document_names_the_stage_and_the_rule(catalog):
    found = life(catalog, "a3-short")
    assert (found["dropped_at"], found["dropped_by"]) == ("web.filtered", ["word_count"])


def test_every_rule_has_its_condition_its_verdict_and_the_value_it_saw(catalog):
    filtered = life(catalog, "a3-short")["stages"][1]
    assert [(r["rule"], r["verdict"], r["values"]) for r in filtered["rules"]] == [
        ("word_count", "fail", {"words": 3}),
        ("short_lines", "pass", {"line.short_lines": 1}),
        ("known_source", "pass", {"source": "wiki"}),
    ]
    assert filtered["rules"][0]["condition"] == "words BETWEEN 5 AND 100000"


def test_the_text_of_a_dropped_document_comes_from_the_stage_that_still_has_it(catalog):
    assert life(catalog, "a3-short")["text"] == "Too few words."


def test_a_document_without_text_is_explained(catalog):
    assert life(catalog, "b3-nul")["text"] is None


@pytest.mark.parametrize(
    ("columns", "has_ids"),
    [({"id": ["a"]}, True), ({"id": [1]}, False), ({"name": ["a"]}, False)],
)
def test_only_rows_with_a_string_as_id_are_documents(catalog, columns, has_ids):
    version = catalog.ordered()[0]
    assert StoredStage(version, ds.dataset(pa.table(columns))).has_ids == has_ids


def test_a_copy_names_the_document_that_stays_instead(catalog):
    stages = {stage["table"]: stage for stage in life(catalog, "a2-copy")["stages"]}
    assert stages["web.duplicates"]["kept_id"] == "a1-kept"
    assert stages["web.duplicates"]["others"] == ["a1-kept"]
    assert stages["web.kept"]["state"] == "dropped"
    shown = show_life(explain(catalog, "a2-copy"), Screen(100))
    assert "a1-kept stays instead of 2 copies" in shown


def test_a_reject_tells_its_reason_and_place(catalog):
    found = life(catalog, "reject-1")
    assert found["origin"]["reject_reason"] == "not_json"
    assert (found["origin"]["file"], found["origin"]["position"]) == ("part-2.jsonl.gz", 4096)


def test_a_record_that_repeats_an_id_does_not_stand_for_its_document(demo):
    catalog = Catalog.of(demo.warehouse)
    query = "SELECT id, file, position FROM demo.documents_rejected WHERE reason = 'duplicate_id'"
    reject = next(Query(catalog, query).batches()).to_pylist()[0]
    facts = explain(catalog, reject["id"])
    life = next(life for life in facts["pipelines"] if life["pipeline"] == "demo")
    documents = life["stages"][0]
    assert (documents["state"], documents["rows"]) == ("kept", 1)
    assert {rule["verdict"] for rule in documents["rules"]} == {"pass"}
    place = {"file": reject["file"], "position": reject["position"]}
    assert documents["rejected"] == [{"reject_reason": "duplicate_id"} | place]
    assert life["origin"]["position"] != reject["position"]
    [version] = versions(catalog, "demo.documents", reject["id"])["versions"]
    assert version["document"] == "kept"
    assert f"was rejected: duplicate_id, {reject['file']} at byte" in show_life(facts, Screen(200))


def test_an_id_in_a_record_that_could_not_be_read_leads_to_the_reject(demo):
    catalog = Catalog.of(demo.warehouse)
    query = "SELECT id FROM demo.documents_rejected WHERE snippet LIKE '%cut off%'"
    [reject] = next(Query(catalog, query).batches())["id"].to_pylist()
    with pytest.raises(CommandError, match=rf"hold it: {reject}\. See .*documents_rejected"):
        explain(catalog, "cut off")
    with pytest.raises(CommandError, match="The closest: "):
        explain(catalog, "text")  # the name of a field, not a value


def test_on_a_narrow_screen_the_condition_of_a_failed_rule_stands_below_it(catalog):
    facts = explain(catalog, "a3-short")
    wide, narrow = (show_life(facts, Screen(width)).split("\n") for width in (400, 44))
    [failed] = [line for line in wide if "FAIL" in line]
    rule = next(
        r for s in facts["pipelines"][0]["stages"] for r in s["rules"] if r["verdict"] == "fail"
    )
    assert rule["condition"] in failed
    at = next(i for i, line in enumerate(narrow) if "FAIL" in line)
    assert rule["rule"] in narrow[at]
    assert rule["condition"] not in narrow[at]
    assert rule["condition"] in " ".join(narrow[at + 1 : at + 3])
    assert max(map(len, narrow[at : at + 3])) <= 44


RULE = {"rule": "mean", "condition": "lines = 0 OR try_divide(words, lines) <= :most"}
PATHS, GIVEN = [("words",), ("lines",)], {"most": 9, "least": 1}


def test_a_ratio_and_the_parameters_of_a_condition_are_told():
    row = {"words": 21, "lines": 2, "_failed_rules": ["mean"]}
    found = _verdict(RULE | {"action": "drop"}, PATHS, GIVEN, [row], row)
    assert found["values"] == {"words": 21, "lines": 2}
    assert (found["parameters"], found["ratio"]) == ({"most": 9}, 10.5)
    assert _verdict(RULE | {"action": "drop"}, PATHS, {}, [row], row)["parameters"] == {}


def test_a_verdict_is_told_with_the_values_of_a_row_that_has_it():
    rows = [
        {"words": 2, "lines": 1, "_failed_rules": ["other"]},
        {"words": 30, "lines": 1, "_failed_rules": ["mean"]},
    ]
    found = _verdict(RULE | {"action": "drop"}, PATHS, GIVEN, rows, rows[0])
    assert (found["verdict"], found["ratio"]) == ("fail", 30)
    found = _verdict(RULE | {"action": "drop"}, PATHS, GIVEN, rows[:1], rows[0])
    assert (found["verdict"], found["ratio"]) == ("pass", 2)


def test_a_ratio_beside_its_threshold_does_not_look_like_it():
    row = {"words": 120_108, "lines": 1_000_000, "_failed_rules": ["mean"]}
    verdict = _verdict(RULE | {"action": "drop"}, PATHS, {}, [row], row)
    assert "ratio 0.120108" in _rule(verdict)[2]


def test_a_text_that_several_pipelines_hold_is_shown_once(duplicates):
    catalog = Catalog.of(duplicates.warehouse)
    facts = explain(catalog, "d000")
    assert len(facts["pipelines"]) == 2
    assert show_life(facts, Screen(200)).count("\ntext") == 1


def test_the_beginning_of_an_id_is_enough_if_it_is_the_only_one(catalog):
    assert explain(catalog, "a3")["id"] == "a3-short"
    with pytest.raises(CommandError, match="ids begin with `a`: a1-kept, a2-copy, a3-short"):
        explain(catalog, "a")


@pytest.mark.parametrize("id", ["a3-shorts", "", "\x1b[2J", "x" * 10_000, "' OR 1=1 --"])
def test_an_unknown_id_names_the_closest(catalog, id):
    with pytest.raises(CommandError, match="no published document has the id"):
        explain(catalog, id)


def test_the_closest_id_comes_first(catalog):
    with pytest.raises(CommandError, match="The closest: a3-short, "):
        explain(catalog, "a3-shart")


def test_a_document_is_found_by_its_address_or_by_words_of_its_text(catalog):
    assert explain(catalog, "https://example.org/a3-short", "url")["id"] == "a3-short"
    assert explain(catalog, "few words", "text")["id"] == "a3-short"


@pytest.mark.parametrize(
    ("given", "by", "message"),
    [
        ("https://example.org/a3-shot", "url", "The closest: https://example.org/a3-short, "),
        ("quick brown", "text", "several texts hold 'quick brown': a1-kept, a2-copy. Name one"),
        (" ", "text", "takes words of a text"),
    ],
)
def test_an_address_or_words_that_name_no_single_document_are_explained(
    catalog, given, by, message
):
    with pytest.raises(CommandError, match=message):
        explain(catalog, given, by)


def test_scores_are_told_with_the_version_of_what_gave_them(catalog):
    filtered = life(catalog, "a1-kept")["stages"][1]
    assert filtered["scores"] == {"language_score": 0.75}
    assert filtered["made_by"] == {"function language": "f00dfacef00dface"}
    text = show_life(explain(catalog, "a1-kept"), Screen(120))
    assert "scores  language_score 0.75  by function language f00dface" in text


def test_a_rule_that_was_only_just_passed_is_marked(catalog):
    rules = {rule["rule"]: rule for rule in life(catalog, "b1-hostile")["stages"][1]["rules"]}
    assert rules["short_lines"]["margin"] == pytest.approx(0.5)
    assert rules["known_source"]["margin"] is None
    just = {**explain(catalog, "b1-hostile")}
    just["pipelines"][0]["stages"][1]["rules"][0]["margin"] = 0.05
    assert "only just, by 5.0%" in show_life(just, Screen(200))


@pytest.mark.parametrize("width", [80, 120])
def test_a_hostile_text_neither_steers_the_terminal_nor_leaves_the_screen(catalog, width):
    shown = show_life(explain(catalog, "b1-hostile"), Screen(width))
    assert "\\x1b]0;owned\\x07" in shown
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(shown)
    assert all(len(line) <= width for line in shown.split("\n"))


def test_a_huge_text_is_cut_to_a_few_lines(catalog):
    assert len(show_life(explain(catalog, "b2-huge"), Screen(80)).split("\n")) < 30


def test_columns_are_found_in_structs_and_texts_are_left_out():
    known = {"words", "line", "text"}
    assert columns_of("words > 2 AND line.short_lines < length(text)", known) == [
        ("words",),
        ("line", "short_lines"),
    ]
    assert columns_of("this is (no condition", known) == []
