"""The drain: moves what the journal holds into the store, in the background, in batches, exactly once."""

from __future__ import annotations

import logging
import queue
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from milepost.journal.writer import JournalWriter

if TYPE_CHECKING:
    from milepost.journal.reader import Piece, SegmentReader
    from milepost.journal.segment import Segment
    from milepost.store.batch import Batch

log: Final = logging.getLogger("milepost")

INTERVAL_S: Final = 0.2
PIECE_BYTES: Final = 4 << 20
"""How much of a journal goes into one batch, at most (one large record may be more)."""
LOOK_FOR_DEAD_S: Final = 10.0
"""How often a long-lived process looks for journals that others left behind."""
WARN_AFTER_S: Final = 10.0
DIED: Final = "The process that recorded this run ended without completing it (killed, crashed, or out of memory)."


class Sink(Protocol):
    """Where batches go: a store in this process, or later a server."""

    def apply(self, batch: Batch) -> int:
        """Apply a batch exactly once and give the offset reached."""
        ...

    def applied(self, journal_id: str) -> int:
        """The offset reached so far; 0 for a journal not known."""
        ...

    def close_journal(self, journal_id: str, reason: str) -> list[str]:
        """A journal has ended: end the runs that it owned and that are not ended."""
        ...


class DrainTimeout(Exception):
    """What was logged is in the journal, but not in the store within the time given."""


class _Waiter:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.error: Exception | None = None


class Drain:
    """Drains one writer into a sink, from a thread of its own that starts when there is something to do.

    ``open_sink`` is called in that thread: it may take long and may fail; it is called again then.
    """

    def __init__(self, writer: JournalWriter, open_sink: Callable[[], Sink]) -> None:
        self.writer = writer
        self.open_sink = open_sink
        self.reset()

    def reset(self) -> None:
        """Begin anew: at the start, and in a child after a fork, where the thread is gone."""
        # SimpleQueue, since its put() may be called by a signal handler that interrupted another put().
        self.wakeups: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stopping = False
        self._readers: dict[int, SegmentReader] = {}
        self._pending: Batch | None = None
        self._reached = 0
        self._looked_ns = 0
        self._failing_since: float | None = None
        self._told = False
        self._damage_told = False

    # -- called by any thread ----------------------------------------------------------------------------------

    def wake(self) -> None:
        """There is something to drain."""
        self.wakeups.put(None)
        if self._thread is None:
            self._start()

    def wait(self, timeout: float) -> None:
        """Return once the store has all that was logged before this call.

        Raises DrainTimeout, or the store's own error where there is one.
        """
        waiter = _Waiter()
        self.wakeups.put(waiter)
        if self._thread is None:
            self._start()
        if self._thread is None:  # no thread can be started any more: the interpreter is ending
            self._serve([waiter])
        if not waiter.done.wait(timeout):
            raise DrainTimeout(
                f"what was logged did not reach the store within {timeout:g} s; it is safe in {self.writer.path} "
                "and will be delivered later"
            )
        if waiter.error is not None:
            raise waiter.error

    def stop(self) -> None:
        """End the thread after its present work."""
        thread = self._thread
        self._stopping = True
        if thread is not None and thread is not threading.current_thread():
            self.wakeups.put(None)
            thread.join(timeout=5)
        self._thread = None

    # -- the thread --------------------------------------------------------------------------------------------

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None or self._stopping:
                return
            thread = threading.Thread(target=self._run, name="milepost-drain", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                return
            self._thread = thread

    def _run(self) -> None:
        while not self._stopping:
            waiters: list[_Waiter] = []
            try:
                first = self.wakeups.get(timeout=self._pause())
                if first is not None:
                    waiters.append(first)
                while True:
                    more = self.wakeups.get_nowait()
                    if more is not None:
                        waiters.append(more)
            except queue.Empty:
                pass
            self._serve(waiters)

    def _pause(self) -> float:
        if self._failing_since is None:
            return INTERVAL_S
        # Ask a store that does not answer less and less often, up to every 5 s.
        return min(5.0, max(INTERVAL_S, (time.monotonic() - self._failing_since) / 4))

    def _serve(self, waiters: list[_Waiter]) -> None:
        error: Exception | None = None
        try:
            self._drain_own()
            now = time.monotonic_ns()
            if self.writer.started and (waiters or now - self._looked_ns > LOOK_FOR_DEAD_S * 1e9):
                self._looked_ns = now
                drain_dead(self.writer.folder, self.open_sink, skip=self.writer.journal_id)
            elif waiters and not self.writer.started:
                drain_dead(self.writer.folder, self.open_sink)
            self._failing_since, self._told = None, False
        except Exception as failure:
            error = failure
            self._note_failure(failure)
        for waiter in waiters:
            waiter.error = error
            waiter.done.set()

    def _note_failure(self, failure: Exception) -> None:
        now = time.monotonic()
        if self._failing_since is None:
            self._failing_since = now
            log.debug("the drain failed", exc_info=failure)
        try:
            self.writer.sync()
        except OSError as error:
            log.debug("the journal could not be synced: %s", error)
        if not self._told and now - self._failing_since > WARN_AFTER_S:
            self._told = True
            warnings.warn(
                f"Milepost cannot deliver what is logged: {failure}. It is kept in {self.writer.path} and delivered "
                "when that works again, or by `milepost sync`; training goes on.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _drain_own(self) -> None:
        writer = self.writer
        segments, final = writer.snapshot()
        for segment, position in segments:
            self._drain_segment(segment, position, final)
        if segments:
            writer.release(self._reached)
            for base in [base for base in self._readers if base < segments[0][0].base]:
                del self._readers[base]
            writer.prepare_spare()
            if any(segment.in_memory for segment, _ in segments):
                writer.move_to_disk()

    def _drain_segment(self, segment: Segment, position: int, final: bool) -> None:
        from milepost.journal.reader import SegmentReader

        if self._pending is not None:
            self._deliver(self._pending)
        if segment.offset_of(position) <= self._reached:
            return
        reader = self._readers.get(segment.base)
        if reader is None:
            reader = self._readers[segment.base] = SegmentReader(segment.base)
        size = PIECE_BYTES
        while reader.position < position:
            before = reader.position
            upto = min(position, before + size)
            with memoryview(segment.buf) as whole, whole[:upto] as content:
                piece = reader.read(content, final=final, more=upto < position or not final, start=self._reached)
            if reader.position == before:
                if upto == position:
                    return  # a record that is being written just now
                size *= 4
                continue
            size = PIECE_BYTES
            self._deliver(self._batch(piece))

    def _batch(self, piece: Piece) -> Batch:
        from milepost.sdk.batches import to_batch

        if piece.damaged and not self._damage_told:
            self._damage_told = True
            tell_damage(self.writer.path, piece.damaged)
        return to_batch(self.writer.journal_id, piece)

    def _deliver(self, batch: Batch) -> None:
        # Kept until it is in: sent again it is the same batch, so that a repeat is known as one.
        self._pending = batch
        self._reached = max(self._reached, self.open_sink().apply(batch))
        self._pending = None


def drain_dead(folder: Path, open_sink: Callable[[], Sink], *, skip: str | None = None) -> int:
    """Deliver journals whose process is gone, end the runs they owned, remove them.  Gives how many there were.

    Raises the store's errors; journals not delivered stay.
    """
    from milepost.journal.format import JournalForeign
    from milepost.journal.recovery import journal_ids, take_dead

    done = 0
    for journal_id in journal_ids(folder):
        if journal_id == skip:
            continue
        with take_dead(folder, journal_id) as dead:
            if dead is None:
                continue
            sink = open_sink()
            try:
                damaged = deliver_files(dead.path, journal_id, sink)
            except JournalForeign as error:
                log.warning("Milepost leaves the journal %s alone: %s", dead.path, error)
                continue
            sink.close_journal(journal_id, DIED)
            if damaged:
                tell_damage(dead.set_aside(), damaged)
            else:
                dead.remove()
            done += 1
    return done


def deliver_files(path: Path, journal_id: str, sink: Sink) -> int:
    """Bring all of a journal that nobody writes any more into the store, from where the store's knowledge ends.

    Gives the number of records that could not be read.
    """
    from milepost.journal.reader import read_files
    from milepost.sdk.batches import to_batch
    from milepost.store.errors import OffsetMismatch

    while True:
        applied = sink.applied(journal_id)
        damaged = 0
        try:
            for piece in read_files(path, applied):
                damaged += piece.damaged
                if piece.end > applied:
                    piece.start = applied
                    applied = sink.apply(to_batch(journal_id, piece))
        except OffsetMismatch as error:
            if error.applied <= applied:
                raise
            continue  # another drainer is at it too; go on where it is
        return damaged


def tell_damage(path: Path, count: int) -> None:
    """Say that part of a journal could not be read."""
    warnings.warn(
        f"Milepost: {count} records of the journal {path} could not be read (the disk or another program has changed "
        "them); the rest was delivered.",
        RuntimeWarning,
        stacklevel=2,
    )
