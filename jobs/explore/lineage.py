"""What the published tables were built from, as trees: `winnow lineage [TABLE]`."""

from typing import Any

from winnow.engine.registry import Input, Version
from winnow.explore.catalog import Catalog, inputs_of, qualified
from winnow.explore.screen import Screen, cut, escape

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
    read_by = [] if table is None else [item.table for item in descendants(catalog, roots[0])]
    return {"tables": [_tree(catalog, item) for item in roots], "read_by": read_by}


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
        return {"files": len(catalog.files_of(of)), "digest": item.digest}
    name = qualified(item, of)
    found = [one for one in catalog.versions if (one.table, one.version) == (name, item.version)]
    if not found:
        return {"table": name, "version": item.version, "inputs": []}
    return _tree(catalog, found[-1])


def ancestors(catalog: Catalog, version: Version) -> list[Version]:
    """Return the stored versions that a version was built from, the nearest first."""
    known = {(one.table, one.version): one for one in catalog.versions}
    found: dict[tuple[str, int], Version] = {}
    waiting = [version]
    while waiting:
        of = waiting.pop(0)
        for item in of.inputs:
            key = (qualified(item, of), item.version or 0)
            if item.digest is None and key in known and key not in found:
                found[key] = known[key]
                waiting.append(known[key])
    return [one for one in found.values() if not one.is_view]


def nearest(catalog: Catalog, version: Version, column: str) -> Version | None:
    """Return the nearest table that a version was built from with this column of documents."""
    found = ancestors(catalog, version)
    return next((one for one in found if {"id", column} <= set(one.columns)), None)


def descendants(catalog: Catalog, version: Version) -> list[Version]:
    """Return what is published and built from a table, views included, the nearest first."""
    found: dict[str, Version] = {}
    waiting = [version.table]
    while waiting:
        table = waiting.pop(0)
        for item in catalog.ordered():
            if table in inputs_of(item) and item.table not in found:
                found[item.table] = item
                waiting.append(item.table)
    return list(found.values())


def show_lineage(facts: dict[str, Any], screen: Screen) -> str:
    """Return the trees as text; what was shown once is not unfolded again."""
    lines: list[str] = []
    seen: set[str] = set()
    for tree in facts["tables"]:
        _lines(tree, "", "", seen, lines)
    if not lines:
        return "nothing is published yet: `winnow run PIPELINE`"
    if facts["read_by"]:
        lines.append(f"read by {', '.join(facts['read_by'])}")
    return "\n".join(cut(line, screen.width) for line in lines)


def show_mermaid(facts: dict[str, Any], screen: Screen) -> str:
    """Return the trees as one Mermaid diagram, inputs at the left."""
    names: dict[str, str] = {}
    edges: dict[str, None] = {}

    def node(tree: dict[str, Any]) -> str:
        if "digest" in tree:
            label = f"{tree['files']:,} files, {tree['digest'][:SHORT_DIGEST]}"
        else:
            label = f"{tree['table']} v{tree['version']}"
        name = names.setdefault(label, f"n{len(names)}")
        for item in tree.get("inputs", ()):
            edges[f"  {node(item)} --> {name}"] = None
        return name

    for tree in facts["tables"]:
        node(tree)
    labels = [
        f'  {name}["{escape(label).replace(chr(34), "#quot;")}"]' for label, name in names.items()
    ]
    return "\n".join(["graph LR", *labels, *edges])


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
