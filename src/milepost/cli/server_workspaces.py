"""The workspaces of a server, for ``milepost workspace list`` and ``create``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from milepost.cli.options import Failed, Misused, server_address

if TYPE_CHECKING:
    from milepost.remote.connection import ServerConnection

Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="The server. Default: MILEPOST_URL, or the one that config.json here or above names, if any.",
    ),
]
Here = Annotated[bool, typer.Option("--here", help="On this machine, whatever MILEPOST_URL and config.json say.")]


@dataclass(frozen=True, slots=True)
class There:
    """A workspace of a server."""

    name: str
    id: str
    role: str
    """What this user may do in it."""


def server_in_play(given: str | None, *, here: bool) -> str | None:
    """The address of the server that is meant; None where it is this machine.

    Raises Misused for an option that cannot be, UserErrorException for a config.json or a ``MILEPOST_URL`` that
    cannot be used.
    """
    from milepost.sdk.workspaces import config

    if given is None:
        return None if here else config.server_url(config.find_config())
    if here:
        raise Misused("--server is a server and --here is this machine: give one of them.")
    return server_address(given, "--server")


def list_there(server: str) -> list[There]:
    """Those that this user may see, by name.  Raises the store's errors, and Failed where it is no Milepost server."""
    connection = _connection(server)
    try:
        return [_there(each, server) for each in _rows(connection.json("GET", "/workspaces"), server)]
    finally:
        connection.close()


def create_there(server: str, name: str) -> There:
    """Make one.

    Raises the store's errors: Conflict where there is one of that name, NotAllowed where this user may make none; and
    Failed where it is no Milepost server.
    """
    connection = _connection(server)
    try:
        return _there(connection.json("POST", "/workspaces", {"name": name}, again=False), server)
    finally:
        connection.close()


def _connection(server: str) -> ServerConnection:
    from milepost.remote.connection import ServerConnection
    from milepost.sdk.recording.server_store import token_of

    return ServerConnection(server, lambda: token_of(server))


def _rows(answer: Any, server: str) -> list[Any]:
    rows = answer.get("workspaces") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise _is_none(server)
    return rows


def _there(row: Any, server: str) -> There:
    try:
        return There(str(row["name"]), str(row["id"]), str(row["role"]))
    except (KeyError, TypeError) as error:
        raise _is_none(server) from error


def _is_none(server: str) -> Failed:
    return Failed(f"{server} does not answer as a Milepost server: is it one?")
