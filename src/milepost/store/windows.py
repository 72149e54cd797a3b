"""Read the lines of many metrics, or a window of them, in few queries and without decoding what lies outside."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sqlalchemy import and_, or_, select

from milepost.store import lines
from milepost.store.batch import SERIES, TABLE, USER
from milepost.store.engine import pieces, read
from milepost.store.lines import GrowingLine, Line, LineMemory, line_of
from milepost.store.points import concat, decode, take
from milepost.store.schema import metric_chunks, metrics, runs
from milepost.store.texts import fit_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection, RowMapping

    from milepost.store.batch import Points
    from milepost.store.store import Store

STEP: Final = "step"
TIME: Final = "time"
"""Seconds since 1970 UTC."""
RELATIVE: Final = "relative"
"""Seconds since the run began (or was made, where it has not begun)."""

_SMALL: Final = 1 << 17
"""Points up to which a metric is read whole, whatever the window: the next window wants it too."""
_AT_ONCE: Final = 1 << 20
"""Points that are read before the first of their lines are given back."""
_PARTLY: Final = 1 << 20
"""Points up to which a window is read though the line is in memory, but thinned out."""
_CHUNKS_AT_ONCE: Final = 16
_METRICS_AT_ONCE: Final = 100  # SQLite takes no deeper conditions than 1,000
_NAMES_AT_ONCE: Final = 250
_SLACK_NS: Final = 2000  # seconds as float64 are that inexact


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line that is wanted: a metric of a run, and for tables the column."""

    run_id: str
    name: str
    namespace: str = USER
    column: str | None = None
    across: str | None = None
    """The column that tells where on the x axis a point lies, in place of the axis; for tables."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What x is, and which part of it is wanted; ``begin`` and ``end`` are in x's unit and belong to the window."""

    kind: str = STEP
    begin: float | None = None
    end: float | None = None

    @property
    def whole(self) -> bool:
        """Whether everything is wanted."""
        return self.begin is None and self.end is None


@dataclass(frozen=True, slots=True)
class Window:
    """A line within the window, or why there is none."""

    wanted: Wanted
    x: NDArray[np.float64]
    """Ascending.  With the point before the window and the one after it, so that the line goes on to the edges."""
    y: NDArray[np.float64]
    inside: int
    """Points within the window; of a window of more than four million points, about how many."""
    odd: tuple[int, int, int]
    """How many of those are NaN, and how many plus and minus infinity; as exact as ``inside``."""
    thinned: bool = False
    """Whether not all of those points are here, but the extremes of each few of them."""
    reordered: bool = False
    """Whether the metric's points were logged in an order in which x neither only rises nor only falls."""
    problem: str | None = None


@dataclass(slots=True)
class _Found:
    """A metric of the store that a wanted line is read from."""

    place: int
    wanted: Wanted
    key: int
    column: str
    count: int
    first_ns: int | None
    origin_ns: int
    identity: tuple[Any, ...] = ()
    growing: GrowingLine | None = None
    read: int = 0
    parts: list[tuple[int, Points]] = field(default_factory=list)
    """Points with the index of the first of them, in order."""
    gone: bool = False


def windows(store: Store, wanted: Sequence[Wanted], axis: Axis, memory: LineMemory) -> Iterator[tuple[int, Window]]:
    """The lines with their places in ``wanted``, each once, as they are read.

    A line that is not there is told by its ``problem``.  Raises StoreUnavailable and StoreDamaged.
    """
    with read(store.engine) as connection:
        found = _find(connection, store, wanted)
    known = {each.place for each in found}
    for place, asked in enumerate(wanted):
        if place not in known:
            yield place, _none(asked)
    for some in _portions(found):
        for each in some:
            each.growing = memory.get(each.identity)
            each.read = each.growing.read if each.growing is not None else 0
        partly: list[_Found] = []
        with read(store.engine) as connection:
            if not axis.whole:
                partly = [each for each in some if _is_read_partly(each) and _load_window(connection, each, axis)]
            wholly = [each for each in some if all(each is not other for other in partly)]
            if len(some) == 1 and wholly and some[0].count > _AT_ONCE:
                _load_long(connection, some[0])
            else:
                _load_rest(connection, wholly)
        for each in partly:
            line = line_of(concat([points for _, points in each.parts]), each.column) if each.parts else None
            yield each.place, _none(each.wanted) if line is None else _cut(each, line, axis)
        for each in wholly:
            line = _completed(each, memory)
            yield each.place, _none(each.wanted) if line is None else _cut(each, line, axis)
            each.parts, each.growing = [], None


def _none(wanted: Wanted) -> Window:
    column = "" if wanted.column is None else f" with a column {wanted.column!r}"
    problem = f"run {wanted.run_id} has no metric {wanted.name!r}{column} that could be drawn as a line"
    return Window(wanted, np.empty(0), np.empty(0), 0, (0, 0, 0), problem=problem)


# Which metrics.


def _find(connection: Connection, store: Store, wanted: Sequence[Wanted]) -> list[_Found]:
    rows: dict[tuple[str, str, str], list[RowMapping]] = defaultdict(list)
    for run_ids, namespace, names in _groups(wanted):
        query = (
            select(
                runs.c.run_id,
                runs.c.started_ns,
                runs.c.created_ns,
                *(metrics.c[name] for name in ("key", "namespace", "name", "kind", "columns", "first_ns")),
                metrics.c["count"].label("points"),
            )
            .join(metrics, metrics.c.run_key == runs.c.key)
            .where(
                runs.c.workspace_key == store.workspace_key,
                runs.c.run_id.in_(run_ids),
                runs.c.experiment_key.is_not(None),
                metrics.c.namespace == namespace,
                metrics.c.name.in_(names),
                metrics.c.kind.in_((SERIES, TABLE)),
            )
            .order_by(metrics.c.key)
        )
        for row in connection.execute(query).mappings():
            rows[row["run_id"], row["namespace"], row["name"]].append(row)
    found = []
    for place, each in enumerate(wanted):
        for row in rows.get((fit_name(each.run_id), each.namespace, fit_name(each.name)), []):
            column = each.column or ""
            if column in row["columns"] and each.across in (None, *row["columns"]):
                origin = row["started_ns"] if row["started_ns"] is not None else row["created_ns"]
                one = _Found(place, each, row["key"], column, row["points"], row["first_ns"], origin)
                # Databases give the keys of what was deleted to others; the time of the first point tells them apart.
                one.identity = (store.workspace_id, row["run_id"], row["key"], row["first_ns"], column, each.across)
                found.append(one)
                break
    return found


def _groups(wanted: Sequence[Wanted]) -> Iterator[tuple[list[str], str, list[str]]]:
    """(runs, namespace, names): queries that find what is wanted and little else."""
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in wanted:
        named[fit_name(each.run_id), each.namespace].add(fit_name(each.name))
    alike: dict[tuple[str, frozenset[str]], list[str]] = defaultdict(list)
    for (run_id, namespace), names in named.items():
        alike[namespace, frozenset(names)].append(run_id)
    for (namespace, chosen), run_ids in alike.items():
        for some_runs in pieces(run_ids, _NAMES_AT_ONCE):
            for some_names in pieces(sorted(chosen), _NAMES_AT_ONCE):
                yield some_runs, namespace, some_names


def _portions(found: list[_Found]) -> Iterator[list[_Found]]:
    portion: list[_Found] = []
    points = 0
    for each in found:
        if portion and (points + each.count > _AT_ONCE or len(portion) >= _METRICS_AT_ONCE):
            yield portion
            portion, points = [], 0
        portion.append(each)
        points += each.count
    if portion:
        yield portion


def _is_read_partly(each: _Found) -> bool:
    here = each.growing is not None and each.growing.group == 1
    return not here and each.count > _SMALL and each.wanted.across is None


# Their points.


def _load_rest(connection: Connection, found: list[_Found]) -> None:
    """Read the points after the first ``read`` of each; what is in memory already is not read again."""
    tails = _tails(connection, found)
    behind = []
    for each in found:
        if each.key not in tails:
            each.gone = True
            continue
        each.count, tail = tails[each.key]
        if each.read < each.count - (0 if tail is None else len(tail)):
            behind.append(each)
        if tail is not None and each.read < each.count:
            each.parts.append((each.count - len(tail), tail))
    if not behind:
        return
    chunks: dict[tuple[int, int], Points] = {}
    least = {each.key: min(other.read for other in behind if other.key == each.key) for each in behind}
    rows = connection.execute(
        select(metric_chunks.c.metric_key, metric_chunks.c.start, metric_chunks.c.data).where(
            or_(
                *(
                    and_(metric_chunks.c.metric_key == key, metric_chunks.c.start + metric_chunks.c["count"] > after)
                    for key, after in least.items()
                )
            )
        )
    )
    for key, start, data in rows:
        chunks[key, start] = decode(data)
    by_key: dict[int, list[tuple[int, Points]]] = defaultdict(list)
    for (key, start), points in sorted(chunks.items(), key=lambda item: item[0]):
        by_key[key].append((start, points))
    for each in behind:
        each.parts = [*by_key[each.key], *each.parts]


def _tails(connection: Connection, found: list[_Found]) -> dict[int, tuple[int, Points | None]]:
    keys = {each.key for each in found}
    rows = connection.execute(
        select(metrics.c.key, metrics.c["count"].label("points"), metrics.c.tail).where(metrics.c.key.in_(keys))
    )
    return {key: (count, None if tail is None else decode(tail)) for key, count, tail in rows}


def _load_window(connection: Connection, each: _Found, axis: Axis) -> bool:
    """Read the chunks that the window touches, and the one that comes before it and the one after it along x.

    False where they have too many points to read them all.
    """
    tail = _tails(connection, [each]).get(each.key)
    if tail is None:
        return True
    lowest, highest = _bounds(axis, each.origin_ns)
    edges = (
        (metric_chunks.c.min_step, metric_chunks.c.max_step)
        if axis.kind == STEP
        else (metric_chunks.c.min_ns, metric_chunks.c.max_ns)
    )
    listed = connection.execute(
        select(metric_chunks.c.start, *edges, metric_chunks.c["count"])
        .where(metric_chunks.c.metric_key == each.key)
        .order_by(metric_chunks.c.start)
    ).all()
    chosen = {start for start, least, most, _ in listed if most >= lowest and least <= highest}
    before = max(((most, start) for start, _, most, _ in listed if most < lowest), default=None)
    after = min(((least, start) for start, least, _, _ in listed if least > highest), default=None)
    chosen |= {neighbour[1] for neighbour in (before, after) if neighbour is not None}
    most = lines.LONG if each.growing is None else _PARTLY
    if sum(points for start, _, _, points in listed if start in chosen) > most:
        return False
    for some in pieces(sorted(chosen), 500):
        rows = connection.execute(
            select(metric_chunks.c.start, metric_chunks.c.data)
            .where(metric_chunks.c.metric_key == each.key, metric_chunks.c.start.in_(some))
            .order_by(metric_chunks.c.start)
        )
        each.parts += [(start, decode(data)) for start, data in rows]
    count, points = tail
    if points is not None:
        each.parts.append((count - len(points), points))
    return True


def _load_long(connection: Connection, each: _Found) -> None:
    """Read the rest of a long metric a few chunks at a time; of a very long one what is kept is thinned out."""
    tail = _tails(connection, [each]).get(each.key)
    if tail is None:
        each.gone = True
        return
    each.count, points = tail
    if each.growing is None:
        group = lines.group_of(each.count)
        room = each.count if group == 1 else 0
        each.growing = GrowingLine(each.column, each.wanted.across, room, group)
    with each.growing.lock:
        each.growing.thin_out()  # a line that was there grows while it is watched
        while True:
            rows = connection.execute(
                select(metric_chunks.c.start, metric_chunks.c.data)
                .where(
                    metric_chunks.c.metric_key == each.key,
                    metric_chunks.c.start + metric_chunks.c["count"] > each.growing.read,
                )
                .order_by(metric_chunks.c.start)
                .limit(_CHUNKS_AT_ONCE)
            ).all()
            if not rows:
                break
            for start, data in rows:
                _add(each.growing, start, decode(data))
        if points is not None:
            _add(each.growing, each.count - len(points), points)


def _add(growing: GrowingLine, start: int, points: Points) -> bool:
    """Add those of the points, which begin at an index of the metric, that are not read yet.  False for a hole."""
    if start > growing.read:
        return False
    if start + len(points) > growing.read:
        growing.add(take(points, growing.read - start, len(points)))
    return True


def _bounds(axis: Axis, origin_ns: int) -> tuple[int, int]:
    """The window in whole steps or ns, not smaller than it is."""
    begin = -math.inf if axis.begin is None else axis.begin
    end = math.inf if axis.end is None else axis.end
    if axis.kind != STEP:
        origin = origin_ns if axis.kind == RELATIVE else 0
        begin, end = begin * 1e9 + origin - _SLACK_NS, end * 1e9 + origin + _SLACK_NS
    return _int64(begin, math.floor), _int64(end, math.ceil)


def _int64(number: float, rounded: Any) -> int:
    limit = 2**63
    if not -limit <= number < limit:
        return limit - 1 if number > 0 else -limit
    return max(-limit, min(int(rounded(number)), limit - 1))


def _completed(each: _Found, memory: LineMemory) -> Line | None:
    """The whole line: what was in memory, and what was read now.  It is kept in memory unless it is too long."""
    if each.gone:
        return None
    growing = each.growing or GrowingLine(each.column, each.wanted.across, each.count)
    with growing.lock:
        if each.growing is not None and growing.read < each.count:
            growing.thin_out()  # it grows while it is watched
        if not all(_add(growing, start, points) for start, points in each.parts):
            return None  # deleted meanwhile
        line = growing.line()
    if memory.fits(growing):
        memory.put(each.identity, growing)
    else:
        memory.drop(each.identity)
    return line


# The part that is wanted.


def _cut(each: _Found, line: Line, axis: Axis) -> Window:
    if line.across is not None:
        x, rising = line.across, line.rising[2]
    elif axis.kind == STEP:
        x, rising = line.steps.astype(np.float64), line.rising[0]
    else:
        origin = each.origin_ns if axis.kind == RELATIVE else 0
        x, rising = (line.times - origin) / 1e9, line.rising[1]
    y = line.values
    falling = not rising and bool((x[1:] <= x[:-1]).all())
    if falling:
        x, y = x[::-1], y[::-1]
    elif not rising:
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    first = 0 if axis.begin is None else int(np.searchsorted(x, axis.begin, "left"))
    last = len(x) if axis.end is None else int(np.searchsorted(x, axis.end, "right"))
    last = max(first, last)
    start, stop = max(first - 1, 0), min(last + 1, len(x))
    inside, thinned = last - first, line.total > len(x)
    odd = _odd(line, y, first, last)
    if thinned:  # evenly, so this is nearly how many there are
        inside = round(line.total * inside / len(x))
    return Window(each.wanted, x[start:stop], y[start:stop], inside, odd, thinned, reordered=not (rising or falling))


def _odd(line: Line, y: NDArray[np.float64], first: int, last: int) -> tuple[int, int, int]:
    """How many of the line's values from one place to another are NaN, and how many plus and minus infinity."""
    if not any(line.odd) or last - first == len(y):
        return line.odd
    found = []
    for total, which in zip(line.odd, (np.isnan(y), y == np.inf, y == -np.inf), strict=True):
        held, here = int(which.sum()), int(which[first:last].sum())
        found.append(round(total * here / held) if held else 0)
    return found[0], found[1], found[2]
