"""Read a series back in a fresh process: cold (from the process's first line, imports and all) or warm."""

from __future__ import annotations

import time
from typing import Any

import adapters
from job import Job


def measure(job: Job) -> dict[str, Any]:
    tool = adapters.load(job.tool)
    if job.more["warm"]:
        tool.values(job.path, job.more["other_id"])
        began = time.perf_counter()
    else:
        began = job.began
    found = tool.values(job.path, job.more["run_id"])
    took = time.perf_counter() - began
    import loops

    wanted = loops.noisy_loss(job.count)
    worst = max((abs(a - b) for a, b in zip(found, wanted, strict=False)), default=0.0)
    return {"ms": took * 1000, "points": len(found), "exact": found == wanted, "largest_error": worst}
