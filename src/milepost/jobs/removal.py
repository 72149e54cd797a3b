"""Removes folders that scripts have worked in: however deep they are, and without rights to write in them."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as that can be done.  Links are removed, not followed.

    Raises nothing: what stays is still there.
    """
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if os.path.lexists(folder):
        _remove_flat(folder)


def _remove_flat(folder: Path) -> None:
    """Without going deep: each folder is moved to the top before it is emptied, so that no path grows too long."""
    waiting = [str(folder)]
    while waiting:
        here = waiting.pop()
        with suppress(OSError):
            os.chmod(here, 0o700)  # noqa: PTH101 - without it nothing in it can be moved or removed
        entries: list[os.DirEntry[str]] = []
        with suppress(OSError), os.scandir(here) as found:
            entries = list(found)
        for entry in entries:
            with suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)  # noqa: PTH108
                    continue
                os.chmod(entry.path, 0o700)  # noqa: PTH101
                raised = os.path.join(folder, uuid.uuid4().hex)  # noqa: PTH118
                os.rename(entry.path, raised)  # noqa: PTH104
                waiting.append(raised)
        with suppress(OSError):
            os.rmdir(here)  # noqa: PTH106
    with suppress(OSError):
        folder.rmdir()
