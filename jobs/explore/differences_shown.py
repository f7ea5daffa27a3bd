"""What `winnow diff` found, as text: first why, then who."""

from typing import Any

from winnow.explore.screen import Screen, count, cut, moment, shown

HASH = 8  # characters of a hash
SHARE = 0.0005  # a share that moves by less is not shown
_MOVES = {
    "added_kept": "new, kept",
    "added_dropped": "new, dropped",
    "removed_kept": "no longer there, were kept",
    "removed_dropped": "no longer there, were dropped",
    "came_back": "dropped before, kept now",
    "went": "kept before, dropped now",
    "stayed": "kept in both",
    "stayed_dropped": "dropped in both",
}


def show_diff(facts: dict[str, Any], screen: Screen) -> str:
    """Return the differences of two versions as text."""
    parts = [_head(facts, screen), _causes(facts["causes"], screen)]
    rows = facts["rows"]
    if rows is None:
        parts.append("a view stores no rows: compare the tables that it reads")
        return "\n\n".join(parts)
    if rows["key"] is None:
        parts.append("rows have no key by which two versions could be held against each other")
    else:
        unit = "documents" if rows["key"] == ["id"] else "rows"
        parts += [_moves(rows, unit, screen), _rules(rows["rules"], screen), _values(rows, screen)]
    rejects = rows["rejects"]
    if any(rejects.values()):
        numbers = f"{count(rejects['before'])} -> {count(rejects['after'])}"
        parts.append(f"records that could not be read: {numbers}")
    parts += [_shares(name, found, screen) for name, found in rows["shares"].items()]
    return "\n\n".join(part for part in parts if part)


def _head(facts: dict[str, Any], screen: Screen) -> str:
    rows = [
        (
            f"v{one['version']}",
            one["state"],
            one["run"],
            moment(one["built_at"]),
            count(one["rows_kept"]),
            count(one["rows_dropped"]),
        )
        for one in (facts["before"], facts["after"])
    ]
    heads = (facts["table"], "state", "built by", "at", "kept", "dropped")
    return screen.table(heads, rows, right="kept dropped")


def _causes(causes: list[dict[str, Any]], screen: Screen) -> str:
    if not causes:
        return "why: nothing differs in definition or inputs"
    return "\n".join([screen.paint("why", "bold"), *_lines(causes, "  ", screen)])


def _lines(causes: list[dict[str, Any]], indent: str, screen: Screen) -> list[str]:
    lines = []
    for one in causes:
        kind, name, before, after = one["kind"], one["name"], one["before"], one["after"]
        if kind == "sql":
            lines.append(f"{indent}the stage's SQL")
            lines += [cut(f"{indent}  {line}", screen.width) for line in after]
            continue
        if kind == "rule":
            lines.append(cut(f"{indent}rule {name}", screen.width))
            lines.append(cut(f"{indent}  - {before or 'not there'}", screen.width))
            lines.append(cut(f"{indent}  + {after or 'not there'}", screen.width))
            continue
        label = f"{kind} {name}".strip()
        lines.append(cut(f"{indent}{label}: {_moved(one)}", screen.width))
        lines += [cut(f"{indent}  + {file}", screen.width) for file in one.get("added", ())]
        lines += [cut(f"{indent}  - {file}", screen.width) for file in one.get("removed", ())]
        lines += _lines(one.get("causes", []), indent + "  ", screen)
    return lines


def _moved(cause: dict[str, Any]) -> str:
    before, after = cause["before"], cause["after"]
    if cause["kind"] == "input":
        how = "" if "rebuilt" not in cause else ", rebuilt" if cause["rebuilt"] else ", grew"
        was, now = (f"v{one}" if one is not None else "none" for one in (before, after))
        return f"{was} -> {now}{how}"
    if cause["kind"] in ("function", "file", "view", "engine"):
        was, now = (one[:HASH] if one else "none" for one in (before, after))
        return f"{was} -> {now}"
    return f"{shown(before)} -> {shown(after)}"


def _moves(rows: dict[str, Any], unit: str, screen: Screen) -> str:
    cells = [
        (what, count(rows[name]), ", ".join(rows["examples"][name]))
        for name, what in _MOVES.items()
        if rows[name]
    ]
    return screen.table((unit, "number", "for example"), cells, right="number")


def _rules(rules: list[dict[str, Any]], screen: Screen) -> str:
    if not rules:
        return ""
    cells = [
        (
            one["rule"],
            count(one["newly"]),
            count(one["no_longer"]),
            count(one["went"]),
            count(one["came_back"]),
        )
        for one in rules
    ]
    heads = ("rule", "newly broken", "no longer", "of these went", "of these came back")
    return screen.table(heads, cells, right=heads[1:])


def _values(rows: dict[str, Any], screen: Screen) -> str:
    changed = [f"{one['column']} {count(one['rows'])}" for one in rows["values"]]
    changed += [f"{name} is new" for name in rows["columns_added"]]
    changed += [f"{name} is gone" for name in rows["columns_removed"]]
    if not changed:
        return ""
    return "\n".join(["other values in columns", *screen.folded(" · ".join(changed), 2)])


def _shares(name: str, found: list[dict[str, Any]], screen: Screen) -> str:
    cells = []
    for one in found:
        before, after = one["share_before"] or 0.0, one["share_after"] or 0.0
        if abs(after - before) >= SHARE:
            label = "none" if one["name"] is None else one["name"]
            numbers = (count(one["before"]), count(one["after"]))
            cells.append(
                (label, *numbers, f"{before:.1%}", f"{after:.1%}", f"{after - before:+.1%}")
            )
    heads = (f"{name} of what is kept", "before", "after", "share before", "share after", "moved")
    return screen.table(heads, cells, right=heads[1:]) if cells else ""
