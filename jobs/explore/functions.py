"""What SQL can call: `winnow functions`. Winnow's own, those of packages, and of a pipeline."""

import inspect
from collections.abc import Iterable
from typing import Any

from winnow.errors import CommandError
from winnow.explore.screen import Screen
from winnow.extensions import built_in, installed, join
from winnow.pipeline.load import find_folder, load_pipeline
from winnow.pipeline.text import did_you_mean, quoted
from winnow.udfs.registry import Declaration, Option

KINDS = ("source", "column function", "operator", "check")


def functions(name: str | None = None) -> dict[str, Any]:
    """Return every function, sources first, by kind and name, or the one of that name.

    Args:
        name: of a function; or of a packaged pipeline or a folder, whose own functions are listed,
            too.

    Raises:
        ExtensionError: an installed package cannot be imported.
        CommandError: there is no such pipeline, or something is wrong with its files.
    """
    ours = built_in()
    origins = dict.fromkeys(ours, "winnow")
    known = join(ours, installed())
    if name in known:
        known = {name: known[name]}
    elif name is not None:
        try:
            find_folder(name)
        except CommandError as error:
            near = did_you_mean(name, known)
            raise CommandError(f"there is no function {quoted(name)}. {near}\n{error}") from None
        loaded = load_pipeline(name)
        known = dict(loaded.functions)
        origins |= dict.fromkeys(loaded.own_functions, loaded.name)
    ordered = sorted(known.values(), key=lambda one: (KINDS.index(one.kind), one.name))
    return {"functions": [_function(one, origins.get(one.name)) for one in ordered]}


def _function(one: Declaration, origin: str | None) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "name": one.name,
        "signature": signature(one),
        "returns": " ".join(one.returns.split())
        if isinstance(one.returns, str)
        else "depends on its input",
        "version": one.version,
        "summary": one.summary,
        "documentation": inspect.getdoc(one.function),
        "package": origin or one.function.__module__.partition(".")[0],
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
    """Return the functions as text, a heading for each kind; of a single one all that is said."""
    parts = []
    is_one = len(facts["functions"]) == 1
    for kind in KINDS:
        found = [item for item in facts["functions"] if item["kind"] == kind]
        if found:
            lines = _lines(found, screen, is_whole=is_one)
            parts.append("\n".join([screen.paint(f"{kind}s", "bold"), *lines]))
    if not is_one:
        parts.append("winnow functions NAME tells all of one: what its fields and options are")
    return "\n\n".join(parts)


def _lines(found: list[dict[str, Any]], screen: Screen, is_whole: bool) -> list[str]:
    lines = []
    for item in found:
        origin = "" if item["package"] == "winnow" else f"  [{item['package']}]"
        lines.append(f"  {item['signature']}  version {item['version']}{origin}")
        if is_whole:
            lines += [f"      {line}".rstrip() for line in item["documentation"].splitlines()]
        else:
            lines += screen.folded(item["summary"], 6)
        if item["returns"]:
            lines += screen.folded(f"returns {item['returns']}", 6)
    return lines
