"""What is on its way in a workspace, as people want to see it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from milepost.jobs import job as jobs


@dataclass(frozen=True)
class ListedJob:
    """A run that is on its way.  ``state``: preparing, waiting, running, or ending (asked to end)."""

    run_id: str
    experiment: str
    target: str
    state: str
    submitted_ns: int
    nodes: int
    what: str
    """The script or command with its arguments."""


def listing(workspace: Path) -> list[ListedJob]:
    """All jobs of the workspace in that folder: those at work first, then those that wait, each in their order."""
    found = []
    for folder in jobs.job_folders(workspace):
        with suppress(OSError, ValueError):  # it has just ended
            job = jobs.read_job(folder)
            command = job.command or [str(job.script), *job.arguments]
            found.append(
                ListedJob(
                    job.run_id,
                    job.experiment,
                    job.target,
                    _state(folder),
                    job.submitted_ns,
                    job.node_count,
                    command if isinstance(command, str) else " ".join(map(str, command)),
                )
            )
    order = ("ending", "running", "waiting", "preparing")
    return sorted(found, key=lambda each: (order.index(each.state), each.submitted_ns, each.run_id))


def _state(folder: Path) -> str:
    if (folder / "request.json").exists():
        return "ending"
    if (folder / "launched.json").exists():
        return "running"
    return "waiting" if (folder / "prepared.json").exists() else "preparing"
