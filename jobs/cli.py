"""The command line: arguments in, one function of another room called, its answer printed.

Commands that only read start in a fraction of a second, so nothing heavy is imported up here.
Results go to stdout, progress and logs to stderr; the exit codes are those of `winnow.errors`.
"""

import json
import logging
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from winnow.errors import CommandError, WinnowError

if TYPE_CHECKING:
    from winnow.engine.results import RunResult, StageResult
    from winnow.engine.run import RunOptions
    from winnow.engine.warehouse import Warehouse
    from winnow.explore.catalog import Catalog
    from winnow.explore.screen import Screen

FULL_REFRESH, ALL_STAGES = "--full-refresh", "*"
FORMATS = ("table", "csv", "json")
Function = TypeVar("Function", bound=Callable[..., Any])


class Command(TyperCommand):
    """A command whose errors are messages: on stderr, and with --json as an object on stdout."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; an error that the user can mend ends it with that error's code."""
        try:
            return super().invoke(ctx)
        except WinnowError as error:
            from winnow.explore.screen import escape_lines

            print(f"winnow: {escape_lines(str(error))}", file=sys.stderr)
            if ctx.params.get("as_json"):
                print(json.dumps({"error": str(error)}))
            raise typer.Exit(error.exit_code) from None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments; `--full-refresh` may stand without its STAGE."""
        return super().parse_args(ctx, with_stage(args))


def with_stage(args: list[str]) -> list[str]:
    """Give every `--full-refresh` that no stage follows the value for all stages."""
    found: list[str] = []
    for position, argument in enumerate(args):
        after = args[position + 1 : position + 2]
        alone = argument == FULL_REFRESH and (not after or after[0].startswith("-"))
        found += [argument, ALL_STAGES] if alone else [argument]
    return found


app = typer.Typer(
    name="winnow",
    help="Curates training data on Spark and Delta Lake. Every decision is a row.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Address = Annotated[
    str | None,
    typer.Option(
        "--warehouse", help="Folder or URI of the tables. [WINNOW_WAREHOUSE, ./warehouse]"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
PipelineName = Annotated[
    str, typer.Argument(metavar="PIPELINE", help="A packaged pipeline's name, or a folder.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the pipeline; repeatable."),
]
Master = Annotated[str | None, typer.Option("--master", help="Spark master. [local[*]]")]
Select = Annotated[
    list[str] | None,
    typer.Option("--select", metavar="STAGE", help="This stage and what it needs; repeatable."),
]
Refresh = Annotated[
    list[str] | None,
    typer.Option(
        FULL_REFRESH,
        metavar="[STAGE]",
        help="Build this stage from the beginning; without STAGE all of them.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", help="Read this many documents into a scratch warehouse."),
]
Table = Annotated[str, typer.Argument(metavar="TABLE", help="pipeline.stage")]


def command(name: str) -> Callable[[Function], Function]:
    """Add a command to the program."""
    return app.command(name, cls=Command)


@command("run")
def run_pipeline(
    pipeline: PipelineName,
    warehouse: Address = None,
    settings: Settings = None,
    select: Select = None,
    full_refresh: Refresh = None,
    limit: Limit = None,
    master: Master = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Publish again what a rollback holds back.")
    ] = False,
    as_json: AsJson = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Show Spark's logs.")] = False,
) -> None:
    """Run a pipeline: build what changed, check it, publish it."""
    options = _options(pipeline, warehouse, settings, select, full_refresh, limit, master, resume)
    result = _run(options, as_json, verbose)
    if as_json:
        print(json.dumps(result.json()))
    raise typer.Exit(result.exit_code)


@command("plan")
def plan_pipeline(
    pipeline: PipelineName,
    warehouse: Address = None,
    settings: Settings = None,
    select: Select = None,
    full_refresh: Refresh = None,
    limit: Limit = None,
    as_json: AsJson = False,
) -> None:
    """Show what a run would do with each stage, and why; do nothing."""
    from winnow.engine.run import plan_run
    from winnow.explore.plans import plan_facts, show_plan

    options = _options(pipeline, warehouse, settings, select, full_refresh, limit)
    given = [
        ("--warehouse", warehouse),
        *(("--set", setting) for setting in settings or ()),
        *(("--select", stage) for stage in select or ()),
        *((FULL_REFRESH, stage) for stage in full_refresh or ()),
        ("--limit", limit),
    ]
    parts = [str(part) for pair in given if pair[1] is not None for part in pair]
    command = shlex.join(["winnow", "run", pipeline, *parts])
    _answer(plan_facts(pipeline, command, plan_run(options)), show_plan, as_json)


@command("test")
def check_examples(
    pipeline: PipelineName, settings: Settings = None, as_json: AsJson = False
) -> None:
    """Hold a pipeline's example rows against their verdicts."""
    from winnow.engine.examples import test_pipeline
    from winnow.explore.plans import example_facts, show_examples

    facts = example_facts(pipeline, test_pipeline(pipeline, _values(settings)))
    _answer(facts, show_examples, as_json)
    raise typer.Exit(1 if facts["failed"] else 0)


@command("demo")
def run_demo(warehouse: Address = None, master: Master = None, as_json: AsJson = False) -> None:
    """Curate text that every machine has, then show what one can ask."""
    from winnow.engine.plan import ChangedFileError
    from winnow.explore.catalog import Catalog
    from winnow.explore.demo import PIPELINE, show_demo

    options = _options(PIPELINE, warehouse, master=master)
    try:
        result = _run(options, as_json)
    except ChangedFileError:  # a package was installed or upgraded since the last demo
        result = _run(replace(options, full_refresh=("documents",)), as_json)
    if as_json:
        print(json.dumps(result.json()))
    elif result.exit_code == 0:
        print(f"\n{show_demo(Catalog.of(options.warehouse), _screen())}")
    raise typer.Exit(result.exit_code)


@command("status")
def show_runs(warehouse: Address = None, as_json: AsJson = False) -> None:
    """Show the last runs, what is published and what is held."""
    from winnow.explore.history import show_status, status

    _answer(status(_catalog(warehouse)), show_status, as_json)


@command("tables")
def list_tables(warehouse: Address = None, as_json: AsJson = False) -> None:
    """List the published tables."""
    from winnow.explore.history import show_tables, tables

    _answer(tables(_catalog(warehouse)), show_tables, as_json)


@command("versions")
def list_versions(
    table: Table,
    document: Annotated[
        str | None, typer.Option("--document", metavar="ID", help="Say which of them held it.")
    ] = None,
    warehouse: Address = None,
    as_json: AsJson = False,
) -> None:
    """List a table's versions: state, run, counts, reason."""
    from winnow.explore.history import show_versions, versions

    _answer(versions(_catalog(warehouse), table, document), show_versions, as_json)


@command("lineage")
def show_inputs(
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]")] = None,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="As a Mermaid diagram, for Markdown pages.")
    ] = False,
    warehouse: Address = None,
    as_json: AsJson = False,
) -> None:
    """Show what published tables were built from, and what reads one."""
    from winnow.explore.lineage import lineage, show_lineage, show_mermaid

    show = show_mermaid if mermaid else show_lineage
    _answer(lineage(_catalog(warehouse), table), show, as_json)


@command("sql")
def run_sql(
    query: Annotated[
        str | None,
        typer.Argument(metavar="[QUERY]", help="SELECT .., or SHOW TABLES; without it a prompt."),
    ] = None,
    warehouse: Address = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE=VERSION", help="Read this version, a rejected one, too; repeatable."
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--format", metavar="|".join(FORMATS), help="How to print the rows.")
    ] = "table",
) -> None:
    """Ask published tables by SQL (DuckDB's), without starting Spark."""
    from winnow.explore.output import write_csv, write_json, write_table
    from winnow.explore.query import Query

    if output not in FORMATS:
        raise CommandError(f"--format {output}: it is one of {', '.join(FORMATS)}")

    def catalog() -> "Catalog":
        found = _catalog(warehouse)
        for table, version in _values(at, "--at").items():
            found.choose(table, version)
        return found

    def answer(known: "Catalog", text: str) -> None:
        found = Query(known, text)
        if output == "table":
            write_table(found, sys.stdout, _screen())
        else:
            {"csv": write_csv, "json": write_json}[output](found, sys.stdout)

    if query is None and sys.stdin.isatty():
        from winnow.explore.shell import history, run_shell, session

        known = catalog()  # a warehouse that is not there is told before the first prompt
        run_shell(catalog, answer, print, session(lambda: known, history()))
    else:
        answer(catalog(), sys.stdin.read() if query is None else query)


@command("explain")
def explain_document(
    id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A document's id, or its beginning.")
    ] = None,
    url: Annotated[str | None, typer.Option("--url", help="Its address, in place of ID.")] = None,
    match: Annotated[
        str | None, typer.Option("--match", metavar="TEXT", help="Words of its text, likewise.")
    ] = None,
    warehouse: Address = None,
    as_json: AsJson = False,
) -> None:
    """Tell one document's life: stages, rules, values, copies."""
    from winnow.explore.life import explain
    from winnow.explore.life_shown import show_life

    given = {"id": id, "url": url, "text": match}
    named = [(by, value) for by, value in given.items() if value is not None]
    if len(named) != 1:
        raise CommandError("name one document: by ID, --url or --match 'words of its text'")
    by, value = named[0]
    _answer(explain(_catalog(warehouse), value, by), show_life, as_json)


@command("what-if")
def ask_what_if(
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="pipeline.stage, or a stage.")],
    rules: Annotated[
        list[str] | None,
        typer.Option(
            "--rule", metavar="NAME: CONDITION", help="A rule changed, or new; repeatable."
        ),
    ] = None,
    swept: Annotated[
        str | None,
        typer.Option("--sweep", metavar="NAME: .. {A,B} ..", help="A rule with several values."),
    ] = None,
    warehouse: Address = None,
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Show who would come and go if rules changed; build nothing."""
    from winnow.explore.live import Live
    from winnow.explore.what_if_asked import ask
    from winnow.explore.what_if_shown import show_what_if

    with Live(sys.stderr) as live:
        live.begin("what if")
        facts = ask(_catalog(warehouse), stage, rules or [], swept, master)
    _answer(facts, show_what_if, as_json)


@command("diff")
def compare_versions(
    table: Table,
    before: Annotated[str, typer.Argument(metavar="V1", help="A version's number.")],
    after: Annotated[str, typer.Argument(metavar="V2", help="Another one.")],
    warehouse: Address = None,
    as_json: AsJson = False,
) -> None:
    """Compare two versions of a table: who came, who went, and why."""
    from winnow.explore.differences import diff
    from winnow.explore.differences_shown import show_diff

    _answer(diff(_catalog(warehouse), table, before, after), show_diff, as_json)


@command("report")
def write_report(
    pipeline: Annotated[
        str | None, typer.Argument(metavar="[PIPELINE]", help="Needed if there are several.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The page to write.")] = Path(
        "report.html"
    ),
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="What this run had published.")
    ] = None,
    warehouse: Address = None,
    as_json: AsJson = False,
) -> None:
    """Write one HTML page about what is published: flow, rules, signals, documents, checks."""
    from winnow.explore.report import show_written, write

    _answer(write(_catalog(warehouse), pipeline, out, run), show_written, as_json)


@command("export")
def export_table(
    table: Table,
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A new one, or a URI.")],
    format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="jsonl, jsonl.gz, jsonl.zst, parquet.")
    ] = "jsonl.zst",
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="A,B", help="Only these, in this order.")
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="Another version than the published one.")
    ] = None,
    shards: Annotated[
        int | None, typer.Option("--shards", help="How many files. [one for 100,000 documents]")
    ] = None,
    warehouse: Address = None,
    master: Master = None,
    as_json: AsJson = False,
) -> None:
    """Write a table's kept documents as shuffled shards for training."""
    from winnow.explore.live import Live
    from winnow.export.export import Request, export, show_export

    named = [] if columns is None else [name.strip() for name in columns.split(",")]
    request = Request(table, format, named, version, shards)
    with Live(sys.stderr) as live:
        live.begin("export")
        facts = export(_catalog(warehouse), request, folder, master)
    _answer(facts, show_export, as_json)


@command("functions")
def list_functions(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[FUNCTION|PIPELINE]",
            help="Tell all of one function; or list a pipeline's own functions, too.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the functions that SQL can call, or tell all of one."""
    from winnow.explore.functions import functions, show_functions

    _answer(functions(name), show_functions, as_json)


@command("rollback")
def roll_back(
    table: Table,
    to: Annotated[int, typer.Option("--to", metavar="VERSION", help="A version once published.")],
    warehouse: Address = None,
    as_json: AsJson = False,
) -> None:
    """Move readers of a table, and what is built from it, back."""
    from winnow.engine.rollback import rollback
    from winnow.explore.upkeep import rollback_facts, show_rollback

    place = _existing(warehouse)
    _answer(rollback_facts(rollback(place, table, to)), show_rollback, as_json)


@command("vacuum")
def delete_old_versions(
    keep: Annotated[int, typer.Option("--keep", min=0, help="Audited versions to keep.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it nothing goes.")] = False,
    warehouse: Address = None,
    as_json: AsJson = False,
) -> None:
    """Delete old and rejected versions that nothing published needs."""
    from winnow.engine.vacuum import vacuum
    from winnow.explore.upkeep import show_vacuum, vacuum_facts

    only_show = dry_run or not yes
    done = vacuum(_existing(warehouse), keep, only_show)
    _answer(vacuum_facts(done, only_show), show_vacuum, as_json)


@command("init")
def start_pipeline(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    copied: Annotated[
        str | None,
        typer.Option("--from", metavar="PIPELINE", help="Copy this packaged one, to change it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a small pipeline to start from, or a copy of a packaged one."""
    from winnow.explore.starter import show_started, start

    _answer(start(folder, copied), show_started, as_json)


def _run(options: "RunOptions", as_json: bool, verbose: bool = False) -> "RunResult":
    from winnow.engine.run import run
    from winnow.explore.live import Live
    from winnow.explore.progress import ending, stage_lines

    if verbose:
        os.environ["WINNOW_VERBOSE"] = "1"  # the session shows Spark's logs then
        logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    if as_json:
        return run(options)
    screen = _screen()
    with Live(sys.stderr) as live:

        def ended(stage: "StageResult") -> None:
            live.end()
            print(stage_lines(stage, screen), flush=True)

        result = run(options, ended, live.begin)
    print(f"\n{ending(result, screen)}")
    if options.limit is not None:
        print(f"  look at it   winnow tables --warehouse {result.warehouse}")
    return result


def _options(
    pipeline: str,
    warehouse: str | None,
    settings: list[str] | None = None,
    select: list[str] | None = None,
    full_refresh: list[str] | None = None,
    limit: int | None = None,
    master: str | None = None,
    resume: bool = False,
) -> "RunOptions":
    from winnow.engine.run import RunOptions

    refresh = None if not full_refresh else tuple(full_refresh)
    return RunOptions(
        pipeline=pipeline,
        warehouse=_warehouse(warehouse),
        settings=_values(settings),
        select=tuple(select or ()),
        full_refresh=() if refresh and ALL_STAGES in refresh else refresh,
        limit=limit,
        master=master,
        resume=resume,
    )


def _values(settings: list[str] | None, option: str = "--set") -> dict[str, str]:
    found = {}
    for setting in settings or []:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise CommandError(f"{option} {setting}: write {option} name=value")
        found[name.strip()] = value
    return found


def _warehouse(address: str | None) -> "Warehouse":
    from winnow.engine.warehouse import Warehouse

    return Warehouse.at(address or os.environ.get("WINNOW_WAREHOUSE") or "warehouse")


def _existing(address: str | None) -> "Warehouse":
    return _catalog(address).warehouse


def _catalog(address: str | None) -> "Catalog":
    from winnow.explore.catalog import Catalog

    return Catalog.of(_warehouse(address))


def _screen() -> "Screen":
    from winnow.explore.screen import Screen

    return Screen.of(sys.stdout)


def _answer(
    facts: dict[str, Any], show: Callable[[dict[str, Any], "Screen"], str], as_json: bool
) -> None:
    from winnow.explore.json_text import to_json

    print(to_json(facts, indent=2) if as_json else show(facts, _screen()))


def main() -> None:
    """Run the program."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    for argument in sys.argv[1:]:
        try:
            argument.encode()
        except UnicodeEncodeError:
            print(f"winnow: an argument is no UTF-8: {os.fsencode(argument)!r}", file=sys.stderr)
            sys.exit(2)
    app()


if __name__ == "__main__":
    main()
