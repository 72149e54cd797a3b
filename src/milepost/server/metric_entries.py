"""What the API tells of metrics: the one that is meant by a name, what is known of it, its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from milepost.server.cells import cell, is_cut
from milepost.server.nearest import near
from milepost.server.problem import Problem
from milepost.server.schemas.metrics import Cell, MetricEntry, ValuesPage
from milepost.server.times import maybe_utc, utc
from milepost.store.batch import TABLE
from milepost.store.metric_pages import metric_page
from milepost.store.points import cells

if TYPE_CHECKING:
    from collections.abc import Collection

    from milepost.store.records import MetricSummary
    from milepost.store.store import Store


MAX_COLUMNS: Final = 500
"""Of a table, that are told."""
MAX_DESCRIPTION: Final = 2000


def metric_entry(metric: MetricSummary) -> MetricEntry:
    """What is known of a metric."""
    return MetricEntry(
        name=metric.name,
        kind=metric.kind,
        description=metric.description[:MAX_DESCRIPTION],
        namespace=metric.namespace,
        count=metric.count,
        calls=metric.calls,
        first=cell(metric.first),
        last=cell(metric.last),
        min=_number(metric.min),
        max=_number(metric.max),
        nan_count=metric.nan_count,
        first_step=metric.first_step,
        last_step=metric.last_step,
        first_time=maybe_utc(metric.first_ns),
        last_time=maybe_utc(metric.last_ns),
        columns=list(metric.columns[:MAX_COLUMNS]),
        is_list=metric.is_list,
    )


def _number(value: float | None) -> float | str | None:
    # As a text where JSON has no such number; large floats stay numbers.
    found = cell(value)
    return found if isinstance(found, str | float) or found is None else float(found)


def summary_of(
    store: Store, run_id: str, name: str, namespace: str, kinds: Collection[str] | None = None
) -> MetricSummary:
    """The first metric of that name and one of these kinds.  Raises NotFound for the run, and Problem."""
    store.run(run_id)
    found = store.metric_summaries([run_id], [name], namespace)
    for each in found:
        if kinds is None or each.kind in kinds:
            return each
    if found:
        others = ", ".join(dict.fromkeys(each.kind for each in found))
        raise Problem(404, f"metric {name!r} of run {run_id} is of kind {others}, not {' or '.join(kinds or ())}")
    names = (each.name for each in metric_page(store, run_id, namespace).metrics)
    raise Problem(404, f"run {run_id} has no metric {name!r}{near(name, names)}")


def values_page(
    store: Store, run_id: str, name: str, namespace: str, kind: str | None, offset: int, limit: int
) -> ValuesPage:
    """Values of a series one by one, in the order of logging.  Raises NotFound and Problem."""
    metric = summary_of(store, run_id, name, namespace, [kind] if kind is not None else None)
    if metric.kind == TABLE:
        raise Problem(400, f"metric {name!r} of run {run_id} is a table: its rows are at /runs/{run_id}/tables")
    points = store.metric_points(run_id, name, namespace, metric.kind, offset, offset + limit)
    values = [] if "" not in points.columns else cells(points.columns[""])
    listed: list[Cell] = [cell(value) for value in values]
    return ValuesPage(
        name=metric.name,
        kind=metric.kind,
        total=metric.count,
        offset=offset,
        steps=[_step(step) for step in points.steps.tolist()],
        times=[utc(time) for time in points.times.tolist()],
        values=listed,
        cut=sum(map(is_cut, values)),
    )


def _step(step: int) -> int | str:
    found = cell(step)
    return found if isinstance(found, int | str) else int(step)
