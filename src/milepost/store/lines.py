"""The numbers of a metric as lines, and a memory of the ones that were read lately."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from milepost.store.batch import CELL_BIGINT, CELL_BOOL, CELL_FLOAT, CELL_INT
from milepost.store.points import cells

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    from milepost.store.batch import Column, Points

_OBJECT_BYTES: Final = 2000
LONG: Final = 1 << 22
"""A line of more points is held thinned out: of each few in a row the first, the last, and the extremes."""
KEPT: Final = 1 << 18
"""So many points are left of it, at most; and of a line that grows while it is watched, since it is drawn anew each
time."""
_EACH: Final = 4  # points that are kept of a few in a row


@dataclass(frozen=True, slots=True)
class Line:
    """The n points of a metric that have a number, in the order of logging.  The arrays must not be written to."""

    steps: NDArray[np.int64]
    times: NDArray[np.int64]
    """In ns since 1970 UTC."""
    values: NDArray[np.float64]
    across: NDArray[np.float64] | None
    """The numbers of another column, where one was asked for."""
    rising: tuple[bool, bool, bool]
    """Whether steps, times and ``across`` never fall."""
    total: int
    """n, or more where the line is thinned out: how many points the metric has."""
    odd: tuple[int, int, int]
    """How many of them all are NaN, and how many plus and minus infinity."""


def line_of(points: Points, column: str, across: str | None = None) -> Line:
    """The line of one column, its points being those rows where it has a number (and the other column too)."""
    growing = GrowingLine(column, across, len(points))
    growing.add(points)
    return growing.line()


def group_of(count: int) -> int:
    """How many points in a row are thinned out together in a line of so many points; 1: none are."""
    return 1 if count <= LONG else _few(count)


def _few(count: int) -> int:
    """How many points in a row are few, if of so many KEPT are to be left."""
    return max(2 * _EACH, 1 << (-(-count * _EACH // KEPT) - 1).bit_length())


def _thinned(values: NDArray[np.float64], group: int) -> NDArray[np.int64]:
    """Which points to keep: of each group the first, the last, the least, the greatest, and the first NaN."""
    count = len(values)
    starts = np.arange(0, count, group)
    padded = np.full(len(starts) * group, np.nan)
    padded[:count] = values
    rows = padded.reshape(-1, group)
    missing = np.isnan(rows)
    places = [starts, np.minimum(starts + group - 1, count - 1)]
    places += [
        starts + np.where(missing, np.inf, rows).argmin(axis=1),
        starts + np.where(missing, -np.inf, rows).argmax(axis=1),
    ]
    if missing.any():
        places.append(starts + missing.argmax(axis=1))
    kept = np.zeros(len(starts) * group, bool)
    for each in places:
        kept[each] = True
    return np.flatnonzero(kept[:count])


def _numbers(column: Column) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """The cells as numbers (bools as 0 and 1), and which have one; None where all have."""
    count = len(column.kinds)
    if len(column.floats) == count:
        return column.floats, None
    if len(column.ints) == count:
        return column.ints.astype(np.float64), None
    kinds = column.kinds
    numbers = np.full(count, np.nan)
    floats, ints = kinds == CELL_FLOAT, (kinds == CELL_INT) | (kinds == CELL_BOOL)
    numbers[floats] = column.floats
    numbers[ints] = column.ints
    there = floats | ints
    if CELL_BIGINT in kinds:
        # A row at a time: there are few such numbers.
        listed = cells(column)
        for place in np.flatnonzero(kinds == CELL_BIGINT).tolist():
            if isinstance(listed[place], int):
                numbers[place], there[place] = _as_float(listed[place]), True
    return numbers, there


def _as_float(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


class GrowingLine:
    """A line that takes more points at its end.  What ``line`` gave before stays as it is."""

    def __init__(self, column: str, across: str | None, room: int = 0, group: int = 1) -> None:
        """``room``: points to make room for at once.  ``group``: see ``group_of``."""
        self.lock = threading.Lock()
        """To be held from reading ``read`` until the points that follow are added."""
        self.read = 0
        """Points of the metric that were added, with or without a number."""
        self._column = column
        self._across = across
        self.group = group
        self._total = 0
        self._odd = [0, 0, 0]
        self._count = 0
        kinds: list[Any] = [np.int64, np.int64, np.float64]
        if across is not None:
            kinds.append(np.float64)
        self._arrays = [np.empty(room, kind) for kind in kinds]
        self._rising = [True, True, True]

    @property
    def bytes(self) -> int:
        """What it takes in memory, with what Python adds."""
        return _OBJECT_BYTES + sum(array.nbytes for array in self._arrays)

    def add(self, points: Points) -> None:
        """Add the points that follow those that were added so far."""
        self.read += len(points)
        columns = [self._column] if self._across is None else [self._column, self._across]
        found = [_numbers(points.columns[name]) for name in columns if name in points.columns]
        if len(found) < len(columns):
            return
        there = None
        for _, each in found:
            if each is not None:
                there = each if there is None else there & each
        if self._across is not None:  # a place on an axis is finite
            finite = np.isfinite(found[1][0])
            there = finite if there is None else there & finite
        fresh: list[NDArray[Any]] = [points.steps, points.times, *(numbers for numbers, _ in found)]
        if there is not None and not there.all():
            fresh = [array[there] for array in fresh]
        self._total += len(fresh[0])
        values = fresh[2]
        if not np.isfinite(values).all():
            for place, which in enumerate((np.isnan(values), values == np.inf, values == -np.inf)):
                self._odd[place] += int(which.sum())
        if self.group > 1 and len(values):
            kept = _thinned(values, self.group)
            fresh = [array[kept] for array in fresh]
        self._append(fresh)
        if self.group > 1:
            self.thin_out()

    def thin_out(self) -> None:
        """Keep no more than KEPT points."""
        while self._count > KEPT:
            # Of what is kept already the extremes of a few in a row are those of all points between them.
            few = _few(self._count)
            kept = _thinned(self._arrays[2][: self._count], few)
            self._arrays = [array[: self._count][kept] for array in self._arrays]
            self._count = len(kept)
            self.group *= few if self.group == 1 else few // _EACH

    def _append(self, fresh: list[NDArray[Any]]) -> None:
        added = len(fresh[0])
        if not added:
            return
        before, after = self._count, self._count + added
        if after > len(self._arrays[0]):
            room = after + after // 4 + 1024
            for place, array in enumerate(self._arrays):
                # Another array: the old one belongs to the lines that were given out.
                larger = np.empty(room, array.dtype)
                larger[:before] = array[:before]
                self._arrays[place] = larger
        for array, values in zip(self._arrays, fresh, strict=True):
            array[before:after] = values
        for which, place in enumerate((0, 1, 3)):
            if place < len(self._arrays) and self._rising[which]:
                part = self._arrays[place][max(before - 1, 0) : after]
                self._rising[which] = bool((part[1:] >= part[:-1]).all())
        self._count = after

    def line(self) -> Line:
        """The line as it is now."""
        views = [array[: self._count] for array in self._arrays]
        steps, times, across = self._rising
        nans, plus, minus = self._odd
        return Line(
            steps=views[0],
            times=views[1],
            values=views[2],
            across=views[3] if len(views) > 3 else None,
            rising=(steps, times, across),
            total=self._total,
            odd=(nans, plus, minus),
        )


class LineMemory:
    """The lines that were read last, within a bound of bytes.  Any number of threads may use it.

    Where there is not enough room for all of them whole, the long ones are thinned out.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._lines: OrderedDict[Hashable, GrowingLine] = OrderedDict()
        self._sizes: dict[Hashable, int] = {}
        self._total = 0

    @property
    def bytes(self) -> int:
        """What the lines take."""
        return self._total

    def fits(self, line: GrowingLine) -> bool:
        """Whether a line is small enough to be kept."""
        return line.bytes <= self._limit // 2

    def get(self, key: Hashable) -> GrowingLine | None:
        """The line of this key, which counts as used now."""
        with self._lock:
            found = self._lines.get(key)
            if found is not None:
                self._lines.move_to_end(key)
            return found

    def put(self, key: Hashable, line: GrowingLine) -> None:
        """Keep a line, or count anew what it takes; others that were not used for longest are let go."""
        with self._lock:
            self._total += line.bytes - self._sizes.pop(key, 0)
            self._lines[key] = line
            self._sizes[key] = line.bytes
            self._lines.move_to_end(key)
            if self._total > self._limit:
                self._thin_out()
            while self._total > self._limit and self._lines:
                oldest, _ = self._lines.popitem(last=False)
                self._total -= self._sizes.pop(oldest)

    def _thin_out(self) -> None:
        """Make lines smaller, beginning with those that were not used for longest, while there is not enough room."""
        for key, line in self._lines.items():
            if self._total <= self._limit:
                return
            if line.lock.acquire(blocking=False):
                try:
                    line.thin_out()
                finally:
                    line.lock.release()
                self._total += line.bytes - self._sizes[key]
                self._sizes[key] = line.bytes

    def drop(self, key: Hashable) -> None:
        """Forget a line."""
        with self._lock:
            if self._lines.pop(key, None) is not None:
                self._total -= self._sizes.pop(key)
