"""An advisory lock on a file: held as long as its process lives, so it tells a live journal from a dead one."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import weakref
from pathlib import Path
from typing import Final

_PATIENCE_S: Final = 5.0
"""Of a process that forks again and again: a fork of a large one takes as long as some tries."""
_FLAGS: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOINHERIT", 0)

_locks: weakref.WeakSet[FileLock] = weakref.WeakSet()
# A child that is forked between the opening of a lock's file and the note of its handle has a copy that nobody closes,
# and would keep the lock beyond its parent's death.  So forks are counted, and such a handle is not kept.
_forks_begun = 0
_forks_ended = 0


class FileLock:
    """Takes the lock at once or not at all.  Not for use by two threads at once, nor in a forked child.

    A signal handler may come in anywhere: what it has done is then found, not done a second time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._held = False
        self._is_the_parents = False
        _locks.add(self)

    @property
    def held(self) -> bool:
        """True while this object holds the lock."""
        return self._held

    def acquire(self) -> bool:
        """True if the lock is ours now; False if another process has it.  Raises OSError where it cannot be tried.

        Where we hold it already but somebody has removed the file, the lock is taken anew.
        """
        until = time.monotonic() + _PATIENCE_S
        while True:
            forks = _forks_begun
            calm = forks == _forks_ended
            fd = self._open()
            if self._is_the_parents:  # we came back here in a child that a signal handler has forked
                self._drop()
                raise OSError(f"{self.path} is the lock of another process")
            try:
                locked = self._held or _try_lock(fd)
            except OSError:
                self._drop()
                raise
            if not locked:
                self._drop()
                return False
            # Who held it before may have removed the file.
            if self.in_place() and (self._held or (calm and forks == _forks_begun)):
                self._held = True
                return True
            self.release()
            if time.monotonic() > until:
                raise OSError(f"{self.path} cannot be locked: it is removed, or this process forks, all the time")
            time.sleep(0.001)

    def acquire_within(self, seconds: float) -> bool:
        """Try that long: who only looks whether the lock is held has it for a moment.  Raises as ``acquire``."""
        until = time.monotonic() + seconds
        while not self.acquire():
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)
        return True

    def in_place(self) -> bool:
        """True if the file that we have opened is still the one at ``path``: a lock on another keeps nobody away."""
        fd = self._fd
        if fd is None:
            return False
        if os.name == "nt":  # an open file cannot be removed there
            return True
        try:
            return os.path.samestat(os.fstat(fd), os.stat(self.path))  # noqa: PTH116
        except FileNotFoundError:
            return False
        except OSError:
            return True  # it cannot be seen just now

    def release(self) -> None:
        """Give the lock back.  The file stays."""
        if self._is_the_parents:
            self._drop()
            return
        fd = self._drop(close=False)
        if fd is not None:
            try:
                _unlock(fd)  # closing is not enough while a forked child has a copy of the handle
            finally:
                os.close(fd)

    def remove(self) -> None:
        """Give the lock back and remove its file."""
        if self._is_the_parents:
            return
        if os.name == "nt":  # an open file cannot be removed there
            self.release()
            with contextlib.suppress(OSError):
                self.path.unlink()
            return
        # Removed while held: nobody can lock a file that is about to go and believe that it means something.
        with contextlib.suppress(OSError):
            self.path.unlink()
        self.release()

    def forget_in_child(self) -> None:
        """After a fork: drop the child's copy of the handle; the parent keeps the lock."""
        self._is_the_parents = True
        self._drop()

    def _open(self) -> int:
        if self._fd is not None:
            return self._fd
        if self._is_the_parents:
            raise OSError(f"{self.path} is the lock of another process")
        return self._keep(os.open(self.path, _FLAGS, 0o600))

    def _keep(self, fd: int) -> int:
        if self._fd is None:
            self._fd = fd
        else:  # a signal handler came first
            os.close(fd)
        return self._fd

    def _drop(self, *, close: bool = True) -> int | None:
        fd, self._fd, self._held = self._fd, None, False
        if close and fd is not None:
            os.close(fd)
        return fd


if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    # flock and not lockf: a POSIX record lock would vanish when any other handle on the file is closed.
    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


def _before_fork() -> None:
    global _forks_begun
    _forks_begun += 1


def _after_fork_in_parent() -> None:
    global _forks_ended
    _forks_ended += 1


def _after_fork_in_child() -> None:
    global _forks_ended
    _forks_ended = _forks_begun
    for each in list(_locks):
        each.forget_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
