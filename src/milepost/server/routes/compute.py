"""``/compute`` and ``/queue``: the pools, and the submitted runs that are on their way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

from fastapi import APIRouter, Query

from milepost.jobs.listing import ListedJob, listing
from milepost.server.here import Here, ThisWorkspace
from milepost.server.schemas.compute import Pool, Pools, Queue, QueuedRun
from milepost.server.times import utc
from milepost.store.records import RunQuery
from milepost.store.status import STATUSES, TERMINAL

if TYPE_CHECKING:
    from milepost.store.records import ComputeRecord

router = APIRouter(tags=["compute"])

LOCAL: Final = "local"
_BEGUN: Final = ("running", "ending")
_SHOWN: Final = 2000
"""Characters of a command line."""
_MOST_RUNS: Final = 10_000
"""Unended runs that are looked at where the jobs are on another machine."""

State = Literal["preparing", "waiting", "running", "ending"]


@router.get("/compute", summary="The pools")
def list_pools(here: ThisWorkspace) -> Pools:
    """This machine and the pools by name, each with how many runs are at work and waiting."""
    load: Counter[tuple[str, bool]] = Counter()
    for each in _on_their_way(here):
        load[each.target.lower(), each.state in _BEGUN] += 1
    local = Pool(
        name=LOCAL,
        kind=LOCAL,
        max_nodes=None,
        running=load[LOCAL, True],
        waiting=load[LOCAL, False],
        vm_size=None,
        description="This machine: runs that are sent here start at once.",
        tags={},
        created=None,
        updated=None,
    )
    return Pools(pools=[local, *(_pool(each, load) for each in here.store.computes())])


@router.get("/queue", summary="Submitted runs on their way")
def get_queue(
    here: ThisWorkspace,
    target: Annotated[str | None, Query(max_length=255, description="Only those of this pool, in any case.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> Queue:
    """The submitted runs that have not ended: those at work first, then those that wait, each in their order."""
    places: Counter[str] = Counter()
    found: list[QueuedRun] = []
    for each in _on_their_way(here):
        pool = each.target.lower()
        position = None
        if each.state not in _BEGUN and pool != LOCAL:
            places[pool] += 1
            position = places[pool]
        if target is None or pool == target.lower():
            found.append(_queued(each, position))
    return Queue(runs=found[:limit], total=len(found))


def _on_their_way(here: Here) -> list[ListedJob]:
    """The submitted runs that have not ended: as their folders tell it, or the store where these are elsewhere."""
    if here.folder is not None:
        return listing(here.folder)
    query = RunQuery(statuses=tuple(sorted(STATUSES - TERMINAL)), archived=None, descending=False, limit=_MOST_RUNS)
    found = [
        ListedJob(
            run.run_id,
            run.experiment,
            run.target,
            _state_of(run.status),
            run.created_ns,
            1,
            "",
        )
        for run in here.store.all_runs(query)
        if run.target
    ]
    order = ("ending", "running", "waiting", "preparing")
    return sorted(found, key=lambda each: order.index(each.state))


def _state_of(status: str) -> State:
    if status in ("CancelRequested", "Finalizing"):
        return "ending"
    if status == "Running":
        return "running"
    return "waiting" if status == "Queued" else "preparing"


def _pool(record: ComputeRecord, load: Counter[tuple[str, bool]]) -> Pool:
    definition = record.definition
    nodes = definition.get("max_nodes")
    tags = definition.get("tags")
    return Pool(
        name=record.name,
        kind=record.kind,
        max_nodes=nodes if type(nodes) is int else None,
        running=load[record.name.lower(), True],
        waiting=load[record.name.lower(), False],
        vm_size=_text(definition.get("vm_size")),
        description=_text(definition.get("description")),
        tags={str(key): str(value) for key, value in tags.items()} if isinstance(tags, dict) else {},
        created=utc(record.created_ns),
        updated=utc(record.updated_ns),
    )


def _queued(job: ListedJob, position: int | None) -> QueuedRun:
    return QueuedRun(
        run_id=job.run_id,
        experiment=job.experiment,
        target=job.target,
        state=cast("State", job.state),
        position=position,
        submitted=utc(job.submitted_ns),
        nodes=job.nodes,
        what=job.what[:_SHOWN],
    )


def _text(found: Any) -> str | None:
    return str(found) if found else None
