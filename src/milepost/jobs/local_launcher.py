"""Supervisors on this machine: processes that nobody's end takes along."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from milepost.jobs import job as jobs
from milepost.jobs import process_tree
from milepost.jobs.job import Job
from milepost.jobs.launcher import LaunchFailed

_LOG_LIMIT = 1 << 20


class LocalLauncher:
    """Starts supervisors as processes of this machine.

    ``entry``: the command that becomes a supervisor when the run's id is added to it.
    """

    def __init__(self, entry: Sequence[str]) -> None:
        self._entry = list(entry)
        self._started: dict[str, subprocess.Popen[bytes]] = {}

    def launch(self, job: Job, folder: Path) -> str:
        """See ``Launcher``.  The handle is the process's id with what tells it from a later one of the same id."""
        try:
            process = start_detached([*self._entry, job.run_id], folder.parent.parent, folder / "supervisor.log")
        except OSError as error:
            raise LaunchFailed(f"the run's supervisor could not be started: {error.strerror or error}") from error
        self._started[job.run_id] = process
        return json.dumps([process.pid, process_tree.started(process.pid) or ""])

    def poll(self, job: Job, folder: Path, handle: str) -> bool:
        """See ``Launcher``."""
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
    command: Sequence[str], folder: Path, log: Path, variables: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a process of Milepost's own, in a session of its own: no terminal's or notebook's end takes it along.

    It carries the mark of no job (``variables`` may give it one): what a script starts for others outlives the
    script.  Raises OSError.
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
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            close_fds=True,
        )
