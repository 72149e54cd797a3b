"""What a script's first import costs over bare Python: whole processes, by the wall clock, in turn."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

from job import Job


def measure(job: Job) -> dict[str, Any]:
    bare, full = [], []
    for number in range(job.count + 1):
        for statement, times in (("pass", bare), (job.more["statement"], full)):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", statement], check=True, stdout=subprocess.DEVNULL)
            if number:  # the first writes byte code and fills the page cache
                times.append((time.perf_counter() - began) * 1000)
    return {
        "runs": job.count,
        "bare_ms": statistics.median(bare),
        "import_ms": statistics.median(full),
        "over_bare_ms": statistics.median(full) - statistics.median(bare),
    }
