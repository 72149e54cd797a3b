"""A static picture of a run: HTML that needs no script, no kernel and no network.

It stands in the notebook beside the live widget and is what is left of it when there is no kernel: after a restart, in
a notebook that was saved and opened elsewhere, in its HTML.  Notebooks that are not trusted are cleaned of styles, SVG
and ids by their front ends, so it is made of what passes: tables, lists, texts, and images as data.
"""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import datetime, timezone
from html import escape
from typing import TYPE_CHECKING, Any, Final

from milepost.widgets import facts
from milepost.widgets.picture_chart import HEIGHT, WIDTH, chart
from milepost.widgets.picture_trials import PARALLEL_HEIGHT, PARALLEL_WIDTH, best_so_far, parallel
from milepost.widgets.trials import given

if TYPE_CHECKING:
    from collections.abc import Iterable

    from milepost.widgets.contents import Part

CLASS: Final = "milepost-picture"
_MOST_CHARTS: Final = 8
_MOST_NUMBERS: Final = 40
_MOST_IMAGES: Final = 4
_MOST_IMAGE_BYTES: Final = 150_000
_MOST_PAIRS: Final = 30
_MOST_CHILDREN: Final = 30
_MOST_LINES: Final = 20
_MOST_LOG_CHARACTERS: Final = 4_000
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-9;:?<=>]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)")

# Where a notebook was opened again there is no model for the view beside the picture, and the front end says so in
# place of it.  This takes those words away; where styles are taken away, the words stay.
STYLE: Final = (
    "<style>.jp-OutputArea-child:has(> .jp-OutputArea-output.jupyter-widgets):not(:has(.jp-OutputArea-output *))"
    f":has(+ .jp-OutputArea-child .{CLASS}){{display:none}}</style>"
)
_LEFT: Final = 'style="text-align:left"'


def picture(parts: dict[str, Any], token: str, *, message: str = "", live: bool = False) -> str:
    """The picture of what a feed has read.  ``token`` tells it from other pictures.  ``message``: a line above it.

    ``live``: it is updated again and again, in place of a widget.
    """
    run: Part = parts.get("run", {}).get("run", {})
    inside = [_head(run, parts.get("run", {}).get("progress"), live=live)]
    if message:
        inside.append(f"<p>{_text(message)}</p>")
    if run:
        inside += [
            _error(run),
            _numbers(parts.get("metrics", {}).get("metrics", [])),
            _charts(parts.get("series", b"")),
            _images(parts.get("images", {})),
            _trials(parts.get("trials", {})),
            _children(parts.get("children", {})),
            _log(parts.get("logs", {})),
            _pairs("Tags", run["tags"]),
            _pairs("Properties", facts.shown_properties(run["properties"])),
        ]
    return f'<div class="{CLASS} {CLASS}-{token}">{STYLE}{"".join(inside)}</div>'


def _text(value: object) -> str:
    return escape(facts.printable(value), quote=True)


def _head(run: Part, progress: Part | None, *, live: bool) -> str:
    if not run:
        return "<p>Reading the run …</p>"
    now = datetime.now(timezone.utc)
    line = [f"<b>{_text(run['status'])}</b>", f"run {run['number']} of experiment {_text(run['experiment'])}"]
    duration = facts.duration(run, now)
    if duration:
        line.append(_text(duration))
    if progress is not None:
        line.append(_text(facts.progress(progress)))
    state = "" if live else f" <small>(as of {now:%Y-%m-%d %H:%M:%S} UTC)</small>"
    return (
        f"<p><b>{_text(facts.name(run))}</b>{state}<br>{' · '.join(line)}<br><small>{_text(run['run_id'])}</small></p>"
    )


def _error(run: Part) -> str:
    said = facts.error(run)
    return f"<p><b>Why it ended:</b> {_text(said)}</p>" if said else ""


def _numbers(metrics: list[Part]) -> str:
    rows = [(each["name"], facts.value(each["last"])) for each in metrics if each["kind"] == "series"]
    return _table("Last values", ("Metric", "Value"), rows[:_MOST_NUMBERS], len(rows))


def _charts(series: bytes) -> str:
    if not series:
        return ""
    from milepost.server.series_format import decode

    drawn = []
    for each in decode(series)[1][:_MOST_CHARTS]:
        column, across = each.about["column"], each.about["x_column"]
        title = each.about["name"] if column is None else f"{each.about['name']}: {column} over {across}"
        made = chart(title, each, "step" if across is None else across)
        if made:
            drawn.append(_image(made.encode(), "image/svg+xml", f"Chart of {title}", WIDTH, HEIGHT))
    return f"<p>{' '.join(drawn)}</p>" if drawn else ""


def _image(data: bytes, kind: str, label: str, width: int, height: int | None = None) -> str:
    size = f'width="{width}"' + (f' height="{height}"' if height else "")
    return f'<img src="data:{kind};base64,{b64encode(data).decode()}" alt="{_text(label)}" {size}>'


def _images(images: Part) -> str:
    types = {each["artifact"]: each for each in images.get("images", [])}
    found: list[str] = []
    for name, data in images.get("pictures", {}).items():
        told = types.get(name)
        if told is None or len(data) > _MOST_IMAGE_BYTES or len(found) == _MOST_IMAGES:
            continue
        label = f"{told['metric']}, step {told['step']}"
        found.append(f"{_image(data, told['content_type'].partition(';')[0], label, 240)}<br>{_text(label)}")
    return "".join(f"<p>{each}</p>" for each in found)


def _trials(trials: Part) -> str:
    if not trials:
        return ""
    metric = trials["primary"]["name"]
    drawn = [
        _image(made.encode(), "image/svg+xml", label, *size)
        for made, label, size in (
            (best_so_far(trials), f"Best {metric} so far", (WIDTH, HEIGHT)),
            (parallel(trials), f"Parameters and {metric}", (PARALLEL_WIDTH, PARALLEL_HEIGHT)),
        )
        if made
    ]
    return f"<p>{' '.join(drawn)}</p>" if drawn else ""


def _children(children: Part) -> str:
    rows = children.get("rows", [])
    if not rows:
        return ""
    columns = children["columns"]
    head = ("Child run", "Status", *(facts.column(each) for each in columns))
    listed = [
        (facts.name(row), row["status"], *(_cell(each, row["values"].get(each)) for each in columns))
        for row in rows[:_MOST_CHILDREN]
    ]
    title = "Child runs, best first" if children.get("primary") else "Child runs"
    return _table(title, head, listed, children["total"])


def _cell(column: str, value: Any) -> str:
    return facts.value(given(value) if column.startswith("params.") else value)


def _log(logs: Part) -> str:
    data = logs.get("data") or b""
    if not data:
        return ""
    text = _ESCAPES.sub("", data.decode("utf-8", "replace"))
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    end = "\n".join(lines[-_MOST_LINES - 1 :])[-_MOST_LOG_CHARACTERS:].strip("\n")
    return f"<p>The end of {_text(logs['name'])}:</p><pre>{_text(end)}</pre>" if end else ""


def _pairs(title: str, pairs: dict[str, Any]) -> str:
    rows = [(name, "" if value is None else value) for name, value in pairs.items()]
    return _table(title, ("Name", "Value"), rows[:_MOST_PAIRS], len(rows))


def _table(title: str, head: Iterable[str], rows: list[tuple[Any, ...]], total: int) -> str:
    if not rows:
        return ""
    heading = "".join(f"<th {_LEFT}>{_text(each)}</th>" for each in head)
    body = "".join(f"<tr>{''.join(f'<td {_LEFT}>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    more = f" ({len(rows)} of {total:,})" if total > len(rows) else ""
    return (
        f"<details><summary>{_text(title)}{more}</summary>"
        f"<table><thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table></details>"
        if title in ("Tags", "Properties")
        else f"<table><caption {_LEFT}>{_text(title)}{more}</caption>"
        f"<thead><tr>{heading}</tr></thead><tbody>{body}</tbody></table>"
    )
