"""The ledger of files: what a batch read of each, and whether all of it is accounted for."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame

from winnow.engine.plan import StagePlan, modified_at
from winnow.engine.results import CheckResult, FileCounts, built_in_check
from winnow.pipeline.model import Pipeline
from winnow.sources.accounts import READ, Account
from winnow.sources.documents import with_defaults
from winnow.sources.files import InputFile

FileRow = Mapping[str, Any]  # of `winnow.files`, without the keys of the version that read it


def file_rows(plan: StagePlan, batch: DataFrame, accounts: Mapping[str, Account]) -> list[FileRow]:
    """Return one row a file that a batch read.

    What was read of it is its account; what became documents and rejects is counted in the table,
    so that the two can be held against each other.

    Args:
        plan: the files.
        batch: the rows that were written, with `file` and `reject_reason`.
        accounts: of the files by name; a file that a preview left early has none.
    """
    counted = batch.groupBy("file", "reject_reason").count()
    found: dict[str, Counter[str | None]] = {}
    for row in counted.toLocalIterator():
        found.setdefault(row.file, Counter())[row.reject_reason] = row["count"]
    return [
        _row(file, found.get(file.name, Counter()), accounts.get(file.name)) for file in plan.files
    ]


def _row(file: InputFile, counted: Counter[str | None], account: Account | None) -> FileRow:
    """Return a file's row; `counted` are its rows by the reason why they are rejects."""
    read = account or Account(records=counted.total())
    reasons = {reason: counted[reason] for reason in sorted(filter(None, counted))}
    return {
        "file": file.name,
        "format": file.format,
        "state": read.state,
        "size": read.size if read.digest else file.size,
        "modified": modified_at(file),
        "etag": file.etag,
        "digest": read.digest,
        "records": read.records,
        "documents": counted[None],
        "rejects": sum(reasons.values()),
        "repaired": read.repaired,
        "reasons": list(reasons.items()),
        "skipped": list(read.skipped.items()),
        "error": read.error,
        "position": read.position,
        "seconds": read.seconds,
    }


def file_counts(files: Sequence[FileRow]) -> FileCounts | None:
    """Return the sums over files; None if there are none."""
    if not files:
        return None
    skipped: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for file in files:
        skipped.update(dict(file["skipped"]))
        reasons.update(dict(file["reasons"]))
    totals = ("records", "documents", "rejects", "repaired")
    return FileCounts(
        states=dict(Counter(file["state"] for file in files)),
        skipped=dict(skipped),
        reasons=dict(reasons),
        **{name: sum(file[name] for file in files) for name in totals},
    )


def file_checks(
    plan: StagePlan, pipeline: Pipeline, files: Sequence[FileRow]
) -> Iterator[CheckResult]:
    """Yield the built-in checks on what was read of a batch's files, for each call of a source."""
    by_name = {file["file"]: file for file in files}
    for call, listed in plan.readings:
        read = [by_name[file.name] for file in listed if file.name in by_name]
        counts = file_counts(read)
        if counts is not None:
            limit = float(with_defaults(pipeline.options(call))["max_rejects"])
            yield _share_of_rejects(counts, limit)
            yield _read_to_their_end(read)
            yield _accounted_for(counts)


def _share_of_rejects(counts: FileCounts, limit: float) -> CheckResult:
    rows = counts.documents + counts.rejects
    return built_in_check(
        "share_of_rejects",
        counts.rejects <= limit * rows,
        {"rejects": counts.rejects, "of": rows, "max_rejects": limit, **counts.reasons},
        "More of the new records were rejected than the option max_rejects of the source allows. "
        "Where each stands and what it begins with: file, position and reject_snippet of the "
        "dropped rows. With no_text, see whether the option `text` names the field of the texts.",
    )


def _read_to_their_end(files: Sequence[FileRow]) -> CheckResult:
    broken = [file for file in files if file["state"] != READ]
    return built_in_check(
        "files_read_to_their_end",
        not broken,
        {"files": len(files), "broken": len(broken)},
        "What follows the place at which a file broke off is not in the table.",
        severity="warning",
        examples=tuple(f"{one['file']} at {one['position']}: {one['error']}" for one in broken[:5]),
    )


def _accounted_for(counts: FileCounts) -> CheckResult:
    return built_in_check(
        "every_record_accounted_for",
        counts.left_out == 0,
        {"records": counts.records, "left out": counts.left_out},
        "The stage's SQL returned fewer or more rows than the source gave it. Rows leave by rules, "
        "not by WHERE, so that each has a verdict.",
        severity="warning",
    )
