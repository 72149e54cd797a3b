"""Journals that a process left behind: found, held while they are read, removed when the store has them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from milepost.journal.lock import FileLock
from milepost.journal.segment import remove_folder

DAMAGED: Final = "damaged-"
"""Prefix of the folder of a journal that could not be read; it is kept for a person to look at."""


@dataclass(frozen=True, slots=True)
class DeadJournal:
    """A journal whose process is gone.  We hold its lock, so nobody else drains it."""

    journal_id: str
    path: Path
    lock: FileLock

    def remove(self) -> None:
        """Remove its files; the store has all of it.  Files that are none of ours are set aside.  Raises OSError."""
        if remove_folder(self.path):
            self.lock.remove()
        else:
            self.set_aside()

    def set_aside(self) -> Path:
        """Keep its files where no drain looks any more, and give that folder.  Raises OSError."""
        aside = self.path.with_name(DAMAGED + self.journal_id)
        number = count(2)
        while aside.exists():
            aside = self.path.with_name(f"{DAMAGED}{self.journal_id}-{next(number)}")
        self.path.replace(aside)
        self.lock.remove()
        return aside


def journal_ids(folder: Path) -> list[str]:
    """Ids of all journals in the folder, live and dead."""
    if not folder.is_dir():
        return []
    return sorted(each.name for each in folder.iterdir() if len(each.name) == 32 and each.is_dir())


def live_journals(folder: Path) -> list[str]:
    """Ids of the journals that some process holds just now, or that belong to another user."""
    live = []
    for journal_id in journal_ids(folder):
        with take_dead(folder, journal_id) as dead:
            if dead is None and (folder / journal_id).is_dir():
                live.append(journal_id)
    return live


@contextmanager
def take_dead(folder: Path, journal_id: str) -> Iterator[DeadJournal | None]:
    """Hold a journal if its process is gone; None if it is alive, held by another process, or not there any more.

    None too for a journal of another user that we may not touch.  Raises OSError where the lock cannot be tried.
    """
    lock = FileLock(folder / f"{journal_id}.lock")
    path = folder / journal_id
    try:
        taken = path.is_dir() and lock.acquire()
    except PermissionError:
        taken = False
    if not taken:
        yield None
        return
    try:
        # It may have been drained and removed between the look and the lock.
        if path.is_dir():
            yield DeadJournal(journal_id, path, lock)
        else:
            lock.remove()
            yield None
    finally:
        lock.release()
