"""A document's life as text: the verdict first, then stage by stage, then what it says."""

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len

from winnow.explore.margins import JUST
from winnow.explore.screen import Screen, cut, escape, moment, shown
from winnow.sources.files import COMPRESSED

MOST_WIDTH = 2000  # of a line that is not cut
FAIL = "FAIL"
VALUE_WIDTH, PREVIEW, LINES, BRIEF_LINES, HASH = 60, 800, 8, 2, 8


def show_life(facts: dict[str, Any], screen: Screen, brief: bool = False) -> str:
    """Return what `explain` found as text; in brief without the rules that were passed."""
    parts = [_pipeline(facts["id"], life, screen, brief) for life in facts["pipelines"]]
    texts: dict[str, list[str]] = {}
    for life in facts["pipelines"]:
        if life["text"] is not None:
            texts.setdefault(life["text"], []).append(life["pipeline"])
    for text, pipelines in texts.items():
        of = f" in {', '.join(pipelines)}" if len(texts) > 1 else ""
        parts.append(_text(text, screen, BRIEF_LINES if brief else LINES, of))
    if facts["exports"]:
        parts.append(_exports(facts["exports"], screen))
    return "\n\n".join(parts)


def _pipeline(id: str, life: dict[str, Any], screen: Screen, brief: bool) -> str:
    if life["kept"]:
        outcome = screen.paint("kept", "green")
    else:
        rules = f" by {', '.join(life['dropped_by'])}" if life["dropped_by"] else ""
        outcome = f"{screen.paint('dropped', 'red')} at {life['dropped_at']}{escape(rules)}"
    lines = [f"{screen.paint(escape(id), 'bold')}  {outcome}"]
    if life["origin"]:
        lines.append(cut(f"  {_origin(life['origin'])}", screen.width))
    parts = ["\n".join(lines), *(_stage(stage, id, screen, brief) for stage in life["stages"])]
    if life["similar"]:
        parts.append(_similar(life["similar"], screen, brief))
    return "\n\n".join(parts)


def _origin(origin: dict[str, Any]) -> str:
    rest = {name: value for name, value in origin.items() if name not in ("file", "position")}
    return " · ".join([_place(origin), *(f"{name} {shown(value)}" for name, value in rest.items())])


def _place(origin: dict[str, Any]) -> str:
    file, position = str(origin.get("file", "")), origin.get("position", 0)
    unit = "row" if file.endswith(".parquet") else "byte"
    unpacked = " of the unpacked file" if file.lower().endswith(COMPRESSED) else ""
    return f"{file} at {unit} {position:,}{unpacked}"


def _stage(stage: dict[str, Any], id: str, screen: Screen, brief: bool) -> str:
    state = screen.paint(stage["state"], "red" if stage["state"] == "dropped" else "green")
    rows = f"  {stage['rows']} rows" if stage["rows"] > 1 else ""
    lines = [f"{screen.paint(stage['table'], 'bold')} v{stage['version']}  {state}{rows}"]
    rules = [rule for rule in stage["rules"] if rule["verdict"] == "fail" or not brief]
    if rules:
        lines.append(_rules(rules, screen))
    passed = len(stage["rules"]) - len(rules)
    if passed:
        lines.append(f"  pass  {passed} rule{'s' if passed > 1 else ''}")
    for one in stage["rejected"]:
        place = f"{one['reject_reason']}, {_place(one)}"
        lines.append(cut(f"  another record of this id was rejected: {place}", screen.width))
    if stage["scores"] and not brief:
        lines.append(cut(f"  {_scores(stage)}", screen.width))
    copies = _copies(stage, id)
    if copies:
        lines.append(cut(f"  {copies}", screen.width))
    return "\n".join(lines)


def _similar(found: list[dict[str, Any]], screen: Screen, brief: bool) -> str:
    lines = [screen.paint("most similar", "bold")]
    for one in found[:BRIEF_LINES] if brief else found:
        state = {"kept": "stays", "dropped": "goes"}.get(one["state"] or "", "")
        lines.append(cut(f"  {one['similarity']:.3f}  {one['id']}  {state}".rstrip(), screen.width))
    return "\n".join(lines)


def _exports(found: list[dict[str, Any]], screen: Screen) -> str:
    lines = [screen.paint("exported", "bold")]
    for one in found:
        place = f"{one['address']}/{one['file']} at row {one['row']:,}"
        lines.append(f"  {one['table']}, {moment(one['exported'])}: {escape(place)}")
    return "\n".join(lines)


def _scores(stage: dict[str, Any]) -> str:
    """Say which scores a document has, and by which versions of functions and models."""
    scores = ", ".join(f"{name} {_value(value)}" for name, value in stage["scores"].items())
    made_by = ", ".join(f"{name} {value[:HASH]}" for name, value in stage["made_by"].items())
    return f"scores  {scores}" + (f"  by {made_by}" if made_by else "")


def _rules(rules: list[dict[str, Any]], screen: Screen) -> str:
    """Return a line a rule; on a narrow screen what asks for attention is told below its line."""
    rows = [_rule(rule) for rule in rules]
    narrow = Screen(screen.width - 2)
    groups = [[line] for line in _lines(rows, Screen(MOST_WIDTH))]
    if any(cell_len(line) > narrow.width for [line] in groups):
        groups = _stacked(rows, narrow)
    return "\n".join(
        f"  {screen.paint(line, 'red' if row[0] == FAIL else '')}"
        for row, group in zip(rows, groups, strict=True)
        for line in group
    )


def _rule(rule: dict[str, Any]) -> tuple[str, ...]:
    """Return verdict, name, values, condition and what is news: a failure, or one only just not."""
    values = [] if rule["ratio"] is None else [f"ratio {rule['ratio']:.6g}"]
    values += [f"{name} {_value(value)}" for name, value in rule["values"].items()]
    values += [f":{name} {_value(value)}" for name, value in rule["parameters"].items()]
    if rule["verdict"] != "fail":
        verdict, news = "pass", _only_just(rule)
    else:
        consequences = {"drop": "drops", "fail": "fails the run"}
        verdict, news = FAIL, consequences.get(rule["action"], "recorded only")
    return verdict, rule["rule"], ", ".join(values), rule["condition"] or "", news


def _stacked(rows: Sequence[tuple[str, ...]], screen: Screen) -> list[list[str]]:
    short = [(verdict, rule, news or values) for verdict, rule, values, _, news in rows]
    below = [
        screen.folded(condition, 6) + screen.folded(values, 6) if news else []
        for _, _, values, condition, news in rows
    ]
    return [[line, *more] for line, more in zip(_lines(short, screen), below, strict=True)]


def _lines(rows: Sequence[tuple[str, ...]], screen: Screen) -> list[str]:
    heads = ("", "rule", "", "", "")[: len(rows[0])]
    fits = max(cell_len(row[1]) for row in rows) < screen.width - 20
    return screen.table(heads, rows, whole=["rule"] if fits else []).split("\n")[1:]


def _only_just(rule: dict[str, Any]) -> str:
    margin = rule["margin"]
    return f"only just, by {margin:.1%}" if margin is not None and margin <= JUST else ""


def _value(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= VALUE_WIDTH else text[:VALUE_WIDTH] + "…"


def _copies(stage: dict[str, Any], id: str) -> str:
    kept, others = stage["kept_id"], stage["others"]
    if kept is None or (kept == id and not others):
        return ""
    total = f" of {stage['copies']} copies" if stage["copies"] is not None else ""
    if kept == id:
        return f"this one stays{total}; the others: {', '.join(others)}"
    rest = [other for other in others if other != kept]
    also = f"; also {', '.join(rest)}" if rest else ""
    alike = f", similarity {stage['similarity']:.3f}" if stage["similarity"] is not None else ""
    return f"{kept} stays instead{total}{alike}{also}"


def _text(text: str, screen: Screen, most: int, of: str) -> str:
    """Return the beginning of a text in its own lines, escaped and folded to the screen."""
    lines: list[str] = []
    for line in text[:PREVIEW].split("\n"):
        lines += screen.folded(line.rstrip("\r"), 2)  # blank lines say nothing here
    if len(lines) > most or len(text) > PREVIEW:
        lines = lines[:most]
        lines[-1:] = [f"{line} …" for line in lines[-1:]]
    return "\n".join([screen.paint(f"text{of}", "bold"), *lines])
