"""A pipeline's folder: what is read from it, and every way in which its files can be wrong."""

import pytest

from pipeline.conftest import CONFIGURATION
from winnow.engine.expectations import great_expectations
from winnow.errors import CommandError
from winnow.pipeline.checks import expectations
from winnow.pipeline.load import load_pipeline, packaged
from winnow.pipeline.model import Kind

FILTERED = """CREATE OR REFRESH STREAMING TABLE filtered (
  CONSTRAINT long EXPECT (length >= 3) ON VIOLATION DROP ROW
) AS SELECT id, length(text) AS length FROM STREAM(documents)
"""
CHECK = "kept:\n  - type: expect_table_row_count_to_be_between\n    kwargs: {min_value: 1}\n"


def view(query: str) -> str:
    return f"CREATE TEMPORARY VIEW {query}"


def test_every_packaged_pipeline_can_be_read():
    for name in packaged():
        assert load_pipeline(name).name == name


def test_stages_come_in_the_order_in_which_they_read_each_other(load):
    pipeline = load(
        {
            "90_a.sql": view("a AS SELECT * FROM b JOIN documents USING (id)"),
            "20_b.sql": view("b AS SELECT * FROM documents"),
            "30_c.sql": view("c AS SELECT * FROM clusters(TABLE(a))"),
            "15_bb.sql": view("bb AS SELECT 1"),
        }
    )
    assert [stage.name for stage in pipeline.stages] == ["bb", "documents", "b", "a", "c"]


def test_a_stage_knows_where_its_query_and_its_rules_stand(load):
    stage = load({"20_filtered.sql": FILTERED}).stage("filtered")
    assert stage.kind is Kind.STREAMING_TABLE
    assert stage.body == "SELECT id, length(text) AS length FROM STREAM(documents)"
    assert (stage.body_place.line, stage.body_place.column) == (3, 6)
    assert (stage.rules[0].condition, stage.rules[0].condition_place.column) == ("length >= 3", 27)
    assert stage.inputs == ("documents",)


def test_folders_under_include_add_stages_checks_and_examples(load):
    pipeline = load(
        {
            "pipeline.yml": CONFIGURATION + "include: [shared/web]\n",
            "shared/web/20_filtered.sql": FILTERED,
            "shared/web/checks/filtered.yml": CHECK,
            "shared/web/tests/filtered.yml": "- {row: {id: a}, expect: kept}\n",
        }
    )
    assert pipeline.stage("filtered")
    assert list(pipeline.checks) == list(pipeline.examples) == ["filtered"]


# -- parameters --------------------------------------------------------------------------------

TYPED = """
name: web
functions: [functions.py]
parameters:
  input: {description: Where notes are}
  least: {default: 3}
  ratio: {default: 1, type: number}
  strict: {default: false}
  format: {default: null, type: string}
"""
USED = "CREATE TEMPORARY VIEW used AS SELECT :ratio AS r, :strict AS s, :format AS f"


def test_a_setting_is_read_as_the_type_of_its_parameter(load):
    settings = {"input": "here", "least": "5", "ratio": "0.5", "strict": "true", "format": "a=b"}
    pipeline = load({"pipeline.yml": TYPED, "20_used.sql": USED}, settings)
    assert pipeline.values == {
        "input": "here",
        "least": 5,
        "ratio": 0.5,
        "strict": True,
        "format": "a=b",
    }


def test_defaults_hold_where_nothing_is_set(load):
    pipeline = load({"pipeline.yml": TYPED, "20_used.sql": USED}, {"input": "here"})
    assert pipeline.values["ratio"] == 1.0
    assert pipeline.values["format"] is None


def test_a_parameter_that_says_where_documents_are_is_a_run_option(load):
    parameters = load({}).parameters
    assert {name: parameter.is_run_option for name, parameter in parameters.items()} == {
        "input": True,
        "least": False,
    }


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {},
            "pipeline.yml:5:3: parameter `input` has no default and no value\n"
            "      input: {description: Where notes are}\n"
            "      ^^^^^\n"
            "Give it with --set input=VALUE.",
        ),
        ({"input": "a", "least": "many"}, "--set: least=many: `least` must be an integer"),
        ({"input": "a", "least": "1.5"}, "--set: least=1.5: `least` must be an integer"),
        (
            {"input": "a", "least": "9" * 20},
            f"--set: least={'9' * 20}: `least` must be an integer",
        ),
        ({"input": "a", "ratio": "half"}, "--set: ratio=half: `ratio` must be a number"),
        ({"input": "a", "ratio": "inf"}, "--set: ratio=inf: `ratio` must be a number"),
        (
            {"input": "a", "strict": "yes"},
            "--set: strict=yes: `strict` must be a boolean\nWrite true or false.",
        ),
        (
            {"input": "a", "leest": "3"},
            "--set: pipeline `web` has no parameter `leest`\nDid you mean `least`?",
        ),
        (
            {"input": "a", "zzz": "3"},
            "--set: pipeline `web` has no parameter `zzz`\n"
            "Its parameters are `input`, `least`, `ratio`, `strict` and `format`.",
        ),
    ],
)
def test_a_setting_that_does_not_fit_is_an_error(settings, message, error):
    assert error({"pipeline.yml": TYPED, "20_used.sql": USED}, settings) == message


@pytest.mark.parametrize(
    ("parameter", "settings", "message"),
    [
        ("{default: a, choices: [a, b]}", {}, None),
        ("{default: a, choices: [a, b]}", {"kind": "b"}, None),
        ("{choices: [a, b]}", {"kind": "b"}, None),
        (
            "{default: a, choices: [a, b]}",
            {"kind": "c"},
            "--set: kind=c: `kind` has no such choice\nIts choices are `a` and `b`.",
        ),
        (
            "{default: c, choices: [a, b]}",
            {},
            "pipeline.yml:7:19: the default of `kind` is none of its choices",
        ),
    ],
)
def test_a_parameter_with_choices_is_one_of_them(load, error, parameter, settings, message):
    files = {
        "pipeline.yml": f"{CONFIGURATION}  kind: {parameter}\n",
        "20_kinds.sql": view("kinds AS SELECT :kind AS kind FROM documents"),
    }
    if message is None:
        assert load(files, settings).values["kind"] == settings.get("kind", "a")
    else:
        assert error(files, settings).startswith(message)


@pytest.mark.parametrize(
    ("parameter", "setting", "expected"),
    [
        ("{default: 0.8, minimum: 0.5, maximum: 1}", "1", 1.0),
        ("{default: 0.8, minimum: 0.5, maximum: 1}", "0.5", 0.5),
        ("{default: null, type: integer, minimum: 1}", None, None),
        (
            "{default: 0.8, minimum: 0.5, maximum: 1}",
            "1.01",
            "--set: share=1.01: `share` is from 0.5 to 1",
        ),
        ("{type: integer, minimum: 1}", "0", "--set: share=0: `share` is at least 1"),
        ("{default: 2, maximum: 20}", "21", "--set: share=21: `share` is at most 20"),
        ("{default: 0, minimum: 1}", None, "pipeline.yml:7:20: the default of `share` is not at"),
        ("{minimum: 1}", "5", "pipeline.yml:7:3: `share` is a string, which is never at least 1"),
        ("{default: 0, minimum: 1}", "5", "pipeline.yml:7:20: the default of `share` is not at"),
        (
            "{default: 1, minimum: 12345678901234}",
            None,
            "pipeline.yml:7:20: the default of `share` is not at least 12,345,678,901,234",
        ),
        (
            "{type: integer, minimum: 2, maximum: 1}",
            "1",
            "pipeline.yml:7:35: `share` has a minimum above its maximum",
        ),
        ("{default: 1, minimum: .nan}", None, "pipeline.yml:7:32: `minimum` must be a finite"),
        ("{default: 1, minimum: b}", None, "pipeline.yml:7:32: `minimum` must be a number"),
    ],
)
def test_a_number_keeps_to_its_bounds(load, error, parameter, setting, expected):
    files = {
        "pipeline.yml": f"{CONFIGURATION}  share: {parameter}\n",
        "20_kinds.sql": view("kinds AS SELECT :share AS share FROM documents"),
    }
    settings = {} if setting is None else {"share": setting}
    if isinstance(expected, str):
        assert error(files, settings).startswith(expected)
    else:
        assert load(files, settings).values["share"] == expected


def test_a_parameter_that_no_stage_uses_is_a_warning(load):
    (warning,) = load({"pipeline.yml": CONFIGURATION + "  spare: {default: 1}\n"}).warnings
    assert str(warning) == (
        "pipeline.yml:7:3: no stage uses the parameter `spare`\n"
        "      spare: {default: 1}\n"
        "      ^^^^^\n"
        "Leave it out."
    )


# -- pipeline.yml ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        (
            "name: web\nparameter: {}\n",
            "pipeline.yml:2:1: unknown key `parameter`\n"
            "    parameter: {}\n"
            "    ^^^^^^^^^\n"
            "Did you mean `parameters`?",
        ),
        (
            "name: web\nparameters:\n  input: {defualt: 3}\n",
            "pipeline.yml:3:11: unknown key `defualt`\n"
            "      input: {defualt: 3}\n"
            "              ^^^^^^^\n"
            "Did you mean `default`?",
        ),
        (
            "name: web\nxyz: 1\n",
            "pipeline.yml:2:1: unknown key `xyz`\n"
            "    xyz: 1\n"
            "    ^^^\n"
            "Known keys: name, description, parameters, include, functions.",
        ),
        (
            "description: x\n",
            "pipeline.yml:1:1: the key `name` is missing\n    description: x\n    ^",
        ),
        ("", "pipeline.yml:1:1: the key `name` is missing"),
        ("- a\n", "pipeline.yml:1:1: the file must be a mapping\n    - a\n    ^^^"),
        (
            "name: 3\n",
            "pipeline.yml:1:7: `name` must be a string\n    name: 3\n          ^",
        ),
        (
            "name: Web Pages\n",
            "pipeline.yml:1:7: `Web Pages` cannot name a pipeline\n"
            "    name: Web Pages\n"
            "          ^^^^^^^^^\n"
            "Use lower-case letters, digits and _, a letter first.",
        ),
        (
            "name: winnow\n",
            "pipeline.yml:1:7: `winnow` is a reserved name\n    name: winnow\n          ^^^^^^",
        ),
        (
            "name: web\nparameters: {least: {default: 2026-01-01}}\n",
            "pipeline.yml:2:31: the default of `least` is no string, number or boolean\n"
            "    parameters: {least: {default: 2026-01-01}}\n"
            "                                  ^^^^^^^^^^\n"
            "Put quotes around it.",
        ),
        (
            "name: web\nparameters: {least: {default: x, type: integer}}\n",
            "pipeline.yml:2:31: the default of `least` is not an integer\n"
            "    parameters: {least: {default: x, type: integer}}\n"
            "                                  ^",
        ),
        (
            "name: web\nparameters: {least: {type: text}}\n",
            "pipeline.yml:2:28: `type` must be 'string', 'integer', 'number' or 'boolean'\n"
            "    parameters: {least: {type: text}}\n"
            "                               ^^^^",
        ),
        (
            "name: web\ninclude: [shared]\n",
            "pipeline.yml:2:11: there is no folder `shared` beside this pipeline\n"
            "    include: [shared]\n"
            "              ^^^^^^",
        ),
        (
            "name: web\nname: wob\n",
            "pipeline.yml:2:1: the key `name` stands twice\n    name: wob\n    ^^^^",
        ),
        (
            "name: &a web\ndescription: *a\n",
            "pipeline.yml:1:7: this is not YAML: anchors and aliases are not supported\n"
            "    name: &a web\n"
            "          ^",
        ),
        (
            "name: web\ndescription: a: b\n",
            "pipeline.yml:2:15: this is not YAML: mapping values are not allowed here\n"
            "    description: a: b\n"
            "                  ^\n"
            "Put quotes around a value with `: ` or `#`.",
        ),
        (
            "name: [web\n",
            "pipeline.yml:2:1: this is not YAML: while parsing a flow sequence, "
            "expected ',' or ']', but got '<stream end>'",
        ),
        (
            "name: !!python/object:os.system x\n",
            "pipeline.yml:1:7: this is not YAML: could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object:os.system'\n"
            "    name: !!python/object:os.system x\n"
            "          ^",
        ),
    ],
)
def test_a_mistake_in_the_configuration_is_an_error_at_its_place(yaml, message, error):
    said = error({"pipeline.yml": yaml or "\n", "10_documents.sql": view("documents AS SELECT 1")})
    assert said == message


def test_a_file_of_functions_that_fails_is_an_error_at_its_line(error):
    assert error({"functions.py": "import json\nraise ValueError('no')\n"}) == (
        "functions.py:2:1: `functions.py` cannot be imported: ValueError: no\n"
        "    raise ValueError('no')\n"
        "    ^"
    )


# -- the graph ---------------------------------------------------------------------------------


def test_a_circle_of_stages_is_named(error):
    assert error(
        {
            "20_a.sql": view("a AS SELECT * FROM b"),
            "21_b.sql": view("b AS SELECT * FROM c"),
            "22_c.sql": view("c AS SELECT * FROM documents, a"),
            "23_d.sql": view("d AS SELECT * FROM c"),
        }
    ) == (
        "20_a.sql:1:42: these stages read each other in a circle: a -> b -> c -> a\n"
        "    CREATE TEMPORARY VIEW a AS SELECT * FROM b\n"
        "                                             ^\n"
        "A stage reads only what can be built before it."
    )


def test_a_stage_that_reads_itself_is_an_error(error):
    assert error({"20_a.sql": view("a AS SELECT * FROM a")}) == (
        "20_a.sql:1:42: stage `a` reads itself\n"
        "    CREATE TEMPORARY VIEW a AS SELECT * FROM a\n"
        "                                             ^\n"
        "A streaming table sees only rows that are new; what it holds stays in it."
    )


def test_two_stages_of_one_name_are_an_error_that_names_both_files(error):
    assert error(
        {
            "pipeline.yml": CONFIGURATION + "include: [shared]\n",
            "20_a.sql": view("a AS SELECT 1"),
            "shared/20_a.sql": view("a AS SELECT 2"),
        }
    ) == (
        "shared/20_a.sql:1:23: stage `a` is already defined in 20_a.sql\n"
        "    CREATE TEMPORARY VIEW a AS SELECT 2\n"
        "                          ^\n"
        "Give one of them another name."
    )


@pytest.mark.parametrize(
    ("head", "kind", "remedy"),
    [
        (
            "CREATE OR REFRESH MATERIALIZED VIEW",
            "materialized view",
            "Read all of it, without STREAM, or make `a` a streaming table.",
        ),
        (
            "CREATE TEMPORARY VIEW",
            "temporary view",
            "Put STREAM before the streaming tables that it reads, in this stage.",
        ),
    ],
)
def test_stream_reads_only_streaming_tables(head, kind, remedy, error):
    assert error(
        {
            "20_a.sql": f"{head} a AS SELECT 1 AS id",
            "30_b.sql": "CREATE OR REFRESH STREAMING TABLE b AS\nSELECT * FROM STREAM(a)",
        }
    ) == (
        f"30_b.sql:2:15: STREAM cannot read `a`, which is a {kind}\n"
        "    SELECT * FROM STREAM(a)\n"
        "                  ^^^^^^^^^\n"
        f"{remedy}"
    )


def test_a_rule_name_used_twice_is_an_error(error):
    sql = FILTERED.replace("DROP ROW\n", "DROP ROW,\n  CONSTRAINT long EXPECT (length > 9)\n")
    assert error({"20_filtered.sql": sql}) == (
        "20_filtered.sql:3:14: rule `long` is already defined in line 2\n"
        "      CONSTRAINT long EXPECT (length > 9)\n"
        "                 ^^^^\n"
        "A verdict names rules: give each a name of its own."
    )


def test_everything_wrong_is_said_at_once_and_nothing_twice(error):
    said = error(
        {
            "20_a.sql": "CREATE VIEW a SELECT 1",
            "21_b.sql": view("b AS SELECT * FROM a, documnts"),
            "checks/nothing.yml": CHECK,
            "tests/a.yml": "- {row: {}, expect: maybe}\n",
        },
        {"least": "x"},
    )
    assert [line.split(": ")[0] for line in said.splitlines() if ": " in line][:1] == ["--set"]
    assert said.count("\n\n") == 4
    for part in ("--set", "20_a.sql:1:15", "21_b.sql:1:45", "checks/nothing.yml", "tests/a.yml"):
        assert said.count(part) == 1


# -- checks/ -----------------------------------------------------------------------------------


def test_checks_carry_their_section_severity_and_place(load):
    yaml = CHECK + "all:\n  - {type: half_stays, kwargs: {most: 1}, severity: info, notes: why}\n"
    files = {"20_filtered.sql": FILTERED, "checks/filtered.yml": yaml}
    kept, all_rows = load(files).checks["filtered"]
    assert (kept.section, kept.severity, kept.kwargs) == ("kept", "critical", {"min_value": 1})
    assert (all_rows.section, all_rows.severity, all_rows.notes) == ("all", "info", "why")
    assert (all_rows.place.line, all_rows.place.column) == (5, 6)


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        (
            "kept:\n  - type: expect_colum_to_exist\n",
            "checks/filtered.yml:2:11: there is no check `expect_colum_to_exist`\n"
            "      - type: expect_colum_to_exist\n"
            "              ^^^^^^^^^^^^^^^^^^^^^\n"
            "Did you mean `expect_column_to_exist`?",
        ),
        (
            "kept:\n  - type: half_stay\n",
            "checks/filtered.yml:2:11: there is no check `half_stay`\n"
            "      - type: half_stay\n"
            "              ^^^^^^^^^\n"
            "Did you mean `half_stays`?",
        ),
        (
            "kept:\n  - {type: half_stays, kwargs: {moost: 1}}\n",
            "checks/filtered.yml:2:33: `half_stays` has no option `moost`\n"
            "      - {type: half_stays, kwargs: {moost: 1}}\n"
            "                                    ^^^^^\n"
            "Did you mean `most`?",
        ),
        (
            "kept:\n  - {type: half_stays, kwargs: {most: all}}\n",
            "checks/filtered.yml:2:39: option `most` must be a number\n"
            "      - {type: half_stays, kwargs: {most: all}}\n"
            "                                          ^^^",
        ),
        (
            "kept:\n  - {type: expect_column_to_exist, meta: {}}\n",
            "checks/filtered.yml:2:36: unknown key `meta`\n"
            "      - {type: expect_column_to_exist, meta: {}}\n"
            "                                       ^^^^\n"
            "Known keys: type, kwargs, severity, notes.",
        ),
        (
            "kept:\n  - {type: expect_column_to_exist, severity: fatal}\n",
            "checks/filtered.yml:2:46: `severity` must be 'critical', 'warning' or 'info'\n"
            "      - {type: expect_column_to_exist, severity: fatal}\n"
            "                                                 ^^^^^",
        ),
        (
            "kept:\n  - {type: expect_column_quantile_values_to_be_between}\n",
            "checks/filtered.yml:2:12: `expect_column_quantile_values_to_be_between` is refused: "
            "its result on Spark cannot be stored (a NumPy boolean), so every run would fail\n"
            "      - {type: expect_column_quantile_values_to_be_between}\n"
            "               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
            "Write an unexpected_rows_expectation over percentile(column, 0.5) instead.",
        ),
        (
            "kapt: []\n",
            "checks/filtered.yml:1:1: unknown key `kapt`\n"
            "    kapt: []\n"
            "    ^^^^\n"
            "Did you mean `kept`?",
        ),
    ],
)
def test_a_mistake_in_a_file_of_checks_is_an_error_at_its_place(yaml, message, error):
    assert error({"20_filtered.sql": FILTERED, "checks/filtered.yml": yaml}) == message


def test_checks_of_a_stage_that_does_not_exist_are_an_error(error):
    assert error({"checks/documets.yml": CHECK}) == (
        "checks/documets.yml: there is no stage `documets` in this pipeline\n"
        "Did you mean `documents`?"
    )


def test_checks_of_a_temporary_view_are_an_error(error):
    assert error({"20_a.sql": view("a AS SELECT 1"), "checks/a.yml": CHECK}) == (
        "checks/a.yml: stage `a` is a temporary view: nobody reads it, so nothing gates it\n"
        "Check a stage that reads it, or make it a view."
    )


def test_the_checks_of_great_expectations_are_known_without_importing_it():
    core = great_expectations().expectations.core
    exported = {name for name in vars(core) if name.startswith(("Expect", "UnexpectedRows"))}
    assert len(expectations()) == len(exported)


# -- tests/ ------------------------------------------------------------------------------------


def test_an_example_names_its_input_only_where_there_is_a_choice(load):
    yaml = (
        "- row: {id: a, text: x}\n  expect: dropped\n  failed: [long]\n"
        "- {name: stays, input: documents, row: {text: xxx}, expect: kept}\n"
    )
    first, second = load({"20_filtered.sql": FILTERED, "tests/filtered.yml": yaml}).examples[
        "filtered"
    ]
    assert (first.name, first.table, first.dropped) == ("example 1", "documents", True)
    assert (first.failed, second.failed) == (("long",), None)
    assert (second.name, second.row, second.dropped) == ("stays", {"text": "xxx"}, False)


def test_examples_of_a_stage_over_a_source_stand_in_the_source(load):
    yaml = "- {row: {reject_reason: bad}, expect: dropped, failed: [readable]}\n"
    (example,) = load({"tests/documents.yml": yaml}).examples["documents"]
    assert example.table == "read_notes"


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        (
            "- {row: {}, expect: kept, failed: [lang]}\n",
            "tests/filtered.yml:1:36: stage `filtered` has no rule `lang`\n"
            "    - {row: {}, expect: kept, failed: [lang]}\n"
            "                                       ^^^^\n"
            "Did you mean `long`?",
        ),
        (
            "- {row: {}, expect: kept, input: notes}\n",
            "tests/filtered.yml:1:34: stage `filtered` does not read `notes`\n"
            "    - {row: {}, expect: kept, input: notes}\n"
            "                                     ^^^^^\n"
            "It reads `documents`.",
        ),
        (
            "- {row: {}, expect: maybe}\n",
            "tests/filtered.yml:1:21: `expect` must be 'kept' or 'dropped'\n"
            "    - {row: {}, expect: maybe}\n"
            "                        ^^^^^",
        ),
        (
            "- {expect: kept}\n",
            "tests/filtered.yml:1:3: the key `row` is missing\n"
            "    - {expect: kept}\n"
            "      ^^^^^^^^^^^^^^",
        ),
        (
            "row: {}\n",
            "tests/filtered.yml:1:1: a file of tests/ is a list of examples\n"
            "    row: {}\n"
            "    ^\n"
            "Start each one with `- row: {...}`.",
        ),
    ],
)
def test_a_mistake_in_a_file_of_examples_is_an_error_at_its_place(yaml, message, error):
    assert error({"20_filtered.sql": FILTERED, "tests/filtered.yml": yaml}) == message


def test_an_example_of_a_stage_with_two_inputs_must_name_one(error):
    files = {
        "20_a.sql": view("a AS SELECT * FROM documents JOIN raw.b USING (id)"),
        "tests/a.yml": "- {row: {}, expect: kept}\n",
    }
    assert "has 2 inputs: the example must name one" in error(files)
    assert "Add `input:` with one of `documents` and `raw.b`." in error(files)


# -- finding a pipeline ------------------------------------------------------------------------


def test_a_misspelt_pipeline_is_met_with_the_nearest_one():
    with pytest.raises(CommandError) as caught:
        load_pipeline("dmo")
    assert str(caught.value).startswith(
        "there is no pipeline `dmo`, packaged or as a folder\nDid you mean `demo`?\nPackaged "
    )


def test_a_folder_without_a_configuration_is_no_pipeline(tmp_path):
    with pytest.raises(CommandError, match=r"this folder has no pipeline\.yml"):
        load_pipeline(str(tmp_path))


@pytest.mark.parametrize("name", ["", "\x00", "x" * 5000, "../\x1b[31m"])
def test_a_name_that_can_be_no_path_is_an_error_like_any_other(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError) as caught:
        load_pipeline(name)
    assert "\x1b" not in str(caught.value)


def test_a_folder_without_stages_is_an_error(error):
    assert error({"10_documents.sql": ""}) == (
        "pipeline.yml: this pipeline has no stages\n"
        "A stage is a file such as 10_documents.sql in its folder."
    )


def test_a_stream_in_an_argument_of_an_operator_is_a_stream_of_the_stage(load):
    query = (
        "CREATE OR REFRESH STREAMING TABLE x AS\n"
        "SELECT * FROM met(TABLE(STREAM(documents)), TABLE(documents))"
    )
    stage = load({"20_x.sql": query}).stage("x")
    assert (stage.streams, stage.inputs) == ({"documents"}, ("documents",))
