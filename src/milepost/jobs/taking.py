"""A job is done by one process at a time: it holds the job's lock meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from milepost.jobs import job as jobs
from milepost.jobs.job import Job
from milepost.journal.lock import FileLock


@contextmanager
def taken(workspace: Path, run_id: str) -> Iterator[tuple[Path, Job] | None]:
    """The job and its folder, held; None where the job is gone or another process is at it.

    A block that comes to its end has done the job, which is removed then.  Raises ValueError for a job that cannot be
    read.
    """
    folder = jobs.job_folder(workspace, run_id)
    lock = FileLock(folder / "supervisor.lock")
    job = None
    try:
        if lock.acquire():
            job = jobs.read_job(folder)
    except OSError:
        job = None  # it has ended
    try:
        yield None if job is None else (folder, job)
        if job is not None:
            jobs.remove_job(folder)
    finally:
        if lock.held:
            lock.release()
