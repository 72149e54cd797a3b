"""What events do to runs.

The rows that a batch touches are read once, changed in memory event by event, and written in bulk.  An event that
cannot be applied becomes a warning of its run: raising would bring the same batch back for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, delete, update

from milepost.store.blobs import check_digest
from milepost.store.conflicts import Upload, record_uploads
from milepost.store.documents import Document, record_documents
from milepost.store.engine import insert
from milepost.store.errors import BadInput
from milepost.store.locked import LockedRun, lock_experiments, lock_runs, roots_of
from milepost.store.names import check_name
from milepost.store.schema import experiments, parameters, properties, runs, tags
from milepost.store.snapshots import Taken, check_id, record_snapshots
from milepost.store.status import (
    ACCEPT,
    FAILED,
    NOT_RESPONDING,
    NOT_STARTED,
    PROCESS_DIED,
    REFUSE,
    RUNNING,
    STATUSES,
    TERMINAL,
    judge,
)
from milepost.store.texts import clean, clean_json, fit_experiment_name, fit_name
from milepost.store.texts import fit_time as _time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from milepost.store.batch import Event

_MAX_NS: Final = 2**63 - 1


class Changes:
    """The rows that one batch touches; making it locks them."""

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
        named: dict[str, int] = {}
        times: dict[str, int] = {}
        parents = set()
        for event in events:
            now = _time(event.time_ns)
            if event.kind == "run" or (event.kind == "experiment" and isinstance(event.data.get("name"), str)):
                named.setdefault(_experiment_name(event), now)
            if event.kind != "experiment":
                times.setdefault(fit_name(event.run_id), now)
            if event.kind == "run" and (parent_id := _text(event.data.get("parent_id"))):
                parents.add(parent_id)
        for run_id in other_run_ids:
            times.setdefault(run_id, 0)
        times.pop("", None)
        self._experiments = lock_experiments(connection, workspace_key, named)
        self._runs = lock_runs(connection, workspace_key, times)
        self._parent_roots = roots_of(connection, workspace_key, parents - self._runs.keys())

    def takes(self, run_id: str) -> bool:
        """Whether what is said of this run is kept; False for a deleted one."""
        return run_id in self._runs

    def key_of(self, run_id: str) -> int:
        """The run's key."""
        return self._runs[run_id].key

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

    def _run(self, run: LockedRun, event: Event) -> None:
        row = run.row
        if row["experiment_key"] is not None:
            return
        data = event.data
        now = _time(event.time_ns)
        experiment = self._experiments[_experiment_name(event)]
        experiment.last_number = max(experiment.last_number + 1, _wanted_number(data.get("number")))
        experiment.changed = True
        run.set(experiment_key=experiment.key, number=experiment.last_number, created_ns=now)
        for name in ("type", "target", "submitted_by", "display_name", "description"):
            if row[name] is None and data.get(name) is not None:
                run.set(**{name: clean(str(data[name]))})
        if data.get("owner") and row["owner_journal"] is None:
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

    def _set_first_status(self, run: LockedRun, status: str, now: int) -> None:
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

    def _set_parent(self, run: LockedRun, parent_id: str | None, now: int) -> None:
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

    def _status(self, run: LockedRun, event: Event) -> None:
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
        if row["status"] == NOT_RESPONDING:
            run.set(error=None)  # which said since when nothing was heard
        run.set(status=wanted)
        if wanted == RUNNING and row["started_ns"] is None:
            run.set(started_ns=now)
        if wanted in TERMINAL:
            run.set(ended_ns=now, error=_error(event.data.get("error")))

    def _tags(self, run: LockedRun, event: Event) -> None:
        for key, value in (event.data.get("set") or {}).items():
            name = fit_name(str(key))
            run.removed_tags.discard(name)
            run.tags[name] = None if value is None else clean(str(value))
        for key in event.data.get("remove") or ():
            name = fit_name(str(key))
            run.tags.pop(name, None)
            run.first_tags.pop(name, None)
            run.removed_tags.add(name)

    def _properties(self, run: LockedRun, event: Event) -> None:
        for key, value in (event.data.get("set") or {}).items():
            run.properties.setdefault(fit_name(str(key)), clean(str(value)))

    def _params(self, run: LockedRun, event: Event) -> None:
        for key, value in (event.data.get("set") or {}).items():
            run.params.setdefault(fit_name(str(key)), clean(str(value)))

    def _describe(self, run: LockedRun, event: Event) -> None:
        for name in ("display_name", "description"):
            if name in event.data:
                value = event.data[name]
                run.set(**{name: None if value is None else clean(str(value))})

    def _artifact(self, run: LockedRun, event: Event) -> None:
        data = event.data
        run.uploads.append(
            Upload(
                name=fit_name(check_name(data["name"])),
                digest=check_digest(data["digest"]),
                size=_count(data["size"], "size"),
                content_type=clean(str(data.get("content_type") or "application/octet-stream"))[:255],
                created_ns=_time(event.time_ns),
                captured=data.get("captured") is True,
            )
        )

    def _snapshot(self, run: LockedRun, event: Event) -> None:
        data = event.data
        run.snapshots.append(
            Taken(
                id=check_id(data["id"]),
                manifest=check_digest(data["manifest"]),
                files=_count(data["files"], "number of files"),
                bytes=_count(data["bytes"], "size"),
                taken_ns=_time(event.time_ns),
                created_ns=None if data.get("created_ns") is None else _time(data["created_ns"]),
            )
        )

    def _document(self, run: LockedRun, event: Event) -> None:
        run.documents.append(Document.of(event.data["name"], event.data["content"], _time(event.time_ns)))

    def _owner(self, run: LockedRun, _event: Event) -> None:
        run.set(owner_journal=self._journal_id)

    def _waiting(self, run: LockedRun, _event: Event) -> None:
        # The process that begins the run may have said so already, in a journal that came first.
        if run.row["owner_journal"] is None and run.row["started_ns"] is None:
            run.set(owner_journal=self._journal_id)

    def _warning(self, run: LockedRun, event: Event) -> None:
        run.warn(_time(event.time_ns), clean(str(event.data["message"])))

    def _archive(self, run: LockedRun, event: Event) -> None:
        if run.row["archived_ns"] is None:
            run.set(archived_ns=_time(event.time_ns))

    # All at once.

    def _write(self) -> None:
        connection = self._connection
        touched = list(self._runs.values())
        by_key = {run.key: run for run in touched}
        uploads = [(run.key, upload) for run in touched for upload in run.uploads]
        if uploads:
            for key, time_ns, message in record_uploads(connection, self._workspace_key, uploads):
                by_key[key].warn(time_ns, message)
        taken = [(run.key, each) for run in touched for each in run.snapshots]
        if taken:
            for key, time_ns, message in record_snapshots(connection, self._workspace_key, taken):
                by_key[key].warn(time_ns, message)
        told = [(run.key, each) for run in touched for each in run.documents]
        if told:
            record_documents(connection, self._workspace_key, told)
        numbered = [
            {"this_key": item.key, "number": item.last_number} for item in self._experiments.values() if item.changed
        ]
        if numbered:
            connection.execute(_UPDATE_EXPERIMENT, numbered)
        if self._moved_roots:
            connection.execute(_MOVE_ROOT, [{"ws": self._workspace_key, **moved} for moved in self._moved_roots])
        changed = [{**run.row, "this_key": run.key} for run in touched if run.changed]
        if changed:
            connection.execute(_UPDATE_RUN, changed)
        self._write_tags(touched)
        lasting = {
            properties: self._pairs((run, run.properties) for run in touched),
            parameters: self._pairs((run, run.params) for run in touched),
        }
        for table, pairs in lasting.items():
            if pairs:
                connection.execute(insert(connection, table).on_conflict_do_nothing(), pairs)

    def _write_tags(self, touched: list[LockedRun]) -> None:
        connection = self._connection
        first = self._pairs((run, run.first_tags) for run in touched)
        if first:
            connection.execute(insert(connection, tags).on_conflict_do_nothing(), first)
        write_tags(connection, self._pairs((run, run.tags) for run in touched))
        removed = [{"run": run.key, "tag": name} for run in touched for name in sorted(run.removed_tags)]
        if removed:
            connection.execute(_DELETE_TAG, removed)

    def _pairs(self, of: Iterable[tuple[LockedRun, dict[str, Any]]]) -> list[dict[str, Any]]:
        return [
            {"run_key": run.key, "name": name, "workspace_key": self._workspace_key, "value": value}
            for run, found in of
            for name, value in found.items()
        ]


_HANDLERS: Final[dict[str, Callable[[Changes, LockedRun, Event], None]]] = {
    "run": Changes._run,
    "status": Changes._status,
    "tags": Changes._tags,
    "properties": Changes._properties,
    "params": Changes._params,
    "describe": Changes._describe,
    "artifact": Changes._artifact,
    "snapshot": Changes._snapshot,
    "document": Changes._document,
    "owner": Changes._owner,
    "waiting": Changes._waiting,
    "warning": Changes._warning,
    "archive": Changes._archive,
}
_MOST_NUMBER: Final = 1 << 40
EVENT_KINDS: Final = frozenset({"experiment", *_HANDLERS})

_FIXED: Final = ("key", "workspace_key", "run_id")
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


def _experiment_name(event: Event) -> str:
    name = event.data.get("name" if event.kind == "experiment" else "experiment")
    return fit_experiment_name(name if isinstance(name, str) else "")


def _wanted_number(value: Any) -> int:
    """0 where none is wanted.  What is absurd would leave no numbers for later runs."""
    return value if type(value) is int and 0 < value < _MOST_NUMBER else 0


def _error(value: Any) -> dict[str, Any] | None:
    """What is kept of a run's error: an object, or nothing."""
    if value is None:
        return None
    found: dict[str, Any] = clean_json(value if isinstance(value, dict) else {"message": str(value)})
    return found


def _text(value: Any) -> str | None:
    return fit_name(value) if isinstance(value, str) else None


def _count(value: Any, what: str) -> int:
    if type(value) is not int or not 0 <= value <= _MAX_NS:
        raise BadInput(f"{ascii(value)[:100]} is no {what}")
    return value
