"""Segment files: preallocated, mapped into memory, so that an append is a store into the page cache."""

from __future__ import annotations

import errno
import itertools
import mmap
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from milepost.journal.format import HEADER_SIZE, SLOT, SegmentHeader, pack_header

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NOT_SUPPORTED = frozenset({errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS})
_ZEROS = 1 << 20

SUFFIX: Final = ".seg"
SPARE: Final = ".spare"
_FRESH: Final = ".new"
PATTERNS: Final = tuple(f"*{suffix}" for suffix in (SUFFIX, SPARE, _FRESH))
"""All files that a journal's folder may hold."""


class Segment:
    """One segment that is being written.

    ``buf`` is the mapped file, or plain memory where the disk was full.  ``claim`` gives out slots: one ``next``
    is one bytecode, so a signal handler that logs between two bytecodes of an append never gets the same slot.
    ``series`` maps a run's handle to its metrics' numbers in this segment.  A scalar may go to any slot up to
    ``soft``; beyond it the writer has something to do first.
    """

    __slots__ = ("base", "buf", "claim", "fd", "hard", "header", "path", "series", "series_count", "size", "soft")

    def __init__(self, header: SegmentHeader, buf: mmap.mmap | bytearray, path: Path | None, fd: int | None) -> None:
        self.header = header
        self.buf: mmap.mmap | bytearray = buf
        self.path = path
        self.fd = fd
        self.base = header.base
        self.size = header.size
        self.claim: Iterator[int] = itertools.count(HEADER_SIZE, SLOT)
        self.hard = header.size - SLOT
        self.soft = self.hard
        self.series: dict[int, dict[str, int]] = {}
        self.series_count = 0

    @property
    def in_memory(self) -> bool:
        """True where there is no file behind it yet."""
        return self.path is None

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
        if self.fd is None:
            return
        if os.name == "nt":  # FlushFileBuffers leaves mapped pages alone
            if isinstance(self.buf, mmap.mmap):
                self.buf.flush()
            os.fsync(self.fd)
        else:
            # One call for the file and its mapped pages; unlike mmap.flush() it lets other threads run.
            getattr(os, "fdatasync", os.fsync)(self.fd)

    def close(self) -> None:
        """Close the file's handle.  The mapping goes when nothing refers to it any more."""
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


def disk_full(error: OSError) -> bool:
    """True if the error says that the disk or the quota is used up."""
    return error.errno in _FULL


def create_file(folder: Path, header: SegmentHeader, content: bytes | None = None, *, suffix: str = SUFFIX) -> Segment:
    """Make a segment's file, all its blocks reserved (an append can then never hit a full disk), and map it.

    ``content`` (of ``header.size`` bytes) fills it.  Raises OSError; nothing is left behind then.
    """
    path = folder / f"{header.base:016x}{suffix}"
    fresh = path.with_name(path.name + _FRESH)
    fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
    try:
        _reserve(fd, header.size)
        os.lseek(fd, 0, os.SEEK_SET)
        view = memoryview(content if content is not None else pack_header(header))
        while view:
            view = view[os.write(fd, view) :]
        buf = mmap.mmap(fd, header.size)
        if os.name == "nt":  # an open file cannot be renamed there
            buf.close()
            os.close(fd)
            fresh.replace(path)
            fd = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
            buf = mmap.mmap(fd, header.size)
        else:
            fresh.replace(path)
    except BaseException:
        os.close(fd)
        fresh.unlink(missing_ok=True)
        raise
    return Segment(header, buf, path, fd)


def create_in_memory(header: SegmentHeader) -> Segment:
    """A segment that has no file: what a full disk leaves us."""
    buf = bytearray(header.size)
    buf[:HEADER_SIZE] = pack_header(header)
    return Segment(header, buf, None, None)


def rename(spare: Segment) -> None:
    """Make a spare segment's file a real one."""
    assert spare.path is not None
    spare.path = spare.path.replace(spare.path.with_suffix(SUFFIX))


def move_to_disk(segment: Segment, folder: Path) -> None:
    """Give a segment in memory its file.  The caller holds the writer's lock.  Raises OSError."""
    on_disk = create_file(folder, segment.header, bytes(segment.buf))
    segment.buf, segment.path, segment.fd = on_disk.buf, on_disk.path, on_disk.fd


def new_header(journal_id: str, base: int, size: int) -> SegmentHeader:
    """Header of a segment that this process begins now."""
    return SegmentHeader(journal_id, base, size, time.time_ns(), os.getpid())


def _reserve(fd: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError as error:
            if error.errno not in _NOT_SUPPORTED:
                raise
        else:
            return
    # Written zeros reserve the blocks on file systems (and platforms) that cannot be asked for them.
    zeros = bytes(min(size, _ZEROS))
    left = size
    while left:
        left -= os.write(fd, zeros[:left] if left < len(zeros) else zeros)
