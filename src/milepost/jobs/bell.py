"""A word that something has changed among a workspace's jobs, for those who would else look again and again.

Who waits has a named pipe in ``jobs/.bells``; who changes something writes a byte to all that are there.  It is a
courtesy: where there are no pipes, or a word is lost (its sayer was killed), they look now and then as well.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
import uuid
from pathlib import Path
from typing import Final

FOLDER: Final = ".bells"
_STALE_S: Final = 60.0
"""A pipe that nobody reads is removed when it is older."""


class Bell:
    """What one process waits by.

    ``jobs``: the folder of the workspace's jobs.
    """

    def __init__(self, jobs: Path) -> None:
        self._path = jobs / FOLDER / uuid.uuid4().hex
        self._fd: int | None = None
        if hasattr(os, "mkfifo"):
            with contextlib.suppress(OSError):
                self._path.parent.mkdir(mode=0o700, exist_ok=True)
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


def ring(jobs: Path) -> None:
    """Say to all who wait that something has changed.  Never raises."""
    with contextlib.suppress(OSError), os.scandir(jobs / FOLDER) as found:
        for entry in found:
            try:
                fd = os.open(entry.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # nobody reads
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat().st_mtime > _STALE_S:
                        os.unlink(entry.path)  # noqa: PTH108
                continue
            with contextlib.suppress(OSError):  # a full pipe says it already
                os.write(fd, b"!")
            os.close(fd)
