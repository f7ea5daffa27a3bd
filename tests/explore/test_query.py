import csv
import io
import json

import pytest

from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.output import write_csv, write_json, write_table
from winnow.explore.query import Query
from winnow.explore.screen import Screen
from winnow.explore.views import for_duckdb

CSV = "SELECT id, d.text, line FROM web.documents d JOIN web.filtered f USING (id) ORDER BY id"


@pytest.fixture
def catalog(warehouse):
    return Catalog.of(warehouse)


def rows(catalog, query):
    out = io.StringIO()
    write_json(Query(catalog, query), out)
    return json.loads(out.getvalue())


def table(catalog, query, width=100):
    out = io.StringIO()
    write_table(Query(catalog, query), out, Screen(width))
    return out.getvalue()


def test_a_table_holds_the_kept_rows_of_the_published_version(catalog):
    found = rows(catalog, "SELECT id FROM web.filtered ORDER BY id")
    assert [row["id"] for row in found] == ["a1-kept", "a2-copy", "b1-hostile"]


def test_dropped_rows_stand_in_a_table_of_their_own(catalog):
    found = rows(catalog, "SELECT id, _failed_rules FROM web.filtered_dropped ORDER BY id")
    assert found[0] == {"id": "a3-short", "_failed_rules": ["word_count"]}


def test_the_engines_columns_are_hidden_but_the_verdict(catalog):
    names = [row["column_name"] for row in rows(catalog, "DESCRIBE web.filtered")]
    assert "_failed_rules" in names
    assert not {"_dropped", "_batch"} & set(names)


def test_rejects_say_where_and_why(catalog):
    assert rows(catalog, "FROM web.documents_rejected") == [
        {
            "file": "part-2.jsonl.gz",
            "position": 4096,
            "reason": "not_json",
            "snippet": "{broken \x1b[2J",
            "id": "reject-1",
        }
    ]


def test_only_stages_over_sources_have_rejects(catalog):
    assert "web.filtered_rejected" not in catalog.relations


def test_control_tables_can_be_asked(catalog):
    assert (
        rows(catalog, "SELECT DISTINCT state FROM winnow.runs ORDER BY 1")[0]["state"] == "rejected"
    )
    assert rows(catalog, "FROM winnow.files") == []


def test_a_view_of_joins_is_read_without_spark(catalog):
    found = rows(catalog, "SELECT id FROM web.curated ORDER BY id")
    assert [row["id"] for row in found] == ["a1-kept", "b1-hostile"]


def test_a_view_that_means_something_else_to_duckdb_is_left_to_spark(catalog):
    with pytest.raises(CommandError, match="a view that only Spark can read"):
        Query(catalog, "SELECT * FROM web.shouted")


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT text_signals(text) AS s FROM web.documents",
        "SELECT a / b AS ratio FROM web.documents",
        "SELECT concat(a, b) AS both FROM web.documents",
        "SELECT id FROM web.documents WHERE text RLIKE 'x'",
        "SELECT CAST(a AS INT) AS a FROM web.documents",
    ],
)
def test_what_the_engines_may_disagree_on_is_not_rewritten(sql):
    assert for_duckdb(sql) is None


def test_a_rewritten_view_may_use_duckdbs_own_words_as_names():
    assert for_duckdb("SELECT `unique`.id FROM `demo`.`unique` AS `unique`") == (
        'SELECT "unique"."id" FROM "demo"."unique" AS "unique"'
    )


def test_another_version_can_be_chosen(catalog):
    catalog.choose("web.filtered", "1")
    assert rows(catalog, "SELECT count(*) AS n FROM web.filtered") == [{"n": 2}]
    with pytest.raises(CommandError, match="has no version 9; it has 1, 2, 3"):
        catalog.choose("web.filtered", "9")


def test_show_tables_lists_what_can_be_read(catalog):
    names = [row["table"] for row in rows(catalog, "SHOW TABLES")]
    assert {"web.filtered", "web.filtered_dropped", "winnow.runs"} <= set(names)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM web.filterd", "no table `web.filterd`. Did you mean `web.filtered`"),
        ("SELECT * FROM filtered", "no table `filtered`. Did you mean `web.filtered`?"),
        ("SELECT * FROM nothing.alike", "`winnow tables` lists what is published"),
        ("SELECT wrods FROM web.filtered", 'Referenced column "wrods" not found'),
        ("SELEC 1", "syntax error"),
        ("SELECT 1; SELECT 2", "one query at a time"),
        ("", "one query at a time"),
    ],
)
def test_a_wrong_query_is_explained_in_one_line(catalog, query, message):
    with pytest.raises(CommandError) as caught:
        Query(catalog, query)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "query",
    [
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "ATTACH '{folder}/out.db'",
        "INSTALL httpfs",
        "CREATE TABLE t AS SELECT 1",
        "SET threads = 1",
        "DROP VIEW web.filtered",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM read_csv('{secret}')",
    ],
)
def test_a_query_neither_writes_nor_reads_files(catalog, query, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("secret")
    with pytest.raises(CommandError):
        Query(catalog, query.format(folder=tmp_path, secret=secret))
    assert [file.name for file in tmp_path.iterdir()] == ["secret.csv"]


def test_python_variables_are_no_tables(catalog):
    secret = [1]  # noqa: F841
    with pytest.raises(CommandError):
        Query(catalog, "SELECT * FROM secret")


def test_json_is_complete_where_values_are_odd(catalog):
    found = rows(
        catalog,
        """
        SELECT id, ratio, seen, line, id, 'inf'::DOUBLE AS endless, '\\x00'::BLOB AS bytes,
            sum(words) OVER () AS total, DATE '2026-01-02' AS day
        FROM web.filtered ORDER BY 1
        """,
    )
    assert found[0] == {
        "id": "a1-kept",
        "ratio": None,
        "seen": "2026-03-01T12:00:00+00:00",
        "line": {"short_lines": 1},
        "id_2": "a1-kept",
        "endless": None,
        "bytes": "00",
        "total": 240,
        "day": "2026-01-02",
    }


def test_json_holds_a_huge_text_whole_and_steers_no_terminal(catalog):
    out = io.StringIO()
    write_json(Query(catalog, "SELECT text, metadata FROM web.documents ORDER BY id"), out)
    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()
    found = json.loads(out.getvalue())
    assert len(found[4]["text"]) == 1_000_000
    assert found[3]["text"].startswith("\x1b]0;owned\x07")
    assert found[0]["metadata"] == {"lang": "en"}


def test_no_row_is_an_empty_array(catalog):
    assert rows(catalog, "SELECT 1 WHERE false") == []


def test_csv_holds_every_text_as_it_is(catalog):
    out = io.StringIO()
    write_csv(Query(catalog, CSV), out)
    found = list(csv.reader(io.StringIO(out.getvalue())))
    assert found[0] == ["id", "text", "line"]
    assert found[3][1].startswith("\x1b]0;owned\x07")
    assert json.loads(found[1][2]) == {"short_lines": 1}


def test_csv_on_a_terminal_steers_it_not(catalog):
    out = io.StringIO()
    out.isatty = lambda: True
    write_csv(Query(catalog, "SELECT text FROM web.documents"), out)
    assert "\x1b" not in out.getvalue()


def test_a_table_cuts_texts_to_the_screen(catalog):
    text = table(catalog, "SELECT id, text FROM web.documents ORDER BY id", width=80)
    assert all(len(line) <= 80 for line in text.splitlines())
    assert "\\x1b]0;owned" in text
    assert "\x1b" not in text


def test_many_columns_stand_below_each_other(catalog):
    text = table(catalog, "SELECT * FROM web.documents LIMIT 1", width=80)
    assert text.startswith("row 1\nid")
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_table_says_that_there_is_more(catalog):
    assert "more than 100 rows" in table(catalog, "SELECT * FROM range(101)")
    assert "more" not in table(catalog, "SELECT * FROM range(100)")
    assert table(catalog, "SELECT 1 WHERE false") == "no rows\n"
