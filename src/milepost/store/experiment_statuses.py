"""How many runs of each status the experiments have, and when something last happened in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from milepost.store.schema import experiments, runs
from milepost.store.texts import clean

if TYPE_CHECKING:
    from milepost.store.store import Store


@dataclass(slots=True)
class Activity:
    """What the runs of an experiment that are not archived are at."""

    statuses: dict[str, int] = field(default_factory=dict)
    """Status -> number of runs."""
    last_ns: int = 0
    """When one of them last began or ended."""


def experiment_statuses(store: Store, name: str | None = None) -> dict[str, Activity]:
    """Id of an experiment -> what its runs are at; those without runs are left out.  ``name``: only that one."""
    here = experiments.c.workspace_key == store.workspace_key
    ids = select(experiments.c.key, experiments.c.id).where(here)
    # By key, without a join of every run; and not by the index of statuses, which would fetch each row by itself.
    status = func.coalesce(runs.c.status, "")
    counts = (
        select(runs.c.experiment_key, status, func.count(), func.max(runs.c.created_ns), func.max(runs.c.ended_ns))
        .where(runs.c.archived_ns.is_(None))
        .group_by(runs.c.experiment_key, status)
        .order_by(runs.c.experiment_key, status)
    )
    if name is None:
        counts = counts.where(runs.c.workspace_key == store.workspace_key, runs.c.experiment_key.is_not(None))
    else:
        ids = ids.where(experiments.c.name == clean(name))
        counts = counts.where(runs.c.experiment_key.in_(ids.with_only_columns(experiments.c.key)))
    found: dict[str, Activity] = {}
    with store.reading() as connection:
        names = {row.key: row.id for row in connection.execute(ids)}
        for key, each, count, created, ended in connection.execute(counts):
            if key in names:
                activity = found.setdefault(names[key], Activity())
                activity.statuses[each] = count
                activity.last_ns = max(activity.last_ns, created, ended or 0)
    return found
