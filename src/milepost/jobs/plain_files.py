"""Files of a job's folder, which its script may have put something else in the place of.

Nothing here waits for a pipe, reads a device, or follows a link.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

LARGEST: Final = 256 << 20
"""Bytes of a file that is read whole."""

_FLAGS: Final = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
_FOLDER: Final = _FLAGS | getattr(os, "O_DIRECTORY", 0)
_BY_FOLDER: Final = os.open in os.supports_dir_fd and os.scandir in os.supports_fd


@contextmanager
def opened(path: Path, folder: int | None = None) -> Iterator[BinaryIO]:
    """A regular file, opened to read; ``folder``: the handle of what it is in.  Raises OSError for anything else."""
    handle = os.open(path, _FLAGS, dir_fd=folder)
    with os.fdopen(handle, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        yield file


def whole(path: Path) -> bytes:
    """All of a regular file.  Raises OSError, for one that is larger than LARGEST too."""
    with opened(path) as file:
        if os.fstat(file.fileno()).st_size > LARGEST:
            raise OSError(errno.EFBIG, "it is too large", str(path))
        return file.read()


def sizes(folder: Path) -> dict[str, int]:
    """The regular files that are in a folder itself: name -> bytes.  Raises OSError."""
    found = {}
    with _scannable(folder) as scanned, os.scandir(scanned) as entries:
        for entry in entries:
            info = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(info.st_mode):
                found[entry.name] = info.st_size
    return found


@contextmanager
def opened_in(folder: Path, name: str) -> Iterator[BinaryIO]:
    """A regular file of a folder, which is no link either.  Raises OSError."""
    if os.path.basename(name) != name or name in ("", ".", ".."):  # noqa: PTH119 - of this system
        raise OSError(errno.EINVAL, "it is no name of a file", name)
    with _scannable(folder) as place:
        inside = isinstance(place, int)
        with opened(Path(name) if inside else folder / name, place if isinstance(place, int) else None) as file:
            yield file


@contextmanager
def _scannable(folder: Path) -> Iterator[int | Path]:
    """The folder itself, held open so that nothing can take its place; on Windows its path."""
    if not _BY_FOLDER:
        if folder.is_symlink():
            raise OSError(errno.ELOOP, "it is a link", str(folder))
        yield folder
        return
    handle = os.open(folder, _FOLDER)
    try:
        yield handle
    finally:
        os.close(handle)
