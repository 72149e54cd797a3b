"""The part of the page of benchmarks that is about the tools' own pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sizes

from portal.data import LIMIT, SETS
from portal.measure import LIMIT_S, TIMES
from portal.pages import TITLES

Found = dict[str, Any]

ROWS = (
    ("million", "lines", "one metric of 1,000,000 points", 50.0, None),
    ("many", "lines", "500 metrics of 1,000 points on one run, first screen", None, 300.0),
    ("overlay", "lines", "200 runs of 10,000 points over each other", None, 500.0),
    ("table", "opened", "table of runs, newest first", None, None),
    ("table", "sorted", "table of runs, sorted by a metric", 100.0, None),
    ("table", "filtered", "table of runs, filtered by a metric and a tag", 100.0, None),
)
"""Data set, page, its name, and the budgets: ms from request to bytes, ms from navigation to drawn."""
WIRE_BUDGET_KB = 350.0
ANSWER_BUDGET_MS = 1000.0

_SHOWN = {
    "milepost": "the run's metrics; the experiment with its charts beside the table; the experiment's table",
    "mlflow": "the run's *Model metrics*; the experiment's runs as charts, all shown; the experiment's runs",
    "aim": "the run's *Metrics*; the metrics explorer; the runs explorer, which sorts only what it has loaded",
    "tensorboardx": "*Time series*; *HParams*, whose order is not in its address",
}


def part(results: dict[str, Found], figure: Callable[[float], str]) -> str:
    """The part, as Markdown."""
    tools = [tool for tool in sizes.PAGE_TOOLS if any(tool in results.get(f"portal_{name}", {}) for name in SETS)]
    return "\n".join(
        [
            _overview(results, tools, figure),
            _requests(results, tools, figure),
            _drawn(results, tools, figure),
            _opening(results, tools, figure),
            _how(tools),
        ]
    )


def _found(results: dict[str, Found], data: str, tool: str, view: str) -> Found | str:
    """A page's figures, or why there are none."""
    result = results.get(f"portal_{data}", {}).get(tool)
    if result is None:
        return "-"
    if "failed" in result:
        return "failed"
    page: Found | None = result["pages"].get(view)
    if page is None:
        return "-"
    return f"not within {LIMIT_S:g} s" if "failed" in page else page


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _cells(
    results: dict[str, Found], tools: list[str], row: tuple[str, str], key: str, figure: Callable[[float], str]
) -> list[str]:
    """A figure for each tool; in brackets how many times Milepost's it is.  A smaller table says how small."""
    ours = _found(results, row[0], "milepost", row[1])
    cells = []
    for tool in tools:
        found = _found(results, row[0], tool, row[1])
        if isinstance(found, str) or key not in found:
            cells.append(found if isinstance(found, str) else "-")
            continue
        text = figure(found[key])
        if tool != "milepost" and not isinstance(ours, str) and ours.get(key):
            text += f" ({figure(found[key] / ours[key])}x)"
        if not isinstance(ours, str) and found["size"] != ours["size"]:
            text += f", with {found['size']}"
        cells.append(text)
    return cells


def _budget(limit: float | None, value: float | None, unit: str, figure: Callable[[float], str]) -> str:
    if limit is None:
        return ""
    verdict = "" if value is None else ": met" if value <= limit else ": **missed**"
    return f"≤ {figure(limit)}{unit}{verdict}"


def _value(found: Found | str, key: str) -> float | None:
    return None if isinstance(found, str) else found.get(key)


def _overview(results: dict[str, Found], tools: list[str], figure: Callable[[float], str]) -> str:
    rows = []
    for data, view, title, asked, drawn in ROWS:
        ours = _found(results, data, "milepost", view)
        if asked is not None:
            budget = _budget(asked, _value(ours, "first_ms"), "", figure)
            rows.append([f"{title}: request to bytes, ms", budget])
            rows[-1] += _cells(results, tools, (data, view), "first_ms", figure)
        budget = _budget(drawn, _value(ours, "warm_ms"), "", figure)
        rows.append([f"{title}: navigation to drawn, ms", budget])
        rows[-1] += _cells(results, tools, (data, view), "warm_ms", figure)
    front = _found(results, "many", "milepost", "front")
    wire = _value(front, "wire_bytes")
    budget = _budget(WIRE_BUDGET_KB, None if wire is None else wire / 1000, "", figure)
    rows.append(["first load of the page that opens, kB over the wire", budget])
    for tool in tools:
        found = _found(results, "many", tool, "front")
        rows[-1].append(found if isinstance(found, str) else figure(found["wire_bytes"] / 1000))
    answered = _value(front, "answers_ms")
    rows.append(["until it answers a key, nothing cached, ms", _budget(ANSWER_BUDGET_MS, answered, "", figure)])
    rows[-1] += [figure(answered) if tool == "milepost" and answered is not None else "" for tool in tools]
    return (
        _table(["", "budget", *(TITLES[tool] for tool in tools)], rows)
        + """
*Request to bytes* is here the first time that a server which was just started is asked for these data, *navigation to
drawn* a page that the browser has seen before. The tables below have the rest. In brackets: how many times Milepost's
it is.
"""
    )


def _requests(results: dict[str, Found], tools: list[str], figure: Callable[[float], str]) -> str:
    rows = []
    for data, view, title, *_ in ROWS:
        for tool in tools:
            found = _found(results, data, tool, view)
            if isinstance(found, str) or "ms" not in found:
                continue
            spike = ("yes" if found["spike"] else "**no**") if data == "million" else ""
            rows.append(
                [
                    f"{title}: {TITLES[tool]}",
                    found["size"],
                    f"{found['requests']:,}",
                    figure(found["bytes"] / 1000),
                    figure(found["first_ms"]) if "first_ms" in found else "no data yet",
                    f"{figure(found['ms'])} ({figure(found['min_ms'])} to {figure(found['max_ms'])})",
                    spike,
                ]
            )
    head = ["", "data", "requests", "kB", "first, ms", "again, ms (least to most)", "holds the spike"]
    return f"""### From request to bytes

{_table(head, rows)}
The requests by which a page brought what it drew were recorded in the browser, and are sent again without one: one
after another on one connection, from the first to the last byte of the last answer. *First*: to a server that has just
been started and has answered what else the page asks for; *again*: the median of {TIMES}. *No data yet*: the server
answered before it had read its files. One of the million values is three times as large as all others: a chart whose
data do not hold it hides it.
"""


def _drawn(results: dict[str, Found], tools: list[str], figure: Callable[[float], str]) -> str:
    rows = []
    for data, view, title, *_ in ROWS:
        for tool in tools:
            found = _found(results, data, tool, view)
            if found == "-":
                continue
            if isinstance(found, str):
                rows.append([f"{title}: {TITLES[tool]}", "", found, "", ""])
                continue
            rows.append(
                [
                    f"{title}: {TITLES[tool]}",
                    found["size"],
                    figure(found["cold_ms"]),
                    f"{figure(found['warm_ms'])} ({figure(found['warm_min_ms'])} to {figure(found['warm_max_ms'])})",
                    f"{figure(found['wire_bytes'] / 1000)} in {found['files']}",
                ]
            )
    head = ["", "data", "cold, ms", "warm, ms (least to most)", "cold: kB over the wire, in answers"]
    return f"""### From navigation to drawn

{_table(head, rows)}
Headless Chromium, a window of 1440 x 900, the tool's server on the same machine. *Cold*: a browser that has never been
there, and for the first page of a data set a server that has just been started. *Warm*: the same browser again, after
three visits: the median of {TIMES}. Software draws, for there is no graphics card.
"""


def _opening(results: dict[str, Found], tools: list[str], figure: Callable[[float], str]) -> str:
    rows = []
    for tool in tools:
        found = _found(results, "many", tool, "front")
        if isinstance(found, str):
            rows.append([TITLES[tool], found, "", "", ""])
            continue
        answered = (
            f"{figure(found['answers_ms'])} (most {figure(found['answers_max_ms'])})" if "answers_ms" in found else ""
        )
        rows.append(
            [
                TITLES[tool],
                f"{figure(found['wire_bytes'] / 1000)} in {found['files']}",
                figure(found["cold_ms"]),
                figure(found["warm_ms"]),
                answered,
            ]
        )
    head = ["", "kB over the wire, in answers", "cold, ms", "warm, ms", "answers a key, cold, ms"]
    return f"""### The page that opens

{_table(head, rows)}
Until it shows the name of an experiment (Aim: its count of runs; TensorBoard: the name of the run). All that comes over
the wire counts, headers and data too, compressed as the server sends it. *Answers a key*: `?` is pressed every 10 ms
until its dialog is there.
"""


def _how(tools: list[str]) -> str:
    pages = "\n".join(f"- {TITLES[tool]}: {_SHOWN[tool]}." for tool in tools)
    return f"""### What is looked at, and when it is drawn

{pages}

A script that runs in the page looks in every frame, and notes the time after the frame in which it was so:

- Charts on a canvas (Milepost, TensorBoard): of nine columns of pixels of every chart in the window five or more have a
  coloured pixel, axes and grids being grey; for the overlay Milepost's chart also says that it has all lines.
- Charts in SVG (MLflow, Aim): every chart in the window has a path with 20 corners or more and a stroke. For the
  overlay as many of them as there are runs; with MLflow 100, which is as many as its page loads at once.
- Tables: the name of the run that must stand first is in the window. The filter is a loss below {LIMIT} and a tag.

All tools hold the same numbers. Milepost's and TensorBoardX's lines and all that Aim has were logged by their own
calls; MLflow's were written into its SQLite tables as its store writes them, and Milepost's table was brought to its
store in batches. Milepost's and MLflow's table has {SETS["table"].runs:,} runs, with 3 metrics, 2 tags and 2 parameters
each; Aim and TensorBoard get fewer: how many stands with the figure. Of a long line Milepost sends about 4,000 points
with the band of all others, TensorBoard, MLflow and Aim a sample of 1,000, 320 and 500 points or fewer.
"""
