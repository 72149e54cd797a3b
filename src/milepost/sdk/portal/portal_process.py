"""The process of a workspace's embedded portal; not for use by hand.

It begins with the lock that makes it the only one of the workspace, and ends when it is asked to, when nobody has asked
it for anything for twelve hours, and when the workspace's folder is gone.
"""

from __future__ import annotations

import math
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

from milepost.jobs import process_tree
from milepost.jobs.job import write_json
from milepost.journal.lock import FileLock
from milepost.sdk import own_process
from milepost.sdk.portal import portal_file
from milepost.sdk.portal.portal_file import PortalState

if TYPE_CHECKING:
    from milepost.server.security import Activity

IDLE_S: Final = 12 * 3600.0
IDLE_VARIABLE: Final = "MILEPOST_PORTAL_IDLE"
"""Seconds without a request after which a portal goes."""
_LOCK_S: Final = 1.0
_LOOK_S: Final = 0.25


def entry(workspace: Path, port: int | None) -> list[str]:
    """The arguments for this interpreter that become the portal of the workspace in that folder."""
    return own_process.command(__name__, str(workspace), str(port or ""))


def main(arguments: Sequence[str] | None = None) -> None:
    """Be the portal."""
    folder, port = sys.argv[1:] if arguments is None else arguments
    own_process.leave_parent()
    # uvicorn ends on SIGTERM, and raises it once more when it has: then there is still something to be done.
    own_process.pass_over("SIGHUP", "SIGINT", "SIGTERM")
    workspace = Path(folder)
    try:
        be_portal(workspace, int(port) if port else None, in_background=True)
    except Exception as error:
        _tell_failure(workspace, error)
        raise


def be_portal(
    workspace: Path,
    port: int | None,
    ready: Callable[[PortalState], None] | None = None,
    *,
    in_background: bool = False,
    read_only: bool = False,
) -> bool:
    """Serve the workspace in that folder until it is asked to end; False where another process does already.

    ``ready`` is called, in another thread, once it listens.  ``in_background``: it ends when nobody looks any more,
    and where there is not enough CPU time for all others come first; see ``own_process.give_way``.  ``read_only``: it
    shows, and changes nothing.

    Raises OSError where the port cannot be had, and WorkspaceException where the workspace cannot be used.
    """
    lock = FileLock(workspace / portal_file.LOCK)
    if not lock.acquire_within(_LOCK_S):
        return False
    try:
        with suppress(OSError):
            (workspace / portal_file.STOP).unlink()
        with _listening(workspace, port) as listening:
            # A new token each time: while no portal runs, another user's program may listen at its port, and be shown
            # old links.
            token, pid, now = secrets.token_urlsafe(32), os.getpid(), datetime.now(timezone.utc)
            started = now.isoformat(timespec="microseconds").replace("+00:00", "Z")
            port = int(listening.getsockname()[1])
            state = PortalState(port, token, pid, process_tree.started(pid) or "", started, ready=False)
            # Before it loads what it serves with: whoever wants but a link need not wait for that.
            portal_file.write(workspace, state)
            try:
                _serve(workspace, listening, replace(state, ready=True), lock, ready, in_background, read_only)
            finally:
                portal_file.forget(workspace, state)
    finally:
        lock.release()
    return True


def _listening(workspace: Path, port: int | None) -> socket.socket:
    """A socket on this machine's own address: at ``port``, else where the last portal was, at 8765, or anywhere."""
    from milepost.server.settings import DEFAULT_PORT

    if port is not None:
        return _bound(port)
    before = portal_file.last_port(workspace)
    for each in (*([before] if before else []), DEFAULT_PORT):
        with suppress(OSError):
            return _bound(each)
    return _bound(0)


def _bound(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "nt":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # What is accepted inherits it; without it answers on a connection that is used again wait for about 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(256)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"port {port} of 127.0.0.1 cannot be had: {error.strerror}") from error
    return listening


def _serve(
    workspace: Path,
    listening: socket.socket,
    state: PortalState,
    lock: FileLock,
    ready: Callable[[PortalState], None] | None,
    in_background: bool,
    read_only: bool,
) -> None:
    from milepost.sdk.portal.portal_places import EmbeddedPlaces
    from milepost.sdk.workspaces.home import read_workspace
    from milepost.server.app import create_app
    from milepost.server.serving import server_of
    from milepost.server.settings import Settings

    # What starts submitted runs does so in a thread that is there before the others give way: they are no less than any
    # other training.
    starting = ThreadPoolExecutor(1, "milepost-starting")
    starting.submit(bool).result()
    places = EmbeddedPlaces(read_workspace(workspace), lambda start: starting.submit(start).result())
    app = create_app(places, Settings(port=state.port, token=state.token, read_only=read_only))
    server = server_of(app)

    def watch() -> None:
        while not server.started:
            time.sleep(0.01)
        try:
            portal_file.write(workspace, state)
            if ready is not None:
                ready(state)
            _wait_for_end(workspace, lock, app.state.activity, in_background)
        except Exception as error:
            _tell_failure(workspace, error)
        server.should_exit = True

    threading.Thread(target=watch, daemon=True).start()
    try:
        if in_background:
            own_process.give_way()
        server.run(sockets=[listening])
    finally:
        portal_file.forget(workspace, state)  # what is delivered last may take a while
        if (workspace / "workspace.json").is_file():
            places.close()


def _wait_for_end(workspace: Path, lock: FileLock, activity: Activity, in_background: bool) -> None:
    """Come back when there is no more need for the portal."""
    idle_s = float(os.environ.get(IDLE_VARIABLE) or IDLE_S) if in_background else math.inf
    stop = workspace / portal_file.STOP
    while activity.idle_s() <= idle_s and lock.in_place() and (workspace / "workspace.json").is_file():
        if stop.exists():
            with suppress(OSError):
                stop.unlink()
            return
        time.sleep(_LOOK_S)


def _tell_failure(workspace: Path, error: Exception) -> None:
    """Leave word for who started this process."""
    with suppress(OSError):
        write_json(workspace / portal_file.FAILED, {"pid": os.getpid(), "message": str(error)})
