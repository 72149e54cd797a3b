"""Programs that log while signals interrupt them; run as processes of their own by test_threads_and_signals.

``python -m tests.journal.signal_child NAME FOLDER SEED`` prints, as JSON, what was acknowledged.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

from milepost.journal import format as fmt
from milepost.journal import writer as journal_writer
from milepost.journal.writer import JournalWriter, SeriesName
from tests.journal.conftest import sizes
from tests.journal.reading import LiveReader

_JOURNAL = str(Path(journal_writer.__file__).parent)


def in_the_journal(frame: FrameType | None) -> bool:
    """True if the frame is within an append."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(_JOURNAL):
            return True
        frame = frame.f_back
    return False


def handler_logs(writer: JournalWriter, seconds: float, interval: float) -> dict[str, Any]:
    """The main thread and a signal handler log, the handler in the middle of the main thread's appends too."""
    run = writer.run("r")
    numbers = count()
    said: list[int] = []
    in_appends = depth = 0

    def handler(_signal: int, frame: FrameType | None) -> None:
        nonlocal depth, in_appends
        if depth > 5:  # on a slow disk the signals come faster than they can be served
            return
        depth += 1
        in_appends += in_the_journal(frame)
        number = next(numbers)
        if number % 10 == 0:
            run.append_payload(
                SeriesName("r", "handler list", "series"), fmt.INTS, number.to_bytes(8, sys.byteorder) * 9
            )
        run.append_scalar(SeriesName("r", "handler", "series"), fmt.INT, number)
        said.append(number)
        depth -= 1

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, interval, interval)
    main = 0
    series = SeriesName("r", "main", "series")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if main % 50 == 49:
            run.append_payload(SeriesName("r", "main list", "series"), fmt.INTS, main.to_bytes(8, sys.byteorder) * 30)
        run.append_scalar(series, fmt.INT, main)
        main += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    return {"main": main, "handler": said, "in_appends": in_appends}


def hot_path_and_handler(writer: JournalWriter, seconds: float, interval: float) -> dict[str, Any]:
    """The same with floats on the hot path."""
    run = writer.run("r")
    numbers = count()
    said: list[int] = []
    in_appends = depth = 0

    def log(name: str, value: float) -> None:
        try:
            run.append_float(name, value)
        except KeyError:
            run.append_scalar(SeriesName("r", name, "series"), fmt.FLOAT, value)

    def handler(_signal: int, frame: FrameType | None) -> None:
        nonlocal depth, in_appends
        if depth > 5:
            return
        depth += 1
        in_appends += in_the_journal(frame)
        number = next(numbers)
        log("handler", float(number))
        said.append(number)
        depth -= 1

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, interval, interval)
    main = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        log("main", float(main))
        main += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    return {"main": main, "handler": said, "in_appends": in_appends}


def interrupted(writer: JournalWriter, seconds: float, interval: float) -> dict[str, Any]:
    """KeyboardInterrupt comes in the middle of appends."""
    run = writer.run("r")
    rng = random.Random(interval)
    acknowledged: list[int] = []
    broken = 0

    def handler(_signal: int, frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.2, 2) * interval)
        # Python 3.10 leaves a ``with lock`` without its exit if a second interrupt comes while the first one leaves it.
        leaving = sys.version_info < (3, 11) and sys.exc_info()[0] is KeyboardInterrupt
        if in_the_journal(frame) and not leaving:
            raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, interval)
    series = SeriesName("r", "main", "series")
    number = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if number % 3 == 0:
                body = number.to_bytes(8, sys.byteorder) * rng.randint(1, 40)
                run.append_payload(SeriesName("r", f"list {number % 7}", "series"), fmt.INTS, body)
            run.append_scalar(series, fmt.INT, number)
            acknowledged.append(number)
        except KeyboardInterrupt:
            broken += 1
        number += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    run.append_scalar(series, fmt.INT, number)
    acknowledged.append(number)
    # The lock is free: another thread gets it.
    final: list[bool] = []
    thread = threading.Thread(target=lambda: final.append(writer.snapshot()[1]))
    thread.start()
    thread.join()
    handles = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208
    return {"acknowledged": acknowledged, "broken": broken, "final": final[0], "handles": handles}


def handler_waits_for_the_drain(writer: JournalWriter, seconds: float, interval: float) -> dict[str, Any]:
    """A handler in the middle of an append waits for another thread that does all that a drain does."""
    run = writer.run("r")
    reader = LiveReader(writer)
    waits: list[bool] = []
    own: list[bool] = []

    def drain(final: list[bool]) -> None:
        final.append(reader.read(0.05))
        writer.release(reader.reached)
        writer.prepare_spare()
        writer.move_to_disk()
        writer.sync()

    def handler(_signal: int, _frame: FrameType | None) -> None:
        if not writer.lock._is_owned():  # type: ignore[attr-defined]
            return  # not in the middle of an append
        own.append(writer.snapshot()[1])
        final: list[bool] = []
        thread = threading.Thread(target=drain, args=(final,))
        thread.start()
        thread.join()
        waits.append(final[0])

    signal.signal(signal.SIGALRM, handler)
    series = SeriesName("r", "main", "series")
    main = 0
    end = time.monotonic() + seconds
    while len(waits) < 3 and time.monotonic() < end:
        signal.setitimer(signal.ITIMER_REAL, interval)
        for _ in range(2000):
            run.append_scalar(series, fmt.INT, main)
            main += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    last = reader.read()
    values = [each.value for each in reader.found if each.name == "main"]
    return {"waits": waits, "own": own, "last": last, "complete": values == list(range(main)), "main": main}


def forks_in_the_handler(writer: JournalWriter, seconds: float, interval: float) -> dict[str, Any]:
    """A handler that interrupted an append forks; the child comes back to that append and logs on."""
    run = writer.run("r")
    parent = os.getpid()
    children: list[int] = []
    forked = False

    def handler(_signal: int, frame: FrameType | None) -> None:
        nonlocal forked
        if in_the_journal(frame) and len(children) < 10:
            pid = os.fork()
            if pid == 0:
                forked = True
            else:
                children.append(pid)

    signal.signal(signal.SIGALRM, handler)
    series = SeriesName("r", "main", "series")
    main = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(children) < 10:
        signal.setitimer(signal.ITIMER_REAL, interval)
        for _ in range(500):
            run.append_scalar(series, fmt.INT, main)
            main += 1
            if forked:
                for number in range(200):
                    run.append_scalar(SeriesName("r", "child", "series"), fmt.INT, number)
                os._exit(0)
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert os.getpid() == parent
    return {"main": main, "exits": [os.waitpid(pid, 0)[1] for pid in children]}


PROGRAMS: dict[str, Callable[[JournalWriter, float, float], dict[str, Any]]] = {
    each.__name__: each
    for each in (handler_logs, hot_path_and_handler, interrupted, handler_waits_for_the_drain, forks_in_the_handler)
}

if __name__ == "__main__":
    name, folder, seconds, interval = sys.argv[1:]
    with sizes():
        own = JournalWriter(Path(folder))
        result = PROGRAMS[name](own, float(seconds), float(interval))
    print(json.dumps({**result, "journal": own.journal_id}))
    sys.stdout.flush()
    os._exit(0)
