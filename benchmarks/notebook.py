"""How soon the notebook widget shows a run, and how long it holds up the kernel meanwhile.

    python benchmarks/notebook.py [--quick]

Real JupyterLab, a real browser, a real kernel.  Two runs are shown: one with 1,000,000 points of a metric, one with
100 child runs of a sweep.  "Opens": from the key that executes the cell ``RunDetails(run).show()`` to a drawn chart,
or a table of children and a line for each in parallel coordinates, in a kernel that has imported ``azureml.core`` and
read the run before.  What a widget holds up: the time of empty cells that are executed one after the other, before it
is shown and from that moment on; for these two, and for a run that another process logs 1,000 points a second to.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

QUICK = "--quick" in sys.argv
POINTS = 20_000 if QUICK else 1_000_000
CHILDREN = 10 if QUICK else 100
CELLS = 20 if QUICK else 200
TIMES = 1 if QUICK else 5

RECORD = f"""
import math
from azureml.core import Experiment, Workspace
ws = Workspace.create("bench")
with Experiment(ws, "bench").start_logging(snapshot_directory=None, display_name="points") as run:
    for step in range({POINTS}):
        run.log("loss", math.exp(-step / {POINTS}))
with Experiment(ws, "bench").start_logging(snapshot_directory=None, display_name="children") as run:
    run.add_properties({{"primary_metric_config": '{{"name": "mse", "goal": "minimize"}}'}})
    for number in range({CHILDREN}):
        with run.child_run(f"trial {{number}}") as child:
            given = {{"rate": number / 7, "depth": number % 5, "kernel": "abc"[number % 3], "size": number % 11}}
            child._say("params", {{"set": {{name: str(value) for name, value in given.items()}}}})
            for step in range(20):
                child.log("mse", number + 1 / (step + 1))
"""
LOG = """
import time
from azureml.core import Experiment, Workspace
run = Experiment(Workspace.get("bench"), "bench").start_logging(snapshot_directory=None, display_name="active")
print(run.id, flush=True)
number = 0
while True:
    run.log("loss", number)
    number += 1
    time.sleep(0.001)
"""
START = """
from azureml.core import Workspace, Run
from azureml.widgets import RunDetails
ws = Workspace.get("bench")
runs = {run.name: run for experiment in ws.experiments.values() for run in experiment.get_runs()}
"""


def opening(folder: Path, home: Path) -> dict[str, list[float]]:
    """Run -> seconds until it is seen, one each time."""
    from playwright.sync_api import sync_playwright
    from tests.browser.conftest import FLAGS
    from tests.widgets.jupyter import Jupyter, open_notebook, write_notebook

    seen = {
        "points": "() => [...document.querySelectorAll('.jp-OutputArea-output div')]"
        ".some(e => e.shadowRoot?.querySelector('[aria-label^=\"Chart of loss\"] canvas'))",
        "children": "() => [...document.querySelectorAll('.jp-OutputArea-output div')]"
        f".some(e => e.shadowRoot?.querySelectorAll('tbody tr').length === {min(CHILDREN, 200)}"
        f" && e.shadowRoot.querySelectorAll('path[data-run]').length === {CHILDREN})",
    }
    server = Jupyter(folder / "notebooks", folder / "private", home)
    server.start()
    found: dict[str, list[float]] = {name: [] for name in seen}
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for number in range(TIMES):
                for name, holds in seen.items():
                    path = server.folder / f"{name}-{number}.ipynb"
                    write_notebook(path, START, f"RunDetails(runs[{name!r}]).show()")
                    opened = open_notebook(browser, server.address("lab", path.name))
                    opened.run_cell(0)
                    opened.page.locator(".jp-Notebook-cell").nth(1).locator(".jp-InputPrompt").click()
                    began = time.perf_counter()
                    opened.page.keyboard.press("Control+Enter")
                    opened.page.wait_for_function(holds, polling=10, timeout=60_000)
                    found[name].append(time.perf_counter() - began)
                    opened.close()
            browser.close()
    finally:
        server.stop()
    return found


def held_up(home: Path, name: str) -> tuple[list[float], list[float]]:
    """Seconds that empty cells take before a run is shown, and while it is."""
    from jupyter_client.manager import start_new_kernel

    os.environ["MILEPOST_HOME"] = str(home)
    manager, client = start_new_kernel()

    def execute(code: str) -> float:
        began = time.perf_counter()
        reply = client.execute_interactive(code, timeout=120, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]
        return time.perf_counter() - began

    try:
        execute(START)
        execute(f"run = runs[{name!r}]; run.get_status(); run.get_metrics() if {name == 'active'} else None")
        before = [execute("pass") for _ in range(CELLS)]
        execute("RunDetails(run).show()")
        return before, [execute("pass") for _ in range(CELLS)]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def main() -> None:
    """Measure, and print."""
    os.environ["MILEPOST_PORTAL"] = "0"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        environment = {**os.environ, "MILEPOST_HOME": str(home)}
        subprocess.run([sys.executable, "-c", RECORD], check=True, env=environment)
        logger = subprocess.Popen([sys.executable, "-c", LOG], env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert logger.stdout is not None
            logger.stdout.readline()
            time.sleep(1)  # until the store has it
            for run in ("points", "children", "active"):
                for when, seconds in zip(("before", "shown"), held_up(home, run), strict=True):
                    took = sorted(each * 1e3 for each in seconds)
                    print(
                        f"an empty cell, {run}, {when}: median {took[len(took) // 2]:.1f} ms, "
                        f"99 % {took[-1 - len(took) // 100]:.1f} ms, most {took[-1]:.1f} ms"
                    )
        finally:
            logger.kill()
        for run, times in opening(folder, home).items():
            print(f"opens, {run}: median {statistics.median(times):.2f} s of {[round(each, 2) for each in times]}")


if __name__ == "__main__":
    main()
