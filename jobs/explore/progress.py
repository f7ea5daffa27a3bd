"""What a run says of itself: one line a stage as it ends, then what went wrong and what is next."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from winnow.engine.results import (
    BUILT,
    FAILED,
    REJECTED,
    REUSED,
    CheckResult,
    RuleCount,
    RunResult,
    StageResult,
)
from winnow.explore.screen import Screen, count, cut, duration, escape, escape_lines, size

COLOURS = {BUILT: "green", REUSED: "dim", REJECTED: "red", FAILED: "red"}
NAME, STATE, VERSION, ROWS, TIME, RATE = 10, 8, 3, 20, 10, 9  # cells
TOP_RULES = 2
OPTION = 80  # cells of a check's option, which may be a whole query
_PLAIN = re.compile(r"[\w.:/-]+")  # an id that can stand in a command as it is


def stage_lines(result: StageResult, screen: Screen) -> str:
    """Return what a stage did; of one that read files, a second line accounts for their records."""
    return "\n".join(filter(None, (stage_line(result, screen), files_line(result))))


def stage_line(result: StageResult, screen: Screen) -> str:
    """Return a stage's line: name, state, version, rows in -> kept, time, rate, what dropped most.

    The rate is that of the bytes that were stored.
    """
    version = f"v{result.version}" if result.version is not None else ""
    took = duration(result.seconds) if result.state not in (REUSED, "SKIPPED") else ""
    cells = [
        result.stage.ljust(NAME),
        result.state.ljust(STATE),
        version.ljust(VERSION),
        _rows(result).ljust(ROWS),
        took.rjust(TIME),
        _rate(result).rjust(RATE),
        _said(result),
    ]
    line = cut("  ".join(cells).rstrip(), screen.width)
    return line.replace(result.state, screen.paint(result.state, COLOURS.get(result.state, "")), 1)


def files_line(result: StageResult) -> str:
    """Return what was read of a stage's files, below the stage's line; empty if nothing was."""
    counts = result.files
    if counts is None:
        return ""
    skipped = sum(counts.skipped.values())
    parts = [f"{count(counts.documents)} documents", f"{count(counts.rejects)} rejects"]
    if skipped:
        kinds = ", ".join(f"{kind} {count(n)}" for kind, n in sorted(counts.skipped.items()))
        parts.append(f"{count(skipped)} skipped ({kinds})")
    if counts.left_out:
        parts.append(f"{count(counts.left_out)} left out by the stage's SQL")
    files = sum(counts.states.values())
    line = f"{count(files)} file{'s' if files > 1 else ''}: {count(counts.records)} records = "
    repaired = f" · {count(counts.repaired)} repaired" if counts.repaired else ""
    return " " * (NAME + 2) + line + " + ".join(parts) + repaired


def _rows(result: StageResult) -> str:
    if result.kind == "view" or result.rows_kept is None:
        return ""
    if result.state == REUSED or not result.rows_dropped:
        return count(result.rows_kept)
    return f"{count(result.rows_in)} -> {count(result.rows_kept)}"


def _rate(result: StageResult) -> str:
    if not result.stored_bytes or not result.seconds:
        return ""
    return f"{size(round(result.stored_bytes / result.seconds))}/s"


def _said(result: StageResult) -> str:
    if result.state in (FAILED, "SKIPPED"):
        return result.error or result.reason
    return "" if result.state == REUSED else top_rules(result.rules)


def top_rules(rules: tuple[RuleCount, ...]) -> str:
    """Return the two rules that dropped most, and how many more dropped something."""
    dropping = [rule for rule in rules if rule.action != "record" and rule.failed]
    dropping.sort(key=lambda rule: (-rule.failed, rule.rule))
    parts = [f"{rule.rule} {count(rule.failed)}" for rule in dropping[:TOP_RULES]]
    more = len(dropping) - TOP_RULES
    if more > 0:
        parts.append(f"{more} more rule{'s' if more > 1 else ''}")
    return " · ".join(parts)


def ending(result: RunResult, screen: Screen) -> str:
    """Return what follows the stages: failed checks, errors, what readers see, what to do next."""
    parts = []
    for stage in result.stages:
        failed = (check for check in stage.checks if not check.success)
        parts += [_check(check, stage.stage, screen) for check in failed]
        if stage.state == FAILED:
            parts.append(f"{stage.stage} failed: {escape_lines(stage.error or stage.reason)}")
    if result.messages:
        parts.append("\n".join(escape_lines(message) for message in result.messages))
    for stage in result.stages:
        if stage.state == REJECTED:
            parts.append("\n".join(_rejected(stage, result)))
    parts.append(_last_line(result))
    return "\n\n".join(parts)


def _check(check: CheckResult, stage: str, screen: Screen) -> str:
    colour = {"critical": "red", "warning": "yellow"}.get(check.severity, "")
    subject = f"{check.place or f'{stage}, built in'}  {check.severity}  "
    lines = [f"{subject}{what(check)}"]
    if check.error:
        lines += screen.folded(f"could not be checked: {check.error}", 2)
    numbers = findings(check)
    if numbers:
        lines += screen.folded(numbers, 2)
    lines += screen.folded(check.notes, 2)
    lines[0] = escape(lines[0])
    lines[0] = lines[0].replace(check.severity, screen.paint(check.severity, colour), 1)
    return "\n".join(lines)


def what(check: CheckResult) -> str:
    """Return what a check expects, in its own words: `column id: values to be unique`."""
    rest = dict(check.kwargs)
    name = check.type.removeprefix("expect_").replace("_", " ")
    column = rest.pop("column", None)
    if column is not None:
        name = f"column {column}: {name.removeprefix('column ')}"
    options = ", ".join(f"{key} {cut(_short(value), OPTION)}" for key, value in rest.items())
    rows = " (of all rows)" if check.section == "all" else ""
    return f"{name}{rows}{'; ' if options else ''}{options}"


def findings(check: CheckResult) -> str:
    """Return the numbers that a check found, and the ids that show it."""
    parts = []
    if check.observed is not None and check.observed != check.unexpected_count:
        parts.append(f"found {_short(check.observed)}")
    if check.unexpected_count:
        parts.append(f"{count(check.unexpected_count)} unexpected")
    if check.examples:
        parts.append(f"for example {', '.join(check.examples)}")
    return " · ".join(parts)


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and len(value) == 1:
        value = next(iter(value.values()))
    if isinstance(value, float | int) and not isinstance(value, bool):
        return f"{value:,}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return " ".join(text.split())


def _rejected(stage: StageResult, result: RunResult) -> Iterator[str]:
    """Say how to look at a rejected version; readers never meet it by itself."""
    table, number = f"{result.pipeline}.{stage.stage}", stage.version
    yield f"{table} v{number} is rejected; readers do not see it, and it stays for you to look at."
    checks = [check for check in stage.checks if check.rejects]
    for query in dict.fromkeys(_where(check, table) for check in checks if stage.kind != "view"):
        yield f'  look at it          winnow sql --at {table}={number} "SELECT * {query} LIMIT 20"'
    yield f"  what is read now    winnow versions {table}"
    yield "  next                edit the stage or the check and run again: what passed is reused"


def _where(check: CheckResult, table: str) -> str:
    """Return where the rows are that a check is about, by the ids that it gave if it gave any."""
    if check.section == "kept":
        is_plain = "column" in check.kwargs and all(map(_PLAIN.fullmatch, check.examples))
        ids = ", ".join(f"'{id}'" for id in check.examples) if is_plain else ""
        return f"FROM {table} WHERE id IN ({ids})" if ids else f"FROM {table}"
    kind, _, rule = check.type.partition(" ")
    if kind == "rule":  # a FAIL UPDATE rule drops nothing
        return f"FROM {table} WHERE list_contains(_failed_rules, '{rule}')"
    return f"FROM {table}_dropped"


def _last_line(result: RunResult) -> str:
    took = duration(result.seconds)
    if result.is_preview and result.published:
        return f"done after {took}, in a scratch warehouse: nothing was published for readers"
    if result.state != "succeeded":
        return f"{result.state} after {took}; nothing was published"
    return f"{'published' if result.published else 'nothing was published'} after {took}"
