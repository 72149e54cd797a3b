"""Delete runs, experiments and workspaces.

Deleting hides and entombs all the runs in one short transaction: they are gone for every reader at once, and what a
late journal still says of them is dropped.  Then their rows are removed piece by piece, so that nobody who writes
waits long.  A killed deletion is finished by the next sweep (``sweeping.py``), which also frees the contents of files.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, delete, exists, select, update

from milepost.store.engine import insert, pieces, read, retried, write
from milepost.store.errors import NotFound
from milepost.store.schema import deleted_runs, experiments, runs, workspaces
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from milepost.store.store import Store

_RUNS_AT_ONCE: Final = 100
_IDS_AT_ONCE: Final = 5000


def delete_run(store: Store, run_id: str) -> int:
    """Delete a run with all its descendants, their metrics and their files' names; gives how many runs there were.

    Models that were registered from them stay, with their files.  The space of files is freed by ``sweep``.
    Raises NotFound.
    """

    def doom() -> int:
        with write(store.engine) as connection:
            here = (runs.c.workspace_key == store.workspace_key, runs.c.run_id == fit_name(run_id))
            found = connection.scalar(select(runs.c.run_id).where(*here, runs.c.experiment_key.is_not(None)))
            if found is None:
                raise NotFound(f"there is no run {run_id!r} in workspace {store.workspace_name}")
            return _entomb(connection, store, [found])

    doomed = retried(doom)
    remove_entombed(store)
    return doomed


def delete_runs(store: Store, run_ids: Sequence[str]) -> int:
    """Delete these runs as ``delete_run`` does, all at once; those that are not there are passed over."""

    def doom() -> int:
        with write(store.engine) as connection:
            found: list[str] = []
            for some in pieces([fit_name(run_id) for run_id in run_ids], _IDS_AT_ONCE):
                here = (runs.c.workspace_key == store.workspace_key, runs.c.run_id.in_(some))
                found += connection.scalars(select(runs.c.run_id).where(*here, runs.c.experiment_key.is_not(None)))
            return _entomb(connection, store, found)

    doomed = retried(doom)
    remove_entombed(store)
    return doomed


def delete_experiment(store: Store, id_or_name: str) -> int:
    """Delete an experiment with all its runs and their descendants; gives how many runs there were.

    It is looked for by id first, then by name.  The name can be used anew; run numbers begin at 1 again then.
    Raises NotFound.
    """

    def doom() -> int:
        with write(store.engine) as connection:
            key = None
            for column in (experiments.c.id, experiments.c.name):
                key = connection.scalar(
                    select(experiments.c.key)
                    .where(experiments.c.workspace_key == store.workspace_key, column == clean(id_or_name))
                    .with_for_update()
                )
                if key is not None:
                    break
            if key is None:
                raise NotFound(f"there is no experiment {id_or_name!r} in workspace {store.workspace_name}")
            own = connection.scalars(select(runs.c.run_id).where(runs.c.experiment_key == key)).all()
            doomed = _entomb(connection, store, own)
            connection.execute(delete(experiments).where(experiments.c.key == key))
            return doomed

    doomed = retried(doom)
    remove_entombed(store)
    return doomed


def delete_workspace(store: Store) -> None:
    """Delete the workspace with all in it.  The store must not be used afterwards, except for a last ``sweep``."""

    def doom() -> None:
        with write(store.engine) as connection:
            own = runs.c.workspace_key == store.workspace_key
            _entomb(connection, store, connection.scalars(select(runs.c.run_id).where(own)).all())

    retried(doom)
    remove_entombed(store)

    def finish() -> None:
        with write(store.engine) as connection:
            connection.execute(delete(workspaces).where(workspaces.c.key == store.workspace_key))

    retried(finish)
    store.blobs.forget_owner(store.workspace_id)


def _entomb(connection: Connection, store: Store, run_ids: Iterable[str]) -> int:
    """Hide these runs and their descendants for good; gives how many there were."""
    doomed = sorted(_with_descendants(connection, store.workspace_key, run_ids))
    now = time.time_ns()
    for some in pieces(doomed, _IDS_AT_ONCE):
        these = and_(runs.c.workspace_key == store.workspace_key, runs.c.run_id.in_(some))
        # Locked in the order in which batches lock them.
        connection.execute(select(runs.c.run_id).where(these).order_by(runs.c.run_id).with_for_update())
        connection.execute(
            insert(connection, deleted_runs).on_conflict_do_nothing(),
            [{"workspace_key": store.workspace_key, "run_id": each, "deleted_ns": now} for each in some],
        )
        connection.execute(update(runs).where(these).values(experiment_key=None))
    return len(doomed)


def _with_descendants(connection: Connection, workspace_key: int, run_ids: Iterable[str]) -> set[str]:
    found = set(run_ids)
    newest = list(found)
    while newest:
        children: set[str] = set()
        for some in pieces(newest, _IDS_AT_ONCE):
            children.update(
                connection.scalars(
                    select(runs.c.run_id).where(runs.c.workspace_key == workspace_key, runs.c.parent_id.in_(some))
                )
            )
        newest = list(children - found)
        found |= children
    return found


def remove_entombed(store: Store, *, all_of_them: bool = False) -> None:
    """Remove the rows of deleted runs: of this deletion, and of one that was killed.

    ``all_of_them``: also those that a batch, applied at the very moment of the deletion, has brought back (possible
    on PostgreSQL only); it takes a look at every run ever deleted.
    """
    query = select(runs.c.key).join(
        deleted_runs,
        and_(deleted_runs.c.workspace_key == runs.c.workspace_key, deleted_runs.c.run_id == runs.c.run_id),
    )
    if not all_of_them:
        query = query.where(runs.c.experiment_key.is_(None))
    with read(store.engine) as connection:
        keys = connection.scalars(query).all()
    for some in pieces(keys, _RUNS_AT_ONCE):
        retried(lambda some=some: _remove_runs(store.engine, some))  # type: ignore[misc]


def _remove_runs(engine: Engine, keys: list[int]) -> None:
    # Looked at again: meanwhile another process may have removed a run, and SQLite has given its key to a new one.
    entombed = exists().where(
        deleted_runs.c.workspace_key == runs.c.workspace_key, deleted_runs.c.run_id == runs.c.run_id
    )
    with write(engine) as connection:
        connection.execute(delete(runs).where(runs.c.key.in_(keys), entombed))
