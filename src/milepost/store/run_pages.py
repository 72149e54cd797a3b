"""Pages of runs in any order, and how many runs there are.

SQLite has no statistics, so how it finds runs is decided here, by looks that cost little.  The next runs in the wanted
order may hold enough that match (``_ahead``).  All that match may be so few that they are sorted (``_few``).  Else they
are gathered, and an index is walked in the wanted order (``_all``).  PostgreSQL decides by itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Text, and_, exists, func, literal, literal_column, select, tuple_

from milepost.store.filter_few import few_keys
from milepost.store.filter_sql import Search, condition, unindexed
from milepost.store.records import RunPage, RunQuery
from milepost.store.run_conditions import conditions, filter_of, plain_conditions
from milepost.store.run_orders import Cursor, Order, dump_cursor, load_cursor, order_of
from milepost.store.runs import known_runs, records
from milepost.store.schema import runs

if TYPE_CHECKING:
    from sqlalchemy import RowMapping, Select

    from milepost.store.filters import Part
    from milepost.store.store import Store

FEW: Final = 5000
"""So many runs are sorted rather than found on a walk along an index."""
_AHEAD: Final = 20
"""For each run that is wanted so many are looked at, before all that match are gathered."""
_LEAST_AHEAD: Final = 1000
_MOST_AHEAD: Final = 10_000


def list_runs(store: Store, query: RunQuery) -> RunPage:
    """The runs that a query describes, up to its limit, and a cursor where there are more.

    Raises BadInput for an unknown order and for a cursor of another query.
    """
    with store.reading() as connection:
        search = Search(connection, store.workspace_key)
        order = order_of(query, store.workspace_key, sqlite=search.sqlite)
        finder = _Finder(store, search, query, order)
        at = load_cursor(query)
        limit = None if query.limit is None else max(query.limit, 0)
        skip = max(query.offset, 0)
        rows: list[RowMapping] = []
        for missing in (False, True):
            if (missing and not order.may_miss) or (at and at.missing and not missing):
                continue
            room = None if limit is None else limit + 1 - len(rows)
            if room is not None and room <= 0:
                break
            here = at if at and at.missing == missing else None
            found = finder.find(_Part(missing, here, room, skip))
            if found:
                skip = 0
            elif skip and not missing and order.may_miss:
                skip -= finder.count(_Part(missing, here))
            rows += found
        more = limit is not None and len(rows) > limit
        page = records(connection, rows[:limit], query.most_pairs)
    cursor = dump_cursor(query, rows[limit - 1]) if more and limit else None
    return RunPage(page, cursor)


def count_runs(store: Store, query: RunQuery, most: int) -> int:
    """How many runs a query describes, counted up to ``most``; its limit, offset and cursor do not count.

    Raises BadFilter.
    """
    with store.reading() as connection:
        found = matching_keys(Search(connection, store.workspace_key), query).limit(most).subquery()
        return int(connection.scalar(select(func.count()).select_from(found)) or 0)


def matching_keys(search: Search, query: RunQuery) -> Select[Any]:
    """The keys of all the runs that a query describes."""
    plain = plain_conditions(search, query)
    part = filter_of(query)
    if search.sqlite and part is not None:
        few = few_keys(search, part, plain)
        if few is not None:
            told = condition(replace(search, each=True), part)
            # No index for these: SQLite would read all of an experiment's runs for them.
            return select(runs.c.key).where(_among(few), unindexed(and_(*plain, told).self_group()))
    found = select(runs.c.key).where(*conditions(search, query))
    return found.where(BY_CREATION) if search.sqlite and _is_table(query) else found


def _among(keys: list[int]) -> ColumnElement[bool]:
    # As one value: thousands of them take longer to bind than to look up.
    listed = func.json_each(json.dumps(keys)).table_valued("value")
    return runs.c.key.in_(select(listed.c.value))


BY_CREATION: Final = runs.c.created_ns >= literal_column("0")
"""It always holds.  With it SQLite reads an experiment's runs in the order of their creation, which is nearly that of
their rows; it knows no reason to prefer that to its other indexes."""


def _is_table(query: RunQuery) -> bool:
    """Whether it is the table of an experiment that is asked for, with or without a filter."""
    chosen = (query.run_ids, query.parent_id, query.ancestor_id, query.target)
    return query.experiment is not None and all(each is None for each in chosen)


@dataclass(frozen=True, slots=True)
class _Part:
    """Which runs of a query: those that have the value that is sorted by, or those that have it not."""

    missing: bool
    at: Cursor | None
    """Only what comes after it."""
    room: int | None = None
    skip: int = 0


@dataclass
class _Finder:
    """Finds the runs of one query."""

    store: Store
    search: Search
    query: RunQuery
    order: Order
    _filter: Part | None = field(init=False)
    _keys: list[int] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._filter = filter_of(self.query)

    def find(self, part: _Part) -> list[RowMapping]:
        """The rows of ``known_runs`` with ``sorted_by``, in the order."""
        if self.search.sqlite:
            if self._looks_ahead(part):
                rows = self._rows(self._ahead(part), part)
                if part.room is not None and len(rows) >= part.room:
                    return rows
            keys = self._few_keys()
            if keys is not None:
                return self._rows(self._few(keys, part), part)
        return self._rows(self._all(part), part)

    def count(self, part: _Part) -> int:
        """How many runs there are in a part."""
        found = self._all(part).order_by(None).subquery()
        return int(self.search.connection.scalar(select(func.count()).select_from(found)) or 0)

    def _looks_ahead(self, part: _Part) -> bool:
        if self._filter is None or not self.order.walks or part.room is None or part.skip:
            return False
        return not part.missing or self.order.of is None

    def _few_keys(self) -> list[int] | None:
        """The keys of all that match, where those are few and to know them helps."""
        query = self.query
        asked = (query.run_ids, query.parent_id, query.ancestor_id, query.target, query.statuses, query.type)
        chooses = self._filter is not None or any(each is not None for each in asked)
        if not chooses and self.order.walks and self.order.of is None:
            return None
        if self._keys is None:
            found = matching_keys(self.search, query).limit(FEW + 1)
            self._keys = list(self.search.connection.scalars(found))
        return self._keys if len(self._keys) <= FEW else None

    # Statements that give found_key and sorted_by.

    def _ahead(self, part: _Part) -> Select[Any]:
        """Those of the next runs in the order that the filter is true of."""
        count = min(max(_AHEAD * (part.room or 0), _LEAST_AHEAD), _MOST_AHEAD)
        next_runs = self._sorted(self.order, part, plain_conditions(self.search, self.query)).limit(count)
        some = next_runs.subquery("ahead")
        assert self._filter is not None
        told = condition(replace(self.search, each=True), self._filter)
        found = select(some).join_from(some, runs, runs.c.key == some.c.found_key).where(told)
        return found.order_by(*self._directed(some.c.sorted_by, some.c.found_key)).limit(part.room)

    def _few(self, keys: list[int], part: _Part) -> Select[Any]:
        """These runs, sorted."""
        order = replace(self.order, here=None)
        if order.source is None:
            order = replace(order, value=unindexed(order.value))
        return self._cut(self._sorted(order, part, [_among(keys)]), part)

    def _all(self, part: _Part) -> Select[Any]:
        """All that match, in the order."""
        search, query, order = self.search, self.query, self.order
        if not search.sqlite:
            return self._cut(self._sorted(order, part, conditions(search, query)), part)
        of_source = order.of is not None and not part.missing
        where = plain_conditions(search, query)
        if self._filter is not None:
            matching = matching_keys(search, query)
            if of_source:
                # Of the runs themselves nothing more has to be looked at.
                alone = replace(order, link=None)
                return self._cut(self._sorted(alone, part, [unindexed(order.key).in_(matching)]), part)
            where.append(unindexed(runs.c.key).in_(matching))
        if _is_table(query) and not of_source and (not order.walks or order.of is not None):
            where.append(BY_CREATION)
        return self._cut(self._sorted(order, part, where), part)

    def _sorted(self, order: Order, part: _Part, where: list[ColumnElement[bool]]) -> Select[Any]:
        has = [each for each in (order.of, order.here) if each is not None]
        value = order.value
        if not part.missing:
            query = select(order.key.label("found_key"), value.label("sorted_by"))
            if order.source is not None and order.link is not None:
                query = query.join_from(runs, order.source, order.link, isouter=order.is_outer)
            query = query.where(*where, *has)
            if order.may_miss:
                query = query.where(value.is_not(None))
            if part.at:
                place, last = tuple_(value, order.key), tuple_(part.at.value, part.at.key)
                query = query.where(place < last if self.query.descending else place > last)
            return query.order_by(*self._directed(value, order.key))
        query = select(runs.c.key.label("found_key"), literal(None, Text).label("sorted_by")).where(*where)
        if order.source is None:
            query = query.where(value.is_(None))
        elif order.here is None or not self.search.sqlite:
            linked = [each for each in (order.link, *has) if each is not None]
            query = query.where(~exists().where(*linked, value.is_not(None)))
        else:
            query = query.where(runs.c.key.not_in(select(order.key).where(*has, value.is_not(None))))
        if part.at:
            key, last_key = runs.c.key, part.at.key
            query = query.where(key < last_key if self.query.descending else key > last_key)
        return query.order_by(*self._directed(runs.c.key))

    def _directed(self, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
        return [column.desc() if self.query.descending else column for column in columns]

    def _cut(self, statement: Select[Any], part: _Part) -> Select[Any]:
        statement = statement.limit(part.room)
        return statement.offset(part.skip) if part.skip else statement

    def _rows(self, statement: Select[Any], part: _Part) -> list[RowMapping]:
        """Fetch the runs that were found.  Only keys were sorted so far."""
        found = statement.subquery("found")
        by = (found.c.found_key,) if part.missing else (found.c.sorted_by, found.c.found_key)
        rows = (
            known_runs(self.store)
            .join(found, found.c.found_key == runs.c.key)
            .add_columns(found.c.sorted_by)
            .order_by(*self._directed(*by))
        )
        return list(self.search.connection.execute(rows).mappings())
