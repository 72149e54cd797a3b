"""All points of the metrics of many runs, in few calls of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from milepost.store.batch import SERIES, Points
from milepost.store.points import column_of, concat, decode
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from milepost.store.records import MetricSummary, StoredMetric
    from milepost.store.store import Store


def points_of_runs(
    store: Store, run_ids: Sequence[str], names: Sequence[str] | None = None
) -> list[tuple[str, str, Points]]:
    """(run id, name, points) of the series of these runs, in the order of the runs and of first logging.

    Unknown runs have none; rows, tables and images are left out.
    """
    found: list[StoredMetric] = []
    for name in [None] if names is None else dict.fromkeys(names):
        found += store.stored_metrics(run_ids, name)
    alone = [each for each in found if each.alone is not None and each.kind == SERIES]
    summaries = {}
    if alone:
        # Of a single value the blocks are not given; the summary knows its step and its time.
        told = store.metric_summaries(list({each.run_id for each in alone}), sorted({each.name for each in alone}))
        summaries = {(each.run_id, each.name): each for each in told if each.kind == SERIES}
    order = {fit_name(run_id): place for place, run_id in enumerate(run_ids)}
    found.sort(key=lambda each: order[each.run_id])
    return [
        (each.run_id, each.name, _points(each, summaries.get((each.run_id, each.name))))
        for each in found
        if each.kind == SERIES
    ]


def _points(metric: StoredMetric, summary: MetricSummary | None) -> Points:
    if metric.alone is None:
        return concat([decode(block) for block in metric.blocks])
    step, time_ns = (summary.first_step or 0, summary.first_ns or 0) if summary is not None else (0, 0)
    return Points(np.array([step]), np.array([time_ns]), {"": column_of(list(metric.alone))})
