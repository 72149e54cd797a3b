"""``/runs``: pages of runs by filter and order, what they have, groups of them, and one run."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from milepost.server.errors import Problem
from milepost.server.etag import etag_of, is_known, unchanged
from milepost.server.here import Here, TheseSettings, ThisWorkspace
from milepost.server.limits import MAX_NAME
from milepost.server.run_fields import FilterRoute, columns_of, field_of, order_of
from milepost.server.run_rows import plain_json, row_facts, run_rows, shown
from milepost.server.schemas.runs import (
    ColumnsAnswer,
    GroupAnswer,
    GroupsAnswer,
    NameCount,
    RunChanges,
    RunDetail,
    RunPage,
)
from milepost.store.errors import NotFound
from milepost.store.filters import MAX_CHARACTERS
from milepost.store.records import RunQuery
from milepost.store.run_columns import run_columns
from milepost.store.run_groups import RunGroup, run_groups
from milepost.store.run_values import child_counts, parameters_of
from milepost.store.runs import count_runs
from milepost.store.texts import fit_name

router = APIRouter(tags=["runs"], route_class=FilterRoute)

RunId = Annotated[str, Path(min_length=1, max_length=MAX_NAME, description="The run's id.")]
Experiment = Annotated[str | None, Query(max_length=MAX_NAME, description="Only runs of this experiment.")]
Filter = Annotated[
    str | None, Query(max_length=MAX_CHARACTERS, description='Such as metrics.mse < 0.3 and tags.stage = "prod".')
]
Children = Annotated[bool, Query(description="Child runs, too.")]
Archived = Annotated[bool, Query(description="The archived runs instead of the active ones.")]
Parent = Annotated[str | None, Query(max_length=MAX_NAME, description="Only the direct children of this run.")]

MAX_COUNTED: Final = 1_000_000
SETTLE_S: Final = 30.0
_GIT: Final = ("repository_uri", "branch", "commit", "dirty")
_DOCUMENTS: Final = ("definition", "environment", "packages", "machine")


@router.get("/runs", summary="A page of runs")
def list_runs(
    here: ThisWorkspace,
    experiment: Experiment = None,
    filter: Filter = None,
    order_by: Annotated[
        str,
        Query(
            max_length=MAX_NAME + 20,
            description="created, number, status, name, experiment, target, type, submitted_by, started, ended, "
            "duration, metrics.NAME, min(metrics.NAME), max(metrics.NAME), tags.NAME, properties.NAME or params.NAME. "
            "Runs without the value come last.",
        ),
    ] = "created",
    descending: bool = True,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=20_000, description="From next_cursor of the same query.")] = None,
    columns: Annotated[
        str, Query(max_length=20_000, description="What to give of each run: metrics.mse,tags.stage,params.alpha.")
    ] = "",
    children: Children = False,
    archived: Archived = False,
    parent: Parent = None,
    count: Annotated[bool, Query(description="Also how many there are, up to a million.")] = False,
) -> RunPage:
    """Runs in any order, filtered, by pages.  Runs that are made meanwhile come into no page twice."""
    query = _of(experiment, filter, children, archived, parent, order_by=order_of(order_by), descending=descending)
    asked = columns_of(columns)
    page = here.store.runs(replace(query, limit=limit, cursor=cursor))
    total = count_runs(here.store, query, MAX_COUNTED) if count else None
    return RunPage(
        runs=run_rows(here.store, page.runs, asked),
        next_cursor=page.next_cursor,
        total=total,
        total_is_exact=total is not None and total < MAX_COUNTED,
    )


@router.get("/runs/columns", summary="The metrics, tags, properties and parameters that runs have")
def list_columns(
    here: ThisWorkspace,
    experiment: Experiment = None,
    filter: Filter = None,
    children: Children = True,
    archived: Archived = False,
    parent: Parent = None,
) -> ColumnsAnswer:
    """The names that the newest 5,000 runs have, the most frequent first."""
    found = run_columns(here.store, _of(experiment, filter, children, archived, parent))
    names = {
        kind: [NameCount(name=name, count=count) for name, count in counts.items()]
        for kind, counts in found.names.items()
    }
    return ColumnsAnswer(**names, runs=found.runs, whole=found.whole)


@router.get("/runs/groups", summary="Runs in groups by a tag, a parameter or a field")
def list_groups(
    here: ThisWorkspace,
    by: Annotated[str, Query(min_length=1, max_length=MAX_NAME + 20, description="tags.stage, params.alpha, status")],
    experiment: Experiment = None,
    filter: Filter = None,
    metric: Annotated[str | None, Query(max_length=MAX_NAME, description="The name of a metric to compare by.")] = None,
    best: Annotated[Literal["min", "max"], Query(description="Which value of the metric is the best.")] = "min",
    children: Children = False,
    archived: Archived = False,
    parent: Parent = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> GroupsAnswer:
    """How many runs have each value, in which statuses, and how the metric's last values do there."""
    query = _of(experiment, filter, children, archived, parent)
    found = run_groups(here.store, query, field_of(by), (metric or "").removeprefix("metrics.") or None)
    return GroupsAnswer(groups=[_group(each, best) for each in found[:limit]], total=len(found))


@router.get("/runs/{run_id}", summary="A run", response_model=RunDetail)
def get_run(here: ThisWorkspace, run_id: RunId, request: Request, response: Response) -> RunDetail | Response:
    """All that is known of a run but its metrics, its files and its logs."""
    answer = _detail(here, run_id)
    etag = etag_of(answer.model_dump())
    if is_known(request, etag):
        return unchanged(etag)
    response.headers["ETag"] = etag
    return answer


@router.patch("/runs/{run_id}", summary="Name, describe, tag, archive or restore a run")
def change_run(here: ThisWorkspace, settings: TheseSettings, run_id: RunId, changes: RunChanges) -> RunDetail:
    """What is given is changed, the rest stays.  An empty name or description takes it away."""
    if settings.read_only:
        raise Problem(403, "this server only shows; it changes nothing", code="read_only")
    run_id = here.store.run(run_id).run_id
    both = sorted(set(changes.set_tags) & set(changes.remove_tags))
    if both:
        raise Problem(422, f"the tag {both[0][:100]!r} is to be set and removed at once")
    described: dict[str, Any] = {
        name: getattr(changes, name) or None
        for name in ("display_name", "description")
        if name in changes.model_fields_set
    }
    said = False
    if described:
        here.record.say(run_id, "describe", described)
        said = True
    if changes.set_tags or changes.remove_tags:
        here.record.say(run_id, "tags", {"set": dict(changes.set_tags), "remove": list(changes.remove_tags)})
        said = True
    if changes.archived is not None:
        here.store.archive_run(run_id, changes.archived)
    if said and not here.record.settle(SETTLE_S):
        raise Problem(503, "it was noted, and will be done as soon as the store can be written again")
    return _detail(here, run_id)


def _of(
    experiment: str | None, text: str | None, children: bool, archived: bool, parent: str | None, **order: Any
) -> RunQuery:
    return RunQuery(
        experiment=experiment,
        filter=text,
        include_children=children or parent is not None,
        archived=archived,
        parent_id=parent,
        **order,
    )


def _group(group: RunGroup, best: str) -> GroupAnswer:
    return GroupAnswer(
        value=shown(group.value),
        count=group.count,
        best=shown(group.min if best == "min" else group.max),
        min=shown(group.min),
        max=shown(group.max),
        mean=shown(group.mean),
        statuses=group.statuses,
    )


def _detail(here: Here, run_id: str) -> RunDetail:
    store = here.store
    record = store.run(run_id)
    documents = store.documents(record.run_id)
    children = child_counts(store, [record.run_id]).get(record.run_id, 0)
    git = {
        name.removesuffix("_uri"): record.properties[f"azureml.git.{name}"]
        for name in _GIT
        if record.properties.get(f"azureml.git.{name}")
    }
    return RunDetail(
        **row_facts(record, children),
        values={},
        display_name=record.display_name,
        description=record.description,
        root_id=record.root_id,
        experiment_id=record.experiment_id,
        properties=record.properties,
        params=parameters_of(store, [record.run_id])[record.run_id],
        error=plain_json(record.error),
        warnings=plain_json(record.warnings),
        **{name: plain_json(documents.get(name)) for name in _DOCUMENTS},
        git=git or None,
        snapshots=[each.id for each in store.snapshots(record.run_id)],
        documents=sorted(documents),
        parent=_parent(here, record.parent_id),
        children_total=children,
    )


def _parent(here: Here, parent_id: str | None) -> Any:
    if parent_id is None:
        return None
    try:
        return run_rows(here.store, [here.store.run(fit_name(parent_id))], {})[0]
    except NotFound:  # it may have been deleted, or never been
        return None
