"""Batches, points and old databases for tests, in few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from milepost.store import migrate
from milepost.store.artifacts import content_type_of
from milepost.store.batch import NO_STEP, SERIES, TABLE, Batch, Event, Points, SeriesBlock
from milepost.store.engine import sqlite_path, write
from milepost.store.manifest import SnapshotFile, encode, snapshot_id
from milepost.store.points import column_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from milepost.store.records import Blob
    from milepost.store.store import Store

T0 = 1_700_000_000_000_000_000
"""A time to begin with, in whole microseconds."""


def series_points(values: Sequence[Any], steps: Sequence[int] | None = None, start_ns: int = T0) -> Points:
    count = len(values)
    chosen = np.full(count, NO_STEP, np.int64) if steps is None else np.array(steps, np.int64)
    times = start_ns + 1000 * np.arange(count, dtype=np.int64)
    return Points(chosen, times, {"": column_of(list(values))})


def series(run_id: str, name: str, values: Sequence[Any], **more: Any) -> SeriesBlock:
    points = series_points(values, more.pop("steps", None), more.pop("start_ns", T0))
    return SeriesBlock(run_id, name, more.pop("kind", SERIES), points, **more)


def table(run_id: str, name: str, columns: dict[str, list[Any]], **more: Any) -> SeriesBlock:
    count = max((len(values) for values in columns.values()), default=0)
    points = series_points([None] * count)
    points.columns = {
        column: column_of([*values, *([None] * (count - len(values)))]) for column, values in columns.items()
    }
    return SeriesBlock(run_id, name, TABLE, points, **more)


def run_event(run_id: str, experiment: str = "exp", time_ns: int = T0, **data: Any) -> Event:
    return Event("run", run_id, time_ns, {"experiment": experiment, "status": "Running", **data})


def event(kind: str, run_id: str, time_ns: int = T0, **data: Any) -> Event:
    return Event(kind, run_id, time_ns, data)


def say(store: Store, *said: Event | SeriesBlock, journal: str = "journal") -> None:
    """Apply events and series as the next batch of a journal."""
    start = store.applied(journal)
    events = [one for one in said if isinstance(one, Event)]
    blocks = [one for one in said if isinstance(one, SeriesBlock)]
    store.apply(Batch(journal, start, start + 100, events, blocks))


def upload(store: Store, run_id: str, name: str, content: bytes) -> Blob:
    """Store a content and say that it is a file of the run."""
    blob = store.put_bytes(content)
    named = {"name": name, "digest": blob.digest, "size": blob.size, "content_type": content_type_of(name)}
    say(store, event("artifact", run_id, **named))
    return blob


def take(store: Store, files: dict[str, bytes]) -> dict[str, Any]:
    """Store a snapshot of a folder with these files; gives the data of its event."""
    listed = []
    for name, content in files.items():
        blob = store.put_bytes(content)
        listed.append(SnapshotFile(name, blob.digest, blob.size))
    data = encode(listed)
    total = sum(each.size for each in listed)
    return {"id": snapshot_id(data), "manifest": store.put_bytes(data).digest, "files": len(listed), "bytes": total}


def snapshot(store: Store, run_id: str, files: dict[str, bytes], time_ns: int = T0) -> str:
    """Give a run a snapshot of a folder with these files; gives its id."""
    data = take(store, files)
    say(store, event("snapshot", run_id, time_ns, **data))
    return str(data["id"])


def migrated(engine: Engine, revision: str = migrate.HEAD) -> None:
    """Bring an empty database to a version by all migrations up to it."""
    path = sqlite_path(engine)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        migrate._ensure_wal(engine)
    with write(engine) as connection:
        migrate.migrate(connection, revision)
