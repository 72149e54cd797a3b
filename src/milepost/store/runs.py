"""Queries over runs: one run, or pages of them in any order."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    exists,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    update,
)

from milepost.store.engine import MAX_PARAMETERS, is_sqlite, write
from milepost.store.errors import NotFound
from milepost.store.records import ANY, RunPage, RunQuery, RunRecord
from milepost.store.run_orders import Cursor, Order, dump_cursor, load_cursor, order_of
from milepost.store.schema import INDEXED_CHARACTERS, experiments, folded_target, properties, runs, tags
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from sqlalchemy import Connection, RowMapping, Select, Table

    from milepost.store.store import Store


def get_run(store: Store, run_id: str) -> RunRecord:
    """One run.  Raises NotFound."""
    with store.reading() as connection:
        query = _base(store).where(runs.c.run_id == fit_name(run_id))
        found = _records(connection, list(connection.execute(query).mappings()))
    if not found:
        raise NotFound(f"there is no run {run_id!r} in workspace {store.workspace_name}")
    return found[0]


def list_runs(store: Store, query: RunQuery) -> RunPage:
    """The runs that a query describes, up to its limit, and a cursor where there are more.

    Raises BadInput for an unknown order and for a cursor of another query.
    """
    with store.reading() as connection:
        order = order_of(store, query, sqlite=is_sqlite(connection))
        where = conditions(store, query, sqlite=is_sqlite(connection))
        at = load_cursor(query)
        limit = None if query.limit is None else max(query.limit, 0)
        rows: list[RowMapping] = []
        for missing in (False, True):
            if (missing and not order.may_miss) or (at and at.missing and not missing):
                continue
            room = None if limit is None else limit + 1 - len(rows)
            if room is not None and room <= 0:
                break
            here = at if at and at.missing == missing else None
            statement = _sorted(store, order, where, here, room, missing=missing, descending=query.descending)
            rows += connection.execute(statement).mappings()
        more = limit is not None and len(rows) > limit
        records = _records(connection, rows[:limit])
    cursor = dump_cursor(query, rows[limit - 1]) if more and limit else None
    return RunPage(records, cursor)


def count_runs(store: Store, query: RunQuery, most: int) -> int:
    """How many runs a query describes, counted up to ``most``; its limit and cursor do not count.  Raises BadFilter."""
    with store.reading() as connection:
        found = (
            select(runs.c.key)
            .where(
                runs.c.workspace_key == store.workspace_key,
                runs.c.experiment_key.is_not(None),
                *conditions(store, query, sqlite=is_sqlite(connection)),
            )
            .limit(most)
            .subquery()
        )
        return int(connection.scalar(select(func.count()).select_from(found)) or 0)


def archive_run(store: Store, run_id: str, archived: bool) -> None:
    """Archive a run or bring it back.  Raises NotFound."""
    with write(store.engine) as connection:
        changed = connection.execute(
            update(runs)
            .where(
                runs.c.workspace_key == store.workspace_key,
                runs.c.run_id == fit_name(run_id),
                runs.c.experiment_key.is_not(None),
            )
            .values(archived_ns=time.time_ns() if archived else None)
        )
        if not changed.rowcount:
            raise NotFound(f"there is no run {run_id!r} in workspace {store.workspace_name}")


_COLUMNS: Final = (
    *(column for column in runs.c if column.name not in ("workspace_key", "owner_journal")),
    experiments.c.id.label("experiment_id"),
    experiments.c.name.label("experiment"),
)


def _base(store: Store) -> Select[Any]:
    """All runs of the workspace but placeholders: those have no experiment yet."""
    return (
        select(*_COLUMNS)
        .join(experiments, experiments.c.key == runs.c.experiment_key)
        .where(runs.c.workspace_key == store.workspace_key)
    )


def _sorted(
    store: Store,
    order: Order,
    where: list[ColumnElement[bool]],
    at: Cursor | None,
    room: int | None,
    *,
    missing: bool,
    descending: bool,
) -> Select[Any]:
    """The runs with (or without) the value that is sorted by, after the cursor, at most ``room``."""
    # Only keys are sorted; the rows are fetched for those that are left.
    query = select(runs.c.key.label("found_key")).where(
        runs.c.workspace_key == store.workspace_key, runs.c.experiment_key.is_not(None), *where
    )
    value: ColumnElement[Any]
    by: tuple[ColumnElement[Any], ...]
    if missing:
        without: ColumnElement[bool] = order.value.is_(None)
        if order.joined is not None:
            without = ~exists().where(order.joined, order.value.is_not(None))
        query = query.where(without)
        value, by = literal(None, Text), (runs.c.key,)
        if at:
            query = query.where(runs.c.key < at.key if descending else runs.c.key > at.key)
    else:
        if order.source is not None:
            query = query.join(order.source, order.joined)
        if order.indexed is not None:
            query = query.where(order.indexed)
        if order.may_miss:
            query = query.where(order.value.is_not(None))
        value, by = order.value, (order.value, order.key)
        if at:
            place, last = tuple_(order.value, order.key), tuple_(at.value, at.key)
            query = query.where(place < last if descending else place > last)
    found = (
        query.add_columns(value.label("sorted_by"))
        .order_by(*(column.desc() if descending else column for column in by))
        .limit(room)
        .subquery("found")
    )
    by = (found.c.found_key,) if missing else (found.c.sorted_by, found.c.found_key)
    return (
        _base(store)
        .join(found, found.c.found_key == runs.c.key)
        .add_columns(found.c.sorted_by)
        .order_by(*(column.desc() if descending else column for column in by))
    )


# Filters.


# Written out, not bound: only so do the databases see that it is the expression of an index.
_INDEXED: Final = literal_column(str(INDEXED_CHARACTERS), Integer)


def conditions(store: Store, query: RunQuery, *, sqlite: bool) -> list[ColumnElement[bool]]:
    """What a query asks of a row of ``runs``; placeholders are not left out.  Raises BadFilter."""
    where: list[ColumnElement[bool]] = []
    if query.experiment is not None:
        wanted = select(experiments.c.key).where(
            experiments.c.workspace_key == store.workspace_key, experiments.c.name == clean(query.experiment)
        )
        where.append(runs.c.experiment_key == wanted.scalar_subquery())
    if query.run_ids is not None:
        where.append(runs.c.run_id.in_([fit_name(run_id) for run_id in query.run_ids]))
    if query.type is not None:
        where.append(runs.c.type == clean(query.type))
    if query.target is not None:
        target = clean(query.target)
        # As the index has it: its condition, and the beginning of the name.
        where.append(runs.c.target.is_not(None))
        where.append(folded_target == func.lower(target[:INDEXED_CHARACTERS]))
        if len(target) >= INDEXED_CHARACTERS:
            where.append(func.lower(runs.c.target) == func.lower(target))
    if query.statuses is not None:
        where.append(runs.c.status.in_([clean(status) for status in query.statuses]))
    for key, value in query.tags.items():
        where.append(_has(store, tags, key, value))
    for key, value in query.properties.items():
        where.append(_has(store, properties, key, value))
    if query.parent_id is not None:
        where.append(runs.c.parent_id == fit_name(query.parent_id))
    if query.ancestor_id is not None:
        where.append(runs.c.run_id.in_(_descendants(store, fit_name(query.ancestor_id))))
    if not query.include_children:
        where.append(runs.c.parent_id.is_(None))
    if query.archived is not None:
        where.append(runs.c.archived_ns.is_not(None) if query.archived else runs.c.archived_ns.is_(None))
    if query.filter is not None and query.filter.strip():
        from milepost.store.filter_grammar import parse
        from milepost.store.filter_sql import condition

        where.append(condition(store, parse(query.filter), sqlite=sqlite))
    return where


def _has(store: Store, table: Table, key: str, value: Any) -> ColumnElement[bool]:
    pairs = select(table.c.run_key).where(table.c.workspace_key == store.workspace_key, table.c.name == fit_name(key))
    if value is None:
        pairs = pairs.where(table.c.value.is_(None))
    elif value is not ANY:
        text = clean(str(value))
        pairs = pairs.where(func.substr(table.c.value, literal_column("1"), _INDEXED) == text[:INDEXED_CHARACTERS])
        if len(text) >= INDEXED_CHARACTERS:
            pairs = pairs.where(table.c.value == text)
    return runs.c.key.in_(pairs)


def _descendants(store: Store, ancestor_id: str) -> Select[Any]:
    below = (
        select(runs.c.run_id)
        .where(runs.c.workspace_key == store.workspace_key, runs.c.parent_id == ancestor_id)
        .cte("below", recursive=True)
    )
    # UNION and not UNION ALL: it ends even where runs name each other as parents.
    below = below.union(
        select(runs.c.run_id)
        .join(below, runs.c.parent_id == below.c.run_id)
        .where(runs.c.workspace_key == store.workspace_key)
    )
    return select(below.c.run_id)


# Records.


def _records(connection: Connection, rows: list[RowMapping]) -> list[RunRecord]:
    keys = [row["key"] for row in rows]
    tags_of = _pairs(connection, tags, keys)
    properties_of = _pairs(connection, properties, keys)
    return [
        RunRecord(
            run_id=row["run_id"],
            experiment=row["experiment"],
            experiment_id=row["experiment_id"],
            number=row["number"],
            type=row["type"],
            status=row["status"],
            display_name=row["display_name"],
            description=row["description"],
            parent_id=row["parent_id"],
            root_id=row["root_id"],
            target=row["target"],
            submitted_by=row["submitted_by"],
            created_ns=row["created_ns"],
            started_ns=row["started_ns"],
            ended_ns=row["ended_ns"],
            archived_ns=row["archived_ns"],
            error=row["error"],
            warnings=row["warnings"],
            tags=tags_of.get(row["key"], {}),
            properties=properties_of.get(row["key"], {}),
        )
        for row in rows
    ]


def _pairs(connection: Connection, table: Table, keys: list[int]) -> dict[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = defaultdict(dict)
    for position in range(0, len(keys), MAX_PARAMETERS):
        rows = connection.execute(
            select(table.c.run_key, table.c.name, table.c.value)
            .where(table.c.run_key.in_(keys[position : position + MAX_PARAMETERS]))
            .order_by(table.c.run_key, table.c.name)
        )
        for key, name, value in rows:
            found[key][name] = value
    return found
