"""The tables that a query reads, against Spark's own parser; calls and their TABLE arguments."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pipeline.conftest import Load
from winnow.pipeline.calls import SPARK_TABLE_FUNCTIONS
from winnow.pipeline.context import Context
from winnow.pipeline.lineage import Uses, uses
from winnow.pipeline.model import Kind, Marker, Parameter
from winnow.pipeline.render import replace
from winnow.pipeline.stage import read_statement
from winnow.pipeline.text import Text

# Queries that Spark's parser and ours must read alike: same tables, no more.
QUERIES = [
    "SELECT * FROM a",
    "TABLE a",
    "FROM a",
    "FROM a SELECT id WHERE id > 1",
    "SELECT 1",
    "VALUES (1, 'FROM a'), (2, 'b')",
    "SELECT * FROM a, b, c AS d",
    "SELECT * FROM a JOIN b USING (id) LEFT JOIN c ON c.id = b.id",
    "SELECT * FROM a NATURAL JOIN b CROSS JOIN c",
    "SELECT * FROM a LEFT SEMI JOIN b ON a.id = b.id LEFT ANTI JOIN c ON c.id = a.id",
    "SELECT * FROM a SEMI JOIN b USING (id)",
    "SELECT * FROM (a JOIN b ON a.id = b.id) LEFT JOIN (c CROSS JOIN d) ON c.id = a.id",
    "SELECT * FROM ((SELECT * FROM a) x JOIN b USING (id))",
    "SELECT * FROM ((SELECT id FROM a) UNION ALL (SELECT id FROM b)) x",
    # WITH steps: nested, shadowing, unused, named like tables
    "WITH s AS (SELECT * FROM a) SELECT * FROM s JOIN b USING (id)",
    "WITH s AS (SELECT * FROM a), t AS (SELECT * FROM s) SELECT * FROM t",
    "WITH a AS (SELECT * FROM a) SELECT * FROM a",
    "WITH s AS (SELECT 1) SELECT * FROM (WITH s AS (SELECT * FROM a) SELECT * FROM s) x, s",
    "WITH s AS (WITH t AS (SELECT * FROM a) SELECT * FROM t) SELECT * FROM s, t",
    "WITH t AS (SELECT * FROM u), u AS (SELECT * FROM b) SELECT * FROM t, u",
    "WITH S AS (SELECT * FROM a) SELECT * FROM s",
    "WITH s (x, y) AS (SELECT * FROM a) SELECT x FROM s",
    "WITH s AS (SELECT * FROM a) SELECT * FROM db.s",
    "WITH s AS (SELECT * FROM a) SELECT (SELECT max(id) FROM s), (SELECT max(id) FROM b)",
    "WITH RECURSIVE r AS (SELECT id FROM a UNION ALL SELECT id + 1 FROM r) SELECT * FROM r",
    "WITH s AS (SELECT * FROM a) SELECT * FROM b WHERE id IN (SELECT id FROM s)",
    # subqueries in every clause
    "SELECT (SELECT max(id) FROM b) AS m FROM a",
    "SELECT * FROM a WHERE id IN (SELECT id FROM b WHERE EXISTS (SELECT 1 FROM c))",
    "SELECT * FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.id = a.id)",
    "SELECT * FROM a WHERE (id, name) NOT IN (SELECT id, name FROM b)",
    "SELECT count(*) FROM a GROUP BY id HAVING count(*) > (SELECT avg(n) FROM b)",
    "SELECT * FROM a ORDER BY (SELECT max(id) FROM b), id LIMIT 3",
    "SELECT CASE WHEN id IN (SELECT id FROM b) THEN 1 ELSE (SELECT 2 FROM c) END FROM a",
    "SELECT * FROM a JOIN b ON a.id = (SELECT min(id) FROM c)",
    "SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.id = a.id) x",
    "SELECT * FROM a JOIN LATERAL (SELECT * FROM b) x ON true",
    "SELECT (((SELECT 1 FROM a)))",
    # set operations
    "SELECT id FROM a UNION ALL SELECT id FROM b UNION SELECT id FROM c",
    "(SELECT id FROM a INTERSECT SELECT id FROM b) EXCEPT ALL SELECT id FROM c",
    "SELECT id FROM a MINUS SELECT id FROM b",
    "SELECT * EXCEPT (id) FROM a UNION ALL SELECT * FROM b",
    "VALUES (1) UNION ALL TABLE a",
    # words in strings, comments and quoted names
    "SELECT 'FROM b' AS `from`, \"JOIN c\" FROM a -- FROM d\n /* JOIN e */",
    "SELECT /* a /* nested FROM b */ c */ * FROM a",
    "SELECT 'it''s FROM b', 'it\\'s FROM c', r'\\' FROM a",
    "SELECT /*+ BROADCAST(b) */ * FROM a",
    "SELECT * FROM `a b` JOIN `x.y` ON true JOIN db.`t``u` ON true",
    "SELECT `from`.`select` FROM a AS `from`",
    "SELECT a.from, a.limit, a.group FROM a",
    "SELECT id AS limit, id AS from FROM a",
    "SELECT `größe`, '語 FROM b 🌾' FROM a",
    "SELECT\n\t*\r\nFROM\r\n\ta",
    "SELECT :least FROM a LIMIT :least",
    # functions whose arguments look like clauses
    "SELECT extract(YEAR FROM day), trim(BOTH ' ' FROM name), substring(name FROM 2) FROM a",
    "SELECT * FROM a WHERE x IS DISTINCT FROM y AND x IS NOT DISTINCT FROM z",
    "SELECT overlay(name PLACING 'x' FROM 2 FOR 1), position('x' IN name) FROM a",
    "SELECT transform(xs, x -> x + 1), aggregate(xs, 0, (s, x) -> s + x) FROM a",
    "SELECT map('from', 1), named_struct('select', 2), array(1, 2)[0], v:from FROM a",
    "SELECT count(*) FILTER (WHERE id > 1), listagg(n) WITHIN GROUP (ORDER BY n) FROM a",
    "SELECT left(name, 1), right(name, 1), if(x, 1, 2) FROM a",
    "SELECT cast(x AS STRUCT<a: INT, b: ARRAY<STRING>>), x::int, INTERVAL '1' DAY FROM a",
    # windows
    "SELECT sum(x) OVER (PARTITION BY y ORDER BY z ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) "
    "FROM a",
    "SELECT rank() OVER w FROM a WINDOW w AS (PARTITION BY y ORDER BY z)",
    "SELECT * FROM a QUALIFY row_number() OVER (PARTITION BY y ORDER BY z) = 1",
    # generators, pivots, inline tables, samples
    "SELECT * FROM a LATERAL VIEW explode(xs) t AS x LATERAL VIEW OUTER posexplode(m) AS k, v",
    "SELECT * FROM a, LATERAL explode(xs) AS t(x), b",
    "SELECT * FROM range(10) r JOIN a ON a.id = r.id",
    "SELECT * FROM a PIVOT (sum(x) FOR y IN ('from', 'b') )",
    "SELECT * FROM a UNPIVOT INCLUDE NULLS (v FOR n IN (x, y)) AS u JOIN b USING (id)",
    "SELECT * FROM VALUES (1, 2), (3, 4) AS v(x, y), a",
    "SELECT * FROM (VALUES (1), (2)) v JOIN a ON true",
    "SELECT * FROM a TABLESAMPLE (10 PERCENT) REPEATABLE (1) JOIN b USING (id)",
    "SELECT * FROM a AS t (x, y) CROSS JOIN b u",
    # pipes
    "FROM a |> WHERE id > 1 |> SELECT id",
    "FROM a |> JOIN b USING (id) |> AGGREGATE count(*) AS n GROUP BY id",
    "TABLE a |> UNION ALL TABLE b |> WHERE id IN (SELECT id FROM c)",
    "FROM a |> EXTEND (SELECT max(id) FROM b) AS m |> SET id = 1 |> DROP name |> AS t",
    "SELECT * FROM a |> ORDER BY id |> LIMIT 3 |> LEFT ANTI JOIN b USING (id)",
    "WITH s AS (FROM a |> SELECT id) FROM s |> PIVOT (sum(x) FOR id IN (1, 2))",
    # streams and table functions of ours
    "SELECT * FROM STREAM a",
    "SELECT * FROM STREAM(a) AS x JOIN b USING (id)",
    "SELECT * FROM STREAM db.a",
    "SELECT * FROM clusters(TABLE(a))",
    "SELECT * FROM clusters(TABLE(SELECT * FROM a JOIN b USING (id)), similarity => 0.5) c, d",
    "SELECT * FROM matched(left => TABLE(a), right => TABLE(SELECT * FROM b), by => 'id')",
    "SELECT * FROM a WHERE id IN (SELECT id FROM clusters(TABLE(b)))",
    "WITH s AS (SELECT * FROM a) SELECT * FROM clusters(TABLE(s))",
    "SELECT stream FROM a AS stream",
    "SELECT * FROM db.a JOIN `db`.`b` USING (id)",
]


@pytest.fixture
def read(load: Load) -> Callable[..., Uses]:
    """Read one query as a stage of a pipeline whose other stages are the tables named."""
    functions = load({}).functions

    def read_query(query: str, tables: Iterable[str] = "abcd") -> Uses:
        context = Context(
            pipeline="web",
            parameters={"least": Parameter("least", 3, "")},
            functions=functions,
            stages=dict.fromkeys(tables, Kind.STREAMING_TABLE),
        )
        head = "CREATE OR REFRESH STREAMING TABLE x AS "
        return uses(read_statement(Text(Path("x.sql"), head + query)), context)

    return read_query


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_reads_the_tables_that_spark_finds_in_it(query, read, spark_parser):
    expected = spark_parser.tables(query)
    found = read(query, expected)
    assert not found.problems
    assert set(found.tables.values()) == expected


@pytest.mark.parametrize("query", QUERIES)
def test_replacing_what_was_found_leaves_spark_nothing_else_to_read(query, read, spark_parser):
    found = read(query, spark_parser.tables(query))
    spans = [(part.start, part.end) for part in (*found.reads, *found.calls)]
    names = {f"input_{i}" for i in range(len(spans))}
    changes = [(*span, f"input_{i}") for i, span in enumerate(spans)]
    assert spark_parser.tables(replace(query, changes).text) == names


@pytest.mark.parametrize("query", [query for query in QUERIES if "TABLE(" in query])
def test_the_query_of_a_table_argument_stands_alone(query, read, spark_parser):
    for call in read(query).calls:
        for table in call.tables:
            named = {read.table for read in table.reads}
            assert spark_parser.tables(table.sql) == named
            assert all(table.sql[read.start : read.end].strip("`") for read in table.reads)


@pytest.mark.parametrize(
    ("query", "sql"),
    [
        ("SELECT * FROM clusters(TABLE(a))", "SELECT * FROM a"),
        ("SELECT * FROM clusters(TABLE(SELECT id FROM a))", "SELECT id FROM a"),
        (
            "WITH s AS (SELECT * FROM a), u AS (SELECT 1) SELECT * FROM clusters(TABLE(s)), u",
            "WITH s AS (SELECT * FROM a) SELECT * FROM s",
        ),
        (
            "WITH s AS (SELECT * FROM a), t AS (SELECT * FROM s) "
            "SELECT * FROM clusters(TABLE(SELECT * FROM t JOIN b USING (id)))",
            "WITH s AS (SELECT * FROM a), t AS (SELECT * FROM s) SELECT * FROM t JOIN b USING (id)",
        ),
        (
            "WITH s AS (SELECT * FROM a) SELECT * FROM "
            "(WITH s AS (SELECT * FROM s) SELECT * FROM clusters(TABLE(s)))",
            "WITH s AS (SELECT * FROM a) (WITH s AS (SELECT * FROM s) SELECT * FROM s)",
        ),
        (
            "WITH s AS (SELECT * FROM a) "
            "SELECT * FROM clusters(TABLE(WITH t AS (SELECT * FROM s) SELECT * FROM t))",
            "WITH s AS (SELECT * FROM a) (WITH t AS (SELECT * FROM s) SELECT * FROM t)",
        ),
        (
            "WITH s AS (SELECT * FROM a) "
            "SELECT * FROM clusters(TABLE(WITH s AS (SELECT * FROM b) SELECT * FROM s))",
            "WITH s AS (SELECT * FROM b) SELECT * FROM s",
        ),
    ],
)
def test_a_table_argument_brings_the_with_steps_that_it_needs(query, sql, read, spark_parser):
    (argument,) = read(query).calls[0].tables
    assert argument.sql == sql
    assert spark_parser.tables(sql) == {part.table for part in argument.reads}


def test_a_stream_is_read_with_the_word_before_it(read):
    query = "SELECT * FROM STREAM ( a ) x JOIN b USING (id)"
    stream, whole = read(query).reads
    assert (query[stream.start : stream.end], stream.stream) == ("STREAM ( a )", True)
    assert (query[whole.start : whole.end], whole.stream) == ("b", False)


def test_options_keep_their_types_and_name_their_parameters(read):
    query = (
        "SELECT * FROM STREAM read_notes('x' 'y', format => :least, limit => -3, strict => TRUE)"
    )
    (call,) = read(query).calls
    assert call.stream
    assert call.options == {"path": "xy", "format": Marker("least"), "limit": -3, "strict": True}


def test_an_integer_is_a_number(read):
    (call,) = read("SELECT * FROM clusters(TABLE(a), similarity => 1)").calls
    assert call.options == {"similarity": 1.0}


def test_tables_of_two_arguments_carry_the_names_of_the_declaration(read):
    query = "SELECT * FROM matched(TABLE(a), TABLE(b), by => 'id')"
    assert [table.name for table in read(query).calls[0].tables] == ["left", "right"]


def test_the_pipelines_own_name_before_a_stage_changes_nothing(read):
    found = read("SELECT * FROM web.a JOIN other.a USING (id)")
    assert [read.table for read in found.reads] == ["a", "other.a"]


def test_a_table_named_by_a_parameter_is_the_table_that_it_names(load):
    pipeline = load(
        {
            "pipeline.yml": "name: web\nparameters: {from: {default: raw.notes}}",
            "10_documents.sql": "CREATE OR REFRESH MATERIALIZED VIEW documents AS\n"
            "SELECT * FROM IDENTIFIER(:from)",
        }
    )
    (read,) = pipeline.stage("documents").reads
    assert read.table == "raw.notes"
    assert pipeline.stage("documents").parameters == ("from",)


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("SELECT :least", {"least"}),
        ("SELECT * FROM a WHERE x > :least AND y IN (:least) LIMIT :least", {"least"}),
        ("SELECT v:least, (v):least, `v`:least, v[0]:least FROM a", set()),
        ("SELECT ':least', CAST(x AS STRUCT<least:INT>) FROM a -- :least", set()),
    ],
)
def test_parameters_are_told_from_the_fields_of_a_variant(query, parameters, read):
    assert set(read(query).parameters) == parameters


def test_every_table_function_of_spark_is_known(spark):
    registry = spark._jvm.org.apache.spark.sql.catalyst.analysis.TableFunctionRegistry
    names = registry.builtin().listFunction()
    assert {names.apply(i).funcName() for i in range(names.size())} <= SPARK_TABLE_FUNCTIONS


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            "SELECT * FROM documnts",
            "20_x.sql:2:15: there is no stage `documnts` in this pipeline\n"
            "    SELECT * FROM documnts\n"
            "                  ^^^^^^^^\n"
            "Did you mean `documents`?",
        ),
        (
            "SELECT * FROM vowels",
            "20_x.sql:2:15: there is no stage `vowels` in this pipeline\n"
            "    SELECT * FROM vowels\n"
            "                  ^^^^^^\n"
            "Tables of other pipelines are read as pipeline.table.",
        ),
        (
            "SELECT * FROM delta.`/data/x`",
            "20_x.sql:2:15: `delta./data/x` is read by its path, and a run cannot pin that\n"
            "    SELECT * FROM delta.`/data/x`\n"
            "                  ^^^^^^^^^^^^^^^\n"
            "Read files by a source: STREAM read_documents(:input).",
        ),
        (
            "SELECT * FROM one.two.three",
            "20_x.sql:2:15: `one.two.three` has 3 parts: a run cannot pin its version\n"
            "    SELECT * FROM one.two.three\n"
            "                  ^^^^^^^^^^^^^\n"
            "Read a stage by its name, or pipeline.table of the same warehouse.",
        ),
        (
            "SELECT * FROM winnow.runs",
            "20_x.sql:2:15: `winnow.runs` is a control table, and each run changes it\n"
            "    SELECT * FROM winnow.runs\n"
            "                  ^^^^^^^^^^^\n"
            "Ask for it with `winnow sql`.",
        ),
        (
            "SELECT * FROM documents VERSION AS OF 3",
            "20_x.sql:2:25: a stage cannot choose the version of an input\n"
            "    SELECT * FROM documents VERSION AS OF 3\n"
            "                            ^^^^^^^^^^^^^^^\n"
            "A run pins the version of every input, so that its result can be made again. "
            "Leave this out.",
        ),
        (
            "SELECT * FROM other.t FOR SYSTEM_TIME AS OF '2026-01-01' x",
            "20_x.sql:2:23: a stage cannot choose the version of an input\n"
            "    SELECT * FROM other.t FOR SYSTEM_TIME AS OF '2026-01-01' x\n"
            "                          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
            "A run pins the version of every input, so that its result can be made again. "
            "Leave this out.",
        ),
        (
            "SELECT * FROM cluster(TABLE(documents))",
            "20_x.sql:2:15: there is no table function `cluster`\n"
            "    SELECT * FROM cluster(TABLE(documents))\n"
            "                  ^^^^^^^\n"
            "Did you mean `clusters`?",
        ),
        (
            "SELECT * FROM vowel_count(TABLE(documents))",
            "20_x.sql:2:15: `vowel_count` is a column function and gives no table\n"
            "    SELECT * FROM vowel_count(TABLE(documents))\n"
            "                  ^^^^^^^^^^^\n"
            "Call it in a SELECT: SELECT vowel_count(...).",
        ),
        (
            "SELECT clusters(id) FROM documents",
            "20_x.sql:2:8: `clusters` gives a table, not a value\n"
            "    SELECT clusters(id) FROM documents\n"
            "           ^^^^^^^^\n"
            "Call it after FROM: FROM clusters(...).",
        ),
        (
            "SELECT vowel_count() FROM documents",
            "20_x.sql:2:8: `vowel_count` is called with 0 arguments\n"
            "    SELECT vowel_count() FROM documents\n"
            "           ^^^^^^^^^^^^^\n"
            "It is declared as vowel_count(text, [letters]).",
        ),
        (
            "SELECT * FROM clusters(TABLE(documents), similarty => 1)",
            "20_x.sql:2:42: `clusters` has no option `similarty`\n"
            "    SELECT * FROM clusters(TABLE(documents), similarty => 1)\n"
            "                                             ^^^^^^^^^\n"
            "Did you mean `similarity`?",
        ),
        (
            "SELECT * FROM clusters(TABLE(documents), rounds => 1.5)",
            "20_x.sql:2:52: option `rounds` of `clusters` must be an integer: 1.5\n"
            "    SELECT * FROM clusters(TABLE(documents), rounds => 1.5)\n"
            "                                                       ^^^",
        ),
        (
            "SELECT * FROM clusters(TABLE(documents), similarity => :input)",
            "20_x.sql:2:56: option `similarity` of `clusters` must be a number: "
            ":input is 'data'\n"
            "    SELECT * FROM clusters(TABLE(documents), similarity => :input)\n"
            "                                                           ^^^^^^",
        ),
        (
            "SELECT * FROM clusters(TABLE(documents), rounds => 1 + 1)",
            "20_x.sql:2:52: option `rounds` is neither a literal nor a parameter\n"
            "    SELECT * FROM clusters(TABLE(documents), rounds => 1 + 1)\n"
            "                                                       ^^^^^\n"
            "Give a string, a number, TRUE, FALSE, NULL or :parameter.",
        ),
        (
            "SELECT * FROM clusters(TABLE(documents), rounds => 1, rounds => 2)",
            "20_x.sql:2:55: option `rounds` is given twice\n"
            "    SELECT * FROM clusters(TABLE(documents), rounds => 1, rounds => 2)\n"
            "                                                          ^^^^^^",
        ),
        (
            "SELECT * FROM clusters(TABLE(documents), 0.5)",
            "20_x.sql:2:42: options are given by name\n"
            "    SELECT * FROM clusters(TABLE(documents), 0.5)\n"
            "                                             ^^^\n"
            "Write name => value; the names are `similarity` and `rounds`.",
        ),
        (
            "SELECT * FROM clusters(documents)",
            "20_x.sql:2:24: `documents` is not a TABLE argument\n"
            "    SELECT * FROM clusters(documents)\n"
            "                           ^^^^^^^^^\n"
            "Write TABLE(documents).",
        ),
        (
            "SELECT * FROM clusters()",
            "20_x.sql:2:15: `clusters` takes 1 TABLE argument (`pairs`), and 0 are given\n"
            "    SELECT * FROM clusters()\n"
            "                  ^^^^^^^^\n"
            "Write clusters(TABLE(pairs)).",
        ),
        (
            "SELECT * FROM matched(TABLE(documents), TABLE(documents))",
            "20_x.sql:2:15: `matched` needs the option `by`\n"
            "    SELECT * FROM matched(TABLE(documents), TABLE(documents))\n"
            "                  ^^^^^^^\n"
            "Add by => ... to its arguments.",
        ),
        (
            "SELECT * FROM clusters(TABLE(documents) PARTITION BY id)",
            "20_x.sql:2:41: nothing may follow TABLE( ) in a call of `clusters`\n"
            "    SELECT * FROM clusters(TABLE(documents) PARTITION BY id)\n"
            "                                            ^^^^^^^^^\n"
            "An operator sees its whole input: it orders and groups rows by itself.",
        ),
        (
            "SELECT * FROM clusters(TABLE(SELECT * FROM clusters(TABLE(documents))))",
            "20_x.sql:2:44: `clusters` is called inside the argument of another function\n"
            "    SELECT * FROM clusters(TABLE(SELECT * FROM clusters(TABLE(documents))))\n"
            "                                               ^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
            "Make it a stage of its own, a CREATE TEMPORARY VIEW for instance.",
        ),
        (
            "SELECT * FROM documents WHERE id > :leest",
            "20_x.sql:2:37: there is no parameter `leest`\n"
            "    SELECT * FROM documents WHERE id > :leest\n"
            "                                        ^^^^^\n"
            "Did you mean `least`?",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_an_error_with_a_way_out(query, message, error):
    assert error({"20_x.sql": f"CREATE OR REFRESH MATERIALIZED VIEW x AS\n{query}"}) == message
