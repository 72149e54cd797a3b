"""The training of ``watched``: logs in phases, as it is told to, and says how each went."""

from __future__ import annotations

import mmap
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import adapters
import loops
from job import Job

RATE = 10_000
"""Points a second that are wanted of a training that is paced or has work to do."""
TICK_S = 0.001
TOLD_EVERY = 1000


def measure(job: Job) -> None:
    tool = adapters.load(job.tool)
    recording = tool.start(job.path, f"watched, {job.more['mode']}")
    run = recording.scope["run"]
    training = Training(run.log, job.count, Path(job.more["counter"]))
    phase = {"paced": training.paced, "working": training.working, "full": training.full}[job.more["mode"]]
    for name in training.names:
        run.log(name, 0.5)
    run.flush()
    job.tell({"run_id": run.id})
    for line in sys.stdin:
        if line.strip() == "end":
            break
        run.flush()  # so that each phase begins alike
        began = time.perf_counter()
        samples = phase(float(line))
        seconds = time.perf_counter() - began
        job.tell({**loops.spread(samples), "points_per_s": len(samples) / seconds})
    recording.finish()


class Training:
    """Logs to several metrics in turn; how many values it has logged to each stands in a file, for who watches."""

    def __init__(self, log: Callable[[str, float], None], metrics: int, counter: Path) -> None:
        self.log = log
        self.names = [f"loss_{number}" for number in range(metrics)]
        with counter.open("r+b") as file:
            self.counter = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")
        self.work = _calibrated()

    def paced(self, seconds: float) -> array[int]:
        """RATE points a second in short bursts, as of a loop that mostly waits for a GPU."""
        samples = array("q")
        clock = time.perf_counter_ns
        began = clock()
        while (passed := clock() - began) < seconds * 1e9:
            self._some(int(passed * RATE / 1e9) - len(samples), samples)
            time.sleep(TICK_S)
        return samples

    def working(self, seconds: float) -> array[int]:
        """A point after each piece of work on the CPU that takes 1/RATE s when nothing else runs."""
        samples = array("q")
        end = time.perf_counter_ns() + int(seconds * 1e9)
        while time.perf_counter_ns() < end:
            _work(self.work)
            self._some(1, samples)
        return samples

    def full(self, seconds: float) -> array[int]:
        """Nothing but logging."""
        samples = array("q")
        end = time.perf_counter_ns() + int(seconds * 1e9)
        while time.perf_counter_ns() < end:
            self._some(TOLD_EVERY, samples)
        return samples

    def _some(self, count: int, samples: array[int]) -> None:
        log, names, width, clock = self.log, self.names, len(self.names), time.perf_counter_ns
        first = len(samples)
        for number in range(first, first + count):
            name = names[number % width]
            before = clock()
            log(name, 0.25)
            samples.append(clock() - before)
        self.counter[0] += count


def _work(pieces: int) -> float:
    value = 0.5
    for _ in range(pieces):
        value = 3.7 * value * (1.0 - value)
    return value


def _calibrated() -> int:
    """So many pieces of work take 1/RATE s on this machine, the call apart."""
    times: list[Any] = []
    for _ in range(20):
        before = time.perf_counter()
        _work(10_000)
        times.append(time.perf_counter() - before)
    return int(10_000 / sorted(times)[5] / RATE)
