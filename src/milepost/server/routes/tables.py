"""``/runs/{run_id}/tables`` and ``/runs/{run_id}/structured``: tables page by page, and confusion matrices and kin."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from milepost.server.here import ThisWorkspace
from milepost.server.kept import FILES, METRICS, KeptRoute, shows
from milepost.server.routes.metrics import MetricName, Namespace, Offset, RunId
from milepost.server.schemas.metrics import TablePage
from milepost.server.tables import structured_value, table_page

router = APIRouter(tags=["metrics"], route_class=KeptRoute)


@router.get("/runs/{run_id}/tables/{name:path}", summary="Rows of a table")
@shows(METRICS)
def get_table(
    here: ThisWorkspace,
    run_id: RunId,
    name: MetricName,
    namespace: Namespace = "",
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> TablePage:
    """The rows of what log_row and log_table have logged, some at a time; cells that were not given are null.

    A table with very many columns gives fewer rows than asked for: a million cells at most.
    """
    return table_page(here.store, run_id, name, namespace, offset, limit)


@router.get(
    "/runs/{run_id}/structured/{name:path}",
    summary="A confusion matrix, accuracy table, residuals or predictions",
    response_class=JSONResponse,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
@shows(METRICS, FILES)
def get_structured(
    here: ThisWorkspace,
    run_id: RunId,
    name: MetricName,
    index: Annotated[int, Query(ge=-(2**31), lt=2**31, description="Which call; -1 is the last.")] = -1,
) -> Response:
    """The dict as it was logged; numbers that JSON has not are texts.  `X-Count` tells how many were logged."""
    value, count = structured_value(here.store, run_id, name, index)
    return JSONResponse(value, headers={"X-Count": str(count), "Cache-Control": "private, no-cache"})
