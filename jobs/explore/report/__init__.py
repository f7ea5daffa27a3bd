"""`winnow report`: one HTML page about what a pipeline has published, readable without a network.

Everything is counted by DuckDB over the published versions, without a JVM. What reaches Python is
bounded by the number of stages, rules, signals and examples, never by the number of documents.
"""

import time
from pathlib import Path
from typing import Any

from winnow.errors import CommandError
from winnow.explore.catalog import Catalog
from winnow.explore.report.facts import report
from winnow.explore.report.page import page
from winnow.explore.screen import Screen, duration, escape, size


def write(
    catalog: Catalog, pipeline: str | None, out: Path, run: str | None = None
) -> dict[str, Any]:
    """Write the page about a pipeline; return where it is and what it cost.

    Args:
        catalog: what is published.
        pipeline: its name; None takes the only one there is, or the run's.
        out: the file.
        run: an earlier run, to show what it had published; None shows what is published now.

    Raises:
        CommandError: there is nothing to report, or the file cannot be written.
    """
    started = time.monotonic()
    facts = report(catalog, pipeline, run)
    written = page(facts).encode()
    try:
        out.write_bytes(written)
    except OSError as error:
        raise CommandError(f"cannot write {out}: {error.strerror}; name another --out") from None
    return {
        "pipeline": facts["pipeline"],
        "run": facts["run"] and facts["run"]["run"],
        "file": str(out),
        "bytes": len(written),
        "seconds": round(time.monotonic() - started, 3),
    }


def show_written(facts: dict[str, Any], screen: Screen) -> str:
    """Return what `write` did as text."""
    took = f"{size(facts['bytes'])} in {duration(facts['seconds'])}"
    return f"{escape(facts['file'])}  {took}: open it in a browser"
