"""What a run says of itself: plain values for the command line, `--json` and the control tables."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

BUILT, REUSED, REJECTED, FAILED, SKIPPED = "BUILT", "REUSED", "REJECTED", "FAILED", "SKIPPED"


@dataclass(frozen=True)
class CheckResult:
    """One check on one version. `observed` and `examples` hold numbers and ids, never texts.

    `error` is set when the check could not be evaluated; `success` is False then.
    """

    section: str  # kept, all or built in
    type: str
    kwargs: Mapping[str, Any]
    severity: str  # critical, warning or info
    success: bool
    observed: Any = None
    unexpected_count: int | None = None
    examples: tuple[str, ...] = ()
    notes: str = ""
    place: str = ""  # file:line
    error: str = ""

    @property
    def rejects(self) -> bool:
        """Whether the version cannot be published."""
        return not self.success and self.severity == "critical"


def built_in_check(
    name: str,
    success: bool,
    observed: Mapping[str, float],
    notes: str,
    severity: str = "critical",
    examples: tuple[str, ...] = (),
) -> CheckResult:
    """Return the result of a check that every version has; `notes` say what a failure means."""
    return CheckResult(
        section="built in",
        type=name,
        kwargs={},
        severity=severity,
        success=success,
        observed=observed,
        examples=examples,
        notes="" if success else notes,
    )


@dataclass(frozen=True)
class RuleCount:
    """How many rows of a version failed a rule; see schemas/control.py."""

    rule: str
    condition: str
    action: str
    failed: int = 0
    failed_alone: int = 0
    failed_first: int = 0


@dataclass(frozen=True)
class FileCounts:
    """What a run read of a stage's files; records = documents + rejects + skipped + left_out.

    `left_out` are records for which the stage's SQL returned no row, `repaired` those with pieces
    that were no text and became U+FFFD.
    """

    states: Mapping[str, int]  # files that are read, partial, unreadable
    records: int
    documents: int
    rejects: int
    repaired: int
    skipped: Mapping[str, int]  # by kind
    reasons: Mapping[str, int]  # of rejects

    @property
    def left_out(self) -> int:
        """Records that are neither documents nor rejects nor skipped."""
        return self.records - self.documents - self.rejects - sum(self.skipped.values())

    def json(self) -> dict[str, Any]:
        """Return the object that `run --json` prints."""
        return {**asdict(self), "left_out": self.left_out}


@dataclass(frozen=True)
class StageResult:
    """What a run did with one stage. Row counts are those of the whole version."""

    stage: str
    kind: str
    state: str
    reason: str
    version: int | None = None
    rows_in: int | None = None
    rows_kept: int | None = None
    rows_dropped: int | None = None
    new_rows: int | None = None  # of a streaming table: rows that this run added
    stored_bytes: int | None = None  # of the files that this run wrote
    seconds: float = 0.0
    rules: tuple[RuleCount, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    files: FileCounts | None = None  # of a stage over a source
    error: str = ""

    @property
    def problem(self) -> str:
        """What kept the run from publishing, in one line; empty if this stage did not."""
        if self.state == FAILED:
            first, _, _ = (self.error or self.reason).partition("\n")
            return f"{self.stage} failed: {first}"
        if self.state == REJECTED:
            checks = dict.fromkeys(check.type for check in self.checks if check.rejects)
            return f"{self.stage} was rejected by {', '.join(checks)}"
        return ""

    def json(self) -> dict[str, Any]:
        """Return the object that `run --json` prints for the stage."""
        return {
            "stage": self.stage,
            "state": self.state,
            "version": self.version,
            "rows_in": self.rows_in,
            "rows_kept": self.rows_kept,
            "rows_dropped": self.rows_dropped,
            "stored_bytes": self.stored_bytes,
            "seconds": round(self.seconds, 3),
            "reason": self.error or self.reason,
            **({"files": self.files.json()} if self.files else {}),
        }


@dataclass(frozen=True)
class RunResult:
    """What a run did. `state` is succeeded, failed or rejected."""

    run: str
    pipeline: str
    state: str
    seconds: float
    stages: tuple[StageResult, ...]
    warehouse: str
    published: bool
    is_preview: bool = False  # of --limit, into a scratch warehouse
    messages: tuple[str, ...] = field(default=())  # warnings, a hold, what readers still see

    @property
    def exit_code(self) -> int:
        """0 done, 1 a stage failed, 3 a check or a FAIL UPDATE rule rejected a version."""
        if any(stage.state == FAILED for stage in self.stages):
            return 1
        return 3 if any(stage.state == REJECTED for stage in self.stages) else 0

    def json(self) -> dict[str, Any]:
        """Return the object that `run --json` prints."""
        return {
            "run": self.run,
            "pipeline": self.pipeline,
            "state": self.state,
            "seconds": round(self.seconds, 3),
            "published": self.published,
            "stages": [stage.json() for stage in self.stages],
            "messages": list(self.messages),
        }
