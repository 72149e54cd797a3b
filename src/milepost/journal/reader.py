"""Reading journals back: what the drain moves into the store, live or after a crash.

Needs numpy; only the drain and recovery import this module.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
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
        is_payload = np.isin(marks, _WITH_PAYLOAD)
        strange = (marks != 0) & ~keep & ~is_payload  # not a record of ours, unless it is part of a payload
        heads: list[int] = np.flatnonzero(is_payload).tolist()
        holes: list[int] = [] if final else np.flatnonzero(marks == 0).tolist()
        payloads: list[Payload] = []
        damaged = 0
        at = 0
        end = len(slots)
        skip_before = self._slot_of(start, first)
        head_index = hole_index = 0
        while True:
            head_index = bisect_left(heads, at, head_index)
            following = heads[head_index] if head_index < len(heads) else end
            hole_index = bisect_left(holes, at, hole_index)
            if hole_index < len(holes) and holes[hole_index] < following:
                end = holes[hole_index]
                break
            at = following
            if at == end:
                break
            offset = first + at * fmt.SLOT
            step, time_ns, length, check, series, mark = fmt.PAYLOAD_SLOT.unpack_from(content, offset)
            if mark == fmt.RESERVED and not final:
                end = at
                break
            taken = fmt.slots_for(length)
            if at + taken > len(slots):
                if more:
                    end = at
                    break
                # Cut off, or its length is wrong: look for the next record slot by slot.
                damaged += 1
                at += 1
                continue
            body = bytes(content[offset + fmt.SLOT : offset + fmt.SLOT + length])
            # A reserved one stays where its process was killed or its thread interrupted; nothing was acknowledged.
            if mark == fmt.RESERVED or check != fmt.checksum(step, time_ns, series, mark, body):
                # Its length may be wrong: what looks like a record in what it covers is taken as one.
                damaged += mark != fmt.RESERVED
                strange[at : at + taken] = False
                at += 1
                continue
            if mark == fmt.SERIES:
                name = _series_name(body)
                if name is None:
                    damaged += 1
                else:
                    self.series[series] = name
            elif mark != fmt.EVENT and series not in self.series:
                damaged += at >= skip_before
            elif at >= skip_before:
                payloads.append(Payload(at, mark, time_ns, step, series, body))
            keep[at : at + taken] = False
            strange[at : at + taken] = False
            at += taken
        keep[end:] = False
        keep[: min(skip_before, len(keep))] = False
        damaged += int(strange[:end].sum())
        self.position = first + end * fmt.SLOT
        places = np.flatnonzero(keep)
        scalars = slots[places]  # a copy: nothing refers to the mapped file any more
        # Not np.unique(), which imports numpy.ma: a tenth of a second in every process that delivers.
        numbers = np.sort(scalars["series"])
        changes = numbers[1:] != numbers[:-1]
        unnamed = {*numbers[:1].tolist(), *numbers[1:][changes].tolist()} - self.series.keys()
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


def read_files(folder: Path, start: int = 0) -> Iterator[Piece]:
    """All that a dead journal's files hold from the offset ``start`` on, a piece a segment, one at a time.

    A file that is cut counts as one damaged record, and so does one whose header cannot be read: its name tells its
    place.  Raises JournalForeign (before the first piece) and OSError.
    """
    found: dict[int, list[_File]] = {}
    unknown = 0
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        each = _look_at(path)
        if each is None:
            unknown += 1
        else:
            found.setdefault(each.base, []).append(each)
    if unknown:
        yield Piece(start, start, _NO_SLOTS, np.empty(0, np.int64), damaged=unknown)
    bases = sorted(found)
    for base, following in zip_longest(bases, bases[1:]):
        file = min(found[base], key=_File.precedence) if len(found[base]) > 1 else found[base][0]
        # Where a broken file ends is not known for sure.
        if file.end <= start and (file.sound or (following is not None and following <= start)):
            continue
        piece = SegmentReader(base).read(memoryview(file.path.read_bytes()), start=start)
        piece.end = max(piece.end, file.end)
        piece.damaged += not file.sound
        yield piece


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    base: int
    end: int
    sound: bool

    def precedence(self) -> tuple[bool, int]:
        """The lowest is the one that was written to, of several that were opened at the same place.

        The others (a spare that was not used, what a signal handler was quicker to open) are empty.
        """
        content = self.path.read_bytes()
        empty = content.count(0, fmt.HEADER_SIZE) == len(content) - fmt.HEADER_SIZE
        return empty, self.end


def _look_at(path: Path) -> _File | None:
    with path.open("rb") as file:
        head = file.read(fmt.HEADER_SIZE)
        size = os.fstat(file.fileno()).st_size
    try:
        header = fmt.parse_header(head)
    except fmt.JournalForeign:
        raise
    except fmt.JournalDamaged:
        try:
            base = int(path.name[:16], 16)
        except ValueError:
            return None
        return _File(path, base, base + max(0, size - fmt.HEADER_SIZE), sound=False)
    return _File(path, header.base, header.base + header.size - fmt.HEADER_SIZE, sound=size >= header.size)


def parse_event(payload: Payload) -> dict[str, Any]:
    """The event's ``kind``, ``run_id`` and ``data``."""
    event: dict[str, Any] = json.loads(payload.body)
    return event


def _series_name(body: bytes) -> SeriesName | None:
    try:
        return SeriesName(**json.loads(body))
    except (ValueError, TypeError):
        return None


_NO_SLOTS: Final = np.empty(0, SLOT_DTYPE)
_WITH_PAYLOAD: Final = np.array([*fmt.PAYLOADS, fmt.RESERVED], np.uint32)
