"""What Milepost's own processes begin with; not for use by hand.

An agent sees to a workspace's submitted runs, a supervisor does one of them (a sweep's is its controller), a preparer
builds the environment of one, a fork server becomes supervisors.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from milepost.sdk import own_process


def entry(kind: str, workspace: Path) -> list[str]:
    """The arguments for this interpreter that become such a process; a run's id may follow."""
    return own_process.command(__name__, kind, str(workspace))


def main(arguments: Sequence[str] | None = None) -> None:
    """Be the process that the arguments ask for."""
    kind, folder, *rest = sys.argv[1:] if arguments is None else arguments
    if kind == "agent":
        own_process.leave_parent()
    # A terminal's end is not ours, and a run is ended by asking for it (jobs/job.py).
    own_process.pass_over("SIGHUP", "SIGINT", *(["SIGTERM"] if kind == "supervise" else []))
    processes: dict[str, Callable[..., None]] = {
        "agent": _agent,
        "supervise": _supervise,
        "fork": _fork,
        "prepare": _prepare,
    }
    processes[kind](Path(folder), *rest)
    own_process.end()


def _agent(workspace: Path) -> None:
    from milepost.jobs.agent import IDLE_S, Agent, serve
    from milepost.jobs.local_launcher import LocalLauncher
    from milepost.sdk.recording.job_record import job_record
    from milepost.sdk.workspaces.home import home

    record = job_record(workspace)
    record.listen()
    launcher = LocalLauncher(entry("supervise", workspace), entry("fork", workspace))
    idle_s = float(os.environ.get("MILEPOST_AGENT_IDLE") or IDLE_S)
    serve(Agent(workspace, home(), record, launcher, entry("prepare", workspace)), idle_s)
    launcher.close()
    record.close()


def _fork(workspace: Path) -> None:
    from milepost.jobs import fork_server
    from milepost.sdk.workspaces.home import read_workspace

    with own_process.no_threads():
        _load(is_on_server=read_workspace(workspace).server is not None)
    run_id = fork_server.serve(workspace)
    if run_id is not None:
        own_process.pass_over("SIGTERM")
        _supervise(workspace, run_id)


_LOADED: Final = (
    "ctypes.util",
    "psutil",
    "pynvml",
    "sqlite3",
    "milepost.jobs.machine",
    "milepost.jobs.package_memory",
    "milepost.jobs.sampling",
    "milepost.jobs.supervisor",
    "milepost.journal.recovery",
    "milepost.sdk.recording.batches",
    "milepost.sdk.recording.job_record",
    "milepost.sdk.recording.refused",
    "milepost.store.drafts",
    "milepost.store.local_blobs",
    "milepost.store.store",
)
"""All that supervisors load; none of it opens anything."""


def _load(*, is_on_server: bool) -> None:
    for name in _LOADED:
        import_module(name)
    if is_on_server:
        import_module("milepost.sdk.recording.server_store")


def _supervise(workspace: Path, run_id: str) -> None:
    from milepost.sdk.recording.job_record import job_record
    from milepost.sdk.workspaces.home import home

    record = job_record(workspace)
    if _is_sweep(workspace, run_id):
        from milepost.sweeps.controller import control

        control(workspace, run_id, record, lambda: ensure_agent(workspace))
    else:
        from milepost.jobs.supervisor import supervise

        supervise(workspace, home(), run_id, record)
    record.close()
    ensure_agent(workspace)


def _is_sweep(workspace: Path, run_id: str) -> bool:
    from milepost.jobs.job import job_folder, read_job

    try:
        return read_job(job_folder(workspace, run_id)).sweep is not None
    except (OSError, ValueError):
        return False  # it has ended, or the supervisor says why it cannot be read


def _prepare(workspace: Path, run_id: str) -> None:
    from milepost.jobs.preparing import prepare_job
    from milepost.sdk.workspaces.home import home

    prepare_job(workspace, home(), run_id)


def ensure_agent(workspace: Path) -> bool:
    """Start the workspace's agent where it has runs on their way and nobody sees to them."""
    from milepost.jobs import agent_start

    try:
        return agent_start.ensure_agent(workspace, entry("agent", workspace))
    except OSError as error:
        if os.environ.get("MILEPOST_DEBUG"):
            raise
        from milepost.warning import warn

        warn(f"Milepost could not start the process that sees to the submitted runs: {error}")
        return False
