"""Runs in groups: how many have each value of a tag, a parameter or a field, and how a metric does in each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Double, and_, func, literal, null, select

from milepost.store.batch import SERIES, USER
from milepost.store.engine import is_sqlite
from milepost.store.errors import BadInput
from milepost.store.run_values import PAIRS
from milepost.store.runs import conditions
from milepost.store.schema import experiments, metrics, runs
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from milepost.store.filters import Field
    from milepost.store.records import RunQuery
    from milepost.store.store import Store

_PLAIN: Final = {
    "status": runs.c.status,
    "type": runs.c.type,
    "target": runs.c.target,
    "submitted_by": runs.c.submitted_by,
    "parent": runs.c.parent_id,
    "experiment": experiments.c.name,
}
# PostgreSQL refuses sums that are too large; a power of two takes nothing from a number's digits.
_SCALE: Final = 2.0**40


@dataclass(slots=True)
class RunGroup:
    """The runs that have one value; ``value`` None: those that have none."""

    value: str | None
    count: int = 0
    min: float | None = None
    max: float | None = None
    """Of the last values of the metric."""
    total: float = 0.0
    numbers: int = 0
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def mean(self) -> float | None:
        """Of the last values of the metric."""
        return self.total / self.numbers * _SCALE if self.numbers else None

    def add(self, status: str, count: int, numbers: int, low: float | None, high: float | None, total: float) -> None:
        """Count runs of one status."""
        self.count += count
        self.statuses[status] = self.statuses.get(status, 0) + count
        self.numbers += numbers
        self.total += total
        self.min = low if self.min is None else self.min if low is None else min(low, self.min)
        self.max = high if self.max is None else self.max if high is None else max(high, self.max)


def run_groups(store: Store, query: RunQuery, by: Field, metric: str | None = None) -> list[RunGroup]:
    """The groups of a query's runs by a tag, property, parameter or plain field, the largest first.

    Its order, limit and cursor do not count.  Raises BadInput for what does not make groups, BadFilter.
    """
    value: ColumnElement[Any]
    source: Any = runs.join(experiments, experiments.c.key == runs.c.experiment_key)
    if by.kind in PAIRS:
        pair = PAIRS[by.kind].alias("grouping")
        source = source.outerjoin(pair, and_(pair.c.run_key == runs.c.key, pair.c.name == fit_name(by.name)))
        value = pair.c.value
    elif by.kind in _PLAIN:
        value = _PLAIN[by.kind]
    else:
        raise BadInput(
            f"runs are not grouped by {str(by)[:100]!r}; give {', '.join(_PLAIN)}, tags.NAME, properties.NAME or "
            "params.NAME"
        )
    number: ColumnElement[Any] = null()
    if metric is not None:
        source = source.outerjoin(
            metrics,
            and_(
                metrics.c.run_key == runs.c.key,
                metrics.c.namespace == USER,
                metrics.c.name == fit_name(metric),
                metrics.c.kind == SERIES,
            ),
        )
        number = metrics.c.last_number
    scaled = number / literal(_SCALE, Double)
    numbers = (func.count(number), func.min(number), func.max(number), func.sum(scaled)) if metric is not None else ()
    groups: dict[str | None, RunGroup] = {}
    with store.reading() as connection:
        rows = connection.execute(
            select(value, runs.c.status, func.count(), *numbers)
            .select_from(source)
            .where(runs.c.workspace_key == store.workspace_key, *conditions(store, query, sqlite=is_sqlite(connection)))
            .group_by(value, runs.c.status)
        )
        for found, status, count, *told in rows:
            counted, low, high, total = told or (0, None, None, None)
            # Infinities of both signs have no sum.
            group = groups.setdefault(found, RunGroup(found))
            group.add(status, count, counted, low, high, float("nan") if counted and total is None else total or 0.0)
    return sorted(groups.values(), key=lambda group: (-group.count, group.value is None, group.value or ""))
