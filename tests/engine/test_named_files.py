"""Files that a stage names: their content counts, and a missing one stops the plan."""

import os
from pathlib import Path
from textwrap import dedent

import pytest

from winnow.engine.named_files import named_files
from winnow.engine.run import RunOptions, plan_run
from winnow.engine.warehouse import Warehouse
from winnow.pipeline.load import load_pipeline
from winnow.pipeline.model import PipelineError

LIST = "# licence: CC0-1.0\n# date: 2026-01-31\ncasino\n"
CONFIGURATION = """
    name: listed
    parameters:
      input: {default: input}
      words: {default: words.txt}
      model: {default: ""}
"""
WORDS = """
    CREATE OR REFRESH MATERIALIZED VIEW words AS
    SELECT list, entry FROM read_list(path => :words)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("words.txt").write_text(LIST)
    Path("input").mkdir()
    Path("input/one.jsonl").write_text('{"id": "a", "text": "x"}\n')
    Path("pipeline").mkdir()
    write("pipeline.yml", CONFIGURATION)
    return tmp_path


def write(name, text):
    Path("pipeline", name).write_text(dedent(text).lstrip("\n"))


def found(body="", **settings):
    """The files of the one stage `words`."""
    write("10_words.sql", body or WORDS)
    pipeline = load_pipeline("pipeline", settings)
    return named_files(pipeline, pipeline.stage("words"))


def refused(folder):
    """The error that stops the plan, before anything is written."""
    options = RunOptions("pipeline", Warehouse.at(str(folder / "warehouse")))
    with pytest.raises(PipelineError) as error:
        plan_run(options)
    assert not (folder / "warehouse").exists()
    return error.value


def test_a_file_is_known_by_its_content_not_by_its_time_or_place(folder):
    before = found()
    assert list(before) == ["path of read_list"]
    os.utime("words.txt", (0, 0))
    assert found() == before
    Path("words.txt").rename("moved")
    Path("moved").rename("words.txt")
    assert found(words=str(folder / "words.txt")) == before
    Path("words.txt").write_text(LIST.replace("casino", "kasino"))
    assert found() != before


def test_a_folder_changes_with_each_of_its_files(folder):
    Path("lists").mkdir()
    Path("lists/a.txt").write_text(LIST)
    before = found(words="lists")
    Path("lists/b.txt").write_text(LIST)
    assert found(words="lists") != before


@pytest.mark.parametrize(
    "call",
    [
        "word_list_hits(text, 'words.txt')",
        "word_list_hits(text, path => 'words.txt')",
        "word_list_hits(text, :words, 1000)",
        "word_list_hits(limit => 1000, path => :words, text => text)",
        "upper(language(text, :words).label)",
    ],
)
def test_a_column_function_names_its_file_by_position_or_by_name(folder, call):
    body = f"CREATE OR REFRESH MATERIALIZED VIEW words AS SELECT {call} AS x FROM other.texts\n"
    before = found(body)
    assert len(before) == 1
    Path("words.txt").write_text(LIST + "more\n")
    assert found(body) != before


def test_no_name_is_no_file(folder):
    body = "CREATE OR REFRESH MATERIALIZED VIEW words AS SELECT language(text, {}) FROM other.texts"
    assert found(body.format(":model")) == {}
    assert found(body.format("NULL")) == {}


def test_a_view_names_its_files_for_the_stage_that_reads_it(folder):
    write(
        "05_hits.sql", "CREATE TEMPORARY VIEW hits AS SELECT entry FROM read_list(path => :words)"
    )
    assert found("CREATE OR REFRESH MATERIALIZED VIEW words AS SELECT * FROM hits")


def test_a_file_that_only_the_rows_would_tell_is_a_mistake(folder):
    body = """
        CREATE OR REFRESH MATERIALIZED VIEW words AS
        SELECT word_list_hits(text, lists.path) AS hits FROM other.texts AS lists
    """
    with pytest.raises(PipelineError, match="names a file, and this is neither a string nor a"):
        found(body)


def test_all_missing_files_stop_the_plan_with_their_names_and_places(folder):
    write("10_words.sql", WORDS)
    hits = "SELECT language(text, model => '/models/lid.bin') AS l FROM other.texts"
    write("20_hits.sql", f"CREATE OR REFRESH MATERIALIZED VIEW hits AS\n{hits}\n")
    Path("words.txt").unlink()
    error = refused(folder)
    said = str(error)
    assert "pipeline/10_words.sql:2:25: the path of `read_list` cannot be read" in said
    assert "'words.txt' does not exist" in said
    assert "is there by --set words" in said
    assert "pipeline/20_hits.sql:2:8: the model of `language` cannot be read" in said
    assert "'/models/lid.bin' does not exist" in said
    assert error.exit_code == 2


def test_a_file_that_is_not_what_it_is_for_stops_the_plan_with_its_place(folder):
    write("10_words.sql", WORDS)
    limits = "SELECT * FROM read_csv(path => 'limits.csv', columns => 'least INT NOT NULL')"
    write("20_limits.sql", f"CREATE OR REFRESH MATERIALIZED VIEW limits AS\n{limits}\n")
    Path("words.txt").write_text("casino\n")
    Path("limits.csv").write_text("least\nmany\n")
    said = str(refused(folder))
    assert "pipeline/10_words.sql:2:25: `read_list` cannot read this: the list 'words.txt' " in said
    assert "pipeline/20_limits.sql:2:15: `read_csv` cannot read this: 'limits.csv' is not" in said


def test_a_changed_list_rebuilds_what_was_made_with_it_and_nothing_else(project):
    words = project.folder / "words.txt"
    words.write_text(LIST)
    project.edit("pipeline.yml", "parameters:", "parameters:\n  words: {default: x}")
    project.write("05_words.sql", WORDS)
    project.write(
        "20_filtered.sql",
        """
        CREATE OR REFRESH STREAMING TABLE filtered (
          CONSTRAINT listed EXPECT (entry IS NULL) ON VIOLATION DROP ROW
        ) AS
        SELECT id, source, licence, content_hash, arrival, text, entry
        FROM STREAM(documents) LEFT JOIN words ON words.entry = text
        """,
    )
    settings = {"words": str(words)}
    first = project.run(settings=settings)
    assert set(project.states(first).values()) == {"BUILT"}
    assert project.kept("filtered") == ["a", "b", "c", "d", "e"]
    words.write_text(LIST + "one\n")
    second = project.run(settings=settings)
    assert project.states(second)["documents"] == "REUSED"
    assert project.states(second)["filtered"] == "BUILT"
    reason = next(stage.reason for stage in second.stages if stage.stage == "words")
    assert reason == "path of read_list changed"
    assert project.kept("filtered") == ["a", "b", "d", "e"]
