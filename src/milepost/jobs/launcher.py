"""How a run's supervisor comes to a machine.

An agent decides when a job's turn is; a launcher puts its supervisor to work somewhere, and the supervisor does the
rest wherever it is: files, processes, logs, the record.  This machine is one such place (`local_launcher`); a cluster
(Slurm, Ray) is one that starts ``milepost``'s supervisor by its own means and knows whether it is still there.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from milepost.jobs.job import Job


class Launcher(Protocol):
    """One way to run supervisors."""

    def launch(self, job: Job, folder: Path) -> str:
        """Start the job's supervisor, detached from this process; give its handle, a text that outlives the agent.

        Raises LaunchFailed.
        """
        ...

    def poll(self, job: Job, folder: Path, handle: str) -> bool:
        """Whether the supervisor of that handle is there (or about to be)."""
        ...

    def cancel(self, job: Job, folder: Path, handle: str) -> None:
        """End all that is left of the job by force.  Called when its supervisor is gone or does not answer."""
        ...

    def logs(self, job: Job, folder: Path, handle: str) -> str:
        """The end of what the supervisor itself has printed, to explain its death; empty where there is nothing."""
        ...


class LaunchFailed(Exception):
    """A supervisor could not be started."""
