"""The bytes of metric points: everything comes back as it went in, and damage is noticed."""

from __future__ import annotations

import math
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store.batch import CELL_BIGINT, CELL_NONE, NO_STEP, Column, Points
from milepost.store.errors import BadInput, StoreDamaged
from milepost.store.points import MAX_POINTS, cell_at, cells, check, column_of, concat, decode, encode, take
from tests.store.builders import series_points

INT64 = st.integers(-(2**63), 2**63 - 1)
# With lone surrogates and NUL: texts come from scripts, not from people.
TEXTS = st.text(st.characters(codec=None), max_size=20)
FLOATS = st.floats(width=64, allow_nan=True, allow_infinity=True)
CELLS = st.one_of(st.none(), st.booleans(), INT64, st.integers(-(10**30), 10**30), FLOATS, TEXTS)


@st.composite
def columns(draw: st.DrawFn, count: int) -> Column:
    values = draw(
        st.one_of(
            st.lists(CELLS, min_size=count, max_size=count),
            st.lists(FLOATS, min_size=count, max_size=count),
            st.lists(INT64, min_size=count, max_size=count),
            st.lists(TEXTS, min_size=count, max_size=count),
            st.just([None] * count),
        )
    )
    return column_of(values)


@st.composite
def points(draw: st.DrawFn, most: int = 200) -> Points:
    count = draw(st.integers(0, most))
    numbers = st.one_of(
        st.lists(INT64, min_size=count, max_size=count).map(lambda listed: np.array(listed, np.int64)),
        st.builds(lambda first, step: first + step * np.arange(count), st.integers(-9, 9), st.integers(-9, 9)),
    )
    names = draw(st.lists(TEXTS, max_size=3, unique=True))
    return Points(
        draw(numbers).astype(np.int64), draw(numbers).astype(np.int64), {name: draw(columns(count)) for name in names}
    )


def same_bits(left: Column, right: Column) -> bool:
    return (
        bool((left.kinds == right.kinds).all())
        and bool((left.floats.view(np.int64) == right.floats.view(np.int64)).all())
        and bool((left.ints == right.ints).all())
        and left.texts == right.texts
    )


def same_values(left: list[object], right: list[object]) -> bool:
    """Equal in type and value; NaN equals NaN, -0.0 is not 0.0."""
    return len(left) == len(right) and all(
        type(a) is type(b) and (a == b or (a != a and b != b)) and not (a == 0 and str(a) != str(b))
        for a, b in zip(left, right, strict=True)
    )


@given(points())
def test_points_come_back_exactly_but_for_times_below_a_microsecond(original: Points) -> None:
    found = decode(encode(original))
    assert found.steps.tolist() == original.steps.tolist()
    least = -(2**63 // 1000) * 1000
    assert found.times.tolist() == [max(ns // 1000 * 1000, least) for ns in original.times.tolist()]
    assert list(found.columns) == list(original.columns)
    assert all(same_bits(found.columns[name], column) for name, column in original.columns.items())


@given(st.lists(CELLS, max_size=100))
def test_values_come_back_with_their_types(values: list[object]) -> None:
    block = decode(encode(series_points(values)))
    assert same_values(cells(block.columns[""]), values)
    assert all(same_values([cell_at(block.columns[""], i)], values[i : i + 1]) for i in range(len(values)))


def test_special_values_come_back() -> None:
    values = [math.nan, math.inf, -math.inf, -0.0, 0.0, 5e-324, 1.7976931348623157e308, True, False, 1, 1.0]
    values += [2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**400, None, "", "\ud83d\ude00", "\ud83d", "a\0b", "😀"]
    for repeats in (1, 40):  # below and above the size from which on numbers are packed
        assert same_values(cells(decode(encode(series_points(values * repeats))).columns[""]), values * repeats)


def test_a_nan_keeps_its_payload() -> None:
    bits = np.array([0x7FF8000000000123, -1] * 50, np.int64)
    column = Column(np.ones(100, np.uint8), bits.view(np.float64), np.empty(0, np.int64), [])
    found = decode(encode(Points(np.arange(100), np.zeros(100, np.int64), {"": column})))
    assert (found.columns[""].floats.view(np.int64) == bits).all()


def test_a_million_noisy_losses_take_less_than_eight_bytes_each() -> None:
    count = 1 << 18
    rng = np.random.default_rng(0)
    losses = np.exp(-np.arange(count) / count * 3) + rng.normal(0, 0.05, count)
    times = 1_700_000_000_000_000_000 + np.cumsum(rng.integers(300, 1700, count))
    column = Column(np.ones(count, np.uint8), losses, np.empty(0, np.int64), [])
    whole = Points(np.arange(count), times, {"": column})
    size = sum(len(encode(take(whole, start, start + 65536))) for start in range(0, count, 65536))
    assert size <= 8 * count


def test_even_steps_and_equal_values_take_almost_nothing() -> None:
    whole = series_points([0.5] * 65536, steps=range(65536))
    assert len(encode(whole)) < 200


@given(st.lists(points(40), max_size=5))
def test_joined_pieces_give_the_points_in_order(pieces: list[Points]) -> None:
    whole = concat(pieces)
    assert whole.steps.tolist() == [step for piece in pieces for step in piece.steps.tolist()]
    assert list(whole.columns) == list(dict.fromkeys(name for piece in pieces for name in piece.columns))
    for name, column in whole.columns.items():
        values = [
            value
            for piece in pieces
            for value in (cells(piece.columns[name]) if name in piece.columns else [None] * len(piece))
        ]
        assert same_values(cells(column), values)


@given(points(60), st.integers(-5, 70), st.integers(-5, 70))
def test_a_slice_is_the_slice_of_each_column(whole: Points, start: int, stop: int) -> None:
    part = take(whole, start, stop)
    start, stop = max(start, 0), max(stop, 0)
    assert part.steps.tolist() == whole.steps.tolist()[start:stop]
    for name, column in whole.columns.items():
        assert same_values(cells(part.columns[name]), cells(column)[start:stop])
    check(part)


@given(points(150), st.data())
def test_a_cut_off_block_is_damaged(whole: Points, data: st.DataObject) -> None:
    block = encode(whole)
    with pytest.raises(StoreDamaged, match="damaged"):
        decode(block[: data.draw(st.integers(0, len(block) - 1))])


@given(points(150), st.data())
def test_a_changed_byte_is_noticed(whole: Points, data: st.DataObject) -> None:
    block = bytearray(encode(whole))
    block[data.draw(st.integers(0, len(block) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(StoreDamaged):
        decode(bytes(block))


@given(points(150), st.lists(st.tuples(st.integers(8, 10**6), st.integers(1, 255)), min_size=1, max_size=8))
def test_damage_with_a_right_checksum_neither_crashes_nor_hangs(whole: Points, changes: list[tuple[int, int]]) -> None:
    block = bytearray(encode(whole))
    for position, change in changes:
        block[8 + position % (len(block) - 8)] ^= change
    block[4:8] = struct.pack("<I", zlib.crc32(block[8:]))
    try:
        found = decode(bytes(block))
    except StoreDamaged:
        return
    check(found)
    for column in found.columns.values():
        cells(column)


@given(st.binary(max_size=300))
def test_bytes_that_are_no_block_are_damaged(data: bytes) -> None:
    with pytest.raises(StoreDamaged):
        decode(data)


def test_a_block_that_claims_more_points_than_a_block_has_is_damaged() -> None:
    same = b"\x01\x08\0\0\0" + b"\0" * 8
    for count, columns_ in ((MAX_POINTS + 1, 0), (MAX_POINTS, 33)):
        body = struct.pack("<II", count, columns_) + same + same + b"\0" * 30 * columns_
        with pytest.raises(StoreDamaged, match="claims more"):
            decode(struct.pack("<2sBBI", b"MP", 1, 0, zlib.crc32(body)) + body)


def test_a_zip_bomb_of_text_is_damaged() -> None:
    squeezed = zlib.compress(b"\0" * (64 << 20))
    claims = struct.pack("<Q", 10) + squeezed
    part = struct.pack("<BI", 5, len(claims)) + claims
    body = struct.pack("<II", 0, 1) + (b"\0" * 5) * 2 + part + (b"\0" * 5) * 5
    with pytest.raises(StoreDamaged):
        decode(struct.pack("<2sBBI", b"MP", 1, 0, zlib.crc32(body)) + body)


def test_a_block_of_a_newer_format_says_to_upgrade() -> None:
    block = bytearray(encode(series_points([1.0])))
    block[2] = 2
    with pytest.raises(StoreDamaged, match="pip install -U milepost"):
        decode(bytes(block))


@pytest.mark.parametrize("value", [object(), [1], b"x", 1j, np.float32(1)])
def test_a_column_of_anything_else_is_refused(value: object) -> None:
    with pytest.raises(BadInput, match=type(value).__name__):
        column_of([1.0, value])


def test_an_integer_without_end_is_refused() -> None:
    with pytest.raises(BadInput, match="too long"):
        column_of([10**5000])


def test_a_big_integer_that_python_would_not_read_comes_back_as_text() -> None:
    column = Column(np.array([CELL_BIGINT], np.uint8), np.empty(0), np.empty(0, np.int64), ["9" * 5000])
    assert cells(column) == ["9" * 5000]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda p: Points(p.steps[:-1], p.times, p.columns),
        lambda p: Points(p.steps.astype(np.int32), p.times, p.columns),
        lambda p: Points(p.steps, p.times.astype(float), p.columns),
        lambda p: Points(p.steps, p.times, {"": column_of([1.0])}),
        lambda p: Points(p.steps, p.times, {"": Column(np.full(3, 9, np.uint8), *_no_values())}),
        lambda p: Points(p.steps, p.times, {"": Column(np.full(3, 1, np.uint8), *_no_values())}),
        lambda p: Points(p.steps, p.times, {"": Column(np.full(3, CELL_NONE, np.int64), *_no_values())}),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused(wrong) -> None:
    with pytest.raises(BadInput):
        check(wrong(series_points([1.0, 2, "x"])))


def _no_values() -> tuple[object, object, list[str]]:
    return np.empty(0), np.empty(0, np.int64), []


def test_missing_steps_are_kept_as_such() -> None:
    assert decode(encode(series_points([1.0, 2.0]))).steps.tolist() == [NO_STEP, NO_STEP]
