"""The metrics of a run page by page: a run may have a million names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from milepost.store.engine import pieces, read
from milepost.store.metric_queries import summaries
from milepost.store.schema import metrics, runs
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from milepost.store.records import MetricSummary
    from milepost.store.store import Store

_NAMES_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class MetricPage:
    """Some of a run's metrics, in the order of first logging."""

    metrics: list[MetricSummary]
    total: int
    """Names that were asked for, on all pages."""


def metric_page(
    store: Store, run_id: str, namespace: str | None, *, search: str = "", offset: int = 0, limit: int = 1000
) -> MetricPage:
    """The metrics whose names hold ``search`` in any case of letters, ``limit`` names from ``offset`` on.

    A name that was logged as several kinds counts once and comes with all of them.  An unknown run has none.
    """
    first = func.min(metrics.c.key)
    query = (
        select(metrics.c.name, first)
        .join(runs, metrics.c.run_key == runs.c.key)
        .where(runs.c.workspace_key == store.workspace_key, runs.c.run_id == fit_name(run_id))
        .group_by(metrics.c.name)
    )
    if namespace is not None:
        query = query.where(metrics.c.namespace == namespace)
    if search:
        query = query.where(func.lower(metrics.c.name).contains(clean(search).lower(), autoescape=True))
    with read(store.engine) as connection:
        total = int(connection.scalar(select(func.count()).select_from(query.subquery())) or 0)
        names = [name for name, _ in connection.execute(query.order_by(first).offset(offset).limit(limit))]
    found = [each for some in pieces(names, _NAMES_AT_ONCE) for each in summaries(store, [run_id], some, namespace)]
    return MetricPage(found, total)
