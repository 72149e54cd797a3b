"""A word that something has changed among a workspace's jobs, for those who would else look again and again.

Who waits has a named pipe; who changes something writes a byte to all that are there.  It is a courtesy: where there
are no pipes, or a word is lost (its sayer was killed), they look now and then as well.

The pipes are in this user's folder for what does not outlive the machine's being on, and not in the workspace: what
copies that would stumble over them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import stat
import time
import uuid
from pathlib import Path
from typing import Final

_STALE_S: Final = 60.0
"""A pipe that nobody reads is removed when it is older."""


class Bell:
    """What one process waits by.

    ``jobs``: the folder of the workspace's jobs.
    """

    def __init__(self, jobs: Path) -> None:
        self._fd: int | None = None
        if hasattr(os, "mkfifo"):
            self._path = folder_of(jobs) / uuid.uuid4().hex
            with contextlib.suppress(OSError):
                self._path.parent.parent.mkdir(mode=0o700, exist_ok=True)
                self._path.parent.mkdir(mode=0o700, exist_ok=True)
                _check_is_ours(self._path.parent.parent)
                os.mkfifo(self._path, 0o600)
                # For writing, too: else it would be at its end whenever nobody writes.
                self._fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)

    @property
    def is_heard(self) -> bool:
        """Whether there is a pipe: where not, ``wait`` only waits."""
        return self._fd is not None

    def wait(self, timeout_s: float) -> None:
        """Wait until it is rung, but not longer; what was rung since the last time counts."""
        if self._fd is None:
            time.sleep(timeout_s)
        elif select.select([self._fd], [], [], timeout_s)[0]:
            with contextlib.suppress(OSError):
                os.read(self._fd, 65_536)

    def close(self) -> None:
        """Wait no more."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
            with contextlib.suppress(OSError):
                self._path.unlink()
                self._path.parent.rmdir()  # by the last one


def ring(jobs: Path) -> None:
    """Say to all who wait that something has changed.  Never raises."""
    if not hasattr(os, "mkfifo"):
        return
    folder = folder_of(jobs)
    with contextlib.suppress(OSError):
        _check_is_ours(folder.parent)
        _ring_in(folder)


def _ring_in(folder: Path) -> None:
    with os.scandir(folder) as found:
        for entry in found:
            try:
                fd = os.open(entry.path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
            except OSError:  # nobody reads
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat().st_mtime > _STALE_S:
                        os.unlink(entry.path)  # noqa: PTH108
                continue
            with contextlib.suppress(OSError):  # a full pipe says it already
                os.write(fd, b"!")
            os.close(fd)


def folder_of(jobs: Path) -> Path:
    """Where the pipes are of those who wait for that workspace's jobs."""
    place = os.environ.get("XDG_RUNTIME_DIR") or os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - see _check_is_ours
    name = hashlib.sha256(os.fsencode(jobs.resolve())).hexdigest()[:24]
    return Path(place) / f"milepost-{os.getuid()}" / name


def _check_is_ours(folder: Path) -> None:
    """Raises OSError where others may have put something there."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(f"{folder} is not this user's alone")
