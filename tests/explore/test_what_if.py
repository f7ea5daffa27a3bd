"""What-if equals reality: rules are really changed and run, and the kept documents compared."""

import json
import random
import re

import pytest

from demo_project import DemoProject
from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.screen import Screen
from winnow.explore.what_if import Stage, by_group, decided, held
from winnow.explore.what_if_asked import ask
from winnow.explore.what_if_shown import bar, show_what_if

CONSTRAINT = re.compile(r"CONSTRAINT (\w+) +EXPECT \((.+?)\)( +ON VIOLATION DROP ROW)?,?$", re.M)
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")


def rules_of_file(demo: DemoProject) -> dict[str, str]:
    text = demo.stage_file("demo", "filtered").read_text()
    return {name: condition for name, condition, _ in CONSTRAINT.findall(text)}


def random_changes(rules: dict[str, str], seed: int) -> dict[str, str]:
    """Return one to three rules with other numbers, or with a condition that is no comparison."""
    numbers = random.Random(seed)

    def other(match: re.Match[str]) -> str:
        scaled = float(match[0]) * numbers.choice([0, 0.3, 0.7, 0.9, 1.1, 1.5, 3])
        return f"{scaled:.3f}" if "." in match[0] else f"{scaled:.0f}"

    changed = {}
    for name in numbers.sample(sorted(rules), numbers.randrange(1, 4)):
        condition = NUMBER.sub(other, rules[name])
        odd = ["true", "false", f"NOT ({condition})", f"nullif(words, 40) IS NULL OR {condition}"]
        odd += [f"CAST(NULL AS BOOLEAN) OR ({condition})", "text NOT LIKE '%{%'"]
        changed[name] = numbers.choice([condition] * 12 + odd)
    return changed


def predicted(demo: DemoProject, changes: dict[str, str]) -> set[str]:
    catalog = Catalog.of(demo.warehouse)
    stage = Stage.of(catalog, catalog.current("demo.filtered"))
    alternatives = [stage.changed(list(changes.items()))]
    rows = decided(stage, held(demo.spark, stage, alternatives), alternatives)
    return {row.id for row in rows.where("_is_0").select("id").collect()}


def really(demo: DemoProject, changes: dict[str, str]) -> set[str]:
    """Change the stage's file, build the stage, and put the file back; nothing is published."""
    file = demo.stage_file("demo", "filtered")
    before = file.read_text()
    checks = demo.folder / "pipelines" / "demo" / "checks" / "filtered.yml"
    checked = checks.read_text() if checks.exists() else None
    checks.unlink(missing_ok=True)
    text = before
    try:
        for name, condition in changes.items():
            old = next(m for m in CONSTRAINT.finditer(text) if m[1] == name)
            text = text[: old.start(2)] + condition + text[old.end(2) :]
        file.write_text(text)
        result = demo.run(select=("filtered",))
        version = next(stage.version for stage in result.stages if stage.stage == "filtered")
        assert version is not None
        assert demo.published("demo.filtered").version != version
    finally:
        file.write_text(before)
        if checked is not None:
            checks.write_text(checked)
    return demo.kept("demo.filtered", version)


@pytest.mark.parametrize("seed", range(2))
def test_what_if_keeps_what_really_changing_the_rules_keeps(demo, seed):
    changes = random_changes(rules_of_file(demo), seed)
    assert predicted(demo, changes) == really(demo, changes)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 32))
def test_what_if_keeps_what_thirty_other_changes_keep(demo, seed):
    changes = random_changes(rules_of_file(demo), seed)
    assert predicted(demo, changes) == really(demo, changes)


def test_a_condition_on_the_text_sees_the_texts_of_dropped_rows(demo):
    """The stage does not repeat them: they are those of its input."""
    changes = {"no_code": "true", "word_count": "text NOT LIKE '%river%'"}
    texts = demo.spark.read.format("delta").load(demo.warehouse.path("demo", "documents"))
    without = {row.id for row in texts.where("text NOT LIKE '%river%'").select("id").collect()}
    rules = [name for name in rules_of_file(demo) if name not in ("no_code", "licence_known")]
    everything = dict.fromkeys(rules, "true") | changes
    assert predicted(demo, everything) == without


@pytest.fixture(scope="module")
def shorter(demo):
    return ask(Catalog.of(demo.warehouse), "filtered", ["word_count: words >= 10"])


def test_counts_bytes_and_groups_add_up(shorter, demo):
    assert shorter["come_back"] > 0
    assert shorter["go"] == shorter["go_bytes"] == 0
    assert shorter["kept"] == shorter["kept_now"] + shorter["come_back"]
    before = demo.kept("demo.filtered", demo.published("demo.filtered").version)
    back = predicted(demo, {"word_count": "words >= 10"}) - before
    lines = (demo.folder / "input" / "part.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines if '"text": "' in line]
    texts = {record["id"]: record["text"] for record in reversed(records)}  # the first of an id
    assert shorter["come_back"] == len(back)
    assert shorter["come_back_bytes"] == sum(len(texts[id].encode()) for id in back)
    sources = shorter["by"]["source"]
    assert sum(one["come_back"] for one in sources) == shorter["come_back"]
    assert sum(one["kept"] for one in sources) == shorter["kept_now"]


def test_groups_that_the_stage_stores_keep_their_counts_beside_those_of_an_input():
    web, german = {"back_0": 3, "go_0": 2}, {"back_0": 1, "go_0": 2}
    stored = {"grouped": "source", "name": "web", "was": 90, **web}
    moved = [
        {"grouped": "language", "name": "de", "was": 2, **german},
        {"grouped": "source", "name": "web", "was": 2, **web},
    ]
    assert by_group([{"grouped": None}, stored], moved) == {
        "source": [{"name": "web", "kept": 90, "come_back": 3, "go": 2}],
        "language": [{"name": "de", "come_back": 1, "go": 2}],
    }
    assert list(by_group([stored], moved)) == ["source", "language"]


def test_those_that_another_rule_still_drops_do_not_come_back(shorter, demo):
    still = {one["rule"]: one for one in shorter["still_dropped"]}
    assert "word_count" not in still
    assert all(0 <= one["alone"] <= one["documents"] for one in still.values())
    rows = demo.spark.read.format("delta").option(
        "versionAsOf", demo.published("demo.filtered").version
    )
    rows = rows.load(demo.warehouse.path("demo", "filtered"))
    mended = rows.where("array_contains(_failed_rules, 'word_count') AND words >= 10")
    alone = mended.where(
        "size(array_except(_failed_rules, array('word_count', 'no_code', 'licence_known'))) = 0"
    )
    assert shorter["come_back"] == alone.count()
    assert max(one["documents"] for one in still.values()) <= mended.count() - alone.count()


def test_examples_show_the_value_and_a_text_that_steers_no_terminal(shorter):
    found = shorter["examples"]["come_back"]
    assert 0 < len(found) <= 10
    assert all(10 <= one["values"]["words"] < 30 for one in found)
    assert all(one["text"] for one in found)
    text = show_what_if(shorter, Screen(100))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
    assert all(len(line) <= 100 for line in text.split("\n"))
    assert "nothing is known there: a run decides" in text


def test_what_goes_is_followed_to_the_tables_that_keep_it_now(demo):
    found = ask(Catalog.of(demo.warehouse), "demo.filtered", ["word_count: words >= 60"])
    unique = next(one for one in found["downstream"] if one["table"] == "demo.unique")
    kept = demo.kept("demo.unique", demo.published("demo.unique").version)
    went = demo.kept("demo.filtered", demo.published("demo.filtered").version) - predicted(
        demo, {"word_count": "words >= 60"}
    )
    assert found["go"] == len(went)
    assert unique["documents"] == len(went & kept)
    assert {"table": "demo.curated", "kind": "view"} in found["downstream"]


def test_a_new_rule_drops_and_one_that_records_moves_nobody(demo):
    catalog = Catalog.of(demo.warehouse)
    new = ask(catalog, "filtered", ["even_words: words % 2 = 0"])
    assert new["changes"][0]["before"] is None
    assert new["go"] > 0
    recorded = ask(catalog, "filtered", ["licence_known: false"])
    assert (recorded["come_back"], recorded["go"]) == (0, 0)
    assert recorded["failed"] == {"licence_known": recorded["rows"]}
    assert "only records" in show_what_if(recorded, Screen(100))


def test_a_sweep_is_each_of_its_values(demo):
    catalog = Catalog.of(demo.warehouse)
    found = ask(
        catalog,
        "filtered",
        ["stop_words: true"],
        "word_count: words BETWEEN {10, 30,60} AND 100000",
    )
    for one in found["values"]:
        alone = predicted(demo, {"stop_words": "true", "word_count": one["condition"]})
        assert one["kept"] == len(alone)
    assert [one["value"] for one in found["values"] if one["is_now"]] == ["30"]
    text = show_what_if(found, Screen(100))
    assert "30 now" in text
    assert "█" in text


@pytest.mark.parametrize(
    ("rules", "swept", "message"),
    [
        ([], None, "what if what"),
        (["word_count words > 3"], None, "write --rule 'name: condition'"),
        (["word_coun: words > 3"], None, "no rule `word_coun`. Did you mean `word_count`"),
        (["count: words > 3"], None, "no rule `count`. Did you mean `word_count`"),
        (["word_count: wrods > 3"], None, "has the columns id, source, licence"),
        (["word_count: words >"], None, "rule `word_count`"),
        (["word_count: words > 3) OR (true"], None, "closes nothing"),
        (["word_count: words >"], None, "has a condition that does not parse: words >\n"),
        (["word_count: words"], None, "a condition of type INT"),
        (["word_count: words > (SELECT 3)"], None, "has a subquery"),
        (["word_count: text_signals(text).words > 3"], None, "rules call no Python"),
        (["word_count: rand() > 0.5"], None, "other values in each run"),
        (["word_count: 1 / (words - words) > 1"], None, "by zero"),
        (["word_count: true", "word_count: false"], None, "changed twice"),
        (["format: 'html'"], None, "`format` is a parameter"),
        ([], "word_count: words > 3", "one list of values in braces"),
        ([], "word_count: words > {3,}", "one list of values in braces"),
    ],
)
def test_a_wrong_question_is_answered_in_words(demo, rules, swept, message):
    with pytest.raises(CommandError) as error:
        ask(Catalog.of(demo.warehouse), "filtered", rules, swept)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("demo.filterd", "Did you mean `demo.filtered`"),
        ("curated", "is a view: it has no rules. Ask about what it reads: `demo.filtered`"),
    ],
)
def test_a_wrong_stage_is_answered_in_words(demo, table, message):
    with pytest.raises(CommandError, match=re.escape(message)):
        ask(Catalog.of(demo.warehouse), table, ["word_count: words > 3"])


@pytest.mark.parametrize(
    ("number", "most", "text"), [(4, 4, "██"), (0, 4, ""), (1, 4, "▌"), (0, 0, "")]
)
def test_a_bar_is_as_long_as_its_number(number, most, text):
    assert bar(number, most, cells=2) == text
