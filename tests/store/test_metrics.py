"""Metrics: summaries, tiers of chunks, and values in the shape of Run.get_metrics()."""

from __future__ import annotations

import itertools
import math
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from milepost.store import metrics as tiers
from milepost.store.batch import CONFUSION_MATRIX, IMAGE, SYSTEM, TABLE, Points, SeriesBlock
from milepost.store.engine import write
from milepost.store.errors import NotFound, StoreDamaged
from milepost.store.metrics import CHUNK_POINTS, dump_cell, load_cell
from milepost.store.points import cells, column_of
from milepost.store.schema import metric_chunks, metrics, runs
from tests.conftest import only_thorough
from tests.store.builders import T0, run_event, say, series, series_points, table
from tests.store.test_points import CELLS, same_values

if TYPE_CHECKING:
    from milepost.store.records import MetricSummary
    from milepost.store.store import Store


@pytest.fixture(autouse=True)
def run(store: Store) -> None:
    say(store, run_event("r"))


def value(store: Store, *blocks: SeriesBlock) -> Any:
    for block in blocks:
        say(store, block)
    return store.metric_values("r")[blocks[0].name]


def summary(store: Store, name: str) -> MetricSummary:
    (found,) = store.metric_summaries(["r"], [name])
    return found


def chunks(store: Store, name: str) -> list[tuple[int, int, int]]:
    with store.reading() as connection:
        rows = connection.execute(
            select(metric_chunks.c.start, metric_chunks.c["count"], metric_chunks.c.level)
            .join(metrics, metrics.c.key == metric_chunks.c.metric_key)
            .where(metrics.c.name == name)
            .order_by(metric_chunks.c.start)
        )
        return [tuple(row) for row in rows]


# What get_metrics gives.


@pytest.mark.parametrize(
    "logged",
    [0.5, -0.0, math.nan, math.inf, -math.inf, 3, True, False, "text", "", 2**63, -(2**100), 2**63 - 1, "\ud83d\ude00",
     "x" * 5000, "a\0b", "NaN", "😀" * 999],
)  # fmt: skip
def test_a_value_logged_once_comes_back_as_itself(store: Store, logged: Any) -> None:
    assert same_values([value(store, series("r", "m", [logged]))], [logged])


def test_a_value_logged_more_than_once_comes_back_as_a_list_in_order(store: Store) -> None:
    logged = [1, 2.5, "x", True, math.nan, None, 2**70]
    assert same_values(value(store, *(series("r", "m", [one]) for one in logged)), logged)


def test_a_list_comes_back_as_a_list_whatever_its_length(store: Store) -> None:
    assert value(store, series("r", "empty", [], is_list=True)) == []
    assert value(store, series("r", "one", [1], is_list=True)) == [1]
    assert value(store, series("r", "many", [1, 2], is_list=True), series("r", "many", [3], is_list=True)) == [1, 2, 3]
    assert value(store, series("r", "grown", [1]), series("r", "grown", [], is_list=True)) == [1]


def test_a_table_of_one_call_keeps_scalars_and_the_length_of_each_column(store: Store) -> None:
    given_columns = {"a": [1, 2, 3], "b": ["x"], "c": [7], "d": []}
    found = value(store, table("r", "t", given_columns, scalar_columns=("c",)))
    assert found == {"a": [1, 2, 3], "b": ["x"], "c": 7, "d": []}
    assert list(found) == ["a", "b", "c", "d"]


def test_one_row_gives_its_values_and_more_rows_give_lists_with_none_where_a_row_had_none(store: Store) -> None:
    def row(**columns: Any) -> SeriesBlock:
        return table("r", "t", {k: [v] for k, v in columns.items()}, scalar_columns=tuple(columns))

    assert value(store, row(x=1, y="a")) == {"x": 1, "y": "a"}
    assert value(store, row(x=2, z=3.5)) == {"x": [1, 2], "y": ["a", None], "z": [None, 3.5]}
    assert summary(store, "t").columns == ("x", "y", "z")


def test_images_and_structured_values_are_references(store: Store) -> None:
    assert value(store, series("r", "plot", ["aml://artifactId/1"], kind=IMAGE)) == "aml://artifactId/1"
    assert value(store, series("r", "plot", ["aml://artifactId/2"], kind=IMAGE)) == [
        "aml://artifactId/1",
        "aml://artifactId/2",
    ]
    assert value(store, series("r", "matrix", ["aml://x"], kind=CONFUSION_MATRIX)) == "aml://x"


def test_a_name_with_two_kinds_appears_twice_the_later_one_with_its_kind(store: Store) -> None:
    say(store, series("r", "m", [1]), series("r", "m (image)", [2]))
    say(store, series("r", "m", ["ref"], kind=IMAGE), table("r", "m", {"a": [1]}))
    assert store.metric_values("r") == {"m": 1, "m (image)": 2, "m (image)'": "ref", "m (table)": {"a": [1]}}
    assert store.metric_values("r", "m") == {"m": 1, "m (image)": "ref", "m (table)": {"a": [1]}}


def test_metrics_come_in_the_order_of_first_logging(store: Store) -> None:
    order = ["z", "a", "m", "b"]
    say(store, *(series("r", name, [1]) for name in order), series("r", "z", [2]))
    say(store, series("r", "0", [1]), series("r", "a", [2]))
    assert list(store.metric_values("r")) == [*order, "0"]
    assert [found.name for found in store.metric_summaries(["r"])] == [*order, "0"]


def test_only_what_was_asked_for_is_given(store: Store) -> None:
    say(store, run_event("other"), series("r", "a", [1]), series("r", "b", [2]), series("other", "a", [3]))
    say(store, series("r", "cpu", [0.5], namespace=SYSTEM))
    assert store.metric_values("r", "a") == {"a": 1}
    assert store.metric_values("r", "missing") == {}
    assert store.metric_values("r", namespace=SYSTEM) == {"cpu": 0.5}
    assert store.metric_values_many(["r", "unknown", "other"]) == {
        "r": {"a": 1, "b": 2},
        "unknown": {},
        "other": {"a": 3},
    }
    assert store.metric_values_many(["r", "other"], "a") == {"r": {"a": 1}, "other": {"a": 3}}
    assert {found.name for found in store.metric_summaries(["r"], namespace=None)} == {"a", "b", "cpu"}
    with pytest.raises(NotFound, match="unknown"):
        store.metric_values("unknown")


# Summaries.


def test_a_summary_says_what_the_series_holds(store: Store) -> None:
    say(store, series("r", "m", [2.5, math.nan, -1], steps=[10, 20, 15], description="a loss", calls=3))
    say(store, series("r", "m", [math.nan, 7], start_ns=T0 + 5_000_999, calls=2, description="another"))
    found = summary(store, "m")
    assert (found.first, found.last, found.min, found.max, found.nan_count) == (2.5, 7, -1.0, 7.0, 2)
    assert (type(found.last), type(found.min)) == (int, float)
    assert (found.count, found.calls, found.is_list, found.description) == (5, 5, False, "a loss")
    assert (found.first_step, found.last_step) == (10, 4)
    assert (found.first_ns, found.last_ns) == (T0, T0 + 5_001_000)


@pytest.mark.parametrize(
    ("logged", "least", "most"),
    [
        ([math.inf, 1.0], 1.0, math.inf),
        ([math.nan], None, None),
        (["x", "y"], None, None),
        ([None], None, None),
        ([True, False], 0.0, 1.0),
        ([2**70, -(2**70)], float(-(2**70)), float(2**70)),
        ([10**400], math.inf, math.inf),
        ([-(2**63)], float(-(2**63)), float(-(2**63))),
    ],
)
def test_the_extremes_of_a_series_leave_nan_and_texts_out(
    store: Store, logged: list[Any], least: Any, most: Any
) -> None:
    say(store, series("r", "m", logged))
    assert (summary(store, "m").min, summary(store, "m").max) == (least, most)


def test_a_table_has_no_first_and_last_value(store: Store) -> None:
    say(store, table("r", "t", {"a": [1, 2]}))
    found = summary(store, "t")
    assert (found.first, found.last, found.min, found.max, found.count) == (None, None, None, None, 2)


def test_of_a_long_text_the_summary_keeps_the_beginning(store: Store) -> None:
    say(store, series("r", "m", ["x" * 100_000]))
    assert summary(store, "m").last == "x" * 1000


@given(CELLS)
def test_a_cell_in_a_summary_comes_back(cell: Any) -> None:
    kept = dump_cell(cell)
    assert kept is None or kept.isascii()
    found, whole = load_cell(kept)
    assert whole
    assert same_values([found], [cell])


# Points and steps.


def test_a_point_without_a_step_gets_its_index(store: Store) -> None:
    for _ in range(3):
        say(store, series("r", "m", [1.0, 2.0]))
    say(store, series("r", "m", [3.0], steps=[100]), series("r", "m", [4.0]))
    assert store.metric_points("r", "m").steps.tolist() == [0, 1, 2, 3, 4, 5, 100, 7]


@pytest.mark.parametrize("kind", ["series", "image"])
def test_points_of_a_kind(store: Store, kind: str) -> None:
    say(store, series("r", "m", [1]), series("r", "m", ["ref"], kind=IMAGE))
    assert cells(store.metric_points("r", "m", kind=kind).columns[""]) == [1 if kind == "series" else "ref"]
    assert cells(store.metric_points("r", "m").columns[""]) == [1]
    with pytest.raises(NotFound, match="table"):
        store.metric_points("r", "m", kind="table")


def test_points_of_an_empty_list_have_its_column(store: Store) -> None:
    say(store, series("r", "m", [], is_list=True))
    found = store.metric_points("r", "m")
    assert (len(found), list(found.columns)) == (0, [""])


@pytest.mark.parametrize("name", ["missing", ""])
def test_points_of_an_unknown_metric_are_not_found(store: Store, name: str) -> None:
    with pytest.raises(NotFound):
        store.metric_points("r", name)


def test_a_range_of_points_reads_only_the_chunks_it_needs(store: Store) -> None:
    count = 3 * CHUNK_POINTS
    say(store, series("r", "m", [float(n) for n in range(count)]))
    say(store, series("r", "m", [-1.0] * 5))
    with write(store.engine) as connection:  # all but the second chunk are spoilt
        connection.execute(metric_chunks.update().where(metric_chunks.c.start != CHUNK_POINTS).values(data=b"spoilt"))
    part = store.metric_points("r", "m", start=CHUNK_POINTS + 10, stop=CHUNK_POINTS + 20)
    assert cells(part.columns[""]) == [float(n) for n in range(CHUNK_POINTS + 10, CHUNK_POINTS + 20)]
    with pytest.raises(StoreDamaged):
        store.metric_points("r", "m")


def test_a_hundred_thousand_points_come_back(store: Store) -> None:
    logged = np.random.default_rng(0).normal(size=100_000)
    points = Points(np.arange(100_000), np.full(100_000, T0), {"": column_of(logged.tolist())})
    say(store, SeriesBlock("r", "m", "series", points, calls=100_000))
    assert store.metric_values("r")["m"] == logged.tolist()


# Tiers.


@only_thorough
def test_a_week_of_a_point_a_minute_leaves_few_chunks_and_all_values(store: Store) -> None:
    total = 7 * 24 * 60
    with write(store.engine) as connection:  # one transaction, or the test would mostly wait for the disk
        run_key = connection.scalar(select(runs.c.key).where(runs.c.run_id == "r"))
        for number in range(total):
            block = series("r", "m", [number * 0.1], start_ns=T0 + number * 60_000_000_000)
            tiers.append(connection, store.workspace_key, [(run_key, block)])
    assert len(chunks(store, "m")) < 20
    assert store.metric_values("r")["m"] == [number * 0.1 for number in range(total)]
    points = store.metric_points("r", "m")
    assert points.steps.tolist() == list(range(total))
    assert points.times.tolist() == [T0 + number * 60_000_000_000 for number in range(total)]


def test_big_blocks_become_big_chunks_at_once(store: Store) -> None:
    say(store, series("r", "m", [1.5] * 200_000))
    assert [count for _, count, _ in chunks(store, "m")] == [50_000] * 4


@pytest.mark.parametrize("seed", range(6))
def test_blocks_of_all_sizes_leave_chunks_that_fit_together_and_get_smaller(store: Store, seed: int) -> None:
    chance = random.Random(seed)
    sizes = [int(10 ** chance.uniform(0, chance.choice([2, 3, 4.8]))) for _ in range(150)]
    total = 0
    for size in sizes:
        points = Points(
            np.arange(total, total + size), np.full(size, T0), {"": column_of(list(range(total, total + size)))}
        )
        say(store, SeriesBlock("r", "m", "series", points))
        total += size
    found = chunks(store, "m")
    assert [start for start, _, _ in found] == [sum(count for _, count, _ in found[:i]) for i in range(len(found))]
    assert max(count for _, count, _ in found) <= CHUNK_POINTS
    levels = [level for _, _, level in found]
    assert levels == sorted(levels, reverse=True)
    assert levels.count(0) < 16
    assert levels.count(1) < 16
    assert levels.count(2) <= total / 16_384 + 1
    assert cells(store.metric_points("r", "m").columns[""]) == list(range(total))
    for _ in range(5):
        start = chance.randrange(total)
        stop = chance.randrange(start, total + 1)
        part = store.metric_points("r", "m", start=start, stop=stop)
        assert cells(part.columns[""]) == list(range(start, stop))


def test_a_point_is_written_only_a_few_times(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0
    plain = tiers.encode

    def count(points: Points) -> bytes:
        nonlocal written
        written += len(points)
        return plain(points)

    monkeypatch.setattr(tiers, "encode", count)
    for number in range(300):
        say(store, series("r", "m", list(range(number * 300, number * 300 + 300))))
    assert written <= 3 * 300 * 300
    assert len(chunks(store, "m")) <= 33


@only_thorough
def test_long_texts_do_not_swell_the_tail_or_a_chunk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "CHUNK_WEIGHT", 1 << 20)
    chance = random.Random(1)
    texts = ["".join(chr(chance.randrange(33, 126)) for _ in range(20_000)) for _ in range(300)]
    for number in range(0, 300, 3):
        say(store, series("r", "m", texts[number : number + 3]))
    say(store, series("r", "m", texts))
    with store.reading() as connection:
        tail = connection.scalar(select(metrics.c.tail).where(metrics.c.name == "m"))
        sizes = [len(data) for data in connection.scalars(select(metric_chunks.c.data))]
    assert tail is None or len(tail) < tiers.TAIL_BYTES
    assert max(sizes) < 4 << 20
    assert len(sizes) < 60
    assert store.metric_values("r")["m"] == texts + texts


NUMBERS = itertools.count()


def test_a_table_with_very_many_columns_is_cut_into_chunks_that_fit_memory(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "CHUNK_WEIGHT", 1 << 18)
    rows = 600
    points = series_points([None] * rows)
    points.columns = {
        f"c{number}": column_of([None] * number + [number] + [None] * (rows - 1 - number)) for number in range(rows)
    }
    say(store, SeriesBlock("r", "t", TABLE, points, calls=rows))
    assert len(chunks(store, "t")) >= 2
    assert max(count for _, count, _ in chunks(store, "t")) * rows <= 1 << 18
    found = store.metric_values("r")["t"]
    assert [found[f"c{number}"][number] for number in range(rows)] == list(range(rows))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, max_size=60), min_size=1, max_size=12), st.integers(2, 40))
def test_any_values_in_any_blocks_come_back(store: Store, logged: list[list[Any]], tail_points: int) -> None:
    name = f"m{next(NUMBERS)}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiers, "TAIL_POINTS", tail_points)
        patch.setattr(tiers, "MERGED_AT_ONCE", 3)
        patch.setattr(tiers, "CHUNK_POINTS", 50)
        patch.setattr(tiers, "_LEVEL_POINTS", (15, 30))
        for block in logged:
            say(store, series("r", name, block, is_list=True))
    flat = [cell for block in logged for cell in block]
    assert same_values(store.metric_values("r", name)[name], flat)
    found = summary(store, name)
    assert found.count == len(flat)
    assert same_values([found.first, found.last], [flat[0], flat[-1]] if flat else [None, None])
    numbers = [float(cell) for cell in flat if isinstance(cell, int | float) and cell == cell]
    assert (found.min, found.max) == ((min(numbers), max(numbers)) if numbers else (None, None))
    assert found.nan_count == sum(cell != cell for cell in flat)


def test_columns_that_come_later_are_empty_before(store: Store) -> None:
    for number in range(600):
        say(store, table("r", "t", {"n": [number], f"c{number // 200}": [number]}), journal="j")
    found = store.metric_values("r")["t"]
    assert found["n"] == list(range(600))
    assert found["c1"] == [None] * 200 + list(range(200, 400)) + [None] * 200


def test_nothing_of_the_callers_points_is_changed(store: Store) -> None:
    points = series_points([1.0, 2.0], start_ns=T0 + 999)
    say(store, SeriesBlock("r", "m", TABLE, points))
    assert points.times.tolist() == [T0 + 999, T0 + 1999]
