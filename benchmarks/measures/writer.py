"""One of the processes of ``writers``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import adapters
import loops
from job import Job

from measures.writers import STRIDE


def measure(job: Job) -> dict[str, Any]:
    tool = adapters.load(job.tool)
    run_id, number = job.more["run_id"], job.more["number"]
    recording = tool.join(job.path, run_id) if run_id else tool.start(job.path, f"writer-{number}")
    if hasattr(tool, "settle"):
        tool.settle(recording)
    values = [float(number * STRIDE + each) for each in range(job.count)]
    job.tell(recording.id)
    sys.stdin.readline()
    errors = 0
    samples = loops.array("q")
    try:
        samples = loops.log_timed(tool, recording, values)
    except Exception as error:
        print(f"writer {number}: {error!r}", flush=True)
        errors = 1
    logged = time.monotonic()
    recording.finish()
    finished = time.monotonic()
    Path(job.more["samples"]).write_bytes(samples.tobytes())
    return {"logged": logged, "finished": finished, "errors": errors}
