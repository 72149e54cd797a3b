"""Points of metrics as rows of a table, one a cell, and back: to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from milepost.store.batch import CELL_BIGINT, CELL_BOOL, CELL_FLOAT, CELL_INT, CELL_TEXT, Column, Points
from milepost.store.errors import BadInput
from milepost.store.folder.format import CELL_TYPES, POINTS, pyarrow, schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from milepost.store.records import MetricSummary

_OF_METRIC: Final = ("run_id", "namespace", "name", "kind")
_NAMES: Final = [CELL_TYPES[code] for code in sorted(CELL_TYPES)]


def rows_of(metric: MetricSummary, points: Points, index: int) -> Any:
    """The points, whose first has this index in the metric, as a table of pyarrow: point by point, column by column."""
    pa = pyarrow()
    names = list(metric.columns)
    width, count = len(names), len(points)
    total = count * width
    kinds = np.empty(total, np.uint8)
    floats, is_number = np.zeros(total), np.zeros(total, bool)
    ints, is_int = np.zeros(total, np.int64), np.zeros(total, bool)
    texts: list[str | None] = [None] * total
    raw: list[bytes | None] = [None] * total
    for place, name in enumerate(names):
        column = points.columns[name]
        kind = column.kinds
        own = slice(place, None, width)
        kinds[own] = kind
        whole = (kind == CELL_INT) | (kind == CELL_BOOL)
        values = np.zeros(count)
        values[kind == CELL_FLOAT] = column.floats
        values[whole] = column.ints
        integers = np.zeros(count, np.int64)
        integers[whole] = column.ints
        floats[own], is_number[own] = values, (kind == CELL_FLOAT) | whole
        ints[own], is_int[own] = integers, whole
        told = np.flatnonzero((kind == CELL_TEXT) | (kind == CELL_BIGINT))
        for row, text in zip((told * width + place).tolist(), column.texts, strict=True):
            try:
                text.encode()
                texts[row] = text
            except UnicodeEncodeError:
                raw[row] = text.encode("utf-8", "surrogatepass")
    order = np.tile(np.arange(width, dtype=np.int32), count)
    whose = [pa.DictionaryArray.from_arrays(np.zeros(total, np.int32), [getattr(metric, each)]) for each in _OF_METRIC]
    arrays = [
        *(each.cast(pa.string()) for each in whose),
        pa.array(np.repeat(np.arange(index, index + count, dtype=np.int64), width)),
        pa.DictionaryArray.from_arrays(order, names or [""]).cast(pa.string()),
        pa.array(np.repeat(points.steps, width)),
        pa.array(np.repeat(points.times, width)).cast(pa.timestamp("ns", tz="UTC")),
        pa.DictionaryArray.from_arrays(kinds.astype(np.int32), _NAMES).cast(pa.string()),
        pa.array(floats, mask=~is_number),
        pa.array(ints, mask=~is_int),
        pa.array(texts, pa.string()),
        pa.array(raw, pa.binary()),
    ]
    return pa.Table.from_arrays(arrays, schema=schema(POINTS))


def points_of(metric: MetricSummary, rows: Any, index: int) -> Points:
    """The points that ``rows_of`` has turned into these rows.  Raises BadInput where they cannot be that metric's."""
    names = list(metric.columns)
    width = len(names)
    count = rows.num_rows // width
    for name in _OF_METRIC:
        if pyarrow().compute.unique(rows[name]).to_pylist() not in ([getattr(metric, name)], []):
            raise _wrong(metric, f"they are another {name}'s")
    places = _codes(rows["column"], names)
    if places is None or not np.array_equal(places, np.tile(np.arange(width), count)):
        raise _wrong(metric, "the columns are not in their order")
    if not np.array_equal(_plain(rows["index"]), np.repeat(np.arange(index, index + count), width)):
        raise _wrong(metric, "the points are not in their order")
    steps = _plain(rows["step"]).reshape(count, width)
    times = _plain(rows["time"].cast(pyarrow().int64())).reshape(count, width)
    if (steps != steps[:, :1]).any() or (times != times[:, :1]).any():
        raise _wrong(metric, "the cells of one point have different steps or times")
    kinds = _codes(rows["type"], _NAMES)
    if kinds is None:
        raise _wrong(metric, f"a cell has a type that is none of {', '.join(_NAMES)}")
    floats, ints = _plain(rows["value"]), _plain(rows["integer"])
    columns = {}
    for place, name in enumerate(names):
        own = slice(place, None, width)
        kind = kinds[own].astype(np.uint8)
        told = np.flatnonzero((kind == CELL_TEXT) | (kind == CELL_BIGINT)) * width + place
        texts = _texts(rows, told) if len(told) else []
        if texts is None:
            raise _wrong(metric, "a cell has no text, or one that is no Unicode")
        whole = (kind == CELL_INT) | (kind == CELL_BOOL)
        columns[name] = Column(kind, floats[own][kind == CELL_FLOAT], ints[own][whole], texts)
    return Points(np.ascontiguousarray(steps[:, 0]), np.ascontiguousarray(times[:, 0]), columns)


def _texts(rows: Any, places: NDArray[np.int64]) -> list[str] | None:
    found = []
    pairs = zip(rows["text"].take(places).to_pylist(), rows["bytes"].take(places).to_pylist(), strict=True)
    for text, raw in pairs:
        if text is None and raw is None:
            return None
        try:
            found.append(raw.decode("utf-8", "surrogatepass") if text is None else text)
        except UnicodeDecodeError:
            return None
    return found


def _plain(column: Any) -> NDArray[Any]:
    """The numbers of a column; those that are missing are 0."""
    whole = column.combine_chunks()
    if whole.null_count:
        whole = whole.fill_null(0)
    found: NDArray[Any] = whole.to_numpy(zero_copy_only=False)
    return found


def _codes(column: Any, names: list[str]) -> NDArray[np.int64] | None:
    """Which of the names each text is; None where one is none of them."""
    pa = pyarrow()
    found = pa.compute.index_in(column.combine_chunks(), pa.array(names, pa.string()))
    return None if found.null_count else found.to_numpy(zero_copy_only=False).astype(np.int64)


def _wrong(metric: MetricSummary, why: str) -> BadInput:
    return BadInput(
        f"{POINTS}.parquet does not hold the points of metric {metric.name[:100]!r} of run {metric.run_id[:100]} where "
        f"metrics.parquet says ({why}): export the workspace anew"
    )
