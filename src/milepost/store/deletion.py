"""Delete runs, experiments and workspaces, and give their space back.

Deleting hides and entombs all the runs in one short transaction: they are gone for every reader at once, and what a
late journal still says of them is dropped.  Then their rows are removed piece by piece, so that nobody who writes
waits long.  A killed deletion is finished by the next sweep, which also frees the contents of files.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import and_, delete, exists, or_, select, union, update

from milepost.store.blobs import Freed
from milepost.store.engine import insert, read, retried, sqlite_path, translated, write
from milepost.store.errors import Conflict, NotFound, StoreUnavailable
from milepost.store.schema import artifacts, blobs, deleted_runs, experiments, model_files, runs, workspaces
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from milepost.store.store import Store

NAMING: Final = (artifacts, model_files)
"""The tables that name contents, by ``workspace_key`` and ``digest``."""

_T = TypeVar("_T")
_RUNS_AT_ONCE: Final = 100
_IDS_AT_ONCE: Final = 5000
_BLOBS_AT_ONCE: Final = 500
_PAGES_AT_ONCE: Final = 1000
_FEW_PAGES: Final = 256
"""Free pages that SQLite may keep: it uses them for what comes next."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: contents of files freed and their bytes, and the bytes by which SQLite's file shrank."""

    blobs: int
    blob_bytes: int
    database_bytes: int


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
    _remove_entombed(store)
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
    _remove_entombed(store)
    return doomed


def delete_workspace(store: Store) -> None:
    """Delete the workspace with all in it.  The store must not be used afterwards, except for a last ``sweep``."""

    def doom() -> None:
        with write(store.engine) as connection:
            own = runs.c.workspace_key == store.workspace_key
            _entomb(connection, store, connection.scalars(select(runs.c.run_id).where(own)).all())

    retried(doom)
    _remove_entombed(store)

    def finish() -> None:
        with write(store.engine) as connection:
            connection.execute(delete(workspaces).where(workspaces.c.key == store.workspace_key))

    retried(finish)
    store.blobs.forget_owner(store.workspace_id)


def _entomb(connection: Connection, store: Store, run_ids: Iterable[str]) -> int:
    """Hide these runs and their descendants for good; gives how many there were."""
    doomed = sorted(_with_descendants(connection, store.workspace_key, run_ids))
    now = time.time_ns()
    for some in _pieces(doomed, _IDS_AT_ONCE):
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
        for some in _pieces(newest, _IDS_AT_ONCE):
            children.update(
                connection.scalars(
                    select(runs.c.run_id).where(runs.c.workspace_key == workspace_key, runs.c.parent_id.in_(some))
                )
            )
        newest = list(children - found)
        found |= children
    return found


def _remove_entombed(store: Store, *, all_of_them: bool = False) -> None:
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
    for some in _pieces(keys, _RUNS_AT_ONCE):
        retried(lambda some=some: _remove_runs(store.engine, some))  # type: ignore[misc]


def _remove_runs(engine: Engine, keys: list[int]) -> None:
    with write(engine) as connection:
        connection.execute(delete(runs).where(runs.c.key.in_(keys)))


# Sweeping.


def sweep(store: Store, *, grace_s: float | None = None, keep: Collection[str] = frozenset()) -> Swept:
    """Free the contents of files that nothing in the database names any more, and shrink SQLite's file.

    ``grace_s``: contents stored within the last so many seconds stay, since what names them may still be on its way;
    by default 10 minutes on a disk and a day in an object store.  0 is for when nobody records.  ``keep``: digests
    that stay in any case, such as those in journals that have not been delivered for longer than that.

    Goes over all workspaces of the database.  Any number of processes may go on recording and sweeping meanwhile.
    Raises Conflict, and frees nothing, where another database stores its files in the same place.
    """
    grace = store.blobs.grace_s if grace_s is None else grace_s
    _check_owners(store)
    _remove_entombed(store, all_of_them=True)
    _forget_unnamed(store)
    store.blobs.tidy(grace)
    freed = Freed()
    oldest = time.time_ns() - int(grace * 1e9)
    candidates = (
        digest for digest, _size, stored_ns in store.blobs.list() if stored_ns <= oldest and digest not in keep
    )
    for some in _pieces(candidates, _BLOBS_AT_ONCE):
        named = _named(store.engine, some)
        freed += store.blobs.free([digest for digest in some if digest not in named], grace)
    return Swept(freed.blobs, freed.bytes, _shrink(store.engine))


def _check_owners(store: Store) -> None:
    with read(store.engine) as connection:
        known = set(connection.scalars(select(workspaces.c.id)))
    others = sorted(store.blobs.owners() - known)
    if others:
        raise Conflict(
            f"nothing was freed: {store.blobs.address} also holds files of workspaces that this database does not know "
            f"({', '.join(others[:5])}). Give each database a place of its own for its files; if those workspaces are "
            "gone for good, remove the marks of these names in its folder owners/"
        )


def _forget_unnamed(store: Store) -> None:
    """Remove the rows of contents that nothing names.

    A row is what a model may be registered by without storing its files anew, so it must not go while one is being
    registered: ``models.register_model`` locks the row; here it is locked first, and looked at again after that.
    """
    unnamed = ~or_(
        *(
            exists().where(table.c.workspace_key == blobs.c.workspace_key, table.c.digest == blobs.c.digest)
            for table in NAMING
        )
    )
    with read(store.engine) as connection:
        rows = connection.execute(select(blobs.c.workspace_key, blobs.c.digest).where(unnamed)).all()
    for some in _pieces(sorted((row.workspace_key, row.digest) for row in rows), _BLOBS_AT_ONCE):
        retried(lambda some=some: _forget(store.engine, some, unnamed))  # type: ignore[misc]


def _forget(engine: Engine, rows: list[tuple[int, str]], unnamed: Any) -> None:
    with write(engine) as connection:
        for key in {key for key, _digest in rows}:
            these = and_(blobs.c.workspace_key == key, blobs.c.digest.in_([digest for of, digest in rows if of == key]))
            connection.execute(select(blobs.c.digest).where(these).order_by(blobs.c.digest).with_for_update())
            connection.execute(delete(blobs).where(these, unnamed))


def _named(engine: Engine, digests: list[str]) -> set[str]:
    """Those of the contents that something in the database names, in any workspace."""
    with read(engine) as connection:
        # With the workspace, for the indexes begin with it.
        here = select(workspaces.c.key)
        return set(
            connection.scalars(
                union(
                    *(
                        select(table.c.digest).where(table.c.workspace_key.in_(here), table.c.digest.in_(digests))
                        for table in (blobs, *NAMING)
                    )
                )
            )
        )


def _shrink(engine: Engine) -> int:
    """Give the free pages of SQLite's file back to the disk; gives the bytes.  PostgreSQL cares for itself.

    A few pages at a time, so that nobody who writes waits long.
    """
    path = sqlite_path(engine)
    if path is None:
        return 0
    before = path.stat().st_size
    while True:
        with write(engine) as connection:
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            if free <= _FEW_PAGES:
                break
            # Through the driver: the statement has rows without columns, one a page, and works as they are fetched.
            driver: Any = connection.connection.driver_connection
            driver.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
            if connection.exec_driver_sql("PRAGMA freelist_count").scalar_one() == free:
                break  # a file that was made without auto_vacuum
    # Does not wait for those who read or write just now; a later checkpoint shrinks the file then.
    with suppress(StoreUnavailable), translated(engine), engine.connect() as connection:
        driver = connection.connection.driver_connection
        driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    return max(0, before - path.stat().st_size)


def _pieces(items: Iterable[_T], count: int) -> Iterator[list[_T]]:
    left = iter(items)
    while piece := list(islice(left, count)):
        yield piece
