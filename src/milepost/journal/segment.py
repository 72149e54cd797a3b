"""Segment files: preallocated, mapped into memory, so that an append is a store into the page cache."""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import mmap
import os
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from milepost.journal.format import HEADER_SIZE, SLOT, SegmentHeader, pack_header

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_SUPPORTED = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS})
# Reserved in steps: a signal makes a file system start a step again, and a timer could stop a long one for ever.
_STEP: Final = 1 << 20

SUFFIX: Final = ".seg"
_FRESH: Final = ".new"
PATTERNS: Final = (f"*{SUFFIX}", f"*{_FRESH}")
"""All files that a journal's folder may hold."""

_serial = itertools.count(1)


class Segment:
    """One segment that is being written.

    ``buf`` is the mapped file, or plain memory where the disk was full.  ``claim`` gives out slots: one ``next``
    is one bytecode, so a signal handler that logs between two bytecodes of an append never gets the same slot.
    ``series`` maps a run's handle to its metrics' numbers in this segment; ``numbers`` gives them out.  A scalar may
    go to any slot up to ``soft``; beyond it the writer has something to do first.  ``nexts``: what was opened to
    follow this segment; the first is the one that does.
    """

    __slots__ = (
        "base",
        "buf",
        "claim",
        "hard",
        "header",
        "nexts",
        "numbers",
        "path",
        "series",
        "size",
        "soft",
    )

    def __init__(self, header: SegmentHeader, buf: mmap.mmap | bytearray, path: Path | None) -> None:
        self.header = header
        self.buf: mmap.mmap | bytearray = buf
        self.path = path
        self.base = header.base
        self.size = header.size
        self.claim: Iterator[int] = itertools.count(HEADER_SIZE, SLOT)
        self.hard = header.size - SLOT
        self.soft = self.hard
        self.series: dict[int, dict[str, int]] = {}
        self.numbers: Iterator[int] = itertools.count(1)
        self.nexts: list[Segment] = []

    @property
    def in_memory(self) -> bool:
        """True where there is no file behind it yet."""
        return self.path is None

    @property
    def mapped(self) -> bool:
        """False for a full segment that rests."""
        return True

    def on_disk(self) -> bool:
        """True if the file is where it was made."""
        return self.path is not None and self.path.exists()

    @property
    def end(self) -> int:
        """Journal offset just after the segment's last slot."""
        return self.base + self.size - HEADER_SIZE

    def position(self) -> int:
        """The next slot's place in ``buf``, at most ``size``."""
        # count() offers no other way to look without taking one.
        return min(int(repr(self.claim)[6:].partition(",")[0].rstrip(")")), self.size)

    def offset_of(self, position: int) -> int:
        """Journal offset of a place in ``buf``."""
        return self.base + position - HEADER_SIZE

    def sync(self) -> None:
        """Bring what was written to the disk itself.  Raises OSError."""
        if self.path is None:
            return
        if sys.platform != "linux":  # elsewhere fsync is not bound to know of mapped pages
            buf = self.buf
            if isinstance(buf, mmap.mmap):
                buf.flush()
        try:
            # One call for the file and its mapped pages; unlike mmap.flush() it lets other threads run.
            with io.FileIO(self.path, "r+") as file:
                getattr(os, "fdatasync", os.fsync)(file.fileno())
        except FileNotFoundError:
            return  # released meanwhile

    def rest(self) -> None:
        """Unmap a segment that is full; whoever wants its ``buf`` later maps it again for a while.

        A mapping holds a file handle, and a store that is away for days must not use them up.
        """
        if self.mapped and self.on_disk():
            self.__class__ = _Resting  # and not __getattr__: that would slow down every append
            Segment.__dict__["buf"].__delete__(self)

    def close(self) -> None:
        """Give up the file.  The mapping goes when nothing refers to it any more."""
        if os.name == "nt":  # a mapped file cannot be removed there
            with contextlib.suppress(BufferError):
                if self.mapped and isinstance(self.buf, mmap.mmap):
                    self.buf.close()


class _Resting(Segment):
    """A full segment that is mapped only while somebody looks."""

    __slots__ = ()

    @property
    def mapped(self) -> bool:
        return False

    @property
    def buf(self) -> mmap.mmap | bytearray:  # type: ignore[override]
        assert self.path is not None
        try:
            with io.FileIO(self.path, "r+") as file:
                return _map(file.fileno(), self.size)
        except FileNotFoundError:
            warnings.warn(
                f"Milepost: {self.path} was removed by another program; what was logged there is lost.",
                RuntimeWarning,
                stacklevel=2,
            )
            return bytearray(self.size)


class Forked(OSError):
    """We are a child, forked by a signal handler in the middle of what its parent was doing."""


def disk_full(error: OSError) -> bool:
    """True if the error says that the disk or the quota is used up."""
    return error.errno in _FULL


def create_file(folder: Path, header: SegmentHeader, content: bytes | None = None) -> Segment:
    """Make a segment's file, all its blocks reserved (an append can then never hit a full disk), and map it.

    ``content`` (of ``header.size`` bytes) fills it.  Raises OSError; nothing is left behind then.

    The name begins with the offset and is new for each call: a signal handler that interrupts this and opens the same
    segment gets another file.  One of them stays empty.  Raises Forked in a child that such a handler has forked and
    that comes back to this: the file is its parent's.
    """
    file, fresh, path = _new_file(folder, header.base)
    try:
        with file:
            _reserve(file, header)
            _only_in(header.pid)
            file.seek(0)
            view = memoryview(content if content is not None else pack_header(header))
            while view:
                _only_in(header.pid)
                view = view[file.write(view) or 0 :]
            if os.name != "nt":
                buf = _map(file.fileno(), header.size)
        _only_in(header.pid)
        _rename(fresh, path)
        if os.name == "nt":  # an open file cannot be renamed there
            with io.FileIO(path, "r+") as renamed:
                buf = _map(renamed.fileno(), header.size)
    except BaseException:
        if header.pid == os.getpid():
            for each in (fresh, path):
                with contextlib.suppress(OSError):
                    each.unlink()
        raise
    return Segment(header, buf, path)


def create_in_memory(header: SegmentHeader) -> Segment:
    """A segment that has no file: what a full disk leaves us."""
    buf = bytearray(header.size)
    buf[:HEADER_SIZE] = pack_header(header)
    return Segment(header, buf, None)


def move_to_disk(segment: Segment, folder: Path) -> None:
    """Give a segment in memory its file.  The caller holds the writer's lock.  Raises OSError."""
    old, begin = segment.buf, segment.position()
    on_disk = create_file(folder, segment.header, bytes(old))
    new = segment.buf = on_disk.buf
    segment.path = on_disk.path
    # What a signal handler wrote while the copy was made went to the old place.
    for at in range(begin, segment.position(), SLOT):
        if any(old[at : at + SLOT]):
            new[at : at + SLOT] = old[at : at + SLOT]


def discard(segment: Segment) -> None:
    """Give up a segment and remove its file.  A file that cannot be removed stays: what it holds is elsewhere too.

    A child that was forked by a signal handler, and comes back to what its parent was doing, removes nothing.
    """
    segment.close()
    if segment.path is not None and segment.header.pid == os.getpid():
        with contextlib.suppress(OSError):
            segment.path.unlink()


def remove_folder(path: Path) -> bool:
    """Remove a journal's folder and the segments in it.  False if it stays, for files that are none of ours.

    Raises OSError where that cannot be done.
    """
    for _ in range(3):  # a spare segment may be in the making
        for pattern in PATTERNS:
            for each in path.glob(pattern):
                each.unlink(missing_ok=True)
        try:
            path.rmdir()
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return True
    return False


def new_header(journal_id: str, base: int, size: int) -> SegmentHeader:
    """Header of a segment that this process begins now."""
    return SegmentHeader(journal_id, base, size, time.time_ns(), os.getpid())


def _new_file(folder: Path, base: int) -> tuple[io.FileIO, Path, Path]:
    """The file under the name that it has while it is made, and both names."""
    while True:
        path = folder / f"{base:016x}-{next(_serial):x}{SUFFIX}"
        fresh = path.with_name(path.name + _FRESH)
        try:
            # A file object, since that is closed in any case if we are interrupted just here.
            return io.FileIO(fresh, "x+"), fresh, path
        except FileExistsError:
            continue  # made by a child that a signal handler has forked


def _only_in(pid: int) -> None:
    """Raises Forked in any other process."""
    if os.getpid() != pid:
        raise Forked


def _rename(fresh: Path, path: Path) -> None:
    try:
        fresh.replace(path)
    except FileNotFoundError:
        if not path.exists():  # else such a child has done it
            raise


def _map(fd: int, size: int) -> mmap.mmap:
    if sys.version_info >= (3, 13) and sys.platform != "win32":
        return mmap.mmap(fd, size, trackfd=False)  # else it keeps a handle of its own
    return mmap.mmap(fd, size)


def _reserve(file: io.FileIO, header: SegmentHeader) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            for at in range(0, header.size, _STEP):
                os.posix_fallocate(file.fileno(), at, min(_STEP, header.size - at))
        except OSError as error:
            if error.errno not in _NOT_SUPPORTED:
                raise
        else:
            return
    # Written zeros reserve the blocks on file systems (and platforms) that cannot be asked for them.
    zeros = memoryview(bytes(min(header.size, _STEP)))
    left = header.size
    while left:
        _only_in(header.pid)
        left -= file.write(zeros[:left]) or 0
