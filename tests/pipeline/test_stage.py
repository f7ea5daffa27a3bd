"""The header of a stage file: what is read from it, and every way in which it can be wrong."""

from pathlib import Path

import pytest

from winnow.pipeline.model import Action, Kind
from winnow.pipeline.stage import HeaderError, read_statement
from winnow.pipeline.text import Text

STARTS = (
    "A stage starts with CREATE OR REFRESH MATERIALIZED VIEW name, CREATE OR REFRESH STREAMING "
    "TABLE name, CREATE VIEW name or CREATE TEMPORARY VIEW name."
)
REFRESH = "Write CREATE OR REFRESH: a run adds to the table or replaces its rows."
TABLE = "CREATE OR REFRESH STREAMING TABLE filtered"


def read(sql: str):
    return read_statement(Text(Path("20_filtered.sql"), sql))


def test_a_header_gives_rules_comment_properties_and_the_query_as_written():
    statement = read(
        "-- a comment (CONSTRAINT x)\n"
        "create or refresh streaming table `filtered` (\n"
        "  CONSTRAINT english EXPECT (language = 'en') ON VIOLATION DROP ROW, -- why\n"
        "  CONSTRAINT `long` EXPECT (length(text) > 3 AND (x OR y)) ON VIOLATION FAIL UPDATE,\n"
        "  constraint licence expect ( licence IS NOT NULL )\n"
        ")\n"
        "COMMENT 'rows; AS SELECT'\n"
        "TBLPROPERTIES ('a.b' = 'c', d.e = 3, f = TRUE)\n"
        "AS SELECT 1 AS x /* AS */ ;\n"
    )
    assert (statement.name, statement.kind) == ("filtered", Kind.STREAMING_TABLE)
    assert [(rule.name, rule.condition, rule.action) for rule in statement.rules] == [
        ("english", "language = 'en'", Action.DROP),
        ("long", "length(text) > 3 AND (x OR y)", Action.FAIL),
        ("licence", "licence IS NOT NULL", Action.RECORD),
    ]
    assert (statement.rules[1].place.line, statement.rules[1].condition_place.column) == (4, 29)
    assert statement.comment == "rows; AS SELECT"
    assert statement.properties == {"a.b": "c", "d.e": "3", "f": "true"}
    start, end = statement.body_span
    assert statement.text.text[start:end] == "SELECT 1 AS x"
    assert not statement.problems


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        ("CREATE OR REFRESH MATERIALIZED VIEW", Kind.MATERIALIZED_VIEW),
        ("CREATE OR REFRESH STREAMING TABLE", Kind.STREAMING_TABLE),
        ("CREATE VIEW", Kind.VIEW),
        ("CREATE TEMPORARY VIEW", Kind.TEMPORARY_VIEW),
    ],
)
def test_there_are_four_kinds_of_stages(head, kind):
    assert read(f"{head} filtered COMMENT 'x' AS SELECT 1").kind is kind


SAME = [
    ("select  1 -- why\n", "SELECT 1"),
    ("SELECT a /* b */ FROM t", "SELECT a\nFROM t ;"),
    ("SELECT a FROM t group   by a", "SELECT a FROM t GROUP BY a"),
]
DIFFERENT = [
    ("SELECT 'a'", "SELECT 'A'"),
    ("SELECT 'a -- b'", "SELECT 'a'"),
    ("SELECT `a`", "SELECT `A`"),
    ("SELECT a", "SELECT A"),
    ("SELECT 1", "SELECT 1L"),
    ("SELECT 'a' 'b'", "SELECT 'a', 'b'"),
    ("SELECT /*+ BROADCAST(t) */ 1", "SELECT 1"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_layout_comments_and_the_case_of_keywords_are_no_part_of_a_definition(one, other):
    assert read(f"{TABLE} AS {one}").tokens == read(f"{TABLE.lower()}\nAS {other}").tokens


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_everything_else_is_part_of_a_definition(one, other):
    assert read(f"{TABLE} AS {one}").tokens != read(f"{TABLE} AS {other}").tokens


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", f"1:1: this stage file has no statement|{STARTS}"),
        ("-- only a comment", f"1:1: this stage file has no statement|{STARTS}"),
        ("SELECT 1", f"1:1: expected CREATE, found `SELECT`|{STARTS}"),
        ("CREAT VIEW x AS SELECT 1", "1:1: expected CREATE, found `CREAT`|Did you mean `CREATE`?"),
        (
            "CREATE OR REPLACE VIEW x AS SELECT 1",
            "1:11: expected REFRESH, found `REPLACE`|"
            "Write CREATE VIEW: each run defines its views anew.",
        ),
        (
            "CREATE OR REPLACE MATERIALIZED VIEW x AS SELECT 1",
            f"1:11: expected REFRESH, found `REPLACE`|{REFRESH}",
        ),
        (
            "CREATE STREAMING TABLE x AS SELECT 1",
            f"1:8: expected OR REFRESH, found `STREAMING`|{REFRESH}",
        ),
        (
            "CREATE OR REFRESH VIEW x AS SELECT 1",
            "1:19: expected MATERIALIZED VIEW or STREAMING TABLE, found `VIEW`|"
            "A view is not stored: write CREATE VIEW, or CREATE TEMPORARY VIEW.",
        ),
        (
            "CREATE TABLE x AS SELECT 1",
            f"1:8: expected OR REFRESH, VIEW or TEMPORARY VIEW, found `TABLE`|{STARTS}",
        ),
        (
            "CREATE OR REFRESH STREAMING VIEW x AS SELECT 1",
            "1:29: expected TABLE, found `VIEW`|",
        ),
        (
            "CREATE VIEW IF NOT EXISTS x AS SELECT 1",
            "1:13: expected the name of the stage, found `IF`|Leave IF NOT EXISTS out.",
        ),
        ("CREATE VIEW", "1:11: expected the name of the stage after this|"),
        ("CREATE VIEW 'x' AS SELECT 1", "1:13: expected the name of the stage, found `'x'`|"),
        (
            "CREATE VIEW web.x AS SELECT 1",
            "1:13: a stage has a name of one part: its pipeline's name comes before it anyway|",
        ),
        (
            "CREATE VIEW x (CONSTRAINT y EXPECT (z)) AS SELECT 1",
            "1:15: expected AS, found `(`|A view has no rules: give them to the stages that it "
            "reads.",
        ),
        (
            f"{TABLE} (id STRING) AS SELECT 1",
            "1:45: expected CONSTRAINT, found `id`|Columns are not declared: they come from the "
            "query. Rules read CONSTRAINT name EXPECT (condition).",
        ),
        (
            f"{TABLE} (CONSTRANT x EXPECT (y)) AS SELECT 1",
            "1:45: expected CONSTRAINT, found `CONSTRANT`|Did you mean `CONSTRAINT`?",
        ),
        (
            f"{TABLE} (CONSTRAINT x EXPECTS (y)) AS SELECT 1",
            "1:58: expected EXPECT, found `EXPECTS`|Did you mean `EXPECT`?",
        ),
        (
            f"{TABLE} (CONSTRAINT x EXPECT y > 1) AS SELECT 1",
            "1:65: expected the condition between parentheses, found `y`|",
        ),
        (f"{TABLE} (CONSTRAINT x EXPECT ()) AS SELECT 1", "1:65: rule `x` has no condition|"),
        (
            f"{TABLE} (CONSTRAINT x EXPECT (y) ON VIOLATION DROP) AS SELECT 1",
            "1:86: expected ROW, found `)`|",
        ),
        (
            f"{TABLE} (CONSTRAINT x EXPECT (y) ON VIOLATION QUARANTINE) AS SELECT 1",
            "1:82: expected DROP ROW or FAIL UPDATE, found `QUARANTINE`|",
        ),
        (
            f"{TABLE} (CONSTRAINT x EXPECT (y) CONSTRAINT z EXPECT (y)) AS SELECT 1",
            "1:69: expected ON VIOLATION, a comma or `)`, found `CONSTRAINT`|",
        ),
        (
            f"{TABLE} (CONSTRAINT x EXPECT (y),) AS SELECT 1",
            "1:69: expected CONSTRAINT, found `)`|Columns are not declared: they come from the "
            "query. Rules read CONSTRAINT name EXPECT (condition).",
        ),
        (f"{TABLE} (CONSTRAINT x EXPECT (y AS SELECT 1", "1:65: `(` is never closed|"),
        (f"{TABLE} AS SELECT 1)", "1:55: `)` closes nothing|"),
        (
            f"{TABLE} PARTITIONED BY (x) AS SELECT 1",
            "1:44: expected rules between parentheses, COMMENT, TBLPROPERTIES or AS, found "
            "`PARTITIONED`|",
        ),
        (
            f"{TABLE} COMENT 'x' AS SELECT 1",
            "1:44: expected rules between parentheses, COMMENT, TBLPROPERTIES or AS, found "
            "`COMENT`|Did you mean `COMMENT`?",
        ),
        (
            f"{TABLE} COMMENT 'x' COMMENT 'y' AS SELECT 1",
            "1:56: expected AS, found `COMMENT`|COMMENT is given twice.",
        ),
        (f"{TABLE} COMMENT x AS SELECT 1", "1:52: expected the comment as a string, found `x`|"),
        (
            f"{TABLE} TBLPROPERTIES ('a' = b) AS SELECT 1",
            "1:65: expected the value of the property: a string, a number, true or false, found "
            "`b`|",
        ),
        (
            f"{TABLE} TBLPROPERTIES ('a' = 1, 'a' = 2) AS SELECT 1",
            "1:68: property `a` is given twice|",
        ),
        (f"{TABLE} AS", "1:45: expected the query after this|"),
        (
            f"{TABLE}",
            "1:42: expected rules between parentheses, COMMENT, TBLPROPERTIES or AS after this|",
        ),
        (
            f"{TABLE} AS SELECT 1;\nSELECT 2",
            "2:1: a stage file holds one statement, and a second one starts here|"
            "Put it into a file of its own.",
        ),
        (f"{TABLE} AS SELECT 'x", "1:54: the string that starts here has no closing '|"),
        (f"{TABLE} AS SELECT `x", "1:54: the quoted name that starts here has no closing `|"),
        (f"{TABLE} AS SELECT 1 /* x", "1:56: the comment that starts here has no closing */|"),
        (f"{TABLE} -- '\nAS SELECT \"x'", '2:11: the string that starts here has no closing "|'),
    ],
)
def test_a_header_that_cannot_be_read_says_where_and_what_was_expected(sql, message):
    place, _, remedy = message.partition("|")
    with pytest.raises(HeaderError) as caught:
        read(sql)
    problem = caught.value.problem
    assert f"{problem.place.line}:{problem.place.column}: {problem.message}" == place
    assert problem.remedy == remedy


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Filtered", "`Filtered` cannot name a stage"),
        ("`with space`", "`with space` cannot name a stage"),
        ("_private", "`_private` cannot name a stage"),
        (
            "kept_dropped",
            "a stage's name cannot end in _dropped or _rejected, as `kept_dropped` does",
        ),
        ("stream", "`stream` is a reserved word and cannot name a stage"),
        ("other", "the file of stage `other` should be named after it"),
    ],
)
def test_a_name_that_cannot_be_used_is_named(name, message):
    (problem,) = read(f"CREATE VIEW {name} AS SELECT 1").problems
    assert problem.message == message
    assert problem.warning == (name == "other")


def test_an_error_shows_the_line_and_underlines_what_is_wrong(error):
    assert error({"20_filtered.sql": f"-- é\n{TABLE}\nAS\n\tSELECT 'öl' FROM\n"}) == (
        "20_filtered.sql:4:14: FROM is followed by nothing\n"
        "    \tSELECT 'öl' FROM\n"
        "    \t            ^^^^"
    )


def test_control_characters_in_a_users_file_never_reach_the_terminal(error):
    said = error({"20_filtered.sql": f"{TABLE} AS \x1b[31mSELECT 1\x07"})
    assert "\x1b" not in said
    assert "\x07" not in said


def test_a_long_line_is_cut_around_what_is_wrong(error):
    said = error({"20_filtered.sql": f"{TABLE} AS SELECT {'x + ' * 500} 1 FROM nowhere"})
    lines = said.splitlines()
    assert max(map(len, lines)) < 200
    assert lines[1].endswith("FROM nowhere")
    assert lines[2].endswith("^" * len("nowhere"))


def test_a_file_that_is_not_utf8_is_an_error_at_its_place(error):
    assert error({"20_filtered.sql": TABLE.encode() + b"\nAS SELECT '\xff'"}) == (
        "20_filtered.sql:2:12: byte 0xff is not UTF-8\n"
        "    AS SELECT '\ufffd'\n"
        "               ^\n"
        "Save the file as UTF-8."
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELEC 1", "expected a query: SELECT, WITH, FROM, VALUES, TABLE or parentheses"),
        (
            "INSERT INTO x SELECT 1",
            "expected a query: SELECT, WITH, FROM, VALUES, TABLE or parentheses",
        ),
        ("WITH a AS SELECT 1 SELECT 2", "expected the query of the WITH step between parentheses"),
        ("WITH 'a' AS (SELECT 1) SELECT 2", "expected the name of a WITH step"),
        ("SELECT", "this SELECT returns nothing"),
        ("SELECT * FROM documents JOIN", "expected a table after this"),
        ("SELECT * FROM documents, ", "expected a table after this"),
        ("SELECT * FROM 3", "expected a table, a table function or a subquery"),
        ("SELECT * FROM ()", "expected a table between the parentheses"),
        ("(SELECT 1) LIMIT 1 WHERE x", "`WHERE` is not expected here"),
        ("FROM documents |> |> SELECT 1", "this step of the pipe is empty"),
        ("SELECT * FROM clusters(TABLE())", "expected a table or a query inside TABLE( )"),
        ("SELECT * FROM STREAM(documents x)", "expected one table inside STREAM( )"),
    ],
)
def test_a_query_without_the_shape_of_one_is_an_error(query, message, error):
    said = error({"20_filtered.sql": f"CREATE TEMPORARY VIEW filtered AS {query}"})
    assert message in said
    assert "^" in said
