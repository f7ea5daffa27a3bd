"""From scores to decisions: buckets, budgets, and what they do to the mixture."""

import random

import pytest

from winnow.operators import within_budget as budgets
from winnow.operators.mixture_shift import mixture_shift
from winnow.operators.quality_buckets import quality_buckets
from winnow.operators.within_budget import within_budget

COLUMNS = "id STRING, score DOUBLE, bytes BIGINT, language STRING"


@pytest.fixture
def bucketed(spark):
    def bucketed(rows, columns=COLUMNS, **options):
        frame = spark.createDataFrame(list(rows), columns).repartition(3)
        found = quality_buckets(frame, **options).collect()
        return {row.id: row.asDict() for row in found}

    return bucketed


@pytest.fixture
def chosen(spark):
    def chosen(rows, **options):
        frame = spark.createDataFrame(list(rows), "id STRING, score DOUBLE, tokens BIGINT")
        found = within_budget(frame.repartition(3), **options).collect()
        assert len(found) == len(rows)
        return {row.id: row.chosen_by for row in found if row.chosen_by}

    return chosen


def test_twenty_scores_of_one_weight_are_the_twenty_buckets(bucketed):
    rows = [(f"d{i}", i / 20, 10, "en") for i in range(20)]
    found = bucketed(rows)
    assert {name: row["bucket"] for name, row in found.items()} == {f"d{i}": i for i in range(20)}
    assert all(row["score_bucket"] == row["bucket"] for row in found.values())


def test_buckets_hold_bytes_not_documents_and_are_those_of_a_language(bucketed):
    rows = [("long", 0.5, 900, "en"), ("best", 0.9, 50, "en"), ("worst", 0.1, 50, "en")]
    rows += [("allein", 0.0, 7, "de"), ("no language", 0.3, 7, None)]
    found = {name: row["bucket"] for name, row in bucketed(rows).items()}
    assert found == {"worst": 0, "long": 10, "best": 19, "allein": 10, "no language": 10}
    whole = {name: row["bucket"] for name, row in bucketed(rows, by="").items()}
    assert whole["allein"] == 0


def test_equal_scores_share_a_bucket_and_no_score_has_none(bucketed):
    rows = [(f"d{i}", 0.7, i, "en") for i in range(10)]
    rows += [("null", None, 5, "en"), ("nan", float("nan"), 5, "en")]
    found = bucketed(rows)
    assert {found[f"d{i}"]["bucket"] for i in range(10)} == {10}
    assert found["null"]["bucket"] is found["nan"]["bucket"] is None


def test_the_union_of_models_is_their_highest_bucket(bucketed):
    rows = [(f"d{i}", i / 4, 1 - i / 4, 1, "en") for i in range(4)]
    rows.append(("half", None, 2.0, 1, "en"))
    columns = "id STRING, hq DOUBLE, edu DOUBLE, bytes BIGINT, language STRING"
    found = bucketed(rows, columns, scores="hq, edu", buckets=4)
    assert [found[f"d{i}"]["hq_bucket"] for i in range(4)] == [0, 1, 2, 3]
    assert found["d0"]["bucket"] == found["d0"]["edu_bucket"] == 2
    assert found["half"] == {"id": "half", "hq_bucket": None, "edu_bucket": 3, "bucket": 3}


def test_weights_that_are_all_zero_are_one_bucket(bucketed):
    assert bucketed([("a", 0.1, 0, "en"), ("b", 0.2, None, "en")])["b"]["bucket"] == 0


def by_hand(rows, budget):
    """The same choice by a loop."""
    import hashlib

    total, found = 0, set()
    order = sorted(
        (row for row in rows if row[1] is not None),
        key=lambda row: (-row[1], hashlib.sha256(row[0].encode()).hexdigest()),
    )
    for name, _, tokens in order:
        if total + tokens > budget:
            break
        total += tokens
        found.add(name)
    return found


@pytest.mark.parametrize(("cells", "budget"), [(1 << 20, 1000), (4, 1000), (1, 40)])
def test_the_best_that_fit_are_chosen_as_a_loop_would(chosen, monkeypatch, cells, budget):
    monkeypatch.setattr(budgets, "CELLS", cells)
    draw = random.Random(5)
    rows = [(f"d{i}", round(draw.gauss(0, 2), 1), draw.randrange(1, 50)) for i in range(200)]
    rows.append(("none", None, 1))
    assert set(chosen(rows, budget=budget)) == by_hand(rows, budget)


def test_a_budget_that_holds_exactly_all_takes_all_and_one_less_leaves_the_worst(chosen):
    rows = [("a", 0.9, 10), ("b", 0.5, 10), ("c", 0.1, 10)]
    assert set(chosen(rows, budget=30)) == {"a", "b", "c"}
    assert set(chosen(rows, budget=29)) == {"a", "b"}
    assert set(chosen(rows, share=2 / 3)) == {"a", "b"}


def test_general_text_is_drawn_from_the_rest_whatever_its_score(chosen):
    rows = [(f"d{i}", i / 100, 10) for i in range(100)]
    found = chosen(rows, budget=400, general_share=0.5)
    best = {name for name, by in found.items() if by == "score"}
    general = {name for name, by in found.items() if by == "general"}
    assert best == {f"d{i}" for i in range(80, 100)}
    assert len(general) == 20
    assert min(int(name[1:]) for name in general) < 20  # not the next best
    assert found == chosen(list(reversed(rows)), budget=400, general_share=0.5)


@pytest.mark.parametrize(
    "options",
    [{}, {"budget": 1, "share": 0.5}, {"budget": -1}, {"share": 1.1}, {"share": 0.5,
     "general_share": 1.5}],
)  # fmt: skip
def test_a_budget_that_makes_no_sense_is_refused(chosen, options):
    with pytest.raises(ValueError, match=r"give either budget|are from 0 to 1"):
        chosen([("a", 0.5, 1)], **options)


def test_a_shift_shows_the_shares_of_each_value_before_and_after(spark):
    before = [("a", "wiki", "en", 60), ("b", "wiki", None, 20), ("c", "chat", "en", 20)]
    frame = spark.createDataFrame(before, "id STRING, source STRING, language STRING, tokens INT")
    after = spark.createDataFrame([("a",), ("a",), ("b",)], "id STRING")
    rows = {(row.dimension, row.value): row for row in mixture_shift(frame, after).collect()}
    assert set(rows) == {
        ("source", "wiki"), ("source", "chat"), ("language", "en"), ("language", None),
    }  # fmt: skip
    wiki = rows["source", "wiki"]
    assert (wiki.documents_before, wiki.documents_after) == (2, 2)
    assert (wiki.share_before, wiki.share_after, wiki.factor) == (0.8, 1.0, pytest.approx(1.25))
    assert rows["source", "chat"].share_after == 0.0
    assert rows["language", "en"].weight_after == 60
    assert rows["language", None].share_after == 0.25
    nothing = mixture_shift(frame, after.where("false")).collect()
    assert {row.share_after for row in nothing} == {None}
    with pytest.raises(ValueError, match="no column beside id and weight"):
        mixture_shift(frame.select("id", "tokens"), after)
