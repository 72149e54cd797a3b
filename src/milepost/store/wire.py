"""Batches and metric points as bytes, for the way between two machines.

A message is

    magic "MPB1" | header length u32 | CRC-32 of all that follows, begun with that length, u32 | header JSON | blocks

The JSON is an object; each series in it tells the lengths (bytes) of its blocks, which lie in the order of the series.
Blocks are what ``points.encode`` makes: compressed columns with a checksum of their own.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final

from milepost.store.batch import Batch, Event, Points, SeriesBlock
from milepost.store.errors import BadInput, StoreDamaged, StoreUnavailable
from milepost.store.points import MAX_CELLS, MAX_POINTS, concat, decode, encode, extent, take
from milepost.store.records import ANY, StoredMetric

if TYPE_CHECKING:
    from collections.abc import Iterator

BATCH_TYPE: Final = "application/vnd.milepost.batch"
"""The media type of a batch."""
METRICS_TYPE: Final = "application/vnd.milepost.metrics"
"""The media type of metrics as they lie in a store."""

_MAGIC: Final = b"MPB1"
_HEAD: Final = struct.Struct("<4sII")
_SERIES_FACTS: Final = ("run_id", "name", "kind", "namespace", "description", "calls", "is_list", "scalar_columns")


_METRIC_FACTS: Final = tuple(each.name for each in fields(StoredMetric) if each.name != "blocks")

MAX_BATCH_CELLS: Final = 1 << 26
"""Cells of one batch.  Compressed ones take no room to speak of, and half a gigabyte where they are unpacked."""
MAX_BATCH_TEXT: Final = 1 << 28
"""Bytes of text in one batch, likewise."""


def pack_batch(batch: Batch) -> bytes:
    """The message of a batch."""
    series: list[dict[str, Any]] = []
    blocks: list[bytes] = []
    for block in batch.series:
        pieces = [encode(each) for each in cut(block.points)]
        facts = {name: getattr(block, name) for name in _SERIES_FACTS}
        series.append({**facts, "blocks": [len(each) for each in pieces]})
        blocks += pieces
    head = {
        "journal_id": batch.journal_id,
        "start": batch.start,
        "end": batch.end,
        "events": [asdict(each) for each in batch.events],
        "series": series,
    }
    return _message(head, blocks)


def unpack_batch(data: bytes | memoryview) -> Batch:
    """The batch of a message.  Raises BadInput where it is none, StoreUnavailable where it was damaged on its way."""
    head, body = _parts(data)
    try:
        events = [
            Event(str(e["kind"]), str(e["run_id"]), _whole(e["time_ns"]), _object(e["data"])) for e in head["events"]
        ]
        batch = Batch(str(head["journal_id"]), _whole(head["start"]), _whole(head["end"]), events)
        position = 0
        cells = 0
        text = MAX_BATCH_TEXT
        for each in head["series"]:
            pieces = []
            for length in map(_whole, each["blocks"]):
                if not 0 < length <= len(body) - position:
                    raise BadInput("a batch claims blocks that it does not hold")
                block = bytes(body[position : position + length])
                count, columns = extent(block)
                cells += count * (columns + 2)
                if cells > MAX_BATCH_CELLS:
                    raise BadInput(f"a batch holds more than {MAX_BATCH_CELLS:,} values; send it in parts")
                points = decode(block, text)
                text -= sum(len(each) for column in points.columns.values() for each in column.texts)
                pieces.append(points)
                position += length
            facts = {name: each[name] for name in _SERIES_FACTS}
            batch.series.append(_block(facts, pieces))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"a batch is malformed: {type(error).__name__} at {str(error)[:100]}") from error
    except StoreDamaged as error:
        raise BadInput(f"a batch was damaged on its way: {error}") from error
    if position != len(body):
        raise BadInput("a batch does not end where it should")
    return batch


def _block(facts: dict[str, Any], pieces: list[Points]) -> SeriesBlock:
    texts = ("run_id", "name", "kind", "namespace", "description")
    if not all(isinstance(facts[name], str) for name in texts) or not isinstance(facts["is_list"], bool):
        raise BadInput("a batch has a series without a name")
    columns = facts["scalar_columns"]
    if not isinstance(columns, list) or not all(isinstance(each, str) for each in columns):
        raise BadInput("a batch has a series whose scalar_columns are no list of names")
    calls = _whole(facts["calls"])
    if not pieces or calls < 0:
        raise BadInput("a batch has a series without points")
    points = pieces[0] if len(pieces) == 1 else concat(pieces)
    return SeriesBlock(**{**facts, "points": points, "calls": calls, "scalar_columns": tuple(columns)})


def cut(points: Points) -> Iterator[Points]:
    """The points in pieces that fit a block each; at least one, which may be empty."""
    most = max(1, min(MAX_POINTS, MAX_CELLS // max(1, len(points.columns))))
    if len(points) <= most:
        yield points
        return
    for begin in range(0, len(points), most):
        yield take(points, begin, begin + most)


def pack_points(points: Points) -> bytes:
    """The message of points alone."""
    blocks = [encode(each) for each in cut(points)]
    return _message({"blocks": [len(each) for each in blocks]}, blocks)


def unpack_points(data: bytes | memoryview) -> Points:
    """The points of a message.  Raises BadInput where it is none, and StoreDamaged where a block is damaged."""
    head, body = _parts(data)
    position = 0
    pieces = []
    for length in head.get("blocks", ()):
        pieces.append(decode(bytes(body[position : position + length])))
        position += length
    if not pieces or position != len(body):
        raise BadInput("an answer with points was cut off on its way")
    return concat(pieces)


def pack_metrics(metrics: list[StoredMetric]) -> bytes:
    """The message of metrics as they lie in a store."""
    listed: list[dict[str, Any]] = []
    blocks: list[bytes] = []
    for each in metrics:
        facts = {name: getattr(each, name) for name in _METRIC_FACTS}
        listed.append({**facts, "blocks": [len(block) for block in each.blocks]})
        blocks += each.blocks
    return _message({"metrics": listed}, blocks)


def unpack_metrics(data: bytes | memoryview) -> list[StoredMetric]:
    """The metrics of a message.  Raises BadInput where it is none."""
    head, body = _parts(data)
    position = 0
    found = []
    try:
        for facts in head["metrics"]:
            blocks = []
            for length in facts["blocks"]:
                blocks.append(bytes(body[position : position + length]))
                position += length
            alone = None if facts["alone"] is None else (facts["alone"][0],)
            listed = {"columns": tuple(facts["columns"]), "scalar_columns": tuple(facts["scalar_columns"])}
            found.append(StoredMetric(**{**facts, **listed, "alone": alone, "blocks": tuple(blocks)}))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"an answer with metrics is malformed: {error}") from error
    if position != len(body):
        raise BadInput("an answer with metrics was cut off on its way")
    return found


_ANY: Final = {"$any": True}


def plain(value: Any) -> Any:
    """A call's argument as JSON: records become objects, ``ANY`` an object that ``restored`` knows."""
    if value is ANY:
        return _ANY
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    return value


def restored(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The tags or properties of a query, as ``plain`` wrote them."""
    return {key: ANY if value == _ANY else value for key, value in wanted.items()}


def _message(head: dict[str, Any], blocks: list[bytes]) -> bytes:
    text = json.dumps(head, separators=(",", ":")).encode()
    check = zlib.crc32(text, len(text))
    for block in blocks:
        check = zlib.crc32(block, check)
    return b"".join([_HEAD.pack(_MAGIC, len(text), check), text, *blocks])


def _parts(data: bytes | memoryview) -> tuple[dict[str, Any], memoryview]:
    view = memoryview(data)
    if len(view) < _HEAD.size:
        raise BadInput("a message is cut off")
    magic, length, check = _HEAD.unpack_from(view)
    if magic != _MAGIC:
        raise BadInput("these bytes are no message with metric points, or one of a newer Milepost")
    if length > len(view) - _HEAD.size or zlib.crc32(view[_HEAD.size :], length) != check:
        raise StoreUnavailable("a message was damaged on its way; it has to be sent again")
    try:
        head = json.loads(bytes(view[_HEAD.size : _HEAD.size + length]))
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the head of a message is no JSON: {error}") from error
    return _object(head), view[_HEAD.size + length :]


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise ValueError(f"{str(value)[:50]!r} is no whole number")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput("a message holds something that should be an object and is none")
    return value
