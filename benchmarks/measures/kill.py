"""Values whose call had returned, and that nobody can read after the process was killed with SIGKILL."""

from __future__ import annotations

import os
import random
import select
import struct
import time
from typing import Any

import adapters
from job import Job, answer

SETTLE_S = 3.0
"""Given to helper processes of a tool that outlive the one that was killed."""


def measure(job: Job) -> dict[str, Any]:
    rng = random.Random(job.more.get("seed", 1))
    told: dict[str, int] = {}
    for number in range(job.count):
        ours, theirs = os.pipe()
        child = job.spawn(
            "kill_child", pass_fds=(theirs,), name=f"kill-{number}", fd=theirs, pause_s=job.more["pause_s"]
        )
        os.close(theirs)
        run_id = answer(child)
        with os.fdopen(ours, "rb", buffering=0) as counters:
            last = _until_killed(counters, child, after_s=rng.uniform(0.05, 1.5))
        told[run_id] = last
        child.wait()
        child.__exit__(None, None, None)
    time.sleep(SETTLE_S)
    tool = adapters.load(job.tool)
    lost = []
    doubled = 0
    for run_id, last in told.items():
        try:
            found = [round(value) for value in tool.values(job.path, run_id)]
        except Exception as error:
            print(f"run {run_id} cannot be read: {error!r}", flush=True)
            found = []
        present = set(found)
        doubled += len(found) - len(present)
        lost.append(sum(1 for each in range(last) if each not in present))
    return {
        "kills": job.count,
        "acknowledged": sum(told.values()),
        "lost": sum(lost),
        "lost_each": lost,
        "kills_with_loss": sum(1 for each in lost if each),
        "read_twice": doubled,
    }


def _until_killed(counters: Any, child: Any, after_s: float) -> int:
    """Follow the counters; kill the child so long after the first; give the last counter that came whole."""
    rest = b""
    last = 0
    deadline = None
    while True:
        ready, _, _ = select.select([counters], [], [], 0.05 if child.poll() is None else 0.5)
        if ready:
            got = counters.read(1 << 16)
            if not got:
                return last
            rest += got
            whole = len(rest) // 8 * 8
            if whole:
                last = struct.unpack_from("<Q", rest, whole - 8)[0]
                rest = rest[whole:]
            if deadline is None:
                deadline = time.monotonic() + after_s
        elif child.poll() is not None:
            return last  # a helper process of the tool holds the pipe open
        if deadline is not None and child.poll() is None and time.monotonic() >= deadline:
            child.kill()
