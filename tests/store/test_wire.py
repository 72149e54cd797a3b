"""Batches and points on their way between two machines come back as they were, and damaged ones are refused."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store import wire
from milepost.store.batch import NO_STEP, Batch, Event, Points, SeriesBlock
from milepost.store.errors import BadInput, StoreUnavailable
from milepost.store.points import cells, column_of
from milepost.store.records import ANY, RunQuery, StoredMetric

CELLS = st.one_of(st.floats(), st.integers(-(2**70), 2**70), st.booleans(), st.text(max_size=20), st.none())
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@st.composite
def series(draw: st.DrawFn) -> SeriesBlock:
    length = draw(st.integers(0, 30))
    names = draw(st.lists(st.text(max_size=8), min_size=1, max_size=3, unique=True))
    columns = {name: column_of(draw(st.lists(CELLS, min_size=length, max_size=length))) for name in names}
    steps = draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=length, max_size=length))
    return SeriesBlock(
        run_id=draw(st.text(max_size=10)),
        name=draw(st.text(max_size=10)),
        kind="table",
        points=Points(np.array(steps, np.int64), np.arange(length, dtype=np.int64) * 1000, columns),
        description=draw(st.text(max_size=10)),
        calls=draw(st.integers(0, 2**31)),
        is_list=draw(st.booleans()),
        scalar_columns=tuple(names[:1]),
    )


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    events = st.builds(
        Event,
        st.text(max_size=8),
        st.text(max_size=8),
        st.integers(0, 2**63),
        st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    )
    return Batch(
        draw(st.text(max_size=10)), 5, 99, draw(st.lists(events, max_size=3)), draw(st.lists(series(), max_size=3))
    )


def _told(batch: Batch) -> object:
    return (
        batch.journal_id,
        batch.start,
        batch.end,
        batch.events,
        [
            (
                replace(block, points=None),  # type: ignore[arg-type]
                block.points.steps.tolist(),
                block.points.times.tolist(),
                {name: repr(cells(column)) for name, column in block.points.columns.items()},
            )
            for block in batch.series
        ],
    )


@given(batches())
def test_a_batch_comes_back_as_it_was(batch: Batch) -> None:
    assert _told(wire.unpack_batch(wire.pack_batch(batch))) == _told(batch)


@given(batches(), st.data())
def test_a_batch_that_was_damaged_on_its_way_is_refused_and_to_be_sent_again(batch: Batch, data: st.DataObject) -> None:
    whole = bytearray(wire.pack_batch(batch))
    place = data.draw(st.integers(4, len(whole) - 1))
    if data.draw(st.booleans()):
        del whole[max(place, 12) :]
    else:
        whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StoreUnavailable, match="sent again"):
        wire.unpack_batch(bytes(whole))


@given(st.binary(max_size=300))
def test_what_is_no_batch_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput):
        wire.unpack_batch(content)
    message = (
        b"MPB1" + len(content).to_bytes(4, "little") + zlib.crc32(content, len(content)).to_bytes(4, "little") + content
    )
    with pytest.raises(BadInput):
        wire.unpack_batch(message)


def test_a_batch_that_would_fill_the_memory_is_refused() -> None:
    count = 1 << 20
    same = Points(np.full(count, NO_STEP), np.zeros(count, np.int64), {"": column_of([1.0] * count)})
    block = SeriesBlock("r", "m", "series", same)
    many = wire.pack_batch(Batch("j", 0, 1, [], [block] * 32))
    assert len(many) < 1 << 20
    with pytest.raises(BadInput, match="send it in parts"):
        wire.unpack_batch(many)


def test_so_is_one_whose_texts_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MAX_BATCH_TEXT", 10_000)
    texts = Points(np.full(2, NO_STEP), np.zeros(2, np.int64), {"": column_of(["a" * 2000] * 2)})
    block = SeriesBlock("r", "m", "series", texts)
    assert wire.unpack_batch(wire.pack_batch(Batch("j", 0, 1, [], [block] * 2))).series
    with pytest.raises(BadInput, match="a text claims more than it can hold"):
        wire.unpack_batch(wire.pack_batch(Batch("j", 0, 1, [], [block] * 3)))


def test_points_of_more_than_one_block_are_one_again() -> None:
    count = (1 << 20) + 5
    points = Points(np.arange(count), np.arange(count) * 1000, {"": column_of([0.5] * count)})
    back = wire.unpack_points(wire.pack_points(points))
    assert np.array_equal(back.steps, points.steps)
    assert cells(back.columns[""]) == [0.5] * count


def test_metrics_as_they_lie_in_a_store_come_back() -> None:
    metrics = [
        StoredMetric("r", "m", "series", False, 1, 1, ("",), (), (float("inf"),), ()),
        StoredMetric("r", "n", "table", False, 2, 9, ("a", "b"), ("a",), None, (b"one", b"two")),
    ]
    assert wire.unpack_metrics(wire.pack_metrics(metrics)) == metrics
    with pytest.raises(StoreUnavailable):
        wire.unpack_metrics(wire.pack_metrics(metrics)[:-1])


def test_a_query_says_any_value_in_a_way_of_its_own() -> None:
    told = wire.plain(RunQuery(tags={"a": ANY, "b": None, "c": "x"}))
    assert told["tags"]["a"] != told["tags"]["b"]
    assert wire.restored(told["tags"]) == {"a": ANY, "b": None, "c": "x"}
