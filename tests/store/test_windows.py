"""Lines of metrics: windows by step and time, downsampling that hides no spike, and the memory of lines."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from milepost.store import lines
from milepost.store import windows as windows_module
from milepost.store.batch import CELL_FLOAT, SYSTEM, Column, Points
from milepost.store.downsampling import drawn
from milepost.store.lines import GrowingLine, LineMemory
from milepost.store.points import decode
from milepost.store.windows import RELATIVE, STEP, TIME, Axis, Wanted, Window, windows
from tests.store.builders import T0, event, run_event, say, series, table

if TYPE_CHECKING:
    from milepost.store.store import Store


def look(store: Store, *wanted: Wanted, memory: LineMemory | None = None, **axis: Any) -> list[Window]:
    found = dict(windows(store, wanted, Axis(**axis), memory or LineMemory(1 << 24)))
    assert sorted(found) == list(range(len(wanted)))
    return [found[place] for place in range(len(wanted))]


def one(store: Store, name: str = "m", **axis: Any) -> Window:
    return look(store, Wanted("r", name), **axis)[0]


def test_a_line_is_its_steps_and_values(store: Store) -> None:
    say(store, run_event("r"), series("r", "m", [0.5, 1, True, float("nan")]))
    found = one(store)
    assert found.x.tolist() == [0, 1, 2, 3]
    assert found.y.tolist()[:3] == [0.5, 1.0, 1.0]
    assert np.isnan(found.y[3])
    assert (found.inside, found.odd, found.reordered, found.problem) == (4, (1, 0, 0), False, None)


def test_what_is_no_number_is_no_point(store: Store) -> None:
    say(store, run_event("r"), series("r", "m", [1, "x", None, 2**70, 10**400, 3.0]))
    found = one(store)
    assert found.x.tolist() == [0, 3, 4, 5]
    assert found.y.tolist() == [1.0, float(2**70), float("inf"), 3.0]


def test_what_is_not_there_is_told_and_the_rest_is_given(store: Store) -> None:
    say(store, run_event("r"), series("r", "m", [1.0]), series("r", "i", ["aml://x"], kind="image"))
    here, image, unknown, no_run, no_column = look(
        store, Wanted("r", "m"), Wanted("r", "i"), Wanted("r", "n"), Wanted("q", "m"), Wanted("r", "m", column="z")
    )
    assert here.problem is None
    assert all(each.problem is not None and each.inside == 0 for each in (image, unknown, no_run, no_column))
    assert "'n'" in str(unknown.problem)
    assert "'z'" in str(no_column.problem)


def test_a_column_against_another_one(store: Store) -> None:
    say(store, run_event("r"), table("r", "t", {"angle": [0, 90, 180], "sine": [0.0, 1.0, None], "word": ["a"] * 3}))
    against, alone, words = look(
        store,
        Wanted("r", "t", column="sine", across="angle"),
        Wanted("r", "t", column="angle"),
        Wanted("r", "t", column="word"),
    )
    assert (against.x.tolist(), against.y.tolist()) == ([0.0, 90.0], [0.0, 1.0])
    assert (alone.x.tolist(), alone.y.tolist()) == ([0.0, 1.0, 2.0], [0.0, 90.0, 180.0])
    assert (words.inside, words.problem) == (0, None)


def test_a_table_with_other_columns_in_each_row(store: Store) -> None:
    say(store, run_event("r"), table("r", "t", {"a": [1.0]}))
    say(store, table("r", "t", {"b": [2.0]}))
    say(store, table("r", "t", {"a": [3.0], "b": [4.0]}))
    a, both = look(store, Wanted("r", "t", column="a"), Wanted("r", "t", column="b", across="a"))
    assert (a.x.tolist(), a.y.tolist()) == ([0.0, 2.0], [1.0, 3.0])
    assert (both.x.tolist(), both.y.tolist()) == ([3.0], [4.0])


def test_time_and_relative_time_are_in_seconds(store: Store) -> None:
    say(store, run_event("r", time_ns=T0 - 5_000_000_000), series("r", "m", [1.0, 2.0]))
    assert one(store, kind=RELATIVE).x.tolist() == [5.0, 5.000001]
    assert one(store, kind=TIME).x.tolist() == [T0 / 1e9, (T0 + 1000) / 1e9]
    say(store, event("status", "r", T0 - 1_000_000_000, status="Running"))


def test_steps_of_a_restarted_training_are_put_in_order(store: Store) -> None:
    say(store, run_event("r"), series("r", "m", [0.0, 1.0, 2.0, 10.0, 20.0], steps=[0, 1, 2, 1, 2]))
    found = one(store)
    assert found.reordered
    assert found.x.tolist() == [0, 1, 1, 2, 2]
    assert found.y.tolist() == [0.0, 1.0, 10.0, 2.0, 20.0]
    assert not one(store, kind=TIME).reordered


def test_steps_that_only_fall_are_a_line_from_its_end(store: Store) -> None:
    say(store, run_event("r"), series("r", "m", [0.0, 1.0, 2.0, 3.0], steps=[5, 3, 3, 1]))
    found = one(store)
    assert not found.reordered
    assert found.x.tolist() == [1, 3, 3, 5]
    assert found.y.tolist() == [3.0, 2.0, 1.0, 0.0]


def test_a_window_has_its_points_and_a_neighbour_on_each_side(store: Store) -> None:
    say(store, run_event("r"), series("r", "m", [float(number) for number in range(100)]))
    found = one(store, begin=10, end=12)
    assert (found.x.tolist(), found.inside) == ([9, 10, 11, 12, 13], 3)
    between = one(store, begin=10.2, end=10.8)
    assert (between.x.tolist(), between.inside) == ([10, 11], 0)
    assert one(store, begin=500).x.tolist() == [99]
    assert one(store, end=-1).x.tolist() == [0]
    assert one(store, begin=-1e300, end=1e300).inside == 100


@pytest.mark.parametrize("kind", [STEP, TIME, RELATIVE])
def test_a_window_read_from_few_chunks_is_the_one_read_whole(
    store: Store, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    say(store, run_event("r"))
    for part in range(6):
        steps = (part % 4) * 2000 + np.arange(3000) + rng.integers(0, 5)
        start_ns = T0 + part * 2_000_000
        say(store, series("r", "m", rng.normal(size=3000).tolist(), steps=steps.tolist(), start_ns=start_ns))
    whole = one(store, kind=kind)
    monkeypatch.setattr(windows_module, "_SMALL", 100)
    monkeypatch.setattr("milepost.store.metrics.CHUNK_POINTS", 1000)
    for begin, end in [(0.1, 0.2), (0.45, 0.451), (0.9, 2.0), (-1.0, 0.01), (0.0, 1.0)]:
        low, width = float(whole.x[0]), float(whole.x[-1] - whole.x[0])
        first, last = low + begin * width, low + end * width
        partly = one(store, kind=kind, begin=first, end=last)
        inside = (whole.x >= first) & (whole.x <= last)
        expected = sorted(zip(whole.x[inside].tolist(), whole.y[inside].tolist(), strict=True))
        got = (partly.x >= first) & (partly.x <= last)
        assert sorted(zip(partly.x[got].tolist(), partly.y[got].tolist(), strict=True)) == expected
        assert partly.inside == len(expected)
        before, after = whole.x[whole.x < first], whole.x[whole.x > last]
        assert partly.x[0] == (before.max() if len(before) else partly.x[got][0])
        assert partly.x[-1] == (after.min() if len(after) else partly.x[got][-1])


def test_a_line_in_memory_grows_with_the_metric(store: Store) -> None:
    memory = LineMemory(1 << 24)
    say(store, run_event("r"))
    logged: list[float] = []
    earlier: list[tuple[Window, list[float]]] = []
    for count in [1, 3, 250, 10, 300, 5000, 1, 70_000, 20]:
        fresh = [float(len(logged) + number) for number in range(count)]
        say(store, series("r", "m", fresh))
        logged += fresh
        found = look(store, Wanted("r", "m"), memory=memory)[0]
        assert found.y.tolist() == logged
        earlier.append((found, logged[:]))
    assert all(window.y.tolist() == then for window, then in earlier)


def test_only_new_points_are_decoded_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = LineMemory(1 << 24)
    say(store, run_event("r"), series("r", "m", [1.0] * 100_000))
    look(store, Wanted("r", "m"), memory=memory)
    say(store, series("r", "m", [2.0] * 10))
    decoded = []

    def counted(data: bytes) -> Any:
        points = decode(data)
        decoded.append(len(points))
        return points

    monkeypatch.setattr(windows_module, "decode", counted)
    assert look(store, Wanted("r", "m"), memory=memory)[0].inside == 100_010
    assert decoded == [10]


def test_memory_knows_a_run_of_the_same_name_from_the_deleted_one(store: Store) -> None:
    memory = LineMemory(1 << 24)
    say(store, run_event("r"), series("r", "m", [1.0, 2.0, 3.0]))
    assert look(store, Wanted("r", "m"), memory=memory)[0].y.tolist() == [1.0, 2.0, 3.0]
    store.delete_run("r")
    assert look(store, Wanted("r", "m"), memory=memory)[0].problem is not None
    say(store, run_event("s"), series("s", "m", [7.0, 8.0, 9.0, 10.0], start_ns=T0 + 5000))
    assert look(store, Wanted("s", "m"), memory=memory)[0].y.tolist() == [7.0, 8.0, 9.0, 10.0]


def test_memory_is_bounded(store: Store) -> None:
    memory = LineMemory(1 << 20)
    say(store, run_event("r"), *(series("r", f"m{number}", [1.0] * 10_000) for number in range(10)))
    say(store, series("r", "long", [1.0] * 50_000))
    for _ in range(2):
        found = look(store, *(Wanted("r", f"m{number}") for number in range(10)), Wanted("r", "long"), memory=memory)
        assert [each.inside for each in found] == [10_000] * 10 + [50_000]
        assert 0 < memory.bytes <= 1 << 20


def test_lines_that_do_not_fit_into_memory_whole_are_thinned_out_and_not_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "KEPT", 5_000)
    memory = LineMemory(3 << 20)
    say(store, run_event("r"), *(series("r", f"m{number}", [1.0] * 50_000) for number in range(10)))
    names = [Wanted("r", f"m{number}") for number in range(10)]
    look(store, *names, memory=memory)
    assert memory.bytes <= 3 << 20
    monkeypatch.setattr(windows_module, "decode", None)
    assert {each.inside for each in look(store, *names, memory=memory)} == {50_000}


def test_a_very_long_line_is_held_thinned_out_and_keeps_its_extremes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONG", 150_000)
    monkeypatch.setattr(lines, "KEPT", 20_000)
    monkeypatch.setattr(windows_module, "_SMALL", 1000)
    monkeypatch.setattr(windows_module, "_PARTLY", 150_000)
    monkeypatch.setattr(windows_module, "_AT_ONCE", 100_000)
    memory = LineMemory(1 << 24)
    rng = np.random.default_rng(2)
    say(store, run_event("r"))
    logged = np.empty(0)
    for size in [160_000, 65_000, 10, 100_000, 300]:
        fresh = rng.normal(size=size)
        fresh[size // 3] = 100.0 + size
        fresh[size // 2] = np.nan
        fresh[size // 4] = -100.0 - size
        say(store, series("r", "m", fresh.tolist()))
        logged = np.concatenate([logged, fresh])
        whole = look(store, Wanted("r", "m"), memory=memory)[0]
        assert whole.thinned
        assert whole.inside == len(logged)
        assert len(whole.x) <= 20_000
        assert whole.odd == (int(np.isnan(logged).sum()), 0, 0)
        assert (np.diff(whole.x) > 0).all()
        kept = whole.x.astype(int)
        assert np.array_equal(whole.y, logged[kept], equal_nan=True)
        for extreme in np.flatnonzero(np.isnan(logged) | (np.abs(logged) > 90)).tolist():
            assert extreme in kept
        assert (kept[0], kept[-1]) == (0, len(logged) - 1)
    # A window of few points is exact, and one of many is cut from what is held.
    few = look(store, Wanted("r", "m"), memory=memory, begin=1000, end=2000)[0]
    assert not few.thinned
    assert np.array_equal(few.y, logged[999:2002], equal_nan=True)
    many = look(store, Wanted("r", "m"), memory=memory, begin=1000, end=300_000)[0]
    assert many.thinned
    assert many.inside == pytest.approx(299_001, rel=0.05)


def test_a_line_that_grows_while_it_is_watched_is_thinned_out_sooner(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "KEPT", 10_000)
    memory = LineMemory(1 << 24)
    rng = np.random.default_rng(3)
    logged = rng.normal(size=30_000)
    say(store, run_event("r"), series("r", "m", logged.tolist()))
    first = look(store, Wanted("r", "m"), memory=memory)[0]
    assert not first.thinned
    assert np.array_equal(first.y, logged)
    sizes = []
    for number in range(40):
        fresh = rng.normal(size=997)
        fresh[[3, 500, 900]] = (50.0 + number, float("inf"), np.nan)
        logged = np.concatenate([logged, fresh])
        say(store, series("r", "m", fresh.tolist()))
        found = look(store, Wanted("r", "m"), memory=memory)[0]
        assert (found.inside, found.thinned) == (len(logged), True)
        assert found.odd == (number + 1, number + 1, 0)
        assert set(np.flatnonzero(logged > 40).tolist()) <= set(found.x.astype(int).tolist())
        assert found.y[-1] == logged[-1]
        sizes.append(memory.bytes)
    assert max(sizes) < 2 * 24 * 10_000
    assert np.array_equal(first.y[:30_000], logged[:30_000])  # what was given out stays as it was


@given(st.integers(30, 3000), st.integers(10, 60), st.integers(0, 2**32 - 1))
def test_no_value_that_was_thinned_out_is_outside_of_the_band(count: int, points: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(count) < 0.05, 10.0, 1.0) * rng.normal(size=count)
    growing = GrowingLine("", None, group=8)
    for start in range(0, count, 700):
        part = y[start : start + 700]
        column = Column(np.full(len(part), CELL_FLOAT, np.uint8), part, np.empty(0, np.int64), [])
        steps = np.arange(start, start + len(part), dtype=np.int64)
        growing.add(Points(steps, steps, {"": column}))
    line = growing.line()
    shown = drawn(line.steps.astype(np.float64), line.values, points, banded=True)
    assert shown.low is not None
    assert shown.high is not None
    right = np.clip(np.searchsorted(shown.x, np.arange(count), "left"), 1, len(shown.x) - 1)
    assert (np.minimum(shown.low[right - 1], shown.low[right]) <= y).all()
    assert (np.maximum(shown.high[right - 1], shown.high[right]) >= y).all()


def test_many_readers_while_a_metric_grows(store: Store) -> None:
    memory = LineMemory(1 << 24)
    say(store, run_event("r"), series("r", "m", [0.0]))
    wrong: list[Any] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            found = look(store, Wanted("r", "m"), memory=memory)[0]
            if found.y.tolist() != [float(number) for number in range(found.inside)]:
                wrong.append(found)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    count = 1
    for size in [1, 100, 400, 3, 2000, 5, 5, 300] * 3:
        say(store, series("r", "m", [float(count + number) for number in range(size)]))
        count += size
    stop.set()
    for reader in readers:
        reader.join()
    assert not wrong


def test_many_runs_and_metrics_in_one_question(store: Store) -> None:
    say(store, *(run_event(f"r{run}") for run in range(20)))
    say(store, *(series(f"r{run}", f"m{name}", [float(run), float(name)]) for run in range(20) for name in range(12)))
    say(store, series("r3", "m5", [99.0], namespace=SYSTEM))
    wanted = [Wanted(f"r{run}", f"m{name}") for run in range(20) for name in range(12)]
    found = look(store, *wanted, Wanted("r3", "m5", SYSTEM))
    assert [each.y.tolist() for each in found[:-1]] == [[float(r), float(n)] for r in range(20) for n in range(12)]
    assert found[-1].y.tolist() == [99.0]


# Downsampling.

_VALUES = st.one_of(
    arrays.arrays(np.float64, st.integers(1, 400), elements=st.floats(-1e9, 1e9)),
    arrays.arrays(np.float64, st.integers(1, 400), elements=st.sampled_from([0.0, 1.0, np.nan, np.inf, -np.inf])),
)


@given(_VALUES, st.integers(10, 60), st.randoms(use_true_random=False))
def test_no_value_is_outside_of_the_band(y: np.ndarray, points: int, random: Any) -> None:
    x = np.sort(np.array([random.choice([0.0, 1.0, random.uniform(0, 1e6)]) for _ in y]))
    shown = drawn(x, y, points)
    assert (np.diff(shown.x) >= 0).all()
    if len(y) <= points:
        assert shown.low is None
        assert len(shown.x) == len(y)
        return
    assert shown.low is not None
    assert shown.high is not None
    assert len(shown.x) <= 2 * points + 6  # a gap between any two, at the most
    there = ~np.isnan(shown.y)
    assert (np.isnan(shown.low) == ~there).all()
    assert (shown.low[there] <= shown.y[there]).all()
    assert (shown.high[there] >= shown.y[there]).all()
    finite = np.isfinite(y)
    if not finite.any():
        assert not there.any()
        return
    # The greatest and the least are points themselves, and each value is between the band's edges where it lies.
    assert shown.y[there].max() == y[finite].max()
    assert shown.y[there].min() == y[finite].min()
    places, lows, highs = shown.x[there], shown.low[there], shown.high[there]
    for place, value in zip(x[finite].tolist(), y[finite].tolist(), strict=True):
        right = int(np.searchsorted(places, place, "left"))
        near = [index for index in (right - 1, right) if 0 <= index < len(places)]
        near += [index for index in range(len(places)) if places[index] == place]
        assert min(lows[index] for index in near) <= value <= max(highs[index] for index in near)


def test_one_spike_in_a_million_is_drawn() -> None:
    y = np.zeros(1_000_000)
    y[123_457] = 1.0
    y[777_777] = -1.0
    shown = drawn(np.arange(1e6), y, 500)
    assert len(shown.x) <= 504
    assert shown.y[shown.x == 123_457].tolist() == [1.0]
    assert shown.y[shown.x == 777_777].tolist() == [-1.0]


def test_gaps_stay_gaps() -> None:
    y = np.ones(10_000)
    y[4000:5000] = np.nan
    y[9000:] = np.nan
    shown = drawn(np.arange(10_000.0), y, 100)
    gaps = shown.x[np.isnan(shown.y)].tolist()
    assert gaps == [4000.0, 9999.0]


def test_a_line_with_nan_everywhere_is_not_torn_to_pieces() -> None:
    y = np.sin(np.arange(100_000) / 1000)
    y[::50] = np.nan
    shown = drawn(np.arange(100_000.0), y, 500)
    assert np.isnan(shown.y).sum() <= 2


def test_infinite_values_lie_at_the_edge_and_are_told() -> None:
    shown = drawn(np.arange(4.0), np.array([1.0, np.inf, -np.inf, 3.0]), 100)
    assert shown.y.tolist() == [1.0, 3.0, 1.0, 3.0]
