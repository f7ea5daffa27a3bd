import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from winnow.engine.audit import audit, checks_hash, validate_checks
from winnow.engine.expectations import great_expectations
from winnow.operators.registry import check as declared_check
from winnow.pipeline.model import Check, Kind, Pipeline, Place, Stage
from winnow.udfs.registry import declaration_of

MARKER = "SECRET-OF-A-DOCUMENT"
PLACE = Place(Path("/anywhere/web/checks/filtered.yml"), 4)
COLUMNS = {
    "id": "STRING",
    "source": "STRING",
    "text": "STRING",
    "words": "INT",
    "tags": "ARRAY<STRING>",
    "metadata": "map<string,string>",
}


def check(name, /, section="kept", severity="critical", **kwargs):
    return Check(section, name, kwargs, severity, "because", PLACE)


def sql(query, section="kept"):
    return check("unexpected_rows_expectation", section, unexpected_rows_query=query)


@declared_check(version=1)
def too_many_words(limit: int, share: float = 0.5) -> str:
    """No document has more words than this."""
    if limit < 0:
        raise ValueError("limit is at least 0")
    return f"SELECT id, words, text FROM {{batch}} WHERE words > {limit}"


@declared_check(version=1)
def fewer_rows() -> str:
    """A version has at least as many rows as the published one."""
    return """
        SELECT n, published FROM (SELECT count(*) AS n FROM {batch})
        CROSS JOIN (SELECT count(*) AS published FROM {published}) WHERE n < published;
    """


@declared_check(version=1)
def dropped_share(column: str) -> str:
    """No group loses all of its rows."""
    return f"SELECT {column} FROM {{batch}} GROUP BY {column} HAVING every(_dropped)"


FUNCTIONS = {f.__name__: declaration_of(f) for f in (too_many_words, fewer_rows, dropped_share)}


def table(spark, rows):
    """Rows of (id, source, words, _dropped), all with the same text."""
    ddl = "id STRING, source STRING, words INT, _dropped BOOLEAN, text STRING, tags ARRAY<STRING>"
    return spark.createDataFrame([(*row, f"{MARKER} {row[0]}", ["a"]) for row in rows], ddl)


@pytest.fixture(scope="module")
def everything(spark):
    rows = [(f"d{i:02}", "wiki" if i % 2 else "web", i, i >= 10) for i in range(20)]
    return table(spark, rows).repartition(3).cache()


@pytest.fixture
def run(spark, everything):
    def run(*checks, published=None, rows=everything, id_column="id"):
        kept = rows.where("NOT _dropped")
        results = audit(spark, checks, FUNCTIONS, kept, rows, published, id_column)
        assert MARKER not in repr(results)
        return results[0] if len(checks) == 1 else results

    return run


# Thresholds


def test_a_row_count_at_its_minimum_passes_and_one_below_fails(run):
    at, above = run(
        check("expect_table_row_count_to_be_between", min_value=10),
        check("expect_table_row_count_to_be_between", min_value=11),
    )
    assert (at.success, at.observed) == (True, 10)
    assert (above.success, above.observed, above.examples) == (False, 10, ())


def test_a_row_at_the_bound_passes_and_one_over_it_fails(run):
    at, over = run(
        check("expect_column_values_to_be_between", column="words", max_value=9),
        check("expect_column_values_to_be_between", column="words", max_value=8),
    )
    assert (at.success, at.unexpected_count, at.examples) == (True, 0, ())
    assert (over.success, over.unexpected_count, over.examples) == (False, 1, ("d09",))


def test_exactly_the_share_of_mostly_passes(run):
    exact, less = (
        check("expect_column_values_to_be_between", column="words", max_value=8, mostly=share)
        for share in (0.9, 0.91)
    )
    passed, failed = run(exact, less)
    assert (passed.success, passed.observed) == (True, 0.9)
    assert (failed.success, failed.observed) == (False, 0.9)


def test_kept_rows_and_all_rows_are_audited_apart(run):
    kept, both, dropped = run(
        check("expect_table_row_count_to_equal", value=10),
        check("expect_table_row_count_to_equal", "all", value=20),
        check("expect_column_values_to_be_in_set", "all", column="_dropped", value_set=[False]),
    )
    assert kept.success
    assert both.success
    assert (dropped.unexpected_count, dropped.examples[0]) == (10, "d10")
    assert [kept.section, both.section] == ["kept", "all"]


# Null, empty, duplicates


def test_null_values_fail_only_a_check_for_null(run, spark):
    rows = table(spark, [("a", None, None, False), ("b", None, None, False)])
    null, between = run(
        check("expect_column_values_to_not_be_null", column="words"),
        check("expect_column_values_to_be_between", column="words", min_value=1),
        rows=rows,
    )
    assert (null.success, null.observed, null.examples) == (False, 0.0, ("a", "b"))
    assert (between.success, between.observed) == (True, None)


def test_on_no_rows_everything_passes_but_a_row_count(run, everything):
    results = run(
        check("expect_table_row_count_to_be_between", min_value=1),
        check("expect_column_values_to_not_be_null", column="id"),
        check("expect_column_values_to_be_unique", column="id"),
        check("too_many_words", limit=0),
        rows=everything.limit(0),
    )
    assert [result.success for result in results] == [False, True, True, True]


def test_a_repeated_id_is_named_once(run, spark):
    rows = table(spark, [(name, "web", 1, False) for name in ("b", "a", "b", "c", "a")])
    result = run(check("expect_column_values_to_be_unique", column="id"), rows=rows)
    assert (result.unexpected_count, result.examples) == (4, ("a", "b"))


# Examples


def test_the_five_smallest_failing_ids_are_given(run):
    result = run(check("expect_column_values_to_be_between", "all", column="words", max_value=3))
    assert result.unexpected_count == 16
    assert result.examples == ("d04", "d05", "d06", "d07", "d08")


@pytest.mark.filterwarnings("ignore:.*row_condition:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*condition_parser:DeprecationWarning")
def test_a_row_condition_holds_for_the_examples_too(run):
    result = run(
        check(
            "expect_column_values_to_be_between",
            column="words",
            max_value=3,
            row_condition="source = 'wiki'",
            condition_parser="spark",
        )
    )
    assert (result.unexpected_count, result.examples) == (3, ("d05", "d07", "d09"))


def test_without_an_id_column_there_are_no_example_ids(run):
    over = check("expect_column_values_to_be_between", column="words", max_value=3)
    assert run(over, id_column=None).examples == ()
    assert run(over, id_column="nowhere").examples == ()


def test_an_example_of_sql_shows_keys_and_numbers_only(run):
    query = (
        "SELECT source, text, avg(words) AS mean_words, any(_dropped) AS some_dropped, "
        "CAST(0.590 AS DECIMAL(5, 3)) AS share FROM {batch} GROUP BY source, text"
    )
    result = run(sql(query, "all"))
    assert result.unexpected_count == 20
    assert result.examples[0] == "source=web mean_words=0 some_dropped=false share=0.59"
    assert len(result.examples) == 5


def test_an_example_is_cut_to_80_characters_and_shows_no_control_character(run, spark):
    rows = table(spark, [("\x1b[31m" + "x" * 100, None, 1, False)])
    result = run(check("too_many_words", limit=0), rows=rows)
    shown, words = result.examples[0].removeprefix("id=").split(" ")
    assert (words, shown.startswith("\\x1b[31mxxx"), shown.endswith("x…")) == (
        "words=1",
        True,
        True,
    )
    assert len(shown.replace("\\x1b", "?")) == 80


def test_columns_of_equal_names_do_not_confuse_an_example(run):
    result = run(sql("SELECT words, words + 1 AS words FROM {batch} WHERE words = 3"))
    assert result.examples == ("words=3 words=4",)


# No texts


def test_a_measured_text_is_left_out(run):
    results = run(
        check("expect_column_max_to_be_between", column="text", max_value=3),
        check("expect_column_distinct_values_to_be_in_set", column="text", value_set=["x"]),
        check("expect_column_values_to_be_in_set", column="text", value_set=["x"]),
        sql("SELECT text FROM {batch}"),
    )
    assert [result.success for result in results] == [False] * 4
    assert [result.observed for result in results] == [None, None, 0.0, 10]
    assert [result.unexpected_count for result in results] == [None, 10, 10, 10]
    assert [len(result.examples) for result in results] == [0, 0, 5, 0]


def test_a_check_of_pairs_and_one_of_several_columns_name_their_rows(run):
    pair, several = run(
        check("expect_column_pair_values_to_be_equal", column_A="id", column_B="source"),
        check("expect_compound_columns_to_be_unique", column_list=["source", "_dropped"]),
    )
    assert (pair.unexpected_count, pair.examples[0]) == (10, "d00")
    assert (several.unexpected_count, several.examples[0]) == (10, "d00")


def test_column_names_and_types_are_kept(run):
    names, kind = run(
        check("expect_table_columns_to_match_set", column_set=["id"]),
        check("expect_column_values_to_be_of_type", column="text", type_="IntegerType"),
    )
    assert names.observed == ["_dropped", "id", "source", "tags", "text", "words"]
    assert kind.observed == "StringType"


def test_quantiles_are_plain_numbers(run):
    ranges = {"quantiles": [0.5, 0.9], "value_ranges": [[0, 100], [None, 3]]}
    result = run(
        check("expect_column_quantile_values_to_be_between", column="words", quantile_ranges=ranges)
    )
    assert result.success is False
    assert [type(value) for value in result.observed] == [float, float]


# Errors


def test_a_check_that_breaks_is_an_error_and_spares_the_others(run):
    broken, mean, sound = run(
        check("expect_column_values_to_match_regex", column="text", regex="(", severity="warning"),
        check("expect_column_mean_to_be_between", column="words", max_value=9),
        check("expect_column_values_to_be_unique", column="id"),
    )
    assert (broken.success, broken.rejects) == (False, False)
    assert broken.error
    assert "\n" not in broken.error
    assert (mean.success, mean.error) == (True, "")
    assert (sound.success, sound.error) == (True, "")


def test_an_error_that_quotes_a_text_says_its_kind_only(run, capfd):
    result = run(sql("SELECT id FROM {batch} WHERE CAST(text AS INT) = 1"))
    assert result.error.startswith("stopped by CAST_INVALID_INPUT")
    assert MARKER not in capfd.readouterr().out


def test_an_error_of_the_query_itself_is_quoted(run):
    result = run(sql("SELECT wrods FROM {batch}"))
    assert "wrods" in result.error
    assert "stopped by" not in result.error


def test_a_missing_or_nested_column_is_an_error(run):
    missing, nested = run(
        check("expect_column_values_to_not_be_null", column="wrods"),
        check("expect_column_values_to_be_in_set", column="tags", value_set=["a"]),
    )
    assert "Did you mean `words`?" in missing.error
    assert "Flatten it first" in nested.error


def test_only_a_critical_failure_rejects(run):
    critical, warning, info = run(
        *(
            check("expect_table_row_count_to_equal", severity=severity, value=0)
            for severity in ("critical", "warning", "info")
        )
    )
    assert [critical.rejects, warning.rejects, info.rejects] == [True, False, False]
    assert (warning.severity, warning.notes, warning.place) == (
        "warning",
        "because",
        "checks/filtered.yml:4",
    )


# Declared checks


def test_a_declared_check_fails_on_the_rows_that_it_selects(run):
    at, over = run(check("too_many_words", limit=9), check("too_many_words", limit=8))
    assert (at.success, at.unexpected_count) == (True, 0)
    assert (over.success, over.unexpected_count, over.examples) == (False, 1, ("id=d09 words=9",))
    assert over.type == "too_many_words"


def test_published_has_no_rows_before_the_first_publish(run):
    assert run(check("fewer_rows"), check("fewer_rows", "all"))[1].success


def test_published_is_the_same_section_of_the_published_version(run, everything):
    more = everything.union(everything.where("id = 'd00'"))
    kept, both = run(
        check("fewer_rows"), check("fewer_rows", "all"), published=(everything.limit(10), more)
    )
    assert kept.success
    assert both.examples == ("n=20 published=21",)


def test_a_column_that_the_published_version_lacks_is_null(run, everything):
    old = everything.drop("words")
    query = "SELECT count(words) AS n FROM {published} HAVING (SELECT count(*) FROM {batch}) > 0"
    assert run(sql(query), published=(old, old)).examples == ("n=0",)


def test_views_are_gone_afterwards_and_a_users_view_of_the_same_name_stays(run, spark):
    spark.range(7).createOrReplaceTempView("tmp_view")
    run(check("too_many_words", limit=0), check("fewer_rows", "all"))
    assert spark.table("tmp_view").count() == 7
    spark.catalog.dropTempView("tmp_view")
    run(check("too_many_words", limit=0))
    assert not [view.name for view in spark.catalog.listTables() if "tmp" in view.name]
    assert not spark.catalog.listTables(pattern="_winnow_*")


def test_an_expectation_of_ones_own_runs_by_its_snake_case_name(run):
    gxe = great_expectations().expectations

    class ExpectColumnMaxToBePolite(gxe.ExpectColumnMaxToBeBetween):
        max_value: int = 8

    polite = check("expect_column_max_to_be_polite", column="words")
    assert (run(polite).success, run(polite).observed) == (False, 9)
    assert problems(polite) == []


# Validation before a run


def problems(*checks, kind=Kind.STREAMING_TABLE):
    stage = Stage("filtered", kind, PLACE, "", "", PLACE, ())
    found = Pipeline(
        name="web",
        folder=Path("/anywhere/web"),
        description="",
        parameters={},
        stages=(stage,),
        checks={"filtered": checks},
        examples={},
        functions=FUNCTIONS,
    )
    return [f"{p.message} | {p.remedy}" for p in validate_checks(found, {"filtered": COLUMNS})]


def test_sound_checks_are_no_problem():
    assert not problems(
        check("expect_table_row_count_to_be_between", min_value=1),
        check("expect_column_values_to_not_be_null", column="tags"),
        check("expect_compound_columns_to_be_unique", column_list=["id", "source"]),
        check("expect_column_values_to_be_in_set", "all", column="_dropped", value_set=[True]),
        check("too_many_words", limit=3, share=1),
        check("fewer_rows", "all"),
        sql("SELECT id FROM {batch} WHERE id RLIKE 'x{{3}}'"),
    )


@pytest.mark.parametrize(
    ("broken", "message", "remedy"),
    [
        (check("expect_column_values_to_be_uniqe", column="id"), "there is no check", "_unique`?"),
        (check("too_many_word", limit=1), "there is no check", "`too_many_words`?"),
        (
            check("expect_column_values_to_be_between", column="words", minvalue=1),
            "no argument `minvalue`",
            "`min_value`?",
        ),
        (check("expect_column_values_to_be_unique"), "needs the argument `column`", "Add"),
        (check("expect_column_values_to_be_unique", column="id", mostly=2), "`mostly`: ", ""),
        (check("expect_table_row_count_to_be_between"), "checks nothing", "`min_value`"),
        (
            check("expect_column_values_to_be_between", column="words", min_value=2, max_value=1),
            "min_value 2 is above max_value 1",
            "",
        ),
        (
            check("expect_column_values_to_be_unique", column="id", result_format="COMPLETE"),
            "no argument `result_format`",
            "",
        ),
        (check("expect_column_values_to_be_unique", column="idd"), "reads `idd`", "`id`?"),
        (
            check("expect_compound_columns_to_be_unique", column_list=["id", "sorce"]),
            "reads `sorce`",
            "`source`?",
        ),
        (
            check("expect_column_values_to_be_in_set", column="_dropped", value_set=[True]),
            "only section `all`",
            "under `all:`",
        ),
        (
            check("expect_column_values_to_be_in_set", column="tags", value_set=["a"]),
            "`tags`, which is ARRAY",
            "Flatten it first",
        ),
        (
            check("expect_column_max_to_be_between", column="metadata", max_value=1),
            "`metadata`, which is MAP",
            "Flatten it first",
        ),
        (
            check("expect_column_mean_to_be_between", column="text", max_value=1),
            "needs numbers",
            "Cast `text`",
        ),
        (check("too_many_words", limmit=1, limit=1), "no argument `limmit`", "`limit`?"),
        (check("too_many_words"), "needs the argument `limit`", "Add"),
        (check("too_many_words", limit="ten"), "`limit` is 'ten', expected int", ""),
        (check("too_many_words", limit=True), "`limit` is True, expected int", ""),
        (check("dropped_share", column="sorce"), "reads `sorce`", "`source`?"),
        (check("too_many_words", limit=-1), "limit is at least 0", ""),
        (sql("SELECT 1"), "does not read the version", "FROM {batch}"),
        (sql("SELECT 1 FROM {batch} JOIN {other}"), "`{other}` is no placeholder", "doubled"),
        (sql("SELECT '{' FROM {batch}"), "brace out of place", "doubled"),
    ],
    ids=lambda value: value.type if isinstance(value, Check) else "",
)
def test_a_mistake_is_a_problem_with_a_way_out(broken, message, remedy):
    (found,) = problems(broken)
    shown, _, way_out = found.partition(" | ")
    assert message in shown
    assert remedy in way_out


def test_a_view_has_no_engine_columns():
    of_all = check("expect_column_values_to_be_in_set", "all", column="_dropped", value_set=[True])
    assert problems(of_all, kind=Kind.VIEW)


# The hash of checks


def test_the_hash_follows_what_is_asked_and_nothing_else():
    first, second = check("too_many_words", limit=1), check("fewer_rows", "all")
    same = Check(
        "kept", "too_many_words", {"limit": 1}, "critical", "other notes", Place(Path("x"))
    )
    expected = checks_hash([first, second], FUNCTIONS)
    assert checks_hash([second, same], FUNCTIONS) == expected
    changed = [
        check("too_many_words", limit=2),
        check("too_many_words", "all", limit=1),
        check("too_many_words", severity="warning", limit=1),
        check("too_many_words", limit=Decimal(1)),
    ]
    hashes = {checks_hash([item, second], FUNCTIONS) for item in changed}
    assert len(hashes | {expected, checks_hash([first], FUNCTIONS), checks_hash([], {})}) == 7


def test_the_hash_follows_the_version_of_a_declared_check():
    @declared_check(version=2)
    def too_many_words(limit: int) -> str:
        """Another version."""
        return ""

    newer = FUNCTIONS | {"too_many_words": declaration_of(too_many_words)}
    asked = [check("too_many_words", limit=1)]
    assert checks_hash(asked, newer) != checks_hash(asked, FUNCTIONS)


@pytest.mark.slow
def test_a_main_module_without_a_file_is_not_taken_for_a_doctest_of_spark():
    code = (
        "import sys; from winnow.engine.expectations import great_expectations; "
        "great_expectations(); sys.exit(7)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 7


def test_a_plan_hashes_checks_without_spark_or_great_expectations():
    code = (
        "import sys; from winnow.engine.audit import checks_hash; checks_hash([], {}); "
        "sys.exit(bool({'great_expectations', 'pyspark'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
