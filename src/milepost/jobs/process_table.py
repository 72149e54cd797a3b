"""The processes of this machine as the system tells them: parents, marks, sessions; portable, and quick on Linux."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

JOB_VARIABLE: Final = "MILEPOST_JOB"
"""The environment variable that says whose job a process is of: the run's id."""

_LINUX: Final = sys.platform.startswith("linux")


class Entry(NamedTuple):
    """One process."""

    parent: int
    ended: bool  # a zombie: nothing of it runs any more


def table(but: Container[int] = ()) -> dict[int, Entry]:
    """All processes of this machine (that this user may see), except those of the ids ``but``."""
    return dict(_linux_entries(but) if _LINUX else _entries(but))


def started(pid: int) -> str | None:
    """A text that tells this process from every other that had or will have its id, here or after the next restart.

    None if there is no such process (a zombie still is one).
    """
    if _LINUX:
        # Not psutil's time of creation: that moves when somebody sets the clock.
        fields = _stat_fields(pid)
        return None if fields is None else f"{_boot_id()}:{int(fields[19])}"
    import psutil

    try:
        return repr(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def has_ended(pid: int) -> bool:
    """True if nothing of this process runs any more: it is gone, or a zombie."""
    if _LINUX:
        fields = _stat_fields(pid)
        return fields is None or _has_ended(fields)
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return True


def mark(pid: int) -> str | None:
    """The run id in a process's environment; None if there is none or the environment is not for us to read."""
    if _LINUX:
        prefix = f"{JOB_VARIABLE}=".encode()
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
                block = file.read()
        except OSError:
            return None
        # The first one counts, as for getenv().
        for each in block.split(b"\0"):
            if each.startswith(prefix):
                return os.fsdecode(each[len(prefix) :])
        return None
    import psutil

    try:
        return psutil.Process(pid).environ().get(JOB_VARIABLE)
    except (psutil.Error, OSError):
        return None


def session(pid: int) -> int | None:
    """The session of a process, by its leader's id; None where there are no sessions, or it has ended."""
    if os.name == "nt":
        return None
    try:
        return os.getsid(pid)
    except OSError:
        return None


def children() -> list[int]:
    """The children of this process, zombies among them."""
    files = list(Path("/proc/self/task").glob("*/children")) if _LINUX else []
    found: list[int] = []
    for file in files:
        with contextlib.suppress(OSError):  # the thread has ended
            found += map(int, file.read_text().split())
    me = os.getpid()
    # A kernel may be built without these files.
    return found if files else [pid for pid, entry in table().items() if entry.parent == me]


def is_child(child: int, parent: int) -> bool:
    """False where the parent's id names a later process: Windows keeps the id of a parent that has ended."""
    if os.name != "nt":
        return True
    import psutil

    try:
        return bool(psutil.Process(child).create_time() >= psutil.Process(parent).create_time())
    except psutil.Error:
        return False


def _entries(but: Container[int]) -> Iterator[tuple[int, Entry]]:
    import psutil

    for pid in psutil.pids():
        if pid in but:
            continue
        try:
            process = psutil.Process(pid)
            yield pid, Entry(process.ppid(), process.status() == psutil.STATUS_ZOMBIE)
        except psutil.Error:
            pass


def _linux_entries(but: Container[int]) -> Iterator[tuple[int, Entry]]:
    # Far quicker than psutil where there are thousands of processes; this is done every few seconds for every job.
    for name in os.listdir("/proc"):  # noqa: PTH208
        if not name.isdecimal() or (pid := int(name)) in but:
            continue
        if (fields := _stat_fields(pid)) is not None:
            yield pid, Entry(int(fields[1]), _has_ended(fields))


def _stat_fields(pid: int) -> list[bytes] | None:
    """What /proc/PID/stat has after the name: state, parent, ...; see proc_pid_stat(5)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            fields = file.read().rpartition(b")")[2].split()  # a name may hold blanks and parentheses
    except OSError:
        return None
    return fields if len(fields) > 19 else None


def _has_ended(fields: list[bytes]) -> bool:
    # With more than one thread only the first has ended.
    return fields[0] in (b"Z", b"X", b"x") and int(fields[17]) <= 1


@functools.cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "?"
