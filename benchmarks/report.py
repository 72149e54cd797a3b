"""The page that a run of the benchmarks writes."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import report_watched
import sizes
from portal import figures

ROOT = Path(__file__).resolve().parent.parent
DISTRIBUTIONS = {
    "milepost": "milepost",
    "mlflow": "mlflow",
    "mlflow_batch": "mlflow",
    "wandb": "wandb",
    "aim": "aim",
    "tensorboardx": "tensorboardX",
    "trackio": "trackio",
}
WHEN_IT_RETURNS = {
    "milepost": "is in a memory-mapped file: the kernel has it. A power cut can take what the drain has not yet made "
    "durable (it looks every 0.2 s)",
    "mlflow": "is committed to SQLite and flushed to the disk",
    "mlflow_batch": "the 1,000 points are committed to SQLite and flushed to the disk",
    "wandb": "was handed to a second process (`wandb-core`) through a socket; that one writes it to a file",
    "aim": "was given to RocksDB, whose log is written without a flush to the disk",
    "tensorboardx": "is in a queue of the process; a thread writes it to a buffered file",
    "trackio": "is in a list of the process; a thread writes it to SQLite every 0.5 s",
}
CALLS = {
    "milepost": 'run.log("loss", value)',
    "mlflow": 'mlflow.log_metric("loss", value, step=i)',
    "mlflow_batch": "client.log_batch(run_id, metrics=[...])",
    "wandb": 'run.log({"loss": value})',
    "aim": 'run.track(value, name="loss", step=i)',
    "tensorboardx": 'writer.add_scalar("loss", value, i)',
    "trackio": 'trackio.log({"loss": value})',
}
READS = {
    "milepost": '`Run.get_metrics("loss")`',
    "mlflow": "`MlflowClient.get_metric_history`",
    "mlflow_batch": "`MlflowClient.get_metric_history`",
    "wandb": "the program behind `wandb leet inspect --json` (offline runs have no Python API to read them); "
    "its JSON lines are parsed",
    "aim": "`Run.get_metric(...).data.numpy()`, after the run is put into the repository's index as `aim up` does "
    "in the background",
    "tensorboardx": "TensorBoard's `EventAccumulator`",
    "trackio": "`SQLiteStorage.get_metric_values`, which `trackio get metric` calls",
}


def machine(folder: Path) -> dict[str, Any]:
    """What this machine is, just now."""
    folder.mkdir(parents=True, exist_ok=True)
    facts = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "commit": _output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"),
        "changed": bool(_output("git", "-C", str(ROOT), "status", "--porcelain", "--", "src")),
    }
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                facts["cpu"] = line.split(":", 1)[1].strip()
                break
        total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
        facts["memory_gib"] = round(int(total.split()[1]) / 2**20)
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
        under = [(len(at), kind) for at, kind in mounts if folder.resolve().is_relative_to(at)]
        facts["file_system"] = max(under)[1]
    except OSError:
        pass  # not Linux
    return facts


def version(tool: str, python: Path) -> str:
    code = f"from importlib.metadata import version; print(version({DISTRIBUTIONS[tool]!r}))"
    return _output(str(python), "-c", code)


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


# -- figures -----------------------------------------------------------------------------------------------------


def figure(value: float) -> str:
    """Three digits that matter, with commas between thousands."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def times(ratio: float) -> str:
    return f"{figure(ratio)}x"


class Page:
    """Looks figures up; a tool without one says why."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.results: dict[str, dict[str, Any]] = facts["results"]
        self.tools = [
            tool
            for tool in sizes.TOOLS
            if tool in facts["missing"] or any(tool in each for each in self.results.values())
        ]
        self.notes: list[str] = []

    def found(self, measure: str, tool: str) -> dict[str, Any] | None:
        result = self.results.get(measure, {}).get(tool)
        return None if result is None or "failed" in result else result

    def cell(self, measure: str, tool: str, show: Callable[[dict[str, Any]], str]) -> str:
        if tool in self.facts["missing"]:
            return "not installed"
        result = self.results.get(measure, {}).get(tool)
        if result is None:
            return "-"
        return "failed" if "failed" in result else show(result)

    def compared(self, measure: str, key: str, *, more_is_better: bool = False) -> list[str]:
        """A cell for each tool: the figure, and how many times worse than Milepost's it is."""
        ours = self.found(measure, "milepost")
        cells = []
        for tool in self.tools:
            # What MLflow keeps is the same after either call.
            source = "mlflow_batch" if (measure, tool) == ("series", "mlflow") else tool
            source = "mlflow" if (measure, tool) in {("imports", "mlflow_batch"), ("kill", "mlflow_batch")} else source

            def show(result: dict[str, Any], tool: str = tool) -> str:
                text = figure(result[key])
                if ours is None or tool == "milepost" or not ours[key] or not result[key]:
                    return text
                ratio = ours[key] / result[key] if more_is_better else result[key] / ours[key]
                return f"{text} ({times(ratio)})"

            cells.append(self.cell(measure, source, show))
        return cells


def table(head: list[str], rows: list[list[str]], *, left: int = 1) -> str:
    lines = ["| " + " | ".join(head) + " |"]
    lines.append("|" + "|".join("---" if number < left else "---:" for number in range(len(head))) + "|")
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _budget(page: Page, measure: str, key: str, limit: float, *, at_least: bool = False) -> str:
    ours = page.found(measure, "milepost")
    bound = f"{'≥ ' if at_least else '≤ ' if limit else ''}{figure(limit)}"
    if ours is None:
        return bound
    met = ours[key] >= limit if at_least else ours[key] <= limit
    return f"{bound}: {'met' if met else '**missed**'}"


def page(facts: dict[str, Any], *, quick: bool, measured: list[str]) -> str:
    """The whole page as Markdown."""
    view = Page(facts)
    sections = [_SECTIONS[measure](view) for measure in measured]
    parts = [_head(facts, quick), _overview(view), *sections, _failures(view)]
    return "\n".join(part for part in parts if part)


def part_of(measured: list[str]) -> str | None:
    """The title of the part of the page that these measures are all of; None where they are none."""
    return next((title for title, measures in PARTS.items() if set(measures) == set(measured)), None)


def with_part(text: str, facts: dict[str, Any], title: str) -> str:
    """The page with a part put in that was measured in a run of its own, in place of that part as it was."""
    view = Page(facts)
    here = facts["machine"]
    changed = " with changes not committed" if here["changed"] else ""
    told = (
        f"# {title}\n\nMeasured in a run of its own ({here['date']}; {here.get('minutes', 0):.0f} minutes; commit "
        f"{here['commit']}{changed}; {here['cpu']}, {here['cores']} cores, Python {here['python']}, load average "
        f"at the start {here['load']}; {_peers(facts)}): "
        f"`python benchmarks/run.py --only {','.join(PARTS[title])} --part`.\n"
    )
    sections = [_SECTIONS[measure](view) for measure in PARTS[title]]
    part = "\n".join(each for each in (told, _overview(view), *sections, _failures(view)) if each)
    before, found, rest = text.partition(f"\n# {title}\n")
    after = rest.partition("\n# ")[2] if found else ""
    return "\n".join([before.rstrip("\n"), "", part, *(["# " + after] if after else [])])


def _head(facts: dict[str, Any], quick: bool) -> str:
    here = facts["machine"]
    changed = " with changes not committed" if here["changed"] else ""
    warning = (
        "> **Made with `--quick`: the sizes are tiny and the figures mean nothing.** It shows that all works.\n\n"
        if quick
        else ""
    )
    files = f"{here.get('memory_gib', '?')} GiB, files on {here.get('file_system', '?')}"
    return f"""# Benchmarks

{warning}Milepost beside its peers: all measured in one run, on one machine, by `make bench`, which wrote this page.

| | |
|---|---|
| Date | {here["date"]}; {here.get("minutes", 0):.0f} minutes |
| Machine | {here["cpu"]}, {here["cores"]} cores, {files} |
| System | {here["system"]}, Python {here["python"]}; load average at the start {here["load"]} |
| Milepost | {facts["versions"].get("milepost", "")}, commit {here["commit"]}{changed} |
| Peers | {_peers(facts)} |
| Command | `make bench` ([how it works](../benchmarks/README.md)) |

Every tool runs in a process of its own, peers in a virtual environment of their own, with sampling of machine
metrics and capture of console output switched off, and told to stay off the network. Figures are from one run:
repeat it before you rely on a difference of less than half. A virtual machine's disk can flush faster or slower than
yours, which moves MLflow's figures most.
"""


def _peers(facts: dict[str, Any]) -> str:
    return ", ".join(
        f"{sizes.TITLES[tool].split(' `')[0]} {version}"
        for tool, version in facts["versions"].items()
        if tool not in ("milepost", "mlflow_batch")
    )


def _overview(view: Page) -> str:
    head = ["", "budget", *(sizes.TITLES[tool] for tool in view.tools)]
    rows = [
        [
            "log one float, p50, µs a point",
            _budget(view, "call", "p50_point_us", 1.5),
            *view.compared("call", "p50_point_us"),
        ],
        ["log one float, p99, µs a call", "", *view.compared("call", "p99_us")],
        [
            "log until another process has read it, points/s",
            _budget(view, "visible", "points_per_s", 500_000, at_least=True),
            *view.compared("visible", "points_per_s", more_is_better=True),
        ],
        ["read 100,000 points back, ms", _budget(view, "series", "warm_ms", 10), *view.compared("series", "warm_ms")],
        ["the same from the start of the process, ms", "", *view.compared("series", "cold_ms")],
        [
            "disk, bytes a point",
            _budget(view, "series", "bytes_per_point", 8),
            *view.compared("series", "bytes_per_point"),
        ],
        [
            "import over bare Python, ms",
            _budget(view, "imports", "over_bare_ms", 60),
            *view.compared("imports", "over_bare_ms"),
        ],
        [
            "from submit to the script's first line, ms",
            _budget(view, "submit", "ms", 1000),
            *view.compared("submit", "ms"),
        ],
        [
            "the same with nothing started yet, ms",
            _budget(view, "submit", "first_ms", 1000),
            *view.compared("submit", "first_ms"),
        ],
        [
            "snapshot of 2,000 files, ms",
            _budget(view, "snapshot", "first_ms", 1000),
            *view.compared("snapshot", "first_ms"),
        ],
        ["the same again, ms", _budget(view, "snapshot", "again_ms", 300), *view.compared("snapshot", "again_ms")],
        ["acknowledged values lost to SIGKILL", _budget(view, "kill", "lost", 0), *view.compared("kill", "lost")],
    ]
    rows = [row for row in rows if any(cell not in ("-", "not installed") for cell in row[2:])]
    if not rows:
        return ""
    return (
        "## All in one table\n\n"
        + table(head, rows)
        + """
In brackets: how many times better Milepost is. Below 1x the peer is better. The calls do not all promise the same
when they return: see the table under [acknowledged values lost to SIGKILL](#acknowledged-values-lost-to-sigkill).
"""
    )


def _call(view: Page) -> str:
    rows = []
    for tool in view.tools:
        result = view.found("call", tool)
        if result is None:
            rows.append([sizes.TITLES[tool], "", "", view.cell("call", tool, str), "", "", "", ""])
            continue
        rows.append(
            [
                sizes.TITLES[tool],
                f"`{CALLS[tool]}`",
                f"{result['calls']:,}",
                figure(result["p50_us"]),
                figure(result["p99_us"]),
                figure(result["max_us"]),
                figure(result["mean_us"]),
                figure(result["loop_us"]) if "loop_us" in result else "",
            ]
        )
    clock = view.found("call", "milepost")
    clock_us = f"{clock['clock_us']:.2f}" if clock else "0.05"
    return f"""## One float logged

{table(["", "call", "calls", "p50 µs", "p99 µs", "max µs", "mean µs", "mean without a clock µs"], rows, left=2)}
A process logs floats to one metric at full speed; each call is timed by itself. The clock adds about {clock_us} µs to
every call, so the last column has the mean of a second loop without it (for tools under 50 µs). The first calls are
left out: what they start in the background is done by then. Whatever each tool does in the background (Milepost's
drain, the threads of Trackio and TensorBoardX, W&B's second process) runs along. MLflow's `log_batch` takes 1,000
points a call; the table at the top has its time a point. A training loop calls far less often than this, and what it
pays for a call then includes caches that have gone cold: for all tools.
"""


def _visible(view: Page) -> str:
    rows = []
    for tool in view.tools:
        result = view.found("visible", tool)
        if result is None:
            rows.append([sizes.TITLES[tool], "", view.cell("visible", tool, str), "", "", READS[tool]])
            continue
        rows.append(
            [
                sizes.TITLES[tool],
                f"{result['points']:,}",
                figure(result["points_per_s"]),
                figure(result["logged_s"]),
                figure(result["readable_s"]),
                READS[tool],
            ]
        )
    return f"""## Logged until readable by another process

{table(["", "points", "points/s", "last call after s", "all read after s", "read with"], rows)}
One process logs N points at full speed and ends the run; another, which has its imports behind it, polls from the
last call on until it has read all N. The time is from the first call to the end of that reading, which is part of it.
N is smaller for the slower tools, and so large that each takes a few seconds.
"""


def _series(view: Page) -> str:
    rows = []
    for tool in view.tools:
        if tool == "mlflow":
            continue
        result = view.found("series", tool)
        if result is None:
            rows.append([sizes.TITLES[tool], view.cell("series", tool, str), "", "", "", ""])
            continue
        kept = "exact" if result["exact"] else f"off by up to {result['largest_error']:.1g}"
        if result["read"] != result["points"]:
            kept = f"**{result['read']:,} of {result['points']:,} points**"
        rows.append(
            [
                sizes.TITLES[tool].replace(" `log_batch`", ""),
                f"{figure(result['warm_ms'])} ({figure(result['warm_min_ms'])} to {figure(result['warm_max_ms'])})",
                figure(result["cold_ms"]),
                figure(result["bytes_per_point"]),
                figure(result["fill_s"]),
                kept,
            ]
        )
    long = [
        [title, f"{result['points']:,}", figure(result["bytes_per_point"])]
        for title, result in view.results.get("disk", {}).items()
        if "failed" not in result
    ]
    extra = table(["Milepost, a longer run; clock", "points", "bytes a point"], long) if long else ""
    head = [
        "",
        "read, ms (least to most)",
        "from the start of the process, ms",
        "bytes a point",
        "recorded in s",
        "values",
    ]
    return f"""## A series on disk and read back

{table(head, rows)}
{extra}
The series is a loss that falls smoothly with noise on it, with all 52 bits of a float64 in use, logged at full speed
in one run, which is ended in order before anything is measured.
*Read*: a fresh process that has read another, small run before (so imports and connections are not in it)
reads all points into a list or an array; the median of {sizes.READS} processes. *From the start of the process*: the
same from the first line of a script, imports and all. W&B's reader is a program of its own, started for each read.
*Bytes a point*: what the file system gave to the files after this run, less what it had given before it, by the
number of points; so fixed costs of an empty store are left out. Times of points logged at full speed lie close
together and compress well; *a step in 50 ms* has the clock of a training loop instead (a tenth of jitter), simulated.
"""


def _imports(view: Page) -> str:
    rows = []
    for tool in view.tools:
        if tool == "mlflow_batch":
            continue
        rows.append(
            [
                sizes.TITLES[tool].split(" `")[0],
                view.cell("imports", tool, lambda result: figure(result["over_bare_ms"])),
                view.cell("imports", tool, lambda result: figure(result["import_ms"])),
                view.cell("imports", tool, lambda result: figure(result["bare_ms"])),
            ]
        )
    return f"""## Import

{table(["", "over bare Python, ms", "whole process, ms", "bare Python, ms"], rows)}
Medians of {sizes.IMPORTS} processes each, in turn with bare Python of the same environment, files in the page cache.
Milepost is imported as scripts do it: `from azureml.core import Workspace, Experiment, Run`. What Milepost leaves for
later is not free: its drain thread loads the database library in the background after the first value, and the first
read does so too: that is in the time *from the start of the process*.
"""


def _kill(view: Page) -> str:
    rows = []
    for tool in view.tools:
        if tool != "mlflow_batch":
            cells = [cell for measure in ("kill", "kill_paced") for cell in _lost(view, measure, tool)]
            rows.append([sizes.TITLES[tool], WHEN_IT_RETURNS[tool], *cells])
    head = ["", "when the call returns, the value", "at full speed: lost", "kills with a loss"]
    return f"""## Acknowledged values lost to SIGKILL

{table([*head, "1,000 a second: lost", "kills with a loss"], rows, left=2)}
A process logs and tells another one, through a pipe, each time a call has returned. It is killed with SIGKILL at a
random moment within 1.5 s of its first value. Three seconds later the values are read with the tool's own means: those
whose call had returned and that are not there are lost. Only the process that logs is killed, as the out-of-memory
killer does: W&B's second process is left to end by itself. It is done twice: at full speed, and
with a pause of 1 ms after each call, which is nearer to a training loop. This says nothing about a power cut, which is
not tried here: there only what was flushed to the disk is safe, with each tool.
"""


def _lost(view: Page, measure: str, tool: str) -> list[str]:
    result = view.found(measure, tool)
    if result is None:
        return [view.cell(measure, tool, str), ""]
    twice = f"; {result['read_twice']:,} read twice" if result["read_twice"] else ""
    lost = f"{result['lost']:,} of {result['acknowledged']:,}{twice}"
    return [lost, f"{result['kills_with_loss']} of {result['kills']}"]


def _runs(view: Page) -> str:
    rows = []
    for tool in ("milepost", "mlflow"):
        result = view.found("runs", tool)
        if result is None:
            if tool in view.tools:
                rows.append([sizes.TITLES[tool], view.cell("runs", tool, str), "", "", "", "", ""])
            continue
        frame = f"{figure(result['frame_ms'])} ({result['frame_found']:,})" if "frame_ms" in result else ""
        rows.append(
            [
                sizes.TITLES[tool].split(" `")[0],
                f"{result['runs']:,}",
                figure(result["runs_per_s"]),
                f"{figure(result['by_tag_ms'])} ({figure(result['by_tag_first_ms'])})",
                f"{result['by_tag_found']}",
                f"{figure(result['top_ms'])} ({figure(result['top_first_ms'])})",
                frame,
            ]
        )
    head = ["", "runs", "made a second", "by a tag, ms (first)", "found", "top 20 by a metric, ms (first)"]
    head += ["all as a data frame, ms (rows)"]
    return f"""## Many runs

{table(head, rows)}
One process makes the runs one after the other: start it with a tag, log 20 metrics, end it in order, which waits until
the store has it. MLflow makes fewer runs (a comparison of its queries with Milepost's flatters MLflow) and logs the 20
metrics in one call (`log_metrics`). Then a fresh process asks for the runs with one of the tag's 100 values, and for
the first 20 by the last value of a metric: the median of 10, and the first. Milepost:
`experiment.get_runs(tags=...)` and the store's `RunQuery(order_by="metric:...")`; MLflow: `search_runs`. Last, all
of the runs with their tags and the last values of their metrics as a data frame of pandas, the median of 5:
`experiment.to_dataframe()` and `mlflow.search_runs(output_format="pandas")`.
"""


def _writers(view: Page) -> str:
    rows = []
    for title, result in view.results.get("writers", {}).items():
        if "failed" in result:
            rows.append([title, "failed", "", "", "", ""])
            continue
        trouble = f"; {result['errors']} processes ended with an error" if result["errors"] else ""
        disorder = f"; {result['out_of_order']} out of order" if result["out_of_order"] else ""
        rows.append(
            [
                title,
                f"{result['points']:,}",
                figure(result["points_per_s"]),
                figure(result["p50_us"]),
                figure(result["p99_us"]),
                f"{result['lost']:,}{trouble}{disorder}",
            ]
        )
    return f"""## Many processes at once

{table(["", "points", "points/s in all", "p50 µs", "p99 µs", "lost"], rows)}
All processes have logged and delivered a first value before. Then they begin at once and log at full speed; the rate
is from then until the last of them has ended its run, so the store has everything. More processes than cores share
them, so a call can be interrupted for many milliseconds. Afterwards all values are read back and compared, number
and order. MLflow's processes log fewer points each.
"""


def _busy(view: Page) -> str:
    result = view.found("busy", "milepost")
    if result is None:
        return ""
    rows = [
        [
            f"{result['calls']:,}",
            figure(result["logged_s"]),
            figure(result["p50_us"]),
            figure(result["p90_us"]),
            figure(result["p99_us"]),
            figure(result["p999_us"]),
            figure(result["max_us"]),
            f"{result['over_1ms']:,}",
        ]
    ]
    return f"""## `run.log` while the drain is busy

{table(["calls", "seconds", "p50 µs", "p90 µs", "p99 µs", "p99.9 µs", "max µs", "calls over 1 ms"], rows, left=0)}
Milepost logs at full speed for some seconds, so that its drain thread has all the work that it can get; each call is
timed. The long calls are those during which the drain thread held Python's interpreter lock, or the next file of the
journal was opened. All was in the store {figure(result["delivered_s"] - result["logged_s"])} s after the last call.
"""


def _submit(view: Page) -> str:
    rows = []
    for tool, call in (
        ("milepost", "experiment.submit(ScriptRunConfig(...))"),
        ("mlflow", 'mlflow.projects.run(..., env_manager="local", synchronous=False)'),
    ):
        result = view.found("submit", tool)
        if result is None:
            if tool in view.tools:
                rows.append(
                    [sizes.TITLES[tool].split(" `")[0], f"`{call}`", view.cell("submit", tool, str), "", "", ""]
                )
            continue
        rows.append(
            [
                sizes.TITLES[tool].split(" `")[0],
                f"`{call}`",
                f"{figure(result['ms'])} ({figure(result['min_ms'])} to {figure(result['max_ms'])})",
                figure(result["first_ms"]),
                figure(result["call_ms"]),
                figure(result["whole_ms"]),
            ]
        )
    head = [
        "",
        "call",
        "first line, ms (least to most)",
        "of the first run, ms",
        "the call, ms",
        "until it has ended, ms",
    ]
    return f"""## From submit to the script's first line

{table(head, rows, left=2)}
A script is submitted again and again, each time after the run before has ended; its first statement reads the clock.
The environment is the interpreter that submits, so nothing is installed; the folder holds the script alone. *The first
run* begins with nothing started: with Milepost it starts the workspace's agent, which the later ones find; with
both tools it pays for what is imported late. *Until it has ended*: until the call that waits for it has returned; with
Milepost the run's files and its log are stored then. MLflow runs the script in the folder itself and keeps no copy of
it; Milepost keeps a snapshot and runs the script in a copy.
"""


def _snapshot(view: Page) -> str:
    rows = []
    for tool, call in (("milepost", "run.take_snapshot(folder)"), ("mlflow", "client.log_artifacts(run_id, folder)")):
        result = view.found("snapshot", tool)
        if result is None:
            if tool in view.tools:
                rows.append([sizes.TITLES[tool].split(" `")[0], f"`{call}`", view.cell("snapshot", tool, str), "", ""])
            continue
        rows.append(
            [
                sizes.TITLES[tool].split(" `")[0],
                f"`{call}`",
                f"{result['files']:,}",
                f"{figure(result['first_ms'])} ({figure(result['first_max_ms'])})",
                f"{figure(result['again_ms'])} ({figure(result['again_max_ms'])})",
            ]
        )
    head = ["", "call", "files", "the first time, ms (most)", "again, ms (most)"]
    return f"""## A folder of many small files kept with a run

{table(head, rows, left=2)}
Files of 100 to 4,000 bytes, 50 in each subfolder, all different. Three such folders are kept one after the other
(*the first time*: the median), then one of them five times again, unchanged. MLflow has no snapshots; what comes next
to one is to log the folder as artifacts, which copies every file each time.
"""


def _portal(view: Page) -> str:
    return "## Pages\n\n" + figures.part(view.results, figure)


_SECTIONS: dict[str, Callable[[Page], str]] = {
    "call": _call,
    "visible": _visible,
    "series": _series,
    "imports": _imports,
    "kill": _kill,
    "runs": _runs,
    "writers": _writers,
    "busy": _busy,
    "submit": _submit,
    "snapshot": _snapshot,
    "portal": _portal,
    "watched": report_watched.section,
}
PARTS = {
    "Submitted runs": ("submit", "snapshot"),
    "The portal": ("portal",),
    "The portal, while a run logs": ("watched",),
}
"""Parts of the page that may be measured in a run of their own."""


def _failures(view: Page) -> str:
    lines = [f"- {sizes.TITLES[tool]}: {why}" for tool, why in view.facts["missing"].items()]
    lines += [
        f"- {sizes.TITLES.get(tool, tool)}, {measure}: {found['failed']}"
        for measure, each in view.results.items()
        for tool, found in each.items()
        if "failed" in found
    ]
    return "## What gave no figure\n\n" + "\n".join(lines) + "\n" if lines else ""
