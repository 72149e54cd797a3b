"""Which line of a log is at which byte, counted from its beginning a piece at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from milepost.server.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from milepost.server.log_reading import Log

MOST_COUNTED: Final = 4 << 30
"""Bytes of a log in which lines are counted."""

_PIECE: Final = 4 << 20
_NEWLINE: Final = ord("\n")


@dataclass(frozen=True, slots=True)
class LinePlace:
    """A line of a log."""

    number: int
    """From 1."""
    start: int
    """The byte at which it begins."""


def line_at(log: Log, byte: int) -> LinePlace:
    """The line that holds a byte, or the last one.  Raises Problem for what is too far, and as Log.read does."""
    if byte > MOST_COUNTED:
        raise _too_far()
    before, start, read = 0, 0, 0
    for piece in _pieces(log, byte):
        before += piece.count(b"\n")
        last = piece.rfind(b"\n")
        if last >= 0:
            start = read + last + 1
        read += len(piece)
    return LinePlace(before + 1, start)


def line_numbered(log: Log, number: int) -> LinePlace:
    """The line with a number, or the last one.  Raises Problem for what is too far, and as Log.read does."""
    before, start, read = 0, 0, 0
    for piece in _pieces(log, MOST_COUNTED):
        found = piece.count(b"\n")
        if before + found >= number - 1:
            missing = number - 1 - before
            if missing:
                ends = np.flatnonzero(np.frombuffer(piece, np.uint8) == _NEWLINE)
                start = read + int(ends[missing - 1]) + 1
            return LinePlace(number, start)
        last = piece.rfind(b"\n")
        if last >= 0:
            start = read + last + 1
        before += found
        read += len(piece)
    if read >= MOST_COUNTED:
        raise _too_far()
    # A log ends with the end of its last line, after which there is no further one.
    if start == read and before:
        return line_at(log, read - 1)
    return LinePlace(before + 1, start)


def _pieces(log: Log, stop: int) -> Iterator[bytes]:
    position = 0
    while position < stop:
        piece = log.read(position, min(_PIECE, stop - position))
        if not piece:
            return
        yield piece
        position += len(piece)


def _too_far() -> Problem:
    return Problem(
        413, f"lines are counted in the first {MOST_COUNTED >> 30} GiB of a log only; search it, or go by bytes"
    )
