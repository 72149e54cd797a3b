"""Every process of a job: found by descent and by the mark in its environment, and ended for good.

A process belongs to a job if its environment says ``MILEPOST_JOB=<run id>``, if it descends from one that belongs, or
if it is in the session that the job's first process leads.  So it is found after a double fork (by its mark), with
another environment (by its parent), and, where the supervisor has called `become_subreaper`, with neither (it is a
child of the supervisor then).

A process whose mark names another run, or is empty, belongs to somebody else, with all that descend from it: what a
script starts for others (the agent, when the script itself submits runs) carries ``MILEPOST_JOB=`` and outlives it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, Final, TypeAlias

from milepost.jobs import process_table
from milepost.jobs.process_table import JOB_VARIABLE as JOB_VARIABLE
from milepost.jobs.process_table import Entry
from milepost.jobs.process_table import started as started

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    import psutil

Root: TypeAlias = "int | tuple[int, str]"
"""A process to descend from: its id, or its id and what `started` said of it, so that a later process of the same id
is not taken for it."""

_LINUX: Final = sys.platform.startswith("linux")
_KILL_S: Final = 5.0  # so long is SIGKILL tried before what is left is told as not to be ended
_POLL_S: Final = 0.02
_SLOW_POLL_S: Final = 0.1
_LOOKS: Final = 20  # at the list of processes for those that were born meanwhile
_SHOWN: Final = 5  # processes named in a note
_PR_SET_CHILD_SUBREAPER: Final = 36


def become_subreaper() -> bool:
    """From now on descendants whose parents end become children of this process.  True where that can be had (Linux).

    Who calls this must wait for such children (`reap`), else they stay as zombies.
    """
    if not _LINUX:
        return False
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    return False


def runs(root: Root) -> bool:
    """True if this process runs (and is the one that was meant); a zombie does not."""
    pid = _verified(root)
    return pid is not None and not process_table.has_ended(pid)


def processes_of(run_id: str, roots: Iterable[Root] = ()) -> list[psutil.Process]:
    """All processes of a job that run, parents before their children.

    ``roots``: processes of the job that are known; they and what descends from them belong to it.  The caller may name
    itself, for the children that it got as a subreaper.  Never in the result: the caller, its ancestors, zombies, and
    processes whose mark names somebody else.
    """
    import psutil

    found: list[psutil.Process] = []
    for pid in _find(run_id, roots, *_processes_and_marks()):
        with contextlib.suppress(psutil.Error):
            found.append(psutil.Process(pid))
    return found


def reap(keep: Collection[int] = (), among: Iterable[int] | None = None) -> int:
    """Wait for the children of this process that have ended, so that no zombies stay; returns how many there were.

    ``keep``: children that somebody else waits for (every ``Popen`` of this process): their exit status is not taken.
    ``among``: only these.
    """
    if os.name == "nt":
        return 0
    reaped = 0
    for pid in process_table.children() if among is None else among:
        if pid not in keep:
            with contextlib.suppress(OSError):  # not a child of ours, or taken by another thread
                reaped += os.waitpid(pid, os.WNOHANG)[0] == pid
    return reaped


def end(
    run_id: str,
    roots: Iterable[Root] = (),
    *,
    grace_s: float,
    note: Callable[[str], None],
    keep: Collection[int] = (),
) -> list[str]:
    """End all processes of a job and return when none is left; what could not be ended is returned, described.

    First SIGTERM, and ``grace_s`` seconds to react (0: none, and no SIGTERM); processes that are started meanwhile are
    waited for but get no signal, as a script may save its work with them.  Then SIGKILL, until nothing is found.
    ``note`` is told what is done, in lines for the job's log.  ``keep``: children of this process whose exit status
    somebody else takes (see `reap`).  Takes up to ``grace_s`` and 5 seconds more, and seldom that.
    """
    roots = tuple(roots)
    seen: set[int] = set()
    if grace_s > 0 and not _ask(run_id, roots, grace_s, note, keep, seen):
        return []
    return _kill(run_id, roots, note, keep, seen)


def _ask(
    run_id: str,
    roots: tuple[Root, ...],
    grace_s: float,
    note: Callable[[str], None],
    keep: Collection[int],
    seen: set[int],
) -> bool:
    """SIGTERM, and wait; True if processes are left."""
    import psutil

    waited = processes_of(run_id, roots)
    if not waited:
        return False
    note(f"SIGTERM to {_listed(waited)}; they have {grace_s:g} s to end.")
    # Parents first: they can end their children in their own way, and do not take the children's end for a failure.
    for process in waited:
        with contextlib.suppress(psutil.Error, OSError):
            process.terminate()
    for process in waited:  # a stopped process hears SIGTERM when it goes on
        with contextlib.suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_STOPPED:
                process.resume()
    began = time.monotonic()
    while True:
        seen.update(process.pid for process in waited)
        waited = [process for process in waited if _lives(process)]
        if not waited:
            # Those we knew have ended.  Did they leave others?
            waited = processes_of(run_id, roots)
            reap(keep, seen)
            if not waited:
                return False
        passed = time.monotonic() - began
        if passed >= grace_s:
            return True
        time.sleep(min(_POLL_S if passed < 1 else _SLOW_POLL_S, grace_s - passed))


def _kill(
    run_id: str, roots: tuple[Root, ...], note: Callable[[str], None], keep: Collection[int], seen: set[int]
) -> list[str]:
    import psutil

    deadline = time.monotonic() + _KILL_S
    denied: set[int] = set()
    told = False
    while True:
        left = _freeze(run_id, roots, deadline)
        seen.update(process.pid for process in left)
        if not told and left:
            note(f"SIGKILL to {_listed(left)}.")
            told = True
        for process in left:
            try:
                process.kill()
            except psutil.AccessDenied:
                denied.add(process.pid)
            except (psutil.Error, OSError):
                pass  # it has ended
        while any(process.pid not in denied and _lives(process) for process in left) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        reap(keep, seen)
        left = processes_of(run_id, roots)
        if not left:
            return []
        if time.monotonic() >= deadline or all(process.pid in denied for process in left):
            survivors = [_survivor(process, process.pid in denied) for process in left]
            for survivor in survivors:
                note(survivor)
            return survivors


def _freeze(run_id: str, roots: tuple[Root, ...], deadline: float) -> list[psutil.Process]:
    """Stop all processes of the job and give them: what is stopped cannot fork while the others are killed."""
    import psutil

    frozen: set[int] = set()
    while True:
        found = processes_of(run_id, roots)
        new = [process for process in found if process.pid not in frozen]
        if not new or time.monotonic() >= deadline:
            return found
        for process in new:
            frozen.add(process.pid)
            with contextlib.suppress(psutil.Error, OSError):
                process.suspend()


def _lives(process: psutil.Process) -> bool:
    """True if something of this process still runs."""
    import psutil

    try:
        if not process.is_running():
            return False
        # A process whose first thread has ended looks like a zombie while its other threads run.
        return process.status() != psutil.STATUS_ZOMBIE or (_LINUX and process.num_threads() > 1)
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False


def _listed(processes: list[psutil.Process]) -> str:
    count = "1 process" if len(processes) == 1 else f"{len(processes)} processes"
    names = ", ".join(_named(process) for process in processes[:_SHOWN])
    return f"{count}: {names}{', ...' if len(processes) > _SHOWN else ''}"


def _named(process: psutil.Process) -> str:
    import psutil

    try:
        name = process.name()
    except psutil.Error:
        return str(process.pid)
    return f"{process.pid} ({''.join(c if c.isprintable() else '?' for c in name[:40])})"


def _survivor(process: psutil.Process, denied: bool) -> str:
    import psutil

    state = owner = "unknown"
    with contextlib.suppress(psutil.Error, KeyError):
        state = process.status()
    if denied:
        with contextlib.suppress(psutil.Error, KeyError):
            owner = process.username()
        return f"Process {_named(process)} of user {owner} could not be ended: this user may not. End it as that user."
    return (
        f"Process {_named(process)}, state {state}, does not end on SIGKILL: "
        "the kernel holds it, most often for a disk or a network file system that does not answer."
    )


def _processes_and_marks() -> tuple[dict[int, Entry], dict[int, str | None]]:
    """All processes, and whose job each says it is of."""
    table: dict[int, Entry] = {}
    marks: dict[int, str | None] = {}
    for _ in range(_LOOKS):
        # One that was listed may have ended before its mark was read, and left a child that the list did not have.
        born = process_table.table(but=table)
        if not born:
            break
        table.update(born)
        marks.update((pid, process_table.mark(pid)) for pid, entry in born.items() if not entry.ended)
    return table, marks


def _find(run_id: str, roots: Iterable[Root], table: dict[int, Entry], marks: dict[int, str | None]) -> list[int]:
    """The ids of a job's processes among those of ``table``, by depth."""
    ancestors = _ancestors(table)
    firsts = [pid for pid in map(_verified, roots) if pid is not None and pid > 0]
    # All processes descend from the first one.
    firsts = [pid for pid in firsts if pid != 1 or os.getpid() == 1]
    starts = dict.fromkeys(firsts)
    starts.update(dict.fromkeys(pid for pid, mark in marks.items() if mark == run_id))
    leaders = {pid for pid in firsts if pid not in ancestors and process_table.session(pid) == pid}
    if leaders:
        starts.update(dict.fromkeys(pid for pid in table if process_table.session(pid) in leaders))

    children: dict[int, list[int]] = {}
    for pid, entry in table.items():
        children.setdefault(entry.parent, []).append(pid)
    foreign = {pid for pid, mark in marks.items() if mark is not None and mark != run_id}
    reached: set[int] = set()
    level = [pid for pid in starts if pid not in foreign or pid in firsts]
    while level:
        reached.update(level)
        level = [
            child
            for pid in level
            for child in children.get(pid, ())
            if child not in reached and child not in foreign and process_table.is_child(child, pid)
        ]
    chosen = [pid for pid in reached if pid in table and not table[pid].ended and pid not in ancestors]
    return sorted(chosen, key=lambda pid: (_depth(pid, table), pid))


def _ancestors(table: dict[int, Entry]) -> set[int]:
    """This process and those above it."""
    found: set[int] = set()
    pid = os.getpid()
    while pid not in found:
        found.add(pid)
        entry = table.get(pid)
        pid = os.getppid() if entry is None and len(found) == 1 else (entry.parent if entry else 0)
    return found


def _depth(pid: int, table: dict[int, Entry]) -> int:
    seen: set[int] = set()
    while pid in table and pid not in seen:
        seen.add(pid)
        pid = table[pid].parent
    return len(seen)


def _verified(root: Root) -> int | None:
    """The root's process id, if it still is that process."""
    if isinstance(root, int):
        return root
    pid, start = root
    return pid if started(pid) == start else None
