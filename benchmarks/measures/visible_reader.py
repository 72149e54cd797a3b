"""The other process of ``visible``: polls until all points are there."""

from __future__ import annotations

import contextlib
import sys
import time

import adapters
from job import Job

PAUSE_S = 0.01
PATIENCE_S = 240.0


def measure(job: Job) -> dict[str, float]:
    tool = adapters.load(job.tool)
    run_id = job.more["run_id"]
    with contextlib.suppress(Exception):  # some have nothing to open yet
        tool.values(job.path, run_id)
    job.tell("ready")
    # It reads only from the last call on: a reader that polls earlier would slow the writer of some tools.
    sys.stdin.readline()
    began = time.monotonic()
    reads = 0
    found = 0
    trouble = ""
    while time.monotonic() - began < PATIENCE_S:
        reads += 1
        try:
            found = len(tool.values(job.path, run_id))
        except Exception as error:  # a file in the middle of being written
            trouble = repr(error)
        if found >= job.count:
            return {"monotonic": time.monotonic(), "reads": reads}
        time.sleep(PAUSE_S)
    raise TimeoutError(f"after {PATIENCE_S:g} s only {found} of {job.count} points could be read. {trouble}")
