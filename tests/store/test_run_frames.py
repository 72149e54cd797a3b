"""Many runs as columns, on both databases."""

from __future__ import annotations

import math
from typing import Any

import pytest

from milepost.store import run_frames
from milepost.store.errors import BadInput
from milepost.store.progress import progress_of
from milepost.store.records import RunQuery
from milepost.store.run_points import points_of_runs
from milepost.store.store import Store
from tests.store.builders import T0, event, run_event, say, series, table

RUNS = ["a", "b", "no such run", "c"]


def _three(store: Store) -> None:
    say(
        store,
        run_event("a", "first"),
        event("tags", "a", set={"stage": "prod", "odd": None}),
        run_event("b", "second"),
        run_event("c", "third"),
        event("properties", "c", set={"stage": "other"}),
        series("a", "mse", [9.0, 1.0, 3.0]),
        series("b", "mse", [math.nan]),
        series("c", "text", ["x" * 5000]),
        series("a", "whole", [7]),
        series("b", "whole", [2.0]),
        series("c", "whole", [True]),
        series("a", "cpu", [50.0], namespace="system"),
        table("a", "scores", {"x": [1]}),
    )


def test_columns_have_a_value_for_each_run_in_the_order_asked_for(store: Store) -> None:
    _three(store)
    names = ["min(metrics.mse)", "metrics.mse", "max(metrics.mse)", "metrics.whole", "tags.stage", "tags.odd"]
    names += ["properties.stage", "params.alpha", "metrics.cpu"]
    found = store.run_frame(RUNS, names)
    assert [list(each) for each in found] == [[name] for name in names]
    low, last, high, whole, stage, odd, other, alpha, cpu = (next(iter(each.values())) for each in found)
    assert (low[0], last[0], high[0]) == (1.0, 3.0, 9.0)
    assert math.isnan(last[1])
    assert low[1:] == [None, None, None]
    assert [(type(each), each) for each in whole] == [(int, 7), (float, 2.0), (type(None), None), (bool, True)]
    assert stage == ["prod", None, None, None]
    assert other == [None, None, None, "other"]
    assert odd == alpha == cpu == [None] * 4
    assert store.run_frame(RUNS, []) == []


def test_all_of_a_kind_are_those_that_some_run_has(store: Store) -> None:
    _three(store)
    metrics, tags, params = store.run_frame(RUNS, ["metrics.*", "tags.*", "params.*"])
    assert list(metrics) == ["metrics.mse", "metrics.text", "metrics.whole"]
    assert list(tags) == ["tags.odd", "tags.stage"]
    assert params == {}
    assert list(store.run_frame(["b"], ["metrics.*"])[0]) == ["metrics.mse", "metrics.whole"]
    assert store.run_frame([], ["metrics.*"]) == [{}]


def test_all_metrics_by_what_counts_of_each(store: Store) -> None:
    _three(store)
    assert list(store.run_frame(["a"], ["metrics.*"], "max")[0]) == ["max(metrics.mse)", "max(metrics.whole)"]
    found = store.run_frame(["a"], ["metrics.*"], "last", {"mse": "min"})
    assert found == [{"min(metrics.mse)": [1.0], "metrics.whole": [7]}]


@pytest.mark.parametrize(
    ("columns", "more", "says"),
    [
        (["mse"], (), "there is no column 'mse'"),
        (["status"], (), "every run has 'status' already"),
        (["status.*"], (), r"there is no column 'status\.\*'"),
        (["metrics.*"], ("mean",), "not 'mean'"),
        (["metrics.*"], ("last", {"mse": "best"}), "not 'best'"),
    ],
)
def test_what_cannot_be_understood_is_refused(store: Store, columns: list[str], more: Any, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        store.run_frame(RUNS, columns, *more)


def test_more_than_memory_holds_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    _three(store)
    monkeypatch.setattr(run_frames, "MAX_CELLS", 7)
    with pytest.raises(BadInput, match="2 columns of 4 runs are more than 7 values"):
        store.run_frame(RUNS, ["tags.*"])


def test_frames_of_some_runs_make_one_of_all(store: Store) -> None:
    _three(store)
    columns = ["metrics.*", "tags.stage", "params.*"]
    whole = store.run_frame(RUNS, columns)
    parts = [(len(some), store.run_frame(some, columns)) for some in (RUNS[:1], RUNS[1:3], RUNS[3:])]
    together = run_frames.joined(parts)
    assert repr(together) == repr(whole)
    assert run_frames.joined([(4, whole)]) == whole


def test_runs_of_several_experiments(store: Store) -> None:
    _three(store)
    page = store.runs(RunQuery(experiments=("third", "first", "none"), order_by="name", descending=False))
    assert [each.run_id for each in page.runs] == ["a", "c"]
    assert store.runs(RunQuery(experiments=())).runs == []


def test_points_of_many_runs(store: Store) -> None:
    _three(store)
    found = points_of_runs(store, ["b", "a", "no such run"])
    assert [(run_id, name, len(points)) for run_id, name, points in found] == [
        ("b", "mse", 1),
        ("b", "whole", 1),
        ("a", "mse", 3),
        ("a", "whole", 1),
    ]
    assert found[2][2].columns[""].floats.tolist() == [9.0, 1.0, 3.0]
    assert [(run_id, name) for run_id, name, _ in points_of_runs(store, ["a", "b"], ["whole"])] == [
        ("a", "whole"),
        ("b", "whole"),
    ]


def test_progress_of_many_runs(store: Store) -> None:
    second = 1_000_000_000
    say(
        store,
        run_event("a"),
        run_event("b"),
        series("a", "total", [100.0], namespace="progress"),
        series("a", "begin", [10.0], namespace="progress", start_ns=T0),
        series("a", "done", [30.0], namespace="progress", start_ns=T0 + 4 * second),
        series("b", "total", [0.0], namespace="progress"),
        series("b", "done", [0.0], namespace="progress"),
    )
    found = progress_of(store, ["a", "b", "no such run"])
    assert list(found) == ["a"]
    assert (found["a"].done, found["a"].total, found["a"].rate) == (30.0, 100.0, 5.0)
    assert found["a"].remaining_s(T0 + 5 * second) == 13.0
