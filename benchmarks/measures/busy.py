"""How long a call takes while the drain has all the work it can get: full speed for some seconds."""

from __future__ import annotations

import time
from typing import Any

import adapters
import loops
from job import Job


def measure(job: Job) -> dict[str, Any]:
    tool = adapters.load(job.tool)
    recording = tool.start(job.path, "busy")
    loops.log_all(tool, recording, [0.5] * 1000)
    time.sleep(1.0)
    seconds = float(job.more["seconds"])
    began = time.perf_counter()
    samples = loops.log_timed_for(tool, recording, seconds, room=job.count)
    logged = time.perf_counter() - began
    recording.finish()
    delivered = time.perf_counter() - began
    return {
        **loops.spread(samples),
        "clock_us": loops.clock_ns() / 1000,
        "logged_s": logged,
        "delivered_s": delivered,
        "over_1ms": sum(1 for each in samples if each > 1_000_000),
    }
