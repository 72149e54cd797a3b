"""Tables of runs row by row, and what log_confusion_matrix and its kin have logged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from milepost.server.cells import cell, document, is_cut
from milepost.server.metric_entries import MAX_COLUMNS, summary_of
from milepost.server.problem import Problem
from milepost.server.references import artifact_of
from milepost.server.schemas.metrics import TablePage
from milepost.store.batch import ACCURACY_TABLE, CONFUSION_MATRIX, PREDICTIONS, RESIDUALS, TABLE
from milepost.store.points import cells
from milepost.store.texts import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from milepost.store.batch import Points
    from milepost.store.store import Store

STRUCTURED: Final = (ACCURACY_TABLE, CONFUSION_MATRIX, RESIDUALS, PREDICTIONS)
_MAX_CELLS: Final = 1_000_000
_MAX_CHARACTERS: Final = 16 << 20
"""Of the texts of one page."""
_MAX_DOCUMENT_BYTES: Final = 8 << 20


def table_page(store: Store, run_id: str, name: str, namespace: str, offset: int, limit: int) -> TablePage:
    """Rows of a table: up to ``limit``, and so many that they can be sent.  Raises NotFound and Problem."""
    metric = summary_of(store, run_id, name, namespace, [TABLE])
    limit = min(limit, max(1, _MAX_CELLS // max(1, len(metric.columns))))
    points = store.metric_points(run_id, name, namespace, TABLE, offset, offset + limit)
    every = dict.fromkeys([*metric.columns, *points.columns])
    columns = list(every)[:MAX_COLUMNS]
    listed = [_cells(points, column) for column in columns]
    rows = [[cell(value) for value in row] for row in zip(*listed, strict=True)]
    del rows[within(rows) :]
    return TablePage(
        name=metric.name,
        total=metric.count,
        offset=offset,
        columns=[clean(column) for column in columns],
        columns_total=len(every),
        rows=rows,
        cut=sum(is_cut(value) for values in listed for value in values[: len(rows)]),
    )


def within(rows: Sequence[Sequence[Any]]) -> int:
    """How many of these rows, one at least, have no more texts than one page gives."""
    characters = 0
    for count, row in enumerate(rows):
        characters += sum(len(value) for value in row if isinstance(value, str))
        if characters > _MAX_CHARACTERS:
            return max(1, count)
    return len(rows)


def _cells(points: Points, column: str) -> list[Any]:
    return cells(points.columns[column]) if column in points.columns else [None] * len(points)


def structured_value(store: Store, run_id: str, name: str, index: int) -> tuple[dict[str, Any], int]:
    """The dict that a call has logged (-1: the last one), and how many were logged.  Raises NotFound and Problem."""
    metric = summary_of(store, run_id, name, "", STRUCTURED)
    place = index if index >= 0 else metric.count + index
    if not 0 <= place < metric.count:
        raise Problem(404, f"metric {name!r} of run {run_id} has {metric.count:,} values, none at index {index}")
    points = store.metric_points(run_id, name, "", metric.kind, place, place + 1)
    reference = cells(points.columns[""])[0] if "" in points.columns and len(points) else None
    artifact = artifact_of(reference, run_id)
    if artifact is None:
        raise Problem(404, f"metric {name!r} of run {run_id} names no file of this run")
    file = store.artifact(run_id, artifact)
    if file.size > _MAX_DOCUMENT_BYTES:
        raise Problem(413, f"{artifact} has {file.size:,} bytes, too many to show; download the file")
    try:
        value = document(json.loads(store.read_range(run_id, artifact, 0, file.size)))
    except (ValueError, RecursionError) as error:
        raise Problem(409, f"the file {artifact} of metric {name!r} is not what was logged: {error}") from error
    if not isinstance(value, dict):
        raise Problem(409, f"the file {artifact} of metric {name!r} is not what was logged: it holds no object")
    return value, metric.count
