"""Journals whose process is gone: brought into the store by whoever comes next."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from milepost.warning import warn

if TYPE_CHECKING:
    from milepost.store.batch import Batch

log: Final = logging.getLogger("milepost")

DIED: Final = "The process that recorded this run ended without completing it (killed, crashed, or out of memory)."

_left_alone: set[str] = set()
"""Journals that could not be delivered; told once each."""


class Sink(Protocol):
    """Where batches go: a store in this process, or on a server."""

    def apply(self, batch: Batch) -> int:
        """Apply a batch exactly once and give the offset reached."""
        ...

    def applied(self, journal_id: str) -> int:
        """The offset reached so far; 0 for a journal not known."""
        ...

    def check(self, batch: Batch) -> None:
        """See whether a batch could be applied, and change nothing.  Raises BadInput where it could not."""
        ...

    def close_journal(self, journal_id: str, reason: str) -> list[str]:
        """A journal has ended: end the runs that it owned and that are not ended."""
        ...


def drain_dead(folder: Path, open_sink: Callable[[], Sink], *, skip: str | None = None) -> int:
    """Deliver journals whose process is gone, end the runs they owned, remove them.  Gives how many there were.

    A journal that cannot be read or that the store refuses stays, with a warning.  Raises the store's errors and
    OSError; journals not delivered stay.
    """
    return deliver_dead(folder, open_sink, skip)[0]


def deliver_dead(folder: Path, open_sink: Callable[[], Sink], skip: str | None) -> tuple[int, set[str]]:
    """What ``drain_dead`` does; gives the number, and the ids of those that other processes are delivering."""
    from milepost.journal.recovery import journal_ids, take_dead
    from milepost.store.errors import NotAllowed, NotFound, StoreDamaged, StoreUnavailable

    done = 0
    in_other_hands = set()
    # Oldest first: a process may have left two, and they are to come in the order in which it wrote them.
    for journal_id in sorted(journal_ids(folder), key=lambda each: _age(folder / f"{each}.lock")):
        if journal_id == skip:
            continue
        with take_dead(folder, journal_id) as dead:
            if dead is None:
                if _is_marked(folder / f"{journal_id}.lock"):
                    in_other_hands.add(journal_id)
                continue
            sink = open_sink()
            _mark(dead.lock.path)
            try:
                damaged = deliver_files(dead.path, journal_id, sink, folder.parent)
                sink.close_journal(journal_id, DIED)
                if damaged:
                    tell_damage(dead.set_aside(), damaged)
                else:
                    dead.remove()
            except (StoreUnavailable, StoreDamaged, NotAllowed, NotFound):
                raise  # so it would be with all of them: a server lets nobody in, or has no such workspace
            except Exception as error:  # one such journal must not keep the others, and all readers, from the store
                if journal_id not in _left_alone:
                    _left_alone.add(journal_id)
                    log.debug("a journal was left alone", exc_info=error)
                    warn(f"Milepost leaves the journal {dead.path} of an ended process where it is: {error}")
            else:
                done += 1
    return done, in_other_hands


def begun_elsewhere(folder: Path, sink: Sink, run_id: str) -> bool:
    """Whether a process has begun this run, but not brought it into the store yet."""
    from milepost.journal import format as fmt
    from milepost.journal.reader import parse_event, read_files
    from milepost.journal.recovery import journal_ids

    for journal_id in journal_ids(folder):
        # Its process may be writing, and removing what is delivered: then the store has the run now.
        with contextlib.suppress(OSError, fmt.JournalDamaged, ValueError):
            for piece in read_files(folder / journal_id, sink.applied(journal_id)):
                for payload in piece.payloads:
                    if payload.mark == fmt.EVENT:
                        event = parse_event(payload)
                        if event["kind"] == "run" and event["run_id"] == run_id:
                            return True
    return False


def _mark(lock: Path) -> None:
    """Say in a dead journal's lock file, which its own process leaves empty, that it is being delivered.

    A reader that finds it locked knows then that it is worth waiting for.
    """
    with contextlib.suppress(OSError):
        lock.write_bytes(b"delivering\n")


def _age(lock: Path) -> int:
    try:
        return lock.stat().st_mtime_ns
    except OSError:
        return 0


def _is_marked(lock: Path) -> bool:
    try:
        return lock.stat().st_size > 0
    except OSError:
        return False


def deliver_files(path: Path, journal_id: str, sink: Sink, workspace: Path) -> int:
    """Bring all of a journal that nobody writes any more into the store, from where the store's knowledge ends.

    ``workspace``: its folder on this machine.  Gives the number of records that could not be read.
    """
    from milepost.journal.reader import read_files
    from milepost.sdk.recording.batches import to_batch
    from milepost.sdk.recording.refused import apply_what_is_taken
    from milepost.store.errors import OffsetMismatch

    while True:
        applied = sink.applied(journal_id)
        damaged = 0
        try:
            for piece in read_files(path, applied):
                damaged += piece.damaged
                if piece.end <= applied:
                    continue
                piece.start = applied
                applied = apply_what_is_taken(sink, to_batch(journal_id, piece), workspace)
                if applied != piece.end:
                    break  # another drainer is at it too; what it has must be left out of the next piece
            else:
                return damaged
        except OffsetMismatch as error:
            if error.applied <= applied:
                raise


def tell_damage(path: Path, count: int) -> None:
    """Say that part of a journal could not be read."""
    warn(
        f"Milepost: {count} records of the journal {path} could not be read (the disk or another program has changed "
        "them); the rest was delivered."
    )
