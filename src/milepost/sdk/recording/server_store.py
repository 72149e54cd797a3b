"""The store of a workspace that is on a server."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.remote.store import RemoteStore
    from milepost.sdk.exceptions import WorkspaceException
    from milepost.sdk.workspaces.home import WorkspacePlace

_PATIENCE_S: Final = 3.0
_SILENT_S: Final = 30.0
_READER: Final = "reader"

_silent_since: dict[str, float] = {}
"""Server -> when (monotonic seconds) it was asked in vain for the last time."""


def open_server_store(server: str, workspace: str, folder: Path, workspace_id: str) -> RemoteStore:
    """The store; nobody is asked for anything yet.  ``folder``: the workspace's place on this machine.

    The token is looked up for each request: a run that goes on for weeks takes the one of a later ``milepost login``.
    """
    from milepost.remote.address import Address
    from milepost.remote.store import RemoteStore

    return RemoteStore(Address(server, workspace, lambda: token_of(server)), folder / "blobs", workspace_id)


def token_of(server: str) -> str | None:
    """See ``token_for``.  Raises NotAllowed where it cannot be had."""
    from milepost.sdk.access.credentials import token_for
    from milepost.sdk.exceptions import UserErrorException
    from milepost.store.errors import NotAllowed

    try:
        return token_for(server)
    except UserErrorException as error:
        raise NotAllowed(error.message) from error


def ask_there(place: WorkspacePlace) -> str:
    """Ask the server for this workspace, for a moment only, and give one's role in it.  Raises the store's errors."""
    return str(_ask_briefly(place, "GET", "/workspace?counts=false").get("role", ""))


def _ask_briefly(place: WorkspacePlace, method: str, path: str, content: Any = None) -> dict[str, Any]:
    """Raises the store's errors: StoreUnavailable soon, where nobody answers."""
    from milepost.remote.address import Address
    from milepost.remote.connection import Connection
    from milepost.store.errors import Busy, Offline, StoreUnavailable

    server = place.server
    assert server is not None
    connection = Connection(Address(server, place.name, lambda: token_of(server)))
    try:
        found = connection.json(method, path, content, timeout_s=_PATIENCE_S)
        _silent_since.pop(server, None)
    except StoreUnavailable as error:
        if not isinstance(error, (Busy, Offline)):
            _silent_since[server] = time.monotonic()
        raise
    finally:
        connection.close()
    if not isinstance(found, dict):
        raise StoreUnavailable(f"{server} does not answer as a Milepost server: is it one?")
    return found


def _is_silent(server: str | None) -> bool:
    """Whether the server was asked a moment ago and did not answer: a script is not to wait for that again."""
    since = _silent_since.get(server or "")
    return since is not None and time.monotonic() - since < _SILENT_S


def has_experiment(place: WorkspacePlace, name: str) -> bool:
    """Whether the server has this experiment, asked for a moment only; False where it cannot be told just now.

    Raises WorkspaceException where there is no such workspace, AuthenticationException where the experiment is not
    there and this user may not make it.
    """
    from milepost.store import errors

    if _is_silent(place.server):
        return False
    try:
        _ask_briefly(place, "POST", "/store/experiment", {"name": name})
    except errors.NotFound:
        check_writable(place, f"make the experiment {name!r}", signed_in=False)
        return False
    except errors.StoreError:
        return False  # what is recorded is delivered, or told of, when the server answers
    return True


def check_writable(place: WorkspacePlace, deed: str, *, signed_in: bool = True) -> None:
    """Ask the server whether this user may record in the workspace, for a moment only.

    Raises WorkspaceException where there is no such workspace, AuthenticationException where they may not do this
    ``deed``, or (unless ``signed_in`` is False) are not let in.  One that cannot be reached is no trouble: what is
    recorded waits for it.
    """
    from milepost.sdk.exceptions import AuthenticationException
    from milepost.store import errors

    if place.server is None or _is_silent(place.server):
        return
    try:
        role = ask_there(place)
    except errors.NotFound as error:
        raise _no_workspace(place, error) from error
    except errors.NotAllowed as error:
        if signed_in or isinstance(error, errors.NotPermitted):
            raise AuthenticationException(str(error)) from error
        return
    except errors.StoreError:
        return
    _check_role(place, role, deed)


def _check_role(place: WorkspacePlace, role: str, deed: str) -> None:
    from milepost.sdk.exceptions import AuthenticationException

    if role == _READER:
        raise AuthenticationException(
            f"{place.server}: you are a reader of the workspace {place.name!r}, and only its contributors may {deed}. "
            "Ask one of its owners for that role."
        )


def check_there(place: WorkspacePlace, *, needed: bool = False, deed: str | None = None) -> None:
    """Ask the server whether it has this workspace, for a moment only.

    Raises WorkspaceException where it has not, AuthenticationException where it does not let this user in, or (where
    one is given) do this ``deed``.  One that cannot be reached gets a warning: what is logged waits for it.
    ``needed``: it is a ServiceException.
    """
    from milepost.remote.address import OFFLINE_VARIABLE
    from milepost.sdk.exceptions import AuthenticationException, ServiceException
    from milepost.store import errors

    if place.server is None:
        return
    if not needed and os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0"):
        return
    try:
        role = ask_there(place)
    except errors.NotFound as error:
        raise _no_workspace(place, error) from error
    except errors.NotAllowed as error:
        raise AuthenticationException(str(error)) from error
    except errors.StoreError as error:
        if needed:
            raise ServiceException(str(error), status_code=503) from error
        warn(f"Milepost: {error}. What is logged is kept in {place.folder} and delivered later.", stacklevel=4)
        return
    if deed is not None:
        _check_role(place, role, deed)


def _no_workspace(place: WorkspacePlace, error: Exception) -> WorkspaceException:
    from milepost.sdk.exceptions import WorkspaceException
    from milepost.sdk.workspaces.home import forget_server_workspace

    forget_server_workspace(place)
    return WorkspaceException(
        f"The server {place.server} has no workspace {place.name!r} ({error}). Check the name, or make it with "
        f"Workspace.create({place.name!r})."
    )


def create_there(server: str, name: str, *, exist_ok: bool) -> WorkspacePlace:
    """Make a workspace on a server.

    Raises WorkspaceException where it is there already, unless ``exist_ok``, and where the server cannot be reached;
    AuthenticationException where it does not let this user make it.
    """
    from milepost.remote.connection import ServerConnection
    from milepost.sdk.exceptions import AuthenticationException, UserErrorException, WorkspaceException
    from milepost.sdk.workspaces.home import server_workspace
    from milepost.store import errors

    connection = ServerConnection(server, lambda: token_of(server))
    try:
        connection.json("POST", "/workspaces", {"name": name}, again=False)
    except errors.Conflict as error:
        if not exist_ok:
            raise WorkspaceException(
                f"The server {server} has a workspace {name!r} already. Use Workspace.get({name!r}), or "
                "create(..., exist_ok=True)."
            ) from error
    except errors.NotAllowed as error:
        raise AuthenticationException(str(error)) from error
    except errors.BadInput as error:
        raise UserErrorException(str(error)) from error
    except errors.StoreError as error:
        raise WorkspaceException(f"The workspace {name!r} could not be made: {error}") from error
    finally:
        connection.close()
    return server_workspace(server, name)


def list_there(server: str) -> list[WorkspacePlace]:
    """The workspaces of a server that this user may see.

    Raises WorkspaceException where it cannot be reached, AuthenticationException where it does not let this user in.
    """
    from milepost.remote.connection import ServerConnection
    from milepost.sdk.exceptions import AuthenticationException, WorkspaceException
    from milepost.sdk.workspaces.home import server_workspace
    from milepost.store import errors

    connection = ServerConnection(server, lambda: token_of(server))
    try:
        found = connection.json("GET", "/workspaces")["workspaces"]
    except errors.NotAllowed as error:
        raise AuthenticationException(str(error)) from error
    except errors.StoreError as error:
        raise WorkspaceException(f"The workspaces of {server} cannot be listed: {error}") from error
    finally:
        connection.close()
    return [server_workspace(server, str(each["name"])) for each in found]
