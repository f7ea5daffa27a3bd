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
    texts = dict.fromkeys(life["text"] for life in facts["pipelines"] if life["text"] is not None)
    parts += [_text(text, screen, BRIEF_LINES if brief else LINES) for text in texts]
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
    rest = dict(origin)
    file, position = str(rest.pop("file", "")), rest.pop("position", 0)
    unit = "row" if file.endswith(".parquet") else "byte"
    unpacked = " of the unpacked file" if file.lower().endswith(COMPRESSED) else ""
    place = f"{file} at {unit} {position:,}{unpacked}"
    return " · ".join([place, *(f"{name} {shown(value)}" for name, value in rest.items())])


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
        lines.append(cut(f"  rejected  another record of this id: {_origin(one)}", screen.width))
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
    """Return a line a rule; on a narrow screen what a failed one asks for stands below it."""
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
    """Return verdict, name, values, condition and consequence."""
    values = ", ".join(f"{name} {_value(value)}" for name, value in rule["values"].items())
    if rule["ratio"] is not None:
        values = f"ratio {rule['ratio']:.3f}, {values}"
    condition = rule["condition"] or ""
    if rule["verdict"] != "fail":
        return "pass", rule["rule"], values, condition, _only_just(rule)
    consequence = {"drop": "drops", "fail": "fails the run"}.get(rule["action"], "recorded only")
    return FAIL, rule["rule"], values, condition, consequence


def _stacked(rows: Sequence[tuple[str, ...]], screen: Screen) -> list[list[str]]:
    short = [
        (verdict, rule, "" if verdict == FAIL else values, "", told)
        for verdict, rule, values, _, told in rows
    ]
    return [
        [line, *(screen.folded(row[3], 6) + screen.folded(row[2], 6) if row[0] == FAIL else ())]
        for line, row in zip(_lines(short, screen), rows, strict=True)
    ]


def _lines(rows: Sequence[tuple[str, ...]], screen: Screen) -> list[str]:
    return screen.table(("", "rule", "", "", ""), rows, whole=["rule"]).split("\n")[1:]


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


def _text(text: str, screen: Screen, most: int) -> str:
    """Return the beginning of a text in its own lines, escaped and folded to the screen."""
    lines: list[str] = []
    for line in text[:PREVIEW].split("\n"):
        lines += screen.folded(line.rstrip("\r"), 2)  # blank lines say nothing here
    if len(lines) > most or len(text) > PREVIEW:
        lines = lines[:most]
        lines[-1:] = [f"{line} …" for line in lines[-1:]]
    return "\n".join([screen.paint("text", "bold"), *lines])
