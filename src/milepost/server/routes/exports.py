"""``/metrics/csv``: all points of a metric, to be saved."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from milepost.server.csv_export import metrics_as_csv
from milepost.server.delivery import disposition, safety_headers
from milepost.server.here import ThisWorkspace
from milepost.server.limits import MAX_NAME
from milepost.server.metric_entries import summary_of
from milepost.server.problem import Problem
from milepost.server.routes.metrics import Namespace
from milepost.store.batch import SERIES, TABLE

router = APIRouter(tags=["metrics"])

_MOST_RUNS: Final = 50
_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The points", "content": {"text/csv": {"schema": {"type": "string"}}}},
}
_ODD: Final = re.compile(r"[^\w. -]+")


@router.get("/metrics/csv", summary="All points of a metric as CSV", response_class=Response, responses=_ANSWER)
def get_metric_csv(
    here: ThisWorkspace,
    run_id: Annotated[list[str], Query(min_length=1, max_length=_MOST_RUNS, description="One run, or several.")],
    name: Annotated[str, Query(min_length=1, max_length=MAX_NAME, description="The metric's name.")],
    namespace: Namespace = "",
) -> Response:
    """Every point of a series or row of a table, exactly, in the order of logging; runs without it are left out.

    Columns are ``run_id`` (where several runs are asked for), ``step``, ``time`` (UTC) and ``value``, or those of the
    table.  Texts that begin like a formula get an apostrophe before them.
    """
    ids = list(dict.fromkeys(run_id))
    if len(ids) == 1:
        found = [summary_of(here.store, ids[0], name, namespace, [SERIES, TABLE])]
    else:
        for each in ids:
            here.store.run(each)
        kept = [m for m in here.store.metric_summaries(ids, [name], namespace) if m.kind in (SERIES, TABLE)]
        found = sorted((m for m in kept if m.kind == kept[0].kind), key=lambda m: ids.index(m.run_id))
    if not found:
        raise Problem(404, f"none of these {len(ids)} runs has a series or table {name[:100]!r}")
    headers = {
        **safety_headers(),
        "Content-Disposition": disposition(f"{_ODD.sub('_', name)[:100]}.csv", attached=True),
        "Cache-Control": "no-store",
    }
    return StreamingResponse(metrics_as_csv(here.store, found), 200, headers, media_type="text/csv; charset=utf-8")
