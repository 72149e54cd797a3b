"""How many runs of each status the experiments have."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from milepost.store.schema import experiments, runs
from milepost.store.texts import clean

if TYPE_CHECKING:
    from milepost.store.store import Store


def experiment_statuses(store: Store, name: str | None = None) -> dict[str, dict[str, int]]:
    """Id of an experiment -> status -> number of its runs that are not archived.  ``name``: only that one."""
    query = (
        select(experiments.c.id, runs.c.status, func.count())
        .join(experiments, experiments.c.key == runs.c.experiment_key)
        .where(experiments.c.workspace_key == store.workspace_key, runs.c.archived_ns.is_(None))
        .group_by(experiments.c.id, runs.c.status)
        .order_by(runs.c.status)
    )
    if name is not None:
        query = query.where(experiments.c.name == clean(name))
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with store.reading() as connection:
        for experiment_id, status, count in connection.execute(query):
            found[experiment_id][status] = count
    return dict(found)
