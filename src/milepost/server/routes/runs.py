"""``/runs``: pages of runs by filter and order, what they have, groups of them, and one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from milepost.server.filter_route import FilterRoute
from milepost.server.here import TheseSettings, ThisWorkspace
from milepost.server.kept import RUN, shows
from milepost.server.limits import MAX_NAME
from milepost.server.problem import Problem
from milepost.server.run_csv import CSV, FACTS, deliver_csv
from milepost.server.run_detail import run_detail
from milepost.server.run_fields import columns_of, field_of, listed, names_of, order_of
from milepost.server.run_rows import MAX_TAGS, run_rows, shown
from milepost.server.schemas.runs import (
    ColumnsAnswer,
    GroupAnswer,
    GroupsAnswer,
    NameCount,
    RunChanges,
    RunDetail,
    RunPage,
    SpreadAnswer,
)
from milepost.store.filters import MAX_CHARACTERS, Field
from milepost.store.records import RunQuery
from milepost.store.run_columns import run_columns
from milepost.store.run_groups import RunGroup, run_groups
from milepost.store.run_pages import count_runs

router = APIRouter(tags=["runs"], route_class=FilterRoute)

RunId = Annotated[str, Path(min_length=1, max_length=MAX_NAME, description="The run's id.")]
Experiment = Annotated[str | None, Query(max_length=MAX_NAME, description="Only runs of this experiment.")]
Filter = Annotated[
    str | None, Query(max_length=MAX_CHARACTERS, description='Such as metrics.mse < 0.3 and tags.stage = "prod".')
]
Children = Annotated[bool, Query(description="Child runs, too.")]
Archived = Annotated[bool, Query(description="The archived runs instead of the active ones.")]
Parent = Annotated[str | None, Query(max_length=MAX_NAME, description="Only the direct children of this run.")]

Order = Annotated[
    str,
    Query(
        max_length=MAX_NAME + 20,
        description="created, number, status, name, experiment, target, type, submitted_by, started, ended, "
        "duration, run_id, children, metrics.NAME, min(metrics.NAME), max(metrics.NAME), tags.NAME, properties.NAME "
        "or params.NAME. Runs without the value come last.",
    ),
]

MAX_COMPARED: Final = 20
MAX_COUNTED: Final = 1_000_000
SETTLE_S: Final = 30.0


@router.get("/runs", summary="A page of runs")
def list_runs(
    here: ThisWorkspace,
    experiment: Experiment = None,
    filter: Filter = None,
    order_by: Order = "created",
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
    page = here.store.runs(replace(query, limit=limit, cursor=cursor, most_pairs=MAX_TAGS))
    total = count_runs(here.store, query, MAX_COUNTED) if count else None
    return RunPage(
        runs=run_rows(here.store, page.runs, asked),
        next_cursor=page.next_cursor,
        total=total,
        total_is_exact=total is not None and total < MAX_COUNTED,
    )


@router.get("/runs/csv", summary="All runs of a query as CSV", response_class=Response, responses=CSV)
def get_csv(
    here: ThisWorkspace,
    experiment: Experiment = None,
    filter: Filter = None,
    order_by: Order = "created",
    descending: bool = True,
    columns: Annotated[
        str,
        Query(
            max_length=20_000,
            description=f"What to give besides number, name and id: {', '.join(FACTS)}, metrics.mse, tags.stage.",
        ),
    ] = "status,created,duration",
    children: Children = False,
    archived: Archived = False,
    parent: Parent = None,
) -> Response:
    """One row a run, as a table program reads it: texts that it would take for formulas begin with an apostrophe."""
    names = names_of(columns)
    asked = columns_of(",".join(listed(name) for name in names if name not in FACTS))
    query = _of(experiment, filter, children, archived, parent, order_by=order_of(order_by), descending=descending)
    return deliver_csv(here.store, query, names, asked, experiment)


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
    columns: Annotated[
        str, Query(max_length=20_000, description="Metrics to compare by: metrics.mse,min(metrics.loss); up to 20.")
    ] = "",
    children: Children = False,
    archived: Archived = False,
    parent: Parent = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> GroupsAnswer:
    """How many runs have each value, in which statuses, and how metrics do there."""
    query = _of(experiment, filter, children, archived, parent)
    asked = columns_of(columns)
    if len(asked) > MAX_COMPARED:
        raise Problem(422, f"columns: {len(asked)} are asked for; groups are compared by up to {MAX_COMPARED}")
    found = run_groups(here.store, query, field_of(by), list(asked.values()), most=limit)
    return GroupsAnswer(groups=[_group(each, asked) for each in found.groups], total=found.total)


@router.get("/runs/{run_id}", summary="A run")
@shows(RUN)
def get_run(here: ThisWorkspace, run_id: RunId) -> RunDetail:
    """All that is known of a run but its metrics, its files and its logs."""
    return run_detail(here.store, run_id)


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
    return run_detail(here.store, run_id)


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


def _group(group: RunGroup, columns: Mapping[str, Field]) -> GroupAnswer:
    return GroupAnswer(
        value=shown(group.value),
        count=group.count,
        statuses=group.statuses,
        values={
            name: SpreadAnswer(
                numbers=spread.numbers, min=shown(spread.min), max=shown(spread.max), mean=shown(spread.mean)
            )
            for name, field in columns.items()
            if (spread := group.spreads.get(field)) is not None
        },
    )
