"""The charts of the page: Altair's, drawn here once and put in as SVG.

Not as scripts: Vega evaluates code that it makes at run time, which the page's own policy forbids,
and its bundle alone has a megabyte. A drawing needs none of that, prints, is read out by screen
readers (Vega names every bar), and follows the page's colours, since it names them as variables.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import altair as alt
import vl_convert
from markupsafe import Markup

from winnow.explore.screen import escape

KEPT, DROPPED, MARK, GRID = (f"var(--{name})" for name in ("kept", "dropped", "mark", "grid"))
INK = "currentColor"
WIDTH, HEIGHT, ROW, CELL = 250, 84, 20, 20  # pixels: histograms, bars, cells of the overlap
NAME = 22  # characters of a name beside a bar; the table under the chart has all of it
# Vega writes 0.4 as 400m.
NUMBER = "format(datum.value, abs(datum.value) < 1 ? '.3~r' : '.3~s')"
COLOURS = alt.Scale(domain=["kept", "dropped"], range=[KEPT, DROPPED])


def histogram(found: Mapping[str, Any]) -> Markup:
    """Draw how the values of a measure spread, kept below dropped, with each threshold."""
    first, last = found["bins"][0]["from"], found["bins"][-1]["to"]
    kind: Literal["symlog", "linear"] = "symlog" if found["logarithmic"] else "linear"
    scale = alt.Scale(type=kind, nice=False, zero=False, domain=[first, last])
    ticks: dict[str, Any] = (
        {"values": _powers(first, last)} if found["logarithmic"] else {"tickCount": 5}
    )
    if found["is_whole"]:
        ticks["tickMinStep"] = 1
    axis = alt.Axis(grid=False, labelExpr=NUMBER, **ticks)
    x = alt.X("from:Q", title=escape(found["measure"]), scale=scale, axis=axis)
    bars = (
        alt.Chart(_data(_stacked(found["bins"])))
        .mark_bar()
        .encode(
            x=x,
            x2="to:Q",
            y=alt.Y("low:Q", title=None, axis=alt.Axis(tickCount=3, labelExpr=NUMBER)),
            y2="high:Q",
            color=alt.Color("verdict:N", scale=COLOURS, legend=None),
            description="described:N",
        )
    )
    layers: list[alt.Chart] = [bars]
    lines = [
        {"from": one["at"], "described": f"{escape(one['rule'])}: {one['sign']} {one['value']:g}"}
        for one in found["limits"]
        if first <= one["at"] <= last
    ]
    if lines:
        drawn = alt.Chart(_data(lines)).mark_rule(color=MARK, strokeWidth=2)
        layers.append(drawn.encode(x=x, description="described:N"))
    return _svg(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def _powers(first: float, last: float) -> list[float]:
    """Return the ticks of a logarithmic axis."""
    powers = [0, *(10**power for power in range(16))]
    return [power for power in powers if first <= power <= last]


def _stacked(bins: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    rows = []
    for one in bins:
        low = 0
        for verdict in ("kept", "dropped"):
            number = one[verdict]
            if number:
                described = f"{one['from']:.4g} to {one['to']:.4g}: {number:,} {verdict}"
                ends = {"from": one["from"], "to": one["to"], "low": low, "high": low + number}
                rows.append({**ends, "verdict": verdict, "described": described})
            low += number
    return rows or [{"from": 0, "to": 0, "low": 0, "high": 0, "verdict": "kept"}]


def overlap(found: Mapping[str, Any]) -> Markup:
    """Draw which share of what one rule fails another fails, too: the fuller, the more alike."""
    failing = [rule["rule"] for rule in found["rules"] if rule["failed"]]
    rows = [
        {
            "rule": _short(row["rule"]),
            "other": _short(row["also fails"]),
            "share": row["share"],
            "described": f"{row['share']:.0%} of what fails {escape(row['rule'])} fails "
            f"{escape(row['also fails'])}: {row['documents']:,} rows",
        }
        for row in found["pairs"]
    ]
    names = [_short(name) for name in failing]
    order = alt.Scale(domain=names)
    axis = alt.Axis(labelLimit=200, domain=False, ticks=False)
    chart = (
        alt.Chart(_data(rows))
        .mark_rect(color=DROPPED)
        .encode(
            x=alt.X("other:N", scale=order, sort=None, title="also fails", axis=axis),
            y=alt.Y("rule:N", scale=order, sort=None, title="of what fails", axis=axis),
            opacity=alt.Opacity(
                "share:Q", scale=alt.Scale(domain=[0, 1], range=[0.06, 1]), legend=None
            ),
            description="described:N",
        )
        .properties(width=CELL * len(names), height=CELL * len(names))
    )
    return _svg(chart)


def shares(found: Mapping[str, Any], title: str) -> Markup:
    """Draw what share of all each value has, before and after."""
    rows = []
    for value in found["values"]:
        for when, colour in (("before", GRID), ("after", KEPT)):
            share = value[f"share_{when}"] or 0
            name = escape(value["name"])
            described = f"{name}: {share:.1%} {when}"
            row = {"value": _short(value["name"]), "when": when, "share": share}
            rows.append({**row, "described": described, "colour": colour})
    names = [_short(value["name"]) for value in found["values"]]
    chart = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=alt.X("share:Q", title=title, axis=alt.Axis(format="%", tickCount=4)),
            y=alt.Y("value:N", scale=alt.Scale(domain=names), sort=None, title=None),
            yOffset=alt.YOffset("when:N", sort=["before", "after"]),
            color=alt.Color("colour:N", scale=None),
            description="described:N",
        )
        .properties(width=WIDTH, height=1.6 * ROW * len(names))
    )
    return _svg(chart)


def bars(rows: Sequence[Mapping[str, Any]], name: str, value: str, title: str) -> Markup:
    """Draw one bar a row, in the order of the rows."""
    data = [
        {
            "name": _short(str(row[name])),
            "value": row[value],
            "described": f"{escape(str(row[name]))}: {row[value]:,.6g} {title}",
        }
        for row in rows
    ]
    names = [row["name"] for row in data]
    chart = (
        alt.Chart(_data(data))
        .mark_bar(color=KEPT)
        .encode(
            x=alt.X("value:Q", title=title, axis=alt.Axis(tickCount=5, labelExpr=NUMBER)),
            y=alt.Y("name:N", scale=alt.Scale(domain=names), sort=None, title=None),
            description="described:N",
        )
        .properties(width=WIDTH, height=ROW * max(1, len(names)))
    )
    return _svg(chart)


def _short(name: str) -> str:
    name = escape(name)
    return name if len(name) <= NAME else name[: NAME - 1] + "…"


def _data(rows: list[dict[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=rows)


def _svg(chart: Any) -> Markup:
    """Return a chart as SVG. Vega escapes every name and number that it writes."""
    axis = {"labelColor": INK, "titleColor": INK, "titleFontWeight": "normal"}
    lines = {"gridColor": GRID, "domainColor": GRID, "tickColor": GRID}
    # A reader's letters may be wider than those that Vega measured.
    room = {"left": 20, "right": 12, "top": 4, "bottom": 4}
    looks = chart.configure(background="transparent", padding=room).configure_axis(**axis, **lines)
    drawn = looks.configure_view(stroke=None).to_dict()
    return Markup(vl_convert.vegalite_to_svg(drawn))
