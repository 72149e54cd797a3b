"""Submitted runs that have processes: they are ended by asking for it, and nothing under them is deleted."""

from __future__ import annotations

from milepost.jobs.ending import ask_below
from milepost.jobs.job import Request, ask, has_jobs, job_folder
from milepost.jobs.listing import listing
from milepost.server.here import Here
from milepost.server.problem import Problem
from milepost.store.errors import NotFound
from milepost.store.records import ExperimentRecord, RunQuery, RunRecord
from milepost.store.status import CANCELED, end_elsewhere

_DEEPEST = 100


def held_by(here: Here) -> dict[str, str]:
    """Id of a run that is on its way, or is above one -> id of that one: nobody would see to its processes."""
    held: dict[str, str] = {}
    if here.folder is None:
        return held
    for job in listing(here.folder):
        run_id: str | None = job.run_id
        for _ in range(_DEEPEST):
            if run_id is None or run_id in held:
                break
            held[run_id] = job.run_id
            try:
                run_id = here.store.run(run_id).parent_id
            except NotFound:
                break
    return held


def check_none(here: Here, experiment: ExperimentRecord) -> None:
    """Raises Problem where a run of an experiment is on its way, or is above one that is."""
    if here.folder is None:
        return
    for job in listing(here.folder):
        if job.experiment == experiment.name:  # the store may not have it yet
            raise busy(job.run_id)
    held = held_by(here)
    above = here.store.all_runs(RunQuery(run_ids=tuple(held), archived=None)) if held else ()
    for run in above:
        if run.experiment_id == experiment.id:
            raise busy(held[run.run_id])


def busy(run_id: str) -> Problem:
    """What keeps a run from being deleted: one that is on its way."""
    return Problem(409, f"nothing was deleted: run {run_id} is on its way; cancel it first")


def cancel(here: Here, run: RunRecord) -> None:
    """Cancel a run that has not ended, and the submitted ones below it.

    The processes of a submitted run are ended: here, or by the machine that does it, which sees that it is
    CancelRequested.  One that records by itself is marked as Canceled and goes on.
    """
    if here.folder is not None and has_jobs(here.folder):
        folder = job_folder(here.folder, run.run_id)
        if folder.is_dir() and ask(folder, Request(CANCELED, None)):
            here.record.say(run.run_id, "status", {"status": "CancelRequested"})
            ask_below(here.folder, here.store, run.run_id)
            here.places.ensure_agent()
            return
    status = CANCELED if here.folder is not None else end_elsewhere(run.status, run.type)
    here.record.say(run.run_id, "status", {"status": status})
