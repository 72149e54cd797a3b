"""Appending to a process's own journal.

The writer belongs to one process.  After a fork the child's copy begins a journal of its own at its first
append; the parent's is never written by a child.  Any thread may append; so may a signal handler, even one that
interrupts an append.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
import warnings
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from milepost.journal import format as fmt
from milepost.journal import segment as segments
from milepost.journal.lock import FileLock
from milepost.journal.segment import Segment

FIRST_SEGMENT: Final = 1 << 18
LARGEST_SEGMENT: Final = 1 << 24
WAKE_BYTES: Final = 1 << 20
"""The drain is woken when this much has come in since it last looked."""
MEMORY_LIMIT: Final = 1 << 30
"""How much is kept in memory, at most, while the disk is full."""

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

    def __init__(self) -> None:
        super().__init__(fmt.SegmentHeader("0" * 32, 0, fmt.HEADER_SIZE, 0, 0), bytearray(fmt.HEADER_SIZE), None, None)


class JournalWriter:
    """Appends to the journal ``folder / journal_id``, made at the first append.

    ``wake`` is called, with the lock held, when a good amount is there to be drained or a segment is needed soon.
    """

    def __init__(self, folder: Path, wake: Callable[[], None] = lambda: None) -> None:
        self.folder = folder
        self.wake = wake
        self.lock = threading.RLock()
        self._runs = 0
        self._reset()
        _writers.add(self)

    def _reset(self) -> None:
        self.journal_id = uuid.uuid4().hex
        self.segment: Segment = _NoSegment()
        self.finished: deque[Segment] = deque()  # segments before the current one that are not drained yet
        self.dropped = 0
        self._file_lock: FileLock | None = None
        self._spare: Segment | None = None
        self._warned = False
        self._drained = 0

    @property
    def started(self) -> bool:
        """True once something was appended."""
        return self.segment.size > fmt.HEADER_SIZE

    @property
    def path(self) -> Path:
        """The journal's folder."""
        return self.folder / self.journal_id

    def run(self, run_id: str) -> RunJournal:
        """The appender for one run."""
        self._runs += 1
        return RunJournal(self, self._runs, run_id)

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
                self._roll(fmt.SLOT)

    def append_payload(
        self, mark: int, payload: bytes, *, handle: int = 0, series: SeriesName | None = None, step: int = fmt.NO_STEP
    ) -> int:
        """Append a record with a payload and give its time (ns since 1970).  Raises JournalFull."""
        with self.lock:
            while True:
                current, number = (self.segment, 0) if series is None else self._series_number(handle, series)
                at = self._claim(fmt.slots_for(len(payload)))
                if at is not None and at[0] is current:
                    break
            position = at[1]
            now = _put_payload(current, position, step, number, mark, payload)
            if position > current.soft:
                self._wake_drain(current, position)
            return now

    def event(self, kind: str, run_id: str, data: dict[str, Any]) -> int:
        """Append something that is not a metric; ``data`` goes as JSON.  Gives its time (ns since 1970)."""
        text = json.dumps({"kind": kind, "run_id": run_id, "data": data}, separators=(",", ":"))
        return self.append_payload(fmt.EVENT, text.encode())

    def _claim(self, slots: int) -> tuple[Segment, int] | None:
        """Take neighbouring slots; None if the segment had to be changed (series numbers are new then)."""
        current = self.segment
        # One C call takes them all: no signal handler can take a slot in between.
        last = deque(islice(current.claim, slots), maxlen=1)[0]
        if last <= current.hard:
            return current, last - (slots - 1) * fmt.SLOT
        self._roll(slots * fmt.SLOT)
        return None

    def _series_number(self, handle: int, series: SeriesName) -> tuple[Segment, int]:
        """The current segment and the series' number there, told to the journal first if it is new."""
        while True:
            current = self.segment
            names = current.series.get(handle)
            if names is None:
                names = current.series[handle] = {}
            number = names.get(series.name)
            if number is not None:
                return current, number
            fields = {key: value for key, value in asdict(series).items() if value}
            payload = json.dumps(fields, separators=(",", ":")).encode()
            at = self._claim(fmt.slots_for(len(payload)))
            if at is None or at[0] is not current:
                continue
            number = current.series_count = current.series_count + 1
            _put_payload(current, at[1], fmt.NO_STEP, number, fmt.SERIES, payload)
            names[series.name] = number
            return current, number

    # -- segments ----------------------------------------------------------------------------------------------

    def _roll(self, need: int) -> None:
        """Open the next segment, with room for ``need`` bytes."""
        current = self.segment
        if not self.started:
            size, base = FIRST_SEGMENT, 0
        else:
            size, base = min(current.size * 4, LARGEST_SEGMENT), current.end
        # Room for the series' own record beside what is to be written.
        size = max(size, _round_up(need + fmt.HEADER_SIZE + 16384))
        spare, self._spare = self._spare, None
        if spare is not None and spare.size >= size:
            segments.rename(spare)
            following = spare
        else:
            if spare is not None:
                _discard(spare)
            following = self._open(base, size)
        following.soft = min(following.hard, fmt.HEADER_SIZE + WAKE_BYTES)
        if self.started:
            self.finished.append(current)
        self.segment = following
        self.wake()

    def _open(self, base: int, size: int) -> Segment:
        header = segments.new_header(self.journal_id, base, size)
        try:
            if self._file_lock is None:
                self._begin()
            return segments.create_file(self.path, header)
        except OSError as error:
            kept = sum(each.size for each in self.finished if each.in_memory)
            if kept + size > MEMORY_LIMIT:
                self.dropped += 1
                raise JournalFull(
                    f"{self.path}: {error.strerror or error}; what was logged since has filled the memory set aside "
                    f"for it ({MEMORY_LIMIT >> 20} MiB). Free disk space: logging goes on by itself then."
                ) from error
            if not self._warned:
                self._warned = True
                why = "the disk is full" if segments.disk_full(error) else (error.strerror or str(error))
                warnings.warn(
                    f"Milepost cannot write its journal in {self.folder}: {why}. What is logged is kept in memory and "
                    "written as soon as that works again; until then it is lost if this process is killed.",
                    RuntimeWarning,
                    stacklevel=2,
                )
            return segments.create_in_memory(header)

    def _begin(self) -> None:
        """Make the journal's folder.  The lock comes first: a folder without a held lock is a dead journal."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / f"{self.journal_id}.lock")
        if not lock.acquire():
            raise OSError(f"{lock.path} is locked by another process")
        try:
            self.path.mkdir(exist_ok=True)
        except OSError:
            lock.release()
            lock.path.unlink(missing_ok=True)
            raise
        self._file_lock = lock

    def _wake_drain(self, current: Segment, position: int) -> None:
        current.soft = min(current.hard, position + WAKE_BYTES)
        self.wake()

    # -- for the drain -----------------------------------------------------------------------------------------

    def prepare_spare(self) -> None:
        """Make the next segment's file ahead of need, so that no append waits for the file system."""
        with self.lock:
            current = self.segment
            if os.name == "nt" or not self.started or self._spare is not None or current.in_memory:
                return  # Windows cannot rename a file that is open
            if current.position() < current.size // 2:
                return
            header = segments.new_header(self.journal_id, current.end, min(current.size * 4, LARGEST_SEGMENT))
        try:
            spare = segments.create_file(self.path, header, suffix=segments.SPARE)
        except OSError:
            return  # the append that needs it will meet the same trouble, and tell
        with self.lock:
            if self.segment is current:
                self._spare = spare
                return
        _discard(spare)

    def snapshot(self, timeout: float = 1.0) -> tuple[list[tuple[Segment, int]], bool]:
        """The segments not released yet, each with the place up to which it is written, and whether that is final.

        It is not final if the lock could not be had within ``timeout`` seconds (a signal handler is waiting for the
        drain in the middle of an append): then the first hole may still be filled.
        """
        final = self.lock.acquire(timeout=timeout)
        try:
            if not self.started:
                return [], final
            current = self.segment
            return [*((each, each.size) for each in self.finished), (current, current.position())], final
        finally:
            if final:
                self.lock.release()

    def release(self, offset: int) -> None:
        """Remove the segments that end at or before ``offset``: the store has them."""
        with self.lock:
            gone = []
            while self.finished and self.finished[0].end <= offset:
                gone.append(self.finished.popleft())
        for each in gone:
            _discard(each)

    def move_to_disk(self) -> bool:
        """Write segments that a full disk left in memory; True if none is left there."""
        while True:
            with self.lock:
                waiting = [each for each in (*self.finished, self.segment) if each.in_memory and self.started]
                if not waiting:
                    self._warned = False
                    return True
                try:
                    if self._file_lock is None:
                        self._begin()
                    segments.move_to_disk(waiting[0], self.path)
                except OSError:
                    return False

    def sync(self) -> None:
        """fsync what is written and not released.  Raises OSError."""
        written, _ = self.snapshot()
        for each, _position in written:
            each.sync()
        if self._file_lock is not None and os.name != "nt":
            for folder in (self.path, self.folder):
                fd = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(fd)
                finally:
                    os.close(fd)

    def close(self, *, remove: bool) -> None:
        """End the journal; the next append begins a new one.  ``remove``: the store has all of it."""
        with self.lock:
            left = [*self.finished, self.segment, *([self._spare] if self._spare else [])] if self.started else []
            path, lock = self.path, self._file_lock
            self._reset()
        for each in left:
            each.close()
        if remove and lock is not None:
            remove_folder(path)
        if lock is not None:
            lock.release()
            if remove:
                lock.path.unlink(missing_ok=True)

    def _after_fork_in_child(self) -> None:
        for each in (*self.finished, self.segment, self._spare):
            if each is not None:
                each.close()
        if self._file_lock is not None:
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

        Raises KeyError if the series has no number in the current segment, or the segment wants care: append it
        with ``append_scalar`` then.
        """
        writer = self._writer
        with writer.lock:
            current = writer.segment
            number = current.series[self._handle][name]
            position = next(current.claim)
            if position > current.soft:
                raise KeyError(name)
            _pack_into(current.buf, position, _no_step, _now(), value, number, _mark)

    def append_scalar(self, series: SeriesName, mark: int, value: float, step: int = fmt.NO_STEP) -> None:
        """Append a float, int or bool, naming the series if need be."""
        self._writer.append_scalar(self._handle, series, mark, value, step)

    def append_payload(self, series: SeriesName, mark: int, payload: bytes, step: int = fmt.NO_STEP) -> None:
        """Append a record with a payload to a series."""
        self._writer.append_payload(mark, payload, handle=self._handle, series=series, step=step)


def remove_folder(path: Path) -> None:
    """Remove a journal's folder and the segments in it; nothing else is looked for there."""
    for pattern in segments.PATTERNS:
        for each in path.glob(pattern):
            each.unlink(missing_ok=True)
    try:
        path.rmdir()
    except FileNotFoundError:
        return


def _put_payload(current: Segment, position: int, step: int, number: int, mark: int, payload: bytes) -> int:
    now = time.time_ns()
    check = fmt.checksum(step, now, number, mark, payload)
    fmt.PAYLOAD_SLOT.pack_into(current.buf, position, step, now, len(payload), check, number, fmt.RESERVED)
    body = position + fmt.SLOT
    current.buf[body : body + len(payload)] = payload
    fmt.MARK.pack_into(current.buf, position + fmt.MARK_AT, mark)
    return now


def _discard(segment: Segment) -> None:
    segment.close()
    if segment.path is not None:
        segment.path.unlink(missing_ok=True)


def _round_up(size: int) -> int:
    return (size + 65535) // 65536 * 65536


def _after_fork_in_child() -> None:
    for writer in list(_writers):
        writer._after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
