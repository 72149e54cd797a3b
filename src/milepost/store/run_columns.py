"""Which metrics, tags, properties and parameters runs have: what a table can show and a filter can ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from milepost.store.batch import USER
from milepost.store.filter_sql import Search
from milepost.store.run_conditions import conditions
from milepost.store.run_pairs import PAIRS
from milepost.store.schema import metrics, runs

if TYPE_CHECKING:
    from milepost.store.records import RunQuery
    from milepost.store.store import Store

LOOKED_AT: Final = 5000
"""Runs that are looked at, the newest ones: what a hundred thousand have takes too long to count."""
MAX_NAMES: Final = 1000
"""Of each kind, the most frequent ones."""


@dataclass(frozen=True, slots=True)
class RunColumns:
    """Kind ("metrics", "tags", "properties", "params") -> name -> number of runs that have it."""

    names: dict[str, dict[str, int]]
    runs: int
    """How many runs were looked at."""
    whole: bool
    """Whether those were all."""


def run_columns(store: Store, query: RunQuery) -> RunColumns:
    """What the newest runs of a query have, most frequent first.  Its order, limit and cursor do not count.

    Raises BadFilter.
    """
    with store.reading() as connection:
        keys = list(
            connection.scalars(
                select(runs.c.key)
                .where(*conditions(Search(connection, store.workspace_key), query))
                .order_by(runs.c.created_ns.desc(), runs.c.key.desc())
                .limit(LOOKED_AT + 1)
            )
        )
        chosen = keys[:LOOKED_AT]
        names = {}
        for kind, table in {"metrics": metrics, **PAIRS}.items():
            number = func.count(table.c.run_key.distinct()) if table is metrics else func.count()
            counted = select(table.c.name, number.label("runs")).where(table.c.run_key.in_(chosen))
            if table is metrics:
                counted = counted.where(metrics.c.namespace == USER)
            counted = counted.group_by(table.c.name).order_by(number.desc(), table.c.name).limit(MAX_NAMES)
            names[kind] = {row.name: row.runs for row in connection.execute(counted)}
    return RunColumns(names, len(chosen), len(keys) <= LOOKED_AT)
