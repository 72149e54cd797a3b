"""A run that logs 10,000 points a second is watched in the browser: does the page keep up, and does training notice?

Phases with the page open and with it closed take turns, in one and the same run.
"""

from __future__ import annotations

import json
import math
import mmap
import re
import select
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
from job import Job, answer, say

METRICS = 10
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
MILEPOST = [sys.executable, "-c", "from milepost.cli import main; main()"]
LOOK_S = 1.0
SETTLE_S = 2.0
WARM_S = 2.0
CALLS = ("points_per_s", "p50_us", "p99_us", "p999_us", "max_us")
LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver(list => { for (const each of list.getEntries()) window.longTasks.push(each.duration); })
    .observe({type: "longtask", buffered: false});
"""
LABELS = """() => [...document.querySelectorAll('[aria-label^="Chart of loss_"]')]
    .map(each => each.getAttribute('aria-label'))"""


def measure(job: Job) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    counter = job.path / "counter"
    counter.write_bytes(bytes(8))
    with job.spawn("watched_training", METRICS, mode=job.more["mode"], counter=str(counter)) as training:
        run_id = answer(training)["run_id"]
        link = json.loads(_milepost("portal", "--workspace", "bench", "--no-browser", "--json"))
        try:
            with sync_playwright() as playwright, counter.open("r+b") as file:
                program = shutil.which("chromium") or shutil.which("google-chrome")
                browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
                watcher = _Watcher(browser, link, run_id, training, mmap.mmap(file.fileno(), 8))
                result = watcher.compare(job.count, float(job.more["seconds"]))
                browser.close()
            say(training, "end")
            training.wait()
        finally:
            _milepost("portal", "stop", "--workspace", "bench")
    return result


def _milepost(*words: str) -> str:
    return subprocess.run([*MILEPOST, *words], check=True, capture_output=True, text=True, timeout=120).stdout


class _Watcher:
    """Looks at the run, or at nothing, while the training logs."""

    def __init__(self, browser: Any, link: dict[str, Any], run_id: str, training: Any, counter: mmap.mmap) -> None:
        context = browser.new_context(viewport={"width": 1440, "height": 1000})
        context.add_init_script(LONG_TASKS)
        self.page = context.new_page()
        self.page.goto(link["url"])
        self.address = f"{link['url'].split('?')[0].rstrip('/')}/experiments/bench/runs/{run_id}?tab=metrics"
        self.devtools = context.new_cdp_session(self.page)
        self.devtools.send("Performance.enable")
        self.training = training
        self.counter = counter
        self.portal = psutil.Process(link["pid"])

    def compare(self, rounds: int, seconds: float) -> dict[str, Any]:
        """Phases of so many seconds with the page open, and before and after each as long with it closed."""
        closed, opened, falls = [], [], []
        for _ in range(rounds):
            some = [self._closed(seconds), self._open(seconds), self._closed(seconds)]
            rate = statistics.mean(each["points_per_s"] for each in (some[0], some[2]))
            falls.append(100 * (1 - some[1]["points_per_s"] / rate))
            opened.append(some[1])
            closed += [some[0], some[2]]
        keys = [key for key in opened[0] if key not in CALLS]
        return {
            "fall_percent": statistics.median(falls),
            **{f"closed_{key}": statistics.median(each[key] for each in closed) for key in (*CALLS, "training_cpu")},
            **{f"open_{key}": statistics.median(each[key] for each in opened) for key in CALLS},
            **{key: statistics.median(each[key] for each in opened) for key in keys},
            "seconds": seconds,
            "rounds": rounds,
        }

    def _closed(self, seconds: float) -> dict[str, Any]:
        self.page.goto("about:blank")
        time.sleep(SETTLE_S)
        with self._cpu() as used:
            say(self.training, str(seconds))
            found = dict(answer(self.training))
        return {**found, **used}

    def _open(self, seconds: float) -> dict[str, Any]:
        self.page.goto(self.address)
        self.page.wait_for_selector('[aria-label^="Chart of loss_0"]')
        time.sleep(SETTLE_S)
        heap, nodes = self._memory()
        self.page.evaluate("window.longTasks.length = 0")
        behind = []
        with self._cpu() as used:
            say(self.training, str(seconds))
            began = time.monotonic()
            while not select.select([self.training.stdout], [], [], 0)[0]:
                self.page.wait_for_timeout(1000 * LOOK_S)
                if WARM_S < time.monotonic() - began < seconds:
                    behind.append(self._behind())
            found = dict(answer(self.training))
        late = self.page.evaluate("window.longTasks")
        heap_after, nodes_after = self._memory()
        rate = found["points_per_s"] / METRICS
        return {
            **found,
            **used,
            "behind_s": statistics.median(behind) / rate if behind else math.nan,
            "behind_most_s": max(behind, default=math.nan) / rate,
            "heap_before_mb": heap,
            "heap_after_mb": heap_after,
            "nodes_before": nodes,
            "nodes_after": nodes_after,
            "long_tasks": len(late),
            "long_tasks_ms": sum(late),
            "longest_task_ms": max(late, default=0),
        }

    def _behind(self) -> int:
        """How many values of the metric are not drawn yet that is furthest behind."""
        logged = int.from_bytes(self.counter[:8], sys.byteorder) // METRICS
        labels = self.page.evaluate(LABELS)
        drawn = [int(found[1].replace(",", "")) for each in labels if (found := re.search(r"([\d,]+) points", each))]
        return max(0, logged + 1 - min(drawn, default=0))

    def _memory(self) -> tuple[float, int]:
        """MB of JavaScript that live after a collection, and nodes of the document."""
        self.devtools.send("HeapProfiler.collectGarbage")
        found = {each["name"]: each["value"] for each in self.devtools.send("Performance.getMetrics")["metrics"]}
        return found["JSHeapUsedSize"] / 1e6, int(found["Nodes"])

    @contextmanager
    def _cpu(self) -> Iterator[dict[str, float]]:
        """Seconds of CPU a second that the portal, the browser and the training take."""
        browser = [each for each in psutil.Process().children(recursive=True) if "chrom" in each.name()]
        groups = {"portal": [self.portal], "browser": browser, "training": [psutil.Process(self.training.pid)]}
        before = {name: _cpu_s(some) for name, some in groups.items()}
        used: dict[str, float] = {}
        began = time.monotonic()
        yield used
        seconds = time.monotonic() - began
        used.update({f"{name}_cpu": (_cpu_s(some) - before[name]) / seconds for name, some in groups.items()})
        used["portal_mb"] = self.portal.memory_info().rss / 1e6


def _cpu_s(processes: list[psutil.Process]) -> float:
    total = 0.0
    for each in processes:
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total
