"""Submitted runs that have processes: they are ended by asking for it, and nothing under them is deleted."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from milepost.jobs.ending import ask_below
from milepost.jobs.job import Request, ask, has_jobs, job_folder
from milepost.jobs.listing import listing
from milepost.server.errors import Problem
from milepost.server.here import Here
from milepost.store.errors import NotFound
from milepost.store.records import RunRecord
from milepost.store.status import CANCELED

_DEEPEST = 100


def check_none(here: Here, is_doomed: Callable[[RunRecord], bool], experiment: str | None = None) -> None:
    """Raises Problem where a run that is on its way, or one above it, is doomed: nobody would see to its processes.

    ``experiment``: all that is in it is doomed, runs that the store does not have yet among them.
    """
    if here.folder is None:
        return
    for job in listing(here.folder):
        if job.experiment == experiment:
            raise _busy(job.run_id)
        run_id: str | None = job.run_id
        for _ in range(_DEEPEST):
            if run_id is None:
                break
            with suppress(NotFound):
                record = here.store.run(run_id)
                if is_doomed(record):
                    raise _busy(job.run_id)
                run_id = record.parent_id
                continue
            break


def _busy(run_id: str) -> Problem:
    return Problem(409, f"nothing was deleted: run {run_id} is on its way; cancel it first")


def cancel(here: Here, run: RunRecord) -> None:
    """Cancel a run that has not ended, and the submitted ones below it.

    The processes of a submitted run are ended; one that records by itself is marked as Canceled and goes on.
    """
    if here.folder is not None and has_jobs(here.folder):
        folder = job_folder(here.folder, run.run_id)
        if folder.is_dir() and ask(folder, Request(CANCELED, None)):
            here.record.say(run.run_id, "status", {"status": "CancelRequested"})
            ask_below(here.folder, here.store, run.run_id)
            here.places.ensure_agent()
            return
    here.record.say(run.run_id, "status", {"status": CANCELED})
