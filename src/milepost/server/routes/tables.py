"""``/runs/{run_id}/tables`` and ``/runs/{run_id}/structured``: tables page by page, and confusion matrices and kin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse

from milepost.server.cells import cell, document, is_cut
from milepost.server.errors import Problem
from milepost.server.here import ThisWorkspace
from milepost.server.references import artifact_of
from milepost.server.routes.metrics import MetricName, Namespace, Offset, RunId, summary_of
from milepost.server.schemas.metrics import TablePage
from milepost.store.batch import ACCURACY_TABLE, CONFUSION_MATRIX, PREDICTIONS, RESIDUALS, TABLE
from milepost.store.points import cells
from milepost.store.texts import clean

if TYPE_CHECKING:
    from milepost.store.batch import Points

router = APIRouter(tags=["metrics"])

STRUCTURED: Final = (ACCURACY_TABLE, CONFUSION_MATRIX, RESIDUALS, PREDICTIONS)
_MAX_CELLS: Final = 1_000_000
_MAX_DOCUMENT_BYTES: Final = 32 << 20


@router.get("/runs/{run_id}/tables/{name:path}", summary="Rows of a table")
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
    metric = summary_of(here, run_id, name, namespace, [TABLE])
    limit = min(limit, max(1, _MAX_CELLS // max(1, len(metric.columns))))
    points = here.store.metric_points(run_id, name, namespace, TABLE, offset, offset + limit)
    columns = list(dict.fromkeys([*metric.columns, *points.columns]))
    listed = [_cells(points, column) for column in columns]
    return TablePage(
        name=metric.name,
        total=metric.count,
        offset=offset,
        columns=[clean(column) for column in columns],
        rows=[list(row) for row in zip(*([cell(value) for value in values] for values in listed), strict=True)],
        cut=sum(is_cut(value) for values in listed for value in values),
    )


def _cells(points: Points, column: str) -> list[Any]:
    return cells(points.columns[column]) if column in points.columns else [None] * len(points)


@router.get(
    "/runs/{run_id}/structured/{name:path}",
    summary="A confusion matrix, accuracy table, residuals or predictions",
    response_class=JSONResponse,
    responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
)
def get_structured(
    here: ThisWorkspace,
    run_id: RunId,
    name: MetricName,
    index: Annotated[int, Query(ge=-(2**31), lt=2**31, description="Which call; -1 is the last.")] = -1,
) -> Response:
    """The dict as it was logged; numbers that JSON has not are texts.  `X-Count` tells how many were logged."""
    metric = summary_of(here, run_id, name, "", STRUCTURED)
    place = index if index >= 0 else metric.count + index
    if not 0 <= place < metric.count:
        raise Problem(404, f"metric {name!r} of run {run_id} has {metric.count:,} values, none at index {index}")
    points = here.store.metric_points(run_id, name, "", metric.kind, place, place + 1)
    reference = cells(points.columns[""])[0] if "" in points.columns and len(points) else None
    artifact = artifact_of(reference, run_id)
    if artifact is None:
        raise Problem(404, f"metric {name!r} of run {run_id} names no file of this run")
    file = here.store.artifact(run_id, artifact)
    if file.size > _MAX_DOCUMENT_BYTES:
        raise Problem(413, f"{artifact} has {file.size:,} bytes, too many to show; download the file")
    try:
        value = document(json.loads(here.store.read_range(run_id, artifact, 0, file.size)))
    except (ValueError, RecursionError) as error:
        raise Problem(409, f"the file {artifact} of metric {name!r} is not what was logged: {error}") from error
    if not isinstance(value, dict):
        raise Problem(409, f"the file {artifact} of metric {name!r} is not what was logged: it holds no object")
    return JSONResponse(value, headers={"X-Count": str(metric.count), "Cache-Control": "private, no-cache"})
