"""The part about sweeps: what a trial costs, beside the peers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import report
import report_team

TITLE = "Sweeps"
WAYS = {
    "milepost": "Milepost: each trial a submitted run of its own",
    "processes": "the script alone, a process a trial: what isolation costs anybody",
    "optuna": "Optuna alone: a function in its own process, SQLite",
    "optuna_processes": "Optuna with the script as a process, SQLite",
    "ray": "Ray Tune: a function on its workers",
}


def section(found: dict[str, dict[str, Any]], command: str) -> str:
    """``found``: tool -> what `sweeps.py` has found of it."""
    rows = []
    for tool, way in WAYS.items():
        result = found.get(tool)
        if result is None:
            continue
        if "error" in result:
            rows.append([way, "", result["error"], "", ""])
            continue
        each = [f"{result[name]:,.0f}" for name in ("trials", "ms_a_trial", "cpu_ms_a_trial")]
        rows.append([way, each[0], each[1], each[2], f"{result['seconds']:,.0f}"])
    head = ["a trial that does next to nothing", "trials", "ms a trial", "CPU, ms a trial", "in all, s"]
    ours = found["milepost"]
    first, last = (ours[f"ms_a_trial_{which}_tenth"] for which in ("first", "last"))
    return f"""{report_team.told(command)}

{report.table(head, rows)}
{ours["at_once"]} trials at a time. CPU is that of all processes that a tool starts; other load of the machine
changes it less than the time. Of Milepost's trials the first tenth took {first:,.0f} ms each, the last {last:,.0f}.
In that time Milepost, beside running the process, writes out the snapshot's files, keeps log and outputs, and records
metrics, parameters, packages and the machine, safe from kills.
"""


def write(text: str) -> None:
    """Put it into docs/benchmarks.md, in place of the one that was there."""
    page = Path(report_team.PAGE)
    before, _, rest = page.read_text().partition(f"\n# {TITLE}\n")
    _, more, after = rest.partition("\n# ")
    page.write_text(f"{before.rstrip()}\n\n# {TITLE}\n\n{text}" + (f"\n# {after}" if more else ""))
