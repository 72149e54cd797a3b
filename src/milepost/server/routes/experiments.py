"""``/experiments``."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, BackgroundTasks, Path, Query

from milepost.server.here import Here, ThisWorkspace
from milepost.server.limits import MAX_NAME
from milepost.server.nearest import near
from milepost.server.on_their_way import check_none
from milepost.server.problem import Problem
from milepost.server.schemas.experiments import (
    ExperimentAnswer,
    ExperimentChanges,
    ExperimentDeleted,
    ExperimentsAnswer,
)
from milepost.server.times import maybe_utc, utc
from milepost.store.errors import NotFound
from milepost.store.experiment_statuses import Activity, experiment_statuses
from milepost.store.records import ExperimentRecord

router = APIRouter(tags=["experiments"])

ExperimentName = Annotated[str, Path(min_length=1, max_length=MAX_NAME, description="The experiment's name.")]


Order = Literal["created", "name", "runs", "last_run", "last_activity"]


@router.get("/experiments", summary="The experiments")
def list_experiments(
    here: ThisWorkspace,
    view: Annotated[Literal["active", "archived", "all"], Query(description="Which of them.")] = "active",
    search: Annotated[str, Query(max_length=200, description="Text in the name, the description or the tags.")] = "",
    order_by: Annotated[Order, Query(description="What they are sorted by; those without it come last.")] = "created",
    descending: bool = True,
    limit: Annotated[int, Query(ge=1, le=10_000, description="The most that are given.")] = 1000,
) -> ExperimentsAnswer:
    """Experiments, newest first unless asked otherwise, with their runs counted by status, and the last times."""
    found = here.store.experiments(view)
    if search:
        wanted = search.casefold()
        found = [each for each in found if wanted in _searched(each)]
    activity = experiment_statuses(here.store)
    found = _sorted(found, activity, order_by, descending)
    shown = [_answer(each, activity) for each in found[:limit]]
    return ExperimentsAnswer(experiments=shown, total=len(found))


@router.get("/experiments/{name:path}", summary="An experiment")
def get_experiment(here: ThisWorkspace, name: ExperimentName) -> ExperimentAnswer:
    """The experiment of this name."""
    return _answer(_found(here, name), experiment_statuses(here.store, name))


@router.patch("/experiments/{name:path}", summary="Describe, tag, archive or restore an experiment")
def change_experiment(here: ThisWorkspace, name: ExperimentName, changes: ExperimentChanges) -> ExperimentAnswer:
    """What is given is changed, the rest stays."""
    _found(here, name)
    changed = here.store.update_experiment(
        name,
        archived=changes.archived,
        description=changes.description,
        set_tags=changes.set_tags,
        remove_tags=changes.remove_tags,
    )
    return _answer(changed, experiment_statuses(here.store, name))


@router.delete("/experiments/{name:path}", summary="Delete an experiment with all its runs")
def delete_experiment(here: ThisWorkspace, name: ExperimentName, later: BackgroundTasks) -> ExperimentDeleted:
    """Gone for good, with the runs' metrics and files.  Refused while a submitted run of it is on its way."""
    found = _found(here, name)
    check_none(here, found)
    deleted = here.store.delete_experiment(found.id)
    here.note("experiment.delete", found.name)
    later.add_task(here.record.free_space)
    return ExperimentDeleted(deleted_runs=deleted)


def _found(here: Here, name: str) -> ExperimentRecord:
    try:
        return here.store.experiment(name)
    except NotFound as error:
        names = [each.name for each in here.store.experiments("all")]
        raise Problem(404, f"{error}{near(name, names)}") from error


def _searched(record: ExperimentRecord) -> str:
    tags = [text for pair in record.tags.items() for text in pair if text]
    return "\n".join([record.name, record.description, *tags]).casefold()


def _sorted(
    found: list[ExperimentRecord], activity: dict[str, Activity], order: Order, descending: bool
) -> list[ExperimentRecord]:
    def value(each: ExperimentRecord) -> tuple[str, int]:
        if order == "name":
            return each.name.casefold(), 0
        if order == "last_activity":
            return "", activity.get(each.id, _NONE).last_ns
        if order == "last_run":
            return "", each.last_run_ns or 0
        return "", each.run_count if order == "runs" else each.created_ns

    # They come newest first, and a sort keeps that order among equals.
    ordered = sorted(found, key=value, reverse=descending)
    return sorted(ordered, key=lambda each: order.startswith("last") and each.last_run_ns is None)


_NONE: Final = Activity()


def _answer(record: ExperimentRecord, activity: dict[str, Activity]) -> ExperimentAnswer:
    known = activity.get(record.id, _NONE)
    return ExperimentAnswer(
        name=record.name,
        id=record.id,
        created=utc(record.created_ns),
        archived=maybe_utc(record.archived_ns),
        description=record.description,
        tags=record.tags,
        run_count=record.run_count,
        last_run=maybe_utc(record.last_run_ns),
        last_activity=maybe_utc(known.last_ns or None),
        statuses=known.statuses,
    )
