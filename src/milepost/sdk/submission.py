"""Submit a run: a snapshot, a job for the workspace's agent, and the word that there is a run."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from milepost.sdk import links
from milepost.sdk.exceptions import SnapshotException, UserErrorException
from milepost.sdk.recorder import translated
from milepost.sdk.run import SCRIPT_RUN, _user
from milepost.sdk.tags import check_tags
from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.jobs.job import Job
    from milepost.sdk.experiment import Experiment
    from milepost.sdk.script_run import ScriptRun
    from milepost.sdk.script_run_config import JobRequest

def submit(
    experiment: Experiment,
    config: Any,
    tags: Mapping[str, str] | None,
    *,
    parent_id: str | None = None,
    display_name: str | None = None,
    run_id: str | None = None,
) -> ScriptRun:
    """Submit what ``config`` describes and give its run at once; the workspace's agent does the rest.

    Raises UserErrorException, SnapshotException, ComputeTargetException.
    """
    from milepost.sdk.script_run_config import job_request

    request = job_request(config, experiment.workspace)
    for message in request.warnings:
        warn(f"Milepost: {message}", stacklevel=4)
    facts = _Facts(experiment, tags, parent_id, display_name, run_id or new_run_id(experiment.name))
    return start_job(experiment, _job(request, facts))


def start_job(experiment: Experiment, job: Job) -> ScriptRun:
    """Hand a job to the workspace's agent and give its run.  Raises UserErrorException where that cannot be done."""
    from milepost.jobs.job import write_job
    from milepost.sdk.job_process import ensure_agent
    from milepost.sdk.script_run import ScriptRun

    recorder = experiment.workspace._recorder
    try:
        # Before anything is said of the run: if this process is killed now, the agent says it.
        write_job(recorder.folder, job, dict(os.environ))
    except OSError as error:
        raise UserErrorException(
            f"The run could not be submitted: {recorder.folder / 'jobs'} cannot be written ({error.strerror or error}). "
            "Check the rights and the space on the disk."
        ) from error
    for kind, data in job.events:
        recorder.writer.event(kind, job.run_id, data)
    ensure_agent(recorder.folder)
    return ScriptRun._known(experiment, job.run_id)


def new_run_id(experiment: str) -> str:
    """The id of a new submitted run, as Azure spells them."""
    return f"{experiment}_{int(time.time())}_{uuid.uuid4().hex[:8]}"


class _Facts:
    """What is said of a run beside what is to be run."""

    def __init__(
        self,
        experiment: Experiment,
        tags: Mapping[str, str] | None,
        parent_id: str | None,
        display_name: str | None,
        run_id: str,
    ) -> None:
        self.experiment = experiment
        self.tags = check_tags(tags or {})
        self.parent_id = parent_id
        self.display_name = display_name
        self.run_id = run_id


def _job(request: JobRequest, facts: _Facts) -> Job:
    from milepost.jobs import git, snapshots
    from milepost.jobs.job import Job
    from milepost.jobs.snapshots import SnapshotRefused
    from milepost.store.blobs import open_blobs

    experiment, folder = facts.experiment, request.source_directory
    recorder = experiment.workspace._recorder
    blobs = open_blobs(str(recorder.folder / "blobs"), owner=recorder.workspace_id)
    try:
        with translated():
            taken = snapshots.take(folder, blobs, memory=_memory(recorder.folder, folder))
    except SnapshotRefused as error:
        raise SnapshotException(str(error)) from error
    kept = git.facts(folder)
    properties = {
        "_azureml.ComputeTargetType": "local" if request.target == "local" else "amlcompute",
        "ContentSnapshotId": taken.id,
        **({} if kept is None else kept.properties),
    }
    run = {
        "experiment": experiment.name,
        "type": SCRIPT_RUN,
        "status": "Preparing",
        "display_name": facts.display_name,
        "parent_id": facts.parent_id,
        "target": request.target,
        "submitted_by": _user(),
        "tags": facts.tags,
        "properties": properties,
    }
    events: list[tuple[str, dict[str, Any]]] = [
        ("run", run),
        (
            "snapshot",
            {"id": taken.id, "manifest": taken.manifest_digest, "files": taken.files, "bytes": taken.bytes},
        ),
        ("document", {"name": "definition", "content": request.definition}),
        ("document", {"name": "environment", "content": request.environment}),
    ]
    if kept is not None and kept.diff:
        events.append(("document", {"name": "git_diff", "content": kept.diff}))
    events += [("warning", {"message": message}) for message in (*request.warnings, *taken.left_out)]
    return Job(
        run_id=facts.run_id,
        experiment=experiment.name,
        workspace=experiment.workspace.name,
        workspace_id=recorder.workspace_id,
        target=request.target,
        submitted_ns=time.time_ns(),
        script=request.script,
        arguments=request.arguments,
        command=request.command,
        environment=request.environment,
        environment_variables=request.environment_variables,
        submitter=sys.executable,
        manifest=taken.manifest_digest,
        portal=links.portal_base(),
        node_count=request.node_count,
        processes_per_node=request.processes_per_node,
        framework=request.framework,
        communicator=request.communicator,
        parameter_servers=request.parameter_servers,
        max_run_duration_seconds=request.max_run_duration_seconds,
        watched=request.watched,
        events=events,
    )


def _memory(workspace: Path, source: Path) -> Path:
    """The file that remembers what the source folder's files were, so that the next submission need not read them."""
    import hashlib

    name = hashlib.sha256(os.fsencode(source.resolve())).hexdigest()[:32]
    return workspace / "snapshot-memory" / name
