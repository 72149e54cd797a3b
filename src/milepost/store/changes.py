"""What has changed: a version of the store that costs next to nothing, and pictures of a part of it to compare."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select

from milepost.store.schema import artifacts, documents, experiments, journals, metrics, runs, tags
from milepost.store.status import STATUSES, TERMINAL
from milepost.store.texts import clean, fit_name

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

    from milepost.store.store import Store

_ACTIVE: Final = sorted(STATUSES - TERMINAL)
_MOST_ACTIVE: Final = 1000
_MOST_WITH_METRICS: Final = 200
"""Of so many active runs the newest metrics are looked at."""


def version(store: Store) -> str:
    """A text that is another one after every change of the store, and at times without one."""
    if store.engine.dialect.name == "sqlite" and store.engine.url.database:
        # Every commit writes to one of these files.
        path = Path(store.engine.url.database)
        return "-".join(_stamp(each) for each in (path, path.with_name(path.name + "-wal")))
    here = runs.c.workspace_key == store.workspace_key
    with store.reading() as connection:
        told = connection.scalar(
            select(func.max(journals.c.updated_ns)).where(journals.c.workspace_key == store.workspace_key)
        )
        known = connection.execute(select(func.count(), func.max(runs.c.archived_ns)).where(here)).one()
        named = connection.execute(
            select(func.count(), func.max(experiments.c.archived_ns)).where(
                experiments.c.workspace_key == store.workspace_key
            )
        ).one()
    return "-".join(str(each or 0) for each in (told, *known, *named))


def _stamp(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "0"
    return f"{found.st_mtime_ns:x}.{found.st_size:x}"


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


def _of_run(connection: Connection, store: Store, run_id: str) -> Picture:
    here = runs.c.workspace_key == store.workspace_key
    row = connection.execute(
        select(runs.c.key, runs.c.warnings, *_shown()).where(here, runs.c.run_id == run_id)
    ).first()
    if row is None:
        return Picture()
    key = row.key
    tagged = connection.execute(select(tags.c.name, tags.c.value).where(tags.c.run_key == key).order_by(tags.c.name))
    told = connection.scalar(select(func.max(documents.c.told_ns)).where(documents.c.run_key == key))
    status = func.coalesce(runs.c.status, "")  # so that it is the parent's index that is used, not that of statuses
    children = connection.execute(select(status, func.count()).where(here, runs.c.parent_id == run_id).group_by(status))
    shown = (repr(tuple(row)), tuple(map(tuple, tagged)), told, tuple(sorted(map(tuple, children))))
    return Picture(
        runs={run_id: shown},
        metrics={run_id: _counted(connection, [key]).get(key)},
        files={
            run_id: tuple(
                connection.execute(
                    select(func.count(), func.max(artifacts.c.created_ns), func.sum(artifacts.c.size)).where(
                        artifacts.c.run_key == key
                    )
                ).one()
            )
        },
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
        select(metrics.c.run_key, func.count(), func.sum(metrics.c["count"]))
        .where(metrics.c.run_key.in_(keys))
        .group_by(metrics.c.run_key)
    )
    return {row[0]: tuple(row)[1:] for row in rows}
