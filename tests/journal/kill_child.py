"""Processes that log as fast as they can until they are killed; run by test_kill.

``python -m tests.journal.kill_child FOLDER KILLS SEED`` forks and kills KILLS children, one after the other.  Child N
logs into FOLDER/N/journals.  FOLDER/N/acknowledged is shared memory where each of its threads notes, as two int64, how
many records it has begun and how many appends have returned: so it is exact up to the last machine instruction.

It imports nothing but the journal's writer: a child is there in a few milliseconds.
"""

from __future__ import annotations

import mmap
import os
import random
import signal
import struct
import sys
import threading
import time
from pathlib import Path

from milepost.journal import format as fmt
from milepost.journal import writer as journal_writer
from milepost.journal.writer import JournalWriter, SeriesName

THREADS = 2
COUNTS = struct.Struct("=qq")
PLANS = ("small segments", "usual segments", "one thread")


def plan_of(number: int) -> str:
    return PLANS[number % len(PLANS)]


def log(writer: JournalWriter, thread: int, shared: mmap.mmap) -> None:
    """Log 0, 1, 2, ...: floats on the hot path, and now and then a payload of some size."""
    run = writer.run("r")
    name = f"thread{thread}"
    series = SeriesName("r", name, "series")
    rng = random.Random(thread)
    number, place = 0, thread * COUNTS.size
    while True:
        # One store each, where pack_into would write zeros first.
        shared[place + 8 : place + 16] = struct.pack("=q", number)
        shared[place : place + 8] = struct.pack("=q", number + 1)
        if number % 20 == 19:
            size = 20_000 if number % 1000 == 999 else rng.randint(1, 300)
            run.append_payload(series, fmt.INTS, struct.pack("=q", number) * size)
        else:
            try:
                run.append_float(name, float(number))
            except KeyError:
                run.append_scalar(series, fmt.FLOAT, float(number))
        number += 1


def child(folder: Path, plan: str) -> None:
    with (folder / "acknowledged").open("r+b") as file:
        shared = mmap.mmap(file.fileno(), 0)
    if plan == "small segments":
        journal_writer.FIRST_SEGMENT = journal_writer.ROUND_TO = 4096  # type: ignore[misc]
        journal_writer.LARGEST_SEGMENT = 16384  # type: ignore[misc]
    writer = JournalWriter(folder / "journals")
    for thread in range(1, 1 if plan == "one thread" else THREADS):
        threading.Thread(target=log, args=(writer, thread, shared), daemon=True).start()

    def keep_house() -> None:
        while True:
            writer.prepare_spare()
            time.sleep(0.0001)

    threading.Thread(target=keep_house, daemon=True).start()
    log(writer, 0, shared)


def main(folder: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    for number in range(kills):
        own = folder / str(number)
        own.mkdir()
        (own / "acknowledged").write_bytes(bytes(THREADS * COUNTS.size))
        pid = os.fork()
        if pid == 0:
            try:
                child(own, plan_of(number))
            finally:
                os._exit(1)
        # Every fifth dies while it starts.
        time.sleep(rng.uniform(0, 0.004) if number % 5 == 0 else rng.uniform(0.005, 0.06))
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, f"child {number} ended by itself: {status}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
