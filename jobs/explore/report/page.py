"""The page: facts into HTML. Texts are strangers': everything is escaped on its way in.

Jinja escapes what HTML would run; before that, `_shown` writes out what steers a terminal or the
direction of a line. The page's own policy forbids every request and every script and style but the
two that are in it, known by their digests.
"""

import base64
import hashlib
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from winnow.explore.report import charts
from winnow.explore.report.marks import excerpt, marked
from winnow.explore.screen import count, duration, escape_lines, moment, size

POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
    "base-uri 'none'; form-action 'none'"
)


def page(facts: dict[str, Any]) -> str:
    """Return the page about what `report` found: one file, nothing is loaded from anywhere."""
    environment = Environment(
        loader=PackageLoader("winnow.explore.report"),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count,
        "duration": duration,
        "moment": moment,
        "size": size,
        "percent": percent,
    }
    script, style = (_source(environment, name) for name in ("page.js", "page.css"))
    policy = POLICY.format(script=_digest(script), style=_digest(style))
    template = environment.get_template("page.html")
    return template.render(
        facts=facts,
        policy=policy,
        script=Markup(script),
        style=Markup(style),
        charts=charts,
        bars=bars(facts["flow"]),
        text_of=lambda id, paths=(): parts(facts["texts"].get(id), paths),
    )


def percent(share: float | None) -> str:
    """Return a share as people say it: `0.04 %`, `3.2 %`, `32 %`."""
    if share is None:
        return ""
    amount = 100 * share
    return f"{amount:.0f} %" if amount >= 10 or amount == 0 else f"{amount:.2g} %"


def parts(text: str | None, paths: Any = ()) -> list[tuple[str, str]] | None:
    """Return the excerpt of a text with what these columns counted marked."""
    if text is None:
        return None
    return excerpt(text, marked(text, [name.rpartition(".")[2] for name in paths]))


def bars(flow: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the widths of the flow's bars, in percent of the widest, for documents and bytes."""
    return [
        _bars(flow, "documents", "kept", "dropped"),
        *(
            [_bars(flow, "bytes", "kept_bytes", "dropped_bytes")]
            if any(step["kept_bytes"] for step in flow)
            else []
        ),
    ]


def _bars(flow: list[dict[str, Any]], unit: str, kept: str, dropped: str) -> dict[str, Any]:
    most = max((step[kept] + step[dropped] for step in flow), default=0) or 1
    rows = []
    for i, step in enumerate(flow):
        after = flow[i + 1] if i + 1 < len(flow) else None
        goes_on = after is not None and step["table"] in after["above"]
        rows.append(
            {
                "step": step,
                "kept": step[kept],
                "dropped": step[dropped],
                "kept_width": round(100 * step[kept] / most, 3),
                "dropped_width": round(100 * step[dropped] / most, 3),
                "next_width": round(100 * (after[kept] + after[dropped]) / most, 3)
                if after is not None and goes_on
                else None,
            }
        )
    return {"unit": unit, "rows": rows}


def _shown(value: Any) -> Any:
    is_text = isinstance(value, str) and not isinstance(value, Markup)
    return escape_lines(value) if is_text else value


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
