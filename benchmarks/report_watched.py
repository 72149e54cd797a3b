"""The section about a run that is watched in the browser while it logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from report import Page

MODES = {
    "paced": "10,000 points a second in bursts, the process else idle",
    "working": "a point after each 0.1 ms of work on the CPU",
    "full": "nothing but `run.log`",
}


def section(view: Page) -> str:
    from report import figure, table

    found = {mode: view.found("watched", f"Milepost, {mode}") for mode in MODES}
    shown = {mode: result for mode, result in found.items() if result is not None}
    if not shown:
        return ""
    training = [
        [
            f"{mode}: {MODES[mode]}",
            figure(result["closed_points_per_s"]),
            figure(result["open_points_per_s"]),
            f"{result['fall_percent']:.1f} %",
            *(f"{figure(result[f'closed_{key}'])} / {figure(result[f'open_{key}'])}" for key in CALLS),
        ]
        for mode, result in shown.items()
    ]
    page = [
        [
            mode,
            f"{figure(result['behind_s'])} / {figure(result['behind_most_s'])}",
            f"{result['heap_before_mb']:.1f} / {result['heap_after_mb']:.1f}",
            f"{result['long_tasks']:.0f} / {figure(result['longest_task_ms'])}",
            *(f"{100 * result[f'{name}_cpu']:.0f} %" for name in ("training", "portal", "browser")),
            figure(result["portal_mb"]),
        ]
        for mode, result in shown.items()
    ]
    head = ["training", "points/s, closed", "open", "fall", "p50 µs", "p99 µs", "p99.9 µs", "max µs"]
    more = ["", "behind, s", "page, MB", "long tasks / longest ms", "training CPU", "portal", "browser", "portal, MB"]
    seconds = ", ".join(f"{mode} {result['rounds']} x {result['seconds']:.0f} s" for mode, result in shown.items())
    return f"""## A run that is watched while it logs

{table(head, training)}
Ten metrics of one run, whose page with ten charts is open in Chromium, or not, in turns ({seconds} open, and before and
after each as long closed). The times of a call are closed / open.

{table(more, page)}
Behind: from `run.log` until a value is in the chart, median / most. Page: MB of JavaScript that live after a forced
collection, before and after. Long tasks: those of the page over 50 ms. CPU: of one core, with the page open. At full
speed the drain cannot keep up with the calls, and what is behind is what waits in the journal.
"""


CALLS = ("p50_us", "p99_us", "p999_us", "max_us")
