"""Give back the space of what was deleted: finish killed deletions, free contents, shrink SQLite's file.

A content is named by a run's file, by a model's file, or by the manifest of a snapshot.  Which contents snapshots
name is known only from their manifests, so they are read once, at the beginning, and count for the whole sweep.  That
is enough: a snapshot's contents are all stored (or made to look new) before anybody says that a run has it, so one
that comes in while the sweep goes on names nothing that had looked old at the beginning.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, delete, exists, or_, select, union

from milepost.store.blobs import Freed
from milepost.store.deletion import remove_entombed
from milepost.store.engine import pieces, read, retried, sqlite_path, translated, write
from milepost.store.errors import BadInput, Conflict, NotFound, StoreDamaged, StoreUnavailable
from milepost.store.migrate import ensure_schema
from milepost.store.schema import artifacts, blobs, model_files, run_snapshots, runs, snapshots, workspaces
from milepost.store.snapshots import contents

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from milepost.store.store import Store

NAMING: Final = (artifacts, model_files)
"""The tables that name contents, by ``workspace_key`` and ``digest``."""

_AT_ONCE: Final = 500
_PAGES_AT_ONCE: Final = 1000
_FEW_PAGES: Final = 256
"""Free pages that SQLite may keep: it uses them for what comes next."""
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did: contents of files freed and their bytes, and the bytes by which SQLite's file shrank."""

    blobs: int
    blob_bytes: int
    database_bytes: int


def sweep(store: Store, *, grace_s: float | None = None, keep: Collection[str] = frozenset()) -> Swept:
    """Free the contents of files that nothing in the database names any more, and shrink SQLite's file.

    ``grace_s``: contents stored within the last so many seconds stay, since what names them may still be on its way;
    by default 10 minutes on a disk and a day in an object store.  0 is for when nobody records.  ``keep``: digests
    that stay in any case, such as those in journals that have not been delivered for longer than that.

    Goes over all workspaces of the database.  Any number of processes may go on recording and sweeping meanwhile.
    Raises Conflict, and frees nothing, where another database stores its files in the same place; StoreDamaged, and
    frees no content, where the manifest of a snapshot cannot be read, and where a newer Milepost has upgraded the
    database since it was opened.
    """
    grace = store.blobs.grace_s if grace_s is None else grace_s
    # A newer version may have ways to name contents of which this one knows nothing.
    ensure_schema(store.engine, create=False)
    _check_owners(store)
    remove_entombed(store, all_of_them=True)
    # Before anything is read: what is stored from here on is not looked at.
    oldest = time.time_ns() - int(grace * 1e9)
    _forget_snapshots(store.engine)
    _forget_unnamed(store)
    in_snapshots = _in_snapshots(store)
    store.blobs.tidy(grace)
    freed = Freed()
    candidates = (
        digest
        for digest, _size, stored_ns in store.blobs.list()
        if stored_ns <= oldest and digest not in keep and digest not in in_snapshots
    )
    for some in pieces(candidates, _AT_ONCE):
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


def _forget_snapshots(engine: Engine) -> None:
    """Remove the snapshots that no run has.

    A run may be about to get one of them.  It is recorded anew then; its contents look new, so they stay.
    """
    unused = ~exists().where(run_snapshots.c.snapshot_key == snapshots.c.key)

    def forget(keys: list[int]) -> None:
        with write(engine) as connection:
            these = snapshots.c.key.in_(keys)
            # Locked first, and looked at again after that: a run may just be getting one of them.
            connection.execute(select(snapshots.c.key).where(these).order_by(snapshots.c.id).with_for_update())
            connection.execute(delete(snapshots).where(these, unused))

    with read(engine) as connection:
        found = connection.scalars(select(snapshots.c.key).where(unused).order_by(snapshots.c.id)).all()
    for some in pieces(found, _AT_ONCE):
        retried(lambda some=some: forget(some))  # type: ignore[misc]


def _in_snapshots(store: Store) -> set[str]:
    """The contents that the snapshots of all workspaces need.  Raises StoreDamaged where one cannot be told."""
    query = select(snapshots.c.manifest).distinct()
    with read(store.engine) as connection:
        manifests = connection.scalars(query).all()
    found: set[str] = set()
    for manifest in manifests:
        try:
            found |= contents(store.blobs, manifest)
        except (NotFound, BadInput, StoreDamaged) as error:
            with read(store.engine) as connection:
                if connection.scalar(query.where(snapshots.c.manifest == manifest)) is None:
                    continue  # another sweep has forgotten it meanwhile
            raise _unreadable(store, manifest, error) from error
    return found


def _unreadable(store: Store, manifest: str, error: Exception) -> StoreDamaged:
    query = (
        select(snapshots.c.id, runs.c.run_id)
        .outerjoin(run_snapshots, run_snapshots.c.snapshot_key == snapshots.c.key)
        .outerjoin(runs, runs.c.key == run_snapshots.c.run_key)
        .where(snapshots.c.manifest == manifest)
    )
    with read(store.engine) as connection:
        rows = connection.execute(query.order_by(runs.c.run_id)).all()
    having = [row.run_id for row in rows if row.run_id is not None]
    more = f" and {len(having) - _SHOWN:,} more" if len(having) > _SHOWN else ""
    return StoreDamaged(
        f"no file was freed: which files the snapshot {', '.join(sorted({row.id for row in rows}))} needs cannot be "
        f"told ({error}). Restore that content from a backup, or delete the runs that have the snapshot: "
        f"{', '.join(having[:_SHOWN]) or 'none any more'}{more}"
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
    for some in pieces(sorted((row.workspace_key, row.digest) for row in rows), _AT_ONCE):
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
