"""Submit a run: a snapshot, a job for the workspace's agent, and the word that there is a run."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk import links
from milepost.sdk.exceptions import SnapshotException, UserErrorException
from milepost.sdk.recording.recorder import translated
from milepost.sdk.runs.run import SCRIPT_RUN, _user
from milepost.sdk.runs.run_snapshots import origin, sentence, snapshot_event, take_folder
from milepost.sdk.tags import check_tags
from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.jobs.job import Job
    from milepost.sdk.runs.script_run import ScriptRun
    from milepost.sdk.submitting.job_request import JobRequest
    from milepost.sdk.workspaces.experiment import Experiment
    from milepost.sdk.workspaces.workspace import Workspace


def submit(
    experiment: Experiment,
    config: Any,
    tags: Mapping[str, str | None] | None,
    *,
    parent_id: str | None = None,
    display_name: str | None = None,
    run_id: str | None = None,
) -> ScriptRun:
    """Submit what ``config`` describes and give its run at once; the workspace's agent does the rest.

    Raises UserErrorException, SnapshotException, ComputeTargetException, and WorkspaceException where its server says
    that it is not there.
    """
    facts = _Facts(experiment, check_tags(tags or {}), parent_id, display_name, run_id or new_run_id(experiment.name))
    return start_job(experiment, _asked_for(config, facts))


def child_job(experiment: Experiment, config: Any, parent_id: str) -> Job:
    """The job that ``config`` asks for, as one of a run that has many such; a snapshot is taken.

    Raises as ``submit`` does.
    """
    return _asked_for(config, _Facts(experiment, {}, parent_id, None, parent_id))


def source_of(job: Job) -> dict[str, str]:
    """Where the code of a job comes from, as the properties of its run tell it."""
    return next(dict(data["properties"]) for kind, data in job.events if kind == "run")


def check_new(workspace: Workspace, run_id: str) -> None:
    """Raises UserErrorException where there is a run of that id already."""
    from milepost.store.errors import NotFound

    store = workspace._recorder.fresh()
    with translated(), suppress(NotFound):
        store.run(run_id)
        raise UserErrorException(f"There is a run {run_id!r} already; the id that is given must be a new one.")


def _asked_for(config: Any, facts: _Facts) -> Job:
    from milepost.sdk.submitting.job_request import job_request

    workspace = facts.experiment.workspace
    _check_writable(workspace)
    request = job_request(config, workspace)
    notes = [*request.warnings, *_notes(request)]
    for message in notes:
        warn(f"Milepost: {message}", stacklevel=5)
    _check_nodes(workspace, request)
    return _job(request, facts, notes)


def _check_writable(workspace: Workspace) -> None:
    """Ask a server whether runs may be submitted: the script would run, and its record would never arrive.

    A server that cannot be reached is no trouble.  Raises WorkspaceException, AuthenticationException.
    """
    if workspace._place.server is None:
        return
    from milepost.sdk.recording.server_store import check_writable

    check_writable(workspace._place, "submit runs")


def _check_nodes(workspace: Workspace, request: JobRequest) -> None:
    if request.target == "local":
        return
    store = workspace._recorder.fresh()
    with translated():
        nodes = int(store.compute(request.target).definition.get("max_nodes") or 1)
    if request.node_count > nodes:
        raise UserErrorException(
            f"The run asks for {request.node_count} nodes, and the compute target {request.target!r} has {nodes} at "
            "most. Ask for fewer, or let the target grow with its update(max_nodes=...)."
        )


def _notes(request: JobRequest) -> list[str]:
    """What of the environment has no effect here."""
    from milepost.jobs import environments
    from milepost.jobs.environments import EnvironmentFailed

    try:
        return [sentence(note) for note in environments.notes(request.environment)]
    except EnvironmentFailed:
        return []  # the run says it, with its build log


def start_job(experiment: Experiment, job: Job) -> ScriptRun:
    """Hand a job to the workspace's agent and give its run.  Raises UserErrorException where that cannot be done."""
    from milepost.sdk.runs.script_run import ScriptRun

    hand_over(experiment, job)
    return ScriptRun._known(experiment, job.run_id)


def hand_over(experiment: Experiment, job: Job) -> None:
    """Hand a job to the workspace's agent.  Raises UserErrorException where that cannot be done."""
    from milepost.jobs.job import write_job
    from milepost.sdk.job_process import ensure_agent

    recorder = experiment.workspace._recorder
    try:
        # Before anything is said of the run: if this process is killed now, the agent says it.
        write_job(recorder.folder, job, dict(os.environ))
    except OSError as error:
        raise UserErrorException(
            f"The run could not be submitted: {recorder.folder / 'jobs'} cannot be written "
            f"({error.strerror or error}). Check the rights and the space on the disk."
        ) from error
    for kind, data in job.events:
        recorder.writer.event(kind, job.run_id, data)
    ensure_agent(recorder.folder)


def new_run_id(experiment: str) -> str:
    """The id of a new submitted run, as Azure spells them."""
    return f"{experiment}_{int(time.time())}_{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class _Facts:
    """What is said of a run beside what is to be run."""

    experiment: Experiment
    tags: Mapping[str, str | None]
    parent_id: str | None
    display_name: str | None
    run_id: str


def _job(request: JobRequest, facts: _Facts, notes: list[str]) -> Job:
    from milepost.jobs.job import Job
    from milepost.jobs.snapshots import SnapshotRefused

    experiment, folder = facts.experiment, request.source_directory
    recorder = experiment.workspace._recorder
    try:
        with translated():
            taken = take_folder(recorder, folder)
    except SnapshotRefused as error:
        raise SnapshotException(str(error)) from error
    properties, further = origin(taken.id, folder)
    properties["_azureml.ComputeTargetType"] = "local" if request.target == "local" else "amlcompute"
    events: list[tuple[str, dict[str, Any]]] = [
        run_event(
            experiment.name, request.target, facts.display_name, facts.tags, properties, parent_id=facts.parent_id
        ),
        snapshot_event(taken),
        _document("definition", request.definition),
        _document("environment", request.environment),
        *further,
    ]
    events += [("warning", {"message": message}) for message in (*notes, *taken.left_out)]
    job = Job(
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
        portal=links.portal_base(recorder),
        node_count=request.node_count,
        processes_per_node=request.processes_per_node,
        framework=request.framework,
        communicator=request.communicator,
        parameter_servers=request.parameter_servers,
        max_run_duration_seconds=request.max_run_duration_seconds,
        watched=request.watched if request.output_collection else [],
        events=events,
    )
    events.append(_document("job", {"manifest": job.manifest, **{name: getattr(job, name) for name in _AGAIN}}))
    return job


def rerun(workspace: Workspace, run_id: str, *, display_name: str | None = None) -> ScriptRun:
    """Submit a run again: the same snapshot, environment, arguments and compute target.

    It carries the tag ``rerun_of``.  Raises ServiceException (404), UserErrorException for a run that was not
    submitted.
    """
    from milepost.jobs.job import Job
    from milepost.sdk.workspaces.experiment import Experiment

    _check_writable(workspace)
    recorder = workspace._recorder
    record = recorder.run(run_id)
    store = recorder.fresh()
    with translated():
        documents, kept = store.documents(run_id), store.snapshots(run_id)
    if record.type != SCRIPT_RUN or "job" not in documents or not kept:
        raise UserErrorException(
            f"Run {run_id} cannot be run again: only submitted runs keep what was run. Start its script anew."
        )
    again = new_run_id(record.experiment)
    # That which the job names: somebody may have given the run others since.
    first = next((each for each in kept if each.manifest == documents["job"].get("manifest")), None)
    if first is None:
        raise UserErrorException(
            f"Run {run_id} cannot be run again: the snapshot that it ran from is not kept. Start its script anew."
        )
    events: list[tuple[str, dict[str, Any]]] = [
        run_event(
            record.experiment,
            record.target,
            display_name or record.display_name,
            {**record.tags, "rerun_of": run_id},
            record.properties,
        ),
        ("snapshot", {"id": first.id, "manifest": first.manifest, "files": first.files, "bytes": first.bytes}),
        *(
            _document(name, documents[name])
            for name in ("definition", "environment", "git_diff", "job")
            if name in documents
        ),
    ]
    job = Job(
        run_id=again,
        experiment=record.experiment,
        workspace=workspace.name,
        workspace_id=recorder.workspace_id,
        submitted_ns=time.time_ns(),
        manifest=first.manifest,
        portal=links.portal_base(recorder),
        events=events,
        **{name: documents["job"][name] for name in _AGAIN},
    )
    return start_job(Experiment._known(workspace, record.experiment), job)


_AGAIN: Final = (
    "target",
    "script",
    "arguments",
    "command",
    "environment",
    "environment_variables",
    "submitter",
    "node_count",
    "processes_per_node",
    "framework",
    "communicator",
    "parameter_servers",
    "max_run_duration_seconds",
    "watched",
)
"""What of a job is kept with its run, so that it can be run again."""


def run_event(
    experiment: str,
    target: str | None,
    display_name: str | None,
    tags: Mapping[str, str | None],
    properties: Mapping[str, str],
    *,
    parent_id: str | None = None,
    kind: str = SCRIPT_RUN,
) -> tuple[str, dict[str, Any]]:
    """That there is a submitted run of that type."""
    return "run", {
        "experiment": experiment,
        "type": kind,
        "status": "Preparing",
        "display_name": display_name,
        "parent_id": parent_id,
        "target": target,
        "submitted_by": _user(),
        "tags": dict(tags),
        "properties": dict(properties),
    }


def _document(name: str, content: Any) -> tuple[str, dict[str, Any]]:
    return "document", {"name": name, "content": content}
