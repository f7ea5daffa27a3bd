"""What `winnow what-if` found, as text."""

from typing import Any

from winnow.explore.screen import Screen, count, cut, escape, shown, size

BAR = 24  # cells of a sweep's longest bar
TEXT_SHOWN = 160  # characters of an example
_ACTIONS = {"record": "only records", "fail": "fails the run"}


def show_what_if(facts: dict[str, Any], screen: Screen) -> str:
    """Return one change, or a sweep, as text."""
    parts = [_sweep(facts, screen)] if "values" in facts else list(_changed(facts, screen))
    return "\n\n".join(part for part in parts if part)


def _changed(facts: dict[str, Any], screen: Screen) -> list[str]:
    return [
        _head(facts, screen),
        _counts(facts, screen),
        _still_dropped(facts, screen),
        *(_groups(name, rows, screen) for name, rows in facts["by"].items()),
        _examples("come back", facts["examples"]["come_back"], facts["come_back"], screen),
        _examples("go", facts["examples"]["go"], facts["go"], screen),
        _downstream(facts, screen),
    ]


def _head(facts: dict[str, Any], screen: Screen) -> str:
    lines = [f"{screen.paint(facts['table'], 'bold')} v{facts['version']}"]
    for one in facts["changes"]:
        action = f", which {_ACTIONS[one['action']]}" if one["action"] in _ACTIONS else ""
        was = "a new rule" if one["before"] is None else f"now {one['before']}"
        lines.append(cut(f"  {one['rule']}{action}: {was}", screen.width))
        lines.append(cut(f"  {' ' * len(one['rule'])}  then {one['condition']}", screen.width))
    return "\n".join(lines)


def _counts(facts: dict[str, Any], screen: Screen) -> str:
    unit = facts["unit"]
    rows = [
        ("kept now", count(facts["kept_now"]), f"of {count(facts['rows'])} {unit}"),
        ("come back", count(facts["come_back"]), _bytes(facts["come_back_bytes"])),
        ("go", count(facts["go"]), _bytes(facts["go_bytes"])),
        ("kept then", count(facts["kept"]), ""),
    ]
    for one in facts["changes"]:
        if one["action"] in _ACTIONS:
            failed = facts["failed"][one["rule"]]
            rows.append((f"break {one['rule']}", count(failed), _ACTIONS[one["action"]]))
    return "\n".join(screen.table(("", "documents", ""), rows, "documents").split("\n")[1:])


def _bytes(number: int | None) -> str:
    return "" if number is None else f"{size(number)} of text"


def _still_dropped(facts: dict[str, Any], screen: Screen) -> str:
    if not facts["still_dropped"]:
        return ""
    rows = [
        (one["rule"], count(one["documents"]), count(one["alone"]))
        for one in facts["still_dropped"]
    ]
    heads = ("would pass, but is dropped by", facts["unit"], "by it alone")
    return screen.table(heads, rows, right=heads[1:])


def _groups(name: str, rows: list[dict[str, Any]], screen: Screen) -> str:
    moved = [row for row in rows if row["come_back"] or row["go"]]
    if not moved:
        return ""
    cells = []
    for row in moved:
        kept = row.get("kept")
        then = None if kept is None else kept + row["come_back"] - row["go"]
        label = "none" if row["name"] is None else row["name"]
        cells.append((label, count(kept), count(row["come_back"]), count(row["go"]), count(then)))
    heads = (name, "kept now", "come back", "go", "kept then")
    return screen.table(heads, cells, right=heads[1:])


def _examples(what: str, found: list[dict[str, Any]], total: int, screen: Screen) -> str:
    if not found:
        return ""
    title = f"{what}: {len(found)} of {count(total)}"
    lines = [screen.paint(title, "bold")]
    for one in found:
        values = ", ".join(f"{name} {_short(value)}" for name, value in one["values"].items())
        lines.append(cut(f"  {one['id']}  {values}", screen.width))
        if one["text"] is not None:
            text = " ".join(one["text"].split())[:TEXT_SHOWN]
            lines.append(cut(f"    {text}", screen.width))
    return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else shown(value)


def _downstream(facts: dict[str, Any], screen: Screen) -> str:
    """Say what is known of the tables that read this one, and what only a run can tell."""
    if not facts["downstream"] or not (facts["come_back"] or facts["go"]):
        return ""
    lines = [screen.paint("further on", "bold")]
    for one in facts["downstream"]:
        if one.get("documents") is not None and facts["go"]:
            text = f"{count(one['documents'])} of those that go are kept there now"
            if one["stand_for_others"]:
                text += f"; for {count(one['stand_for_others'])} a copy may take their place"
        else:
            text = "is read from the tables before it" if one["kind"] == "view" else ""
        lines.append(cut(f"  {one['table']}  {text}".rstrip(), screen.width))
    if facts["come_back"]:
        lines.append("  of those that come back nothing is known there: a run decides")
    return "\n".join(lines)


def _sweep(facts: dict[str, Any], screen: Screen) -> str:
    head = [_head(facts, screen), cut(f"  {facts['rule']}: {facts['condition']}", screen.width)]
    values = facts["values"]
    most = max((one["kept"] for one in values), default=0)
    cells = []
    for one in values:
        found = one.get("pairs_found")
        cells.append(
            (
                escape(one["value"]) + (" now" if one["is_now"] else ""),
                count(one["kept"]),
                count(one["come_back"]),
                count(one["go"]),
                _moved_bytes(one),
                *([] if found is None else [f"{100 * found:.0f} %"]),
                bar(one["kept"], most),
            )
        )
    extra = [] if values[0].get("pairs_found") is None else ["pairs found"]
    heads = ("value", "kept", "come back", "go", "bytes", *extra, "")
    table = screen.table(heads, cells, right=heads[1:-1])
    now, everything = count(values[0]["kept_now"]), count(values[0]["rows"])
    return "\n".join([*head, "", table, "", f"kept now: {now} of {everything} {facts['unit']}"])


def _moved_bytes(one: dict[str, Any]) -> str:
    if one["come_back_bytes"] is None:
        return ""
    change = one["come_back_bytes"] - one["go_bytes"]
    return f"{'-' if change < 0 else '+'}{size(abs(change))}" if change else ""


def bar(number: int, most: int, cells: int = BAR) -> str:
    """Return a bar that is `cells` wide for `most`, in eighths of a cell."""
    eighths = round(8 * cells * number / most) if most else 0
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()
