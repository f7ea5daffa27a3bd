"""What the published tables were built from, as trees: `winnow lineage [TABLE]`."""

from typing import Any

from winnow.engine.registry import Input, Version
from winnow.explore.catalog import Catalog, inputs_of, qualified
from winnow.explore.screen import Screen, cut

SHORT_DIGEST = 8


def lineage(catalog: Catalog, table: str | None = None) -> dict[str, Any]:
    """Return the tree of inputs of one table, or of every table that no other one reads.

    Raises:
        CommandError: the table is not published.
    """
    if table is not None:
        roots = [catalog.current(table)]
    else:
        read = {name for item in catalog.published.values() for name in inputs_of(item)}
        roots = [item for item in catalog.ordered() if item.table not in read]
    return {"tables": [_tree(catalog, item) for item in roots]}


def _tree(catalog: Catalog, item: Version) -> dict[str, Any]:
    return {
        "table": item.table,
        "version": item.version,
        "kind": item.kind,
        "run": item.run,
        "inputs": [_input(catalog, one, item) for one in item.inputs],
    }


def _input(catalog: Catalog, item: Input, of: Version) -> dict[str, Any]:
    if item.digest is not None:
        return {"files": _files(catalog, of), "digest": item.digest}
    name = qualified(item, of)
    found = [one for one in catalog.versions if (one.table, one.version) == (name, item.version)]
    if not found:
        return {"table": name, "version": item.version, "inputs": []}
    return _tree(catalog, found[-1])


def _files(catalog: Catalog, of: Version) -> int:
    """Return how many files the version's runs read."""
    rows = catalog.rows("files")
    return len(
        {
            row["file"]
            for row in rows
            if (row["pipeline"], row["stage"]) == (of.pipeline, of.stage)
            and of.generation <= row["version"] <= of.version
        }
    )


def show_lineage(facts: dict[str, Any], screen: Screen) -> str:
    """Return the trees as text; what was shown once is not unfolded again."""
    lines: list[str] = []
    seen: set[str] = set()
    for tree in facts["tables"]:
        _lines(tree, "", "", seen, lines)
    return "\n".join(cut(line, screen.width) for line in lines) or "nothing is published yet"


def _lines(tree: dict[str, Any], lead: str, below: str, seen: set[str], lines: list[str]) -> None:
    if "digest" in tree:
        lines.append(f"{lead}{tree['files']:,} files (listing {tree['digest'][:SHORT_DIGEST]})")
        return
    name = f"{tree['table']} v{tree['version']}"
    again = name in seen and tree["inputs"]
    seen.add(name)
    lines.append(
        f"{lead}{name}{'  view' if tree.get('kind') == 'view' else ''}{' …' if again else ''}"
    )
    inputs = [] if again else tree["inputs"]
    for number, item in enumerate(inputs, 1):
        last = number == len(inputs)
        _lines(
            item,
            below + ("└─ " if last else "├─ "),
            below + ("   " if last else "│  "),
            seen,
            lines,
        )
