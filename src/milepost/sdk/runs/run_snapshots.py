"""The part of ``Run`` that keeps the source it was made from."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import SnapshotException, UserErrorException
from milepost.sdk.recording.recorder import translated

if TYPE_CHECKING:
    from milepost.jobs.snapshots import TakenSnapshot
    from milepost.sdk.recording.recorder import Recorder
    from milepost.store.blobs import Blobs
    from milepost.store.records import SnapshotRecord

MEMORIES: Final = "snapshot-memory"
"""The folder in a workspace's that remembers what the files of source folders held."""
JOIN_TIMEOUT_S: Final = 5.0
"""How long the end of a run waits for its snapshot."""
_REST_S: Final = 0.001
_LOOK_S: Final = 0.25


class RunSnapshots:
    """Snapshots of folders: taken, named, given back."""

    _id: str
    _recorder: Recorder
    _background: BackgroundSnapshot | None = None

    def take_snapshot(self, file_or_folder_path: str | os.PathLike[str]) -> str:
        """Keep a folder as it is now, or one file, with the run; gives the snapshot's id.

        What ``.amlignore`` (else ``.gitignore``) names is left out.  Raises UserErrorException where there is no such
        file or folder, SnapshotException where it cannot be kept: it is too large, or a file cannot be read.
        """
        if not isinstance(file_or_folder_path, (str, os.PathLike)):
            raise UserErrorException(
                f"take_snapshot takes the path of a file or folder, not {type(file_or_folder_path).__name__}."
            )
        path = Path(file_or_folder_path)
        if not path.exists():
            raise UserErrorException(
                f"take_snapshot: there is no file or folder {str(path)!r} (from {str(Path.cwd())!r})."
            )
        from milepost.jobs.snapshots import SnapshotRefused, take_file

        try:
            with translated():
                taken = take_folder(self._recorder, path) if path.is_dir() else take_file(path, _blobs(self._recorder))
        except SnapshotRefused as error:
            raise SnapshotException(sentence(str(error))) from error
        for kind, data in _events(taken):
            self._say(kind, data)
        return taken.id

    def get_snapshot_id(self) -> str:
        """The id of the run's latest snapshot.  Raises SnapshotException where it has none."""
        return self._latest().id

    def restore_snapshot(self, snapshot_id: str | None = None, path: str | os.PathLike[str] | None = None) -> str:
        """Write a snapshot (default: the run's latest) as the zip archive ``{path}/{snapshot_id}.zip``; gives its path.

        ``path`` is a folder (default: here), made where it is not there.  Raises SnapshotException where there is no
        such snapshot or the archive cannot be written.
        """
        from milepost.jobs.snapshots import manifest, write_zip
        from milepost.store.errors import BadInput, NotFound, StoreDamaged

        try:
            with translated():
                record = self._latest() if snapshot_id is None else self._recorder.fresh().snapshot(str(snapshot_id))
                blobs = self._recorder.open_store().blobs
                target = Path("." if path is None else path) / f"{record.id}.zip"
                write_zip(blobs, manifest(blobs, record.manifest), target)
        except SnapshotException:
            raise
        except Exception as error:
            if isinstance(error.__cause__, (BadInput, NotFound, StoreDamaged)):
                what = "The run's snapshot" if snapshot_id is None else f"The snapshot {snapshot_id!r}"
                raise SnapshotException(f"{what} cannot be given back: {error.__cause__}.") from error.__cause__
            raise
        return str(target)

    def _latest(self) -> SnapshotRecord:
        self._finish_snapshot()
        store = self._recorder.fresh()
        with translated():
            found = store.snapshots(self._id)
        if not found:
            raise SnapshotException(
                f"Run {self._id} has no snapshot: none was asked for, or it could not be taken (the run's warnings in "
                "get_details() say why). Run.take_snapshot(folder) takes one."
            )
        return found[-1]

    # -- beside the script -------------------------------------------------------------------------------------

    def _begin_snapshot(self, folder: str | os.PathLike[str]) -> None:
        """Take a snapshot of a folder while the script goes on.  Trouble becomes a warning of the run."""
        self._background = BackgroundSnapshot(self._recorder, folder, self._say)

    def _finish_snapshot(self) -> None:
        """Wait for that snapshot, if not for long."""
        # Taken away first: a signal's handler may end the run while this waits.
        background, self._background = self._background, None
        if background is not None:
            background.finish(JOIN_TIMEOUT_S)

    # -- what the other parts of Run give ----------------------------------------------------------------------

    def _say(self, kind: str, data: dict[str, Any]) -> None:
        raise NotImplementedError  # Run has it


class BackgroundSnapshot:
    """Takes a snapshot in a thread that gives way to all others.

    It shares no lock with who waits for it: a signal's handler may end the run while the interrupted thread is in the
    middle of saying something to the journal, and then this thread cannot say anything before the handler is done.
    """

    def __init__(
        self, recorder: Recorder, folder: str | os.PathLike[str], say: Callable[[str, dict[str, Any]], None]
    ) -> None:
        self._recorder = recorder
        self._shown = str(folder)
        self._say = say
        self._right_to_tell = [True]
        self._told: list[tuple[str, dict[str, Any]]] | None = None
        self._is_hurried = False
        self._process = os.getpid()
        self._thread = threading.Thread(target=self._run, name="milepost-snapshot", daemon=True)
        try:
            # The script may change its directory.
            self._folder = Path(os.path.abspath(folder))  # noqa: PTH100  links are resolved later
            self._thread.start()
        except (OSError, RuntimeError, ValueError) as error:
            self._tell([_warning(self._shown, error)])

    def finish(self, timeout_s: float) -> None:
        """Wait until it is done; after the timeout it is given up, with a warning of the run."""
        if self._process != os.getpid():
            return  # a forked child; it is the parent's to end
        self._is_hurried = True
        until = time.monotonic() + timeout_s
        while self._thread.is_alive() and self._told is None and time.monotonic() < until:
            self._thread.join(_LOOK_S)
        if self._thread.is_alive() and not self._tell([_warning(self._shown, _too_late(timeout_s))]):
            self._thread.join(_LOOK_S)
            if self._thread.is_alive() and self._told is not None:
                self._say_all(self._told)  # it may be this very thread that keeps the other from saying it

    def _run(self) -> None:
        from milepost.jobs.source_folder import SnapshotRefused

        try:
            taken = take_folder(self._recorder, self._folder, self._pause)
            properties, further = origin(taken.id, self._folder)
            events = [*_events(taken), ("properties", {"set": properties}), *further]
        except _Over:
            return
        except SnapshotRefused as error:
            events = [("warning", {"message": f"The run has no snapshot: {error}."})]
        except Exception as error:  # whatever it is: the script must go on
            events = [_warning(self._shown, error)]
        self._tell(events)

    def _pause(self) -> None:
        if not self._right_to_tell:
            raise _Over
        if not self._is_hurried:
            time.sleep(_REST_S)

    def _tell(self, events: list[tuple[str, dict[str, Any]]]) -> bool:
        """Say this of the run, unless something has been said of its snapshot already."""
        try:
            self._right_to_tell.pop()  # in one step, so only one thread can
        except IndexError:
            return False
        self._told = events
        self._say_all(events)
        return True

    def _say_all(self, events: list[tuple[str, dict[str, Any]]]) -> None:
        for kind, data in events:
            self._say(kind, data)


def origin(snapshot_id: str, folder: Path) -> tuple[dict[str, str], list[tuple[str, dict[str, Any]]]]:
    """Which snapshot is the run's own and what git says of its folder: properties, and further events."""
    from milepost.jobs import git

    facts = git.facts(folder)
    if facts is None:
        return {"ContentSnapshotId": snapshot_id}, []
    events: list[tuple[str, dict[str, Any]]] = []
    if facts.diff:
        events.append(("document", {"name": "git_diff", "content": facts.diff}))
    return {"ContentSnapshotId": snapshot_id, **facts.properties}, events


class _Over(Exception):
    """Nobody waits for the snapshot any more."""


def take_folder(recorder: Recorder, folder: Path, pause: Callable[[], None] | None = None) -> TakenSnapshot:
    """Keep a folder's files in the workspace.  ``pause`` is called between pieces.  Raises SnapshotRefused."""
    from milepost.jobs.snapshots import memory_file, take

    return take(folder, _blobs(recorder), memory=memory_file(recorder.folder / MEMORIES, folder), pause=pause)


def _blobs(recorder: Recorder) -> Blobs:
    # Not by way of the store: that would load SQLAlchemy, in the way of the script.
    from milepost.store.blobs import open_blobs

    return open_blobs(str(recorder.folder / "blobs"), owner=recorder.workspace_id)


def snapshot_event(taken: TakenSnapshot) -> tuple[str, dict[str, Any]]:
    """That a run has this snapshot."""
    return "snapshot", {
        "id": taken.id,
        "manifest": taken.manifest_digest,
        "files": taken.files,
        "bytes": taken.bytes,
    }


def _events(taken: TakenSnapshot) -> list[tuple[str, dict[str, Any]]]:
    told = [("warning", {"message": f"Snapshot: {'; '.join(taken.left_out)}."})] if taken.left_out else []
    return [snapshot_event(taken), *told]


def _warning(folder: str, error: object) -> tuple[str, dict[str, Any]]:
    return "warning", {"message": f"The run has no snapshot of {folder!r}: {error}."}


def _too_late(timeout_s: float) -> str:
    return f"it was not finished {timeout_s:g} s after the run's end"


def sentence(text: str) -> str:
    """A note that began small and had no full stop, as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
