"""Appending to a process's own journal.

The writer belongs to one process.  After a fork the child's copy begins a journal of its own at its first
append; the parent's is never written by a child.  Any thread may append; so may a signal handler, even one that
interrupts an append.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
import uuid
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

from milepost.journal import format as fmt
from milepost.journal import segment as segments
from milepost.journal.lock import FileLock
from milepost.journal.segment import Segment, remove_folder

FIRST_SEGMENT: Final = 1 << 18
LARGEST_SEGMENT: Final = 1 << 24
ROUND_TO: Final = 1 << 16
"""Sizes of segments are multiples of this, which is one of the page size everywhere."""
WAKE_BYTES: Final = 1 << 20
"""The drain is woken when this much has come in since it last looked."""
MEMORY_LIMIT: Final = 1 << 30
"""How much is kept in memory, at most, while the disk is full."""
LARGEST_PAYLOAD: Final = (1 << 32) - 1
MAPPED: Final = 64
"""How many full segments stay mapped while they wait for the drain."""
_PATIENCE_S: Final = 0.25
"""How long the drain waits for the lock where it can do without what it wanted."""

_writers: weakref.WeakSet[JournalWriter] = weakref.WeakSet()


class JournalFull(Exception):
    """The disk is full and so is the memory that stands in for it: the record was not taken."""


@dataclass(frozen=True, slots=True)
class SeriesName:
    """What a series number stands for: one metric of one run."""

    run_id: str
    name: str
    kind: str
    namespace: str = ""
    description: str = ""


class _NoSegment(Segment):
    """Stands where no segment is open: has no series, so every append goes the slow way and opens one."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(fmt.SegmentHeader("0" * 32, 0, fmt.HEADER_SIZE, 0, 0), bytearray(fmt.HEADER_SIZE), None)


class JournalWriter:
    """Appends to the journal ``folder / journal_id``, made at the first append.

    ``wake`` is called, with the lock held, when a good amount is there to be drained or a segment is needed soon.
    """

    def __init__(self, folder: Path, wake: Callable[[], None] = lambda: None) -> None:
        self.folder = folder
        self.wake = wake
        self.lock = threading.RLock()
        self._handles: Iterator[int] = count(1)
        self._reset()
        _writers.add(self)

    def _reset(self) -> None:
        self.journal_id = uuid.uuid4().hex
        # The segments are a chain (``Segment.nexts``) from the oldest that is not released to the current one.
        self.segment: Segment = _NoSegment()
        self._oldest: Segment = self.segment
        self._mapped: deque[Segment] = deque()  # full ones that are still mapped
        self.dropped = 0
        self._file_lock = FileLock(self.folder / f"{self.journal_id}.lock")
        self._spare: Segment | None = None
        self._warned = False
        self._released = 0

    @property
    def started(self) -> bool:
        """True once something was appended."""
        return self.segment.size > fmt.HEADER_SIZE

    @property
    def in_memory(self) -> bool:
        """True while part of the journal has no file, for a full disk say."""
        return any(each.in_memory for each in self._unreleased())

    @property
    def path(self) -> Path:
        """The journal's folder."""
        return self.folder / self.journal_id

    def run(self, run_id: str) -> RunJournal:
        """The appender for one run."""
        return RunJournal(self, next(self._handles), run_id)

    # -- appending ---------------------------------------------------------------------------------------------

    def append_scalar(self, handle: int, series: SeriesName, mark: int, value: float, step: int) -> None:
        """Append one number; the slow way, which opens segments and names series.  Raises JournalFull."""
        pack_into = (fmt.FLOAT_SLOT if mark == fmt.FLOAT else fmt.INT_SLOT).pack_into
        with self.lock:
            while True:
                current, number = self._series_number(handle, series)
                position = next(current.claim)
                if position <= current.hard:
                    pack_into(current.buf, position, step, time.time_ns(), value, number, mark)
                    if position > current.soft:
                        self._wake_drain(current, position)
                    return
                self._roll(current, fmt.SLOT)

    def append_payload(
        self, mark: int, payload: bytes, *, handle: int = 0, series: SeriesName | None = None, step: int = fmt.NO_STEP
    ) -> int:
        """Append a record with a payload and give its time (ns since 1970).  Raises JournalFull.

        Raises ValueError for a payload of 4 GiB and more.
        """
        if len(payload) > LARGEST_PAYLOAD:
            raise ValueError(f"a record of {len(payload):,} bytes does not fit into the journal; log it in parts")
        slots = fmt.slots_for(len(payload))
        with self.lock:
            while True:
                current, number = (self.segment, 0) if series is None else self._series_number(handle, series, slots)
                position = _take(current, slots)
                if position is not None:
                    break
                named = 0 if series is None else fmt.slots_for(len(_series_payload(series)))
                self._roll(current, (slots + named) * fmt.SLOT)
            now = _put_payload(current, position, step, number, mark, payload)
            if position > current.soft:
                self._wake_drain(current, position)
            return now

    def event(self, kind: str, run_id: str, data: dict[str, Any]) -> int:
        """Append something that is not a metric; ``data`` goes as JSON.  Gives its time (ns since 1970)."""
        text = json.dumps({"kind": kind, "run_id": run_id, "data": data}, separators=(",", ":"))
        return self.append_payload(fmt.EVENT, text.encode())

    def _series_number(self, handle: int, series: SeriesName, slots: int = 1) -> tuple[Segment, int]:
        """The current segment and the series' number there, told to the journal first if it is new.

        ``slots``: what the caller will want to append to it.
        """
        while True:
            current = self.segment
            names = current.series.setdefault(handle, {})
            number = names.get(series.name)
            if number is not None:
                return current, number
            payload = _series_payload(series)
            needed = fmt.slots_for(len(payload))
            position = _take(current, needed)
            if position is None:
                self._roll(current, (needed + slots) * fmt.SLOT)
                continue
            number = next(current.numbers)
            _put_payload(current, position, fmt.NO_STEP, number, fmt.SERIES, payload)
            names[series.name] = number
            return current, number

    # -- segments ----------------------------------------------------------------------------------------------

    def _roll(self, current: Segment, need: int) -> None:
        """Open the segment that follows ``current``, which is used up, with room for ``need`` bytes.

        A signal handler may come in anywhere and do the same.  The first that is in ``nexts`` is the one, for
        everybody; who was interrupted goes on with that.
        """
        if not current.nexts:
            try:
                made = self._make_next(current, need)
            except segments.Forked:
                return  # to begin the child's own journal
            current.nexts.append(made)
            if current.nexts[0] is not made:
                segments.discard(made)
                del current.nexts[1:]
        following = current.nexts[0]
        spare, self._spare = self._spare, None
        if spare is not None and spare is not following:
            segments.discard(spare)
        if self.segment is current:
            self.segment = following
            self._mapped.append(current)
            while len(self._mapped) > MAPPED:
                self._mapped.popleft().rest()
        self.wake()

    def _make_next(self, current: Segment, need: int) -> Segment:
        size = min(current.size * 4, LARGEST_SEGMENT) if current.size > fmt.HEADER_SIZE else FIRST_SEGMENT
        size = max(size, _round_up(need + fmt.HEADER_SIZE))
        spare = self._spare
        if spare is not None and spare.base == current.end and spare.size >= size:
            made = spare
        else:
            made = self._open(current.end, size)
        made.soft = min(made.hard, fmt.HEADER_SIZE + WAKE_BYTES)
        return made

    def _open(self, base: int, size: int) -> Segment:
        header, folder = segments.new_header(self.journal_id, base, size), self.path
        try:
            self._begin()
            return segments.create_file(folder, header)
        except OSError as error:
            if os.getpid() != header.pid:
                raise segments.Forked from error
            why = "the disk is full" if segments.disk_full(error) else (error.strerror or str(error))
            kept = sum(each.size for each in self._unreleased() if each.in_memory)
            try:
                if kept + size > MEMORY_LIMIT:
                    raise MemoryError
                made = segments.create_in_memory(header)
            except MemoryError:
                self.dropped += 1
                raise JournalFull(
                    f"{self.path}: {why}; what was logged since has filled the memory set aside for it "
                    f"({MEMORY_LIMIT >> 20} MiB). Free disk space: logging goes on by itself then."
                ) from error
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"Milepost cannot write its journal in {self.folder}: {why}. What is logged is kept in memory and "
                    "written as soon as that works again; until then it is lost if this process is killed.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return made

    def _begin(self) -> None:
        """Make the journal's folder, or make it again where somebody removed it.

        The lock comes first: a folder without a held lock is a dead journal.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._file_lock.acquire():
            raise OSError(f"{self._file_lock.path} is locked by another process")
        self.path.mkdir(mode=0o700, exist_ok=True)

    def _wake_drain(self, current: Segment, position: int) -> None:
        current.soft = min(current.hard, position + WAKE_BYTES)
        self.wake()

    # -- for the drain -----------------------------------------------------------------------------------------

    def _unreleased(self) -> list[Segment]:
        """The segments not released yet, oldest first; the last is the current one."""
        each: Segment = self._oldest
        found: list[Segment] = [each] if each.size > fmt.HEADER_SIZE else []
        while each.nexts:
            each = each.nexts[0]
            found.append(each)
        return found

    def _in_an_append(self) -> bool:
        """True in a signal handler that interrupted this thread while it had the lock."""
        return bool(self.lock._is_owned())  # type: ignore[attr-defined]

    def prepare_spare(self) -> None:
        """Make the next segment's file ahead of need, so that no append waits for the file system.

        Where somebody has removed the lock or the files of the journal, they are made again instead.
        """
        lock = self.lock  # a child that a signal handler forks has another one
        if self._in_an_append() or not lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            current, folder, file_lock, written = self.segment, self.path, self._file_lock, self._unreleased()
            wanted = self._spare is None and not current.nexts and current.position() >= current.size // 2
            header = segments.new_header(self.journal_id, current.end, min(current.size * 4, LARGEST_SEGMENT))
        finally:
            lock.release()
        # Looked at without the lock, since a network file system may be slow.
        gone = [each for each in written if each.mapped and not each.in_memory and not each.on_disk()]
        if gone or (file_lock.held and not file_lock.in_place()):
            self.move_to_disk()
            return
        if not written or not wanted or current.in_memory:
            return
        try:
            spare = segments.create_file(folder, header)
        except OSError:
            return  # the append that needs it will meet the same trouble, and tell
        if lock.acquire(timeout=_PATIENCE_S):
            try:
                if self.segment is current and not current.nexts and self._spare is None:
                    self._spare = spare
                    return
            finally:
                lock.release()
        segments.discard(spare)

    def snapshot(self, timeout: float = 1.0) -> tuple[list[tuple[Segment, int]], bool]:
        """The segments not released yet, each with the place up to which it is written, and whether that is final.

        It is not final in the middle of an append: if the lock could not be had within ``timeout`` seconds (a signal
        handler is waiting for the drain), or in a signal handler that itself interrupted one.  Then the first hole
        may still be filled.
        """
        lock, nested = self.lock, self._in_an_append()
        held = lock.acquire(timeout=timeout)
        try:
            found = self._unreleased()
            written = [(each, each.size) for each in found[:-1]]
            written += [(each, each.position()) for each in found[-1:]]
            return written, held and not nested
        finally:
            if held:
                lock.release()

    def release(self, offset: int) -> None:
        """Remove the segments that end at or before ``offset``: the store has all up to there.

        Leaves them for the next time where a signal handler is waiting in the middle of an append.
        """
        gone = []
        lock = self.lock
        if self._in_an_append() or not lock.acquire(timeout=_PATIENCE_S):
            return
        try:
            self._released = max(self._released, offset)
            while self._oldest.nexts and self._oldest.end <= offset:
                gone.append(self._oldest)
                self._oldest = self._oldest.nexts[0]
            while self._mapped and self._mapped[0].end <= offset:
                self._mapped.popleft()
        finally:
            lock.release()
        for each in gone:
            segments.discard(each)

    def move_to_disk(self) -> bool:
        """Write segments that a full disk left in memory, or whose files are gone; True if none is left there."""
        if self._in_an_append():
            return False
        lock = self.lock
        while True:
            if not lock.acquire(timeout=_PATIENCE_S):
                return False
            try:
                if self.started:
                    self._begin()
                waiting = [each for each in self._unreleased() if each.mapped and not each.on_disk()]
                if not waiting:
                    self._warned = False
                    return True
                segments.move_to_disk(waiting[0], self.path)
            except OSError:
                return False
            finally:
                lock.release()

    def sync(self) -> None:
        """fsync what is written and not released.  Raises OSError."""
        written, _ = self.snapshot()
        for each, _position in written:
            each.sync()
        if written and os.name != "nt":
            for folder in (self.path, self.folder):
                try:
                    fd = os.open(folder, os.O_RDONLY)
                except FileNotFoundError:
                    continue  # nothing could be written there so far
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)

    def close(self, *, remove: bool) -> bool:
        """End the journal; the next append begins a new one.  True if its files are gone.

        ``remove``: the store has all up to what was released.  The files stay for the next drain if more was
        appended since, by another thread say.  Warns of what was only in memory and cannot be written.
        """
        with self.lock:
            left = self._unreleased()
            behind = [each for each in left if each.offset_of(each.position()) > self._released]
            remove = remove and not behind
            lost = [each for each in behind if each.in_memory and not self._rescue(each)]
            if self._spare is not None:
                segments.discard(self._spare)
            path, lock = self.path, self._file_lock
            self._reset()
        for each in left:
            each.close()
        gone = not behind
        if lock.held:
            gone = False
            with contextlib.suppress(OSError):  # what stays is found by the next drain
                gone = remove and remove_folder(path)
            if gone:
                lock.remove()
            else:
                lock.release()
        if lost:
            warnings.warn(
                f"Milepost: what was logged while {self.folder} could not be written is lost: it still cannot.",
                RuntimeWarning,
                stacklevel=2,
            )
        return gone

    def _rescue(self, segment: Segment) -> bool:
        try:
            self._begin()
            segments.move_to_disk(segment, self.path)
        except OSError:
            return False
        return True

    def _after_fork_in_child(self) -> None:
        # A child forked by a signal handler goes on with the append that was interrupted: its parent writes that.
        self.segment.buf = bytearray(self.segment.size)
        self._file_lock.forget_in_child()
        self.lock = threading.RLock()  # a thread that is not in the child may hold the old one
        self._reset()


class RunJournal:
    """Appends the metrics of one run."""

    __slots__ = ("_handle", "_writer", "run_id")

    def __init__(self, writer: JournalWriter, handle: int, run_id: str) -> None:
        self._writer = writer
        self._handle = handle
        self.run_id = run_id

    # The hot path.  All names are bound ahead; the order (segment, number, slot, pack) is what keeps it safe from
    # signal handlers: a number is only good in its own segment.
    def append_float(
        self,
        name: str,
        value: float,
        _pack_into: Callable[..., None] = fmt.FLOAT_SLOT.pack_into,
        _now: Callable[[], int] = time.time_ns,
        _no_step: int = fmt.NO_STEP,
        _mark: int = fmt.FLOAT,
    ) -> None:
        """Append a float to a series of this run that was named before.

        Raises KeyError if the series has no number in the current segment, or the segment is full: append it with
        ``append_scalar`` then.
        """
        writer = self._writer
        with writer.lock:
            current = writer.segment
            number = current.series[self._handle][name]
            position = next(current.claim)
            if position > current.soft:
                if position > current.hard:
                    raise KeyError(name)
                # The slot is used: a drain that looks while a signal handler runs would stop at a hole.
                _pack_into(current.buf, position, _no_step, _now(), value, number, _mark)
                writer._wake_drain(current, position)  # last, since it may start a thread and be interrupted
                return
            _pack_into(current.buf, position, _no_step, _now(), value, number, _mark)

    def append_scalar(self, series: SeriesName, mark: int, value: float, step: int = fmt.NO_STEP) -> None:
        """Append a float, int or bool, naming the series if need be."""
        self._writer.append_scalar(self._handle, series, mark, value, step)

    def append_payload(self, series: SeriesName, mark: int, payload: bytes, step: int = fmt.NO_STEP) -> None:
        """Append a record with a payload to a series."""
        self._writer.append_payload(mark, payload, handle=self._handle, series=series, step=step)


def _take(current: Segment, slots: int) -> int | None:
    """The place of that many neighbouring slots; None if the segment had too few left and is used up now."""
    # One C call takes them all: no signal handler can take a slot in between.
    last: int = deque(islice(current.claim, slots), maxlen=1)[0]
    return last - (slots - 1) * fmt.SLOT if last <= current.hard else None


def _series_payload(series: SeriesName) -> bytes:
    fields = {key: value for key, value in asdict(series).items() if value}
    return json.dumps(fields, separators=(",", ":")).encode()


def _put_payload(current: Segment, position: int, step: int, number: int, mark: int, payload: bytes) -> int:
    now, length = time.time_ns(), len(payload)
    check = fmt.checksum(step, now, number, mark, payload)
    body = position + fmt.SLOT
    end = body + length
    # ``current.buf`` is looked up last, with no call before it is used: a child that a signal handler forks has got
    # another one by then, and does not undo what its parent has finished.
    fmt.PAYLOAD_SLOT.pack_into(current.buf, position, step, now, length, check, number, fmt.RESERVED)
    current.buf[body:end] = payload
    # Not with pack_into, which writes zeros first: a kill in between would leave a hole, and a body without a head.
    marked, done = position + fmt.MARK_AT, fmt.MARK.pack(mark)
    current.buf[marked:body] = done
    return now


def _round_up(size: int) -> int:
    return (size + ROUND_TO - 1) // ROUND_TO * ROUND_TO


def _after_fork_in_child() -> None:
    for writer in list(_writers):
        writer._after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
