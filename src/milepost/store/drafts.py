"""Files on their way into a folder of contents: the lock that tells a live one, and what makes one durable."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed
    fcntl = None

_READ: Final = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
_SURELY_DEAD_S: Final = 86_400.0
"""A draft this old is nobody's, where its lock cannot be asked (network file systems)."""


def take(handle: int) -> bool:
    """Take the lock of a draft that was just made.  False where a sweep was faster and has removed it."""
    try:
        return _lock(handle) and (os.name == "nt" or os.fstat(handle).st_nlink > 0)
    except OSError:
        return True  # no locks here (some network file systems)


def _lock(handle: int) -> bool:
    """Take a lock that ends with its process.  False where another has it.  Raises OSError where there are none."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_abandoned(draft: Path, age_s: float, grace_s: float) -> bool:
    """Whether a draft's process is gone."""
    if age_s < grace_s:
        return False
    handle = os.open(draft, _READ)
    try:
        return _lock(handle)
    except OSError:
        return age_s > _SURELY_DEAD_S
    finally:
        os.close(handle)


def sync(draft: str) -> bool:
    """Make a draft durable.  False where it is gone."""
    try:
        handle = os.open(draft, os.O_RDWR | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return False
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return True


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    if os.name == "nt":
        return  # folders cannot be opened there; NTFS writes its journal itself
    try:
        handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except PermissionError:
        return  # the folder above the store's own, which others made long ago
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
