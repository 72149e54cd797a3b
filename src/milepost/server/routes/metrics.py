"""``/runs/{run_id}/metrics`` and ``/metrics/series``: summaries, values, and lines as charts want them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from milepost.server import series_format
from milepost.server.cells import cell, is_cut
from milepost.server.errors import Problem
from milepost.server.etag import etag_of, is_known, unchanged
from milepost.server.here import Here, ThisWorkspace
from milepost.server.limits import MAX_NAME
from milepost.server.nearest import near
from milepost.server.schemas import metrics
from milepost.server.schemas.metrics import (
    MAX_ANSWER_POINTS,
    Cell,
    MetricEntry,
    MetricList,
    SeriesRequest,
    ValuesPage,
)
from milepost.server.times import maybe_utc, utc
from milepost.store.batch import TABLE
from milepost.store.lines import LineMemory
from milepost.store.metric_pages import metric_page, metrics_version
from milepost.store.points import cells
from milepost.store.windows import Axis, Wanted, windows

if TYPE_CHECKING:
    from collections.abc import Collection

    from milepost.store.records import MetricSummary

router = APIRouter(tags=["metrics"])

RunId = Annotated[str, Path(max_length=512, description="The run's id.")]
MetricName = Annotated[str, Path(max_length=MAX_NAME, description="The metric's name.")]
Namespace = Annotated[metrics.Namespace, Query(description='"system" for what was sampled of the machine.')]
Offset = Annotated[int, Query(ge=0, le=2**40)]

_MEMORY: Final = LineMemory(256 << 20)
"""Shared by all workspaces of this process: its bound is the machine's."""
_READING: Final = threading.BoundedSemaphore(3)
"""Requests that read lines at once.  Each holds up to some hundred MB of points while it does."""
_PATIENCE_S: Final = 20.0

SERIES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {series_format.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/runs/{run_id}/metrics", summary="The metrics of a run", response_model=MetricList)
def list_metrics(
    here: ThisWorkspace,
    request: Request,
    run_id: RunId,
    namespace: Namespace = "",
    search: Annotated[str, Query(max_length=500, description="A part of the name, in any case of letters.")] = "",
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 5000,
) -> Response | MetricList:
    """What is known of each metric without its points, in the order in which they were first logged."""
    run = here.store.run(run_id)
    version = metrics_version(here.store, run_id, namespace)
    etag = etag_of(run.run_id, run.created_ns, namespace, search, offset, limit, version)
    if is_known(request, etag):
        return unchanged(etag)
    page = metric_page(here.store, run_id, namespace, search=search, offset=offset, limit=limit)
    answer = MetricList(metrics=[_entry(each) for each in page.metrics], total=page.total)
    headers = {"Cache-Control": "private, no-cache"}
    if page.version == version:
        headers["ETag"] = etag
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")


def _entry(metric: MetricSummary) -> MetricEntry:
    return MetricEntry(
        name=metric.name,
        kind=metric.kind,
        description=metric.description,
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
        columns=list(metric.columns),
        is_list=metric.is_list,
    )


def _number(value: float | None) -> float | str | None:
    # As a text where JSON has no such number; large floats stay numbers.
    found = cell(value)
    return found if isinstance(found, str | float) or found is None else float(found)


@router.post("/metrics/series", summary="Lines of many runs and metrics", response_class=Response, responses=SERIES)
def get_series(here: ThisWorkspace, wanted: SeriesRequest) -> Response:
    """The points of up to 500 lines in a window, as bytes.

    A line with more points than asked for is thinned out, and comes with a band that none of its values is outside
    of.  `u32 magic 0x3153504D | u32 length | JSON {x, series: [{run_id, name, column, count, total, exact, offset,
    band_offset, nan, plus_infinity, minus_infinity, reordered, problem}]} | zeros up to a multiple of 8 | numbers`,
    little-endian; for each series float64 x[count], y[count], and where it is not exact min[count], max[count].
    Offsets count from the first of the numbers.  NaN is a gap.
    """
    if len(wanted.series) * wanted.points > MAX_ANSWER_POINTS:
        raise Problem(
            413,
            f"{len(wanted.series)} series of up to {wanted.points:,} points are more than the {MAX_ANSWER_POINTS:,} "
            "points that one answer may have; ask for fewer points or series",
        )
    if wanted.begin is not None and wanted.end is not None and wanted.begin > wanted.end:
        raise Problem(400, "the window ends before it begins: from must not be above to")
    lines = [Wanted(each.run_id, each.name, each.namespace, each.column, each.x_column) for each in wanted.series]
    axis = Axis(wanted.x, wanted.begin, wanted.end)
    if not _READING.acquire(timeout=_PATIENCE_S):
        raise Problem(503, "too many charts are being read just now; try again", code="busy")
    try:
        found = {
            place: series_format.series_of(window, wanted.points)
            for place, window in windows(here.store, lines, axis, _MEMORY)
        }
    finally:
        _READING.release()
    body = b"".join(series_format.encode([found[place] for place in range(len(lines))], wanted.x))
    return Response(body, media_type=series_format.MEDIA_TYPE, headers={"Cache-Control": "no-store"})


@router.get("/runs/{run_id}/metrics/{name:path}/values", summary="The values of a metric one by one")
def get_values(
    here: ThisWorkspace,
    run_id: RunId,
    name: MetricName,
    namespace: Namespace = "",
    kind: Annotated[str | None, Query(max_length=100, description="Where one name has several.")] = None,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> ValuesPage:
    """What a series holds, whatever its type, in the order of logging."""
    metric = summary_of(here, run_id, name, namespace, [kind] if kind is not None else None)
    if metric.kind == TABLE:
        raise Problem(400, f"metric {name!r} of run {run_id} is a table: its rows are at /runs/{run_id}/tables")
    points = here.store.metric_points(run_id, name, namespace, metric.kind, offset, offset + limit)
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


def summary_of(
    here: Here, run_id: str, name: str, namespace: str, kinds: Collection[str] | None = None
) -> MetricSummary:
    """The first metric of that name and one of these kinds.  Raises NotFound for the run, and Problem."""
    here.store.run(run_id)
    found = here.store.metric_summaries([run_id], [name], namespace)
    for each in found:
        if kinds is None or each.kind in kinds:
            return each
    if found:
        others = ", ".join(dict.fromkeys(each.kind for each in found))
        raise Problem(404, f"metric {name!r} of run {run_id} is of kind {others}, not {' or '.join(kinds or ())}")
    names = (each.name for each in metric_page(here.store, run_id, namespace).metrics)
    raise Problem(404, f"run {run_id} has no metric {name!r}{near(name, names)}")
