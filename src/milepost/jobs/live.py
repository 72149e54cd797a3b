"""What the processes of a run have printed so far, while it is on its way."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from milepost.jobs.job import LOG_FOLDER, job_folder


def live_logs(workspace: Path, run_id: str) -> dict[str, Path]:
    """The logs that grow: name -> file.  Empty where the run has ended, or is on another machine."""
    folder = job_folder(workspace, run_id) / LOG_FOLDER
    found = {}
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                found[f"{LOG_FOLDER}/{entry.name}"] = Path(entry.path)
    return dict(sorted(found.items()))


def read_live(workspace: Path, run_id: str, name: str, start: int, limit: int) -> bytes | None:
    """The bytes of a growing log from ``start``, at most ``limit``; None where it does not grow (any more)."""
    path = live_logs(workspace, run_id).get(name)
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            file.seek(start)
            return file.read(limit)
    except OSError:
        return None
