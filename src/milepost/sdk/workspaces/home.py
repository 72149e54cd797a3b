"""Where Milepost keeps things on this machine: its home, the workspaces' folders and each one's ``workspace.json``.

A workspace's folder is named in lower case, so that names which differ in case only are one workspace on every
file system; ``workspace.json`` keeps the spelling.  The folder is made elsewhere and moved into place whole:
whoever sees it sees its ``workspace.json`` too, and of many processes that make it at once one wins.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import warnings
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.sdk.exceptions import UserErrorException, WorkspaceException

if TYPE_CHECKING:
    from collections.abc import Callable

HOME_VARIABLE: Final = "MILEPOST_HOME"
FORMAT: Final = 1
"""Of a workspace's folder.  A folder with a higher number was made by a newer Milepost."""

_FILE: Final = "workspace.json"
_FILE_MAX: Final = 1 << 20
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}", re.ASCII)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
# Names that Windows gives to devices, whatever follows the first dot.
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class WorkspacePlace:
    """A workspace on this machine: its folder and what its ``workspace.json`` says."""

    name: str
    id: str
    """A UUID; it stays when the workspace is moved to another machine."""
    created: str
    """When it was made: ISO 8601, UTC."""
    folder: Path
    server: str | None = None
    """The address of the server that the workspace is on; then the folder holds only what has not arrived there yet."""


def home() -> Path:
    """The folder that all of Milepost's files lie under: ``MILEPOST_HOME``, else ``~/.milepost``.  It need not exist.

    Raises:
        WorkspaceException: there is neither the variable nor a home directory.
    """
    try:
        return Path(os.environ.get(HOME_VARIABLE) or "~/.milepost").expanduser().absolute()
    except (RuntimeError, OSError) as error:  # no home directory; the current directory was deleted
        raise WorkspaceException(
            f"Milepost found no place for its files ({error}). "
            f"Set {HOME_VARIABLE} to an absolute path you can write to.",
            inner_exception=error,
        ) from error


def workspaces_folder() -> Path:
    """The folder with one folder for each workspace.  It need not exist."""
    return home() / "workspaces"


def check_workspace_name(name: object) -> str:
    """``name`` itself when it can name a workspace.

    Raises:
        UserErrorException: it is not 1 to 255 of letters, digits, ``_``, ``-`` and ``.`` beginning with a letter or
            digit, ends with a dot, or is a device's name on Windows.
    """
    if not isinstance(name, str):
        raise UserErrorException(f"A workspace's name must be text, not {type(name).__name__}.")
    if not _NAME.fullmatch(name) or name.endswith("."):
        raise UserErrorException(
            f"{_short(name)} cannot name a workspace: use 1 to 255 letters (a-z, A-Z), digits, '_', '-' and '.', "
            "with a letter or digit first and no '.' at the end."
        )
    if _DEVICES.fullmatch(name.lower()):
        raise UserErrorException(
            f"{name!r} cannot name a workspace: Windows keeps the name for a device. Choose another."
        )
    return name


def workspace_folder(name: str) -> Path:
    """The folder of the workspace called ``name`` in any mix of case.  It need not exist.

    Raises:
        UserErrorException: see `check_workspace_name`.
    """
    return workspaces_folder() / check_workspace_name(name).lower()


def find_workspace(name: str) -> WorkspacePlace | None:
    """The workspace called ``name`` in any mix of case, or None.

    Raises:
        UserErrorException: see `check_workspace_name`.
        WorkspaceException: its ``workspace.json`` is missing, broken or made by a newer Milepost.
    """
    return _found(workspace_folder(name))


def create_workspace(name: str) -> tuple[WorkspacePlace, bool]:
    """Make the workspace called ``name`` unless it is there; also say whether this call made it.

    Safe against any number of processes that do the same at once: all get the same id.

    Raises:
        UserErrorException: see `check_workspace_name`.
        WorkspaceException: the home cannot be written, or see `find_workspace`.
    """
    found = find_workspace(name)
    if found is not None:
        return found, False
    import uuid

    return _make(workspace_folder(name), name, str(uuid.uuid4()), None)


def server_workspace(server: str, name: str) -> WorkspacePlace:
    """The place on this machine of a workspace on a server, made if it is not there; nobody is asked for that.

    ``server``: its address, without a slash at the end.  What is logged waits there until the server has it.

    Raises:
        UserErrorException: see `check_workspace_name`.
        WorkspaceException: the home cannot be written, or its ``workspace.json`` cannot be used.
    """
    import uuid

    check_workspace_name(name)
    folder = servers_folder() / _folder_of(server) / name.lower()
    found = _found(folder)
    if found is not None:
        return found
    address = f"{server}/workspaces/{name.lower()}"
    return _make(folder, name, str(uuid.uuid5(uuid.NAMESPACE_URL, address)), server)[0]


def forget_server_workspace(place: WorkspacePlace) -> None:
    """Remove the place of a workspace that its server does not have, where nothing waits in it."""
    import shutil

    with contextlib.suppress(OSError):
        if [each.name for each in place.folder.iterdir()] != [_FILE]:
            return
        aside = place.folder.with_name(f".old-{os.getpid()}-{os.urandom(8).hex()}")
        place.folder.rename(aside)
        if [each.name for each in aside.iterdir()] == [_FILE]:
            shutil.rmtree(aside)
        else:
            aside.rename(place.folder)  # another process has begun to record just now


def servers_folder() -> Path:
    """The folder with one folder for each server, with one for each of its workspaces.  It need not exist."""
    return home() / "servers"


def list_server_workspaces(on_error: Callable[[WorkspaceException], None] | None = None) -> list[WorkspacePlace]:
    """The places on this machine of all workspaces on servers; see `list_workspaces`."""
    parent = servers_folder()
    try:
        servers = sorted(each for each in parent.iterdir() if each.is_dir())
        return [place for each in servers for place in _list(each, on_error)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(parent, "read", error) from error


def _folder_of(server: str) -> str:
    """A folder's name for a server: its host and port to be read by people, and a digest of the whole address."""
    from hashlib import sha256
    from urllib.parse import urlsplit

    parts = urlsplit(server)
    shown = re.sub(r"[^a-z0-9.]+", "-", parts.netloc.lower()).strip("-.")[:100]
    return f"{shown}-{sha256(server.encode()).hexdigest()[:8]}"


def _found(folder: Path) -> WorkspacePlace | None:
    """The workspace in that folder; None where there is nothing in it."""
    try:
        is_there = folder.is_dir() and any(folder.iterdir())
    except OSError as error:
        raise _unusable(folder, "read", error) from error
    return _read(folder) if is_there else None


def _make(folder: Path, name: str, id: str, server: str | None) -> tuple[WorkspacePlace, bool]:
    """Make a workspace's folder, whole at once; also say whether this call made it, or another was quicker."""
    import shutil

    created = datetime.now(timezone.utc).isoformat(timespec="microseconds")
    place = WorkspacePlace(name, id, created, folder, server)
    draft = folder.parent / f".new-{os.getpid()}-{os.urandom(8).hex()}"
    facts = {"format": FORMAT, "id": place.id, "name": name, "created": created}
    if server is not None:
        facts["server"] = server
    try:
        try:
            draft.mkdir(parents=True)
            with (draft / _FILE).open("x", encoding="utf-8") as file:
                file.write(json.dumps(facts, indent=2) + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(OSError):
                folder.rmdir()  # an empty one is in the way on Windows
            draft.rename(folder)  # fails where the folder is there with anything in it
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    except OSError as error:
        found = _found(folder)  # another process may have been quicker
        if found is not None:
            return found, False
        raise _unusable(folder, "make", error) from error
    return place, True


def list_workspaces(on_error: Callable[[WorkspaceException], None] | None = None) -> list[WorkspacePlace]:
    """All workspaces of this machine by name.  One that cannot be read goes to ``on_error`` (default: a warning).

    Raises:
        WorkspaceException: the workspaces' folder itself cannot be read.
    """
    return _list(workspaces_folder(), on_error)


def _list(parent: Path, on_error: Callable[[WorkspaceException], None] | None) -> list[WorkspacePlace]:
    try:
        folders = sorted(each for each in parent.iterdir() if _NAME.fullmatch(each.name) and each.is_dir())
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(parent, "read", error) from error
    places = []
    for folder in folders:
        try:
            places.append(_read(folder))
        except WorkspaceException as error:
            if on_error is None:
                warnings.warn(error.message, stacklevel=2)
            else:
                on_error(error)
    return places


def read_workspace(folder: Path) -> WorkspacePlace:
    """The workspace in that folder.  Raises WorkspaceException where its ``workspace.json`` cannot be used."""
    return _read(folder)


def _read(folder: Path) -> WorkspacePlace:
    """What ``workspace.json`` in ``folder`` says.  Raises WorkspaceException with what to do about it."""
    path = folder / _FILE
    remedy = (
        f"Put the file back from a backup, or move the folder {folder} away to start an empty workspace; "
        "nothing in it was changed."
    )
    try:
        if not path.is_file():
            raise WorkspaceException(f"The workspace's folder has no {path}. {remedy}")
        with path.open("rb") as file:
            content = file.read(_FILE_MAX)
    except OSError as error:
        raise _unusable(path, "read", error) from error
    try:
        facts: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WorkspaceException(f"{path} is not JSON ({error}). {remedy}", inner_exception=error) from error
    number = facts.get("format") if isinstance(facts, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise WorkspaceException(
            f"{path} was made by a newer Milepost (format {number}; this version knows {FORMAT}). "
            "Upgrade with: pip install -U milepost"
        )
    if not (number == FORMAT and all(isinstance(facts.get(key), str) for key in ("id", "name", "created"))):
        raise WorkspaceException(f"{path} lacks one of format ({FORMAT}), id, name and created. {remedy}")
    if facts["name"].lower() != folder.name.lower():
        raise WorkspaceException(
            f"{path} says that the workspace is called {_short(facts['name'])}, but its folder is {folder.name!r}. "
            "Give the folder its old name back."
        )
    if not _UUID.fullmatch(facts["id"]):
        raise WorkspaceException(f"The id in {path} is not a UUID. {remedy}")
    server = facts.get("server")
    return WorkspacePlace(
        facts["name"], facts["id"].lower(), facts["created"], folder, server if isinstance(server, str) else None
    )


def _unusable(path: Path, verb: str, error: OSError) -> WorkspaceException:
    reason = error.strerror or str(error)
    advice = {
        errno.ENOSPC: "Free some space on that disk",
        errno.EDQUOT: "Free some space on that disk",
    }.get(error.errno or 0, "Give yourself the right to read and write it")
    return WorkspaceException(
        f"Milepost cannot {verb} {path}: {reason}. {advice}, or set {HOME_VARIABLE} to a folder you can write to.",
        inner_exception=error,
    )


def _short(name: str) -> str:
    return repr(name if len(name) <= 80 else name[:77] + "...")
