"""``/experiments``."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks, Path, Query

from milepost.server.errors import Problem
from milepost.server.here import Here, ThisWorkspace
from milepost.server.limits import MAX_NAME
from milepost.server.nearest import near
from milepost.server.on_their_way import check_none
from milepost.server.schemas.experiments import (
    ExperimentAnswer,
    ExperimentChanges,
    ExperimentDeleted,
    ExperimentsAnswer,
)
from milepost.server.times import maybe_utc, utc
from milepost.store.errors import NotFound
from milepost.store.experiment_statuses import experiment_statuses
from milepost.store.records import ExperimentRecord

router = APIRouter(tags=["experiments"])

ExperimentName = Annotated[str, Path(min_length=1, max_length=MAX_NAME, description="The experiment's name.")]


@router.get("/experiments", summary="The experiments, newest first")
def list_experiments(
    here: ThisWorkspace,
    view: Annotated[Literal["active", "archived", "all"], Query(description="Which of them.")] = "active",
    search: Annotated[str, Query(max_length=200, description="Text in the name, the description or the tags.")] = "",
    limit: Annotated[int, Query(ge=1, le=10_000, description="The most that are given.")] = 1000,
) -> ExperimentsAnswer:
    """Experiments with the number of their runs, by status, and when the last one was made."""
    found = here.store.experiments(view)
    if search:
        wanted = search.casefold()
        found = [each for each in found if wanted in _searched(each)]
    statuses = experiment_statuses(here.store)
    shown = [_answer(each, statuses) for each in found[:limit]]
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
    check_none(here, lambda run: run.experiment_id == found.id, experiment=found.name)
    deleted = here.store.delete_experiment(found.id)
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


def _answer(record: ExperimentRecord, statuses: dict[str, dict[str, int]]) -> ExperimentAnswer:
    return ExperimentAnswer(
        name=record.name,
        id=record.id,
        created=utc(record.created_ns),
        archived=maybe_utc(record.archived_ns),
        description=record.description,
        tags=record.tags,
        run_count=record.run_count,
        last_run=maybe_utc(record.last_run_ns),
        statuses=statuses.get(record.id, {}),
    )
