"""Snapshots of runs: which folders they were given.  The contents of their files, and their manifests, are blobs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import select

from milepost.store.engine import insert
from milepost.store.errors import BadInput, NotFound, StoreDamaged
from milepost.store.manifest import digests
from milepost.store.records import SnapshotRecord
from milepost.store.schema import run_snapshots, runs, snapshots
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from milepost.store.blobs import Blobs
    from milepost.store.store import Store


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot that a run has."""

    id: str
    manifest: str
    """The digest of the manifest."""
    files: int
    bytes: int
    taken_ns: int
    created_ns: int | None = None
    """When it was taken first, where that was for another run; None: now."""


def check_id(snapshot_id: Any) -> str:
    """The id as it is.  Raises BadInput for what is no UUID in its usual form."""
    try:
        if isinstance(snapshot_id, str) and str(UUID(snapshot_id)) == snapshot_id:
            return snapshot_id
    except ValueError:
        pass
    raise BadInput(f"{ascii(snapshot_id)[:100]} is no id of a snapshot")


def record_snapshots(
    connection: Connection, workspace_key: int, taken: Sequence[tuple[int, Taken]]
) -> list[tuple[int, int, str]]:
    """Record that runs (by key) have snapshots.  Returns warnings: (run key, time, message)."""
    kept: dict[str, Any] = {}
    # In one order everywhere: two batches must not wait for each other's rows crosswise.
    for each in sorted({each.id: each for _key, each in reversed(taken)}.values(), key=lambda one: one.id):
        kept[each.id] = _keep(connection, workspace_key, each)
    links, warnings = [], []
    for run_key, each in taken:
        if kept[each.id].manifest != each.manifest:
            message = f"the snapshot {each.id} was told with two manifests; the later one is not kept"
            warnings.append((run_key, each.taken_ns, message))
            continue
        key = kept[each.id].key
        links.append(
            {"workspace_key": workspace_key, "run_key": run_key, "snapshot_key": key, "taken_ns": each.taken_ns}
        )
    if links:
        link = insert(connection, run_snapshots)
        link = link.on_conflict_do_update(
            index_elements=[run_snapshots.c.run_key, run_snapshots.c.snapshot_key],
            set_={"taken_ns": link.excluded.taken_ns},
            where=run_snapshots.c.taken_ns > link.excluded.taken_ns,
        )
        connection.execute(link, links)
    return warnings


def _keep(connection: Connection, workspace_key: int, taken: Taken) -> Any:
    """The key and the manifest of the snapshot's row.

    It stays locked until the end of the transaction, so that no sweep forgets it meanwhile.
    """
    new = insert(connection, snapshots).values(
        workspace_key=workspace_key,
        id=taken.id,
        manifest=taken.manifest,
        files=taken.files,
        bytes=taken.bytes,
        created_ns=taken.taken_ns if taken.created_ns is None else taken.created_ns,
    )
    # A change that changes nothing: it locks the row, and gives it back.
    new = new.on_conflict_do_update(
        index_elements=[snapshots.c.workspace_key, snapshots.c.id], set_={"id": new.excluded.id}
    )
    return connection.execute(new.returning(snapshots.c.key, snapshots.c.manifest)).one()


def contents(blobs: Blobs, manifest: str) -> set[str]:
    """The digests of all that a snapshot needs: its manifest, given by digest, and what this names.

    Raises NotFound where the manifest is not there, StoreDamaged where it cannot be read, BadInput for what is none.
    """
    with blobs.open(manifest) as source:
        data = source.read()
    if hashlib.sha256(data).hexdigest() != manifest:
        raise StoreDamaged(f"the content {manifest} in {blobs.address} is damaged: restore it from a backup")
    return {manifest} | digests(data)


def get_snapshot(store: Store, snapshot_id: str) -> SnapshotRecord:
    """A snapshot of the workspace.  Raises NotFound."""
    query = select(*_COLUMNS).where(
        snapshots.c.workspace_key == store.workspace_key, snapshots.c.id == clean(snapshot_id)
    )
    with store.reading() as connection:
        row = connection.execute(query).first()
    if row is None:
        raise NotFound(
            f"there is no snapshot {snapshot_id!r} in workspace {store.workspace_name}; it goes with the last run that "
            "has it"
        )
    return SnapshotRecord(*row)


def list_snapshots(store: Store, run_id: str) -> list[SnapshotRecord]:
    """The snapshots of a run, in the order in which they were taken; an unknown run has none."""
    query = (
        select(*_COLUMNS)
        .join(run_snapshots, run_snapshots.c.snapshot_key == snapshots.c.key)
        .join(runs, runs.c.key == run_snapshots.c.run_key)
        .where(
            runs.c.workspace_key == store.workspace_key,
            runs.c.run_id == fit_name(run_id),
            runs.c.experiment_key.is_not(None),
        )
        .order_by(run_snapshots.c.taken_ns, run_snapshots.c.key)
    )
    with store.reading() as connection:
        return [SnapshotRecord(*row) for row in connection.execute(query)]


_COLUMNS = (snapshots.c.id, snapshots.c.manifest, snapshots.c.files, snapshots.c.bytes, snapshots.c.created_ns)
