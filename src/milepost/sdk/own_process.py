"""How the processes begin that Milepost starts for itself: the agent, supervisors, the portal."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

_GIVING_WAY: Final = 5
"""As nice has it: about a third of the share of one that does not give way."""


def command(module: str, *arguments: str) -> list[str]:
    """The arguments for this interpreter that call ``main()`` of a module, with these arguments behind."""
    # Not -m: a script may have found Milepost by a path that it set itself.
    root = str(Path(__file__).resolve().parent.parent.parent)
    return ["-c", f"import sys; sys.path.append({root!r}); from {module} import main; main()", *arguments]


def leave_parent() -> None:
    """Go on in a process that is nobody's child: the end of who started it does not concern it."""
    if hasattr(os, "fork") and os.fork():
        os._exit(0)


def pass_over(*names: str) -> None:
    """Do nothing about these signals.  Not SIG_IGN: what this process starts would inherit that."""
    for name in names:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _pass_over)


def _pass_over(number: int, frame: FrameType | None) -> None:
    pass


@contextmanager
def no_threads() -> Iterator[None]:
    """Have the libraries that are imported meanwhile (numpy's) start no threads, which a fork would lose."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def end() -> NoReturn:
    """End this process, which has done all it had to do.

    Exit handlers are called, but the interpreter is not taken apart: that takes 50 ms of CPU where much is loaded, most
    of it for copies of what a fork shares with its parent.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    os._exit(0)


def give_way() -> None:
    """Have this process get CPU time after others where there is not enough for all: on Linux, elsewhere nothing.

    That is what a person's looking at runs is worth beside training.  Threads that are there already keep their place,
    and so do processes that those start.
    """
    if sys.platform != "linux":
        return  # whatever the process starts would give way, too
    thread = threading.get_native_id()
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, thread, max(_GIVING_WAY, os.getpriority(os.PRIO_PROCESS, thread)))
    # Where the kernel groups processes by their sessions, it weighs those against each other by this alone.
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(_GIVING_WAY))
