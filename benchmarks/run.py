"""Measure Milepost beside its peers, in one run on this machine, and write docs/benchmarks.md.

    python benchmarks/run.py                        all, about 45 minutes on 2 cores
    python benchmarks/run.py --quick                the same with tiny sizes: shows that it works, figures mean nothing
    python benchmarks/run.py --only call,kill       these measures only
    python benchmarks/run.py --only call,trackio    this measure, this tool beside Milepost

    python benchmarks/run.py --only portal --part   this part of docs/benchmarks.md, in a run of its own

Only these and a full run without --quick write docs/benchmarks.md; others write .cache/bench/benchmarks.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import peers  # noqa: E402
import report  # noqa: E402
import sizes  # noqa: E402

ROOT = HERE.parent
WORK = peers.CACHE / "work"
LOGS = peers.CACHE / "logs"
KEPT = peers.CACHE / "pages"
"""Data that peers have recorded for the measure of the pages, for the next run."""
TIMEOUT_S = 300.0

# No tool may reach a network: its own switch, and a proxy that is not there for what a switch would miss.
OFFLINE = {
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "WANDB_ERROR_REPORTING": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost"),
}
FOREIGN = ("AZUREML_", "MILEPOST_", "WANDB_", "MLFLOW_", "TRACKIO_", "AIM_", "HF_", "PYTHON", "VIRTUAL_ENV", "XDG_")


class Failed(Exception):
    """A measure that gave no figure, and why."""


@dataclass
class Bench:
    """All that is measured, and what came of it."""

    quick: bool
    pythons: dict[str, Path]
    missing: dict[str, str]
    results: dict[str, dict[str, Any]] = field(default_factory=dict)

    def size(self, points: int) -> int:
        return sizes.small(points) if self.quick else points

    def tools(self, among: tuple[str, ...] = sizes.TOOLS) -> list[str]:
        return [tool for tool in among if tool in self.pythons]

    def keep(self, measure: str, tool: str, what: Any) -> None:
        """Run a measure and keep what it gives, or why it gives nothing."""
        began = time.monotonic()
        print(f"[{measure}] {tool} ...", file=sys.stderr, end=" ", flush=True)
        try:
            found = what()
        except Failed as error:
            found = {"failed": str(error)}
        self.results.setdefault(measure, {})[tool] = found
        shown = found.get("failed") or ", ".join(
            f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
            for key, value in found.items()
            if isinstance(value, int | float)
        )
        print(f"{time.monotonic() - began:.1f} s: {shown}", file=sys.stderr, flush=True)

    def call(
        self, tool: str, measure: str, folder: Path, count: int = 0, *, timeout: float = TIMEOUT_S, **more: Any
    ) -> dict[str, Any]:
        """Run a measure in a process of its own.  Raises Failed."""
        data, home = folder / "data", folder / "tool-home"
        for each in (data, home, LOGS):
            each.mkdir(parents=True, exist_ok=True)
        parameters = json.dumps({"tool": tool, "folder": str(data), "count": count, "more": more})
        log = LOGS / f"{tool}-{measure}.log"
        with log.open("a") as errors:
            process = subprocess.Popen(
                [str(self.pythons[tool]), str(HERE / "worker.py"), measure, parameters],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=home,
                env=_environment(data, home),
                start_new_session=True,
                text=True,
            )
            try:
                out, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                out = ""
            finally:
                # Helper processes that a tool left behind; they are of this process's own session.
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
                timed_out = process.returncode is None
                process.wait()
        if timed_out:
            raise Failed(f"not done within {timeout:g} s")
        if process.returncode:
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] or ["(no message)"]
            raise Failed(f"exit code {process.returncode}: {lines[-1][:300]}")
        result: dict[str, Any] = json.loads(out.splitlines()[-1])
        return result


def _environment(data: Path, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **kept,
        **OFFLINE,
        "HOME": str(home),
        "MILEPOST_HOME": str(data / "home"),
        "TRACKIO_DIR": str(data / "trackio"),
        "MPLBACKEND": "Agg",
    }


def fresh(*name: str) -> Path:
    """An empty folder for one measure of one tool."""
    folder = WORK / "-".join(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def disk_use(folder: Path) -> int:
    """Bytes that the file system has given to all files below."""
    return sum(each.lstat().st_blocks * 512 for each in folder.rglob("*") if each.is_file() and not each.is_symlink())


# -- the measures ------------------------------------------------------------------------------------------------


def measure_call(bench: Bench) -> None:
    for tool in bench.tools():
        bench.keep(
            "call", tool, lambda tool=tool: bench.call(tool, "call", fresh("call", tool), bench.size(sizes.CALLS[tool]))
        )


def measure_visible(bench: Bench) -> None:
    for tool in bench.tools():
        points = bench.size(sizes.VISIBLE[tool])
        bench.keep(
            "visible",
            tool,
            lambda tool=tool, points=points: bench.call(tool, "visible", fresh("visible", tool), points),
        )


def measure_series(bench: Bench) -> None:
    """Disk and reading back: one run with a series, ended; then its files' size, and fresh processes that read it."""
    for tool in bench.tools():
        if tool != "mlflow":  # its points are the same however they were logged; log_batch is quicker
            bench.keep("series", tool, lambda tool=tool: _series(bench, tool))
    if "milepost" in bench.pythons:
        long = bench.size(sizes.LONG_SERIES)
        bench.keep("disk", "full speed", lambda: _disk(bench, "milepost", fresh("disk", "long"), long))
        bench.keep(
            "disk", "a step in 50 ms", lambda: _disk(bench, "milepost", fresh("disk", "clock"), long, step_ms=50.0)
        )


def _disk(bench: Bench, tool: str, folder: Path, points: int, **more: Any) -> dict[str, Any]:
    other = bench.call(tool, "fill", folder, 10, name="small")
    before = disk_use(folder / "data")
    filled = bench.call(tool, "fill", folder, points, name="large", **more)
    grown = disk_use(folder / "data") - before
    return {
        "points": points,
        "bytes_per_point": grown / points,
        "empty_bytes": before,
        "fill_s": filled["seconds"],
        "run_id": filled["id"],
        "other_id": other["id"],
    }


def _series(bench: Bench, tool: str) -> dict[str, Any]:
    folder = fresh("series", tool)
    points = bench.size(sizes.SERIES)
    result = _disk(bench, tool, folder, points)
    ids = {"run_id": result["run_id"], "other_id": result["other_id"]}
    for name, warm in (("warm", True), ("cold", False)):
        reads = [
            bench.call(tool, "read", folder, points, warm=warm, **ids) for _ in range(2 if bench.quick else sizes.READS)
        ]
        times = sorted(each["ms"] for each in reads)
        result[f"{name}_ms"] = times[len(times) // 2]
        result[f"{name}_min_ms"], result[f"{name}_max_ms"] = times[0], times[-1]
        result["read"] = reads[-1]["points"]
        result["exact"] = all(each["exact"] for each in reads)
        result["largest_error"] = max(each["largest_error"] for each in reads)
    return result


def measure_imports(bench: Bench) -> None:
    import ast

    for tool in bench.tools():
        if tool == "mlflow_batch":
            continue
        source = ast.parse((HERE / "adapters" / f"{tool}.py").read_text())
        constants = {
            target.id: node.value.value
            for node in source.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        count = 2 if bench.quick else sizes.IMPORTS
        bench.keep(
            "imports",
            tool,
            lambda tool=tool, statement=constants["IMPORT"], count=count: bench.call(
                tool, "imports", fresh("imports", tool), count, statement=statement
            ),
        )


def measure_kill(bench: Bench) -> None:
    for measure, kills, pause_s in (("kill", sizes.KILLS, 0.0), ("kill_paced", sizes.PACED_KILLS, sizes.PACE_S)):
        for tool in bench.tools():
            if tool != "mlflow_batch":
                bench.keep(
                    measure,
                    tool,
                    lambda tool=tool, kills=kills, pause_s=pause_s: bench.call(
                        tool, "kill", fresh("kill", tool), 2 if bench.quick else kills, pause_s=pause_s
                    ),
                )


def measure_runs(bench: Bench) -> None:
    for tool in bench.tools(("milepost", "mlflow")):
        bench.keep("runs", tool, lambda tool=tool: _runs(bench, tool))


def _runs(bench: Bench, tool: str) -> dict[str, Any]:
    folder = fresh("runs", tool)
    made = bench.call(tool, "many_runs", folder, bench.size(sizes.RUNS[tool]), timeout=600)
    return {**made, **bench.call(tool, "query_runs", folder)}


def measure_writers(bench: Bench) -> None:
    plans = [
        ("milepost", "50 processes, 50 runs", 50, 20_000, False),
        ("milepost", "8 processes, 1 run", 8, 100_000, True),
        ("mlflow", "8 processes, 1 run", 8, 50, True),
    ]
    for tool, title, processes, points, one_run in plans:
        if tool in bench.pythons:
            count = bench.size(points)
            bench.keep(
                "writers",
                f"{sizes.TITLES[tool]}: {title}",
                lambda tool=tool, processes=processes, count=count, one_run=one_run: bench.call(
                    tool, "writers", fresh("writers", tool), count, processes=processes, one_run=one_run
                ),
            )


def measure_busy(bench: Bench) -> None:
    if "milepost" in bench.pythons:
        seconds = 0.5 if bench.quick else sizes.BUSY_S
        bench.keep(
            "busy",
            "milepost",
            lambda: bench.call("milepost", "busy", fresh("busy", "milepost"), sizes.BUSY_ROOM, seconds=seconds),
        )


def measure_submit(bench: Bench) -> None:
    for tool in bench.tools(("milepost", "mlflow")):
        count = 2 if bench.quick else sizes.SUBMITS[tool]
        bench.keep(
            "submit",
            tool,
            lambda tool=tool, count=count: bench.call(tool, "submit", fresh("submit", tool), count),
        )


def measure_snapshot(bench: Bench) -> None:
    for tool in bench.tools(("milepost", "mlflow")):
        files = bench.size(sizes.SNAPSHOT_FILES)
        bench.keep(
            "snapshot",
            tool,
            lambda tool=tool, files=files: bench.call(tool, "snapshot", fresh("snapshot", tool), files),
        )


def measure_portal(bench: Bench) -> None:
    """The pages: each data set with one tool after another, and for each page a result of its own."""
    from portal.measure import Place, measure
    from portal.servers import NotStarted

    kept = KEPT / "quick" if bench.quick else KEPT
    for data in sizes.PAGES:
        for tool in bench.tools(sizes.PAGE_TOOLS):
            version = report.version(tool, bench.pythons[tool])
            place = Place(bench.call, bench.pythons[tool], version, _environment, kept, LOGS, bench.quick)

            def look(place: Place = place, tool: str = tool, data: str = data) -> dict[str, Any]:
                try:
                    return {"pages": measure(place, tool, data)}
                except NotStarted as error:
                    raise Failed(str(error)) from error

            bench.keep(f"portal_{data}", tool, look)


def measure_watched(bench: Bench) -> None:
    """A run that logs is watched in a browser, and not watched, in turns."""
    if "milepost" in bench.pythons:
        for mode, (rounds, seconds) in sizes.WATCHED.items():
            bench.keep(
                "watched",
                f"Milepost, {mode}",
                lambda mode=mode, rounds=rounds, seconds=seconds: bench.call(
                    "milepost",
                    "watched",
                    fresh("watched", mode),
                    1 if bench.quick else rounds,
                    timeout=900,
                    mode=mode,
                    seconds=4 if bench.quick else seconds,
                ),
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="measures and tools, with commas between")
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--part", action="store_true", help="put these measures' part into docs/benchmarks.md")
    options = parser.parse_args()
    only = [each for each in options.only.split(",") if each]
    unknown = set(only) - set(sizes.MEASURES) - set(sizes.TOOLS)
    if unknown:
        parser.error(f"--only knows {', '.join((*sizes.MEASURES, *sizes.TOOLS))}; not {', '.join(sorted(unknown))}")
    measures = [each for each in sizes.MEASURES if each in only] or list(sizes.MEASURES)
    part = report.part_of(measures)
    if options.part and (part is None or options.quick):
        several = "; or ".join(f"--only {','.join(each)}" for each in report.PARTS.values())
        parser.error(f"--part wants {several}; without --quick")
    named = [each for each in sizes.TOOLS if each in only]
    tools = [each for each in sizes.TOOLS if not named or each in named or each == "milepost"]

    machine = report.machine(peers.CACHE)
    if (machine["load"] or 0) > 0.5 and not options.quick:
        print(f"[run] this machine is busy (load average {machine['load']:.1f}): figures will suffer", file=sys.stderr)
    began = time.monotonic()
    pythons, missing = {"milepost": Path(sys.executable)}, {}
    for tool in tools:
        if tool != "milepost":
            peer = peers.ensure(sizes.PEER.get(tool, tool))
            if peer.python is None:
                missing[tool] = peer.error
                print(f"[peers] {tool} {peer.error}", file=sys.stderr)
            else:
                pythons[tool] = peer.python
    shutil.rmtree(LOGS, ignore_errors=True)
    bench = Bench(options.quick, pythons, missing)
    measuring = time.monotonic()
    try:
        for measure in measures:
            globals()[f"measure_{measure}"](bench)
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    machine["minutes"] = (time.monotonic() - measuring) / 60

    whole = not options.quick and not only
    versions = {tool: report.version(tool, python) for tool, python in pythons.items()}
    facts = {"machine": machine, "versions": versions, "missing": missing, "results": bench.results}
    (peers.CACHE / "results.json").write_text(json.dumps(facts, indent=1))
    target = ROOT / "docs" / "benchmarks.md" if whole or options.part else peers.CACHE / "benchmarks.md"
    text = report.page(facts, quick=options.quick, measured=measures)
    if options.part and part is not None:
        text = report.with_part(target.read_text(), facts, part)
    target.write_text(text)
    print(f"wrote {target.relative_to(ROOT)} after {(time.monotonic() - began) / 60:.1f} min", file=sys.stderr)
    failures = [
        f"{measure} {tool}: {found['failed']}"
        for measure, each in bench.results.items()
        for tool, found in each.items()
        if "failed" in found
    ]
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    # A peer that fails is a finding and is in the table; Milepost must not.
    return 1 if any("milepost" in failure.lower() for failure in failures) else 0


if __name__ == "__main__":
    sys.exit(main())
