"""One run of a pipeline: plan, build, audit, publish.

Stages run in dependency order. What a stage reads is pinned to the versions that this run audited
or found audited, and to what other pipelines had published when it started. All tables are
published by one commit at the end, or none.
"""

import json
import platform
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from winnow.engine.fingerprint import definition_hash
from winnow.engine.lease import Lease, free
from winnow.engine.named_files import check_named_files
from winnow.engine.plan import APPEND, REBUILD, REUSE, VIEW, Planner, StagePlan, said_gone
from winnow.engine.registry import AUDITED, Registry, Version, published
from winnow.engine.results import FAILED, REUSED, SKIPPED, RunResult, StageResult
from winnow.engine.results import REJECTED as REJECTED_STATE
from winnow.engine.warehouse import Warehouse
from winnow.errors import CommandError
from winnow.pipeline.load import load_pipeline
from winnow.pipeline.model import Kind, Pipeline, Stage

if TYPE_CHECKING:
    from winnow.engine.stages import StageRunner


@dataclass(frozen=True)
class RunOptions:
    """What a run is asked to do.

    `select` names the stages to run with all that they need; empty means all. `full_refresh` names
    those to build from the beginning; empty means all, None means none.
    """

    pipeline: str
    warehouse: Warehouse
    settings: Mapping[str, str] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    full_refresh: tuple[str, ...] | None = None
    limit: int | None = None
    master: str | None = None
    resume: bool = False


def run(
    options: RunOptions,
    on_stage: Callable[[StageResult], None] | None = None,
    on_start: Callable[[str], None] | None = None,
) -> RunResult:
    """Run a pipeline.

    Args:
        options: what to run and where.
        on_stage: called with each stage's result as it ends.
        on_start: called with each stage's name as it begins.

    Raises:
        CommandError: the pipeline, the parameters or the warehouse are wrong; nothing was written.
        HeldError: another run holds the warehouse.
    """
    pipeline = load_pipeline(options.pipeline, options.settings)
    check_names(pipeline, options)
    warehouse = scratch(options.warehouse) if options.limit is not None else options.warehouse
    registry = Registry(warehouse)
    if warehouse.exists():
        free(warehouse)  # at once, not after Spark has started
    runner: StageRunner | None = None
    if any(plan.action != REUSE for plan in plan_stages(pipeline, registry, options)):
        runner = start(pipeline, registry, options)
    warehouse.create()
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid4().hex[:6]}"
    with Lease(warehouse, name, pipeline.name, runner.jvm if runner else None) as lease:
        made = _Run(name, pipeline, options, registry, lease, runner, on_stage, on_start)
        return made.execute()


def start(pipeline: Pipeline, registry: Registry, options: RunOptions) -> "StageRunner":
    """Start Spark and check the types and columns of all stages.

    Raises:
        CommandError: Spark cannot start, or something is wrong with the pipeline.
    """
    from winnow.engine.stages import StageRunner

    runner = StageRunner(pipeline, registry, options.master)
    runner.validate()
    return runner


def scratch(warehouse: Warehouse) -> Warehouse:
    """Return an empty warehouse inside another, for a run over a few documents.

    Raises:
        CommandError: the warehouse is no local folder.
    """
    if "://" in warehouse.address:
        raise CommandError("--limit needs a local --warehouse, for its scratch tables")
    inner = Path(warehouse.address) / "_scratch"
    shutil.rmtree(inner, ignore_errors=True)
    return Warehouse(str(inner))


def check_names(pipeline: Pipeline, options: RunOptions) -> None:
    """Make sure that the stages that options name exist.

    Raises:
        CommandError: one does not.
    """
    names = [stage.name for stage in pipeline.stages if stage.kind is not Kind.TEMPORARY_VIEW]
    for name in (*options.select, *(options.full_refresh or ())):
        if name not in names:
            raise CommandError(
                f"the pipeline `{pipeline.name}` has no stage `{name}`; it has {', '.join(names)}"
            )
    if options.limit is not None and options.limit < 1:
        raise CommandError(f"--limit {options.limit}: a preview reads at least one document")


def refreshed(pipeline: Pipeline, options: RunOptions) -> tuple[str, ...]:
    """Return the stages to build from the beginning."""
    if options.full_refresh is None:
        return ()
    return options.full_refresh or tuple(stage.name for stage in pipeline.stages)


def selected(pipeline: Pipeline, select: Iterable[str]) -> tuple[Stage, ...]:
    """Return the stages to run in order: all, or those named with all that they need."""
    waiting = list(select)
    if not waiting:
        return tuple(item for item in pipeline.stages if item.kind is not Kind.TEMPORARY_VIEW)
    needed = set[str]()
    own = {stage.name: stage for stage in pipeline.stages}
    while waiting:
        name = waiting.pop()
        if name in own and name not in needed:
            needed.add(name)
            waiting += own[name].inputs
    stages = (stage for stage in pipeline.stages if stage.name in needed)
    return tuple(stage for stage in stages if stage.kind is not Kind.TEMPORARY_VIEW)


def plan_run(options: RunOptions) -> tuple[StagePlan, ...]:
    """Return what a run would do with each stage. Writes nothing and starts no JVM.

    Raises:
        CommandError: the pipeline, the parameters or the warehouse are wrong.
    """
    pipeline = load_pipeline(options.pipeline, options.settings)
    check_names(pipeline, options)
    options.warehouse.exists()
    return plan_stages(pipeline, Registry(options.warehouse), options)


def plan_stages(
    pipeline: Pipeline, registry: Registry, options: RunOptions
) -> tuple[StagePlan, ...]:
    """Plan all selected stages, as if each build gave a new version."""
    planner = Planner(pipeline, registry, refreshed(pipeline, options), options.limit)
    stages = selected(pipeline, options.select)
    check_named_files(pipeline, stages)
    plans = []
    for stage in stages:
        plan = planner.plan(stage)
        plans.append(plan)
        if plan.action in (APPEND, REBUILD, VIEW):
            planner.settled(_expected(pipeline, plan))
    return tuple(plans)


def _expected(pipeline: Pipeline, plan: StagePlan) -> Version:
    """Return the version that a build is expected to give, as far as a plan needs it."""
    number = plan.base.version + 1 if plan.base else 1
    goes_on = plan.action == APPEND and plan.base is not None
    return Version(
        pipeline=pipeline.name,
        stage=plan.name,
        kind=plan.kind,
        version=number,
        state=AUDITED,
        run="",
        definition=definition_hash(plan.definition),
        definition_parts=plan.definition,
        inputs=plan.inputs,
        generation=plan.base.generation if goes_on and plan.base else number,
        batch=plan.base.batch + 1 if goes_on and plan.base else 1,
        checks=plan.checks,
    )


@dataclass
class _Run:
    """The state of a run while it goes."""

    name: str
    pipeline: Pipeline
    options: RunOptions
    registry: Registry
    lease: Lease
    runner: "StageRunner | None"
    on_stage: Callable[[StageResult], None] | None
    on_start: Callable[[str], None] | None
    results: list[StageResult] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def execute(self) -> RunResult:
        started = datetime.now(UTC)
        clock = time.monotonic()
        self.messages += [str(warning) for warning in self.pipeline.warnings]
        self._close_interrupted()
        self.registry.write_published()
        self._record("running", started, clock)
        state, error = "failed", ""
        try:
            is_published = self._stages()
            bad = {result.state for result in self.results}
            state = (
                "failed" if FAILED in bad else "rejected" if REJECTED_STATE in bad else "succeeded"
            )
            error = "; ".join(result.problem for result in self.results if result.problem)
        except BaseException as raised:
            error = f"{type(raised).__name__}: {raised}".split("\n")[0]
            raise
        finally:
            self._record(state, started, clock, error)
        return RunResult(
            run=self.name,
            pipeline=self.pipeline.name,
            state=state,
            seconds=time.monotonic() - clock,
            stages=tuple(self.results),
            warehouse=self.registry.warehouse.address,
            published=is_published,
            is_preview=self.options.limit is not None,
            messages=tuple(self.messages),
        )

    def _stage(self, plan: StagePlan, planner: Planner) -> StageResult:
        if plan.gone:
            self.messages.append(said_gone(plan))
        if plan.touched:
            self.registry.append("files", planner.touched_rows(plan))
        if plan.action == REUSE:
            return reused(plan)
        if self.runner is None:  # something changed since the plan was made, before the lease
            self.runner = start(self.pipeline, self.registry, self.options)
            self.lease.name_jvm(self.runner.jvm)
        return self.runner.stage(plan, planner, self.name, self.options.limit)

    def _stages(self) -> bool:
        """Run the stages; return whether what they gave is published now."""
        planner = Planner(
            self.pipeline,
            self.registry,
            refreshed(self.pipeline, self.options),
            self.options.limit,
        )
        broken: set[str] = set()
        for stage in selected(self.pipeline, self.options.select):
            needs = sorted(broken.intersection(self._ancestors(stage)))
            if needs:
                result = StageResult(
                    stage.name, stage.kind.value, SKIPPED, f"`{needs[0]}` did not pass"
                )
            else:
                if self.on_start:
                    self.on_start(stage.name)
                result = self._stage(planner.plan(stage), planner)
            if result.state in (FAILED, REJECTED_STATE, SKIPPED):
                broken.add(stage.name)
            self.results.append(result)
            if self.on_stage:
                self.on_stage(result)
        return not broken and self._publish(planner)

    def _ancestors(self, stage: Stage) -> set[str]:
        return {item.name for item in selected(self.pipeline, [stage.name])} - {stage.name}

    def _publish(self, planner: Planner) -> bool:
        """Publish what the run audited, unless that would mix runs or undo a rollback."""
        versions = self.registry.versions()
        now = published(versions, self.pipeline.name)
        stages = [item for item in self.pipeline.stages if item.kind is not Kind.TEMPORARY_VIEW]
        chosen = {stage.name for stage in selected(self.pipeline, self.options.select)}
        wanted: dict[str, Version] = {}
        for stage in stages:
            table = f"{self.pipeline.name}.{stage.name}"
            head = planner.head(stage.name)
            if stage.name in chosen and head is not None:
                wanted[table] = head
            elif table in now and head is not None:
                if planner.plan(stage).action in (APPEND, REBUILD, VIEW):
                    self.messages.append(
                        f"audited, not published: `{stage.name}` still stands on older versions. "
                        "Run without --select to publish all tables together"
                    )
                    return False
                wanted[table] = now[table]
        if {name: _content(item) for name, item in wanted.items()} == {
            name: _content(item) for name, item in now.items()
        }:
            return True
        if not self.options.resume and _is_held(versions, self.pipeline.name, wanted):
            self.messages.append(
                f"`{self.pipeline.name}` was rolled back and stays so: nothing has changed since. "
                "--resume publishes it again"
            )
            return False
        if any(item.held for item in now.values()):
            self.messages.append(
                f"`{self.pipeline.name}` was rolled back; something changed since then, so what "
                "this run audited is published, with what was rolled back before"
            )
        self.lease.check()
        self.registry.publish([replace(item, held=False) for item in wanted.values()])
        gone = sorted(set(now) - set(wanted))
        if gone:
            listed = ", ".join(f"`{name}`" for name in gone)
            self.messages.append(f"no longer published, as no stage makes it: {listed}")
        return True

    def _close_interrupted(self) -> None:
        """Mark runs that a kill ended; this run holds the lease, so none of them is alive."""
        last: dict[str, dict[str, object]] = {}
        for row in self.registry.rows("runs"):
            last[row["run"]] = row
        stale = [row for row in last.values() if row["state"] == "running"]
        now = datetime.now(UTC)
        self.registry.append(
            "runs", [{**row, "state": "interrupted", "ended": now} for row in stale]
        )

    def _record(self, state: str, started: datetime, clock: float, error: str = "") -> None:
        libraries = {name: metadata.version(name) for name in ("pyspark", "delta-spark")}
        versions = {"winnow": _version(), "python": platform.python_version(), **libraries}
        self.registry.append(
            "runs",
            [
                {
                    "run": self.name,
                    "pipeline": self.pipeline.name,
                    "state": state,
                    "started": started,
                    "ended": None if state == "running" else datetime.now(UTC),
                    "seconds": time.monotonic() - clock,
                    "parameters": json.dumps(self.pipeline.values),
                    "versions": json.dumps(versions),
                    "host": socket.gethostname(),
                    "stages": json.dumps([result.json() for result in self.results]),
                    "error": error,
                }
            ],
        )


def reused(plan: StagePlan) -> StageResult:
    """Return the result of a stage that nothing was computed for."""
    base = plan.base
    assert base is not None  # only a stage with an audited version is reused
    return StageResult(
        stage=plan.name,
        kind=plan.kind,
        state=REUSED,
        reason=plan.reason,
        version=base.version,
        rows_in=base.rows_in,
        rows_kept=base.rows_kept,
        rows_dropped=base.rows_dropped,
    )


def _content(version: Version) -> tuple[str, int, int]:
    """What tells a published version from another one of the same number."""
    return version.kind, version.version, version.generation


def _is_held(versions: list[Version], pipeline: str, wanted: Mapping[str, Version]) -> bool:
    """Whether readers were moved back from exactly these versions by a rollback."""
    numbers: dict[int, list[Version]] = {}
    for item in versions:
        if item.pipeline == pipeline and item.publication is not None:
            numbers.setdefault(item.publication, []).append(item)
    ordered = sorted(numbers, reverse=True)
    if not ordered or not any(item.held for item in numbers[ordered[0]]):
        return False
    left = next((n for n in ordered if not any(item.held for item in numbers[n])), None)
    return left is not None and {item.table: item.version for item in numbers[left]} == {
        table: item.version for table, item in wanted.items()
    }


def _version() -> str:
    return metadata.version("winnow-data")
