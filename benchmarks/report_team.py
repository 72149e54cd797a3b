"""The part about the team's server: three sections, each written by the program that measures it."""

from __future__ import annotations

import re
import statistics
from pathlib import Path
from typing import Any

import report

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
TITLE = "The team server"
TAKES = "How much it takes"
CALLS = "What training's loop notices of it"
FAULTS = "What is lost, and what is there twice"
HEAD = "Server, database, object store and scripts share this machine. Each section was measured in a run of its own."


def told(command: str) -> str:
    """When and with what a section was measured."""
    here = report.machine(ROOT / ".cache" / "bench")
    changed = " with changes not committed" if here["changed"] else ""
    return (
        f"Measured {here['date']} (commit {here['commit']}{changed}; {here['cpu']}, {here['cores']} cores, Python "
        f"{here['python']}, load average at the end {here['load']}): `{command}`."
    )


def put(text: str, title: str, section: str) -> str:
    """The page with this section in its part, in place of the one that was there."""
    before, found, rest = text.partition(f"\n# {TITLE}\n")
    part, more, after = re.sub(r"\A\n*", "", rest).partition("\n# ") if found else ("", "", "")
    sections = dict(re.findall(r"^## ([^\n]+)\n\n(.*?)(?=^## |\Z)", part, re.MULTILINE | re.DOTALL))
    sections[title] = section
    kept = [f"## {each}\n\n{sections[each].strip()}\n" for each in (TAKES, CALLS, FAULTS) if each in sections]
    whole = "\n".join([f"# {TITLE}\n\n{HEAD}\n", *kept])
    return before.rstrip("\n") + "\n\n" + whole + (f"\n# {after}" if more else "")


def write(title: str, section: str) -> None:
    """Put it into docs/benchmarks.md."""
    PAGE.write_text(put(PAGE.read_text(), title, section))


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def takes(found: dict[str, Any], sizes: dict[str, Any], command: str) -> str:
    """How much a server takes, beside MLflow's."""
    ours, single, batch = (statistics.median(found[name]) for name in ("milepost", "log_metric", "log_batch"))
    ms = {name: [1000 * percentile(values, share) for share in (0.5, 0.99)] for name, values in found["times"].items()}
    waits = [1000 * percentile(found["waits"], share) for share in (0.5, 0.99)]

    def spread(name: str) -> str:
        return f"{min(found[name]):,.0f} to {max(found[name]):,.0f}"

    ways = {
        "Milepost, `run.log(name, value)`": ("milepost", ""),
        f"MLflow {found['version']}, `log_metric(...)`": ("log_metric", f"{ours / single:,.0f}x"),
        f"MLflow, `log_batch(...)` with {sizes['mlflow_batch']:,}, the most it takes": (
            "log_batch",
            f"{ours / batch:,.1f}x",
        ),
    }
    head = [
        f"points a second, {sizes['scripts']} scripts",
        f"median of {len(found['milepost'])}",
        "from, to",
        "Milepost is",
    ]
    rows = [[way, f"{statistics.median(found[name]):,.0f}", spread(name), ratio] for way, (name, ratio) in ways.items()]
    reader = [
        ["the table of runs", *(f"{each:,.0f}" for each in ms["runs"])],
        [f"a curve of {sizes['points']:,} points", *(f"{each:,.0f}" for each in ms["series"])],
    ]
    return f"""{told(command)} Both servers have two processes and the same PostgreSQL, as durable as by default.

{report.table(head, rows)}
From the first call until the server has acknowledged the last point. Of Milepost's time, calls took
{1e9 * statistics.median(found["calls"]):,.0f} ns each; the rest is delivery, which training does not wait for.

**{sizes["crowd"]} clients at once**, each sends {sizes["crowd_batch"]:,} points, waits for the answer and
{sizes["pause_s"]:g} s more: {found["crowd"]:,.0f} points a second; a batch is acknowledged after {waits[0]:,.0f} ms
(median; p99: {waits[1]:,.0f}). Meanwhile one reader:

{report.table(["", "median, ms", "p99, ms"], reader)}"""


def calls(found: dict[str, list[dict[str, float]]], seconds: float, command: str) -> str:
    """How long a logging call takes in each state of the server; ``found``: state -> what each of its scripts saw."""
    rows = []
    for state, scripts in found.items():
        middle = {name: statistics.median(each[name] for each in scripts) for name in ("p50", "p99", "p99.99")}
        most = {name: max(each[name] for each in scripts) for name in ("max", "upload_max_ms", "complete_s")}
        over, waited, count = (sum(each[name] for each in scripts) for name in ("over_1_ms", "waited", "calls"))
        row = [f"{middle['p50']:.2f}", f"{middle['p99']:.2f}", f"{middle['p99.99']:.0f}", f"{most['max']:,.0f}"]
        row += [
            f"{over:.0f} of {count:,.0f}",
            f"{waited:.0f}",
            f"{most['upload_max_ms']:.1f}",
            f"{most['complete_s']:.1f}",
        ]
        rows.append([state, *row])
    head = ["the server is", "p50 µs", "p99", "p99.99", "longest", "over 1 ms", "of these waited"]
    head += ["longest `upload_file`, ms", "`complete()`, s"]
    rounds = len(next(iter(found.values())))
    return f"""{told(command)}

The server stores into PostgreSQL and an S3 object store (moto). In each state a script of its own logs 10,000 values a
second for {seconds:g} s and uploads 64 KiB once a second; rounds: {rounds}. *Not asked* is the same loop with
`MILEPOST_OFFLINE=1`: what this machine does to it without any server in the way.

{report.table(head, rows)}
A call over 1 ms in which the thread gave up its core by itself has waited for something, be it Python's lock, which the
thread that delivers has too; in the others the scheduler had given the core to another process.
"""


def faults(found: list[dict[str, Any]], command: str) -> str:
    """What was lost and doubled; ``found``: a run of ``server_faults.py`` each."""
    rows = [
        [
            each["what"],
            f"{each['acknowledged']:,}",
            f"{each['found']:,}",
            *(f"**{each[name]:,}**" for name in ("lost", "doubled", "out_of_order", "files_lost")),
        ]
        for each in found
    ]
    head = ["", "acknowledged", "found", "lost", "doubled", "series out of order", "files lost"]
    return f"""{told(command)}

Each script notes outside Milepost, for every call that has returned, that it did. At the end `milepost sync` delivers
what is left, and the database is compared with the notes. What a script had not noted when it was killed may be found
beside that.

{report.table(head, rows)}"""
