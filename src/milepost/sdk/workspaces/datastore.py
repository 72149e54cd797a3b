"""A workspace's datastores: folders of its own, to put data into and take it out again."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from milepost.sdk.exceptions import UserErrorException, deferred
from milepost.sdk.local_files import copy_file, explained, files_below
from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.sdk.workspaces.workspace import Workspace

DEFAULT_NAME: Final = "workspaceblobstore"
NAMES: Final = (DEFAULT_NAME, "workspacefilestore")
"""Those that every workspace has, as in Azure."""

_DRAFTS: Final = ".drafts"
_DRAFT_KEPT_S: Final = 24 * 3600
_UPLOAD_INSTEAD: Final = "Workspace.get_default_datastore().upload() copies data into the workspace's own folder"
_JOBS_INSTEAD: Final = "Datastore.download() copies the data to a folder that the script can read"


def _deferred_member(name: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise deferred(f"Datastore.{name}", instead)

    refuse.__name__ = name
    refuse.__qualname__ = f"Datastore.{name}"
    refuse.__doc__ = "Not in this version yet: raises NotAvailableException."
    return refuse


class Datastore:
    """A folder of the workspace.  ``Datastore(workspace, name)`` is the same as ``Datastore.get``.

    Without ``name`` it is the default one.  Raises UserErrorException for a name that the workspace has not.
    """

    def __init__(self, workspace: Workspace, name: str | None = None, _folder: Path | None = None) -> None:
        if name is None:
            name = DEFAULT_NAME
        if name not in NAMES:
            raise UserErrorException(
                f"Workspace {workspace.name!r} has no datastore {name!r:.100}. It has {' and '.join(map(repr, NAMES))}."
            )
        self._workspace = workspace
        self._name = name
        if _folder is None and workspace._place.server is not None:
            place = workspace._place
            warn(
                f"Milepost: the datastore {name!r} keeps its files on this machine, in {place.folder}: the server "
                f"{place.server} keeps the files of runs and models alone.",
                stacklevel=3,
            )
        self._folder = _folder or workspace._place.folder / "datastores" / name

    @staticmethod
    def get(workspace: Workspace, datastore_name: str) -> Datastore:
        """The datastore of that name.  Raises UserErrorException if there is none."""
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: Workspace) -> Datastore:
        """The workspace's default datastore."""
        return Datastore(workspace)

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def workspace(self) -> Workspace:
        """The workspace it belongs to."""
        return self._workspace

    @property
    def datastore_type(self) -> str:
        """Always "Local": a folder on this machine."""
        return "Local"

    @property
    def account_name(self) -> str:
        """Always "local": Azure's storage account, which scripts print beside the name."""
        return "local"

    @property
    def container_name(self) -> str:
        """The folder's path: what Azure's container is here."""
        return str(self._folder)

    @property
    def folder(self) -> Path:
        """The folder.  It need not exist before something is uploaded."""
        return self._folder

    def upload(
        self,
        src_dir: str | os.PathLike[str],
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy a folder's files, with their subfolders, under ``target_path`` (default: the top).

        Files that are there already are left as they are unless ``overwrite``.  Links that lead out of ``src_dir``
        and links to folders are passed over.  Raises UserErrorException for a folder that is not there, a bad name,
        or a disk that cannot be written.
        """
        folder = Path(src_dir)
        if not folder.is_dir():
            raise UserErrorException(f"upload: there is no folder {str(folder)!r} (from {str(Path.cwd())!r}).")
        return self._upload(files_below(folder), folder, target_path, overwrite, show_progress)

    def upload_files(
        self,
        files: Sequence[str | os.PathLike[str]],
        relative_root: str | os.PathLike[str] | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """Copy files under ``target_path``, each at its path below ``relative_root`` (default: what they share).

        The rest is as in `upload`.
        """
        if isinstance(files, (str, os.PathLike)) or not files:
            raise UserErrorException("upload_files takes a list of at least one path.")
        paths = [Path(each).absolute() for each in files]
        missing = [str(each) for each in paths if not each.is_file()]
        if missing:
            raise UserErrorException(f"upload_files: there is no file {', '.join(map(repr, missing[:5]))}.")
        if relative_root is not None:
            root = Path(relative_root).absolute()
        else:
            root = Path(os.path.commonpath([each.parent for each in paths]))
        outside = [str(each) for each in paths if not each.is_relative_to(root)]
        if outside:
            raise UserErrorException(f"upload_files: {outside[0]!r} does not lie in relative_root {str(root)!r}.")
        return self._upload(paths, root, target_path, overwrite, show_progress)

    def download(
        self,
        target_path: str | os.PathLike[str],
        prefix: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> int:
        """Copy the files below ``prefix`` (a folder or file of the datastore; default: all) into ``target_path``.

        They keep their whole path in the datastore.  Files that are there already are left as they are unless
        ``overwrite``.  Gives the number of files copied.  Raises UserErrorException as `upload` does.
        """
        names = self._names_below(_checked(prefix))
        copied = 0
        for number, name in enumerate(names, 1):
            target = _joined(Path(target_path), name)
            if target.exists() and not overwrite:
                _say(show_progress, f"{target} is there already. Skipping download {number} of {len(names)}.")
                continue
            copy_file(self._folder / name, target)
            copied += 1
            _say(show_progress, f"Downloaded {name}, {number} files out of {len(names)}")
        _say(show_progress, f"Downloaded {copied} files")
        return copied

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """What lies at ``path`` in this datastore, to hand on.  Raises UserErrorException for a bad path."""
        return DataReference(self, data_reference_name, _checked(path) or None)

    as_download = _deferred_member("as_download", _JOBS_INSTEAD)
    as_mount = _deferred_member("as_mount", _JOBS_INSTEAD)
    as_upload = _deferred_member("as_upload", _UPLOAD_INSTEAD)
    set_as_default = _deferred_member("set_as_default", f"the default is always {DEFAULT_NAME!r}")
    unregister = _deferred_member("unregister", "the workspace's own datastores go with the workspace")
    register_azure_blob_container = staticmethod(_deferred_member("register_azure_blob_container", _UPLOAD_INSTEAD))
    register_azure_data_lake = staticmethod(_deferred_member("register_azure_data_lake", _UPLOAD_INSTEAD))
    register_azure_data_lake_gen2 = staticmethod(_deferred_member("register_azure_data_lake_gen2", _UPLOAD_INSTEAD))
    register_azure_file_share = staticmethod(_deferred_member("register_azure_file_share", _UPLOAD_INSTEAD))
    register_azure_my_sql = staticmethod(_deferred_member("register_azure_my_sql", _UPLOAD_INSTEAD))
    register_azure_postgre_sql = staticmethod(_deferred_member("register_azure_postgre_sql", _UPLOAD_INSTEAD))
    register_azure_sql_database = staticmethod(_deferred_member("register_azure_sql_database", _UPLOAD_INSTEAD))
    register_dbfs = staticmethod(_deferred_member("register_dbfs", _UPLOAD_INSTEAD))
    register_hdfs = staticmethod(_deferred_member("register_hdfs", _UPLOAD_INSTEAD))

    def __repr__(self) -> str:
        return f"Datastore(name={self._name!r}, workspace={self._workspace.name!r}, folder={str(self._folder)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Datastore) and other._folder == self._folder

    def __hash__(self) -> int:
        return hash(self._folder)

    def _upload(
        self, files: list[Path], root: Path, target_path: str | None, overwrite: bool, show_progress: bool
    ) -> DataReference:
        below = _checked(target_path)
        # All names are checked before the first file is copied.
        names = [_checked("/".join(filter(None, (below, each.relative_to(root).as_posix())))) for each in files]
        drafts = self._folder.parent / _DRAFTS
        _clear_old(drafts)
        copied = 0
        for number, (file, name) in enumerate(zip(files, names, strict=True), 1):
            target = _joined(self._folder, name)
            if target.exists() and not overwrite:
                _say(show_progress, f"{name} is there already. Skipping upload {number} of {len(files)}.")
                continue
            copy_file(file, target, drafts)
            copied += 1
            _say(show_progress, f"Uploaded {file}, {number} files out of {len(files)}")
        _say(show_progress, f"Uploaded {copied} files")
        return DataReference(self, None, below or None)

    def _names_below(self, prefix: str) -> list[str]:
        with explained(f"cannot read the datastore {self._name!r}"):
            names = [each.relative_to(self._folder).as_posix() for each in files_below(self._folder)]
        return [name for name in names if not prefix or name == prefix or name.startswith(f"{prefix}/")]


class DataReference:
    """A place in a datastore.  Submitted runs, which mount or download it, come in a later version."""

    def __init__(self, datastore: Datastore, data_reference_name: str | None, path_on_datastore: str | None) -> None:
        self.datastore = datastore
        self.data_reference_name = data_reference_name or datastore.name
        self.path_on_datastore = path_on_datastore

    @property
    def local_path(self) -> Path:
        """Where it lies on this machine.  Raises UserErrorException where links lead it out of the datastore."""
        return (
            _joined(self.datastore.folder, self.path_on_datastore) if self.path_on_datastore else self.datastore.folder
        )

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """A place below this one."""
        below = "/".join(filter(None, (self.path_on_datastore, _checked(path))))
        return self.datastore.path(below, data_reference_name or self.data_reference_name)

    as_download = _deferred_member("path().as_download", _JOBS_INSTEAD)
    as_mount = _deferred_member("path().as_mount", _JOBS_INSTEAD)
    as_upload = _deferred_member("path().as_upload", _UPLOAD_INSTEAD)

    def __repr__(self) -> str:
        return f"DataReference(datastore={self.datastore.name!r}, path_on_datastore={self.path_on_datastore!r})"


def _checked(path: str | None) -> str:
    """A path in a datastore in its normal form; "" for the top."""
    from milepost.sdk.recording.recorder import translated
    from milepost.store.names import check_name

    if path is None or path in {"", ".", "./", "/"}:
        return ""
    with translated():
        return check_name(path.rstrip("/") if isinstance(path, str) else path)


def _joined(root: Path, name: str) -> Path:
    from milepost.sdk.recording.recorder import translated
    from milepost.store.names import safe_join

    with translated():
        return safe_join(root, name)


def _clear_old(drafts: Path) -> None:
    """Remove what killed processes left behind."""
    if not drafts.is_dir():
        return
    for draft in drafts.iterdir():
        with suppress(OSError):  # another process is quicker
            if draft.stat().st_mtime < time.time() - _DRAFT_KEPT_S:
                draft.unlink()


def _say(show_progress: bool, text: str) -> None:
    if show_progress:
        sys.stdout.write(text + "\n")
