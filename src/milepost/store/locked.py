"""The rows that a batch touches, locked.

Always in the same order (experiments by name, then runs by id), so that batches of several journals do not lock each
other out.  They are changed in memory, event by event, and written in bulk afterwards: see ``events.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy import select

from milepost.store.engine import insert, pieces
from milepost.store.schema import deleted_runs, experiments, runs
from milepost.store.status import NOT_STARTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from milepost.store.conflicts import Upload
    from milepost.store.documents import Document
    from milepost.store.snapshots import Taken

MAX_WARNINGS: Final = 200
"""Warnings kept of one run; further ones are dropped."""


@dataclass(slots=True)
class LockedRun:
    """A run's row, and what a batch adds in other tables."""

    row: dict[str, Any]
    changed: bool = False
    first_tags: dict[str, str | None] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    removed_tags: set[str] = field(default_factory=set)
    properties: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    snapshots: list[Taken] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)

    @property
    def key(self) -> int:
        """The row's key."""
        key: int = self.row["key"]
        return key

    def set(self, **values: Any) -> None:
        """Change columns of the row."""
        self.row.update(values)
        self.changed = True

    def warn(self, time_ns: int, message: str) -> None:
        """Add a warning; one that the run has already is not repeated."""
        warnings = self.row["warnings"]
        if len(warnings) < MAX_WARNINGS and all(known["message"] != message for known in warnings):
            self.set(warnings=[*warnings, {"time_ns": time_ns, "message": message}])


@dataclass(slots=True)
class LockedExperiment:
    """An experiment's key, and the number of its newest run."""

    key: int
    last_number: int
    changed: bool = False


def lock_experiments(connection: Connection, workspace_key: int, wanted: dict[str, int]) -> dict[str, LockedExperiment]:
    """The experiments of these names (name -> time, in ns, of a new one's creation)."""
    if not wanted:
        return {}
    found = _known_experiments(connection, workspace_key, list(wanted))
    missing = sorted(wanted.keys() - found.keys())
    if missing:
        connection.execute(
            insert(connection, experiments).on_conflict_do_nothing(),
            [new_experiment(workspace_key, name, wanted[name]) for name in missing],
        )
        found = _known_experiments(connection, workspace_key, list(wanted))
    return found


def new_experiment(workspace_key: int, name: str, created_ns: int) -> dict[str, Any]:
    """The row of a new experiment."""
    return {
        "workspace_key": workspace_key,
        "id": str(uuid4()),
        "name": name,
        "description": "",
        "tags": {},
        "created_ns": created_ns,
        "last_number": 0,
    }


def _known_experiments(connection: Connection, workspace_key: int, names: list[str]) -> dict[str, LockedExperiment]:
    query = select(experiments.c.name, experiments.c.key, experiments.c.last_number).where(
        experiments.c.workspace_key == workspace_key
    )
    found = {}
    for some in pieces(sorted(names)):
        rows = connection.execute(
            query.where(experiments.c.name.in_(some)).order_by(experiments.c.name).with_for_update()
        )
        found.update({name: LockedExperiment(key, last_number) for name, key, last_number in rows})
    return found


def lock_runs(connection: Connection, workspace_key: int, times: dict[str, int]) -> dict[str, LockedRun]:
    """The runs of these ids (id -> time, in ns, of its first event); deleted ones are left out.

    Those that nobody has spoken of yet get placeholders.
    """
    ids = sorted(times)
    here = runs.c.workspace_key == workspace_key
    dead = set()
    known = set()
    for some in pieces(ids):
        # In this order: a run that is deleted between the two queries must not seem new.
        known |= set(connection.scalars(select(runs.c.run_id).where(here, runs.c.run_id.in_(some))))
        dead |= set(
            connection.scalars(
                select(deleted_runs.c.run_id).where(
                    deleted_runs.c.workspace_key == workspace_key, deleted_runs.c.run_id.in_(some)
                )
            )
        )
    ids = [run_id for run_id in ids if run_id not in dead]
    missing = [run_id for run_id in ids if run_id not in known]
    if missing:
        connection.execute(
            insert(connection, runs).on_conflict_do_nothing(),
            [_placeholder(workspace_key, run_id, times[run_id]) for run_id in missing],
        )
    found = {}
    for some in pieces(ids):
        rows = connection.execute(
            select(runs).where(here, runs.c.run_id.in_(some)).order_by(runs.c.run_id).with_for_update()
        )
        found.update({row["run_id"]: LockedRun(dict(row)) for row in rows.mappings()})
    return found


def _placeholder(workspace_key: int, run_id: str, created_ns: int) -> dict[str, Any]:
    return {
        "workspace_key": workspace_key,
        "run_id": run_id,
        "status": NOT_STARTED,
        "root_id": run_id,
        "created_ns": created_ns,
        "warnings": [],
    }


def roots_of(connection: Connection, workspace_key: int, run_ids: Iterable[str]) -> dict[str, str]:
    """The roots of those of these runs that are there."""
    found: dict[str, str] = {}
    for some in pieces(sorted(run_ids)):
        rows = connection.execute(
            select(runs.c.run_id, runs.c.root_id).where(runs.c.workspace_key == workspace_key, runs.c.run_id.in_(some))
        )
        found.update((row.run_id, row.root_id) for row in rows)
    return found
