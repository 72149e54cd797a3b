"""Supervisors by fork: a process that has loaded all that a supervisor needs becomes one in milliseconds.

Loading it costs a second of CPU and most of a supervisor's memory.  So where there are many runs, the agent has a
*fork server*: a process that loads it once, holds no store, journal, lock or thread, and forks a supervisor for each
run's id that it reads.  It ends with its agent, whose end of the pipe is closed then; the supervisors go on.  On Linux
only: what other systems' libraries do in threads of their own does not outlive a fork.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from milepost.jobs import process_tree

FORKS: Final = sys.platform.startswith("linux")
"""Whether there may be a fork server on this system."""
ANSWER_S: Final = 5.0
"""So long is its answer waited for."""
_REAP_S: Final = 0.5
_READY: Final = "ready"


# -- the agent's side ------------------------------------------------------------------------------------------


class ForkServer:
    """The agent's end of a fork server.  Not for use by several threads.

    ``start``: starts its process, whose standard input and output are to be pipes.
    """

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._process = start()
        self._ready = False
        self._left = b""

    def runs(self) -> bool:
        """Whether it is there still."""
        return self._process.poll() is None

    def is_ready(self, timeout_s: float = 0.0) -> bool:
        """Whether it has loaded everything; waits that long for it.  Raises OSError where it has ended."""
        if not self._ready:
            answer = self._answer(timeout_s)
            self._ready = answer == _READY
            if answer is not None and not self._ready:
                raise OSError(f"the fork server said {answer!r}")
        return self._ready

    def fork(self, run_id: str, log: Path) -> tuple[int, str]:
        """Have it become that run's supervisor, which prints to ``log``.

        Gives the process's id and what tells it from later ones of that id.  Raises OSError.
        """
        assert self._process.stdin is not None
        os.write(self._process.stdin.fileno(), json.dumps([run_id, str(log)]).encode() + b"\n")
        answer = self._answer(ANSWER_S)
        if not isinstance(answer, list):
            raise OSError(str(answer or f"the fork server did not answer within {ANSWER_S:g} s"))
        return int(answer[0]), str(answer[1])

    def close(self) -> None:
        """End it; the supervisors go on."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _answer(self, timeout_s: float) -> Any:
        """The next line that it says, decoded; None where it says nothing in time.  Raises OSError."""
        assert self._process.stdout is not None
        until = time.monotonic() + timeout_s
        while b"\n" not in self._left:
            if not select.select([self._process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                return None
            some = os.read(self._process.stdout.fileno(), 4096)
            if not some:
                raise OSError("the fork server has ended")
            self._left += some
        line, self._left = self._left.split(b"\n", 1)
        return json.loads(line)


# -- the process itself ----------------------------------------------------------------------------------------


def serve(workspace: Path) -> str | None:
    """Fork for each run that is asked for by standard input, until that is closed: None then.

    In a child it returns the run's id: the child is detached and is to go on as that run's supervisor.
    """
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        print("What was loaded has started threads, which a fork would lose.", file=sys.stderr)  # noqa: T201
        return None
    # What is there now is not looked at any more by the collector, whose marks would have each child copy it.
    gc.collect()
    gc.freeze()
    _say(_READY)
    left, children = b"", 0
    while True:
        if select.select([0], [], [], _REAP_S if children else None)[0]:
            some = os.read(0, 65_536)
            if not some:
                return None
            *lines, left = (left + some).split(b"\n")
            for line in lines:
                run_id, log = json.loads(line)
                try:
                    pid = os.fork()
                except OSError as error:
                    _say(str(error))
                    continue
                if pid == 0:
                    _detach(workspace, Path(log), ["milepost", "supervise", str(workspace), run_id])
                    return str(run_id)
                children += 1
                _say([pid, process_tree.started(pid) or ""])
        with contextlib.suppress(ChildProcessError):
            while children and os.waitpid(-1, os.WNOHANG)[0]:
                children -= 1


def _say(what: object) -> None:
    os.write(1, json.dumps(what).encode() + b"\n")


def _detach(workspace: Path, log: Path, title: Sequence[str]) -> None:
    """Have this process be what ``start_detached`` starts: with a session, a log and nothing of its parent's."""
    os.setsid()
    nothing, output = os.open(os.devnull, os.O_RDONLY), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for descriptor, number in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, number)
    os.close(nothing)
    os.close(output)
    os.chdir(workspace)
    with contextlib.suppress(OSError, ValueError):
        _set_title(title)


def _set_title(words: Sequence[str]) -> None:
    """What `ps` shows of this process, as far as the words find room in place of its parent's."""
    begin, end = map(int, Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()[45:47])
    room = end - begin
    if 0 < room < 1 << 20:
        shown = "\0".join(words).encode("utf-8", "replace")[: room - 1]
        ctypes.memmove(begin, shown.ljust(room, b"\0"), room)
