"""Runs whose process has not been heard of for long are NotResponding, until it is heard of again.

A process is heard of when its journal brings something, or when it says that it lives (``hear``).  Only the clock of
those who keep the store counts.  What is done here may be done by any number of servers at the same time.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, exists, select, update

from milepost.store.engine import read, retried, write
from milepost.store.schema import journals, runs, workspaces
from milepost.store.status import FORWARD, NOT_RESPONDING, NOT_STARTED, RUNNING, TERMINAL
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection, Engine, Row, Select

    from milepost.store.store import Store


def hear(store: Store, journal_id: str) -> bool:
    """The journal's process lives, though it has nothing to bring.

    Gives whether one of its runs goes on: else nobody waits to hear of it.  Raises StoreUnavailable and StoreDamaged.
    """
    own = and_(runs.c.workspace_key == store.workspace_key, runs.c.owner_journal == fit_name(journal_id))

    def work() -> bool:
        with write(store.engine) as connection:
            known = and_(journals.c.workspace_key == store.workspace_key, journals.c.journal_id == fit_name(journal_id))
            connection.execute(update(journals).where(known).values(updated_ns=time.time_ns()))
            _wake(connection, connection.execute(_WITH_STATUS.where(own, runs.c.status == NOT_RESPONDING)).all())
            return bool(connection.scalar(select(exists().where(own, runs.c.status.not_in(TERMINAL)))))

    return retried(work)


def wake_heard(engine: Engine, since_ns: int) -> list[str]:
    """The runs that are NotResponding and whose process was heard of after that moment go on; gives their ids.

    Raises StoreUnavailable and StoreDamaged.
    """
    return _change(
        engine, _of_owners().where(runs.c.status == NOT_RESPONDING, journals.c.updated_ns >= since_ns), _wake
    )


def mark_silent(engine: Engine, since_ns: int) -> list[str]:
    """The runs that go on and whose process was not heard of after that moment are NotResponding; gives their ids.

    Raises StoreUnavailable and StoreDamaged.
    """
    return _change(engine, _of_owners().where(runs.c.status.in_(FORWARD), journals.c.updated_ns < since_ns), _mark)


_WITH_STATUS: Final[Select[Any]] = select(runs.c.key, runs.c.run_id, runs.c.status, runs.c.error, runs.c.started_ns)


def _of_owners() -> Select[Any]:
    owner = and_(journals.c.workspace_key == runs.c.workspace_key, journals.c.journal_id == runs.c.owner_journal)
    # Naming the workspaces lets the index that finds the few runs that go on be used.
    here = runs.c.workspace_key.in_(select(workspaces.c.key))
    return _WITH_STATUS.add_columns(journals.c.updated_ns).join(journals, owner).where(here).order_by(runs.c.key)


def _change(engine: Engine, wanted: Select[Any], change: Callable[[Connection, Sequence[Row[Any]]], None]) -> list[str]:
    with read(engine) as connection:
        found = connection.execute(wanted).all()
    if found:

        def work() -> None:
            with write(engine) as connection:
                change(connection, found)

        retried(work)
    return [row.run_id for row in found]


def _wake(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    for row in rows:
        before = (row.error or {}).get("before")
        if before not in FORWARD:
            before = NOT_STARTED if row.started_ns is None else RUNNING
        connection.execute(
            _SET, {"this_key": row.key, "this_id": row.run_id, "seen": row.status, "status": before, "error": None}
        )


def _mark(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    for row in rows:
        heard = datetime.fromtimestamp(row.updated_ns / 1e9, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        error = {
            "code": NOT_RESPONDING,
            "message": f"Nothing was heard of this run's process since {heard}: it hangs, it or its machine is gone, "
            "or the server cannot be reached from there. The run goes on when it is heard of again.",
            "before": row.status,
        }
        connection.execute(
            _SET,
            {"this_key": row.key, "this_id": row.run_id, "seen": row.status, "status": NOT_RESPONDING, "error": error},
        )


# Whoever has said something of the run meanwhile knows better.
_SET: Final = (
    update(runs)
    .where(
        runs.c.key == bindparam("this_key"),
        runs.c.run_id == bindparam("this_id"),  # SQLite gives the key of a deleted run to a new one
        runs.c.status == bindparam("seen"),
    )
    .values(status=bindparam("status"), error=bindparam("error"))
)
