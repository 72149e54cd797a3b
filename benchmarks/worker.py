"""Run one measure: ``worker.py MEASURE '{"tool": ..., "folder": ..., ...}'``.  The result is JSON lines on stdout.

It runs under the interpreter of the tool that is measured, so it needs the standard library only.
"""

from __future__ import annotations

import time

BEGAN = time.perf_counter()

import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402

from job import Job  # noqa: E402


def main() -> None:
    # What a tool prints must not get between the results.
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    measure, parameters = sys.argv[1], json.loads(sys.argv[2])
    job = Job(out=out, began=BEGAN, **parameters)
    result = importlib.import_module(f"measures.{measure}").measure(job)
    if result is not None:
        job.tell(result)
    out.flush()


if __name__ == "__main__":
    main()
