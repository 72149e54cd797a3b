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
from typing import TYPE_CHECKING, Final

from milepost.journal.writer import JournalWriter
from milepost.sdk.recording.left_behind import Sink, deliver_dead, tell_damage
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
ALIVE_S: Final = 30.0
"""After so long without a delivery a server is told that this process lives."""
WARN_AFTER_S: Final = 10.0
FORK_PATIENCE_S: Final = 30.0
"""How long a fork waits, at most, for the end of a transaction or an import of the drain's thread."""
_ASK_AGAIN_S: Final = 0.02
_TRIES: Final = 2
"""How often a barrier asks for the end of an append before it gives up: it may be in the handler that interrupts it."""

_drains: weakref.WeakSet[Drain] = weakref.WeakSet()
_held_for_fork: dict[int, list[Drain]] = {}


class DrainTimeout(Exception):
    """What was logged is in the journal, but not in the store within the time given."""


class _Unfinished(DrainTimeout):
    """The drain has to wait for the end of an append."""


class _Waiter:
    """Somebody who waits for the drain, until ``until`` (monotonic seconds).

    ``others``: also until no other process is delivering a dead journal.  ``patience``: so long (seconds) is a store
    asked again that cannot be reached.
    """

    def __init__(self, until: float, others: bool, patience: float) -> None:
        self.until = until
        self.asks_until = time.monotonic() + patience
        self.done = threading.Event()
        self.error: Exception | None = None
        self.others = others
        self.in_other_hands: set[str] | None = None
        self.tries = _TRIES


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


class _Watched:
    """A sink whose answers are noted as progress."""

    def __init__(self, sink: Sink, drain: Drain) -> None:
        self._sink = sink
        self._drain = drain

    def apply(self, batch: Batch) -> int:
        reached = self._sink.apply(batch)
        self._drain.note_progress()
        return reached

    def check(self, batch: Batch) -> None:
        self._sink.check(batch)
        self._drain.note_progress()

    def applied(self, journal_id: str) -> int:
        return self._sink.applied(journal_id)

    def close_journal(self, journal_id: str, reason: str) -> list[str]:
        return self._sink.close_journal(journal_id, reason)


class Drain:
    """Drains one writer into a sink, from a thread of its own that starts when there is something to do.

    ``open_sink`` is called in that thread: it may take long and may fail; it is called again then.  So is
    ``say_alive``, where there is one: now and then, with the journal's id; it gives whether to say it again.
    ``hold_off_s``: so long (seconds) after the first word the journal is only brought to the disk, unless somebody
    waits or much is logged: a process that has ended by then never loads what opens a store.
    """

    def __init__(
        self,
        writer: JournalWriter,
        open_sink: Callable[[], Sink],
        say_alive: Callable[[str], bool] | None = None,
        hold_off_s: float = 0.0,
    ) -> None:
        self.writer = writer
        self.open_sink = open_sink
        self.say_alive = say_alive
        self.hold_off_s = hold_off_s
        self.reset()
        _drains.add(self)

    def reset(self) -> None:
        """Begin anew: at the start, after a journal's end, and in a child after a fork, where the thread is gone."""
        # SimpleQueue, since its put() may be called by a signal handler that interrupted another put().
        self.wakeups: queue.SimpleQueue[_Waiter | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._stopping = False
        # Held while there is work: whoever forks waits for it.  A child would inherit an import that is half-done for
        # ever, or SQLite's note that this process has the write lock, and neither could load nor store anything.
        self._busy = threading.Lock()
        self._forking: set[int] = set()  # threads that are about to fork
        self._serves = 0
        self._too_long = -1
        self._course = _Course("")
        self._looked_ns: int | None = None
        self._failing_since: float | None = None
        self._told = False
        self._progress = time.monotonic()
        self._not_before = 0.0  # a server has said when to come again
        self._holds_off_until = 0.0
        self._synced = -1
        self._alive_due: float | None = None  # None: nobody waits to hear of this process

    # -- called by any thread ----------------------------------------------------------------------------------

    def wake(self) -> None:
        """There is something to drain."""
        self.wakeups.put(None)
        if self._thread is None:
            self._start()

    def wait(self, timeout: float, *, others: bool = False, patience: float = 0.0, idle: float | None = None) -> None:
        """Return once the store has all that was logged before this call, by this process and by those that are gone.

        ``others``: also what another process is just now delivering of those that are gone.  ``patience``: so long
        (seconds) is a store asked again that cannot be reached.  ``idle``: give up after so many seconds in which the
        store took nothing.  Raises DrainTimeout, or the store's own error where there is one.
        """
        begun = time.monotonic()
        until = begun + timeout
        waiter = _Waiter(until, others, patience)
        self.wakeups.put(waiter)
        if self._thread is None and not self._start():
            left = self._serve([waiter])  # no thread can be started any more: the interpreter is ending
            while left and time.monotonic() < until:
                time.sleep(_ASK_AGAIN_S)
                left = self._serve(left)
        while not waiter.done.wait(max(0.0, min(until - time.monotonic(), timeout if idle is None else 0.1))):
            now = time.monotonic()
            if now >= until:
                raise DrainTimeout(
                    f"what was logged did not reach the store within {timeout:g} s; {self._whereabouts()}"
                )
            if idle is not None and now - max(begun, self._progress) > idle:
                raise DrainTimeout(f"the store has not answered for {idle:g} s; {self._whereabouts()}")
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

    def is_behind(self) -> bool:
        """Whether more was logged than the store has."""
        segments, _ = self.writer.snapshot()
        course = self._course
        return any(
            segment.header.journal_id != course.journal_id or segment.offset_of(position) > course.reached
            for segment, position in segments
        )

    def note_progress(self) -> None:
        """The store has taken something."""
        self._progress = time.monotonic()

    @property
    def has_begun(self) -> bool:
        """Whether anything was brought to the store, or tried to be."""
        return self._serves > 0

    def failing_for(self) -> float:
        """For how long (seconds) nothing could be delivered; 0 where all is well."""
        since = self._failing_since
        return 0.0 if since is None else time.monotonic() - since

    def _whereabouts(self) -> str:
        # The journal's own name is nobody's business: warnings get into logs that others read, and whoever knows it may
        # say to a server what it brings.
        if self._is_kept():
            return f"it is kept in {self.writer.folder} and delivered later, by the next run or by `milepost sync`"
        return (
            f"it is in this process's memory alone, since {self.writer.folder} cannot be written or is gone, and is "
            "delivered as soon as that works again"
        )

    def _is_kept(self) -> bool:
        """Whether what is not delivered is on the disk.  It may be that of ended processes alone."""
        return not self.writer.started or self.writer.path.is_dir()

    # -- the thread --------------------------------------------------------------------------------------------

    def _start(self) -> bool:
        """False if no thread can be started any more."""
        # Not waited for: this may be a signal handler that interrupted the very thread that is starting it.
        if not self._starting.acquire(blocking=False):
            return True
        try:
            if self._thread is None and not self._stopping:
                self._holds_off_until = time.monotonic() + self.hold_off_s
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
        wakes = 0  # the first one tells that there is something, others that there is much
        while not self._stopping and self.wakeups is wakeups:
            waiters = left
            before = wakes
            try:
                more = wakeups.get(timeout=self._pause(bool(left)))
                while True:
                    if more is not None:
                        waiters.append(more)
                    else:
                        wakes += 1
                    more = wakeups.get_nowait()
            except queue.Empty:
                pass
            if not waiters and time.monotonic() < self._holds_off_until and (wakes < 2 or self._stopping):
                if wakes == before:
                    self._hold_off()
                continue
            left = waiters if time.monotonic() < self._not_before else self._serve(waiters)

    def _hold_off(self) -> None:
        """Bring to the disk what was logged since the last time."""
        with self._busy:
            segments, _ = self.writer.snapshot()
            reached = max((segment.offset_of(position) for segment, position in segments), default=0)
            if reached > self._synced:
                try:
                    self.writer.sync()
                    self._synced = reached
                except OSError:
                    self._holds_off_until = 0.0  # there is trouble: the drain knows what to do about it, and says so

    def _pause(self, is_awaited: bool) -> float:
        now = time.monotonic()
        if now < self._not_before:
            return self._not_before - now
        if self._failing_since is None:
            return _ASK_AGAIN_S if is_awaited else INTERVAL_S
        # Ask a store that does not answer less and less often, up to every 5 s, and not all processes at once.
        from random import uniform

        pause = max(INTERVAL_S, (now - self._failing_since) / 4)
        return min(INTERVAL_S if is_awaited else 5.0, pause) * uniform(0.7, 1.3)  # noqa: S311  no secret

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
                    _, in_other_hands = deliver_dead(self.writer.folder, self._open_sink, own)
                self._failing_since, self._told = None, False
                self._progress = time.monotonic()
                self._tell_alive()
            except _Unfinished as unfinished:
                error = unfinished
            except Exception as failure:
                error = failure
                self._note_failure(failure)
        left = []
        for waiter in waiters:
            if self._has_to_wait(waiter, error, in_other_hands):
                left.append(waiter)
            else:
                waiter.error = error
                waiter.done.set()
        return left

    def _has_to_wait(self, waiter: _Waiter, error: Exception | None, in_other_hands: set[str]) -> bool:
        if isinstance(error, _Unfinished):
            waiter.tries -= 1
            return waiter.tries > 0
        if error is not None:
            return self._is_worth_asking_again(waiter, error)
        if not waiter.others:
            return False
        # Only those of the first look: others may die, and be taken, for ever.
        known = in_other_hands if waiter.in_other_hands is None else waiter.in_other_hands
        waiter.in_other_hands = known & in_other_hands
        return bool(waiter.in_other_hands)

    def _is_worth_asking_again(self, waiter: _Waiter, error: Exception) -> bool:
        from milepost.store.errors import Busy, Offline, StoreUnavailable

        if isinstance(error, Busy):
            return self._not_before < waiter.until
        if isinstance(error, Offline) or not isinstance(error, StoreUnavailable):
            return False
        return time.monotonic() < waiter.asks_until

    def _tell_alive(self) -> None:
        if self.say_alive is None or self._alive_due is None or time.monotonic() < self._alive_due:
            return
        from random import uniform

        from milepost.store.errors import NotFound, StoreError

        goes_on = True
        try:
            goes_on = self.say_alive(self._course.journal_id)
        except NotFound:
            goes_on = False  # a server that is older than this, or a workspace that is gone
        except StoreError as error:
            log.debug("the server could not be told that this process lives: %s", error)
        # Not all at once: many may have begun in one moment.
        pause = ALIVE_S * uniform(0.8, 1.0)  # noqa: S311  no secret
        self._alive_due = time.monotonic() + pause if goes_on else None

    def _looks_due(self) -> bool:
        if not self.writer.started:
            return False
        return self._looked_ns is None or time.monotonic_ns() - self._looked_ns > LOOK_FOR_DEAD_S * 1e9

    def _load(self) -> None:
        import random  # noqa: F401  here, where forks wait for it

        import milepost.journal.recovery
        import milepost.sdk.recording.batches
        import milepost.store.store  # noqa: F401

    def _open_sink(self) -> Sink:
        return _Watched(self.open_sink(), self)

    def _note_failure(self, failure: Exception) -> None:
        from milepost.store.errors import Busy, NotAllowed, NotPermitted, Offline

        now = time.monotonic()
        if isinstance(failure, Busy):
            from random import uniform

            self._not_before = now + failure.after_s * uniform(1.0, 1.5)  # noqa: S311  no secret
            self._progress = now  # it has answered
        if self._failing_since is None:
            self._failing_since = now
            log.debug("the drain failed", exc_info=failure)
        try:
            self.writer.sync()
        except OSError as error:
            log.debug("the journal could not be synced: %s", error)
        is_late = now - self._failing_since > WARN_AFTER_S
        if not self._told and not isinstance(failure, Offline) and (is_late or isinstance(failure, NotAllowed)):
            self._told = True
            if isinstance(failure, NotPermitted) and self._is_kept():
                warn(
                    f"Milepost cannot deliver what was recorded here: {failure}. It stays in {self.writer.folder}; the "
                    "next run or `milepost sync` delivers it when you have been given that role. Reading goes on, with "
                    "what the server has."
                )
                return
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
            self._drain_segment(course, segment, position, final)
            if course.abandoned:
                return
            if course.reached < segment.offset_of(position):
                # What is behind comes later: the store takes a journal in its order.
                raise _Unfinished(
                    "a logging call is not at its end, for a signal handler has interrupted it; what was logged since "
                    f"is delivered when the handler has returned; {self._whereabouts()}"
                )
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
        from milepost.sdk.recording.batches import to_batch

        if piece.damaged and not course.damage_told:
            course.damage_told = True
            tell_damage(self.writer.path, piece.damaged)
        return to_batch(course.journal_id, piece)

    def _deliver(self, course: _Course, batch: Batch) -> None:
        course.pending = batch
        from milepost.sdk.recording.refused import apply_what_is_taken

        reached = apply_what_is_taken(self._open_sink(), batch, self.writer.folder.parent)
        course.reached = max(course.reached, reached)
        course.pending = None
        self._alive_due = time.monotonic() + ALIVE_S

    # -- forks -------------------------------------------------------------------------------------------------

    def hold_for_fork(self) -> bool:
        """Keep the thread from going on with its work; False if it is at something that takes too long to wait for."""
        if threading.current_thread() is self._thread:
            return False
        self._forking.add(threading.get_ident())
        # What has been waited for once is the store that does not answer: no transaction takes so long.
        held = self._busy.acquire(timeout=0 if self._too_long == self._serves else FORK_PATIENCE_S)
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
