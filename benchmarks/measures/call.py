"""How long one call takes that logs one float, at full speed, with whatever the tool does in the background."""

from __future__ import annotations

import time
from typing import Any

import adapters
import loops
from job import Job


def measure(job: Job) -> dict[str, Any]:
    tool = adapters.load(job.tool)
    recording = tool.start(job.path, "call")
    values = loops.noisy_loss(job.count)
    warm = max(tool.BATCH, job.count // 20)
    loops.log_all(tool, recording, values[:warm])
    time.sleep(1.0)  # what the first calls set off in the background (imports, connections) is done by then
    samples = loops.log_timed(tool, recording, values, first=warm)
    result: dict[str, Any] = {**loops.spread(samples), "batch": tool.BATCH, "clock_us": loops.clock_ns() / 1000}
    result["p50_point_us"] = result["p50_us"] / tool.BATCH
    if result["p50_us"] < 50:
        began = time.perf_counter()
        loops.log_all(tool, recording, values, first=warm + job.count)
        result["loop_us"] = (time.perf_counter() - began) / len(samples) * 1e6
    recording.finish()
    return result
