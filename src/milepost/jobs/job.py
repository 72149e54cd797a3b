"""A submitted run on its way: what is to be run, and the folder that holds all that is known of it until it has ended.

``WORKSPACE/jobs/RUN_ID/`` appears whole (it is made elsewhere and moved into place) and goes as a whole.  In it:

- ``job.json``: what is to be run (`Job`); ``variables.json``: the variables of the submitting process;
- ``prepared.json``: the interpreter, once the environment is there; or ``refused.json``: why there is none;
- ``launched.json``: what the launcher calls it; ``started.json``: the script may have begun, and ``roots.json`` with
  which processes;
- ``supervisor.lock``: held by the supervisor while it lives;
- ``request.json``: that it is to be ended (`Request`);
- ``work/``: the working directory; ``azureml-logs/``: what the processes print, growing.

Which of these files are there is all the state there is: an agent that starts anew goes on from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Final

from milepost.jobs import process_tree
from milepost.jobs.bell import ring
from milepost.jobs.plain_files import whole
from milepost.jobs.removal import remove_tree

DRIVER_LOG: Final = "azureml-logs/70_driver_log.txt"
"""What the script prints, by the name that it has among the run's files."""
BUILD_LOG: Final = "azureml-logs/20_image_build_log.txt"
"""What the building of the environment prints."""
LOG_FOLDER: Final = "azureml-logs"
MARK: Final = process_tree.JOB_VARIABLE
"""The variable that every process of a job has; its value is the run's id."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,119}", re.ASCII)
_DONE: Final = ".done-"
_DRAFT: Final = ".new-"


@dataclass(frozen=True)
class Job:
    """What is to be run, where, and what has been said of it so far."""

    run_id: str
    experiment: str
    workspace: str
    workspace_id: str
    target: str
    """"local", or the name of a pool."""
    submitted_ns: int
    script: str | None
    arguments: list[str]
    command: list[str] | str | None
    """Runs in place of script and arguments; a text is for the shell."""
    environment: dict[str, Any]
    """The environment's definition, in Azure's own shape."""
    environment_variables: dict[str, str]
    submitter: str
    """Path of the Python interpreter that submitted."""
    manifest: str
    """Digest of the snapshot's manifest."""
    portal: str = ""
    node_count: int = 1
    processes_per_node: int = 1
    framework: str = "Python"
    communicator: str = "None"
    parameter_servers: int = 0
    max_run_duration_seconds: float | None = None
    watched: list[str] = field(default_factory=lambda: ["outputs", "logs"])
    """Folders of the working directory whose files are kept."""
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What the submitting process says of the run.  The agent says it again: that process may have died."""
    sweep: dict[str, Any] | None = None
    """Of a sweep: what it is to do (``milepost.sweeps``).  It has a controller in place of a supervisor."""


@dataclass(frozen=True)
class Request:
    """That a run is to be ended: ``status`` is Canceled or Failed, ``error`` why."""

    status: str
    error: dict[str, str] | None
    inside: bool = False
    """Asked for by the run itself, which may be about to end anyway."""


def jobs_folder(workspace: Path) -> Path:
    """Where the jobs of the workspace in that folder are."""
    return workspace / "jobs"


def job_folder(workspace: Path, run_id: str) -> Path:
    """The job's folder; it is there until the run has ended and all of it is stored."""
    name = run_id if _PLAIN.fullmatch(run_id) else hashlib.sha256(run_id.encode("utf-8", "surrogatepass")).hexdigest()
    return jobs_folder(workspace) / name


def write_job(workspace: Path, job: Job, variables: dict[str, str]) -> Path:
    """Make the job's folder, whole; give its path.  Raises OSError."""
    target = job_folder(workspace, job.run_id)
    draft = target.parent / f"{_DRAFT}{uuid.uuid4().hex}"
    draft.mkdir(parents=True, mode=0o700)  # the variables of a process may be secrets
    try:
        (draft / LOG_FOLDER).mkdir()
        write_json(draft / "variables.json", variables)
        write_json(draft / "job.json", asdict(job))
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    ring(target.parent)
    return target


def read_job(folder: Path) -> Job:
    """The job in a folder.  Raises OSError, ValueError."""
    place = folder / "job.json"
    try:
        found = json.loads(whole(place))
        found["events"] = [(kind, data) for kind, data in found["events"]]
        job = Job(**found)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{place} was written by another version of Milepost ({error})") from error
    named = [(name, kinds) for names, kinds in _KINDS.items() for name in names.split()]
    wrong = [name for name, kinds in named if not isinstance(getattr(job, name), kinds)]
    if wrong:
        raise ValueError(f"{place} was changed, or written by another version of Milepost ({', '.join(wrong)})")
    return job


_KINDS: Final[dict[str, type | UnionType]] = {
    "run_id experiment workspace workspace_id target submitter manifest portal framework communicator": str,
    "submitted_ns node_count processes_per_node parameter_servers": int,
    "arguments watched": list,
    "environment environment_variables": dict,
    "script": str | None,
    "command": list | str | None,
    "sweep": dict | None,
}


def has_jobs(workspace: Path) -> bool:
    """Whether any run of the workspace is on its way."""
    return next(job_folders(workspace), None) is not None


def job_folders(workspace: Path) -> Iterator[Path]:
    """The folders of all jobs."""
    with suppress(FileNotFoundError), os.scandir(jobs_folder(workspace)) as found:
        for entry in found:
            if not entry.name.startswith(".") and entry.is_dir():
                yield Path(entry.path)


def remove_job(folder: Path) -> None:
    """Take a job away.  A removal that is interrupted leaves no half job."""
    gone = folder.parent / f"{_DONE}{uuid.uuid4().hex}"
    with suppress(OSError):
        folder.rename(gone)
        ring(folder.parent)
        remove_tree(gone)


def tidy(workspace: Path, older_than_s: float, now_s: float) -> None:
    """Remove what interrupted removals and submissions have left."""
    with suppress(FileNotFoundError), os.scandir(jobs_folder(workspace)) as found:
        for entry in found:
            with suppress(OSError):
                old = now_s - entry.stat().st_mtime > older_than_s
                if entry.name.startswith(_DONE) or (entry.name.startswith(_DRAFT) and old):
                    remove_tree(Path(entry.path))


def ask(folder: Path, request: Request) -> bool:
    """Ask for a job's end; False where the job is gone.  The first who asks is heard."""
    draft = folder / f"request.{uuid.uuid4().hex}"
    try:
        write_json(draft, asdict(request))
        if asked(folder) is None:
            draft.replace(folder / "request.json")
            ring(folder.parent)
        else:
            draft.unlink()
    except OSError:
        return folder.is_dir()
    return True


def asked(folder: Path) -> Request | None:
    """What was asked of a job, if anything.  What a script may have written in its place is passed over."""
    found = read_json(folder / "request.json")
    try:
        request = Request(**found)
    except TypeError:
        return None
    error = request.error
    plain = error is None or (isinstance(error, dict) and all(isinstance(each, str) for each in error.values()))
    return request if request.status in ("Canceled", "Failed") and plain else None


def write_json(path: Path, content: Any) -> None:
    """Write a file for this user alone; whoever reads it sees all of it or none.  Raises OSError."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            json.dump(content, file)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def read_json(path: Path) -> Any:
    """What a file holds; None where there is none, or where it cannot be read."""
    try:
        return json.loads(whole(path).decode("utf-8", "surrogateescape"))
    except (OSError, ValueError, RecursionError):
        return None
