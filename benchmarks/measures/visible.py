"""From the first of N calls until another process has read all N points with the tool's own means."""

from __future__ import annotations

import time
from typing import Any

import adapters
import loops
from job import Job, answer, say

WARM = 100


def measure(job: Job) -> dict[str, Any]:
    tool = adapters.load(job.tool)
    recording = tool.start(job.path, "visible")
    values = loops.noisy_loss(job.count)
    warm = WARM if tool.BATCH == 1 else tool.BATCH
    loops.log_all(tool, recording, [0.5] * warm)
    with job.spawn("visible_reader", job.count + warm, run_id=recording.id) as reader:
        answer(reader)  # it has imported the tool and opened its files
        began = time.monotonic()
        loops.log_all(tool, recording, values, first=warm)
        logged = time.monotonic()
        say(reader, "go")
        recording.finish()
        finished = time.monotonic()
        found = answer(reader)
        reader.wait()
    seconds = found["monotonic"] - began
    return {
        "points": job.count,
        "points_per_s": job.count / seconds,
        "logged_s": logged - began,
        "finished_s": finished - began,
        "readable_s": seconds,
        "reads": found["reads"],
    }
