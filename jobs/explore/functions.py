"""What SQL can call: `winnow functions`. Winnow's own and those of installed packages."""

from collections.abc import Iterable
from typing import Any

from winnow.explore.screen import Screen
from winnow.extensions import built_in, installed, join
from winnow.udfs.registry import Declaration, Option

KINDS = ("source", "column function", "operator", "check")


def functions() -> dict[str, Any]:
    """Return every function, sources first, by kind and name.

    Raises:
        ExtensionError: an installed package cannot be imported.
    """
    own = built_in()
    known = join(own, installed()).values()
    ordered = sorted(known, key=lambda one: (KINDS.index(one.kind), one.name))
    return {"functions": [_function(one, one.name in own) for one in ordered]}


def _function(one: Declaration, own: bool) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "name": one.name,
        "signature": signature(one),
        "returns": one.returns if isinstance(one.returns, str) else "depends on its input",
        "version": one.version,
        "summary": one.summary,
        "package": "winnow" if own else one.function.__module__.partition(".")[0],
    }


def signature(one: Declaration) -> str:
    """Return how SQL calls a function: `components(TABLE(edges), rounds => 30)`."""
    tables = one.tables if one.kind == "column function" else _tables(one.tables)
    return f"{one.name}({', '.join([*tables, *map(_option, one.options)])})"


def _tables(names: Iterable[str]) -> list[str]:
    return [f"TABLE({name})" for name in names]


def _option(option: Option) -> str:
    if option.required:
        return f"{option.name} => …"
    value = f"'{option.default}'" if isinstance(option.default, str) else option.default
    return f"{option.name} => {'NULL' if value is None else value}"


def show_functions(facts: dict[str, Any], screen: Screen) -> str:
    """Return the functions as text, a heading for each kind."""
    parts = []
    for kind in KINDS:
        found = [item for item in facts["functions"] if item["kind"] == kind]
        if found:
            parts.append("\n".join([screen.paint(f"{kind}s", "bold"), *_lines(found, screen)]))
    return "\n\n".join(parts)


def _lines(found: list[dict[str, Any]], screen: Screen) -> list[str]:
    lines = []
    for item in found:
        origin = "" if item["package"] == "winnow" else f"  [{item['package']}]"
        lines.append(f"  {item['signature']}{origin}")
        lines += screen.folded(item["summary"], 6)
        if item["returns"]:
            lines += screen.folded(f"returns {item['returns']}", 6)
    return lines
