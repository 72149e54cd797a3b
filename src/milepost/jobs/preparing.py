"""Build the environment of one job, with what the building prints in the job's folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

from milepost.jobs import environments
from milepost.jobs import job as jobs
from milepost.jobs.environments import EnvironmentFailed
from milepost.jobs.working_directory import write_working_directory
from milepost.store.blobs import open_blobs


def prepare_job(workspace: Path, home: Path, run_id: str) -> None:
    """Leave ``prepared.json`` or ``refused.json`` in the job's folder, and the log beside."""
    folder = jobs.job_folder(workspace, run_id)
    with suppress(FileNotFoundError):  # the job was taken away meanwhile
        job = jobs.read_job(folder)
        with (folder / jobs.BUILD_LOG).open("a", encoding="utf-8", errors="backslashreplace", buffering=1) as log:
            try:
                found = environments.prepare(
                    job.environment,
                    cache=environments.cache_folder(home),
                    submitter=job.submitter,
                    # What requirements name by relative paths is in the snapshot.
                    folder=write_working_directory(job, folder, open_blobs(str(workspace / "blobs"))),
                    log=_into(log),
                )
            except EnvironmentFailed as error:
                refused = {"code": "EnvironmentFailed", "message": str(error), "details": ""}
                log.write(f"{error}\n")
                jobs.write_json(folder / "refused.json", refused)
            except Exception as error:
                message = f"The environment could not be built: {type(error).__name__}: {error}"
                log.write(f"{message}\n")
                jobs.write_json(
                    folder / "refused.json", {"code": "EnvironmentFailed", "message": message, "details": ""}
                )
            else:
                jobs.write_json(folder / "prepared.json", asdict(found))


def _into(log: IO[str]) -> Callable[[str], None]:
    def write(line: str) -> None:
        log.write(line if line.endswith("\n") else line + "\n")

    return write
