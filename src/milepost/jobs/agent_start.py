"""See to it that a workspace with submitted runs on their way has an agent.  Light: every process may ask."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from milepost.jobs.bell import ring
from milepost.jobs.job import has_jobs, jobs_folder
from milepost.journal.lock import FileLock

STOP: Final = "agent.stop"
"""A file with this name among the jobs has the agent go as soon as there are none."""

SPACE_TO_FREE: Final = "space-to-free"
"""A file with this name among the jobs has the agent free space before it goes."""


def ensure_agent(workspace: Path, entry: Sequence[str]) -> bool:
    """Start an agent where there are jobs and nobody sees to them; gives whether one was started.

    ``entry``: the command that becomes the agent.  Costs a look into a folder where there is nothing to do.
    """
    if not has_jobs(workspace):
        return False
    folder = jobs_folder(workspace)
    if is_held(folder / "agent.lock"):
        return False
    from milepost.jobs.local_launcher import start_detached

    process = start_detached(entry, workspace, folder / "agent.log")
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)  # it forks itself away, so that it is nobody's child
    return True


def stop_agent(workspace: Path, timeout_s: float = 10.0) -> bool:
    """Have an agent that has nothing to do go now; False where there are jobs, or where it does not go in time."""
    if has_jobs(workspace):
        return False
    folder = jobs_folder(workspace)
    until = time.monotonic() + timeout_s
    while is_held(folder / "agent.lock"):
        if time.monotonic() > until:
            return False
        with suppress(OSError):
            (folder / STOP).touch()
        ring(folder)
        time.sleep(0.05)
    return True


def is_held(path: Path) -> bool:
    """Whether a process holds the lock on this file."""
    lock = FileLock(path)
    try:
        if not lock.acquire():
            return True
    except OSError:
        return False
    lock.release()
    return False
