"""From what a journal holds to what a store takes: records become columns, one block a metric."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import numpy as np

from milepost.journal import format as fmt
from milepost.journal.reader import Payload, Piece, parse_event
from milepost.store import batch as store
from milepost.store.points import column_of, concat

_NO_INTS = np.empty(0, np.int64)
_NO_FLOATS = np.empty(0, np.float64)


def to_batch(journal_id: str, piece: Piece) -> store.Batch:
    """The batch of one piece of a journal."""
    batch = store.Batch(journal_id, piece.start, piece.end)
    payloads: defaultdict[int, list[Payload]] = defaultdict(list)
    for payload in piece.payloads:
        if payload.mark == fmt.EVENT:
            event = parse_event(payload)
            batch.events.append(store.Event(event["kind"], event["run_id"], payload.time_ns, event["data"]))
        elif payload.series in piece.series:
            payloads[payload.series].append(payload)
    scalars = {number: (places, slots) for number, places, slots in _by_series(piece)}
    nothing = (piece.places[:0], piece.scalars[:0])
    blocks: list[tuple[int, store.SeriesBlock]] = []
    for number in scalars.keys() | payloads.keys():
        places, slots = scalars.get(number, nothing)
        entries = payloads.get(number, [])
        first = min(place for place in (*places[:1].tolist(), *(each.place for each in entries[:1])))
        blocks.append((first, _block(piece, number, places, slots, entries)))
    # Metrics come back in the order of their first logging.
    batch.series = [block for _first, block in sorted(blocks, key=lambda each: each[0])]
    return batch


def _by_series(piece: Piece) -> list[tuple[int, Any, Any]]:
    numbers = piece.scalars["series"]
    if len(numbers) == 0:
        return []
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    cuts = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return [
        (int(ordered[start]), piece.places[order[start:stop]], piece.scalars[order[start:stop]])
        for start, stop in zip([0, *cuts.tolist()], [*cuts.tolist(), len(ordered)], strict=True)
    ]


def _block(piece: Piece, number: int, places: Any, scalars: Any, payloads: list[Payload]) -> store.SeriesBlock:
    name = piece.series[number]
    parts: list[store.Points] = []
    calls = len(scalars)
    is_list = False
    scalar_columns: tuple[str, ...] = ()
    begin = 0
    for payload in payloads:
        upto = int(np.searchsorted(places, payload.place))
        if upto > begin:
            parts.append(_scalar_points(scalars[begin:upto]))
            begin = upto
        if payload.mark == fmt.CELLS:
            cells = json.loads(payload.body)
            columns = cells["columns"]
            scalar_columns = scalar_columns or tuple(cells.get("scalars", ()))
            is_list = is_list or bool(cells.get("list"))
            calls += int(cells.get("calls", 1))
            parts.append(_cell_points(columns, payload))
        else:
            is_list = True
            calls += payload.step
            parts.append(_array_points(payload))
    if begin < len(scalars):
        parts.append(_scalar_points(scalars[begin:]))
    points = parts[0] if len(parts) == 1 else concat(parts)
    return store.SeriesBlock(
        run_id=name.run_id,
        name=name.name,
        kind=name.kind,
        namespace=name.namespace,
        description=name.description,
        points=points,
        calls=calls,
        is_list=is_list,
        scalar_columns=scalar_columns,
    )


def _scalar_points(scalars: Any) -> store.Points:
    kinds = (scalars["mark"] & 0xFF).astype(np.uint8)  # the journal's marks number kinds as the store's cells do
    bits = np.ascontiguousarray(scalars["value"])
    if (kinds == store.CELL_FLOAT).all():
        floats, ints = bits.view(np.float64), _NO_INTS
    else:
        is_float = kinds == store.CELL_FLOAT
        floats, ints = bits[is_float].view(np.float64), bits[~is_float]
    column = store.Column(kinds, floats, ints, [])
    return store.Points(np.ascontiguousarray(scalars["step"]), np.ascontiguousarray(scalars["time"]), {"": column})


def _array_points(payload: Payload) -> store.Points:
    if payload.mark == fmt.FLOATS:
        floats = np.frombuffer(payload.body, np.float64)
        column = store.Column(np.full(len(floats), store.CELL_FLOAT, np.uint8), floats, _NO_INTS, [])
    else:
        ints = np.frombuffer(payload.body, np.int64)
        column = store.Column(np.full(len(ints), store.CELL_INT, np.uint8), _NO_FLOATS, ints, [])
    return _points(column, len(column.kinds), payload.time_ns, store.NO_STEP)


def _cell_points(columns: dict[str, list[Any]], payload: Payload) -> store.Points:
    length = max((len(values) for values in columns.values()), default=0)
    padded = {
        name: column_of(values if len(values) == length else values + [None] * (length - len(values)))
        for name, values in columns.items()
    }
    times = np.full(length, payload.time_ns, np.int64)
    # A step given with the call is the step of its first value; NO_STEP leaves all to the store.
    return store.Points(np.full(length, payload.step, np.int64), times, padded)


def _points(column: store.Column, length: int, time_ns: int, step: int) -> store.Points:
    return store.Points(np.full(length, step, np.int64), np.full(length, time_ns, np.int64), {"": column})
