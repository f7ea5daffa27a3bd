import threading

import pytest
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.shell import completions, run_shell, session


@pytest.fixture
def catalog(warehouse):
    return Catalog.of(warehouse)


PAUSE = 0.3  # seconds; history and completions come from another thread


def typed(catalog, *keys):
    """Type keys into a shell, with a pause after each lot; return what was asked and said."""
    asked, said = [], []

    def answer(known, text):
        if "wrong" in text:
            raise CommandError("no table `wrong\x1b[2J`")
        asked.append(text)

    with create_pipe_input() as pipe:
        pipe.send_text(keys[0])
        later = [
            threading.Timer(number * PAUSE, pipe.send_text, [more])
            for number, more in enumerate([*keys[1:], "\x04"], 1)
        ]
        for timer in later:
            timer.start()
        prompt = session(lambda: catalog, InMemoryHistory(), input=pipe, output=DummyOutput())
        run_shell(lambda: catalog, answer, said.append, prompt)
        for timer in later:
            timer.cancel()
            timer.join()
    return asked, said


def test_a_query_ends_with_a_semicolon_and_may_have_many_lines(catalog):
    asked, _ = typed(catalog, "SELECT 1;\rSELECT\r2;\r")
    assert asked == ["SELECT 1", "SELECT\n2"]


def test_a_mistake_is_told_and_the_shell_goes_on(catalog):
    asked, said = typed(catalog, "SELECT * FROM wrong;\rSELECT 1;\r")
    assert asked == ["SELECT 1"]
    assert said[-1] == "no table `wrong\\x1b[2J`"


def test_an_earlier_query_comes_back_with_the_arrow_up(catalog):
    asked, _ = typed(catalog, "SELECT 1;\r", "\x1b[A", "\r")
    assert asked == ["SELECT 1", "SELECT 1"]


def test_help_and_empty_lines_ask_nothing_and_quit_leaves(catalog):
    asked, said = typed(catalog, "help\r\r;\rquit\rSELECT 1;\r")
    assert asked == []
    assert "ends with ;" in said[-1]


def test_ctrl_c_forgets_what_is_being_written(catalog):
    assert typed(catalog, "SELECT nonsense\x03SELECT 1;\r")[0] == ["SELECT 1"]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("SELECT * FROM web.filt", ["web.filtered", "web.filtered_dropped"]),
        ("SELECT * FROM winnow.ch", ["winnow.checks"]),
        ("SELECT wor", ["words"]),
        ("SEL", ["SELECT"]),
        ("SELECT f.wor", ["f.words"]),
    ],
)
def test_tab_completes_tables_columns_and_words_of_sql(catalog, before, expected):
    assert completions(catalog, before, before) == expected


def test_columns_are_those_of_the_tables_that_the_query_names(catalog):
    found = completions(catalog, "SELECT ", "SELECT  FROM web.kept")
    assert "kept_id" in found
    assert "words" not in found
    assert "_failed_rules" in found
    assert "snippet" in completions(catalog, "SELECT s", "SELECT s FROM web.documents_rejected")


def test_tab_on_the_keyboard_completes(catalog):
    assert typed(catalog, "FROM web.dup\t", ";\r")[0] == ["FROM web.duplicates"]
