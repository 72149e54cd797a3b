"""Reading journals back: what the drain moves into the store, live or after a crash.

Needs numpy; only the drain and recovery import this module.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from milepost.journal import format as fmt
from milepost.journal.segment import SUFFIX
from milepost.journal.writer import SeriesName

SLOT_DTYPE: Final = np.dtype([("step", "i8"), ("time", "i8"), ("value", "i8"), ("series", "u4"), ("mark", "u4")])
"""A scalar slot; ``value`` holds the bits of a float64 where the mark says so."""


@dataclass(slots=True)
class Payload:
    """One record with a payload.  ``place`` orders it among the scalars of the same piece."""

    place: int
    mark: int
    time_ns: int
    step: int
    series: int
    body: bytes


@dataclass(slots=True)
class Piece:
    """What lies between two offsets of one segment, in the order it was written.

    ``scalars``: SLOT_DTYPE of shape (n,); ``places``: int64 of shape (n,), their order among the payloads.
    ``series``: every series number used in the piece.  ``damaged``: slots or records that could not be read.
    """

    start: int
    end: int
    scalars: NDArray[np.void]
    places: NDArray[np.int64]
    payloads: list[Payload] = field(default_factory=list)
    series: dict[int, SeriesName] = field(default_factory=dict)
    damaged: int = 0

    def __len__(self) -> int:
        return len(self.scalars) + len(self.payloads)


class SegmentReader:
    """Reads one segment from its first slot on; each ``read`` goes on where the last one ended."""

    def __init__(self, base: int) -> None:
        self.base = base
        self.position = fmt.HEADER_SIZE
        self.series: dict[int, SeriesName] = {}

    def read(self, content: memoryview, *, final: bool = True, more: bool = False, start: int = 0) -> Piece:
        """Read the slots of ``content`` (the segment from its header on, up to where it is written).

        ``final`` False: the writer may be in the middle of something; stop at the first hole.  ``more``: the
        segment goes on behind ``content``; stop before a record that is cut.  What lies before the journal offset
        ``start`` is read for its series only.
        """
        first = self.position
        usable = (len(content) - first) // fmt.SLOT
        slots = np.frombuffer(content, dtype=SLOT_DTYPE, count=usable, offset=first) if usable > 0 else _NO_SLOTS
        marks = np.ascontiguousarray(slots["mark"])
        keep = (marks >= fmt.FLOAT) & (marks <= fmt.BOOL)
        others = np.flatnonzero(~keep & (marks != 0))
        holes: Sequence[int] = () if final else np.flatnonzero(marks == 0).tolist()
        payloads: list[Payload] = []
        damaged = 0
        at = 0
        end = len(slots)
        skip_before = self._slot_of(start, first)
        while at < end:
            which = bisect_left(others, at)
            following = int(others[which]) if which < len(others) else end
            hole = bisect_left(holes, at)
            if hole < len(holes) and holes[hole] < following:
                end = int(holes[hole])
                break
            at = following
            if at == end:
                break
            mark = int(marks[at])
            if mark == fmt.RESERVED and not final:
                end = at
                break
            if mark != fmt.RESERVED and mark not in fmt.PAYLOADS:
                damaged += 1
                at += 1
                continue
            offset = first + at * fmt.SLOT
            step, time_ns, length, check, series, _mark = fmt.PAYLOAD_SLOT.unpack_from(content, offset)
            taken = fmt.slots_for(length)
            if at + taken > len(slots) and more:
                end = at
                break
            if at + taken > len(slots):
                # The payload would pass the end: its length is wrong, so look for the next record slot by slot.
                damaged += 1
                at += 1
                continue
            keep[at : at + taken] = False
            body = bytes(content[offset + fmt.SLOT : offset + fmt.SLOT + length])
            if mark != fmt.RESERVED:
                if check != fmt.checksum(step, time_ns, series, mark, body):
                    damaged += 1
                elif mark == fmt.SERIES:
                    self.series[series] = _series_name(body)
                elif at >= skip_before:
                    payloads.append(Payload(at, mark, time_ns, step, series, body))
            at += taken
        keep[end:] = False
        keep[: min(skip_before, len(keep))] = False
        self.position = first + end * fmt.SLOT
        places = np.flatnonzero(keep)
        scalars = slots[places]  # a copy: nothing refers to the mapped file any more
        unnamed = set(np.unique(scalars["series"]).tolist()) - self.series.keys()
        if unnamed:
            named = ~np.isin(scalars["series"], list(unnamed))
            damaged += int((~named).sum())
            places, scalars = places[named], scalars[named]
        return Piece(
            start=max(start, self.offset(first)),
            end=self.offset(self.position),
            scalars=scalars,
            places=places,
            payloads=payloads,
            series=self.series,
            damaged=damaged,
        )

    def offset(self, position: int) -> int:
        """Journal offset of a place in the segment."""
        return self.base + position - fmt.HEADER_SIZE

    def _slot_of(self, offset: int, first: int) -> int:
        return max(0, (offset - self.offset(first)) // fmt.SLOT)


def read_files(folder: Path, start: int = 0) -> list[Piece]:
    """All that a dead journal's files hold from the offset ``start`` on, a piece a segment.

    A segment whose header cannot be read gives an empty piece with ``damaged`` 1 and covers nothing.  Raises
    JournalForeign and OSError.
    """
    pieces = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        content = path.read_bytes()
        try:
            header = fmt.parse_header(content)
        except fmt.JournalForeign:
            raise
        except fmt.JournalDamaged:
            pieces.append(Piece(start, start, _NO_SLOTS, np.empty(0, np.int64), damaged=1))
            continue
        end = header.base + header.size - fmt.HEADER_SIZE
        if end <= start:
            continue
        piece = SegmentReader(header.base).read(memoryview(content), start=start)
        piece.end = max(piece.end, end)
        pieces.append(piece)
    return pieces


def parse_event(payload: Payload) -> dict[str, Any]:
    """The event's ``kind``, ``run_id`` and ``data``."""
    event: dict[str, Any] = json.loads(payload.body)
    return event


def _series_name(body: bytes) -> SeriesName:
    return SeriesName(**json.loads(body))


_NO_SLOTS: Final = np.empty(0, SLOT_DTYPE)
