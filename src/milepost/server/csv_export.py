"""All points of metrics as CSV, made while it is sent: whatever its size, it takes the memory of some thousand rows."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from milepost.server.run_csv import cell
from milepost.server.times import utc
from milepost.store.batch import TABLE
from milepost.store.errors import NotFound
from milepost.store.points import cells
from milepost.store.texts import clean

if TYPE_CHECKING:
    from milepost.store.batch import Points
    from milepost.store.records import MetricSummary
    from milepost.store.store import Store

ROWS: Final = 20_000
"""Rows that are made at once."""


def metrics_as_csv(store: Store, metrics: Sequence[MetricSummary]) -> Iterator[bytes]:
    """The points of metrics of one name and kind, one run after another.

    Columns: ``run_id`` where there are several, ``step``, ``time``, and ``value`` or those of the tables.  Texts that a
    spreadsheet would take for a formula begin with an apostrophe.  Raises StoreUnavailable and StoreDamaged amid it; a
    metric that is deleted meanwhile ends.
    """
    several = len(metrics) > 1
    is_table = metrics[0].kind == TABLE
    columns = list(dict.fromkeys(name for each in metrics for name in each.columns)) if is_table else [""]
    heads = [cell(clean(name)) for name in columns] if is_table else ["value"]
    if is_table:
        yield "\ufeff".encode()  # without it some table programs take UTF-8 for something else
    yield _lines([[*(["run_id"] if several else []), "step", "time", *heads]])
    for each in metrics:
        for points in _pages(store, each):
            listed = [cells(points.columns[name]) if name in points.columns else None for name in columns]
            first = [each.run_id] if several else []
            yield _lines(
                [*first, step, utc(time), *(None if column is None else _cell(column[at]) for column in listed)]
                for at, (step, time) in enumerate(zip(points.steps.tolist(), points.times.tolist(), strict=True))
            )


def _pages(store: Store, metric: MetricSummary) -> Iterator[Points]:
    for start in range(0, metric.count, ROWS):
        stop = min(start + ROWS, metric.count)
        try:
            points = store.metric_points(metric.run_id, metric.name, metric.namespace, metric.kind, start, stop)
        except NotFound:
            return
        if not len(points):
            return
        yield points


def _lines(rows: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return cell(clean(value))
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value
