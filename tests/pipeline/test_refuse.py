"""What a stage may not say: each refusal names the clause, and its harmless sibling passes."""

import pytest

from winnow.pipeline.streaming import AGGREGATES

MATERIALIZED = "CREATE OR REFRESH MATERIALIZED VIEW x AS\n"
STREAMING = "CREATE OR REFRESH STREAMING TABLE x AS\n"
# `fixed` is recomputed as a whole; `grown` is a temporary view over the streaming `documents`.
AROUND = {
    "11_fixed.sql": "CREATE OR REFRESH MATERIALIZED VIEW fixed AS SELECT id, n FROM raw.notes",
    "12_grown.sql": "CREATE TEMPORARY VIEW grown AS SELECT id, n FROM documents",
    "13_more.sql": "CREATE OR REFRESH STREAMING TABLE more AS SELECT id FROM STREAM(documents)",
}


def refused(error, sql: str) -> tuple[str, str]:
    """The message and the underlined text of the one refusal."""
    said = error(AROUND | {"20_x.sql": sql})
    first, line, carets = said.splitlines()[:3]
    start = carets.index("^")
    assert "\n\n" not in said, said
    return first.partition(": ")[2], line[start : start + carets.count("^")]


@pytest.mark.parametrize(
    ("query", "clause", "message"),
    [
        ("SELECT rand() AS r FROM fixed", "rand", "gives other values in each run"),
        ("SELECT uuid() AS r FROM fixed", "uuid", "gives other values in each run"),
        ("SELECT shuffle(array(1)) AS r", "shuffle", "gives other values in each run"),
        ("SELECT 1 AS r WHERE random(1) < 0.5", "random", "gives other values in each run"),
        ("SELECT * FROM fixed JOIN raw.b ON RANDN() > 0", "RANDN", "gives other values"),
        ("SELECT * FROM range(3) WHERE `uuid`() = id", "`uuid`", "gives other values"),
        ("SELECT * FROM (SELECT randstr(3) AS r)", "randstr", "gives other values"),
        ("SELECT uniform(1, 3) AS r", "uniform", "gives other values"),
        ("SELECT monotonically_increasing_id() AS r", "monotonically_increasing_id", "spread"),
        ("SELECT spark_partition_id() AS r", "spark_partition_id", "spread over the machines"),
        ("SELECT input_file_name() AS r", "input_file_name", "names files of a table"),
        ("SELECT current_date AS r", "current_date", "another value in each run"),
        ("SELECT current_timestamp() AS r", "current_timestamp", "another value in each run"),
        ("SELECT now() AS r", "now", "another value in each run"),
        ("SELECT unix_timestamp() AS r", "unix_timestamp", "another value in each run"),
        ("SELECT current_user AS r", "current_user", "depends on who runs the pipeline"),
        ("SELECT user() AS r", "user", "depends on who runs the pipeline"),
        ("SELECT reflect('a', 'b') AS r", "reflect", "calls code that a run knows nothing of"),
        ("SELECT first(id) AS r FROM fixed", "first", "the order in which rows come"),
        ("SELECT last_value(id) OVER (PARTITION BY n) AS r FROM fixed", "last_value", "order"),
        ("SELECT any_value(id) AS r FROM fixed", "any_value", "the order in which rows come"),
        ("SELECT collect_list(id) AS r FROM fixed", "collect_list", "the order in which rows"),
        ("SELECT sort_array(f(array_agg(id))) AS r FROM fixed", "array_agg", "the order"),
        ("SELECT listagg(id) AS r FROM fixed", "listagg", "the order in which rows come"),
        ("SELECT row_number() OVER () AS r FROM fixed", "row_number", "without ORDER BY"),
        (
            "SELECT rank() OVER w AS r FROM fixed WINDOW w AS (PARTITION BY n)",
            "rank",
            "without ORDER BY",
        ),
        ("SELECT id FROM fixed LIMIT 3", "LIMIT", "LIMIT without ORDER BY"),
        ("SELECT id FROM fixed OFFSET 3", "OFFSET", "OFFSET without ORDER BY"),
        ("SELECT * FROM (SELECT id FROM fixed LIMIT 3) ORDER BY id", "LIMIT", "LIMIT without"),
        ("FROM fixed |> LIMIT 3", "LIMIT", "LIMIT without ORDER BY"),
        ("SELECT * FROM fixed TABLESAMPLE (3 PERCENT)", "TABLESAMPLE (3 PERCENT)", "TABLESAMPLE"),
        (
            "SELECT * FROM fixed TABLESAMPLE (3 ROWS) REPEATABLE (1)",
            "TABLESAMPLE (3 ROWS)",
            "TABLESAMPLE draws other rows",
        ),
        ("SELECT id AS _dropped FROM fixed", "_dropped", "a column that Winnow adds"),
        ("SELECT _batch FROM fixed", "_batch", "a column that Winnow adds to every table"),
        ("SELECT x.id `_failed_rules` FROM fixed x", "`_failed_rules`", "a column that Winnow"),
        ("SELECT id AS _mine FROM fixed", "_mine", "columns that begin with _ are Winnow's own"),
        ("SELECT 1 AS a UNION ALL SELECT 2 AS _a", "_a", "columns that begin with _"),
        ("FROM fixed |> SELECT id AS _a", "_a", "columns that begin with _"),
        ("SELECT * FROM STREAM(documents)", "STREAM", "STREAM in a materialized view"),
        ("SELECT * FROM STREAM clusters(TABLE(fixed))", "STREAM", ""),
    ],
)
def test_a_stage_that_another_run_would_make_otherwise_is_refused(query, clause, message, error):
    if "STREAM clusters" in query:
        assert "STREAM cannot stand before one" in error(
            AROUND | {"20_x.sql": MATERIALIZED + query}
        )
        return
    said, underlined = refused(error, MATERIALIZED + query)
    assert message in said
    assert underlined == clause


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'rand()' AS a, t.rand, x AS current_date FROM fixed t -- uuid()",
        "SELECT user, t.current_user FROM raw.events t",
        "SELECT first(id) OVER (PARTITION BY n ORDER BY id) AS r FROM fixed",
        "SELECT row_number() OVER w AS r FROM fixed WINDOW w AS (PARTITION BY n ORDER BY id)",
        "SELECT row_number() OVER (w ORDER BY id) AS r FROM fixed WINDOW w AS (PARTITION BY n)",
        "SELECT array_sort(collect_list(id)) AS r, size(collect_set(n)) AS s FROM fixed",
        "SELECT listagg(id) WITHIN GROUP (ORDER BY id) AS r, mode(n, true) AS m FROM fixed",
        "SELECT id FROM fixed ORDER BY id LIMIT 3",
        "SELECT id FROM fixed UNION ALL SELECT 1 ORDER BY id LIMIT 3 OFFSET 1",
        "SELECT id FROM fixed LIMIT ALL",
        "FROM fixed |> ORDER BY id |> LIMIT 3",
        "SELECT * FROM fixed TABLESAMPLE (3 PERCENT) REPEATABLE (1)",
        "SELECT _a AS a FROM (SELECT id AS _a FROM fixed)",
        "SELECT unix_timestamp(day) AS s, date_trunc('day', day) AS d FROM raw.events",
        "SELECT count(*) AS n FROM documents GROUP BY id",
        "SELECT * FROM clusters(TABLE(documents))",
        "SELECT * FROM read_notes(:input)",
    ],
)
def test_what_every_run_makes_alike_is_accepted(query, load):
    assert load(AROUND | {"20_x.sql": MATERIALIZED + query}).stage("x")


@pytest.mark.parametrize(
    ("query", "clause", "message"),
    [
        (
            "SELECT n, count(*) AS c FROM STREAM(documents) GROUP BY n",
            "GROUP BY",
            "GROUP BY over STREAM(documents) would change its groups later",
        ),
        (
            "SELECT s.id FROM STREAM(documents) s JOIN "
            "(SELECT n FROM grown GROUP BY n) g ON g.n = s.n",
            "GROUP BY",
            "GROUP BY over `grown`, a table that grows would change its groups later",
        ),
        (
            "WITH c AS (SELECT max(n) AS n FROM documents) "
            "SELECT s.id FROM STREAM(documents) s CROSS JOIN c",
            "max",
            "`max` over `documents`, a table that grows would change its value later",
        ),
        (
            "SELECT DISTINCT id FROM STREAM documents",
            "DISTINCT",
            "DISTINCT over STREAM(documents) compares rows of all batches",
        ),
        (
            "SELECT id FROM STREAM(documents) UNION SELECT id FROM STREAM(more)",
            "UNION",
            "UNION without ALL over STREAM(documents) compares rows of all batches",
        ),
        (
            "SELECT id FROM STREAM(documents) EXCEPT SELECT id FROM STREAM(more)",
            "EXCEPT",
            "EXCEPT over STREAM(documents) compares rows of all batches",
        ),
        (
            "SELECT id, rank() OVER (ORDER BY id) AS r FROM STREAM(documents)",
            "OVER",
            "the window of `rank` over STREAM(documents) spans batches",
        ),
        (
            "SELECT id FROM STREAM(documents) ORDER BY id LIMIT 3",
            "LIMIT",
            "LIMIT over STREAM(documents) would keep other rows later",
        ),
        (
            "FROM STREAM(documents) |> AGGREGATE count(*) AS n",
            "AGGREGATE",
            "AGGREGATE over STREAM(documents) would change its groups later",
        ),
        (
            "SELECT * FROM STREAM(documents) PIVOT (sum(n) FOR id IN ('a'))",
            "PIVOT",
            "PIVOT over STREAM(documents) would change its groups later",
        ),
        (
            "SELECT a.id FROM STREAM(documents) a JOIN STREAM(more) b ON a.id = b.id",
            "STREAM(more)",
            "STREAM(documents) and STREAM(more) are joined: rows of different batches would not "
            "meet",
        ),
        (
            "WITH s AS (SELECT * FROM STREAM(documents)) SELECT a.id FROM s a JOIN s b USING (id)",
            "s",
            "STREAM(documents) and STREAM(documents) are joined: rows of different batches would "
            "not meet",
        ),
        (
            "SELECT id FROM STREAM(documents) WHERE id IN (SELECT id FROM STREAM(more))",
            "(",
            "STREAM(more) stands in a subquery, where its rows are compared, not added",
        ),
        (
            "SELECT id FROM STREAM(documents) d "
            "WHERE NOT EXISTS (SELECT 1 FROM more WHERE more.id = d.id)",
            "(",
            "this subquery reads `more`, a table that grows: what it says of a row would change "
            "later",
        ),
        (
            "SELECT a.id FROM fixed a LEFT JOIN STREAM(documents) b ON a.id = b.id",
            "LEFT JOIN STREAM(documents)",
            "STREAM(documents) stands on the side of a LEFT JOIN that may be missing",
        ),
        (
            "SELECT a.id FROM STREAM(documents) a RIGHT OUTER JOIN fixed b ON a.id = b.id",
            "RIGHT OUTER JOIN fixed",
            "STREAM(documents) stands on the side of a RIGHT OUTER JOIN that may be missing",
        ),
        (
            "SELECT a.id FROM STREAM(documents) a FULL JOIN fixed b ON a.id = b.id",
            "FULL JOIN fixed",
            "STREAM(documents) stands on the side of a FULL JOIN that may be missing",
        ),
        (
            "SELECT a.id FROM fixed a LEFT SEMI JOIN STREAM(documents) b ON a.id = b.id "
            "UNION ALL SELECT id FROM STREAM(more)",
            "LEFT SEMI JOIN STREAM(documents)",
            "STREAM(documents) stands on the side of a LEFT SEMI JOIN that only filters",
        ),
        (
            "SELECT a.id FROM STREAM(documents) a LEFT JOIN more b ON a.id = b.id",
            "LEFT JOIN more",
            "LEFT JOIN with `more`, a table that grows: its answer would change later",
        ),
        (
            "SELECT a.id FROM STREAM(documents) a ANTI JOIN grown b ON a.id = b.id",
            "ANTI JOIN grown",
            "ANTI JOIN with `grown`, a table that grows: its answer would change later",
        ),
        (
            "SELECT a.id FROM clusters(TABLE(SELECT * FROM STREAM(documents))) a",
            "clusters",
            "`clusters` is called over STREAM(documents): its answer would change",
        ),
        (
            "SELECT a.id FROM STREAM(documents) a JOIN clusters(TABLE(more)) b ON a.id = b.id",
            "clusters",
            "`clusters` is called over `more`, a table that grows: its answer would change",
        ),
        (
            "SELECT a.id FROM STREAM(documents) a JOIN documents b ON a.n = b.n AND a.id < b.id",
            "a.id < b.id",
            "this loses the pairs of a new row with an older one whose `id` is on the other side",
        ),
        (
            "SELECT a.id FROM STREAM(documents) a, documents WHERE documents.id >= a.id",
            "documents.id >= a.id",
            "this loses the pairs of a new row with an older one whose `id` is on the other side",
        ),
        (
            "SELECT id FROM STREAM(documents) UNION ALL SELECT id FROM fixed",
            "SELECT",
            "this branch has no STREAM: each run would add its rows again",
        ),
        ("SELECT * FROM read_notes(:input)", "read_notes(:input)", "without STREAM"),
    ],
)
def test_a_streaming_table_whose_rows_depend_on_the_batches_is_refused(
    query, clause, message, error
):
    said, underlined = refused(error, STREAMING + query)
    assert message in said
    assert underlined == clause


def test_an_operator_cannot_be_streamed(error):
    query = "SELECT * FROM STREAM clusters(TABLE(fixed))"
    assert refused(error, STREAMING + query) == (
        "`clusters` is an operator, and STREAM cannot stand before one",
        "STREAM",
    )


def test_a_streaming_table_without_a_stream_is_refused(error):
    assert refused(error, STREAMING + "SELECT id FROM documents") == (
        "streaming table `x` reads nothing with STREAM",
        "STREAMING TABLE",
    )


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM STREAM(documents) UNION ALL SELECT id FROM STREAM(more)",
        "SELECT a.id FROM STREAM(documents) a JOIN documents b ON a.n = b.n AND a.id <> b.id",
        "SELECT a.id FROM STREAM(documents) a LEFT JOIN fixed b ON a.id = b.id",
        "SELECT a.id FROM fixed a RIGHT JOIN STREAM(documents) b ON a.id = b.id",
        "SELECT a.id FROM STREAM(documents) a LEFT ANTI JOIN fixed b ON a.id = b.id",
        "SELECT a.id FROM STREAM(documents) a JOIN more b ON a.id = b.id",
        "SELECT id FROM STREAM(documents) WHERE id IN (SELECT id FROM fixed)",
        "SELECT s.id, f.c FROM STREAM(documents) s "
        "JOIN (SELECT n, count(*) AS c FROM fixed GROUP BY n) f ON f.n = s.n",
        "SELECT id, x FROM STREAM(documents) LATERAL VIEW explode(array(1, 2)) t AS x",
        "SELECT s.id FROM STREAM(documents) s JOIN clusters(TABLE(fixed)) c ON c.id = s.id",
        "SELECT * FROM met(TABLE(STREAM(documents)), TABLE(documents))",
        "SELECT id, aggregate(xs, 0, (a, b) -> a + b) AS s, size(array_distinct(xs)) AS d "
        "FROM STREAM(documents)",
        "SELECT id, greatest(n, 1) AS g, s.max FROM STREAM(documents) s",
        "FROM STREAM(documents) |> WHERE n > 1 |> SELECT id",
    ],
)
def test_a_streaming_table_that_is_the_same_for_any_batches_is_accepted(query, load):
    assert load(AROUND | {"20_x.sql": STREAMING + query}).stage("x")


@pytest.mark.parametrize(
    ("query", "clause", "message"),
    [
        (
            "SELECT * FROM clusters(TABLE(documents))",
            "clusters(TABLE(documents))",
            "a view cannot call `clusters`: its readers would run it each time",
        ),
        (
            "SELECT vowel_count(text) AS v FROM documents",
            "vowel_count",
            "a view cannot call `vowel_count`, a function of this pipeline alone: its readers do "
            "not have it",
        ),
        (
            "SELECT id FROM documents WHERE n > :least",
            ":least",
            "a view cannot use the parameter `least`: its readers give none",
        ),
        (
            "SELECT * FROM STREAM(documents)",
            "STREAM",
            "STREAM in a view: only a streaming table reads what is new",
        ),
    ],
)
def test_a_published_view_needs_nothing_that_its_readers_lack(query, clause, message, error):
    assert refused(error, f"CREATE VIEW x AS\n{query}") == (message, clause)


def test_a_temporary_view_may_call_what_the_pipeline_has(load):
    sql = (
        "CREATE TEMPORARY VIEW x AS\n"
        "SELECT id, vowel_count(kept_id) AS v FROM clusters(TABLE(documents)) WHERE id > :least"
    )
    assert load({"20_x.sql": sql}).stage("x").functions == ("vowel_count",)


@pytest.mark.parametrize(
    ("condition", "clause", "message"),
    [
        (
            "vowel_count(id) > 3",
            "vowel_count",
            "rule `r` calls `vowel_count`, and rules call no Python",
        ),
        (
            "id IN (SELECT id FROM fixed)",
            "(",
            "rule `r` has a subquery: a rule sees one row of this stage",
        ),
        ("max(n) > 3", "max", "rule `r` calls `max` over many rows, and a rule sees one"),
        (
            "sum(n) OVER (ORDER BY id) > 3",
            "sum",
            "rule `r` calls `sum` over many rows, and a rule sees one",
        ),
        ("n > rand()", "rand", "`rand` gives other values in each run"),
        ("day < current_date", "current_date", "`current_date` gives another value in each run"),
        ("n > :leest", "leest", "there is no parameter `leest`"),
    ],
)
def test_a_rule_that_sees_more_than_its_row_is_refused(condition, clause, message, error):
    sql = (
        "CREATE OR REFRESH MATERIALIZED VIEW x (\n"
        f"CONSTRAINT r EXPECT ({condition})\n) AS SELECT id, n FROM fixed"
    )
    assert refused(error, sql) == (message, clause)


def test_a_rule_with_a_parameter_uses_it(load):
    sql = (
        "CREATE OR REFRESH MATERIALIZED VIEW x (CONSTRAINT r EXPECT (n >= :least)) AS\n"
        "SELECT n FROM documents"
    )
    assert load({"20_x.sql": sql}).stage("x").parameters == ("least",)


def test_a_filter_beside_rules_is_a_warning(load):
    sql = (
        "CREATE OR REFRESH MATERIALIZED VIEW x (CONSTRAINT r EXPECT (n > 1)) AS\n"
        "SELECT n FROM (SELECT n FROM documents WHERE n > 0) WHERE n < 9"
    )
    (warning,) = load({"20_x.sql": sql}).warnings
    assert str(warning) == (
        "20_x.sql:2:53: WHERE loses rows without a verdict\n"
        "    SELECT n FROM (SELECT n FROM documents WHERE n > 0) WHERE n < 9\n"
        "                                                        ^^^^^\n"
        "Rows leave by rules, so that each has a verdict: write a CONSTRAINT."
    )


def test_a_rule_that_computes_over_texts_is_a_warning(load):
    sql = (
        "CREATE OR REFRESH MATERIALIZED VIEW x (\n"
        "  CONSTRAINT long EXPECT (length(text) >= 200),\n"
        "  CONSTRAINT there EXPECT (text IS NOT NULL)\n"
        ") AS SELECT text FROM documents"
    )
    (warning,) = load({"20_x.sql": sql}).warnings
    assert warning.place.line == 2
    assert warning.message == "rule `long` computes over `text`, a column of long texts"


def test_every_aggregate_of_spark_is_known(spark):
    functions = spark._jvm.org.apache.spark.sql.api.python.PythonSQLUtils.listBuiltinFunctionInfos()
    found = {function.getName() for function in functions if function.getGroup() == "agg_funcs"}
    assert found == AGGREGATES


@pytest.mark.parametrize("view", ["VIEW", "TEMPORARY VIEW"])
def test_a_view_that_a_streaming_table_reads_may_not_group_a_table_that_grows(view, error, load):
    step = f"CREATE {view} sizes AS\nSELECT id, count(*) AS n FROM documents GROUP BY id"
    body = "SELECT d.id, n FROM STREAM(documents) AS d JOIN sizes ON sizes.id = d.id"
    said = error({"20_sizes.sql": step, "30_x.sql": STREAMING + body})
    assert "20_sizes.sql:2:41: GROUP BY over `documents`, a table that grows" in said
    assert load({"20_sizes.sql": step, "30_x.sql": MATERIALIZED + "SELECT id, n FROM sizes"})
