"""The one journal, drain and store that a process has for a workspace."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milepost.journal.writer import JournalWriter
from milepost.sdk import exceptions
from milepost.sdk.recording.drain import Drain, DrainTimeout
from milepost.sdk.recording.left_behind import begun_elsewhere
from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.sdk.workspaces.home import WorkspacePlace
    from milepost.store.errors import NotPermitted
    from milepost.store.records import RunRecord
    from milepost.store.store import Store

EXIT_TIMEOUT_S: Final = 60.0
SERVER_IDLE_S: Final = 15.0
"""A server that takes nothing for so long is not waited for at a run's or the process's end."""
SERVER_PATIENCE_S: Final = 3.0
"""So long is a server asked again that cannot be reached: it may be started anew just now."""
READ_TIMEOUT_S: Final = 300.0
JOIN_TIMEOUT_S: Final = 60.0
SUPERVISED_HOLD_OFF_S: Final = 1.0
"""So long after the first word of a submitted script its drain begins: a short one leaves all to its supervisor."""

_recorders: dict[Path, Recorder] = {}
_creating = threading.Lock()


class Recorder:
    """Records into one workspace.  Get it with ``recorder_for``: a process has one for each workspace.

    What is logged goes into journals in ``folder``, a folder of this machine, and from there into the store: the one
    in the same folder, or that of the server on which the workspace is.
    """

    def __init__(self, folder: Path, place: WorkspacePlace) -> None:
        self.folder = folder
        self.workspace = place.name
        self.workspace_id = place.id
        self.server = place.server
        self.writer = JournalWriter(folder / "journals", self._wake)
        self._is_supervised = self.server is None and _is_of_job(folder)
        self.drain = Drain(
            self.writer,
            self.open_store,
            self._say_alive if self.server is not None else None,
            SUPERVISED_HOLD_OFF_S if self._is_supervised else 0.0,
        )
        self._opening = threading.Lock()
        self._store: Store | None = None
        self._file: tuple[int, int] | None = None
        self._in_worker = False
        self._refusal: NotPermitted | None = None
        """Why the server did not take what was to be delivered before the last reading."""
        self.at_exit: list[Callable[[], None]] = []
        """Called before the journal is ended: what still has to be said."""

    def open_store(self) -> Store:
        """The workspace's store, opened at the first call, and anew where its file was replaced.

        Raises the store's errors.
        """
        with self._opening:
            if self.server is not None:
                if self._store is None:
                    from milepost.sdk.recording.server_store import open_server_store

                    self._store = open_server_store(self.server, self.workspace, self.folder, self.workspace_id)
                return self._store
            path = self.folder / "store.db"
            if self._store is not None and _identity(path) != self._file:
                # SQLite would go on in the file that was moved away or deleted, and nobody would find it there.
                self._store.close()
                self._store = None
            if self._store is None:
                self._check_place(path)
                from milepost.store.store import open_store

                self._store = open_store(
                    f"sqlite:///{path}",
                    self.workspace,
                    blobs_url=str(self.folder / "blobs"),
                    workspace_id=self.workspace_id,
                )
                self._file = _identity(path)
            return self._store

    def _say_alive(self, journal_id: str) -> bool:
        return self.open_store().hear(journal_id)

    def _check_place(self, path: Path) -> None:
        """Raises StoreUnavailable where the workspace is gone: a new store in its place would hide that."""
        from milepost.store.errors import StoreUnavailable

        if not (self.folder / "workspace.json").is_file():
            raise StoreUnavailable(
                f"the workspace's folder {self.folder} is gone, or its workspace.json is: put it back (what is logged "
                "meanwhile stays in the journal), or start the script anew to record into a new workspace"
            )
        if self._file is not None and not path.exists():
            raise StoreUnavailable(
                f"the store's database {path} was removed while it was in use: put it back (what is logged meanwhile "
                "stays in the journal), or start the script anew to begin an empty one"
            )

    def fresh(self) -> Store:
        """The store, with all in it that this process logged before.  Raises as the SDK does.

        Where a server takes nothing of this user, who may only read there, it is the store as it is; the drain warns.
        """
        from milepost.store.errors import NotPermitted

        with translated():
            try:
                self.drain.wait(READ_TIMEOUT_S, others=True, patience=self._patience())
            except NotPermitted as error:
                self._refusal = error
            else:
                self._refusal = None
            return self.open_store()

    def run(self, run_id: str) -> RunRecord:
        """A run.  One that another process has begun a moment ago is waited for.  Raises as the SDK does."""
        from milepost.store.errors import NotFound

        store = self.fresh()
        until = time.monotonic() + JOIN_TIMEOUT_S
        while time.monotonic() < until:
            with translated():
                with suppress(NotFound):
                    return store.run(run_id)
                if not begun_elsewhere(self.writer.folder, store, run_id):
                    break
                if self._refusal is not None:
                    raise self._refusal  # it is in a journal, and stays there
            time.sleep(0.02)
        with translated():
            return store.run(run_id)

    def flush(self, timeout: float = READ_TIMEOUT_S) -> None:
        """Wait until the store has what this process logged.  Raises the store's errors and DrainTimeout."""
        if self.server is None:
            self.drain.wait(timeout)
            return
        is_ill = self.drain.failing_for() > SERVER_PATIENCE_S  # then one look is enough
        idle = SERVER_PATIENCE_S if is_ill else SERVER_IDLE_S
        self.drain.wait(timeout, patience=self._patience(), idle=idle)
        self._wait_for_files(min(timeout, idle))

    def _patience(self) -> float:
        return 0.0 if self.server is None or self.drain.failing_for() > SERVER_PATIENCE_S else SERVER_PATIENCE_S

    def _wait_for_files(self, idle: float) -> None:
        if self._store is not None:
            from milepost.remote.store import RemoteStore

            if isinstance(self._store, RemoteStore):
                self._store.uploads.wait(idle)

    def close(self, *, ending: bool = False) -> None:
        """Deliver what is left and end the journal.  Warns where that cannot be done; the journal stays then.

        ``ending``: the process is at its end.
        """
        for say in self.at_exit:
            say()
        if not self.writer.started and self._store is None:
            return
        if ending and self._leave_to_supervisor():
            return
        delivered = not self.writer.started or self._deliver_all()
        self.drain.stop()
        with self.writer.lock:
            # Other threads may log until the last moment.  Their journal ends with the process then, and the next one
            # delivers it; a second journal might come into the store before the first.
            behind = not delivered or self.drain.is_behind()
            if not (ending and behind) or self.writer.in_memory:
                self.writer.close(remove=delivered)
        if self._store is not None:
            self._store.close()
            self._store = None
        self.drain.reset()

    def _leave_to_supervisor(self) -> bool:
        """Whether what is left is for the supervisor of this process, which waits for its journal's lock.

        It delivers it before it says how the run ended, and has loaded all that this takes, which is most of what a
        short script would do.  Not where this process has begun to deliver, or has runs of its own to end.
        """
        if not self._is_supervised or self.drain.has_begun or self._store is not None or self.at_exit:
            return False
        self.drain.stop()
        try:
            self.writer.sync()
        except OSError:
            return False
        return not self.writer.in_memory

    def _deliver_all(self) -> bool:
        try:
            self.flush(EXIT_TIMEOUT_S)
            reason = "The process ended without completing this run."
            self.open_store().close_journal(self.writer.journal_id, reason)
        except Exception as error:  # whatever it is: the program is ending, and must be told
            if isinstance(error, ImportError) and os.environ.get("MILEPOST_JOB"):
                # A submitted script with an interpreter of its own: its supervisor has what this one lacks.
                warn(
                    f"{sys.executable} lacks what Milepost stores with ({error}); what the script has logged is stored "
                    "now that it has ended, by the process that watches over it.",
                    stacklevel=3,
                )
                return False
            if _is_offline(error):
                sys.stderr.write(
                    f"Milepost: offline; what was logged is kept in {self.folder} until `milepost sync` or the next "
                    "run delivers it.\n"
                )
                return False
            kept = f"It is kept in {self.writer.folder}; `milepost sync` or the next run delivers it."
            if not self.writer.path.is_dir():
                kept = f"Its journal in {self.writer.folder} is gone or could not be written, so it is lost."
            warn(f"Milepost could not deliver all that was logged: {error}. {kept}", stacklevel=3)
            return False
        return True

    def _wake(self) -> None:
        if not self._in_worker:
            self._in_worker = True
            self._close_with_worker()
        self.drain.wake()

    def _close_with_worker(self) -> None:
        # A process that multiprocessing forked ends without the interpreter's own exit handlers.
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            from multiprocessing.util import Finalize

            Finalize(None, self.close, kwargs={"ending": True}, exitpriority=0)

    def after_fork_in_child(self) -> None:
        """The child records on its own: no thread, no connection, no runs to end."""
        self._opening = threading.Lock()
        self._store = None
        self._in_worker = False
        self.at_exit.clear()


def _is_of_job(folder: Path) -> bool:
    """Whether this process is one of a submitted run of the workspace in that folder."""
    run_id = os.environ.get("MILEPOST_JOB")
    return bool(run_id) and (folder / "jobs" / str(run_id)).is_dir()


def _is_offline(error: Exception) -> bool:
    from milepost.store.errors import Offline

    return isinstance(error, Offline)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def recorder_for(place: WorkspacePlace) -> Recorder:
    """This process's recorder of a workspace."""
    key = place.folder.resolve()
    with _creating:
        recorder = _recorders.get(key)
        if recorder is None:
            recorder = _recorders[key] = Recorder(key, place)
        return recorder


def close_recorder(recorder: Recorder) -> None:
    """End a recorder; the next ``recorder_for`` its folder begins anew."""
    with _creating:
        for key in [key for key, each in _recorders.items() if each is recorder]:
            del _recorders[key]
    recorder.close()


def open_recorders() -> list[Recorder]:
    """All recorders of this process."""
    return list(_recorders.values())


@contextmanager
def translated() -> Iterator[None]:
    """Turn the store's and the drain's errors into those that scripts of the SDK catch."""
    from milepost.store import errors

    try:
        yield
    except errors.NotFound as error:
        raise exceptions.ServiceException(str(error), status_code=404) from error
    except (errors.Conflict, errors.BadInput) as error:
        raise exceptions.UserErrorException(str(error)) from error
    except errors.NotAllowed as error:
        raise exceptions.AuthenticationException(str(error)) from error
    except errors.StoreDamaged as error:
        raise exceptions.WorkspaceException(str(error)) from error
    except (errors.StoreError, DrainTimeout) as error:
        raise exceptions.ServiceException(str(error), status_code=503) from error


def _close_all() -> None:
    for recorder in open_recorders():
        recorder.close(ending=True)


def _after_fork_in_child() -> None:
    global _creating
    _creating = threading.Lock()
    for recorder in open_recorders():
        recorder.after_fork_in_child()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
