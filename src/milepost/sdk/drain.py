"""The drain: moves what the journal holds into the store, in the background, in batches, exactly once."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from milepost.journal.writer import JournalWriter
from milepost.warning import warn

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
FORK_PATIENCE_S: Final = 5.0
LOAD_PATIENCE_S: Final = 30.0
"""How long a fork waits for what the drain is doing, and for its imports."""
_ASK_AGAIN_S: Final = 0.02

_drains: weakref.WeakSet[Drain] = weakref.WeakSet()
_held_for_fork: dict[int, list[Drain]] = {}
_left_alone: set[str] = set()
"""Dead journals that could not be delivered; told once each."""


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
    """Somebody who waits for the drain.  ``others``: also until no other process is delivering a dead journal."""

    def __init__(self, others: bool) -> None:
        self.done = threading.Event()
        self.error: Exception | None = None
        self.others = others
        self.in_other_hands: set[str] | None = None


@dataclass
class _Course:
    """One journal on its way into the store.  A thread that the store holds up keeps the course that it began."""

    journal_id: str
    reached: int = 0
    pending: Batch | None = None
    """Given to the store without an answer so far.  Sent again as it was, so that a repeat is known as one."""
    readers: dict[int, SegmentReader] = field(default_factory=dict)
    abandoned: bool = False
    damage_told: bool = False

    def go_on_at(self, applied: int) -> None:
        """The store has the journal up to here, which is not where we thought it was."""
        if applied < self.reached:
            warn(
                f"Milepost: the store has only {applied:,} bytes of this process's journal, though it had "
                f"{self.reached:,} before: an older copy was put in its place. What the journal still holds is "
                "delivered to it; what lay between is lost."
            )
        self.pending = None
        self.readers.clear()
        self.reached = applied


class Drain:
    """Drains one writer into a sink, from a thread of its own that starts when there is something to do.

    ``open_sink`` is called in that thread: it may take long and may fail; it is called again then.
    """

    def __init__(self, writer: JournalWriter, open_sink: Callable[[], Sink]) -> None:
        self.writer = writer
        self.open_sink = open_sink
        self.reset()
        _drains.add(self)

    def reset(self) -> None:
        """Begin anew: at the start, after a journal's end, and in a child after a fork, where the thread is gone."""
        # SimpleQueue, since its put() may be called by a signal handler that interrupted another put().
        self.wakeups: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stopping = False
        # Held while there is work: whoever forks waits for it, or else the child could inherit an import, or a lock
        # of SQLite's, that is half-done for ever.
        self._busy = threading.Lock()
        self._forking: set[int] = set()  # threads that are about to fork
        self._loading = False
        self._serves = 0
        self._too_long = -1
        self._course = _Course("")
        self._looked_ns: int | None = None
        self._failing_since: float | None = None
        self._told = False

    # -- called by any thread ----------------------------------------------------------------------------------

    def wake(self) -> None:
        """There is something to drain."""
        self.wakeups.put(None)
        if self._thread is None:
            self._start()

    def wait(self, timeout: float, *, others: bool = False) -> None:
        """Return once the store has all that was logged before this call, by this process and by those that are gone.

        ``others``: also what another process is just now delivering of those that are gone.  Raises DrainTimeout, or
        the store's own error where there is one.
        """
        until = time.monotonic() + timeout
        waiter = _Waiter(others)
        self.wakeups.put(waiter)
        if self._thread is None and not self._start():
            left = self._serve([waiter])  # no thread can be started any more: the interpreter is ending
            while left and time.monotonic() < until:
                time.sleep(_ASK_AGAIN_S)
                left = self._serve(left)
        if not waiter.done.wait(max(0.0, until - time.monotonic())):
            raise DrainTimeout(f"what was logged did not reach the store within {timeout:g} s; {self._whereabouts()}")
        if waiter.error is not None:
            raise waiter.error

    def stop(self) -> None:
        """End the thread after its present work."""
        thread = self._thread
        self._stopping = True
        self._course.abandoned = True
        if thread is not None and thread is not threading.current_thread():
            self.wakeups.put(None)
            thread.join(timeout=5)
        self._thread = None
        ended = DrainTimeout("the journal was ended before all of it had reached the store")
        with contextlib.suppress(queue.Empty):
            while True:
                waiter = self.wakeups.get_nowait()
                if waiter is not None:
                    waiter.error = ended
                    waiter.done.set()

    def _whereabouts(self) -> str:
        if self.writer.path.is_dir():
            return f"it is kept in {self.writer.path} and delivered later, by the next run or by `milepost sync`"
        return (
            f"it is in this process's memory alone, since {self.writer.path} cannot be written or is gone, and is "
            "delivered as soon as that works again"
        )

    # -- the thread --------------------------------------------------------------------------------------------

    def _start(self) -> bool:
        """False if no thread can be started any more."""
        # Not waited for: this may be a signal handler that interrupted the very thread that is starting it.
        if not self._starting.acquire(blocking=False):
            return True
        try:
            if self._thread is None and not self._stopping:
                thread = threading.Thread(target=self._run, args=(self.wakeups,), name="milepost-drain", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return False
                self._thread = thread
            return self._thread is not None
        finally:
            self._starting.release()

    def _run(self, wakeups: queue.SimpleQueue[_Waiter | None]) -> None:
        left: list[_Waiter] = []
        while not self._stopping and self.wakeups is wakeups:
            waiters = left
            try:
                more = wakeups.get(timeout=_ASK_AGAIN_S if left else self._pause())
                while True:
                    if more is not None:
                        waiters.append(more)
                    more = wakeups.get_nowait()
            except queue.Empty:
                pass
            left = self._serve(waiters)

    def _pause(self) -> float:
        if self._failing_since is None:
            return INTERVAL_S
        # Ask a store that does not answer less and less often, up to every 5 s.
        return min(5.0, max(INTERVAL_S, (time.monotonic() - self._failing_since) / 4))

    def _serve(self, waiters: list[_Waiter]) -> list[_Waiter]:
        """Drain what there is and answer those who wait.  Gives those who have to go on waiting."""
        error: Exception | None = None
        in_other_hands: set[str] = set()
        with self._busy:
            self._serves += 1
            try:
                self._let_forks_through()
                self._load()
                self._let_forks_through()
                self._drain_own()
                if waiters or self._looks_due():
                    self._looked_ns = time.monotonic_ns()
                    own = self.writer.journal_id if self.writer.started else None
                    _, in_other_hands = _deliver_dead(self.writer.folder, self.open_sink, own)
                self._failing_since, self._told = None, False
            except Exception as failure:
                error = failure
                self._note_failure(failure)
        left = []
        for waiter in waiters:
            if error is None and waiter.others:
                # Only those of the first look: others may die and be taken for ever.
                known = in_other_hands if waiter.in_other_hands is None else waiter.in_other_hands
                waiter.in_other_hands = known & in_other_hands
                if waiter.in_other_hands:
                    left.append(waiter)
                    continue
            waiter.error = error
            waiter.done.set()
        return left

    def _looks_due(self) -> bool:
        if not self.writer.started:
            return False
        return self._looked_ns is None or time.monotonic_ns() - self._looked_ns > LOOK_FOR_DEAD_S * 1e9

    def _load(self) -> None:
        self._loading = True
        try:
            import milepost.journal.recovery
            import milepost.sdk.batches
            import milepost.store.store  # noqa: F401
        finally:
            self._loading = False

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
            warn(f"Milepost cannot deliver what is logged: {failure}. Training goes on; {self._whereabouts()}.")

    def _drain_own(self) -> None:
        from milepost.store.errors import OffsetMismatch

        segments, final = self.writer.snapshot()
        if not segments:
            return
        journal_id = segments[0][0].header.journal_id
        course = self._course
        if course.journal_id != journal_id:
            course = self._course = _Course(journal_id)
        try:
            self._drain_segments(course, segments, final)
        except OffsetMismatch as error:
            course.go_on_at(error.applied)
            self._drain_segments(course, segments, final)
        if course.abandoned:
            raise DrainTimeout(f"the journal was ended before all of it had reached the store; {self._whereabouts()}")
        if self.writer.journal_id != journal_id:
            return  # it was ended meanwhile
        self.writer.release(course.reached)
        self.writer.prepare_spare()
        if any(segment.in_memory for segment, _ in segments):
            self.writer.move_to_disk()

    def _drain_segments(self, course: _Course, segments: list[tuple[Segment, int]], final: bool) -> None:
        if course.pending is not None:
            self._deliver(course, course.pending)
        for segment, position in segments:
            if course.abandoned:
                return
            self._drain_segment(course, segment, position, final)
        for base in [base for base in course.readers if base < segments[0][0].base]:
            del course.readers[base]

    def _drain_segment(self, course: _Course, segment: Segment, position: int, final: bool) -> None:
        from milepost.journal.reader import SegmentReader

        if segment.offset_of(position) <= course.reached:
            return
        reader = course.readers.get(segment.base)
        if reader is None:
            reader = course.readers[segment.base] = SegmentReader(segment.base)
        size = PIECE_BYTES
        while reader.position < position and not course.abandoned:
            before = reader.position
            upto = min(position, before + size)
            with memoryview(segment.buf) as whole, whole[:upto] as content:
                piece = reader.read(content, final=final, more=upto < position or not final, start=course.reached)
            if reader.position == before:
                if upto == position:
                    return  # a record that is being written just now
                size *= 4
                continue
            size = PIECE_BYTES
            if piece.end > course.reached:
                piece.start = course.reached
                self._deliver(course, self._batch(course, piece))
                self._let_forks_through()

    def _batch(self, course: _Course, piece: Piece) -> Batch:
        from milepost.sdk.batches import to_batch

        if piece.damaged and not course.damage_told:
            course.damage_told = True
            tell_damage(self.writer.path, piece.damaged)
        return to_batch(course.journal_id, piece)

    def _deliver(self, course: _Course, batch: Batch) -> None:
        course.pending = batch
        course.reached = max(course.reached, self.open_sink().apply(batch))
        course.pending = None

    # -- forks -------------------------------------------------------------------------------------------------

    def hold_for_fork(self) -> bool:
        """Keep the thread from going on with its work; False if it is at something that takes too long to wait for."""
        if threading.current_thread() is self._thread:
            return False
        self._forking.add(threading.get_ident())
        patience = LOAD_PATIENCE_S if self._loading else FORK_PATIENCE_S
        if self._too_long == self._serves:
            patience = 0.0  # that has been waited for
        held = self._busy.acquire(timeout=patience)
        if not held:
            self._too_long = self._serves
            self._forking.discard(threading.get_ident())
        return held

    def go_on_after_fork(self) -> None:
        """In the parent."""
        self._forking.discard(threading.get_ident())
        self._busy.release()

    def _let_forks_through(self) -> None:
        """Called with ``_busy`` held where nothing is half-done.  A lock alone would seldom let another thread in."""
        if self._forking:
            self._busy.release()
            until = time.monotonic() + 1
            while self._forking and time.monotonic() < until:
                time.sleep(0.0005)
            self._busy.acquire()


def drain_dead(folder: Path, open_sink: Callable[[], Sink], *, skip: str | None = None) -> int:
    """Deliver journals whose process is gone, end the runs they owned, remove them.  Gives how many there were.

    A journal that cannot be read or that the store refuses stays, with a warning.  Raises the store's errors and
    OSError; journals not delivered stay.
    """
    return _deliver_dead(folder, open_sink, skip)[0]


def _deliver_dead(folder: Path, open_sink: Callable[[], Sink], skip: str | None) -> tuple[int, set[str]]:
    """What ``drain_dead`` does; gives the number, and the ids of those that other processes are delivering."""
    from milepost.journal.recovery import journal_ids, take_dead
    from milepost.store.errors import StoreDamaged, StoreUnavailable

    done = 0
    in_other_hands = set()
    for journal_id in journal_ids(folder):
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
                damaged = deliver_files(dead.path, journal_id, sink)
                sink.close_journal(journal_id, DIED)
                if damaged:
                    tell_damage(dead.set_aside(), damaged)
                else:
                    dead.remove()
            except (StoreUnavailable, StoreDamaged):
                raise
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


def _is_marked(lock: Path) -> bool:
    try:
        return lock.stat().st_size > 0
    except OSError:
        return False


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
    warn(
        f"Milepost: {count} records of the journal {path} could not be read (the disk or another program has changed "
        "them); the rest was delivered."
    )


def _before_fork() -> None:
    held = [drain for drain in list(_drains) if drain.hold_for_fork()]
    _held_for_fork[threading.get_ident()] = held


def _after_fork_in_parent() -> None:
    for drain in _held_for_fork.pop(threading.get_ident(), ()):
        drain.go_on_after_fork()


def _after_fork_in_child() -> None:
    _held_for_fork.clear()
    for drain in list(_drains):
        drain.reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
