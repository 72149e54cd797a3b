"""Supervisors on this machine: processes that nobody's end takes along.

The first is a process from scratch, which begins the script before it has loaded what recording takes.  Where more
follow, they come from a fork server (`fork_server`), which is ready by then; where that is not to be had they are
processes from scratch, too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from milepost.jobs import job as jobs
from milepost.jobs import process_tree
from milepost.jobs.fork_server import FORKS, ForkServer
from milepost.jobs.job import Job
from milepost.jobs.launcher import LaunchFailed

_LOG_LIMIT = 1 << 20
_LOADING_S = 10.0
"""So long do runs wait for the fork server to be ready, at most: it is quicker than all of them loading."""
_TROUBLES = 3
"""So often may fork servers fail before there are none any more."""


class LocalLauncher:
    """Starts supervisors as processes of this machine.

    ``entry``: the command that becomes a supervisor when the run's id is added to it; ``fork_entry``: the one that
    becomes a fork server of such.
    """

    def __init__(self, entry: Sequence[str], fork_entry: Sequence[str] | None = None) -> None:
        self._entry = list(entry)
        self._fork_entry = list(fork_entry) if fork_entry is not None and FORKS else None
        self._started: dict[str, subprocess.Popen[bytes]] = {}
        self._launches = 0
        self._forks: ForkServer | None = None
        self._has_sweep = False
        self._ready_by = 0.0
        self._troubles = 0

    def launch(self, job: Job, folder: Path) -> str:
        """See ``Launcher``.  The handle is the process's id with what tells it from a later one of the same id."""
        workspace, log = folder.parent.parent, folder / "supervisor.log"
        forked = self._forked(job, workspace, log)
        if forked is not None:
            return json.dumps(forked)
        try:
            process = start_detached([*self._entry, job.run_id], workspace, log)
        except OSError as error:
            raise LaunchFailed(f"the run's supervisor could not be started: {error.strerror or error}") from error
        self._started[job.run_id] = process
        return json.dumps([process.pid, process_tree.started(process.pid) or ""])

    def _forked(self, job: Job, workspace: Path, log: Path) -> tuple[int, str] | None:
        """The supervisor as a fork, where that can be had."""
        self._launches += 1
        if self._fork_entry is None or self._troubles >= _TROUBLES:
            return None
        self._has_sweep = self._has_sweep or job.sweep is not None
        try:
            if self._forks is None:
                if self._launches == 1 and not self._has_sweep:
                    return None
                self._forks = ForkServer(lambda: self._start_fork_server(workspace))
                self._ready_by = time.monotonic() + _LOADING_S
            # With the second run it is not known yet whether there are many: its script need not wait.
            may_wait = self._launches > (1 if self._has_sweep else 2)
            if self._forks.is_ready(max(0.0, self._ready_by - time.monotonic()) if may_wait else 0.0):
                return self._forks.fork(job.run_id, log)
        except (OSError, ValueError):
            self._troubles += 1
            self._close_fork_server()
        return None

    def _start_fork_server(self, workspace: Path) -> subprocess.Popen[bytes]:
        assert self._fork_entry is not None
        log = workspace / "jobs" / "agent.log"
        return start_detached(self._fork_entry, workspace, log, is_spoken_with=True)

    def _close_fork_server(self) -> None:
        server, self._forks = self._forks, None
        if server is not None:
            server.close()

    def close(self) -> None:
        """No more is launched.  The supervisors go on."""
        self._close_fork_server()

    def poll(self, job: Job, folder: Path, handle: str) -> bool:
        """See ``Launcher``."""
        if self._forks is not None and not self._forks.runs():
            self._troubles += 1
            self._close_fork_server()
        process = self._started.get(job.run_id)
        if process is not None:
            if process.poll() is None:
                return True
            del self._started[job.run_id]
            return False
        pid, started = json.loads(handle)
        return process_tree.runs((int(pid), str(started)))

    def cancel(self, job: Job, folder: Path, handle: str) -> None:
        """See ``Launcher``."""
        with suppress(ValueError):
            pid, started = json.loads(handle)
            process_tree.end(job.run_id, [(int(pid), str(started))], grace_s=0, note=lambda _line: None)
        process_tree.end(job.run_id, grace_s=0, note=lambda _line: None)

    def logs(self, job: Job, folder: Path, handle: str) -> str:
        """See ``Launcher``."""
        with suppress(OSError), (folder / "supervisor.log").open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_LIMIT))
            return file.read().decode("utf-8", "replace")
        return ""


def start_detached(
    command: Sequence[str],
    folder: Path,
    log: Path,
    variables: Mapping[str, str] | None = None,
    *,
    is_spoken_with: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a process of Milepost's own, in a session of its own: no terminal's or notebook's end takes it along.

    It carries the mark of no job (``variables`` may give it one): what a script starts for others outlives the
    script.  ``is_spoken_with``: standard input and output are pipes to it.  Raises OSError.
    """
    own = {**os.environ, jobs.MARK: "", **(variables or {})}
    for name in list(own):
        if name.startswith("AZUREML_"):
            del own[name]  # or it would record into the run that its starter is
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - this interpreter, with arguments of our own
            [sys.executable, *command],
            cwd=folder,
            env=own,
            stdin=subprocess.PIPE if is_spoken_with else subprocess.DEVNULL,
            stdout=subprocess.PIPE if is_spoken_with else output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
        )
