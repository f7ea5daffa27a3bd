import threading
import time

import pytest
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.shell import completions, run_shell, session

ARROW_UP, LEAVE = "\x1b[A", "\x04"


@pytest.fixture
def catalog(warehouse):
    return Catalog.of(warehouse)


def typed(catalog, keys, until="", again="", then=""):
    """Type keys into a shell and leave it; return what was asked and said.

    With `until`, type `again` and again until the prompt shows that, and `then` before leaving:
    history and completions come from another thread.
    """
    asked, said = [], []

    def answer(known, text):
        if "wrong" in text:
            raise CommandError("no table `wrong\x1b[2J`")
        asked.append(text)

    with create_pipe_input() as pipe:
        prompt = session(lambda: catalog, InMemoryHistory(), input=pipe, output=DummyOutput())

        def follow():
            for _ in range(100):
                if len(asked) == keys.count(";\r") and prompt.default_buffer.text == until:
                    break
                pipe.send_text(again)
                time.sleep(0.1)
            pipe.send_text(then + LEAVE)

        pipe.send_text(keys if until else keys + LEAVE)
        follower = threading.Thread(target=follow)
        if until:
            follower.start()
        run_shell(lambda: catalog, answer, said.append, prompt)
        if until:
            follower.join()
    return asked, said


def test_a_query_ends_with_a_semicolon_and_may_have_many_lines(catalog):
    asked, _ = typed(catalog, "SELECT 1;\rSELECT\r2;\r")
    assert asked == ["SELECT 1", "SELECT\n2"]


def test_a_mistake_is_told_and_the_shell_goes_on(catalog):
    asked, said = typed(catalog, "SELECT * FROM wrong;\rSELECT 1;\r")
    assert asked == ["SELECT 1"]
    assert said[-1] == "no table `wrong\\x1b[2J`"


def test_earlier_queries_come_back_with_the_arrow_up(catalog):
    keys = "SELECT 1;\rSELECT 2;\r"
    asked, _ = typed(catalog, keys, until="SELECT 1;", again=ARROW_UP, then="\r")
    assert asked == ["SELECT 1", "SELECT 2", "SELECT 1"]


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
    asked, _ = typed(catalog, "FROM web.dup\t", until="FROM web.duplicates", then=";\r")
    assert asked == ["FROM web.duplicates"]
