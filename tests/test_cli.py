import json
import shlex
import subprocess
import sys
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import small_warehouse
import winnow.engine.run
from winnow.cli import app, main, with_stage
from winnow.engine.results import CheckResult, RuleCount, RunResult, StageResult
from winnow.errors import CommandError, HeldError
from winnow.explore.progress import ending, stage_line
from winnow.explore.screen import Screen

READING = [
    ("status",),
    ("tables",),
    ("versions", "web.filtered"),
    ("lineage",),
    ("lineage", "web.curated"),
    ("explain", "a2-copy"),
    ("explain", "--url", "https://example.org/a2-copy"),
    ("diff", "web.filtered", "1", "2"),
]


@pytest.fixture
def winnow_cli(warehouse, monkeypatch):
    monkeypatch.setenv("WINNOW_WAREHOUSE", warehouse.address)
    return lambda *arguments: CliRunner().invoke(app, arguments)


@pytest.mark.parametrize("command", READING)
def test_a_reading_command_prints_lines_or_one_json_object(winnow_cli, command):
    lines, found = winnow_cli(*command), winnow_cli(*command, "--json")
    assert (lines.exit_code, found.exit_code) == (0, 0)
    assert lines.stdout.strip()
    assert isinstance(json.loads(found.stdout), dict)
    assert found.stderr == ""


@pytest.mark.parametrize("command", READING)
def test_without_a_warehouse_a_reading_command_says_what_makes_one(winnow_cli, command, tmp_path):
    done = winnow_cli(*command, "--warehouse", str(tmp_path / "none"))
    assert done.exit_code == 2
    assert "no warehouse at" in done.stderr
    assert "`winnow demo` or `winnow run PIPELINE` makes one" in done.stderr
    assert not (tmp_path / "none").exists()


def test_functions_of_a_pipeline_are_listed_beside_winnows(winnow_cli, tmp_path):
    assert winnow_cli("init", str(tmp_path / "mine")).exit_code == 0

    def packages(*arguments):
        found = json.loads(winnow_cli("functions", *arguments, "--json").stdout)["functions"]
        return {one["name"]: one["package"] for one in found}

    winnows, all_of_them = packages(), packages(str(tmp_path / "mine"))
    assert set(winnows.values()) == {"winnow"}
    assert all_of_them == winnows | {"question_marks": "mine"}
    wrong = winnow_cli("functions", "gophr")
    assert (wrong.exit_code, "Did you mean `gopher`?" in wrong.stderr) == (2, True)


def test_all_that_is_said_of_a_function_can_be_read(winnow_cli):
    shown = winnow_cli("functions", "text_signals").stdout
    assert "text_signals(text, limit => 10000000)  version " in shown
    assert all(part in shown for part in ("Units: ", "Source: ", "returns STRUCT<"))
    assert "repetition_signals" not in shown


def test_a_function_of_stages_in_a_query_is_told_from_one_that_nobody_has(winnow_cli):
    known = winnow_cli("sql", "SELECT redact('a', NULL)").stderr
    assert "`redact` is a function of stages" in known
    assert "winnow.connect().sql" in known
    assert "does not exist" in winnow_cli("sql", "SELECT no_such_function('a')").stderr


def test_a_report_is_one_file_and_the_command_says_where(winnow_cli, tmp_path):
    page = tmp_path / "report.html"
    done = json.loads(winnow_cli("report", "--out", str(page), "--json").stdout)
    assert (done["file"], done["bytes"]) == (str(page), page.stat().st_size)
    assert page.read_text().startswith("<!doctype html>")
    assert str(page) in winnow_cli("report", "web", "--out", str(page)).stdout
    wrong = winnow_cli("report", "webb", "--out", str(page))
    assert (wrong.exit_code, "did you mean `web`" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("name", ["with [brackets]", "a^b", "a|b", "back\\slash", "tab\tstop"])
def test_an_address_that_delta_cannot_have_is_told(winnow_cli, tmp_path, name):
    done = winnow_cli("tables", "--warehouse", str(tmp_path / name))
    assert done.exit_code == 2
    assert "in it, which Delta cannot have there. Name another with --warehouse" in done.stderr


def test_the_warehouse_option_comes_before_the_environment(winnow_cli, tmp_path):
    other = small_warehouse.build(tmp_path / "other")
    found = json.loads(winnow_cli("tables", "--json", "--warehouse", other.address).stdout)
    assert found["warehouse"] == other.address


def test_the_warehouse_is_in_the_working_folder_when_nothing_names_one(tmp_path, monkeypatch):
    small_warehouse.build(tmp_path / "warehouse")
    monkeypatch.delenv("WINNOW_WAREHOUSE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["tables"]).exit_code == 0


@pytest.mark.parametrize("output", ["table", "csv", "json"])
def test_sql_prints_rows_in_each_format(winnow_cli, output):
    done = winnow_cli("sql", "SELECT id FROM web.filtered ORDER BY id", "--format", output)
    assert done.exit_code == 0
    assert "a1-kept" in done.stdout


def test_sql_can_read_a_rejected_version(winnow_cli):
    done = winnow_cli(
        "sql", "SELECT count(*) AS n FROM web.filtered", "--at", "web.filtered=3", "--format", "csv"
    )
    assert done.stdout == "n\n4\n"


def test_a_plan_ends_with_the_command_that_does_it(tmp_path):
    (tmp_path / "my input").mkdir()
    (tmp_path / "my input" / "one.jsonl").write_text('{"id": "a", "text": "x"}\n')
    given = ["--warehouse", str(tmp_path / "a b"), "--set", f"input={tmp_path / 'my input'}"]
    given += ["--set", "max_rejects=0.1", "--select", "filtered", "--full-refresh", "filtered"]
    given += ["--full-refresh", "--limit", "5"]
    plan = CliRunner().invoke(app, ["plan", "demo", *given]).stdout
    command = plan.rstrip().rpartition("\n")[2].removeprefix("  do it   ")
    assert with_stage(["winnow", "run", "demo", *given]) == shlex.split(command)
    facts = json.loads(CliRunner().invoke(app, ["plan", "demo", *given, "--json"]).stdout)
    assert facts["command"] == command


def test_init_copies_a_packaged_pipeline_and_says_what_is_next(tmp_path):
    folder = tmp_path / "My news"
    done = CliRunner().invoke(app, ["init", str(folder), "--from", "c4"])
    assert done.exit_code == 0
    assert f"wrote {folder}/20_filtered.sql" in done.stdout
    assert f"winnow test '{folder}'" in done.stdout
    assert CliRunner().invoke(app, ["init", str(tmp_path / "a"), "--from", "c5"]).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("sql", "SELECT * FROM web.filterd"), "Did you mean `web.filtered`"),
        (("sql", "SELECT 1", "--format", "xml"), "it is one of table, csv, json"),
        (("versions", "web.filterd"), "Did you mean `web.filtered`"),
        (("lineage", "filtered"), "Did you mean `web.filtered`"),
        (("explain", "no\x1b[2Jbody"), "no published document has the id `no\\x1b[2Jbody`"),
        (("explain",), "name one document: by ID, --url or --match"),
        (("explain", "a1-kept", "--match", "fox"), "name one document"),
        (("what-if", "filterd", "--rule", "a: true"), "Did you mean `web.filtered`"),
        (("what-if", "web.filtered", "--rule", "word_cont: true"), "Did you mean `word_count`"),
        (("what-if", "web.filtered"), "what if what?"),
        (("diff", "web.filtered", "1", "9"), "has no version 9; it has 1, 2, 3"),
        (("plan", "no-such-pipeline"), "there is no pipeline"),
        (("run", "demo", "--set", "input"), "write --set name=value"),
        (("tables", "--wrong"), "--wrong"),
        (("rollback", "web.filtered"), "--to"),
        (("nonsense",), "nonsense"),
    ],
)
def test_a_wrong_command_ends_with_2_a_message_and_no_stack_trace(winnow_cli, arguments, message):
    done = winnow_cli(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


def test_with_json_an_error_is_an_object_on_stdout(winnow_cli):
    done = winnow_cli("versions", "web.filterd", "--json")
    assert done.exit_code == 2
    assert "Did you mean `web.filtered`" in json.loads(done.stdout)["error"]


def test_every_command_has_a_help_text():
    top = CliRunner().invoke(app, ["--help"]).stdout
    for command in app.registered_commands:
        assert command.name in top
        assert CliRunner().invoke(app, [command.name, "--help"]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["web"], ["web"]),
        (["web", "--full-refresh"], ["web", "--full-refresh", "*"]),
        (["web", "--full-refresh", "--json"], ["web", "--full-refresh", "*", "--json"]),
        (["web", "--full-refresh", "kept"], ["web", "--full-refresh", "kept"]),
        (["--full-refresh=kept", "web"], ["--full-refresh=kept", "web"]),
    ],
)
def test_full_refresh_stands_with_or_without_a_stage(arguments, expected):
    assert with_stage(arguments) == expected


def test_an_argument_that_is_no_utf8_is_told(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["winnow", "explain", "a\udcff"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "winnow: an argument is no UTF-8: b'a\\xff'\n"


class TestRun:
    BUILT = StageResult(
        "filtered",
        "streaming table",
        "BUILT",
        "first build",
        version=13,
        rows_in=1_204_511,
        rows_kept=642_077,
        rows_dropped=562_434,
        stored_bytes=410_000_000,
        seconds=41,
        rules=(
            RuleCount("stop_words", "stop_words >= 2", "drop", 3),
            RuleCount("word_count", "words > 50", "drop", 301_442),
            RuleCount("short_lines", "short_lines < 9", "drop", 188_900),
            RuleCount("licence_known", "licence IS NOT NULL", "record", 999_999),
            RuleCount("ended_lines", "true", "drop", 0),
        ),
    )
    REJECTED = StageResult(
        "curated",
        "materialized view",
        "REJECTED",
        "first build",
        version=13,
        rows_in=642_077,
        rows_kept=571_338,
        rows_dropped=70_739,
        seconds=112,
        checks=(
            CheckResult(
                section="all",
                type="expect_column_values_to_be_unique",
                kwargs={"column": "id"},
                severity="critical",
                success=False,
                observed={"unexpected_percent": 2.5},
                unexpected_count=1300,
                examples=("a\x1b[2J", "b"),
                notes="Every later join is on id.",
                place="checks/curated.yml:14",
            ),
        ),
    )

    @pytest.fixture
    def asked(self, monkeypatch):
        """What the command asked of the engine; stands in for a run of minutes."""
        found = []
        stages = [self.BUILT]

        def run(options, on_stage=None, on_start=None):
            found.append(options)
            for stage in stages:
                if on_stage:
                    on_stage(stage)
            state = "rejected" if self.REJECTED in stages else "succeeded"
            return RunResult("r1", "web", state, 153, tuple(stages), "here", state == "succeeded")

        monkeypatch.setattr(winnow.engine.run, "run", run)
        return found, stages

    def test_each_stage_is_a_line(self):
        assert stage_line(self.BUILT, Screen(130)) == (
            "filtered    BUILT     v13  1,204,511 -> 642,077        41 s  10.0 MB/s  "
            "word_count 301,442 · short_lines 188,900 · 1 more rule"
        )

    def test_a_stage_that_stored_nothing_has_no_rate(self):
        view = StageResult("curated", "view", "BUILT", "first build", version=1, seconds=2.4)
        assert stage_line(view, Screen(120)).endswith("2.4 s")

    def test_a_failed_check_says_place_numbers_examples_and_notes(self):
        result = RunResult("r", "web", "rejected", 153, (self.REJECTED,), "here", False)
        text = ending(result, Screen(100))
        assert text.startswith(
            "checks/curated.yml:14  critical  column id: values to be unique (of all rows)\n"
            "  found 2.5 · 1,300 unexpected · for example a\\x1b[2J, b\n"
            "  Every later join is on id.\n"
        )
        assert "web.curated v13 is rejected" in text
        assert text.endswith("rejected after 2 min 33 s; nothing was published")

    @pytest.mark.parametrize(
        ("section", "examples", "query"),
        [
            ("kept", ("a", "b:1"), "FROM web.curated WHERE id IN ('a', 'b:1') LIMIT 20"),
            ("kept", ("a", "it's"), "FROM web.curated LIMIT 20"),
            ("kept", (), "FROM web.curated LIMIT 20"),
            ("all", ("a",), "FROM web.curated_dropped LIMIT 20"),
            ("built in", ("a",), "FROM web.curated_dropped LIMIT 20"),
        ],
    )
    def test_a_rejected_version_is_looked_at_where_the_check_looked(self, section, examples, query):
        [check] = self.REJECTED.checks
        check = replace(check, section=section, examples=examples)
        stage = replace(self.REJECTED, checks=(check,))
        text = ending(RunResult("r", "web", "rejected", 1, (stage,), "here", False), Screen(100))
        [told] = [line for line in text.split("\n") if "winnow sql" in line]
        assert told.endswith(f'winnow sql --at web.curated=13 "SELECT * {query}"')

    def test_options_reach_the_engine(self, winnow_cli, asked):
        done = winnow_cli(
            *("run", "web", "--set", "input=a=b", "--set", "n=1", "--select", "filtered"),
            *("--limit", "5", "--master", "local[1]", "--resume", "--full-refresh", "filtered"),
        )
        assert done.exit_code == 0, done.stderr
        options = asked[0][0]
        assert options.settings == {"input": "a=b", "n": "1"}
        assert (options.select, options.limit, options.master) == (("filtered",), 5, "local[1]")
        assert options.resume
        assert options.full_refresh == ("filtered",)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [((), None), (("--full-refresh",), ()), (("--full-refresh", "kept"), ("kept",))],
    )
    def test_full_refresh_means_none_all_or_one(self, winnow_cli, asked, arguments, expected):
        winnow_cli("run", "web", *arguments)
        assert asked[0][0].full_refresh == expected

    def test_json_is_one_object_and_nothing_else(self, winnow_cli, asked):
        done = winnow_cli("run", "web", "--json")
        found = json.loads(done.stdout)
        assert found["stages"][0]["stage"] == "filtered"
        assert {"run", "pipeline", "state", "seconds", "stages"} <= set(found)
        assert done.stderr == ""

    def test_a_rejected_version_ends_with_3(self, winnow_cli, asked):
        asked[1].append(self.REJECTED)
        done = winnow_cli("run", "web")
        assert done.exit_code == 3
        assert "REJECTED" in done.stdout

    @pytest.mark.parametrize(("error", "code"), [(HeldError("held"), 4), (CommandError("no"), 2)])
    def test_an_error_of_the_user_ends_with_its_own_code(
        self, winnow_cli, monkeypatch, error, code
    ):
        def run(options, on_stage=None, on_start=None):
            raise error

        monkeypatch.setattr(winnow.engine.run, "run", run)
        done = winnow_cli("run", "web")
        assert done.exit_code == code
        assert done.stderr == f"winnow: {error}\n"

    def test_a_bug_keeps_its_stack_trace(self, winnow_cli, monkeypatch):
        def run(options, on_stage=None, on_start=None):
            raise ZeroDivisionError("a bug")

        monkeypatch.setattr(winnow.engine.run, "run", run)
        assert isinstance(winnow_cli("run", "web").exception, ZeroDivisionError)


def test_vacuum_only_shows_until_it_is_told_yes(tmp_path):
    warehouse = small_warehouse.build(tmp_path / "warehouse")
    place = ["--warehouse", warehouse.address, "--keep", "0"]
    shown = CliRunner().invoke(app, ["vacuum", *place])
    assert "nothing was deleted. --yes deletes it" in shown.stdout
    again = CliRunner().invoke(app, ["vacuum", *place, "--json", "--yes", "--dry-run"])
    assert json.loads(again.stdout)["dry_run"]
    done = CliRunner().invoke(app, ["vacuum", *place, "--yes", "--json"])
    assert not json.loads(done.stdout)["dry_run"]
    assert CliRunner().invoke(app, ["vacuum", *place]).stdout.startswith("nothing to delete")


def test_rollback_says_what_readers_see_now(tmp_path):
    warehouse = small_warehouse.build(tmp_path / "warehouse")
    arguments = ["rollback", "web.filtered", "--warehouse", warehouse.address]
    wrong = CliRunner().invoke(app, [*arguments, "--to", "3"])
    assert (wrong.exit_code, "was never published" in wrong.stderr) == (2, True)


@pytest.mark.parametrize(
    "command", [*READING, ("sql", "SELECT id FROM web.curated"), ("vacuum", "--dry-run")]
)
def test_reading_starts_no_jvm_and_imports_nothing_heavy(warehouse, command):
    program = (
        "import sys; from winnow.cli import app; app(sys.argv[1:], standalone_mode=False); "
        "heavy = {'pyspark', 'py4j', 'numba', 'great_expectations'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    arguments = [*command, "--warehouse", warehouse.address]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_the_program_is_installed_under_its_name():
    setup = ConfigParser()
    setup.read(Path(__file__).parents[1] / "setup.cfg")
    assert "winnow = winnow.cli:main" in setup["options.entry_points"]["console_scripts"]
    done = subprocess.run(
        [Path(sys.executable).parent / "winnow", "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "Curates training data" in done.stdout
