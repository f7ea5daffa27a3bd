"""What a run would do with each stage, and why. Reads control tables and file lists; no JVM.

A stage is reused when its definition and its inputs are as at its last audited version. A streaming
table whose inputs only grew goes on; everything else that changed is built from the beginning.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from winnow.engine.audit import checks_hash
from winnow.engine.fingerprint import definition, definition_hash, digest, views_of
from winnow.engine.models import model_digest
from winnow.engine.named_files import named_files
from winnow.engine.registry import AUDITED, Input, Registry, Version, heads, published
from winnow.engine.store import Store
from winnow.errors import CommandError
from winnow.pipeline.model import Call, Kind, Marker, Pipeline, Stage
from winnow.sources.documents import IGNORE, list_files, with_defaults
from winnow.sources.files import InputFile
from winnow.sources.reading import NO_PERMISSION
from winnow.sources.reading import digest_of as content_digest

Reading = tuple[Call, tuple[InputFile, ...]]

GONE_SHOWN = 5
# What a plan must know of a file that was read.
_LEDGER = ("version", "run", "file", "size", "modified", "etag", "digest", "error")

REUSE, REAUDIT, APPEND, REBUILD, VIEW = "REUSE", "REAUDIT", "APPEND", "REBUILD", "VIEW"


class ChangedFileError(CommandError):
    """A file that a stage has read has other content now."""


@dataclass(frozen=True)
class StagePlan:
    """What a run would do with one stage.

    `inputs` is what the stage would be built from, `readings` the files that each call of a source
    would read, `base` the version that it starts from. `gone` names files that were read and are
    not there any more, `touched` are files that have another time and the same content. `forced` is
    a build that --full-refresh asked for: it takes the table as it finds it, whoever wrote to it.
    """

    stage: Stage
    action: str
    reason: str
    definition: Mapping[str, str]
    inputs: tuple[Input, ...]
    checks: str
    base: Version | None
    readings: tuple[Reading, ...] = ()
    gone: tuple[str, ...] = ()
    touched: tuple[InputFile, ...] = ()
    forced: bool = False

    @property
    def files(self) -> tuple[InputFile, ...]:
        """The files that it would read."""
        return tuple(file for _, files in self.readings for file in files)

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.stage.name

    @property
    def kind(self) -> str:
        """What the stage creates."""
        return self.stage.kind.value

    @property
    def builds(self) -> bool:
        """Whether rows are computed."""
        return self.action in (APPEND, REBUILD)


class Planner:
    """Plans the stages of one pipeline, in their order, against one state of the registry."""

    def __init__(
        self,
        pipeline: Pipeline,
        registry: Registry,
        refresh: Iterable[str] = (),
        limit: int | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._registry = registry
        self._refresh = frozenset(refresh)
        self._limit = limit
        self._versions = registry.versions()
        self._heads = heads(self._versions, pipeline.name)
        self._others = published(self._versions)

    def head(self, stage: str) -> Version | None:
        """Return the last audited version of a stage of this pipeline."""
        return self._heads.get(stage)

    def settled(self, version: Version) -> None:
        """Note a version that the run has audited: the stages after it read that one."""
        self._heads[version.stage] = version

    def current(self, table: str) -> Version:
        """Return the version of an input that a stage planned now would read.

        Raises:
            CommandError: another pipeline's table was never published, or is a view.
        """
        if "." not in table:
            return self._heads[table]
        if table not in self._others:
            known = ", ".join(sorted(self._others)) or "none yet"
            raise CommandError(
                f"`{table}` is not published in this warehouse; published are: {known}. "
                f"Run the pipeline `{table.partition('.')[0]}` first"
            )
        found = self._others[table]
        if found.is_view:
            raise CommandError(
                f"`{table}` is a view of another pipeline, and only tables can be read from there. "
                "Read the tables that it reads, or make it a materialized view"
            )
        return found

    def plan(self, stage: Stage) -> StagePlan:
        """Plan one stage; the stages before it are settled.

        Raises:
            CommandError: an input address or a file that the stage names cannot be read, a file
                that was read has changed, or something else wrote to the table.
        """
        base = self._base(stage)
        parts = definition(self._pipeline, stage) | named_files(self._pipeline, stage)
        checks = self._checks_hash(stage)
        tables = [self._input(name) for name in stored_inputs(self._pipeline, stage)]
        parts |= {f"model {name}": self._model(stage, name) for name in stage.models}
        calls = source_calls(self._pipeline, stage)
        readings = tuple((call, self._listing(call)) for call in calls)
        _check_names(stage, readings)
        inputs = (*tables, *(Input("files", digest=digest_of(files)) for _, files in readings))
        forced = stage.name in self._refresh
        plan = StagePlan(stage, REBUILD, "", parts, inputs, checks, base, readings, forced=forced)
        if stage.kind.stored and not forced:
            self._check_store(stage, base)
        reason = "asked for by --full-refresh" if forced else changes(base, parts)
        if stage.kind is Kind.VIEW:
            same = not reason and base is not None and not _moved(stage, base, inputs)
            if same and base is not None and base.checks == checks:
                return replace(plan, action=REUSE, reason="unchanged")
            return replace(
                plan, action=VIEW, reason=reason or _moved(stage, base, inputs) or CHECKS
            )
        if reason or base is None:
            return replace(plan, reason=reason)
        if stage.kind is Kind.MATERIALIZED_VIEW:
            reason = _moved(stage, base, inputs)
            return self._unless(reason, replace(plan, reason=reason))
        return self._streaming(plan, base)

    def _streaming(self, plan: StagePlan, base: Version) -> StagePlan:
        stage, before = plan.stage, {item.table: item for item in base.inputs}
        for item in plan.inputs:
            if item.table == "files" or item.table in stage.models:
                continue
            if item.generation != before[item.table].generation:
                return replace(plan, reason=f"`{item.table}` was rebuilt")
        grown = [
            item.table
            for item in plan.inputs
            if item.table in stage.streams and (item.batch or 0) > (before[item.table].batch or 0)
        ]
        reason = f"new rows in {', '.join(f'`{name}`' for name in grown)}" if grown else ""
        plan = self._with_new_files(plan)
        if plan.files:
            count = len(plan.files)
            reason = f"{count:,} new file{'s' if count > 1 else ''}"
        return self._unless(reason, replace(plan, action=APPEND, reason=reason))

    def _base(self, stage: Stage) -> Version | None:
        """Return the version to start from; of a table that was a view meanwhile, a table's."""
        head = self._heads.get(stage.name)
        if head is None or not stage.kind.stored or not head.is_view:
            return head
        audited = (item for item in reversed(self._versions) if item.state == AUDITED)
        found = next((i for i in audited if i.table == head.table and not i.is_view), None)
        if found is None:
            del self._heads[stage.name]
        else:
            self._heads[stage.name] = found
        return found

    def _unless(self, reason: str, plan: StagePlan) -> StagePlan:
        """Return the plan if there is a reason to build, else reuse or audit again."""
        if reason:
            return plan
        if plan.base is not None and plan.base.checks != plan.checks:
            return replace(plan, action=REAUDIT, reason=CHECKS)
        return replace(plan, action=REUSE, reason="unchanged")

    def _model(self, stage: Stage, table: str) -> str:
        """Return what tells the classifier of a table from another one.

        Raises:
            CommandError: it is no materialized view, which changes as a whole.
        """
        version = self.current(table)
        if version.kind != Kind.MATERIALIZED_VIEW.value:
            raise CommandError(
                f"`{stage.name}` reads the model `{table}`, which is a {version.kind}. A model is "
                "a materialized view over train_classifier"
            )
        if not version.run:  # a plan: it is not trained yet
            return f"v{version.version}"
        return model_digest(self._registry.warehouse, version)

    def _input(self, table: str) -> Input:
        version = self.current(table)
        return Input(table, version.version, version.generation, version.batch)

    def _check_store(self, stage: Stage, base: Version | None) -> None:
        store = Store(self._registry.warehouse.path(self._pipeline.name, stage.name))
        if base is not None or store.latest() is not None:
            store.check(base.version if base is not None else None)

    def _checks_hash(self, stage: Stage) -> str:
        checks = self._pipeline.checks.get(stage.name, ())
        return checks_hash(checks, self._pipeline.functions)

    def _listing(self, call: Call) -> tuple[InputFile, ...]:
        try:
            return tuple(list_files(self._pipeline.options(call)))
        except CommandError as error:
            option, _, rest = str(error).partition(": ")
            value = call.options.get(option)
            if not isinstance(value, Marker):
                raise
            name = value.parameter
            raise CommandError(f"{name}: {rest}\nSet it with --set {name}=...") from None

    def _with_new_files(self, plan: StagePlan) -> StagePlan:
        """Return the plan with the files that the last audited version has not read.

        Raises:
            ChangedFileError: a file has other content than when it was read.
        """
        if not plan.readings:
            return plan
        ledger = self._files_read(plan.name, _LEDGER)
        # A file that could not be opened has not been read: it is as good as new.
        known = {name: row for name, row in ledger.items() if row["error"] != NO_PERMISSION}
        if not ledger:
            raise CommandError(
                f"the control table {self._registry.warehouse.path('winnow', 'files')} does not "
                f"say which files `{plan.name}` has read. Bring it back from a copy of the "
                f"warehouse, or read everything again with --full-refresh {plan.name}"
            )
        readings, touched = [], []
        for call, files in plan.readings:
            ignores = with_defaults(self._pipeline.options(call))["changed_files"] == IGNORE
            seen = [file for file in files if file.name in known]
            doubtful = [file for file in seen if not _is_as_read(file, known[file.name])]
            same = [file for file in doubtful if _has_same_content(file, known[file.name])]
            changed = sorted({file.name for file in doubtful} - {file.name for file in same})
            if changed and not ignores:
                raise ChangedFileError(_changed(plan.name, changed))
            touched += same
            readings.append((call, tuple(file for file in files if file.name not in known)))
        gone = sorted(known.keys() - {file.name for file in plan.files})
        return replace(plan, readings=tuple(readings), gone=tuple(gone), touched=tuple(touched))

    def touched_rows(self, plan: StagePlan) -> list[dict[str, Any]]:
        """Return the ledger's rows of touched files with their new times."""
        touched = {file.name: file for file in plan.touched}
        known = self._files_read(plan.name, files=list(touched))
        return [
            {**row, "modified": modified_at(touched[name]), "etag": touched[name].etag}
            for name, row in known.items()
        ]

    def _files_read(
        self,
        stage: str,
        columns: Iterable[str] | None = None,
        files: Sequence[str] | None = None,
    ) -> dict[str, Mapping[str, Any]]:
        """Return the ledger's row of each file in a stage's last audited version, by name.

        Args:
            columns: those that are needed; None for all.
            files: names of files, where not all are asked for.
        """
        head = self._heads.get(stage)
        if head is None:
            return {}
        audited = {
            (item.version, item.run)
            for item in self._versions
            if item.table == head.table
            and item.state == AUDITED
            and item.generation == head.generation
        }
        wanted = (ds.field("pipeline") == head.pipeline) & (ds.field("stage") == stage)
        if files is not None:
            wanted &= ds.field("file").isin(pa.array(files, pa.string()))
        rows = self._registry.arrow("files", columns, wanted)
        return {
            row["file"]: row
            for row in (rows.to_pylist() if rows is not None else ())
            if (row["version"], row["run"]) in audited
        }


def said_gone(plan: StagePlan) -> str:
    """Say which files were read and are not in the input any more; their documents stay."""
    shown = ", ".join(f"`{name}`" for name in plan.gone[:GONE_SHOWN])
    more = f" and {len(plan.gone) - GONE_SHOWN:,} more" if len(plan.gone) > GONE_SHOWN else ""
    return (
        f"no longer in the input of `{plan.name}`: {shown}{more}. Their documents stay; "
        f"--full-refresh {plan.name} reads only what is there now"
    )


def _check_names(stage: Stage, readings: Iterable[Reading]) -> None:
    """Make sure that a stage knows a file by its name.

    Raises:
        CommandError: two of its sources hold files of one name.
    """
    seen: set[str] = set()
    for _, files in readings:
        names = {file.name for file in files}
        if both := sorted(seen & names):
            raise CommandError(
                f"two inputs of `{stage.name}` hold a file called `{both[0]}`. Read them from the "
                "folder above both, or each in a stage of its own"
            )
        seen |= names


def _is_as_read(file: InputFile, row: Mapping[str, Any]) -> bool:
    """Whether a file looks as it did when it was read."""
    if file.etag and row.get("etag"):
        return bool(file.etag == row["etag"])
    return (file.size, modified_at(file)) == (row["size"], row["modified"])


def _has_same_content(file: InputFile, row: Mapping[str, Any]) -> bool:
    """Whether a file that looks otherwise has the bytes that were read; it is read for that."""
    if file.size != row["size"] or not row["digest"]:
        return False
    try:
        return bool(_digest(file) == row["digest"])
    except PermissionError:
        return False


@cache
def _digest(file: InputFile) -> str:
    """A run plans twice, before and under its lease: a touched file is read once for both."""
    return content_digest(file)


def _changed(stage: str, names: list[str]) -> str:
    more = f", and {len(names) - 1:,} more files" if len(names) > 1 else ""
    return (
        f"`{names[0]}` changed since `{stage}` read it{more}. Read everything again with "
        f"--full-refresh {stage}, or keep what was read: give read_documents the option "
        "changed_files => 'ignore', or put the file back. A file is known by its name below the "
        "input: if this is another one, read both from the folder above"
    )


CHECKS = "its checks changed"
_LATEST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()


def modified_at(file: InputFile) -> datetime:
    """Return a file's time as the control tables hold it, in whole microseconds."""
    return datetime.fromtimestamp(min(max(file.modified, 0.0), _LATEST), UTC)


def changes(base: Version | None, parts: Mapping[str, str]) -> str:
    """Say what differs between a version's definition and the present one; empty if nothing."""
    if base is None:
        return "first build"
    if base.definition == definition_hash(parts):
        return ""
    before = base.definition_parts
    names = sorted(name for name in {*before, *parts} if before.get(name) != parts.get(name))
    shown = ", ".join("its SQL" if name == "sql" else name for name in names)
    return f"{shown} changed"


def _moved(stage: Stage, base: Version | None, inputs: tuple[Input, ...]) -> str:
    """Say which inputs differ from those of a version; empty if none. Models tell for themselves.

    A model is a part of the definition: the same one, trained again, is no other input.
    """
    before = {item.table: item for item in base.inputs} if base else {}
    names = [
        item.table
        for item in inputs
        if before.get(item.table) != item and item.table not in stage.models
    ]
    return f"new version of {', '.join(f'`{name}`' for name in names)}" if names else ""


def stored_inputs(pipeline: Pipeline, stage: Stage) -> tuple[str, ...]:
    """Return the stored tables that a stage reads, through views, sorted."""
    views = {view.name: view for view in views_of(pipeline, stage)}
    found = {name for name in stage.inputs if name not in views}
    for view in views.values():
        found.update(stored_inputs(pipeline, view))
    return tuple(sorted(found))


def source_calls(pipeline: Pipeline, stage: Stage) -> tuple[Call, ...]:
    """Return the calls of sources in a stage and in the views that it reads."""
    calls = list(stage.sources)
    for view in views_of(pipeline, stage):
        calls += source_calls(pipeline, view)
    return tuple(calls)


def digest_of(files: Iterable[InputFile]) -> str:
    """Return a hash of file names, sizes, times and ETags: what a batch read of them rests on."""
    return digest(json.dumps([[file.name, file.size, file.modified, file.etag] for file in files]))
