"""Compute targets: what runs may be sent to, by name.  What a definition means is known to those who launch runs."""

from __future__ import annotations

import time
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, select, update

from milepost.store.engine import insert, retried, write
from milepost.store.errors import Conflict, NotFound
from milepost.store.names import check_plain_name
from milepost.store.records import ComputeRecord
from milepost.store.schema import computes
from milepost.store.texts import clean, clean_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from milepost.store.store import Store

_WHAT: Final = "the name of a compute target"
_COLUMNS: Final = tuple(computes.c[name] for name in ("name", "kind", "definition", "created_ns", "updated_ns"))


def create_compute(store: Store, name: str, kind: str, definition: Mapping[str, Any]) -> ComputeRecord:
    """Keep a new compute target; ``definition`` is a JSON object.

    Raises BadInput for a bad name, and Conflict where there is one of this name, in whatever case of letters.
    """
    checked = check_plain_name(name, _WHAT)
    now = time.time_ns()
    row = {
        "workspace_key": store.workspace_key,
        "name": checked,
        "folded": checked.lower(),
        "kind": clean(kind),
        "definition": clean_json(dict(definition)),
        "created_ns": now,
        "updated_ns": now,
    }

    def create() -> bool:
        with write(store.engine) as connection:
            made = insert(connection, computes).values(row).on_conflict_do_nothing().returning(computes.c.key)
            return connection.scalar(made) is not None

    if not retried(create):
        raise Conflict(
            f"there is a compute target {checked!r} (in whatever case of letters) already in workspace "
            f"{store.workspace_name}: give another name, or delete that one first"
        )
    return get_compute(store, checked)


def get_compute(store: Store, name: str) -> ComputeRecord:
    """The compute target of this name, in whatever case of letters.  Raises NotFound, which tells of names like it."""
    with store.reading() as connection:
        row = connection.execute(select(*_COLUMNS).where(*_where(store, name))).first()
        if row is not None:
            return ComputeRecord(*row)
    raise _unknown(store, name)


def list_computes(store: Store) -> list[ComputeRecord]:
    """All compute targets, by name."""
    with store.reading() as connection:
        rows = connection.execute(select(*_COLUMNS).where(computes.c.workspace_key == store.workspace_key))
        return sorted((ComputeRecord(*row) for row in rows), key=lambda each: each.name.lower())


def update_compute(store: Store, name: str, definition: Mapping[str, Any]) -> ComputeRecord:
    """Give a compute target another definition.  Raises NotFound."""
    values = {"definition": clean_json(dict(definition)), "updated_ns": time.time_ns()}

    def change() -> int:
        with write(store.engine) as connection:
            return connection.execute(update(computes).where(*_where(store, name)).values(values)).rowcount

    if not retried(change):
        raise _unknown(store, name)
    return get_compute(store, name)


def delete_compute(store: Store, name: str) -> None:
    """Delete a compute target; runs that were sent there keep its name.  Raises NotFound."""

    def remove() -> int:
        with write(store.engine) as connection:
            return connection.execute(delete(computes).where(*_where(store, name))).rowcount

    if not retried(remove):
        raise _unknown(store, name)


def _where(store: Store, name: str) -> tuple[ColumnElement[bool], ...]:
    return computes.c.workspace_key == store.workspace_key, computes.c.folded == clean(name).lower()


def _unknown(store: Store, name: str) -> NotFound:
    names = {each.name.lower(): each.name for each in list_computes(store)}
    near = [names[each] for each in get_close_matches(name.lower(), names, n=3)]
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return NotFound(f"there is no compute target {name!r} in workspace {store.workspace_name}{hint}")
