"""See to it that a workspace's embedded portal runs, or ends.  Light: every script may ask for a run's address."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from milepost.sdk.portal.portal_file import FAILED, LOG, STOP, PortalState, running
from milepost.warning import warn

VARIABLE: Final = "MILEPOST_PORTAL"
"""``0``: no portal is started by asking for an address."""
START_S: Final = 30.0
_POLL_S: Final = 0.02
_LOG_MAX: Final = 1 << 20

_begun: set[Path] = set()
"""Workspaces whose portal this process has started, to give out links."""
_failed: set[Path] = set()
"""Workspaces whose portal could not be started by this process: not tried, nor told, again."""


class PortalFailed(Exception):
    """The portal did not start; the message says why."""


def asked_portal(workspace: Path) -> PortalState | None:
    """The portal of the workspace in that folder, started if none runs; None where it is not wanted or cannot start.

    It listens, but may not be ready: its links open, some time later.  Warns once where it cannot start.
    """
    found = running(workspace)
    if found is not None or os.environ.get(VARIABLE) == "0" or workspace in _failed:
        return found
    try:
        if workspace in _begun and (reason := _failure(workspace / FAILED)) is not None:
            raise PortalFailed(f"{reason} (more in {workspace / LOG})")
        _begun.add(workspace)
        return start_portal(workspace, wait_until_ready=False)
    except PortalFailed as error:
        _failed.add(workspace)
        warn(
            f"Milepost could not start the portal, so the addresses it gives do not open: {error}. Set {VARIABLE}=0 to "
            "go without it.",
            stacklevel=4,
        )
        return None


def start_portal(workspace: Path, port: int | None = None, *, wait_until_ready: bool = True) -> PortalState:
    """The portal of the workspace in that folder, started if none runs.  ``port``: the only one it may have.

    ``wait_until_ready``: not only until it listens, which takes much less time.  Raises PortalFailed.
    """
    found = running(workspace)
    if found is None:
        _start_process(workspace, port)
    failure = workspace / FAILED
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        found = running(workspace)
        if found is not None and (found.ready or not wait_until_ready):
            return found
        reason = _failure(failure)
        if reason is not None:
            raise PortalFailed(f"{reason} (more in {workspace / LOG})")
        time.sleep(_POLL_S)
    raise PortalFailed(f"it did not answer within {START_S:g} s (more in {workspace / LOG})")


def _start_process(workspace: Path, port: int | None) -> None:
    """Start a process that is about to be the portal.  Raises PortalFailed."""
    from milepost.jobs.local_launcher import start_detached
    from milepost.sdk.portal.portal_process import entry

    log = workspace / LOG
    try:
        (workspace / FAILED).unlink(missing_ok=True)
        if log.is_file() and log.stat().st_size > _LOG_MAX:
            log.unlink()
        process = start_detached(entry(workspace, port), workspace, log)
    except OSError as error:
        raise PortalFailed(f"its process could not be started: {error.strerror or error}") from error
    with suppress(subprocess.TimeoutExpired):
        process.wait(START_S)  # it forks itself away, so that it is nobody's child
    if process.returncode and _failure(workspace / FAILED) is None and running(workspace) is None:
        raise PortalFailed(f"its process ended with exit code {process.returncode} (more in {log})")


def stop_portal(workspace: Path, timeout_s: float = 15.0) -> bool:
    """End the workspace's portal; False where none runs.  Raises PortalFailed where it does not end in time."""
    found = running(workspace)
    if found is None:
        return False
    until = time.monotonic() + timeout_s
    try:
        (workspace / STOP).touch()
    except OSError as error:
        raise PortalFailed(f"it cannot be asked to end: {error}") from error
    while (now := running(workspace)) is not None and now.pid == found.pid:
        if time.monotonic() > until:
            raise PortalFailed(f"process {found.pid} does not end")
        time.sleep(_POLL_S)
    return True


def _failure(path: Path) -> str | None:
    from milepost.jobs.job import read_json

    found = read_json(path)
    return str(found.get("message")) if isinstance(found, dict) else None
