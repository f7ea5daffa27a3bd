"""What `winnow rollback` and `winnow vacuum` did."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from winnow.engine.registry import Version
from winnow.explore.screen import Screen, count, size

if TYPE_CHECKING:
    from winnow.engine.vacuum import Vacuumed


def rollback_facts(versions: Iterable[Version]) -> dict[str, Any]:
    """Return what readers see from now on."""
    return {
        "published": [
            {"table": one.table, "version": one.version, "rows_kept": one.rows_kept, "run": one.run}
            for one in versions
        ]
    }


def show_rollback(facts: dict[str, Any], screen: Screen) -> str:
    """Return a rollback as text."""
    rows = [
        (one["table"], f"v{one['version']}", count(one["rows_kept"]), one["run"])
        for one in facts["published"]
    ]
    table = screen.table(("readers see", "version", "kept", "built by"), rows, right="kept")
    return (
        f"{table}\n\nHeld: the next run does not publish the same again until something changes.\n"
        "  undo   winnow run PIPELINE --resume"
    )


def vacuum_facts(done: "Vacuumed", dry_run: bool) -> dict[str, Any]:
    """Return what was deleted, or would be."""
    return {
        "dry_run": dry_run,
        "bytes": sum(amount for _, _, amount in done.tables),
        "tables": [
            {"table": table, "versions": list(versions), "bytes": amount}
            for table, versions, amount in done.tables
        ],
    }


def show_vacuum(facts: dict[str, Any], screen: Screen) -> str:
    """Return a vacuum as text."""
    if not facts["tables"]:
        return "nothing to delete: everything that is stored is needed"
    rows = [
        (one["table"], ", ".join(f"v{number}" for number in one["versions"]), size(one["bytes"]))
        for one in facts["tables"]
    ]
    heads = ("table", "versions that go" if facts["dry_run"] else "versions that went", "size")
    total = size(facts["bytes"])
    ending = (
        f"{total} would go; nothing was deleted. --yes deletes it"
        if facts["dry_run"]
        else f"{total} deleted"
    )
    return f"{screen.table(heads, rows, right='size')}\n\n{ending}"
