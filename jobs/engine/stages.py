"""Takes one stage through build and audit, and leaves its rows in the control tables.

Order of writes: candidate, then checks, rules and files, then the one row of `versions` that makes
the candidate an audited version. A kill in between leaves a candidate that the next run undoes.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  (Spark's own convention)

from winnow.engine.analysis import analyse, columns_of
from winnow.engine.audit import audit
from winnow.engine.build import Candidate, PinnedInputs, added, build, stored_rows
from winnow.engine.expectations import imported_meanwhile
from winnow.engine.failures import StageFailure, guarded
from winnow.engine.files import FileRow, file_checks, file_counts, file_rows
from winnow.engine.fingerprint import definition_hash
from winnow.engine.plan import (
    APPEND,
    REAUDIT,
    Planner,
    StagePlan,
    stored_inputs,
)
from winnow.engine.publish import view_sql
from winnow.engine.registry import AUDITED, REJECTED, Registry, Version, published
from winnow.engine.relations import Relations
from winnow.engine.results import (
    BUILT,
    FAILED,
    CheckResult,
    RuleCount,
    StageResult,
    built_in_check,
)
from winnow.engine.results import REJECTED as REJECTED_STATE
from winnow.engine.store import Store
from winnow.pipeline.model import Action, Check, Pipeline, Stage
from winnow.schemas.documents import BATCH, DROPPED, ENGINE_COLUMNS
from winnow.session import build_session, jvm_process, register_functions

ROW_COUNT = "expect_table_row_count_to_be_between"


class StageRunner:
    """Builds and audits the stages of one pipeline in one Spark session."""

    def __init__(self, pipeline: Pipeline, registry: Registry, master: str | None) -> None:
        """Start Spark.

        Raises:
            CommandError: Spark, Java or Delta's jars are missing.
        """
        with imported_meanwhile() if pipeline.checks else nullcontext():
            self.session: SparkSession = build_session(master)
        self._pipeline, self._registry = pipeline, registry
        self._functions = pipeline.functions
        self.jvm = jvm_process(self.session)
        register_functions(self.session, self._functions.values())

    def validate(self) -> None:
        """Check types and columns of all stages.

        Raises:
            PipelineError: everything that is wrong, at once.
        """
        others = published(self._registry.versions())

        def columns(table: str) -> Mapping[str, str]:
            return others[table].columns

        analyse(self.session, self._pipeline, columns)

    def stage(self, plan: StagePlan, planner: Planner, run: str, limit: int | None) -> StageResult:
        """Build a stage as planned, audit it, and note what came of it."""
        started = time.monotonic()
        stage = plan.stage
        try:
            if not stage.kind.stored:
                version, candidate = self._view(plan, planner, run), None
            elif plan.action == REAUDIT:
                assert plan.base is not None  # there is something to audit again
                version, candidate = _reaudited(plan, plan.base, run), None
            else:
                self._settle(plan, run)
                inputs = self._inputs(plan, planner, limit)
                relations = Relations(self.session, self._pipeline, inputs)
                candidate = build(relations, inputs, run)
                version = self._version(plan, candidate, run)
            rules = self._rules(plan, candidate)
            files = self._files(plan, candidate)
            checks = self._audit(plan, planner, version, candidate, rules, files)
        except StageFailure as error:
            if stage.kind.stored:
                self._undo(plan, run)
            seconds = time.monotonic() - started
            return StageResult(
                stage.name, plan.kind, FAILED, plan.reason, seconds=seconds, error=str(error)
            )
        seconds = time.monotonic() - started
        return self._note(plan, planner, version, candidate, rules, files, checks, seconds)

    def _settle(self, plan: StagePlan, run: str) -> None:
        store = self._store(plan.stage)
        if store.latest() is None:
            return
        base = plan.base.version if plan.base else None
        if not plan.forced and not store.check(base):
            store.restore(base or 0, run)

    def _undo(self, plan: StagePlan, run: str) -> None:
        """Return a table to its audited state after a failure."""
        store = self._store(plan.stage)
        base = plan.base.version if plan.base else None
        if store.latest() is not None and not plan.forced and not store.check(base):
            store.restore(base or 0, run)

    def _store(self, stage: Stage) -> Store:
        return Store(self._registry.warehouse.path(self._pipeline.name, stage.name))

    def _inputs(self, plan: StagePlan, planner: Planner, limit: int | None) -> PinnedInputs:
        names = stored_inputs(self._pipeline, plan.stage)
        goes_on = plan.action == APPEND and plan.base is not None
        return PinnedInputs(
            session=self.session,
            warehouse=self._registry.warehouse,
            pipeline=self._pipeline,
            versions={name: planner.current(name) for name in names},
            plan=plan,
            arrival=plan.base.batch + 1 if goes_on and plan.base else 1,
            limit=limit,
        )

    def _version(self, plan: StagePlan, candidate: Candidate, run: str) -> Version:
        base = plan.base if plan.action == APPEND else None
        return Version(
            pipeline=self._pipeline.name,
            stage=plan.name,
            kind=plan.kind,
            version=candidate.version,
            state=AUDITED,
            run=run,
            definition=definition_hash(plan.definition),
            definition_parts=plan.definition,
            inputs=plan.inputs,
            generation=_generation(plan, candidate),
            batch=candidate.batch,
            rows_in=candidate.kept + candidate.dropped + (base.rows_in if base else 0),
            rows_kept=candidate.kept + (base.rows_kept if base else 0),
            rows_dropped=candidate.dropped + (base.rows_dropped if base else 0),
            bytes=self._store(plan.stage).size(),
            seconds=candidate.seconds,
            committed=datetime.now(UTC),
            checks=plan.checks,
            sql=plan.stage.statement,
            comment=plan.stage.comment,
            columns=columns_of(candidate.columns),
        )

    def _view(self, plan: StagePlan, planner: Planner, run: str) -> Version:
        """Return the version of a plain view: its query, counted over the pinned inputs."""
        started = time.monotonic()
        with guarded(plan.name):
            rows = self._view_rows(plan, planner)
            count = rows.count()
        number = plan.base.version + 1 if plan.base else 1
        return Version(
            pipeline=self._pipeline.name,
            stage=plan.name,
            kind=plan.kind,
            version=number,
            state=AUDITED,
            run=run,
            definition=definition_hash(plan.definition),
            definition_parts=plan.definition,
            inputs=plan.inputs,
            generation=number,
            rows_in=count,
            rows_kept=count,
            seconds=time.monotonic() - started,
            committed=datetime.now(UTC),
            checks=plan.checks,
            sql=view_sql(self._pipeline, plan.stage),
            comment=plan.stage.comment,
            columns=columns_of(rows.schema),
        )

    def _view_rows(self, plan: StagePlan, planner: Planner) -> DataFrame:
        inputs = self._inputs(plan, planner, None)
        return Relations(self.session, self._pipeline, inputs).query(plan.stage)

    def _rules(self, plan: StagePlan, candidate: Candidate | None) -> tuple[RuleCount, ...]:
        """Return the rule counts of the whole version: earlier batches and the new one."""
        if plan.base is None or plan.action not in (APPEND, REAUDIT):
            return candidate.rules if candidate else ()
        before = rule_counts(self._registry, plan.base)
        return added(before, candidate.rules) if candidate else before

    def _files(self, plan: StagePlan, candidate: Candidate | None) -> list[FileRow]:
        """Return the ledger's rows of the files that this batch read."""
        if candidate is None or not plan.files:
            return []
        path = self._store(plan.stage).path
        with guarded(plan.name):
            rows = self.session.read.format("delta").option("versionAsOf", candidate.version)
            batch = rows.load(path).where(F.col(BATCH) == candidate.batch)
            return file_rows(plan, batch, candidate.accounts)

    def _audit(
        self,
        plan: StagePlan,
        planner: Planner,
        version: Version,
        candidate: Candidate | None,
        rules: Iterable[RuleCount],
        files: Sequence[FileRow],
    ) -> tuple[CheckResult, ...]:
        checks = self._pipeline.checks.get(plan.name, ())
        results = [*built_in(version, candidate, rules, checks)]
        results += file_checks(plan, self._pipeline, files)
        if checks:
            results += self._expectations(plan, planner, version, checks)
        broken = next((item for item in results if item.error), None)
        if broken is not None:
            raise StageFailure(
                f"stage `{plan.name}`: the check {broken.type} ({broken.place}) could not be "
                f"evaluated: {broken.error}"
            )
        return tuple(results)

    def _expectations(
        self, plan: StagePlan, planner: Planner, version: Version, checks: Sequence[Check]
    ) -> list[CheckResult]:
        """Run the stage's checks on exactly the version that was built."""
        with guarded(plan.name):
            before = published(self._registry.versions(), self._pipeline.name).get(version.table)
            if version.is_view:
                kept = everything = self._view_rows(plan, planner)
                was = None
            else:
                everything = stored_rows(self.session, self._registry.warehouse, version)
                kept = _kept(everything)
                was = self._published_rows(before) if before and not before.is_view else None
            key = "id" if "id" in version.columns else None
            return audit(self.session, checks, self._functions, kept, everything, was, key)

    def _published_rows(self, version: Version) -> tuple[DataFrame, DataFrame]:
        rows = stored_rows(self.session, self._registry.warehouse, version)
        return _kept(rows), rows

    def _note(
        self,
        plan: StagePlan,
        planner: Planner,
        version: Version,
        candidate: Candidate | None,
        rules: tuple[RuleCount, ...],
        files: Sequence[FileRow],
        checks: tuple[CheckResult, ...],
        seconds: float,
    ) -> StageResult:
        rejected = any(check.rejects for check in checks)
        state = REJECTED if rejected else AUDITED
        key = {
            "pipeline": version.pipeline,
            "stage": version.stage,
            "version": version.version,
            "run": version.run,
        }
        self._registry.append("checks", [_check_row(check) for check in checks], key)
        self._registry.append(
            "rules", [asdict(rule) | {"position": i} for i, rule in enumerate(rules)], key
        )
        self._registry.append("files", files, key)
        self._registry.add_versions([replace(version, state=state)])
        if rejected and candidate is not None:
            self._store(plan.stage).restore(candidate.base, version.run)
        elif not rejected:
            planner.settled(version)
        return StageResult(
            stage=plan.name,
            kind=plan.kind,
            state=REJECTED_STATE if rejected else BUILT,
            reason=plan.reason,
            version=version.version,
            rows_in=version.rows_in,
            rows_kept=version.rows_kept,
            rows_dropped=version.rows_dropped,
            new_rows=candidate.kept + candidate.dropped if candidate else None,
            stored_bytes=_stored_bytes(plan, version) if candidate else None,
            seconds=seconds,
            rules=rules,
            checks=checks,
            files=file_counts(files),
        )


def _generation(plan: StagePlan, candidate: Candidate) -> int:
    """Return a number that grows with every build from the beginning, of a new table too."""
    if plan.base is None:
        return candidate.version
    before = plan.base.generation
    return before if plan.action == APPEND else max(candidate.version, before + 1)


def _stored_bytes(plan: StagePlan, version: Version) -> int:
    """Return the bytes of the files that a build wrote: an appended batch leaves the others."""
    before = plan.base.bytes if plan.base is not None and plan.action == APPEND else 0
    return version.bytes - before


def _kept(rows: DataFrame) -> DataFrame:
    return rows.where(~F.col(DROPPED)).drop(*ENGINE_COLUMNS)


def _reaudited(plan: StagePlan, base: Version, run: str) -> Version:
    """Return an audited version once more, with the checks that now hold."""
    return replace(base, run=run, checks=plan.checks, publication=None, held=False)


def rule_counts(registry: Registry, version: Version) -> tuple[RuleCount, ...]:
    """Return the rule counts of a version, in file order."""
    rows: dict[int, dict[str, Any]] = {}
    for row in registry.rows("rules"):
        if (row["pipeline"], row["stage"], row["version"]) == (
            version.pipeline,
            version.stage,
            version.version,
        ):
            rows[row["position"]] = row
    names = RuleCount.__dataclass_fields__
    return tuple(RuleCount(**{name: rows[i][name] for name in names}) for i in sorted(rows))


def built_in(
    version: Version,
    candidate: Candidate | None,
    rules: Iterable[RuleCount],
    checks: Iterable[Check],
) -> list[CheckResult]:
    """Return the checks that every version must pass, whatever its pipeline asks for.

    A table may be without a row only where a check of its own says that 0 are enough.
    """
    results = []
    if candidate is not None:
        written = candidate.kept + candidate.dropped
        results.append(
            built_in_check(
                "query_rows_equal_kept_and_dropped",
                candidate.query_rows == written,
                {
                    "query": candidate.query_rows,
                    "kept": candidate.kept,
                    "dropped": candidate.dropped,
                },
                "A row that the query returned is neither kept nor dropped.",
            )
        )
    may_be_empty = any(
        check.type == ROW_COUNT and check.kwargs.get("min_value") == 0 for check in checks
    )
    if not version.is_view and not may_be_empty:
        rows = version.rows_kept + version.rows_dropped
        note = (
            "A version without a row is more often a wrong input than a result. Where it is one, "
            f"check the table with {ROW_COUNT} and min_value: 0."
        )
        results.append(built_in_check("at_least_one_row", rows > 0, {"rows": rows}, note))
    for rule in rules:
        if rule.action == Action.FAIL.value:
            note = f"Rows violate the rule, which says ON VIOLATION FAIL UPDATE: {rule.condition}"
            ok, seen = rule.failed == 0, {"failed": rule.failed}
            results.append(built_in_check(f"rule {rule.rule}", ok, seen, note))
    return results


def _check_row(check: CheckResult) -> dict[str, Any]:
    row = asdict(check)
    row["kwargs"] = json.dumps(dict(check.kwargs), default=str)
    row["observed"] = json.dumps(check.observed, default=str)
    row["examples"] = list(check.examples)
    return row
