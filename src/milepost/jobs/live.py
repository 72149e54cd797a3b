"""What the processes of a run have printed so far, while it is on its way."""

from __future__ import annotations

from pathlib import Path

from milepost.jobs.job import LOG_FOLDER, job_folder
from milepost.jobs.plain_files import opened_in, sizes

_BEGIN = f"{LOG_FOLDER}/"


def live_logs(workspace: Path, run_id: str) -> dict[str, int]:
    """The logs that grow: name -> bytes just now.  Empty where the run has ended, or is on another machine."""
    try:
        found = sizes(job_folder(workspace, run_id) / LOG_FOLDER)
    except OSError:
        return {}
    return {f"{_BEGIN}{name}": found[name] for name in sorted(found)}


def read_live(workspace: Path, run_id: str, name: str, start: int, limit: int) -> bytes | None:
    """The bytes of a growing log from ``start``, at most ``limit``; None where it does not grow (any more)."""
    if not name.startswith(_BEGIN):
        return None
    try:
        with opened_in(job_folder(workspace, run_id) / LOG_FOLDER, name[len(_BEGIN) :]) as file:
            file.seek(start)
            return file.read(limit)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
