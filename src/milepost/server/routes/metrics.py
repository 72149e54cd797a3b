"""``/runs/{run_id}/metrics`` and ``/metrics/series``: summaries, values, and lines as charts want them."""

from __future__ import annotations

import threading
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Response

from milepost.server import series_format
from milepost.server.here import ThisWorkspace
from milepost.server.kept import METRICS, KeptRoute, shows
from milepost.server.limits import MAX_NAME
from milepost.server.metric_entries import metric_entry, values_page
from milepost.server.problem import Problem
from milepost.server.roles import READER, needs
from milepost.server.schemas import metrics
from milepost.server.schemas.metrics import MAX_ANSWER_POINTS, MetricList, SeriesRequest, ValuesPage
from milepost.store.lines import LineMemory
from milepost.store.metric_pages import metric_page
from milepost.store.windows import Axis, Wanted, windows

router = APIRouter(tags=["metrics"], route_class=KeptRoute)

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
@shows(METRICS)
def list_metrics(
    here: ThisWorkspace,
    run_id: RunId,
    namespace: Namespace = "",
    search: Annotated[str, Query(max_length=500, description="A part of the name, in any case of letters.")] = "",
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=5000)] = 5000,
) -> Response:
    """What is known of each metric without its points, in the order in which they were first logged."""
    here.store.run(run_id)
    page = metric_page(here.store, run_id, namespace, search=search, offset=offset, limit=limit)
    answer = MetricList(metrics=[metric_entry(each) for each in page.metrics], total=page.total)
    return Response(answer.model_dump_json(), media_type="application/json")


@router.post(
    "/metrics/series",
    summary="Lines of many runs and metrics",
    response_class=Response,
    responses=SERIES,
    **needs(READER),
)
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
@shows(METRICS)
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
    return values_page(here.store, run_id, name, namespace, kind, offset, limit)
