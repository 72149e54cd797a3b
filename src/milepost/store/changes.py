"""What has changed: a version of the store that costs next to nothing, and pictures of a part of it to compare."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Text, cast, func, select

from milepost.store.schema import (
    artifacts,
    documents,
    experiments,
    journals,
    metrics,
    parameters,
    properties,
    run_snapshots,
    runs,
    tags,
)
from milepost.store.status import PROCESS_DIED, STATUSES, TERMINAL
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import ColumnElement, Connection, Row

    from milepost.store.store import Store

_ACTIVE: Final = sorted(STATUSES - TERMINAL)
_PRIME: Final = 1_000_000_007
"""Times are summed modulo this: one that is not the last may be replaced, and sums of whole ones are too large."""
_TICK_NS: Final = 20_000_000
_MOST_TAGS: Final = 1000
"""Of a run more are never shown, nor more of each."""
_LONGEST_TAG: Final = 20_000
_MOST_ACTIVE: Final = 1000
_MOST_WITH_METRICS: Final = 200
"""Of so many active runs the newest metrics are looked at."""


def version(store: Store) -> str:
    """A text that is another one after every change of the store, and at times without one."""
    if store.engine.dialect.name == "sqlite" and store.engine.url.database:
        # Every commit writes to one of these files.
        path = Path(store.engine.url.database)
        return "-".join(_stamp(each) for each in (path, path.with_name(path.name + "-wal")))
    with store.reading() as connection:
        # Which transactions there have been: whatever was committed since makes it another one.
        return str(connection.scalar(select(cast(func.pg_current_snapshot(), Text))))


def last_delivery_ns(store: Store) -> int:
    """When a journal last came into the store, in ns since 1970 UTC; 0 where none did."""
    with store.reading() as connection:
        query = select(func.max(journals.c.updated_ns)).where(journals.c.workspace_key == store.workspace_key)
        return int(connection.scalar(query) or 0)


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "0"
    # The clock of files goes by ticks: another commit in this one would leave no trace.
    now = time.time_ns()
    unsettled = f".{now:x}" if abs(now - found.st_mtime_ns) < _TICK_NS else ""
    return f"{found.st_mtime_ns:x}.{found.st_size:x}{unsettled}"


@dataclass(frozen=True)
class Picture:
    """A part of the store at one moment; what differs between two of them has changed."""

    whole: Any = None
    """What is true of all the runs together."""
    seldom: Any = None
    """What it takes a look at every run to see; None where that was not looked at."""
    runs: dict[str, Any] = field(default_factory=dict)
    """run id -> what its row shows; active runs only where the picture is of many."""
    metrics: dict[str, Any] = field(default_factory=dict)
    """run id -> how many metrics and points."""
    files: dict[str, Any] = field(default_factory=dict)
    """run id -> how many files, and which was the last."""
    ended_ns: int | None = None
    """When the run ended, where the picture is of one; None where others had to find out that it has."""

    def marks(self) -> dict[str, str]:
        """ "runs", "metrics" and "files" -> a text that is another one where that part of the picture is.

        It means the same in every process, so that a reader who comes back can tell what it has missed.
        """
        whole = (self.whole, self.seldom, sorted(self.runs.items()))
        parts = {"runs": whole, "metrics": sorted(self.metrics.items()), "files": sorted(self.files.items())}
        return {kind: _mark(part) for kind, part in parts.items()}

    def since(self, before: Picture) -> dict[str, list[str]]:
        """What has changed since: "runs", "metrics" and "files" -> ids of runs.

        "runs" without ids: others than those that can be named.
        """
        changed = {
            kind: _differing(getattr(self, kind), getattr(before, kind)) for kind in ("runs", "metrics", "files")
        }
        found = {kind: run_ids for kind, run_ids in changed.items() if run_ids}
        if self.whole != before.whole or (None not in (self.seldom, before.seldom) and self.seldom != before.seldom):
            found.setdefault("runs", [])
        return found


def _mark(part: Any) -> str:
    return hashlib.blake2b(repr(part).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


def _differing(now: dict[str, Any], before: dict[str, Any]) -> list[str]:
    return [run_id for run_id in {**before, **now} if now.get(run_id) != before.get(run_id)]


def picture(
    store: Store, *, experiment: str | None = None, run_id: str | None = None, thorough: bool = True
) -> Picture:
    """What readers see of one run, of an experiment's runs, or of all.  Unknown ones have an empty picture.

    ``thorough``: also what is seldom changed and takes a look at every run: which are archived, when they ended.
    """
    with store.reading() as connection:
        if run_id is not None:
            return _of_run(connection, store, fit_name(run_id))
        return _of_runs(connection, store, experiment, thorough)


def _shown() -> tuple[ColumnElement[Any], ...]:
    row = runs.c
    return (
        row.status,
        row.display_name,
        row.description,
        row.started_ns,
        row.ended_ns,
        row.archived_ns,
        row.experiment_key,
    )


def run_mark(store: Store, run_id: str, parts: Collection[str]) -> str | None:
    """A text that is another one when one of these parts of a run ("runs", "metrics", "files") is; None without a run.

    "runs" is all that is known of the run itself, and of its parent.
    """
    with store.reading() as connection:
        row = _row(connection, store, fit_name(run_id))
        if row is None:
            return None
        seen: list[Any] = [row.key, row.created_ns]
        if "runs" in parts:
            seen.append(_facts(connection, store, row))
            parent = None if row.parent_id is None else _row(connection, store, row.parent_id)
            seen.append(None if parent is None else _facts(connection, store, parent))
        if "metrics" in parts:
            seen.append(_counted(connection, [row.key]).get(row.key))
        if "files" in parts:
            seen.append(_files(connection, row.key))
        return _mark(seen)


def _row(connection: Connection, store: Store, run_id: str) -> Row[Any] | None:
    row = runs.c
    return connection.execute(
        select(
            row.key, row.run_id, row.parent_id, row.created_ns, row.number, row.warnings, row.error, *_shown()
        ).where(row.workspace_key == store.workspace_key, row.run_id == run_id)
    ).first()


def _facts(connection: Connection, store: Store, row: Row[Any]) -> tuple[Any, ...]:
    """All that is known of a run but its metrics and its files."""
    key = row.key
    tagged = connection.execute(
        select(tags.c.name, func.substr(tags.c.value, 1, _LONGEST_TAG), func.length(tags.c.value))
        .where(tags.c.run_key == key)
        .order_by(tags.c.name)
        .limit(_MOST_TAGS)
    )
    told = connection.execute(
        select(func.max(documents.c.told_ns), func.sum(documents.c.told_ns % _PRIME)).where(documents.c.run_key == key)
    ).one()
    # All but tags are only ever added to.
    counts = [
        select(func.count()).where(table.c.run_key == key).scalar_subquery()
        for table in (tags, properties, parameters, run_snapshots)
    ]
    status = func.coalesce(runs.c.status, "")  # so that it is the parent's index that is used, not that of statuses
    children = connection.execute(
        select(status, func.count())
        .where(runs.c.workspace_key == store.workspace_key, runs.c.parent_id == row.run_id)
        .group_by(status)
    )
    return (
        repr(tuple(row)),
        tuple(map(tuple, tagged)),
        tuple(told),
        tuple(connection.execute(select(*counts)).one()),
        tuple(sorted(map(tuple, children))),
    )


def _files(connection: Connection, key: int) -> tuple[Any, ...]:
    created = artifacts.c.created_ns
    query = select(func.count(), func.max(created), func.sum(created % _PRIME), func.sum(artifacts.c.size))
    return tuple(connection.execute(query.where(artifacts.c.run_key == key)).one())


def _of_run(connection: Connection, store: Store, run_id: str) -> Picture:
    row = _row(connection, store, run_id)
    if row is None:
        return Picture()
    return Picture(
        runs={run_id: _facts(connection, store, row)},
        metrics={run_id: _counted(connection, [row.key]).get(row.key)},
        files={run_id: _files(connection, row.key)},
        ended_ns=None if (row.error or {}).get("code") == PROCESS_DIED else row.ended_ns,
    )


def _of_runs(connection: Connection, store: Store, experiment: str | None, thorough: bool) -> Picture:
    where = [runs.c.workspace_key == store.workspace_key, runs.c.experiment_key.is_not(None)]
    if experiment is not None:
        key = connection.scalar(
            select(experiments.c.key).where(
                experiments.c.workspace_key == store.workspace_key, experiments.c.name == clean(experiment)
            )
        )
        where = [runs.c.experiment_key == key]
    whole = connection.execute(select(func.count(), func.max(runs.c.key)).where(*where)).one()
    seldom = None
    if thorough:
        seldom = tuple(
            connection.execute(select(func.max(runs.c.ended_ns), func.count(runs.c.archived_ns)).where(*where)).one()
        )
    named = None
    if experiment is None:
        named = [
            (each.name, each.archived_ns, each.description, repr(each.tags))
            for each in connection.execute(
                select(experiments.c.name, experiments.c.archived_ns, experiments.c.description, experiments.c.tags)
                .where(experiments.c.workspace_key == store.workspace_key)
                .order_by(experiments.c.key)
            )
        ]
    active = connection.execute(
        select(runs.c.key, runs.c.run_id, *_shown())
        .where(*where, runs.c.status.in_(_ACTIVE))
        .order_by(runs.c.key.desc())
        .limit(_MOST_ACTIVE)
    ).all()
    ids = {row.key: row.run_id for row in active}
    counted = _counted(connection, list(ids)[:_MOST_WITH_METRICS])
    return Picture(
        whole=(tuple(whole), named),
        seldom=seldom,
        runs={row.run_id: tuple(row)[2:] for row in active},
        metrics={ids[key]: count for key, count in counted.items()},
    )


def _counted(connection: Connection, keys: list[int]) -> dict[int, tuple[Any, ...]]:
    rows = connection.execute(
        select(metrics.c.run_key, func.count(), func.sum(metrics.c["count"]), func.sum(metrics.c.calls))
        .where(metrics.c.run_key.in_(keys))
        .group_by(metrics.c.run_key)
    )
    return {row[0]: tuple(row)[1:] for row in rows}
