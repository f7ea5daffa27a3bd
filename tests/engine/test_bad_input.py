"""What a run says to a mistake: the message, the exit code, and that nothing wrong is published."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from textwrap import dedent

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from typer.testing import CliRunner

from winnow.cli import app
from winnow.engine.analysis import analyse
from winnow.engine.registry import published
from winnow.engine.run import RunOptions, plan_run
from winnow.errors import CommandError, WinnowError
from winnow.pipeline.load import load_pipeline
from winnow.session import register_functions

MARKER = "Zanzibar's secret marker"
VIEW = "CREATE OR REFRESH MATERIALIZED VIEW"
FUNCTIONS = f'''
import pyarrow as pa
from pyspark.sql import DataFrame
from winnow.operators.registry import operator
from winnow.udfs.registry import column_function
import helper

@column_function(returns="INT", version=1)
def number(text: pa.Array) -> pa.Array:
    """Read a number, which a text hardly is."""
    found = [int(value) if "{MARKER}" in value else 1 for value in text.to_pylist()]
    return pa.array(found, pa.int32())

@column_function(returns="INT", version=1)
def shorter(text: pa.Array) -> pa.Array:
    """Lose a row."""
    return pa.array([1] * (len(text) - 1), pa.int32())

@column_function(returns="INT", version=1)
def words(text: pa.Array) -> pa.Array:
    """Return what was not declared."""
    return pa.array(["many"] * len(text))

@column_function(returns="INT", version=1)
def nothing(text: pa.Array) -> pa.Array:
    """Return nothing at all."""

@column_function(returns="INT", version=1)
def helped(text: pa.Array) -> pa.Array:
    """Measure with a helper module."""
    return pa.array([helper.measure(value) for value in text.to_pylist()], pa.int32())

@operator(schema="id STRING", version=1)
def unlucky(rows: DataFrame) -> DataFrame:
    """Raise."""
    raise ValueError("no luck today")

@operator(schema="id STRING, n INT", version=1)
def others(rows: DataFrame) -> DataFrame:
    """Return other columns than declared."""
    return rows.select("id", "text")

@operator(schema="id STRING", version=1)
def silent(rows: DataFrame) -> DataFrame:
    """Return nothing."""
'''


def with_functions(project):
    project.write("functions.py", FUNCTIONS)
    project.write("helper.py", "def measure(text):\n    return len(text)\n")
    project.edit("pipeline.yml", "parameters:", "functions: [functions.py]\nparameters:")
    return project


def validate(spark):
    """Both steps of validation, of the pipeline in the working folder."""
    pipeline = load_pipeline(".", {"input": "input"})
    register_functions(spark, pipeline.functions.values())
    analyse(spark, pipeline, lambda table: {})


@pytest.fixture
def refused(project, monkeypatch):
    """The message with which step 2 refuses the pipeline with these files more."""

    def error(files, edits=()):
        monkeypatch.chdir(project.pipeline)
        for name, text in files.items():
            project.write(name, text)
        for edit in edits:
            project.edit(*edit)
        with pytest.raises(CommandError) as raised:
            validate(project.spark)
        assert raised.value.exit_code == 2
        return str(raised.value)

    return error


# -- step 2: types and columns ---------------------------------------------------------------------


def test_a_condition_that_is_no_boolean_is_refused_at_its_place(refused):
    header = f"{VIEW} x (\n  CONSTRAINT long EXPECT (length(id)) ON VIOLATION DROP ROW\n)"
    assert refused({"50_x.sql": f"{header} AS SELECT id FROM documents"}) == dedent("""\
        50_x.sql:2:27: rule `long` has a condition of type INT
              CONSTRAINT long EXPECT (length(id)) ON VIOLATION DROP ROW
                                      ^^^^^^^^^^
        A condition is a Boolean, e.g. `words >= 50`""")


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("explode(array(true, false))", "rule `x`: The generator is not supported"),
        ("count(*) > 1", "rule `x` calls `count` over many rows, and a rule sees one"),
        ("_0", "rule `x` reads `_0`, which the SELECT"),
        ("id", "rule `x` has a condition of type STRING"),
    ],
)
def test_a_condition_that_says_nothing_of_one_row_is_refused(refused, condition, message):
    rules = f"CONSTRAINT fine EXPECT (id IS NOT NULL), CONSTRAINT x EXPECT ({condition})"
    said = refused({"50_x.sql": f"{VIEW} x ({rules}) AS SELECT id FROM documents"})
    assert message in said.split("\n")[0]


def test_a_rule_over_a_column_that_the_select_does_not_return_is_refused_with_the_near_one(refused):
    edit = ("20_filtered.sql", "words >= :shortest", "wordz >= :shortest")
    said = refused({}, [edit]).split("\n")
    assert said[0] == (
        "20_filtered.sql:2:34: rule `long_enough` reads `wordz`, which the SELECT of this stage "
        "does not return"
    )
    assert said[2].strip() == "^^^^^"
    assert said[3].startswith("Add `wordz` to the SELECT, or did you mean `words`")


def test_an_unknown_column_after_a_replaced_table_is_found_where_it_stands(refused):
    body = (
        "SELECT d.id\nFROM documents AS d\nJOIN filtered ON filtered.id = d.id\n  AND d.lenght > 3"
    )
    message = refused({"50_x.sql": f"{VIEW} x AS\n{body}\n"})
    assert "50_x.sql:5:7: stage `x`: " in message
    assert message.split("\n")[1:3] == ["      AND d.lenght > 3", "          ^^^^^^^^"]


def test_an_unknown_column_after_a_replaced_call_is_found_where_it_stands(refused):
    with_functions_files = {
        "functions.py": FUNCTIONS,
        "helper.py": "def measure(text):\n    return len(text)\n",
        "50_x.sql": f"{VIEW} x AS\nSELECT idd\nFROM unlucky(\nTABLE(documents)\n)\nWHERE ide > 1",
    }
    edit = ("pipeline.yml", "parameters:", "functions: [functions.py]\nparameters:")
    message = refused(with_functions_files, [edit])
    assert message.startswith("50_x.sql:6:7: stage `x`: ")
    assert "    WHERE ide > 1\n          ^^^" in message


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT id, text AS Id FROM documents", "returns two columns named `id`"),
        (
            "SELECT id, s.* FROM (SELECT id, named_struct('_dropped', true) AS s FROM documents)",
            "returns `_dropped` (the engine writes it); names that begin with _ are reserved",
        ),
        ("SELECT * FROM (SELECT id, 1 AS _batch FROM documents)", "returns `_batch`"),
        ("SELECT id, true AS `_Dropped` FROM documents", "is a column that Winnow adds"),
        ("SELECT id, NULL AS x FROM documents", "returns `x` without a type"),
        ("SELECT id, array(NULL) AS x FROM documents", "of type array<void>, which no table can"),
        ("SELECT id, INTERVAL 1 DAY AS x FROM documents", "returns `x` of type interval day"),
        ("SELECT id, parse_json('1') AS x FROM documents", "returns `x` of type variant"),
        ("SELECT id, 1 AS `a b` FROM documents", "returns 'a b': names hold no space"),
        ("SELECT id, named_struct('a=', 1) AS s FROM documents", "returns 'a=': names hold no"),
        ("SELECT lenth(id) AS n FROM documents", "`lenth`"),
        ("SELECT id, date_add(id, array(1)) AS d FROM documents", "stage `x`: Cannot resolve"),
    ],
)
def test_columns_that_no_table_can_hold_are_refused(refused, query, message):
    assert message in refused({"50_x.sql": f"{VIEW} x AS\n{query}\n"})


def test_what_is_wrong_in_several_stages_and_checks_is_said_at_once(refused):
    message = refused(
        {
            "50_x.sql": f"{VIEW} x AS SELECT idd FROM documents",
            "60_y.sql": f"{VIEW} y AS SELECT 1 AS a, 2 AS A FROM unique",
            "70_z.sql": f"{VIEW} z AS SELECT nothing_of_this FROM x",
            "checks/documents.yml": """
                kept:
                  - type: expect_column_values_to_be_unique
                    kwargs: {column: idd}
                  - type: expect_column_values_to_be_unique
                    kwargs: {column: id, colour: red}
            """,
        }
    )
    places = [line.split(": ")[0] for line in message.split("\n") if line.count(":") >= 3]
    assert [place.split(":")[0] for place in places] == [
        "50_x.sql",
        "60_y.sql",
        "checks/documents.yml",
        "checks/documents.yml",
    ]
    assert "reads `idd`, which this stage does not return\n" in message
    assert "has no argument `colour`" in message
    assert "nothing_of_this" not in message  # its input's error is the one to mend first


def test_spark_prints_nothing_of_its_own_about_a_wrong_query(refused, capfd):
    refused({"50_x.sql": f"{VIEW} x AS SELECT idd FROM documents"})
    assert capfd.readouterr() == ("", "")


def test_a_function_that_declares_no_type_of_sparks_is_refused_by_name(refused):
    edit = ("pipeline.yml", "parameters:", "functions: [functions.py]\nparameters:")
    functions = FUNCTIONS.replace(
        '"INT", version=1)\ndef nothing', '"INTT", version=1)\ndef nothing'
    )
    files = {"functions.py": functions, "helper.py": ""}
    message = "the function `nothing` declares that it returns `INTT`, which is no Spark type"
    assert refused(files, [edit]) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def broken(:\n", "functions.py:1:12: `functions.py` cannot be imported: SyntaxError"),
        ("import nowhere_at_all\n", "cannot be imported: ModuleNotFoundError: No module named"),
    ],
)
def test_functions_that_cannot_be_imported_are_refused(refused, text, message):
    edit = ("pipeline.yml", "parameters:", "functions: [functions.py]\nparameters:")
    message = message.replace("functions.py:1:12", "functions.py:1:1")
    assert message in refused({"functions.py": text}, [edit])


# -- while a stage runs ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def failures(tmp_path_factory, spark):
    """One run of stages that all fail, each in its own way: name -> error."""
    from engine.conftest import _make

    project = with_functions(_make(tmp_path_factory.mktemp("failures"), spark))
    project.add("one.jsonl", ({"id": "b\x1b[31m", "text": MARKER}, {"id": "cc", "text": "plain"}))
    queries = {name: f"SELECT id, {name}(text) AS n" for name in ("number", "shorter", "words")}
    queries |= {
        "nothing": "SELECT id, nothing(text) AS n",
        "casts": "SELECT CAST(text AS INT) AS n",
    }
    for name in ("20_filtered.sql", "30_unique.sql", "40_curated.sql"):
        (project.pipeline / name).unlink()
    for name, query in queries.items():
        project.write(f"50_of_{name}.sql", f"{VIEW} of_{name} AS {query} FROM documents")
    for name in ("unlucky", "others", "silent"):
        query = f"SELECT * FROM {name}(TABLE(documents))"
        project.write(f"60_of_{name}.sql", f"{VIEW} of_{name} AS {query}")
    rules = (
        "CONSTRAINT fine EXPECT (id IS NOT NULL), CONSTRAINT zero EXPECT (1 / (length(id) - 2) > 0)"
    )
    project.write("70_of_rule.sql", f"{VIEW} of_rule ({rules}) AS SELECT id FROM documents")
    result = project.run()
    assert (result.exit_code, project.published()) == (1, {})
    rows = project.registry.rows("runs")
    assert "of_casts failed: " in rows[-1]["error"]
    recorded = json.dumps(rows, default=str)
    errors = {stage.stage.removeprefix("of_"): stage.error for stage in result.stages}
    return errors | {"recorded": recorded, "json": json.dumps(result.json())}


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("shorter", "function `shorter` returned "),
        ("words", "function `words` returned values of type string that are no int32"),
        ("nothing", "function `nothing` returned NoneType, not an Arrow array"),
        ("casts", "[CAST_INVALID_INPUT] The value … of the type"),
        ("unlucky", "operator `unlucky`: ValueError: no luck today"),
        (
            "others",
            "operator `others` returned id STRING, text STRING, but it declares id STRING, n INT",
        ),
        ("silent", "operator `silent` returned NoneType, but it declares id STRING"),
        ("rule", "rule `zero`: [DIVIDE_BY_ZERO] Division by zero."),
    ],
)
def test_a_stage_that_fails_says_in_one_line_what_failed(failures, stage, message):
    assert failures[stage].startswith(f"stage `of_{stage}`: {message}")
    assert "\n" not in failures[stage]


def test_a_function_that_fails_on_one_document_names_stage_function_document_and_line(failures):
    assert failures["number"].startswith(
        "stage `of_number`: function `number` failed on document `b\x1b[31m` of `documents`: "
        "ValueError: invalid literal for int() with base 10: "
    )
    assert failures["number"].endswith("(functions.py:10)")


def test_no_error_and_no_control_table_holds_a_text(failures):
    for said in failures.values():
        for part in (MARKER, "Zanzibar", "secret"):
            assert part not in said


def test_what_ids_and_messages_do_to_a_terminal_is_escaped(failures):
    from winnow.explore.screen import escape_lines

    assert "\x1b" not in escape_lines(failures["number"])


def test_editing_a_helper_of_a_function_rebuilds_with_the_new_code_and_editing_a_note_does_not(
    project,
):
    with_functions(project)
    project.write("15_sizes.sql", f"{VIEW} sizes AS SELECT id, helped(text) AS n FROM documents")
    assert project.run(select=("sizes",)).exit_code == 0
    assert {row["id"]: row["n"] for row in project.rows("sizes")}["c"] == 3
    project.write("notes.py", "anything = 1\n")
    assert project.states(project.run(select=("sizes",)))["sizes"] == "REUSED"
    project.write("helper.py", "def measure(text):\n    return 2 * len(text)\n")
    plans = {item.name: item for item in plan_run(project.options())}
    assert plans["sizes"].reason == "function helped changed"
    assert project.run(select=("sizes",)).exit_code == 0
    assert {row["id"]: row["n"] for row in project.rows("sizes")}["c"] == 6


# -- a warehouse that somebody touched -------------------------------------------------------------


def forget(project, *path):
    shutil.rmtree(os.path.join(project.warehouse.address, *path))


def damage(project, *path):
    folder = os.path.join(project.warehouse.address, *path, "_delta_log")
    last = max(name for name in os.listdir(folder) if name.endswith(".json"))
    with open(os.path.join(folder, last), "w") as file:
        file.write("{garbage")


def untouched(project, before):
    assert {name: item.version for name, item in project.published().items()} == before


@pytest.mark.parametrize("also", [(), ("_published.json",)])
def test_a_lost_table_of_versions_stops_the_run_before_it_builds_anything(ran, also):
    forget(ran, "winnow", "versions")
    for name in also:
        os.remove(os.path.join(ran.warehouse.address, name))
    ran.add("two.jsonl", ({"id": "f", "text": "one two three"},))
    with pytest.raises(CommandError, match="versions is gone: what was audited and published is"):
        ran.run()


def test_a_lost_table_of_files_stops_the_run_before_files_are_read_twice(ran):
    forget(ran, "winnow", "files")
    with pytest.raises(CommandError, match="does not say which files `documents` has read"):
        ran.run()


def test_lost_tables_of_runs_and_checks_are_begun_again(ran):
    forget(ran, "winnow", "runs")
    forget(ran, "winnow", "checks")
    assert set(ran.states(ran.run()).values()) == {"REUSED"}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("winnow", "versions"), "the control table .*versions cannot be read"),
        (("winnow", "lease"), "the lease .* cannot be read"),
        (("small", "filtered"), "the table .*filtered cannot be read"),
    ],
)
def test_a_damaged_log_is_an_error_that_names_the_table(ran, path, message):
    damage(ran, *path)
    with pytest.raises(CommandError, match=message) as error:
        ran.run()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [None, "", "{[", "[]"])
def test_a_lost_or_damaged_published_json_is_written_again(ran, content):
    path = os.path.join(ran.warehouse.address, "_published.json")
    with open(path) as file:
        before = file.read()
    os.remove(path)
    if content is not None:
        with open(path, "w") as file:
            file.write(content)
    assert set(ran.states(ran.run()).values()) == {"REUSED"}
    with open(path) as file:
        assert file.read() == before


def test_a_damaged_format_marker_is_an_error(ran):
    with open(os.path.join(ran.warehouse.address, "_warehouse.json"), "w") as file:
        file.write("[]")
    with pytest.raises(CommandError, match=r"_warehouse\.json is damaged"):
        ran.run()


def test_a_deleted_table_is_an_error_and_a_full_refresh_builds_it_and_its_readers_anew(ran):
    forget(ran, "small", "documents")
    ran.add("one.jsonl", ({"id": "k", "text": "other words by now"},))
    with pytest.raises(CommandError, match=r"documents is gone, though version 1 was audited"):
        ran.run()
    result = ran.run(full_refresh=("documents",))
    assert set(ran.states(result).values()) == {"BUILT"}
    assert [ran.kept(name) for name in ("documents", "filtered", "unique")] == [["k"]] * 3


def test_a_table_replaced_by_another_of_as_many_versions_is_an_error(ran):
    forget(ran, "small", "filtered")
    rows = pa.table({"id": ["z"], "_dropped": [False], "_batch": [1]})
    for _ in range(2):
        write_deltalake(ran.warehouse.path("small", "filtered"), rows, mode="append")
    with pytest.raises(CommandError, match="something other than Winnow wrote version 1 of"):
        ran.run()


def test_a_warehouse_that_cannot_be_written_is_not_said_to_be_held(project):
    project.warehouse.create()
    with open(os.path.join(project.warehouse.address, "winnow"), "w"):
        pass
    with pytest.raises(CommandError, match="cannot write to the warehouse") as error:
        project.run()
    assert error.value.exit_code == 2


# -- changes of a pipeline -------------------------------------------------------------------------


def test_a_stage_that_turns_from_table_to_view_and_back_goes_on_from_its_table(ran):
    table = (ran.pipeline / "30_unique.sql").read_text()
    (ran.pipeline / "40_curated.sql").unlink()
    kinds = []
    for text in (table, "CREATE VIEW unique AS SELECT id FROM filtered", table):
        ran.write("30_unique.sql", text)
        assert ran.run().published
        kinds.append(ran.published()["unique"].kind)
    assert kinds == ["materialized view", "view", "materialized view"]
    assert ran.kept("unique") == ["a"]


def test_tables_that_no_stage_makes_any_more_are_told(ran):
    (ran.pipeline / "40_curated.sql").unlink()
    result = ran.run()
    assert result.messages[-1] == "no longer published, as no stage makes it: `small.curated`"
    assert sorted(ran.published()) == ["documents", "filtered", "unique"]


def test_a_view_of_another_pipeline_cannot_be_read_and_its_tables_can(ran):
    other = type(ran)(ran.folder / "other", ran.spark)
    other.write("pipeline.yml", "name: other\n")
    other.write("10_x.sql", f"{VIEW} x AS SELECT id FROM small.curated")
    with pytest.raises(CommandError, match=r"`small\.curated` is a view of another pipeline"):
        plan_run(RunOptions(str(other.pipeline), ran.warehouse))
    other.edit("10_x.sql", "curated", "unique")
    assert [plan.action for plan in plan_run(RunOptions(str(other.pipeline), ran.warehouse))]


# -- batches ---------------------------------------------------------------------------------------

RECORDS = (
    *(
        {"id": f"{i:02}", "text": " ".join(["word"] * (i % 5 + 1)) + (" <b>" if i % 7 == 0 else "")}
        for i in range(12)
    ),
    {"id": "00", "text": "the id is taken"},
)


@pytest.mark.slow
def test_a_batch_without_a_row_for_a_stage_is_a_batch_like_any_other(ran, stage_of):
    ran.add("two.jsonl", ({"id": "a", "text": "the id is taken"},))
    result = ran.run()
    assert (result.exit_code, stage_of(result, "filtered").new_rows) == (0, 0)
    (ran.folder / "input" / "three.jsonl").write_text("")
    assert ran.run().published
    ran.add("zwei.jsonl", ({"id": "f", "text": "one two three"},))
    assert ran.run().published
    assert ran.kept("filtered") == ["a", "b", "f"]
    assert set(ran.states(ran.run()).values()) == {"REUSED"}


@pytest.fixture
def both(project):
    """A pipeline with a stage over two streams, and nothing that needs all rows."""
    for name in ("30_unique.sql", "40_curated.sql", "../input/one.jsonl"):
        (project.pipeline / name).unlink()
    project.write(
        "25_both.sql",
        """
        CREATE OR REFRESH STREAMING TABLE both AS
        SELECT id, 'all' AS kind FROM STREAM(documents)
        UNION ALL SELECT id, 'long' FROM STREAM(filtered)
        """,
    )
    return project


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_any_split_into_batches_gives_the_rows_of_a_replay(both, seed):
    both.add("all.jsonl", RECORDS)
    both.run()
    expected = {name: rows_of(both, name) for name in ("documents", "filtered", "both")}
    assert [len(rows) for rows in expected.values()] == [13, 12, 17]
    (both.folder / "input" / "all.jsonl").unlink()
    shutil.rmtree(both.warehouse.address)
    cut = random.Random(seed).randint(1, len(RECORDS))
    for number, part in enumerate((RECORDS[:cut], RECORDS[cut:])):
        both.add(f"part{number}.jsonl", part)
        assert both.run().published
    assert {name: rows_of(both, name) for name in expected} == expected, cut


def rows_of(project, stage):
    """All rows, but for what the split itself is."""
    ignored = {"_batch", "arrival", "file", "position"}
    rows = [{k: v for k, v in row.items() if k not in ignored} for row in project.rows(stage)]
    return sorted(map(repr, rows))


# -- the command line ------------------------------------------------------------------------------

COMMAND = [sys.executable, "-c", "from winnow.cli import main; main()"]


def run_of(project, *arguments):
    given = ["--warehouse", project.warehouse.address, "--set", f"input={project.folder}/input"]
    return ["run", str(project.pipeline), *given, *arguments]


def winnow(project, **environment):
    return subprocess.run(
        [*COMMAND, *run_of(project)],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )


def in_this_process(project, *arguments):
    command = run_of(project, *arguments)
    done = CliRunner().invoke(app, command)
    return subprocess.CompletedProcess(command, done.exit_code, done.stdout, done.stderr)


def assert_refused(project, done, message):
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.folder / "warehouse").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--limit", "0"), "--limit 0: a preview reads at least one document"),
        (("--select", "filter"), "has no stage `filter`; it has documents, filtered"),
        (("--full-refresh", "filter"), "has no stage `filter`"),
        (("--set", "shortest=many"), "shortest"),
        (("--set", "shortes=3"), "shortes"),
    ],
)
def test_wrong_arguments_end_with_2_before_anything_starts(project, arguments, message):
    assert_refused(project, in_this_process(project, *arguments), message)


def test_wrong_arguments_with_json_give_one_object(project):
    done = in_this_process(project, "--limit", "0", "--json")
    assert done.returncode == 2
    assert "at least one document" in json.loads(done.stdout)["error"]


def test_without_java_and_network_a_run_ends_with_2_and_says_what_to_install(project, tmp_path):
    nowhere = {"JAVA_HOME": "/nowhere", "PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    nowhere |= dict.fromkeys(("https_proxy", "HTTPS_PROXY", "http_proxy"), "http://127.0.0.1:9")
    done = winnow(project, WINNOW_CACHE=str(tmp_path / "cache"), **nowhere)
    assert_refused(
        project, done, "Spark needs Java 17 or newer: JAVA_HOME=/nowhere has no bin/java"
    )
    assert len(done.stderr.strip().split("\n")) == 1


def test_without_jars_and_network_a_run_ends_with_2_and_says_where_to_put_them(project, tmp_path):
    from winnow.java import find_java

    cache = {name: str(tmp_path / "cache") for name in ("XDG_CACHE_HOME", "WINNOW_CACHE")}
    done = winnow(
        project, JAVA_HOME=str(find_java()), WINNOW_MAVEN="http://127.0.0.1:9/maven", **cache
    )
    assert_refused(project, done, "Spark needs Delta Lake's jars delta-spark_4.2_2.13-4.4.0.jar")
    assert len(done.stderr.strip().split("\n")) == 1


@pytest.mark.slow
def test_a_run_that_is_interrupted_says_so_and_the_next_one_makes_it_good(ran):
    ran.add("two.jsonl", ({"id": "f", "text": "one two three"},))
    command = [*COMMAND, *run_of(ran, "--master", "local[2]")]
    driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = os.path.join(ran.warehouse.path("small", "documents"), "_delta_log")
    before = len(os.listdir(log))
    deadline = time.monotonic() + 180
    while len(os.listdir(log)) == before and time.monotonic() < deadline:
        time.sleep(0.01)
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode not in (0, 2)
    assert "Traceback" not in said
    assert {item.version for item in published(ran.registry.versions()).values()} == {1}
    assert ran.run().published
    assert ran.kept("filtered") == ["a", "b", "f"]


def test_every_error_of_ours_has_the_exit_code_of_its_kind():
    assert (WinnowError.exit_code, CommandError.exit_code) == (1, 2)
