"""What is killed: a process that logs as fast as it can and counts, in shared memory, the calls that have returned.

``serve`` has imported the SDK and forks a fresh process for each kill, so that 200 of them take little time;
``record`` is such a process with an interpreter of its own.  ``fill`` leaves a journal of so many calls behind, and
``drain`` delivers what others left, until it kills itself in the middle of a transaction; ``deliver`` delivers one
journal without asking for its lock.
"""

from __future__ import annotations

import contextlib
import io
import json
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

COUNTERS: Final = struct.Struct("@qqqq")
STARTED, CALLS, ENDING, ENDED = range(4)
"""The counters: start_logging() has returned; calls that have returned; complete() is called; it has returned."""

MODES: Final = ("start", "ready", "logging", "logging", "segments", "segments", "drain", "complete", "slow", "own")
"""When the kill comes, and what the process is busy with then."""


def perform(run: Any, number: int, files: bool) -> None:
    """The call of that number: mostly floats, and all else now and then."""
    kind = number % 100
    if kind == 5:
        run.log_list("list", [number + 0.25, number + 0.5])
    elif kind == 17:
        run.log("int", number)
    elif kind == 29:
        run.log("text", f"text {number}")
    elif kind == 41:
        run.log_row("row", number=number, word=f"w{number}")
    elif kind == 53:
        run.log("stepped", number / 4, step=number)
    elif kind == 65:
        run.log("flag", number % 200 == 65)
    elif kind == 77:
        run.tag(f"tag {number % 300}", str(number))
    elif files and number % 1000 == 89:
        run.upload_file(f"files/{number}", io.BytesIO(b"%d" % number))
    else:
        run.log(f"m{number % 7}", float(number))


def expected(calls: int, files: bool) -> tuple[dict[str, list[Any]], dict[str, str], list[str]]:
    """Metrics (each as a list; a row is its number and its word), tags and files after so many calls."""
    metrics: dict[str, list[Any]] = {}
    tags = {}
    names = []
    for number in range(calls):
        kind = number % 100
        if kind == 5:
            metrics.setdefault("list", []).extend([number + 0.25, number + 0.5])
        elif kind == 17:
            metrics.setdefault("int", []).append(number)
        elif kind == 29:
            metrics.setdefault("text", []).append(f"text {number}")
        elif kind == 41:
            metrics.setdefault("row", []).append((number, f"w{number}"))
        elif kind == 53:
            metrics.setdefault("stepped", []).append(number / 4)
        elif kind == 65:
            metrics.setdefault("flag", []).append(number % 200 == 65)
        elif kind == 77:
            tags[f"tag {number % 300}"] = str(number)
        elif files and number % 1000 == 89:
            names.append(f"files/{number}")
        else:
            metrics.setdefault(f"m{number % 7}", []).append(float(number))
    return metrics, tags, sorted(names)


def as_lists(metrics: dict[str, Any]) -> dict[str, list[Any]]:
    """What ``get_metrics`` gives, in the form of ``expected``."""
    found = {}
    for name, value in metrics.items():
        if isinstance(value, dict):
            columns = [each if isinstance(each, list) else [each] for each in (value["number"], value["word"])]
            found[name] = list(zip(*columns, strict=True))
        else:
            found[name] = value if isinstance(value, list) else [value]
    return found


def record(index: int, mode: str, counters: mmap.mmap) -> None:
    """Record into a fresh run until the kill comes."""
    from azureml.core import Experiment, Workspace

    if mode == "segments":
        from milepost.journal import writer

        writer.FIRST_SEGMENT = writer.LARGEST_SEGMENT = 1 << 16  # type: ignore[misc]
    if mode == "drain":
        from milepost.sdk.recording import drain

        drain.INTERVAL_S = 0.002  # type: ignore[misc]
        drain.PIECE_BYTES = 1 << 12  # type: ignore[misc]
    # Not struct.pack_into: that writes zeros first, and a kill may come just then.
    counted = memoryview(counters).cast("q")
    files = has_files(mode)
    run = Experiment(Workspace.get("test"), "kills").start_logging(run_id=f"kill-{index}")
    counted[STARTED] = 1
    rng = random.Random(index)
    enough = rng.randrange(20_000) if mode == "complete" else -1
    number = 0
    while number != enough:
        perform(run, number, files)
        number += 1
        counted[CALLS] = number
        if mode == "slow":
            time.sleep(0.001)
    counted[ENDING] = 1
    run.complete()
    counted[ENDED] = 1
    os._exit(0)


def has_files(mode: str) -> bool:
    """A process with an interpreter of its own would spend its short life importing what files need."""
    return mode != "own"


def kill(index: int, mode: str, folder: Path) -> list[int]:
    """Start one process, kill it at a random moment, and give its counters."""
    rng = random.Random(-index)
    path = folder / f"counters-{index}"
    path.write_bytes(bytes(COUNTERS.size))
    with path.open("r+b") as file:
        counters = mmap.mmap(file.fileno(), COUNTERS.size)
    if mode == "own":
        command = [sys.executable, __file__, "record", str(index), str(path)]
        process = subprocess.Popen(command, stderr=sys.stderr)
        time.sleep(rng.uniform(0.1, 0.8))
        process.kill()
        process.wait()
    else:
        pid = os.fork()
        if pid == 0:
            try:
                record(index, mode, counters)
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(1)
        if mode == "start":
            time.sleep(rng.uniform(0, 0.1))
        else:
            wait_for(counters, ENDING if mode == "complete" else STARTED)
            if mode != "ready":
                time.sleep(rng.choice((0.001, 0.03)) * rng.random() if mode == "complete" else rng.uniform(0, 0.3))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    found = list(COUNTERS.unpack(counters[:]))
    path.unlink()
    return found


def wait_for(counters: mmap.mmap, which: int) -> None:
    until = time.monotonic() + 30
    while not counters[which * 8] and time.monotonic() < until:
        time.sleep(0.0005)


def serve(first: int, count: int, folder: Path) -> None:
    """Kill ``count`` processes and print a line of JSON about each."""
    from azureml.core import Workspace  # noqa: F401
    from milepost.sdk.recording import batches  # noqa: F401
    from milepost.store import store  # noqa: F401

    for index in range(first, first + count):
        mode = MODES[index % len(MODES)]
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"index": index, "mode": mode, "counters": kill(index, mode, folder)}), flush=True)


def fill(run_id: str, calls: int) -> None:
    """Say so much, and be killed before any of it has reached the store."""
    from azureml.core import Experiment, Workspace
    from milepost.sdk.recording.drain import Drain

    Drain.wake = lambda self: None  # type: ignore[method-assign]
    run = Experiment(Workspace.get("test"), "kills").start_logging(run_id=run_id)
    for number in range(calls):
        perform(run, number, files=False)
    os.kill(os.getpid(), signal.SIGKILL)


def cut_in_pieces(piece_bytes: int) -> None:
    """Have dead journals read as a drainer with other batches would cut them; 0 leaves it at a segment each."""
    from milepost.journal import format as fmt
    from milepost.journal import reader

    def read_in_pieces(folder: Path, start: int = 0) -> Iterator[reader.Piece]:
        for path in sorted(folder.glob("*.seg")):
            content = memoryview(path.read_bytes())
            segment = reader.SegmentReader(fmt.parse_header(bytes(content[: fmt.HEADER_SIZE])).base)
            while segment.position < len(content):
                upto = min(segment.position + piece_bytes, len(content))
                piece = segment.read(content[:upto], more=upto < len(content), start=start)
                if piece.end > start:
                    yield piece

    if piece_bytes:
        reader.read_files = read_in_pieces


def drain(transactions: int, piece_bytes: int) -> None:
    """Deliver what is left behind; be killed when that many transactions have been written and one not committed."""
    from azureml.core import Workspace
    from milepost.store import apply, metrics

    append = metrics.append
    left = transactions

    def append_and_die(*args: Any) -> Any:
        nonlocal left
        done = append(*args)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return done

    apply.metrics.append = append_and_die  # type: ignore[attr-defined]
    cut_in_pieces(piece_bytes)
    Workspace.get("test")._recorder.fresh()


def deliver(path: Path, piece_bytes: int) -> None:
    """Deliver one journal, whoever holds it, when told to on standard input."""
    from azureml.core import Workspace
    from milepost.sdk.recording.left_behind import deliver_files

    cut_in_pieces(piece_bytes)
    store = Workspace.get("test")._recorder.open_store()
    print("ready", flush=True)
    sys.stdin.readline()
    assert deliver_files(path, path.name, store, path.parent.parent) == 0


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
    elif sys.argv[1] == "fill":
        fill(sys.argv[2], int(sys.argv[3]))
    elif sys.argv[1] == "drain":
        drain(int(sys.argv[2]), int(sys.argv[3]))
    elif sys.argv[1] == "deliver":
        deliver(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        with Path(sys.argv[3]).open("r+b") as shared:
            record(int(sys.argv[2]), "own", mmap.mmap(shared.fileno(), COUNTERS.size))
