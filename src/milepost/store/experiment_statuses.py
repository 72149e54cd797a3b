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
    here = experiments.c.workspace_key == store.workspace_key
    ids = select(experiments.c.key, experiments.c.id).where(here)
    # By key, without a join of every run; and not by the index of statuses, which would fetch each row by itself.
    status = func.coalesce(runs.c.status, "")
    counts = (
        select(runs.c.experiment_key, status, func.count())
        .where(runs.c.archived_ns.is_(None))
        .group_by(runs.c.experiment_key, status)
        .order_by(runs.c.experiment_key, status)
    )
    if name is None:
        counts = counts.where(runs.c.workspace_key == store.workspace_key, runs.c.experiment_key.is_not(None))
    else:
        ids = ids.where(experiments.c.name == clean(name))
        counts = counts.where(runs.c.experiment_key.in_(ids.with_only_columns(experiments.c.key)))
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with store.reading() as connection:
        names = {row.key: row.id for row in connection.execute(ids)}
        for key, each, count in connection.execute(counts):
            if key in names:
                found[names[key]][each] = count
    return dict(found)
