"""What events do to runs.

The rows that a batch touches are read once, changed in memory event by event, and written in bulk.  An event that
cannot be applied becomes a warning of its run: raising would bring the same batch back for ever.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from sqlalchemy import and_, bindparam, delete, select, update

from milepost.store.conflicts import Upload, record_uploads
from milepost.store.engine import MAX_PARAMETERS, insert
from milepost.store.errors import BadInput
from milepost.store.names import check_name
from milepost.store.schema import deleted_runs, experiments, properties, runs, tags
from milepost.store.status import (
    ACCEPT,
    FAILED,
    NOT_STARTED,
    PROCESS_DIED,
    REFUSE,
    RUNNING,
    STATUSES,
    TERMINAL,
    judge,
)
from milepost.store.texts import clean, clean_json, fit_experiment_name, fit_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from milepost.store.batch import Event

MAX_WARNINGS: Final = 200
"""Warnings kept of one run; further ones are dropped."""

_MAX_NS: Final = 2**63 - 1
_DIGEST: Final = re.compile("[0-9a-f]{64}")


@dataclass(slots=True)
class _Run:
    row: dict[str, Any]
    changed: bool = False
    first_tags: dict[str, str | None] = field(default_factory=dict)
    tags: dict[str, str | None] = field(default_factory=dict)
    removed_tags: set[str] = field(default_factory=set)
    properties: dict[str, str] = field(default_factory=dict)
    uploads: list[Upload] = field(default_factory=list)

    def set(self, **values: Any) -> None:
        self.row.update(values)
        self.changed = True

    def warn(self, time_ns: int, message: str) -> None:
        warnings = self.row["warnings"]
        if len(warnings) < MAX_WARNINGS and all(known["message"] != message for known in warnings):
            self.set(warnings=[*warnings, {"time_ns": time_ns, "message": message}])


@dataclass(slots=True)
class _Experiment:
    key: int
    last_number: int
    changed: bool = False


class Changes:
    """The rows that one batch touches.

    Making it locks them, always in the same order (experiments by name, then runs by id), so that batches of
    several journals do not lock each other out.
    """

    def __init__(
        self,
        connection: Connection,
        workspace_key: int,
        journal_id: str,
        events: Sequence[Event],
        other_run_ids: Iterable[str],
    ) -> None:
        self._connection = connection
        self._workspace_key = workspace_key
        self._journal_id = journal_id
        self._moved_roots: list[dict[str, str]] = []
        self._experiments = self._lock_experiments(events)
        times: dict[str, int] = {}
        for event in events:
            if event.kind != "experiment":
                times.setdefault(fit_name(event.run_id), _time(event.time_ns))
        for run_id in other_run_ids:
            times.setdefault(run_id, 0)
        times.pop("", None)
        self._runs = self._lock_runs(times)
        self._parent_roots = self._roots_of_parents(events)

    def takes(self, run_id: str) -> bool:
        """Whether what is said of this run is kept; False for a deleted one."""
        return run_id in self._runs

    def key_of(self, run_id: str) -> int:
        """The run's key."""
        key: int = self._runs[run_id].row["key"]
        return key

    # What must be there before the first event.

    def _lock_experiments(self, events: Sequence[Event]) -> dict[str, _Experiment]:
        wanted: dict[str, int] = {}
        for event in events:
            if event.kind == "run" or (event.kind == "experiment" and isinstance(event.data.get("name"), str)):
                wanted.setdefault(_experiment_name(event), _time(event.time_ns))
        if not wanted:
            return {}
        found = self._known_experiments(list(wanted))
        missing = sorted(wanted.keys() - found.keys())
        if missing:
            self._connection.execute(
                insert(self._connection, experiments).on_conflict_do_nothing(),
                [new_experiment(self._workspace_key, name, wanted[name]) for name in missing],
            )
            found = self._known_experiments(list(wanted))
        return found

    def _known_experiments(self, names: list[str]) -> dict[str, _Experiment]:
        query = select(experiments.c.name, experiments.c.key, experiments.c.last_number).where(
            experiments.c.workspace_key == self._workspace_key
        )
        found = {}
        for some in _pieces(sorted(names)):
            rows = self._connection.execute(
                query.where(experiments.c.name.in_(some)).order_by(experiments.c.name).with_for_update()
            )
            found.update({name: _Experiment(key, last_number) for name, key, last_number in rows})
        return found

    def _lock_runs(self, times: dict[str, int]) -> dict[str, _Run]:
        """The rows of these runs; placeholders for those that nobody has spoken of yet."""
        ids = sorted(times)
        here = runs.c.workspace_key == self._workspace_key
        dead = set()
        known = set()
        for some in _pieces(ids):
            # In this order: a run that is deleted between the two queries must not seem new.
            known |= set(self._connection.scalars(select(runs.c.run_id).where(here, runs.c.run_id.in_(some))))
            dead |= set(
                self._connection.scalars(
                    select(deleted_runs.c.run_id).where(
                        deleted_runs.c.workspace_key == self._workspace_key, deleted_runs.c.run_id.in_(some)
                    )
                )
            )
        ids = [run_id for run_id in ids if run_id not in dead]
        missing = [run_id for run_id in ids if run_id not in known]
        if missing:
            self._connection.execute(
                insert(self._connection, runs).on_conflict_do_nothing(),
                [self._placeholder(run_id, times[run_id]) for run_id in missing],
            )
        found = {}
        for some in _pieces(ids):
            rows = self._connection.execute(
                select(runs).where(here, runs.c.run_id.in_(some)).order_by(runs.c.run_id).with_for_update()
            )
            found.update({row["run_id"]: _Run(dict(row)) for row in rows.mappings()})
        return found

    def _placeholder(self, run_id: str, created_ns: int) -> dict[str, Any]:
        return {
            "workspace_key": self._workspace_key,
            "run_id": run_id,
            "status": NOT_STARTED,
            "root_id": run_id,
            "created_ns": created_ns,
            "warnings": [],
        }

    def _roots_of_parents(self, events: Sequence[Event]) -> dict[str, str]:
        parents = {_text(event.data.get("parent_id")) for event in events if event.kind == "run"}
        outside = sorted(parent for parent in parents if parent and parent not in self._runs)
        found: dict[str, str] = {}
        for some in _pieces(outside):
            rows = self._connection.execute(
                select(runs.c.run_id, runs.c.root_id).where(
                    runs.c.workspace_key == self._workspace_key, runs.c.run_id.in_(some)
                )
            )
            found.update((row.run_id, row.root_id) for row in rows)
        return found

    # Event by event.

    def apply(self, events: Sequence[Event]) -> None:
        """Apply the events in order and write what they changed."""
        for event in events:
            run = self._runs.get(fit_name(event.run_id))
            if run is None or event.kind == "experiment":
                continue
            try:
                _HANDLERS[event.kind](self, run, event)
            except (AttributeError, BadInput, KeyError, TypeError, ValueError) as error:
                reason = clean(f"{type(error).__name__}: {error}")[:500]
                run.warn(_time(event.time_ns), f"something said of this run ({event.kind}) was not kept: {reason}")
        self._write()

    def _run(self, run: _Run, event: Event) -> None:
        row = run.row
        if row["experiment_key"] is not None:
            return
        data = event.data
        now = _time(event.time_ns)
        experiment = self._experiments[_experiment_name(event)]
        experiment.last_number += 1
        experiment.changed = True
        run.set(experiment_key=experiment.key, number=experiment.last_number, created_ns=now)
        for name in ("type", "target", "submitted_by", "display_name", "description"):
            if row[name] is None and data.get(name) is not None:
                run.set(**{name: clean(str(data[name]))})
        if data.get("owner"):
            run.set(owner_journal=self._journal_id)
        self._set_first_status(run, data.get("status") or NOT_STARTED, now)
        self._set_parent(run, _text(data.get("parent_id")), now)
        for key, value in (data.get("tags") or {}).items():
            name = fit_name(str(key))
            # A tag that was set before the run came in stays; one that was removed before was not this one.
            first = run.tags if name in run.removed_tags else run.first_tags
            run.removed_tags.discard(name)
            first[name] = None if value is None else clean(str(value))
        for key, value in (data.get("properties") or {}).items():
            run.properties.setdefault(fit_name(str(key)), clean(str(value)))

    def _set_first_status(self, run: _Run, status: str, now: int) -> None:
        """The status of the run's first word, unless another journal has told a later one already."""
        row = run.row
        if status not in STATUSES:
            run.warn(now, f"the unknown status {ascii(str(status))[:100]} was taken for {NOT_STARTED}")
            status = NOT_STARTED
        later = judge(status, row["status"], has_run=row["started_ns"] is not None, taken_for_dead=False)
        if later != ACCEPT:
            run.set(status=status)
        if status == RUNNING and (row["started_ns"] is None or row["started_ns"] > now):
            run.set(started_ns=now)
        if status in TERMINAL and row["ended_ns"] is None:
            run.set(ended_ns=now)

    def _set_parent(self, run: _Run, parent_id: str | None, now: int) -> None:
        run_id = run.row["run_id"]
        if not parent_id:
            return
        if parent_id == run_id:
            run.warn(now, "it was named as its own parent; that was not kept")
            return
        parent = self._runs.get(parent_id)
        # A parent that is not known yet counts as the root; this is put right when it comes in.
        root_id = parent.row["root_id"] if parent else self._parent_roots.get(parent_id, parent_id)
        run.set(parent_id=parent_id)
        if root_id == run_id:
            return
        self._moved_roots.append({"old_root": run_id, "new_root": root_id})
        for other in self._runs.values():
            if other.row["root_id"] == run_id:
                other.set(root_id=root_id)
        for known, known_root in self._parent_roots.items():
            if known_root == run_id:
                self._parent_roots[known] = root_id

    def _status(self, run: _Run, event: Event) -> None:
        row = run.row
        now = _time(event.time_ns)
        wanted = str(event.data["status"])
        error = row["error"]
        died = row["status"] == FAILED and isinstance(error, dict) and error.get("code") == PROCESS_DIED
        verdict = judge(row["status"], wanted, has_run=row["started_ns"] is not None, taken_for_dead=died)
        if verdict == REFUSE:
            run.warn(now, f"the status {ascii(wanted)[:100]} was not taken: the run is {row['status']}")
        if verdict != ACCEPT:
            return
        run.set(status=wanted)
        if wanted == RUNNING and row["started_ns"] is None:
            run.set(started_ns=now)
        if wanted in TERMINAL:
            run.set(ended_ns=now, error=clean_json(event.data.get("error")))

    def _tags(self, run: _Run, event: Event) -> None:
        for key, value in (event.data.get("set") or {}).items():
            name = fit_name(str(key))
            run.removed_tags.discard(name)
            run.tags[name] = None if value is None else clean(str(value))
        for key in event.data.get("remove") or ():
            name = fit_name(str(key))
            run.tags.pop(name, None)
            run.first_tags.pop(name, None)
            run.removed_tags.add(name)

    def _properties(self, run: _Run, event: Event) -> None:
        for key, value in (event.data.get("set") or {}).items():
            run.properties.setdefault(fit_name(str(key)), clean(str(value)))

    def _describe(self, run: _Run, event: Event) -> None:
        for name in ("display_name", "description"):
            if name in event.data:
                value = event.data[name]
                run.set(**{name: None if value is None else clean(str(value))})

    def _artifact(self, run: _Run, event: Event) -> None:
        data = event.data
        digest, size = data["digest"], data["size"]
        if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
            raise BadInput(f"{ascii(digest)[:100]} is no SHA-256 digest")
        if not isinstance(size, int) or not 0 <= size <= _MAX_NS:
            raise BadInput(f"{ascii(size)[:100]} is no size")
        name = fit_name(check_name(data["name"]))
        content_type = clean(str(data.get("content_type") or "application/octet-stream"))[:255]
        run.uploads.append(Upload(name, digest, size, content_type, _time(event.time_ns)))

    def _warning(self, run: _Run, event: Event) -> None:
        run.warn(_time(event.time_ns), clean(str(event.data["message"])))

    # All at once.

    def _write(self) -> None:
        connection = self._connection
        touched = list(self._runs.values())
        uploads = [(run.row["key"], upload) for run in touched for upload in run.uploads]
        if uploads:
            by_key = {run.row["key"]: run for run in touched}
            for key, time_ns, message in record_uploads(connection, self._workspace_key, uploads):
                by_key[key].warn(time_ns, message)
        numbered = [
            {"this_key": item.key, "number": item.last_number} for item in self._experiments.values() if item.changed
        ]
        if numbered:
            connection.execute(_UPDATE_EXPERIMENT, numbered)
        if self._moved_roots:
            connection.execute(_MOVE_ROOT, [{"ws": self._workspace_key, **moved} for moved in self._moved_roots])
        changed = [{**run.row, "this_key": run.row["key"]} for run in touched if run.changed]
        if changed:
            connection.execute(_UPDATE_RUN, changed)
        self._write_tags(touched)
        pairs = self._pairs((run, run.properties) for run in touched)
        if pairs:
            connection.execute(insert(connection, properties).on_conflict_do_nothing(), pairs)

    def _write_tags(self, touched: list[_Run]) -> None:
        connection = self._connection
        first = self._pairs((run, run.first_tags) for run in touched)
        if first:
            connection.execute(insert(connection, tags).on_conflict_do_nothing(), first)
        write_tags(connection, self._pairs((run, run.tags) for run in touched))
        removed = [{"run": run.row["key"], "tag": name} for run in touched for name in sorted(run.removed_tags)]
        if removed:
            connection.execute(_DELETE_TAG, removed)

    def _pairs(self, of: Iterable[tuple[_Run, dict[str, Any]]]) -> list[dict[str, Any]]:
        return [
            {"run_key": run.row["key"], "name": name, "workspace_key": self._workspace_key, "value": value}
            for run, found in of
            for name, value in found.items()
        ]


_HANDLERS: Final[dict[str, Callable[[Changes, _Run, Event], None]]] = {
    "run": Changes._run,
    "status": Changes._status,
    "tags": Changes._tags,
    "properties": Changes._properties,
    "describe": Changes._describe,
    "artifact": Changes._artifact,
    "warning": Changes._warning,
}
EVENT_KINDS: Final = frozenset({"experiment", *_HANDLERS})

_FIXED: Final = ("key", "workspace_key", "run_id", "archived_ns")
_UPDATE_RUN: Final = (
    update(runs)
    .where(runs.c.key == bindparam("this_key"))
    .values({column.name: bindparam(column.name) for column in runs.c if column.name not in _FIXED})
)
_UPDATE_EXPERIMENT: Final = (
    update(experiments).where(experiments.c.key == bindparam("this_key")).values(last_number=bindparam("number"))
)
_MOVE_ROOT: Final = (
    update(runs)
    .where(runs.c.workspace_key == bindparam("ws"), runs.c.root_id == bindparam("old_root"))
    .values(root_id=bindparam("new_root"))
)
_DELETE_TAG: Final = delete(tags).where(and_(tags.c.run_key == bindparam("run"), tags.c.name == bindparam("tag")))


def write_tags(connection: Connection, pairs: list[dict[str, Any]]) -> None:
    """Set tags, given as rows of the table."""
    if pairs:
        statement = insert(connection, tags)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[tags.c.run_key, tags.c.name], set_={"value": statement.excluded.value}
            ),
            pairs,
        )


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


def _experiment_name(event: Event) -> str:
    name = event.data.get("name" if event.kind == "experiment" else "experiment")
    return fit_experiment_name(name if isinstance(name, str) else "")


def _text(value: Any) -> str | None:
    return fit_name(value) if isinstance(value, str) else None


def _time(time_ns: Any) -> int:
    return max(0, min(time_ns, _MAX_NS)) if isinstance(time_ns, int) else 0


def _pieces(listed: list[str]) -> Iterable[list[str]]:
    return (listed[position : position + MAX_PARAMETERS] for position in range(0, len(listed), MAX_PARAMETERS))
