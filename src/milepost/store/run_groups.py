"""Runs in groups: how many have each value of a tag, a parameter or a field, and how metrics do in each."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sqlalchemy import literal_column, select

from milepost.store.batch import USER
from milepost.store.errors import BadInput
from milepost.store.filter_sql import Search
from milepost.store.filters import METRICS
from milepost.store.run_conditions import conditions
from milepost.store.run_pages import BY_CREATION
from milepost.store.run_pairs import PAIRS
from milepost.store.schema import experiments, metrics, runs
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection, Select

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
_NUMBERS: Final = {"": "last_number", "last": "last_number", "min": "min_number", "max": "max_number"}
"""What of a metric is compared, by the function of a field."""
# So that sums do not become too large; a power of two takes nothing from a number's digits.
_SCALE: Final = 2.0**40
_ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Spread:
    """How a metric does over the runs of a group that have a number there."""

    numbers: int
    """How many those are."""
    min: float
    max: float
    mean: float


@dataclass(slots=True)
class RunGroup:
    """The runs that have one value; ``value`` None: those that have none."""

    value: str | None
    count: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    spreads: dict[Field, Spread] = field(default_factory=dict)
    """Of the asked metrics; those that no run of the group has are left out."""


@dataclass(frozen=True, slots=True)
class RunGroups:
    """The largest groups, in this order, and how many there are in all."""

    groups: list[RunGroup]
    total: int


def run_groups(
    store: Store, query: RunQuery, by: Field, compared: Sequence[Field] = (), *, most: int = 1000
) -> RunGroups:
    """The groups of a query's runs by a tag, property, parameter or plain field, up to ``most`` of them.

    ``compared``: metrics whose last (or least, or greatest) values are told.  The query's order, limit and cursor do
    not count.  Raises BadInput for what does not make groups, BadFilter.
    """
    if plain := [each for each in compared if each.kind != METRICS]:
        raise BadInput(f"groups are compared by metrics, and {str(plain[0])[:100]!r} is none")
    if by.kind not in PAIRS and by.kind not in _PLAIN:
        raise BadInput(
            f"runs are not grouped by {str(by)[:100]!r}; give {', '.join(_PLAIN)}, tags.NAME, properties.NAME or "
            "params.NAME"
        )
    with store.reading() as connection:
        search = Search(connection, store.workspace_key)
        runs_in = _grouped(search, query, by)
        numbers = {each: _numbers(search, each) for each in compared}
    return runs_in.groups(numbers, most)


@dataclass(frozen=True, slots=True)
class _Grouped:
    """Runs with their groups and statuses, as numbers."""

    keys: NDArray[np.int64]
    """Ascending."""
    group_of: NDArray[np.intp]
    status_of: NDArray[np.intp]
    values: list[str | None]
    statuses: list[str]

    def groups(self, numbers: dict[Field, tuple[NDArray[np.int64], NDArray[np.float64]]], most: int) -> RunGroups:
        """The largest groups; ``numbers``: the numbers of a metric, by the keys of the runs that have it."""
        width = len(self.statuses)
        pairs = np.bincount(self.group_of * width + self.status_of, minlength=len(self.values) * width)
        counts = pairs.reshape(-1, width) if width else pairs.reshape(0, 0)
        sizes = counts.sum(axis=1)
        there = np.flatnonzero(sizes).tolist()
        largest = heapq.nsmallest(
            most, there, key=lambda place: (-sizes[place], self.values[place] is None, self.values[place] or "")
        )
        spreads = {field: self._spreads(*found) for field, found in numbers.items()}
        groups = []
        for place in largest:
            statuses = {status: int(count) for status, count in zip(self.statuses, counts[place], strict=True) if count}
            told = {field: spread for field, of_place in spreads.items() if (spread := of_place(place)) is not None}
            groups.append(RunGroup(self.values[place], int(sizes[place]), statuses, told))
        return RunGroups(groups, len(there))

    def _spreads(self, keys: NDArray[np.int64], numbers: NDArray[np.float64]) -> Callable[[int], Spread | None]:
        places, found = places_in(self.keys, keys)
        group_of, numbers = self.group_of[places], numbers[found]
        count = len(self.values)
        counts = np.bincount(group_of, minlength=count)
        totals = np.bincount(group_of, numbers / _SCALE, minlength=count)
        lows, highs = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(lows, group_of, numbers)
        np.maximum.at(highs, group_of, numbers)

        def spread(place: int) -> Spread | None:
            if not counts[place]:
                return None
            mean = float(totals[place]) / int(counts[place]) * _SCALE
            return Spread(int(counts[place]), float(lows[place]), float(highs[place]), mean)

        return spread


def places_in(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where in ``keys``, which ascend, the wanted ones are that are there, and which of the wanted ones those are."""
    places = np.searchsorted(keys, wanted)
    places[places == len(keys)] = 0
    found = np.flatnonzero(keys[places] == wanted) if len(keys) else np.empty(0, np.intp)
    return places[found], found


def _grouped(search: Search, query: RunQuery, by: Field) -> _Grouped:
    where = conditions(search, query)
    if search.sqlite:
        where.append(BY_CREATION)
    plain = _PLAIN.get(by.kind)
    known = select(runs.c.key, runs.c.status, *(() if plain is None else (plain,)))
    if by.kind == "experiment":
        known = known.join(experiments, experiments.c.key == runs.c.experiment_key)
    columns = _fetch(search.connection, known.where(*where), 2 if plain is None else 3)
    keys = np.array(columns[0], np.int64)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    statuses: dict[str, int] = {}
    status_of = _codes(columns[1], statuses)[order]
    values: dict[str | None, int] = {None: 0}
    if plain is not None:
        group_of = _codes(columns[2], values)[order]
    else:
        group_of = np.zeros(len(keys), np.intp)
        pair = PAIRS[by.kind]
        of_name = (pair.c.workspace_key == search.workspace_key, pair.c.name == fit_name(by.name))
        having, texts = _fetch(search.connection, select(pair.c.run_key, pair.c.value).where(*of_name), 2)
        places, found = places_in(keys, np.array(having, np.int64))
        group_of[places] = _codes(texts, values)[found]
    return _Grouped(keys, group_of, status_of, list(values), list(statuses))


def _numbers(search: Search, field: Field) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The numbers of a metric, and the keys of the runs that have them."""
    number = metrics.c[_NUMBERS[field.function]]
    found = select(metrics.c.run_key, number).where(
        metrics.c.workspace_key == search.workspace_key,
        metrics.c.namespace == USER,
        metrics.c.name == fit_name(field.name),
        number.is_not(None),
    )
    if search.sqlite:
        found = found.where(metrics.c.run_key > literal_column("0"))  # by the index that has all of this
    keys, numbers = _fetch(search.connection, found, 2)
    return np.array(keys, np.int64), np.array(numbers, np.float64)


def _fetch(connection: Connection, statement: Select[Any], width: int) -> Sequence[Sequence[Any]]:
    """The columns of a query's rows."""
    # The driver's own rows: SQLAlchemy's take as long again.  Piece by piece: Python's garbage collector would look at
    # a hundred thousand of them again and again.
    columns: list[list[Any]] = [[] for _ in range(width)]
    cursor: Any = connection.execute(statement).cursor
    while rows := cursor.fetchmany(_ROWS_AT_ONCE):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column += values
    return columns


def _codes(values: Sequence[Any], known: dict[Any, int]) -> NDArray[np.intp]:
    """A number for each value, the same for the same value; ``known`` learns them."""
    return np.array([known.setdefault(value, len(known)) for value in values], np.intp)
