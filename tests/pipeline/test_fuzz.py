"""Whatever stands in a pipeline's files, reading it ends with a pipeline or a message."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from winnow.errors import CommandError
from winnow.pipeline.load import load_pipeline

WORDS = """
    CREATE OR REFRESH STREAMING TABLE MATERIALIZED VIEW TEMPORARY x CONSTRAINT EXPECT ( ) , ; AS
    SELECT * FROM WHERE GROUP BY ORDER LIMIT JOIN LEFT ON UNION ALL WITH RECURSIVE VALUES TABLE
    STREAM documents read_notes => : :input 'a' `b` 1 -1 . = < |> AGGREGATE PIVOT LATERAL OVER [ ]
    IDENTIFIER VERSION OF EXISTS IN NOT first ON VIOLATION DROP ROW COMMENT TBLPROPERTIES -- /* */
"""
HEAD = "CREATE OR REFRESH STREAMING TABLE x AS "
YAML_WORDS = (
    "name: web\n|parameters:|  input:|    default: 1|- |{|}|[|]|: |&a |*a |<<: |!!x |'|\n| |#|~"
)

shuffled_sql = st.lists(st.sampled_from(WORDS.split()), max_size=40).map(" ".join)
stage_files = st.one_of(
    st.text(max_size=80).map(str.encode),
    st.binary(max_size=80),
    shuffled_sql.map(str.encode),
    shuffled_sql.map(lambda sql: (HEAD + sql).encode()),
    shuffled_sql.map(lambda sql: (HEAD + "SELECT * FROM " + sql).encode()),
)
yaml_files = st.one_of(
    st.text(max_size=60).map(str.encode),
    st.binary(max_size=60),
    st.lists(st.sampled_from(YAML_WORDS.split("|")), max_size=25).map("".join).map(str.encode),
)


def outcome(folder: Path) -> str:
    """The message with which a pipeline is refused; empty if it is read."""
    try:
        load_pipeline(str(folder))
    except CommandError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "checks").mkdir()
    (folder / "tests").mkdir()
    return folder


@settings(max_examples=400, deadline=None)
@given(content=stage_files)
def test_any_stage_file_gives_a_message_without_control_characters(folder: Path, content: bytes):
    for other in ("checks/x.yml", "tests/x.yml"):
        (folder / other).unlink(missing_ok=True)
    (folder / "pipeline.yml").write_text("name: web\nparameters: {input: {default: a}}\n")
    (folder / "10_x.sql").write_bytes(content)
    said = outcome(folder)
    assert said.replace("\n", "").replace("\t", "").isprintable()


@settings(max_examples=400, deadline=None)
@given(content=yaml_files, name=st.sampled_from(["pipeline.yml", "checks/x.yml", "tests/x.yml"]))
def test_any_yaml_file_gives_a_message_without_control_characters(
    folder: Path, content: bytes, name: str
):
    for other in ("checks/x.yml", "tests/x.yml"):
        (folder / other).unlink(missing_ok=True)
    (folder / "pipeline.yml").write_text("name: web\n")
    (folder / "10_x.sql").write_text("CREATE OR REFRESH MATERIALIZED VIEW x AS SELECT 1 AS id")
    (folder / name).write_bytes(content)
    said = outcome(folder)
    assert said.replace("\n", "").replace("\t", "").isprintable()


@pytest.mark.parametrize("opening", ["(SELECT ", "(SELECT * FROM "])
def test_a_query_nested_too_deeply_is_an_error_not_a_crash(tmp_path: Path, opening: str):
    (tmp_path / "pipeline.yml").write_text("name: web\n")
    query = "SELECT " + opening * 3000 + "1" + ")" * 3000
    (tmp_path / "10_x.sql").write_text(f"CREATE VIEW x AS {query}")
    assert outcome(tmp_path) == "a file of this pipeline is nested too deeply to be read"


def test_parentheses_in_an_expression_may_be_nested_as_deeply_as_spark_likes(tmp_path: Path):
    (tmp_path / "pipeline.yml").write_text("name: web\n")
    (tmp_path / "10_x.sql").write_text(f"CREATE VIEW x AS SELECT {'(' * 3000}1{')' * 3000}")
    assert outcome(tmp_path) == ""


def test_yaml_nested_too_deeply_is_an_error_not_a_crash(tmp_path: Path):
    (tmp_path / "pipeline.yml").write_text("name: web\nparameters: " + "[" * 5000)
    assert "nested too deeply" in outcome(tmp_path)
