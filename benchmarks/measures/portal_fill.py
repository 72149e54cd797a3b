"""Record one of the data sets that the pages show, and leave it there.  Gives the ids of its runs."""

from __future__ import annotations

import importlib
import time
from typing import Any

from job import Job


def measure(job: Job) -> dict[str, Any]:
    from portal.data import from_job

    data = from_job(job.more)
    filling = importlib.import_module(f"portal.fill_{job.tool}")
    began = time.perf_counter()
    runs = (filling.table if data.name == "table" else filling.lines)(job.path, data)
    return {"runs": runs, "seconds": time.perf_counter() - began}
