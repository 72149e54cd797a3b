"""Files of an offline run: copied into a folder of its own below Milepost's home."""

from __future__ import annotations

import mimetypes
import shutil
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from milepost.sdk.local_files import copy_file
from milepost.sdk.runs.echo import echo
from milepost.sdk.runs.run_files import Artifact, RunFiles

if TYPE_CHECKING:
    from milepost.sdk.recording.recorder import Recorder


class OfflineFiles(RunFiles):
    """The part of an offline run that keeps files."""

    _folder: Path

    def upload_file(self, name: str, path_or_stream: Any, datastore_name: str | None = None) -> Artifact | None:
        """Copy a file, or what a binary stream holds, below Milepost's home and print where."""
        artifact = super().upload_file(name, path_or_stream, datastore_name)
        if artifact is not None:
            echo(f"Attempted to upload file {artifact.name}:", self._folder / artifact.name)
        return artifact

    def _record_file(self, name: str, source: Path | IO[bytes]) -> Artifact:
        from milepost.store.names import safe_join

        checked = self._free_name(name)
        digest, size = copy_file(source, safe_join(self._folder, checked))
        content_type = mimetypes.guess_type(checked)[0] or "application/octet-stream"
        artifact = Artifact(self._id, checked, size, digest, content_type)
        self._here.add(artifact)
        assert self._names is not None
        self._names[checked.lower()] = checked
        return artifact

    def get_all_logs(self, destination: str | None = None) -> list[str]:
        """An offline run has no logs: its script writes to the screen."""
        return []

    def clean(self) -> None:
        """Remove the files that the run keeps below Milepost's home."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._open_files()

    def _open_files(self) -> None:
        self._here = _FilesHere(self._folder)
        self._recorder = cast("Recorder", self._here)
        super()._open_files()


class _FilesHere:
    """Stands where a run's recorder and store stand: the files of one offline run, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._artifacts: dict[str, Artifact] = {}

    def add(self, artifact: Artifact) -> None:
        """A file is in the folder."""
        self._artifacts[artifact.name] = artifact

    def fresh(self) -> _FilesHere:
        """Itself, as the store."""
        return self

    open_store = fresh

    def artifacts(self, run_id: str, prefix: str = "") -> list[Artifact]:
        """The files whose names begin with ``prefix``."""
        return [each for name, each in self._artifacts.items() if name.startswith(prefix)]

    def artifact(self, run_id: str, name: str) -> Artifact:
        """The file of that name.  Raises NotFound."""
        from milepost.store.errors import NotFound

        if name not in self._artifacts:
            known = ", ".join(map(repr, sorted(self._artifacts)[:10])) or "none"
            raise NotFound(f"Run {run_id} has no file {name!r}. Its files: {known}.")
        return self._artifacts[name]

    def download_artifact(self, run_id: str, name: str, target: Path) -> None:
        """Copy the file of that name."""
        copy_file(self._folder / self.artifact(run_id, name).name, target)
