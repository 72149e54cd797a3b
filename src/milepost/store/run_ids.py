"""Runs by the beginnings of their ids, as people type them and as narrow tables show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from milepost.store.engine import is_sqlite, pieces
from milepost.store.schema import runs
from milepost.store.texts import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, Select

    from milepost.store.store import Store

MOST: Final = 1000
"""Ids that one beginning is answered with at most."""


def ids_beginning(store: Store, beginnings: Sequence[str], limit: int) -> dict[str, list[str]]:
    """beginning -> the ids of runs that begin with it, in order, at most ``limit`` (and at most ``MOST``) each."""
    most = max(1, min(limit, MOST))
    asked = dict.fromkeys(clean(each) for each in beginnings)
    with store.reading() as connection:
        find = _by_range if is_sqlite(connection) else _by_text
        found = find(store, connection, asked, most)
    return {each: found.get(clean(each), []) for each in beginnings}


def _by_range(store: Store, connection: Connection, beginnings: Iterable[str], most: int) -> dict[str, list[str]]:
    """Each from the index on ids alone: SQLite keeps texts in the order of their bytes."""
    return {
        each: list(
            connection.scalars(
                _ids(store)
                .where(runs.c.run_id >= each, runs.c.run_id < each + "\U0010ffff")
                .order_by(runs.c.run_id)
                .limit(most)
            )
        )
        for each in beginnings
    }


def _by_text(store: Store, connection: Connection, beginnings: Iterable[str], most: int) -> dict[str, list[str]]:
    """Those of one length at once.

    What lies between two texts depends on the language of a PostgreSQL database, so the beginnings are compared.
    """
    found: dict[str, list[str]] = {}
    lengths: dict[int, list[str]] = {}
    for each in beginnings:
        lengths.setdefault(len(each), []).append(each)
    for length, those in lengths.items():
        beginning = func.substr(runs.c.run_id, 1, length)
        place = func.row_number().over(partition_by=beginning, order_by=runs.c.run_id.collate("C"))
        for some in pieces(those):
            ranked = _ids(store).add_columns(place.label("place")).where(beginning.in_(some)).subquery()
            query = select(ranked.c.run_id).where(ranked.c.place <= most).order_by(ranked.c.run_id.collate("C"))
            for run_id in connection.scalars(query):
                found.setdefault(run_id[:length], []).append(run_id)
    return found


def _ids(store: Store) -> Select[tuple[str]]:
    # Runs that are known only by what other journals said are none yet.
    return select(runs.c.run_id).where(runs.c.workspace_key == store.workspace_key, runs.c.experiment_key.is_not(None))
