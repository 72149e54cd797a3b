"""The folder that a run's script works in: a fresh copy of its snapshot."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from milepost.jobs.job import Job
from milepost.store.blobs import Blobs
from milepost.store.errors import StoreError


class NoWorkingDirectory(Exception):
    """The snapshot's files could not be written."""


def write_working_directory(job: Job, folder: Path, blobs: Blobs) -> Path:
    """Make ``work/`` in the job's folder, unless it is there; give its path.  Raises NoWorkingDirectory."""
    from milepost.jobs.snapshots import manifest, write_tree

    work = folder / "work"
    if work.is_dir():
        return work
    draft = folder / f"work.{os.getpid()}"
    try:
        write_tree(blobs, manifest(blobs, job.manifest), draft)
        for name in ("outputs", "logs", *job.watched):  # scripts of the SDK write to these without making them
            with suppress(OSError):
                (draft / name).mkdir(parents=True, exist_ok=True)
        draft.rename(work)
    except (StoreError, OSError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        if work.is_dir():
            return work  # another process was quicker
        raise NoWorkingDirectory(f"the snapshot's files could not be written to {work}: {error}") from error
    return work
