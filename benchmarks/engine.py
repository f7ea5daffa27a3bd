"""What the engine costs beside the work itself: starting, planning, checking, the ledger.

    python benchmarks/engine.py [--runs N] [--quick] [--parts LETTERS]

Prints one table: the median over the runs, the fastest and the slowest of them, and the goal where
there is one. Everything is written into a temporary folder.

a  From a new process to the first stage, step by step: Python and the plan, Spark's session, the
   analysis of all stages.
b  Steps of stages of a few rows with five checks each, in a session that is warm. `write` is the
   whole of `winnow.engine.build`, `audit` all from there to the verdict, `record` the rows in the
   control tables. Publishing is one commit per run; here it is counted for each stage.
c  `winnow run` of ten stages with five checks each as a process: for the first time, and when
   nothing has changed; and `winnow plan` of that.
d  One stage over documents of which its rules drop about half, written with its ledger (verdicts,
   signals of dropped rows, counts by rule), beside a plain overwrite of a Delta table with the rows
   that hold all rules. Both alternate in one session. Look at the ratio, which is taken pair by
   pair: a busy machine slows both alike.
e  Ten checks on a stored table by `winnow.engine.audit`: the first time in a process, with the
   import of Great Expectations, and again.
f  Reading commands as processes on the warehouse of d.

Seconds depend on what else the machine does; its load stands above the table.
"""

import argparse
import gzip
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

from winnow.engine.plan import Planner
from winnow.engine.registry import Registry
from winnow.engine.warehouse import Warehouse
from winnow.pipeline.load import load_pipeline
from winnow.pipeline.model import Pipeline

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from winnow.engine.build import PinnedInputs

WINNOW = [sys.executable, "-m", "winnow.cli"]
INPUT = """
    name: {name}
    description: Documents for a benchmark
    parameters:
      input: {{description: Where the documents are}}
"""
DOCUMENTS = """
    CREATE OR REFRESH STREAMING TABLE documents AS
    SELECT * FROM STREAM read_documents(:input, format => 'jsonl')
"""
COUNTED = """
    CREATE OR REFRESH STREAMING TABLE stage_1 (
      CONSTRAINT long_enough EXPECT (words >= 3) ON VIOLATION DROP ROW,
      CONSTRAINT licence_known EXPECT (licence IS NOT NULL)
    ) AS
    SELECT id, source, licence, text, size(split(text, ' ')) AS words FROM STREAM(documents)
"""
NEXT = """
    CREATE OR REFRESH MATERIALIZED VIEW stage_{number} (
      CONSTRAINT long_enough EXPECT (words >= {number}) ON VIOLATION DROP ROW
    ) AS
    SELECT id, source, words FROM stage_{before}
"""
FIVE_CHECKS = """
    kept:
      - {{type: expect_table_row_count_to_be_between, kwargs: {{min_value: 1}}, severity: critical}}
      - {{type: expect_column_values_to_not_be_null, kwargs: {{column: id}}, severity: critical}}
      - {{type: expect_column_values_to_be_unique, kwargs: {{column: id}}, severity: critical}}
      - type: expect_column_values_to_be_between
        kwargs: {{column: {measure}, min_value: 1}}
        severity: critical
    all:
      - {{type: max_drop_share, kwargs: {{column: source, share: 0.9}}, severity: warning}}
"""
# Thresholds of Gopher and FineWeb; the parity, which says nothing of a text, drops half.
FILTERED = """
    CREATE OR REFRESH STREAMING TABLE filtered (
      CONSTRAINT every_other    EXPECT (chars % 2 = 0)                   ON VIOLATION DROP ROW,
      CONSTRAINT word_count     EXPECT (words BETWEEN 3 AND 100000)      ON VIOLATION DROP ROW,
      CONSTRAINT hash_ratio     EXPECT (hashes <= 0.1 * words)           ON VIOLATION DROP ROW,
      CONSTRAINT ellipsis_ratio EXPECT (ellipses <= 0.1 * words)         ON VIOLATION DROP ROW,
      CONSTRAINT bullet_lines   EXPECT (bullet_lines <= 0.9 * lines)     ON VIOLATION DROP ROW,
      CONSTRAINT repeated_lines EXPECT (duplicate_lines <= 0.3 * lines)  ON VIOLATION DROP ROW,
      CONSTRAINT decoded        EXPECT (replacement_chars <= 0.01 * chars) ON VIOLATION DROP ROW,
      CONSTRAINT licence_known  EXPECT (licence IS NOT NULL)
    ) AS
    SELECT * EXCEPT (signal), signal.*
    FROM (
      SELECT
        id, source, licence, content_hash, file, position, arrival, text,
        text_signals(text) AS signal
      FROM STREAM(documents)
    )
"""
MEASURED = """
    CREATE OR REFRESH MATERIALIZED VIEW measured AS
    SELECT id, source, content_hash, words, chars, score FROM documents
"""
TEN_CHECKS = """
    kept:
      - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1}, severity: critical}
      - {type: expect_column_values_to_not_be_null, kwargs: {column: id}, severity: critical}
      - {type: expect_column_values_to_be_unique, kwargs: {column: id}, severity: critical}
      - type: expect_column_values_to_be_between
        kwargs: {column: words, min_value: 0, max_value: 100000}
        severity: critical
      - type: expect_column_mean_to_be_between
        kwargs: {column: score, min_value: 0, max_value: 1}
        severity: warning
      - type: expect_column_values_to_be_in_set
        kwargs: {column: source, value_set: [source-0, source-1, source-2, source-3, source-4]}
        severity: critical
      - type: expect_column_value_lengths_to_equal
        kwargs: {column: content_hash, value: 32}
        severity: critical
    all:
      - {type: max_drop_share, kwargs: {column: source, share: 0.9}, severity: warning}
      - type: unexpected_rows_expectation
        kwargs: {unexpected_rows_query: "SELECT id FROM {batch} WHERE chars < words"}
        severity: critical
      - {type: expect_column_values_to_not_be_null, kwargs: {column: score}, severity: critical}
"""
CHECKED_ROWS = """
    SELECT
      md5(CAST(id AS STRING)) AS id,
      concat('source-', id % 5) AS source,
      md5(CAST(id % 900000 AS STRING)) AS content_hash,
      CAST(id % 5000 AS INT) AS words,
      CAST(id % 5000 * 6 AS BIGINT) AS chars,
      id % 1000 / 1000.0D AS score,
      CAST(array() AS ARRAY<STRING>) AS _failed_rules,
      id % 2 = 1 AS _dropped,
      1L AS _batch
    FROM {numbers}
"""


@dataclass(frozen=True)
class Line:
    """One line of the table; `unit` is s for seconds or x for a ratio."""

    part: str
    what: str
    values: list[float]
    goal: str = ""
    unit: str = "s"

    def __str__(self) -> str:
        middle, low, high = statistics.median(self.values), min(self.values), max(self.values)
        figures = f"{middle:8.2f} {self.unit}  ({low:.2f}-{high:.2f})"
        goal = f"goal {self.goal}" if self.goal else ""
        return f"{self.part}  {self.what:<58} {figures:<28} {goal}".rstrip()


@dataclass(frozen=True)
class Bench:
    """Where a benchmark works and how much it does."""

    folder: Path
    runs: int
    documents: int
    rows: int

    def warehouse(self, name: str) -> Warehouse:
        """Return a warehouse of that name, new unless it was used before."""
        return Warehouse.at(str(self.folder / f"warehouse-{name}"))

    def input(self, name: str, texts: Iterable[str], files: int = 1) -> Path:
        """Write texts as files of JSON lines."""
        folder = self.folder / f"input-{name}"
        folder.mkdir(exist_ok=True)
        lines = [
            json.dumps({"id": f"{name}-{number}", "text": text, "source": name, "licence": "CC0"})
            for number, text in enumerate(texts)
        ]
        for file in range(files):
            content = "".join(f"{line}\n" for line in lines[file::files])
            (folder / f"part-{file:02}.jsonl").write_text(content)
        return folder

    def pipeline(self, name: str, files: dict[str, str]) -> Path:
        """Write the files of a pipeline."""
        folder = self.folder / name
        for path, text in {"pipeline.yml": INPUT.format(name=name), **files}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(dedent(text).lstrip("\n"))
        return folder


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", type=int, default=3, help="how often each is measured")
    parser.add_argument("--quick", action="store_true", help="one run over little data")
    parser.add_argument("--parts", default="".join(PARTS), help="some of %(default)s")
    parser.add_argument("--child", nargs=2, metavar=("PART", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        part, folder = given.child
        print(json.dumps({"start": start, "audit": first_audit}[part](Path(folder))))
        return
    with tempfile.TemporaryDirectory(prefix="winnow-bench-") as folder:
        size = (1, 2_000, 100_000) if given.quick else (given.runs, 20_000, 1_000_000)
        bench = Bench(Path(folder), *size)
        before = os.getloadavg()[0]
        lines = [line for part in given.parts for line in note(PARTS[part](bench))]
        print(f"\n{os.cpu_count()} cores, load {before:.1f} before, {os.getloadavg()[0]:.1f} after")
        print(f"{bench.runs} runs; median, fastest and slowest\n")
        print(table(lines))


def note(lines: Iterable[Line]) -> Iterator[Line]:
    """Show on stderr what was measured so far."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)
        yield line


def table(lines: Iterable[Line]) -> str:
    """Return the lines below each other, an empty one between two parts."""
    shown: list[str] = []
    ordered = sorted(lines, key=lambda line: line.part)
    for _, group in groupby(ordered, lambda line: line.part):
        shown += [""] if shown else []
        shown += [str(line) for line in group]
    return "\n".join(shown)


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def process(*arguments: str) -> float:
    """Return how long a `winnow` command takes from start to end of its process.

    Raises:
        SystemExit: it failed; its output is shown.
    """
    started = time.perf_counter()
    done = subprocess.run([*WINNOW, *arguments], capture_output=True, text=True)
    taken = time.perf_counter() - started
    if done.returncode:
        raise SystemExit(f"winnow {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return taken


def child(part: str, folder: Path) -> Any:
    """Return what a part measures in a process of its own."""
    command = [sys.executable, __file__, "--child", part, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def ten_stages(bench: Bench) -> tuple[Path, dict[str, str]]:
    """Write the pipeline `chain` of ten stages over a few rows; return it and its settings."""
    files = {"documents.sql": DOCUMENTS, "stage_1.sql": COUNTED}
    files["checks/documents.yml"] = FIVE_CHECKS.format(measure="text_bytes")
    files["checks/stage_1.yml"] = FIVE_CHECKS.format(measure="words")
    for number in range(2, 10):
        files[f"stage_{number}.sql"] = NEXT.format(number=number, before=number - 1)
        files[f"checks/stage_{number}.yml"] = FIVE_CHECKS.format(measure="words")
    texts = ("word " * length for length in range(1, 25))
    return bench.pipeline("chain", files), {"input": str(bench.input("chain", texts))}


def starting(bench: Bench) -> Iterator[Line]:
    """Part a."""
    ten_stages(bench)
    steps: dict[str, list[float]] = {"Python, plan": [], "Spark session": [], "analysis": []}
    for _ in range(bench.runs):
        started = time.time()
        ends = child("start", bench.folder)
        for values, begin, end in zip(steps.values(), [started, *ends], ends, strict=False):
            values.append(end - begin)
    for name, values in steps.items():
        yield Line("a", f"a new process: {name}", values)
    totals = [sum(values) for values in zip(*steps.values(), strict=True)]
    yield Line("a", "from a new process to the first of 10 stages", totals)


def start(folder: Path) -> list[float]:
    """Do what `winnow run` does before the first stage; return when each step ended."""
    from winnow.engine.run import RunOptions, plan_run
    from winnow.engine.stages import StageRunner

    settings = {"input": str(folder / "input-chain")}
    warehouse = Warehouse.at(str(folder / "warehouse-never"))
    plan_run(RunOptions(str(folder / "chain"), warehouse, settings))
    planned = time.time()
    pipeline = load_pipeline(str(folder / "chain"), settings)
    runner = StageRunner(pipeline, Registry(warehouse), None)
    started = time.time()
    runner.validate()
    return [planned, started, time.time()]


def rerunning(bench: Bench) -> Iterator[Line]:
    """Part c."""
    folder, settings = ten_stages(bench)
    address = bench.warehouse("chain").address
    given = [str(folder), "--warehouse", address, "--set", f"input={settings['input']}"]
    yield Line("c", "winnow run, 10 stages, first time (1 run)", [process("run", *given)])
    again = [process("run", *given) for _ in range(bench.runs)]
    yield Line("c", "winnow run, 10 stages, nothing changed", again, "< 3 s")
    planned = [process("plan", *given) for _ in range(bench.runs)]
    yield Line("c", "winnow plan, 10 stages, nothing changed", planned)


def small_stages(bench: Bench) -> Iterator[Line]:
    """Part b."""
    from winnow.engine.stages import StageRunner

    folder, settings = ten_stages(bench)
    pipeline = load_pipeline(str(folder), settings)
    steps: list[dict[str, float]] = []
    for run in range(bench.runs + 1):  # the first warms up
        registry = Registry(bench.warehouse(f"small-{run}"))
        registry.warehouse.create()
        runner = StageRunner(pipeline, registry, None)
        measured = [stage_steps(runner, registry, pipeline, number) for number in range(3)]
        steps += measured if run else []
    for name in steps[0]:
        goal = "< 3 s" if name == "sum" else ""
        values = [step[name] for step in steps]
        yield Line("b", f"stage of a few rows, 5 checks: {name}", values, goal)


def stage_steps(
    runner: Any, registry: Registry, pipeline: Pipeline, number: int
) -> dict[str, float]:
    """Take the nth stage through all steps, as a run does; return the seconds of each."""
    planner = Planner(pipeline, registry)
    stage = pipeline.stages[number]
    planned = seconds(lambda: planner.plan(stage))
    plan = planner.plan(stage)
    began = time.perf_counter()
    result = runner.stage(plan, planner, "bench", None)
    whole = time.perf_counter() - began
    version = planner.head(stage.name)
    assert version is not None, result  # it passed its checks
    published = seconds(lambda: registry.publish([version]))
    return {
        "plan": planned,
        "write": version.seconds,
        "audit": result.seconds - version.seconds,
        "record": whole - result.seconds,
        "publish": published,
        "sum": planned + whole + published,
    }


def corpus() -> Iterator[str]:
    """Return texts of the shared corpus, one of each file in turn, or generated ones."""
    folder = Path(os.environ.get("WINNOW_SHARED", "../shared")) / "data" / "corpus"
    waiting = [texts_of(file) for file in sorted(folder.glob("*.jsonl.gz"))]
    if not waiting:
        yield from generated()
    while waiting:
        for texts in list(waiting):
            text = next(texts, None)
            if text is None:
                waiting.remove(texts)
            else:
                yield text


def texts_of(file: Path) -> Iterator[str]:
    """Return the texts of a file of JSON lines."""
    with gzip.open(file, "rt") as lines:
        for line in lines:
            yield json.loads(line)["text"]


def generated() -> Iterator[str]:
    """Return texts of generated words, always the same ones; most have 100 to 1,000 words."""
    chance = random.Random(0)
    letters = "etaoinshrdlu"
    words = ["".join(chance.choices(letters, k=chance.randint(1, 10))) for _ in range(5000)]
    while True:
        lengths = chance.choices(range(5, 40), k=chance.randint(5, 40))
        lines = (" ".join(chance.choices(words, k=length)) for length in lengths)
        yield "\n".join(f"{line.capitalize()}." for line in lines)


def corpus_warehouse(bench: Bench) -> Warehouse:
    """Run the pipeline `corpus` over the documents, unless that was done; return where."""
    warehouse = bench.warehouse("corpus")
    if not warehouse.exists():
        folder = bench.pipeline("corpus", {"documents.sql": DOCUMENTS, "filtered.sql": FILTERED})
        documents = bench.input("corpus", islice(corpus(), bench.documents), files=16)
        given = ["--warehouse", warehouse.address, "--set", f"input={documents}"]
        process("run", str(folder), *given)
    return warehouse


def reading(bench: Bench) -> Iterator[Line]:
    """Part f."""
    address = corpus_warehouse(bench).address
    query = "SELECT licence, count(*) FROM corpus.filtered GROUP BY licence"
    commands = {"status": [], "sql": [query], "explain": ["corpus-1"]}
    for name, arguments in commands.items():
        given = [name, *arguments, "--warehouse", address]
        taken = [process(*given) for _ in range(bench.runs)]
        yield Line("f", f"winnow {name}, {bench.documents:,} documents", taken, "< 2 s")


def writing(bench: Bench) -> Iterator[Line]:
    """Part d."""
    from winnow.engine.build import Candidate, build
    from winnow.engine.relations import Relations

    inputs = pinned(bench)
    target = str(bench.folder / "plain")
    rows = plain(inputs)

    def with_ledger() -> Candidate:
        return build(Relations(inputs.session, inputs.pipeline, inputs), inputs, "bench")

    def kept_alone() -> None:
        rows.write.format("delta").mode("overwrite").save(target)

    taken: dict[Callable[[], object], list[float]] = {with_ledger: [], kept_alone: []}
    for run in range(bench.runs + 1):  # the first warms up
        for call in list(taken)[:: 1 if run % 2 else -1]:
            taken[call].append(seconds(call))
    ledger, alone = (values[1:] for values in taken.values())
    candidate = with_ledger()
    kept = inputs.session.read.format("delta").load(target).count()
    assert kept == candidate.kept, (kept, candidate)  # both wrote the same documents
    size = f"{candidate.kept + candidate.dropped:,} documents, {candidate.kept:,} kept"
    yield Line("d", f"write with the ledger, {size}", ledger)
    yield Line("d", f"write of the kept rows alone, {size}", alone)
    ratios = [one / other for one, other in zip(ledger, alone, strict=True)]
    yield Line("d", "ledger / kept rows alone", ratios, "<= 1.0", "x")


def pinned(bench: Bench) -> "PinnedInputs":
    """Return the stored documents as the input of the stage `filtered`, to be built anew."""
    from winnow.engine.build import PinnedInputs
    from winnow.session import build_session, register_functions

    warehouse = corpus_warehouse(bench)
    settings = {"input": str(bench.folder / "input-corpus")}
    pipeline = load_pipeline(str(bench.folder / "corpus"), settings)
    session = build_session()
    register_functions(session, pipeline.functions.values())
    planner = Planner(pipeline, Registry(warehouse), refresh=["filtered"])
    plan = planner.plan(pipeline.stage("filtered"))
    versions = {"documents": planner.current("documents")}
    return PinnedInputs(session, warehouse, pipeline, versions, plan, arrival=1)


def plain(inputs: "PinnedInputs") -> "DataFrame":
    """Return the rows of the stage that hold all rules which drop, by a WHERE."""
    stage = inputs.plan.stage
    inputs.table(stage.reads[0]).createOrReplaceTempView("bench_documents")
    body = stage.body.replace("STREAM(documents)", "bench_documents")
    rules = (rule.condition for rule in stage.rules if rule.action.value == "drop")
    conditions = " AND ".join(f"({condition})" for condition in rules)
    return inputs.session.sql(f"SELECT * FROM ({body}) WHERE {conditions}")


def checking(bench: Bench) -> Iterator[Line]:
    """Part e."""
    from winnow.session import build_session

    files = {"documents.sql": DOCUMENTS, "measured.sql": MEASURED}
    bench.pipeline("checked", files | {"checks/measured.yml": TEN_CHECKS})
    session = build_session()
    rows = session.sql(CHECKED_ROWS, numbers=session.range(0, bench.rows, 1, 8))
    writer = rows.write.format("delta").partitionBy("_dropped")
    writer.save(str(bench.folder / "checked-rows"))
    taken = [child("audit", bench.folder) for _ in range(bench.runs)]
    what = f"10 checks on {bench.rows:,} rows"
    yield Line("e", f"{what}, first in its process", [cold for cold, _ in taken], "< 10 s")
    yield Line("e", f"{what}, again", [warm for _, warm in taken], "< 10 s")


def first_audit(folder: Path) -> list[float]:
    """Audit the stored rows twice in this new process; return the seconds of each."""
    from winnow.session import build_session

    pipeline = load_pipeline(str(folder / "checked"), {"input": str(folder)})
    session = build_session()
    return [seconds(lambda: audited(session, pipeline, folder)) for _ in range(2)]


def audited(session: "SparkSession", pipeline: Pipeline, folder: Path) -> None:
    """Run the checks of the stage `measured`; all must pass."""
    from winnow.engine.audit import audit

    everything = session.read.format("delta").load(str(folder / "checked-rows"))
    kept = everything.where("NOT _dropped").drop("_failed_rules", "_dropped", "_batch")
    checks = pipeline.checks["measured"]
    results = audit(session, checks, pipeline.functions, kept, everything, None, "id")
    broken = [(item.type, item.error) for item in results if not item.success]
    assert len(results) == 10, results
    assert not broken, broken


# Processes come first: while they run, this one has no Spark session.
PARTS = {
    "a": starting,
    "c": rerunning,
    "f": reading,
    "e": checking,
    "b": small_stages,
    "d": writing,
}

if __name__ == "__main__":
    main()
