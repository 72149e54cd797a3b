"""``/runs/actions``: archive, restore, delete, cancel, tag and untag many runs at once."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, BackgroundTasks

from milepost.server.here import Here, TheseSettings, ThisWorkspace
from milepost.server.on_their_way import busy, cancel, held_by
from milepost.server.problem import Problem
from milepost.server.schemas.actions import ActionAnswer, ActionRequest, NotDone
from milepost.store.deletion import delete_runs
from milepost.store.errors import BadInput, Conflict, NotFound
from milepost.store.records import RunQuery, RunRecord
from milepost.store.runs import archive_runs
from milepost.store.status import TERMINAL

router = APIRouter(tags=["runs"])

SETTLE_S: Final = 30.0
"""How long it is waited until the store has what was said."""


@router.post("/runs/actions", summary="Archive, restore, delete, cancel, tag or untag runs")
def act_on_runs(
    here: ThisWorkspace, settings: TheseSettings, wanted: ActionRequest, later: BackgroundTasks
) -> ActionAnswer:
    """What can be done is done; the rest is told, each run with its reason."""
    if settings.read_only:
        raise Problem(403, "this server only shows; it changes nothing", code="read_only")
    if wanted.action in ("tag", "untag") and not wanted.tags:
        raise Problem(422, f"to {wanted.action} needs tags")
    known = {
        run.run_id: run for run in here.store.all_runs(RunQuery(run_ids=tuple(set(wanted.run_ids)), archived=None))
    }
    held = held_by(here) if wanted.action == "delete" else {}
    done: list[str] = []
    failed: list[NotDone] = []
    for run_id in dict.fromkeys(wanted.run_ids):
        try:
            if run_id not in known:
                raise NotFound(f"there is no run {run_id!r} in workspace {here.name}")
            if run_id in held:
                raise busy(held[run_id])
            _act(here, wanted, known[run_id])
        except (NotFound, BadInput, Conflict) as error:
            failed.append(NotDone(run_id=run_id, message=str(error)))
        except Problem as error:
            failed.append(NotDone(run_id=run_id, message=error.message))
        else:
            done.append(run_id)
    if wanted.action in ("archive", "restore"):
        archive_runs(here.store, done, wanted.action == "archive")
    elif wanted.action == "delete":
        delete_runs(here.store, done)
        if done:
            here.note("run.delete", done[0] if len(done) == 1 else f"{len(done)} runs", runs=done)
    if wanted.action in ("cancel", "tag", "untag") and done and not here.record.settle(SETTLE_S):
        raise Problem(503, "it was noted, and will be done as soon as the store can be written again")
    if wanted.action == "delete" and done:
        later.add_task(here.record.free_space)
    return ActionAnswer(done=done, failed=failed)


def _act(here: Here, wanted: ActionRequest, run: RunRecord) -> None:
    """What is done to each run by itself; runs are archived and deleted all at once."""
    if wanted.action == "tag":
        here.record.say(run.run_id, "tags", {"set": dict(wanted.tags)})
    elif wanted.action == "untag":
        here.record.say(run.run_id, "tags", {"remove": list(wanted.tags)})
    elif wanted.action == "cancel":
        if run.status in TERMINAL:
            raise Conflict(f"run {run.run_id} has ended already: {run.status}")
        cancel(here, run)
