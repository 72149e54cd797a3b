"""Record one run with a realistic series, end it in order, and leave it there for ``read`` and for the disk's use."""

from __future__ import annotations

import random
import time
from typing import Any

from job import Job


def _training_clock(step_ns: int, steps: int) -> None:
    """Let the process believe that a step of training lies between two calls: ``step_ns`` give or take a tenth."""
    rng = random.Random(11)
    now = time.time_ns() - 2 * step_ns * steps
    jitter = step_ns // 10

    def time_ns() -> int:
        nonlocal now
        now += step_ns + rng.randint(-jitter, jitter)
        return now

    time.time_ns = time_ns


def measure(job: Job) -> dict[str, Any]:
    step_ms = job.more.get("step_ms")
    if step_ms:
        _training_clock(int(step_ms * 1e6), job.count)
    import adapters
    import loops

    tool = adapters.load(job.tool)
    values = loops.noisy_loss(job.count)
    recording = tool.start(job.path, job.more["name"])
    began = time.perf_counter()
    loops.log_all(tool, recording, values)
    recording.finish()
    return {"id": recording.id, "seconds": time.perf_counter() - began}
