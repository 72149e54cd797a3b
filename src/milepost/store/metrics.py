"""Append points to metrics: a summary row for each, and chunks that grow with the series.

The newest points of a metric lie in the ``tail`` of its row, until there are enough for a chunk.  Chunks have
levels: 0 small, 1 middle, 2 big.  Along a series the levels only fall, and sixteen chunks of one level at its end
are merged into the next level, so a point is written at most once a level, and a series of any length has few
chunks that are not big.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sqlalchemy import and_, bindparam, delete, insert, select, update

from milepost.store.batch import CELL_BIGINT, NO_STEP, TABLE, Column, Points
from milepost.store.engine import MAX_PARAMETERS
from milepost.store.points import cell_at, cells, concat, decode, encode, take, weight, whole_micros
from milepost.store.schema import metric_chunks, metrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from sqlalchemy import Connection, RowMapping, Select

    from milepost.store.batch import SeriesBlock

    _Identity: TypeAlias = tuple[int, str, str, str]

TAIL_POINTS: Final = 256
"""A tail of so many points becomes a chunk."""
TAIL_BYTES: Final = 1 << 16
"""So does one that takes so many bytes: every batch writes it anew."""
CHUNK_POINTS: Final = 1 << 16
CHUNK_WEIGHT: Final = 1 << 24
"""Plain bytes that a chunk should not exceed (long texts, tables with very many columns)."""
MERGED_AT_ONCE: Final = 16
TOP_LEVEL: Final = 2

_LEVEL_POINTS: Final = (1 << 12, 1 << 15)  # from so many points on a chunk is of level 1, 2
_LEVEL_BYTES: Final = (1 << 17, 1 << 20)
_TRAILING: Final = (TOP_LEVEL + 1) * MERGED_AT_ONCE  # more chunks below the top level there never are

_CELL_CHARACTERS: Final = 1000
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def dump_cell(value: float | int | bool | str | None) -> str | None:
    """A value as the JSON that a summary keeps.  Of a long text only the beginning is kept, and marked so."""
    if value is None:
        return None
    if not isinstance(value, str):
        return json.dumps(value)
    text = value[:_CELL_CHARACTERS]
    # Two surrogates side by side would come back from JSON as one character.
    kept: Any = list(text) if _SURROGATE.search(text) else text
    return json.dumps(kept if len(text) == len(value) else {"cut": kept})


def load_cell(kept: str | None) -> tuple[Any, bool]:
    """The value that ``dump_cell`` kept, and whether it is whole."""
    value = None if kept is None else json.loads(kept)
    whole = not isinstance(value, dict)
    if isinstance(value, dict):
        value = value["cut"]
    return "".join(value) if isinstance(value, list) else value, whole


@dataclass(slots=True)
class _Piece:
    """A chunk: of the database (``data`` None until it is needed) or not yet written."""

    start: int
    count: int
    level: int
    points: Points | None = None
    data: bytes | None = None


@dataclass(slots=True)
class _Metric:
    """A metric with what the batch adds to it."""

    row: dict[str, Any]
    points: list[Points] = field(default_factory=list)
    is_new: bool = False
    new_chunks: list[_Piece] = field(default_factory=list)
    delete_from: int | None = None


def append(connection: Connection, workspace_key: int, blocks: Sequence[tuple[int, SeriesBlock]]) -> None:
    """Append each block to the metric of its run (given by the run's key), in order.

    The caller holds the runs' rows locked, so nobody else appends to them meanwhile.
    """
    touched = _load(connection, workspace_key, blocks)
    for run_key, block in blocks:
        metric = touched[run_key, block.namespace, block.name, block.kind]
        row = metric.row
        if not row["description"]:
            row["description"] = block.description
        row["calls"] += block.calls
        row["is_list"] = bool(row["is_list"] or block.is_list)
        metric.points.append(block.points)
    for metric in touched.values():
        added = _stamped(concat(metric.points), metric.row["count"])
        _summarize(metric.row, added)
        _place(connection, metric, added)
    _write(connection, workspace_key, list(touched.values()))


def _load(
    connection: Connection, workspace_key: int, blocks: Sequence[tuple[int, SeriesBlock]]
) -> dict[_Identity, _Metric]:
    """The metrics of the blocks, in the order in which the blocks first name them."""
    touched: dict[_Identity, _Metric] = {}
    for run_key, block in blocks:
        identity = (run_key, block.namespace, block.name, block.kind)
        if identity not in touched:
            touched[identity] = _Metric(_new_row(workspace_key, run_key, block), is_new=True)
    for row in _select(connection, list(touched), _ROWS):
        touched[_identity(row)] = _Metric(dict(row))
    return touched


def _select(connection: Connection, identities: list[_Identity], query: Select[Any]) -> Iterator[RowMapping]:
    """The rows of these metrics that are there, by one of the two queries below."""
    chosen = set(identities)
    for some in _groups(identities):
        wanted = {name: sorted(set(values)) for name, values in zip(_IDENTITY, zip(*some, strict=True), strict=True)}
        yield from (row for row in connection.execute(query, wanted).mappings() if _identity(row) in chosen)


def _groups(identities: list[_Identity]) -> Iterator[list[_Identity]]:
    """The identities in groups whose lists of columns do not multiply to many more than they are."""
    group: list[_Identity] = []
    values: tuple[set[Any], ...] = (set(), set(), set(), set())
    for identity in identities:
        for known, value in zip(values, identity, strict=True):
            known.add(value)
        if group and (len(group) >= MAX_PARAMETERS // 4 or math.prod(map(len, values)) > 4 * len(group) + 64):
            yield group
            group = []
            values = tuple({value} for value in identity)
        group.append(identity)
    if group:
        yield group


def _identity(row: RowMapping | dict[str, Any]) -> _Identity:
    return row["run_key"], row["namespace"], row["name"], row["kind"]


def _new_row(workspace_key: int, run_key: int, block: SeriesBlock) -> dict[str, Any]:
    return {
        "workspace_key": workspace_key,
        "run_key": run_key,
        "namespace": block.namespace,
        "name": block.name,
        "kind": block.kind,
        "description": block.description,
        "is_list": False,
        "calls": 0,
        "count": 0,
        "first_cell": None,
        "last_cell": None,
        "last_number": None,
        "min_number": None,
        "max_number": None,
        "nan_count": 0,
        "first_step": None,
        "last_step": None,
        "first_ns": None,
        "last_ns": None,
        "columns": [],
        "scalar_columns": list(block.scalar_columns),
        "tail": None,
    }


def _stamped(points: Points, before: int) -> Points:
    """The points with steps where there were none, and times in whole microseconds."""
    steps = points.steps
    without = steps == NO_STEP
    if without.any():
        steps = np.where(without, before + np.arange(len(steps), dtype=np.int64), steps)
    return Points(steps, whole_micros(points.times), points.columns)


def _summarize(row: dict[str, Any], added: Points) -> None:
    known = row["columns"]
    fresh = [name for name in added.columns if name not in known]
    if fresh:
        row["columns"] = [*known, *fresh]
    count = len(added)
    if not count:
        return
    if row["count"] == 0:
        row["first_step"], row["first_ns"] = int(added.steps[0]), int(added.times[0])
    row["last_step"], row["last_ns"] = int(added.steps[-1]), int(added.times[-1])
    column = added.columns.get("")
    if row["kind"] != TABLE and column is not None:
        _summarize_column(row, column)
    row["count"] += count


def _summarize_column(row: dict[str, Any], column: Column) -> None:
    if row["count"] == 0:
        row["first_cell"] = dump_cell(cell_at(column, 0))
    last = cell_at(column, len(column.kinds) - 1)
    row["last_cell"] = dump_cell(last)
    row["last_number"] = _number(last)
    numbers = column.floats
    missing = np.isnan(numbers)
    nans = int(missing.sum())
    if nans:
        row["nan_count"] += nans
        numbers = numbers[~missing]
    found = [float(edge) for array in (numbers, column.ints) if len(array) for edge in (array.min(), array.max())]
    if len(column.texts) and bool((column.kinds == CELL_BIGINT).any()):
        found += [number for number in map(_number, _bigints(column)) if number is not None]
    if found:
        # Of 0.0 and -0.0, which are equal, one would stay by chance: how the points were cut into batches decides it.
        # And SQLite keeps no sign of zero, PostgreSQL does.  So a least or greatest 0 has none.
        row["min_number"] = min([*found, row["min_number"]] if row["min_number"] is not None else found) + 0.0
        row["max_number"] = max([*found, row["max_number"]] if row["max_number"] is not None else found) + 0.0


def _bigints(column: Column) -> Iterable[Any]:
    return (value for value in cells(column) if isinstance(value, int) and not -(2**63) <= value < 2**63)


def _number(value: Any) -> float | None:
    """What sorting by a value uses: NaN, texts and missing values are no numbers."""
    if isinstance(value, str) or value is None or value != value:
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _place(connection: Connection, metric: _Metric, added: Points) -> None:
    """Put the points into the tail, or cut chunks."""
    row = metric.row
    if not len(added):
        return
    pieces = [added] if row["tail"] is None else [decode(row["tail"]), added]
    loose = concat(pieces)
    if len(loose) < TAIL_POINTS:
        row["tail"] = encode(loose)
        if len(row["tail"]) < TAIL_BYTES:
            return
    row["tail"] = None
    stack = [] if metric.is_new else _trailing(connection, row["key"])
    for piece in _cut(loose, row["count"] - len(loose)):
        _push(connection, metric, stack, piece)
    metric.new_chunks = [piece for piece in stack if piece.points is not None]


def _trailing(connection: Connection, metric_key: int) -> list[_Piece]:
    """The chunks below the top level at the end of the series, in order."""
    rows = connection.execute(
        select(metric_chunks.c.start, metric_chunks.c["count"], metric_chunks.c.level)
        .where(metric_chunks.c.metric_key == metric_key)
        .order_by(metric_chunks.c.start.desc())
        .limit(_TRAILING)
    )
    found = []
    for start, count, level in rows:
        if level >= TOP_LEVEL:
            break
        found.append(_Piece(start, count, level))
    return found[::-1]


def _cut(points: Points, start: int, floor: int = 0) -> list[_Piece]:
    """The points in chunks of even size."""
    total = len(points)
    pieces = max(-(-total // CHUNK_POINTS), min(total, -(-weight(points) // CHUNK_WEIGHT)))
    edges = [total * number // pieces for number in range(pieces + 1)]
    parts = [take(points, begin, end) for begin, end in itertools.pairwise(edges)]
    blocks = [encode(part) for part in parts]
    by_points = sum(len(parts[0]) >= least for least in _LEVEL_POINTS)
    by_bytes = sum(max(map(len, blocks)) >= least for least in _LEVEL_BYTES)
    # All of them get one level, so that none of them calls for another merge of the same points.
    level = max(floor, by_points, by_bytes)
    return [
        _Piece(start + begin, len(part), level, part, block)
        for begin, part, block in zip(edges, parts, blocks, strict=False)
    ]


def _push(connection: Connection, metric: _Metric, stack: list[_Piece], piece: _Piece) -> None:
    """Put a chunk at the end of the series, and merge what that leaves small."""
    first = len(stack)
    while first and stack[first - 1].level < piece.level:
        first -= 1
    if first < len(stack):
        smaller = stack[first:]
        del stack[first:]
        merged = _merge(connection, metric, [*smaller, piece], piece.level)
    else:
        stack.append(piece)
        last = stack[-MERGED_AT_ONCE:]
        if piece.level == TOP_LEVEL or len(last) < MERGED_AT_ONCE or last[0].level > piece.level:
            return
        del stack[-MERGED_AT_ONCE:]
        merged = _merge(connection, metric, last, piece.level + 1)
    for part in merged:
        _push(connection, metric, stack, part)


def _merge(connection: Connection, metric: _Metric, pieces: list[_Piece], floor: int) -> list[_Piece]:
    stored = [piece for piece in pieces if piece.points is None]
    if stored:
        # They are the last of the series, so everything from the first of them on is written anew.
        first = stored[0].start
        metric.delete_from = first if metric.delete_from is None else min(metric.delete_from, first)
        rows = connection.execute(
            select(metric_chunks.c.start, metric_chunks.c.data).where(
                metric_chunks.c.metric_key == metric.row["key"], metric_chunks.c.start >= first
            )
        )
        data = {row.start: row.data for row in rows}
        for piece in stored:
            piece.points = decode(data[piece.start])
    return _cut(concat([piece.points for piece in pieces if piece.points is not None]), pieces[0].start, floor)


def _write(connection: Connection, workspace_key: int, touched: list[_Metric]) -> None:
    new = [metric for metric in touched if metric.is_new]
    if new:
        connection.execute(insert(metrics), [metric.row for metric in new])
        # Keys that the database hands back cost a statement a row; only chunks need them.
        big = {_identity(metric.row): metric for metric in new if metric.new_chunks}
        for row in _select(connection, list(big), _KEYS):
            big[_identity(row)].row["key"] = row["key"]
    old = [{**metric.row, "this_key": metric.row["key"]} for metric in touched if not metric.is_new]
    if old:
        connection.execute(_UPDATE, old)
    outdated = [
        {"this_key": metric.row["key"], "first": metric.delete_from}
        for metric in touched
        if metric.delete_from is not None
    ]
    if outdated:
        connection.execute(_DELETE, outdated)
    chunks = [_chunk_row(workspace_key, metric.row["key"], piece) for metric in touched for piece in metric.new_chunks]
    if chunks:
        connection.execute(insert(metric_chunks), chunks)


def _chunk_row(workspace_key: int, metric_key: int, piece: _Piece) -> dict[str, Any]:
    points = piece.points
    if points is None or piece.data is None:
        raise AssertionError("only new chunks are written")
    return {
        "metric_key": metric_key,
        "start": piece.start,
        "workspace_key": workspace_key,
        "count": piece.count,
        "level": piece.level,
        "min_step": int(points.steps.min()),
        "max_step": int(points.steps.max()),
        "min_ns": int(points.times.min()),
        "max_ns": int(points.times.max()),
        "data": piece.data,
    }


_IDENTITY: Final = ("run_key", "namespace", "name", "kind")
# A list for each column, and not one list of rows: with rows SQLite reads the whole table.
_LISTED: Final = and_(*(metrics.c[name].in_(bindparam(name, expanding=True)) for name in _IDENTITY))
_ROWS: Final = select(metrics).where(_LISTED)
_KEYS: Final = select(metrics.c.key, *(metrics.c[name] for name in _IDENTITY)).where(_LISTED)
_FIXED: Final = ("key", *_IDENTITY, "workspace_key", "scalar_columns")
_UPDATE: Final = (
    update(metrics)
    .where(metrics.c.key == bindparam("this_key"))
    .values({column.name: bindparam(column.name) for column in metrics.c if column.name not in _FIXED})
)
_DELETE: Final = delete(metric_chunks).where(
    metric_chunks.c.metric_key == bindparam("this_key"), metric_chunks.c.start >= bindparam("first")
)
