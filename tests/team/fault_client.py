"""A training script that says, outside Milepost, how many of its calls have returned.

``python -m tests.team.fault_client WORKSPACE LEDGER COUNT BURST PAUSE_S``: logs the numbers 0 to COUNT in bursts.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import time
from pathlib import Path

from azureml.core import Experiment, Workspace

LEDGER = struct.Struct("<36sQQ?")
"""The run's id, how many calls have returned, the longest of them (ns), and whether the script came to its end."""


def main() -> None:
    workspace, ledger = sys.argv[1:3]
    count, burst, pause_s = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
    file = os.open(ledger, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    run = Experiment(Workspace.get(workspace), "faults").start_logging(snapshot_directory=None)
    # Before its ledger is there, nothing counts.
    os.pwrite(file, LEDGER.pack(run.id.encode(), 0, 0, False), 0)
    longest = 0
    for number in range(count):
        begun = time.perf_counter_ns()
        run.log("value", number)
        longest = max(longest, time.perf_counter_ns() - begun)
        os.pwrite(file, LEDGER.pack(run.id.encode(), number + 1, longest, False), 0)
        if number % burst == burst - 1:
            time.sleep(pause_s)
    run.upload_file("outputs/small.txt", io.BytesIO(run.id.encode()))
    run.upload_file("outputs/large.bin", io.BytesIO(run.id.encode() * 150_000))  # follows later
    run.complete()
    os.pwrite(file, LEDGER.pack(run.id.encode(), count, longest, True), 0)


def read_ledger(path: Path) -> tuple[str, int, int, bool] | None:
    """The run's id, the calls that have returned, the longest (ns), and whether it came to its end."""
    content = path.read_bytes() if path.exists() else b""
    if len(content) < LEDGER.size:
        return None
    run_id, calls, longest, ended = LEDGER.unpack(content)
    return run_id.decode(), calls, longest, ended


if __name__ == "__main__":
    main()
