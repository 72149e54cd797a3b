"""Journals read back as plain records, in the order in which they were written."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from milepost.journal import format as fmt
from milepost.journal.reader import Piece, SegmentReader

if TYPE_CHECKING:
    from milepost.journal.writer import JournalWriter


@dataclass(frozen=True)
class Record:
    """``value``: a scalar's 64 bits as an integer, or a payload's bytes."""

    run_id: str
    name: str
    mark: int
    step: int
    value: int | bytes


def placed_records(piece: Piece) -> list[tuple[int, int, Record]]:
    """Each record of a piece with its first slot and the one after its last, counted from the piece's first."""
    found = []
    for place, slot in zip(piece.places.tolist(), piece.scalars.tolist(), strict=True):
        step, _time, value, number, mark = slot
        name = piece.series[number]
        found.append((place, place + 1, Record(name.run_id, name.name, mark, step, value)))
    for each in piece.payloads:
        run_id, title = "", ""
        if each.mark != fmt.EVENT:
            name = piece.series[each.series]
            run_id, title = name.run_id, name.name
        end = each.place + fmt.slots_for(len(each.body))
        found.append((each.place, end, Record(run_id, title, each.mark, each.step, each.body)))
    return sorted(found, key=lambda item: item[0])


def records(pieces: Iterable[Piece]) -> list[Record]:
    return [record for piece in pieces for _place, _end, record in placed_records(piece)]


def values_of(found: Iterable[Record], name: str) -> list[int]:
    """The integers of one series."""
    return [each.value for each in found if each.name == name and isinstance(each.value, int)]


class LiveReader:
    """Reads a journal that is being written, as the drain does, in pieces of random length."""

    def __init__(self, writer: JournalWriter, seed: int = 0) -> None:
        self.writer = writer
        self.readers: dict[int, SegmentReader] = {}
        self.found: list[Record] = []
        self.reached = 0
        self.damaged = 0
        self._random = random.Random(seed)

    def read(self, timeout: float = 1.0) -> bool:
        """Read what is new, and say whether the snapshot was final."""
        segments, final = self.writer.snapshot(timeout)
        for segment, position in segments:
            if segment.offset_of(position) <= self.reached:
                continue
            reader = self.readers.setdefault(segment.base, SegmentReader(segment.base))
            size = self._cut()
            while reader.position < position:
                before = reader.position
                upto = min(position, before + size)
                with memoryview(segment.buf) as whole, whole[:upto] as content:
                    piece = reader.read(content, final=final, more=upto < position or not final, start=self.reached)
                if reader.position == before:
                    if upto == position:
                        assert not final, "a final read gets to the end"
                        return final
                    size *= 4
                    continue
                size = self._cut()
                assert piece.start == self.reached, "pieces leave no gap and do not overlap"
                self.reached = piece.end
                self.damaged += piece.damaged
                self.found += records([piece])
        return final

    def read_and_release(self, timeout: float = 1.0) -> bool:
        final = self.read(timeout)
        self.writer.release(self.reached)
        return final

    def _cut(self) -> int:
        return self._random.choice((32, 64, 96, 1000, 4096, 1 << 20))
