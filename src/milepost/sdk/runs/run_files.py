"""The part of ``Run`` that keeps files: uploads, names, downloads."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import UserErrorException
from milepost.sdk.local_files import files_below
from milepost.sdk.recording.recorder import translated
from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.sdk.recording.recorder import Recorder
    from milepost.store.records import ArtifactRecord, Blob

_KEPT_IN_MEMORY: Final = 64 << 20
"""A stream of up to this size is kept to be tried again where the disk is full."""


class Artifact:
    """What is known of a file of a run: ``name``, ``size`` in bytes, ``digest`` (SHA-256 in hex), ``content_type``."""

    def __init__(self, run_id: str, name: str, size: int, digest: str, content_type: str) -> None:
        self.run_id = run_id
        self.name = name
        self.size = size
        self.digest = digest
        self.content_type = content_type
        self.artifact_id = f"ExperimentRun/dcid.{run_id}/{name}"

    @property
    def path(self) -> str:
        """The file's name in the run."""
        return self.name

    def __repr__(self) -> str:
        return f"Artifact(name={self.name!r}, size={self.size}, digest={self.digest[:12]!r})"


class RunFiles:
    """Files of a run: each name once, each content stored once."""

    _id: str
    _recorder: Recorder
    _is_new: bool

    def _open_files(self) -> None:
        # Lower-case name -> name, of all files that this process knows the run to have.  Not those that were only
        # captured from its working directory: they make way for what the script uploads.
        self._names: dict[str, str] | None = {} if self._is_new else None
        self._waiting: list[tuple[str, Path | bytes]] = []

    def upload_file(
        self, name: str, path_or_stream: str | os.PathLike[str] | IO[bytes], datastore_name: str | None = None
    ) -> Artifact | None:
        """Keep a file, or what a binary stream holds, under ``name`` in the run.

        The name is a relative path with "/", used once in a run; put ``outputs/`` before it to have it among the
        outputs.  Raises UserErrorException for a bad name, a name in use, or a file that is not there.  Where the
        disk is full it warns, tries again later, and gives None.
        """
        if datastore_name is not None:
            _only_default(datastore_name)
        if isinstance(path_or_stream, (str, os.PathLike)):
            file = Path(path_or_stream)
            if not file.exists():
                raise UserErrorException(f"upload_file: there is no file {str(file)!r} (from {str(Path.cwd())!r}).")
            if file.is_dir():
                raise UserErrorException(f"upload_file: {str(file)!r} is a folder; use upload_folder for it.")
            return self._record_file(name, file)
        if not hasattr(path_or_stream, "read"):
            raise UserErrorException(
                f"upload_file of {name!r} takes a path or a binary stream, not {type(path_or_stream)!r}."
            )
        return self._record_file(name, path_or_stream)

    def upload_files(
        self,
        names: Sequence[str],
        paths: Sequence[str | os.PathLike[str]],
        return_artifacts: bool = False,
        timeout_seconds: int | None = None,
        datastore_name: str | None = None,
    ) -> list[Artifact | None] | None:
        """Keep several files: ``names[i]`` is the name of the file ``paths[i]``.

        All names and paths are checked before the first is taken.  Raises UserErrorException.
        """
        if isinstance(names, str) or isinstance(paths, (str, os.PathLike)) or len(names) != len(paths):
            raise UserErrorException("upload_files takes two lists of the same length: names and paths.")
        missing = [str(path) for path in paths if not Path(path).is_file()]
        if missing:
            raise UserErrorException(f"upload_files: there is no file {', '.join(map(repr, missing[:5]))}.")
        for name in names:
            self._free_name(name)
        artifacts = [self.upload_file(name, path, datastore_name) for name, path in zip(names, paths, strict=True)]
        return artifacts if return_artifacts else None

    def upload_folder(
        self, name: str, path: str | os.PathLike[str], datastore_name: str | None = None
    ) -> list[Artifact | None]:
        """Keep a folder with all in it under ``name``.

        Links that lead out of the folder are not followed.  Raises UserErrorException.
        """
        folder = Path(path)
        if not folder.is_dir():
            raise UserErrorException(f"upload_folder: there is no folder {str(folder)!r} (from {str(Path.cwd())!r}).")
        files = files_below(folder)
        prefix = "" if name in ("", ".", "./") else f"{name.rstrip('/')}/"
        names = [prefix + file.relative_to(folder).as_posix() for file in files]
        for each in names:
            self._free_name(each)
        return [self.upload_file(each, file, datastore_name) for each, file in zip(names, files, strict=True)]

    def get_file_names(self) -> list[str]:
        """The names of the run's files, sorted."""
        store = self._recorder.fresh()
        with translated():
            return sorted(each.name for each in store.artifacts(self._id))

    def download_file(self, name: str, output_file_path: str | os.PathLike[str] | None = None) -> None:
        """Write one of the run's files to ``output_file_path``: a file or a folder; default: its last part, here.

        Raises UserErrorException if the run has no such file.
        """
        store = self._recorder.fresh()
        artifact = self._stored(name)
        last = _plain(name).rsplit("/", 1)[-1]  # as it was asked for, whatever a server answers
        target = Path(last if output_file_path is None else output_file_path)
        if target.is_dir() or (output_file_path is not None and str(output_file_path).endswith(("/", os.sep))):
            target = target / last
        with translated():
            target.parent.mkdir(parents=True, exist_ok=True)
            store.download_artifact(self._id, artifact.name, target)

    def download_files(
        self,
        prefix: str | None = None,
        output_directory: str | os.PathLike[str] | None = None,
        output_paths: Sequence[str] | None = None,
        batch_size: int = 100,
        append_prefix: bool = True,
        timeout_seconds: int | None = None,
    ) -> None:
        """Write the files whose names begin with ``prefix`` into a folder (default: here).

        ``append_prefix`` False leaves the prefix's folders out of the paths; ``output_paths`` gives the files'
        paths in the order of their names.  Raises UserErrorException if there is no such file.
        """
        from milepost.store.names import safe_join

        store = self._recorder.fresh()
        with translated():
            found = sorted(store.artifacts(self._id, _plain(prefix or "")), key=lambda each: each.name)
            if not found:
                raise UserErrorException(f"Run {self._id} has no file whose name begins with {prefix!r}.")
            if output_paths is not None and len(output_paths) != len(found):
                raise UserErrorException(
                    f"{len(found)} files begin with {prefix!r}, but output_paths names {len(output_paths)}."
                )
            root = Path(output_directory or ".")
            root.mkdir(parents=True, exist_ok=True)
            for index, artifact in enumerate(found):
                if output_paths is not None:
                    target = root / output_paths[index]
                else:
                    name = artifact.name if append_prefix else _without(artifact.name, _plain(prefix or ""))
                    target = safe_join(root, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                store.download_artifact(self._id, artifact.name, target)

    # -- what the above are made of ----------------------------------------------------------------------------

    def _stored(self, name: str) -> ArtifactRecord:
        from milepost.store.errors import BadInput, NotFound

        try:
            return self._recorder.open_store().artifact(self._id, _plain(name))
        except (NotFound, BadInput) as error:
            raise UserErrorException(str(error)) from error

    def _free_name(self, name: str) -> str:
        """The name's normal form, if the run has no such file yet."""
        from milepost.store.names import check_name

        with translated():
            checked = check_name(name)
        if self._names is None:
            store = self._recorder.fresh()
            with translated():
                uploaded = [each.name for each in store.artifacts(self._id) if not each.captured]
            self._names = {name.lower(): name for name in uploaded}
        used = self._names.get(checked.lower())
        if used == checked:
            raise UserErrorException(
                f"Run {self._id} has a file {checked!r} already, and a name is used once. Choose another name."
            )
        if used is not None:
            raise UserErrorException(
                f"Run {self._id} has a file {used!r} already; {checked!r} differs from it in case only, which many "
                "file systems cannot keep apart. Choose another name."
            )
        return checked

    def _record_file(self, name: str, source: Path | IO[bytes]) -> Artifact | None:
        from milepost.store.errors import StoreUnavailable

        checked = self._free_name(name)
        assert self._names is not None
        with translated():
            store = self._recorder.open_store()
            try:
                blob = store.put_file(source) if isinstance(source, Path) else store.put_stream(source)
            except StoreUnavailable as error:
                self._keep_waiting(checked, source, error)
                self._names[checked.lower()] = checked
                return None
        self._names[checked.lower()] = checked
        return self._say_artifact(checked, blob)

    def _say_artifact(self, name: str, blob: Blob) -> Artifact:
        from milepost.store.artifacts import content_type_of

        content_type = content_type_of(name)
        data = {"name": name, "digest": blob.digest, "size": blob.size, "content_type": content_type}
        self._recorder.writer.event("artifact", self._id, data)
        return Artifact(self._id, name, blob.size, blob.digest, content_type)

    def _keep_waiting(self, name: str, source: Path | IO[bytes], error: Exception) -> None:
        if isinstance(source, Path):
            self._waiting.append((name, source.absolute()))
        else:
            if not source.seekable():
                raise error
            source.seek(0)
            content = source.read(_KEPT_IN_MEMORY + 1)
            if len(content) > _KEPT_IN_MEMORY:
                raise error
            self._waiting.append((name, content))
        warn(
            f"Milepost could not keep the file {name!r} yet: {error} It is tried again at flush() and complete().",
            stacklevel=4,
        )

    def _try_waiting(self) -> None:
        """Take the files that a full disk kept out."""
        waiting, self._waiting = self._waiting, []
        for index, (name, source) in enumerate(waiting):
            try:
                store = self._recorder.open_store()
                blob = store.put_file(source) if isinstance(source, Path) else store.put_stream(io.BytesIO(source))
            except Exception as error:
                self._waiting = waiting[index:]
                warn(f"Milepost could not keep the file {name!r} yet: {error}", stacklevel=3)
                return
            self._say_artifact(name, blob)

    def _upload_outputs(self, folder: str | os.PathLike[str], prefix: str) -> None:
        """Take a folder's files that the run does not have; trouble with one is a warning, not the run's end."""
        for file in files_below(Path(folder)):
            name = f"{prefix}/{file.relative_to(folder).as_posix()}"
            try:
                self._free_name(name)
            except UserErrorException:
                continue  # uploaded by the script itself
            try:
                self._record_file(name, file)
            except Exception as error:
                # The text of the SDK's own errors has many lines.
                warn(f"Milepost could not keep the file {name!r}: {getattr(error, 'message', error)}", stacklevel=3)


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _without(name: str, prefix: str) -> str:
    rest = name[len(prefix) :] if prefix.endswith("/") or not prefix else name[len(prefix) :].lstrip("/")
    return rest or name.rsplit("/", 1)[-1]


def _only_default(name: str) -> Any:
    if name not in ("workspaceblobstore", "workspaceartifactstore"):
        raise UserErrorException(
            f"There is no datastore {name!r} that keeps a run's files; leave datastore_name out to keep them in the "
            "workspace."
        )
