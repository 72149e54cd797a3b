"""What a workspace's folder says of its embedded portal: where it listens, with which token, in which process."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from milepost.jobs import process_tree
from milepost.jobs.job import read_json, write_json

LOCK: Final = "portal.lock"
"""Held by the portal as long as it lives."""
LOG: Final = "portal.log"
STOP: Final = "portal.stop"
"""A file of this name has the portal go."""
FAILED: Final = "portal.failed"
"""Why the last portal could not start; removed before the next one is started."""
FILE: Final = "portal.json"
PORT: Final = "portal.port"
"""Where the last portal listened: the next one listens there again, so that tabs that are open go on."""


@dataclass(frozen=True)
class PortalState:
    """A portal that listens.  Browsers that come before it is ready wait for its first answers."""

    port: int
    token: str
    pid: int
    process: str
    """What tells the process from a later one of the same id."""
    started: str
    """ISO 8601, UTC."""
    ready: bool = True
    """Whether it has loaded what it needs to answer."""

    @property
    def base(self) -> str:
        """Its address, without a path."""
        return f"http://127.0.0.1:{self.port}"

    def link(self, path: str = "/") -> str:
        """The address that opens a page of it in a browser that has no cookie yet."""
        return f"{self.base}{path}?token={self.token}"


def running(workspace: Path) -> PortalState | None:
    """The portal of the workspace in that folder; None where none listens (yet)."""
    state = last(workspace)
    return state if state is not None and process_tree.runs((state.pid, state.process)) else None


def last(workspace: Path) -> PortalState | None:
    """What the last portal said of itself, whether or not it still runs."""
    path = workspace / FILE
    found: Any = read_json(path)
    try:
        if os.name != "nt" and path.stat().st_mode & 0o077:
            return None  # others could have read the token, or written the address
        state = PortalState(**found)
    except (OSError, TypeError):
        return None
    numbers = (state.port, state.pid)
    texts = (state.token, state.process, state.started)
    if all(type(each) is int for each in numbers) and all(isinstance(each, str) for each in texts):
        fits = type(state.ready) is bool and 0 < state.port < 65536 and state.pid > 0 and state.token.isascii()
        return state if fits else None
    return None


def last_port(workspace: Path) -> int | None:
    """The port of the last portal, whether or not it still runs."""
    found: Any = read_json(workspace / PORT)
    return found if type(found) is int and 0 < found < 65536 else None


def write(workspace: Path, state: PortalState) -> None:
    """Say that a portal listens.  For this user's eyes alone.  Raises OSError."""
    write_json(workspace / FILE, asdict(state))
    write_json(workspace / PORT, state.port)


def forget(workspace: Path, state: PortalState) -> None:
    """Take back what ``write`` said."""
    found = last(workspace)
    if found is not None and found.token == state.token:
        with suppress(OSError):
            (workspace / FILE).unlink()
