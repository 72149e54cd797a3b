"""How agents and supervisors record: the journal and the store of the workspace, as ``milepost.jobs`` wants them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.journal import format as fmt
from milepost.journal.writer import SeriesName
from milepost.sdk.recording.recorder import Recorder
from milepost.store.status import PROCESS_DIED, TERMINAL

if TYPE_CHECKING:
    from milepost.journal.writer import RunJournal
    from milepost.store.blobs import Blobs
    from milepost.store.store import Store

_POOL_S: Final = 0.5
"""How long what is known of a pool is good for."""


class JobRecord:
    """``milepost.jobs.record.Record`` over this process's recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._series: dict[str, RunJournal] = {}
        self._blobs: Blobs | None = None
        self._pools: dict[str, tuple[float, int | None]] = {}

    def say(self, run_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """See ``Record``."""
        self._recorder.writer.event(kind, run_id, dict(data))

    def sample(self, run_id: str, values: Mapping[str, float]) -> None:
        """See ``Record``."""
        from milepost.store.batch import SERIES, SYSTEM

        journal = self._series.get(run_id)
        if journal is None:
            journal = self._series[run_id] = self._recorder.writer.run(run_id)
        for name, value in values.items():
            journal.append_scalar(SeriesName(run_id, name, SERIES, SYSTEM), fmt.FLOAT, float(value))

    def blobs(self) -> Blobs:
        """See ``Record``.  Opens no database: a run's files are needed before anything is to be recorded."""
        if self._blobs is None:
            from milepost.store.blobs import open_blobs

            self._blobs = open_blobs(str(self._recorder.folder / "blobs"), owner=self._recorder.workspace_id)
        return self._blobs

    def settle(self, timeout_s: float) -> bool:
        """See ``Record``."""
        try:
            self._recorder.drain.wait(timeout_s, others=True)
        except Exception:
            return False  # all of it stays in the journal, for the next process that opens the workspace
        return True

    def unfinished(self, run_id: str) -> list[str]:
        """See ``Record``."""
        from milepost.store.records import RunQuery

        try:
            found = list(self._recorder.open_store().all_runs(RunQuery(ancestor_id=run_id, archived=None)))
        except Exception:
            return []
        return [
            each.run_id
            for each in found
            if each.status not in TERMINAL or (each.error or {}).get("code") == PROCESS_DIED
        ]

    def nodes(self, target: str) -> int | None:
        """See ``Record``.  Where the store cannot be asked just now: none is free."""
        from milepost.store.errors import NotFound, StoreError

        now = time.monotonic()
        known = self._pools.get(target)
        if known is not None and now - known[0] < _POOL_S:
            return known[1]
        try:
            nodes: int | None = int(self._recorder.open_store().compute(target).definition.get("max_nodes") or 1)
        except NotFound:
            nodes = None
        except StoreError:
            return 0 if known is None else known[1]
        self._pools[target] = (now, nodes)
        return nodes

    def store(self) -> Store:
        """The store.  Raises its errors."""
        return self._recorder.open_store()

    def row(self, run_id: str, name: str, columns: Mapping[str, Any]) -> None:
        """Log a row of a table, as ``Run.log_row`` does."""
        import json

        from milepost.store.batch import TABLE

        record = {"columns": {key: [value] for key, value in columns.items()}, "scalars": list(columns)}
        payload = json.dumps(record, separators=(",", ":")).encode()
        self._recorder.writer.run(run_id).append_payload(SeriesName(run_id, name, TABLE), fmt.CELLS, payload)

    def free_space(self) -> None:
        """See ``Record``."""
        from milepost.sdk.recording.freeing import free_space

        # Where it fails, a later one does it.
        with suppress(Exception):
            free_space(self._recorder.open_store(), self._recorder.writer.folder)

    def is_shared(self) -> bool:
        """See ``Record``."""
        return self._recorder.server is not None

    def listen(self) -> None:
        """From now on, hear what is asked on other machines of the runs that this one does."""
        if self._recorder.server is not None:
            from milepost.sdk.recording.asked_elsewhere import listen

            listen(self._recorder)

    def close(self) -> None:
        """Deliver what is left."""
        from milepost.sdk.recording.recorder import close_recorder

        close_recorder(self._recorder)


def job_record(workspace: Path) -> JobRecord:
    """A record into the workspace in that folder.  Raises WorkspaceException where it cannot be used."""
    from milepost.sdk.recording.recorder import recorder_for
    from milepost.sdk.workspaces.home import read_workspace

    place = read_workspace(workspace)
    return JobRecord(recorder_for(place))
