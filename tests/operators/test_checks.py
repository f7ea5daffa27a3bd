"""The declared checks: SQL that selects the bad rows of a version."""

import pytest

from winnow.errors import CommandError
from winnow.operators.checks import (
    max_change,
    max_cluster_size,
    max_drop_share,
    max_duplicate_share,
)
from winnow.udfs.registry import declaration_of


@pytest.fixture
def bad_rows(spark):
    """Run a check's SQL over rows of the version to publish and of the published one."""

    def bad_rows(sql, batch, published=()):
        columns = "id STRING, source STRING, words INT, _dropped BOOLEAN"
        for name, rows in (("new_rows", batch), ("old_rows", published)):
            spark.createDataFrame(list(rows), columns).createOrReplaceTempView(name)
        filled = sql.format(batch="new_rows", published="old_rows")
        return [row.asDict() for row in spark.sql(filled).collect()]

    return bad_rows


def dropped(source, count, of):
    return [(f"{source}{i}", source, 1, i < count) for i in range(of)]


def test_a_group_that_lost_just_the_share_passes_and_one_row_more_does_not(bad_rows):
    check = max_drop_share("source", 0.3)
    assert bad_rows(check, dropped("wiki", 3, of=10)) == []
    [row] = bad_rows(check, dropped("wiki", 4, of=10) + dropped("web", 0, of=10))
    assert row == {"source": "wiki", "documents": 10, "dropped": 4, "dropped_ratio": 0.4}


def test_rows_without_the_column_are_a_group(bad_rows):
    [row] = bad_rows(max_drop_share("source", 0.0), dropped(None, 1, of=1))
    assert row["source"] is None


@pytest.mark.parametrize(("documents", "passes"), [(2, False), (3, True)])
def test_a_group_of_fewer_documents_than_said_is_not_looked_at(bad_rows, documents, passes):
    check = max_drop_share("source", 0.9, documents=documents)
    assert (bad_rows(check, dropped("forum", 2, of=2)) == []) == passes


def words(*numbers):
    return [(str(i), "web", number, False) for i, number in enumerate(numbers)]


@pytest.mark.parametrize(("rows", "passes"), [(5, False), (6, True), (14, True), (15, False)])
def test_the_number_of_rows_may_change_by_so_many_percent_either_way(bad_rows, rows, passes):
    found = bad_rows(max_change("rows", 40), words(*range(rows)), words(*range(10)))
    assert (found == []) == passes


def test_what_changed_is_told_in_numbers(bad_rows):
    [row] = bad_rows(max_change("mean", 10, column="words"), words(2, 4), words(1, 1))
    assert (row["value"], row["published_value"]) == (3.0, 1.0)


@pytest.mark.parametrize(("value", "passes"), [(110, True), (111, False)])
def test_a_quantile_may_change_by_so_many_percent(bad_rows, value, passes):
    check = max_change("quantile", 10, column="words", quantile=0.5)
    found = bad_rows(check, words(1, value, 9999), words(50, 100, 200))
    assert (found == []) == passes


@pytest.mark.parametrize(
    "check",
    [max_change("rows", 0), max_change("mean", 0, "words"), max_change("quantile", 0, "words")],
)
def test_nothing_is_compared_while_nothing_is_published(bad_rows, check):
    assert bad_rows(check, words(1, 2, 3)) == []


def test_a_measure_that_was_zero_may_not_change(bad_rows):
    check = max_change("mean", 50, "words")
    assert bad_rows(check, words(0), words(0, 0)) == []
    assert len(bad_rows(check, words(1), words(0, 0))) == 1


def test_a_measure_that_can_no_longer_be_taken_is_bad(bad_rows):
    check = max_change("mean", 50, "words")
    assert len(bad_rows(check, words(None), words(1))) == 1
    assert bad_rows(check, words(None), words(None)) == []


NEAR = [
    ("a", "wiki", "a", False),
    ("b", "wiki", "a", True),
    ("c", "books", "a", True),
    ("d", "books", None, False),
    ("e", "wiki", "e", False),
    ("f", "wiki", "e", True),
    ("g", "wiki", None, True),  # a finished corpus has it, and it counts for nothing
]


@pytest.fixture
def bad_duplicates(spark):
    """Run a check's SQL over the rows of NEAR."""
    columns = "id STRING, source STRING, component STRING, _dropped BOOLEAN"
    spark.createDataFrame(NEAR, columns).createOrReplaceTempView("near")
    return lambda sql: spark.sql(sql.format(batch="near", published="near")).collect()


def test_a_source_that_loses_more_than_the_share_is_shown_with_the_component_responsible(
    bad_duplicates,
):
    assert bad_duplicates(max_duplicate_share(0.5, "source")) == []
    rows = {row.part: row for row in bad_duplicates(max_duplicate_share(0.49, "source"))}
    assert set(rows) == {"wiki", "books"}
    assert (rows["books"].largest_component, rows["books"].examples) == ("a", ["c", "c"])
    assert (rows["wiki"].documents, rows["wiki"].dropped) == (4, 2)


def test_the_loss_of_all_documents_together_is_limited_too(bad_duplicates):
    assert bad_duplicates(max_duplicate_share(0.5)) == []
    [row] = bad_duplicates(max_duplicate_share(0.4))
    assert (row.part, row.documents, row.dropped, row.dropped_of_it) == ("all", 6, 3, 2)


def test_a_component_of_just_the_size_passes_and_one_document_more_does_not(bad_duplicates):
    assert bad_duplicates(max_cluster_size(3)) == []
    [row] = bad_duplicates(max_cluster_size(2))
    assert (row.component, row.documents, row.dropped, row.examples) == ("a", 3, 2, ["a", "c"])


def test_a_column_may_have_any_name(spark):
    spark.sql("SELECT 1 AS `a {b}``c`, true AS _dropped").createOrReplaceTempView("odd")
    sql = max_drop_share("a {b}`c", 0.5).format(batch="odd", published="odd")
    assert spark.sql(sql).count() == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: max_drop_share("source", 1.01), "share is from 0 to 1, not 1.01"),
        (lambda: max_drop_share("source", -0.01), "share is from 0 to 1"),
        (lambda: max_duplicate_share(2), "max_duplicate_share: share is from 0 to 1, not 2"),
        (lambda: max_drop_share("source", 0.5, documents=0), "documents is at least 1, not 0"),
        (lambda: max_cluster_size(0), "documents is at least 1, not 0"),
        (lambda: max_change("median", 5), "'median' is none of rows, mean, quantile"),
        (lambda: max_change("rows", -1), "percent is at least 0"),
        (lambda: max_change("rows", 5, column="words"), "rows takes no column"),
        (lambda: max_change("mean", 5), "mean needs a column"),
        (lambda: max_change("quantile", 5, "words", 1.5), "quantile is from 0 to 1"),
    ],
)
def test_arguments_that_make_no_sense_are_named(make, message):
    with pytest.raises(CommandError, match=message):
        make()


def test_the_edges_of_the_arguments_are_allowed():
    assert max_drop_share("source", 0) != max_drop_share("source", 1)
    assert max_change("quantile", 0, "words", 0) != max_change("quantile", 0, "words", 1)


def test_types_of_the_options_can_be_checked_before_a_run():
    options = declaration_of(max_change).options
    assert [(option.name, option.type, option.required) for option in options] == [
        ("measure", str, True),
        ("percent", float, True),
        ("column", str, False),
        ("quantile", float, False),
    ]
