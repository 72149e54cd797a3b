"""Many processes that log at once, each to a run of its own or all to one run."""

from __future__ import annotations

import time
from array import array
from pathlib import Path
from typing import Any

import adapters
import loops
from job import Job, answer, say

STRIDE = 10_000_000
"""Process number p logs p * STRIDE, p * STRIDE + 1, ..."""


def measure(job: Job) -> dict[str, Any]:
    processes, one_run = int(job.more["processes"]), bool(job.more["one_run"])
    tool = adapters.load(job.tool)
    shared = tool.start(job.path, "shared") if one_run else None
    writers = [
        job.spawn(
            "writer", job.count, number=number, run_id=shared.id if shared else "", samples=f"{job.folder}/{number}.ns"
        )
        for number in range(processes)
    ]
    ids = [answer(each) for each in writers]
    time.sleep(2.0)
    began = time.monotonic()
    for each in writers:
        say(each, "go")
    ended = [answer(each) for each in writers]
    for each in writers:
        each.wait()
        each.__exit__(None, None, None)
    if shared:
        shared.finish()
    samples = array("q")
    for number in range(processes):
        path = Path(job.folder, f"{number}.ns")
        samples.frombytes(path.read_bytes())
        path.unlink()
    lost, disordered = _missing(job, tool, ids)
    total = processes * job.count
    return {
        **loops.spread(samples),
        "processes": processes,
        "points": total,
        "logged_s": max(each["logged"] for each in ended) - began,
        "delivered_s": max(each["finished"] for each in ended) - began,
        "points_per_s": total / (max(each["finished"] for each in ended) - began),
        "errors": sum(each["errors"] for each in ended),
        "lost": lost,
        "out_of_order": disordered,
    }


def _missing(job: Job, tool: Any, ids: list[str]) -> tuple[int, int]:
    found: dict[int, list[int]] = {number: [] for number in range(len(ids))}
    for run_id in set(ids):
        for value in tool.values(job.path, run_id):
            found.setdefault(int(value) // STRIDE, []).append(int(value) % STRIDE)
    lost = sum(len(set(range(job.count)) - set(each)) for number, each in found.items() if number < len(ids))
    disordered = sum(1 for each in found.values() if each != sorted(each) or len(each) != len(set(each)))
    return lost, disordered
