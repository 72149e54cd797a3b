"""Runs and what they logged as data frames, of pandas and of polars."""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

import milepost
from azureml.core import Experiment, Run, Workspace
from azureml.exceptions import UserErrorException

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")

FACTS = [
    *("run_id", "number", "name", "experiment", "status", "type", "created", "started", "ended", "duration"),
    *("target", "submitted_by", "parent"),
]


@pytest.fixture(params=["pandas", "polars"])
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Runs "a" (mse 9, 1, 3; a child), "b" (mse NaN; failed), and of another experiment "c" (no mse; goes on)."""
    from milepost.sdk.recording.recorder import close_recorder

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("frames")
        patch.setenv("MILEPOST_HOME", str(folder / "home"))
        patch.chdir(folder)
        ws = Workspace.create("frames")
        first, second = Experiment(ws, "first"), Experiment(ws, "second")
        plain: dict[str, Any] = {"snapshot_directory": None}
        with first.start_logging(run_id="a", display_name="ann", tags={"stage": "prod", "odd": None}, **plain) as a:
            for value in (9.0, 1.0, 3.0):
                a.log("mse", value)
            a.log("steps", 10)
            a.log("good", True)
            a.log("verdict", "fine")
            a.log_row("table", x=1, y=2)
            a.add_properties({"author": "me"})
            with a.child_run(run_id="a-1") as child:
                child.log("mse", 0.5)
        b = first.start_logging(run_id="b", tags={"stage": "test"}, **plain)
        b.log("mse", math.nan)
        b.log("steps", 20)
        b.log("good", False)
        b.log("verdict", 7)
        b.fail("enough")
        c = second.start_logging(run_id="c", **plain)
        c.log("steps", 30)
        c.log("good", True)
        c.flush()
        yield ws
        close_recorder(ws._recorder)


def rows(frame: Any) -> list[dict[str, Any]]:
    """The rows as dicts of plain values, without what is missing."""
    listed = frame.to_dict("records") if isinstance(frame, pandas.DataFrame) else frame.to_dicts()
    missing = (lambda value: pandas.isna(value)) if isinstance(frame, pandas.DataFrame) else lambda value: value is None
    return [{key: value for key, value in row.items() if not missing(value)} for row in listed]


def column(frame: Any, name: str) -> list[Any]:
    return list(frame[name])


# -- rows ------------------------------------------------------------------------------------------------------------


def test_a_row_for_each_run_the_newest_first_with_all_it_has(four: Workspace, library: Any) -> None:
    frame = milepost.runs_dataframe(four, library=library)
    names = ["tags.odd", "tags.stage", "metrics.good", "metrics.mse", "metrics.steps", "metrics.verdict"]
    assert list(frame.columns) == FACTS + names
    assert column(frame, "run_id") == ["c", "b", "a"]
    c, b, a = rows(frame)
    assert (a["name"], a["number"], a["experiment"], a["status"]) == ("ann", 1, "first", "Completed")
    assert (a["metrics.mse"], a["metrics.steps"], a["metrics.verdict"], a["tags.stage"]) == (3.0, 10, "fine", "prod")
    assert (b["name"], b["status"]) == ("b", "Failed")
    assert c["status"] == "Running"
    assert "metrics.mse" not in c
    assert "ended" not in c
    assert "duration" not in c


def test_times_are_utc_and_durations_seconds(four: Workspace, library: Any) -> None:
    a = rows(milepost.runs_dataframe(four, filter='run_id = "a"', library=library))[0]
    record = four._recorder.run("a")
    assert a["started"].timestamp() == pytest.approx(record.started_ns / 1e9)  # type: ignore[operator]
    assert a["started"].utcoffset().total_seconds() == 0
    assert abs((datetime.now(timezone.utc) - a["created"]).total_seconds()) < 3600
    assert a["duration"] == pytest.approx((a["ended"] - a["started"]).total_seconds(), abs=2e-6)


@pytest.mark.parametrize(
    ("source", "options", "found"),
    [
        (lambda ws: ws, {}, ["c", "b", "a"]),
        (lambda ws: Experiment(ws, "first"), {}, ["b", "a"]),
        (lambda ws: [Experiment(ws, "first"), Experiment(ws, "second")], {}, ["c", "b", "a"]),
        (lambda ws: ws.experiments.values(), {"limit": 2}, ["c", "b"]),
        (lambda ws: ws.get_run("a"), {}, ["a-1"]),
        (lambda ws: ws.get_run("a"), {"include_children": True}, ["a-1"]),
        (lambda ws: ws, {"include_children": True}, ["c", "b", "a-1", "a"]),
        (lambda ws: ws, {"filter": "metrics.mse < 5 or status = 'Failed'"}, ["b", "a"]),
        (lambda ws: ws, {"order_by": "metrics.steps"}, ["a", "b", "c"]),
        (lambda ws: ws, {"order_by": "metrics.steps desc"}, ["c", "b", "a"]),
        (lambda ws: ws, {"order_by": "min(metrics.mse)", "include_children": True, "limit": 2}, ["a-1", "a"]),
        (lambda ws: ws, {"order_by": "number asc", "limit": 0}, []),
        (lambda ws: ws, {"archived": True}, []),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_whose_runs_which_and_in_which_order(four: Workspace, source: Any, options: Any, found: list[str]) -> None:
    assert column(milepost.runs_dataframe(source(four), **options), "run_id") == found


def test_an_experiment_gives_its_own(four: Workspace, library: Any) -> None:
    assert column(Experiment(four, "second").to_dataframe(library=library), "run_id") == ["c"]


# -- columns ---------------------------------------------------------------------------------------------------------


def test_columns_are_those_that_are_named_in_their_order(four: Workspace, library: Any) -> None:
    names = ["metrics.mse", "status", "min(metrics.mse)", "max(metrics.mse)", "tags.none", "properties.*"]
    frame = milepost.runs_dataframe(four, columns=names, library=library)
    assert list(frame.columns) == [*names[:-1], "properties.author"]
    assert rows(frame)[2] == {
        "metrics.mse": 3.0,
        "status": "Completed",
        "min(metrics.mse)": 1.0,
        "max(metrics.mse)": 9.0,
        "properties.author": "me",
    }


def test_metrics_by_their_last_value_or_by_what_is_best(four: Workspace) -> None:
    frame = milepost.runs_dataframe(four, columns=["metrics.*"], metrics="max")
    assert list(frame.columns)[:2] == ["max(metrics.good)", "max(metrics.mse)"]
    frame = milepost.runs_dataframe(four, columns=["metrics.*"], metrics={"mse": "min"})
    assert list(frame.columns) == ["metrics.good", "min(metrics.mse)", "metrics.steps", "metrics.verdict"]
    assert column(frame, "min(metrics.mse)")[2] == 1.0


def test_pandas_has_numbers_where_all_are_numbers(four: Workspace) -> None:
    types = milepost.runs_dataframe(four, library="pandas").dtypes.astype(str).to_dict()
    assert types["number"] == "int64"
    assert types["created"] == types["ended"] == "datetime64[ns, UTC]"
    assert types["duration"] == "float64"
    assert (types["metrics.mse"], types["metrics.steps"], types["metrics.good"]) == ("float64", "int64", "bool")
    assert types["metrics.verdict"] == "object"


def test_polars_has_numbers_where_all_are_numbers(four: Workspace) -> None:
    frame = milepost.runs_dataframe(four, library="polars")
    types = {name: str(kind) for name, kind in frame.schema.items()}
    assert types["number"] == "Int64"
    assert types["created"] == types["ended"] == "Datetime(time_unit='ns', time_zone='UTC')"
    assert types["duration"] == "Float64"
    assert (types["metrics.mse"], types["metrics.steps"], types["metrics.good"]) == ("Float64", "Int64", "Boolean")
    assert (types["metrics.verdict"], types["parent"]) == ("String", "String")
    assert column(frame, "metrics.verdict") == [None, "7", "fine"]
    values = column(frame, "metrics.mse")
    assert values[0] is None  # not logged
    assert math.isnan(values[1])  # logged as NaN


@pytest.mark.only_here
def test_parameters_of_other_clients_are_numbers_where_all_are(ws: Workspace, library: Any) -> None:
    from milepost.store.engine import write
    from milepost.store.schema import parameters, runs

    for number in range(2):
        Experiment(ws, "exp").start_logging(run_id=f"r{number}", snapshot_directory=None).complete()
    store = ws._recorder.open_store()
    with write(store.engine) as connection:
        keys = list(connection.scalars(runs.select().with_only_columns(runs.c.key).order_by(runs.c.run_id)))
        values = [("alpha", "0.5", "1e-3"), ("layers", "3", "4"), ("kind", "007", "8")]
        for name, *texts in values:
            for key, text in zip(keys, texts, strict=True):
                row = {"run_key": key, "name": name, "workspace_key": store.workspace_key, "value": text}
                connection.execute(parameters.insert().values(row))
    frame = milepost.runs_dataframe(ws, columns=["params.*"], order_by="number", library=library)
    assert column(frame, "params.alpha") == [0.5, 0.001]
    assert column(frame, "params.layers") == [3, 4]
    assert column(frame, "params.kind") == ["007", "8"]


@pytest.mark.parametrize("value", [2**53 + 1, 2**63, -(2**70)])
def test_large_numbers_keep_all_their_digits(ws: Workspace, value: int) -> None:
    experiment = Experiment(ws, "exp")
    with experiment.start_logging(snapshot_directory=None) as run:
        run.log("x", value)
    experiment.start_logging(snapshot_directory=None).complete()
    assert column(experiment.to_dataframe(library="pandas"), "metrics.x")[1] == value
    assert str(column(experiment.to_dataframe(library="polars"), "metrics.x")[1]) == str(value)


def test_no_runs_are_a_frame_without_rows(ws: Workspace, library: Any) -> None:
    frame = milepost.runs_dataframe(ws, library=library)
    assert frame.shape == (0, len(FACTS))
    assert list(frame.columns) == FACTS


# -- what cannot be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"filter": "mse <"}, "the filter is wrong"),
        ({"columns": ["mse"]}, "there is no column 'mse'"),
        ({"columns": ["nothing.*"]}, r"there is no column 'nothing\.\*'"),
        ({"order_by": "mse"}, "cannot be ordered by 'mse'"),
        ({"metrics": "best"}, "not 'best'"),
        ({"metrics": {"mse": "mean"}}, "not 'mean'"),
        ({"limit": -1}, "limit is a number of runs"),
        ({"library": "numpy"}, "'pandas' or 'polars'"),
        ({"source": "first"}, "takes a workspace, an experiment"),
        ({"source": []}, "takes a workspace, an experiment"),
    ],
    ids=str,
)
def test_what_cannot_be_understood_is_told(four: Workspace, options: dict[str, Any], says: str) -> None:
    with pytest.raises(UserErrorException, match=says):
        milepost.runs_dataframe(options.pop("source", four), **options)


def test_without_a_library_it_is_said_what_to_install(four: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    gone = {"pandas", "polars"}
    hide = lambda name, *more: None if name in gone else find(name, *more)  # noqa: E731
    monkeypatch.setattr("milepost.sdk.runs.frame_libraries.find_spec", hide)
    with pytest.raises(ImportError, match="pandas or polars, which is not installed: pip install pandas"):
        milepost.runs_dataframe(four)
    with pytest.raises(ImportError, match="needs polars, which is not installed: pip install polars"):
        milepost.metrics_dataframe(four.get_run("a"), library="polars")
    gone.remove("polars")
    assert isinstance(milepost.runs_dataframe(four), polars.DataFrame)
    gone.clear()
    assert isinstance(milepost.runs_dataframe(four), pandas.DataFrame)


def test_the_names_are_there_without_loading_anything() -> None:
    source = (
        "import sys, milepost; assert not [each for each in sys.modules if each.startswith('milepost.')]; "
        "milepost.runs_dataframe, milepost.metrics_dataframe; "
        "print('pandas' in sys.modules, 'sqlalchemy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
    with pytest.raises(AttributeError, match="no attribute 'run_dataframe'"):
        milepost.run_dataframe  # noqa: B018


# -- every value -----------------------------------------------------------------------------------------------------


def test_a_row_for_each_value(four: Workspace, library: Any) -> None:
    runs = [four.get_run("a"), four.get_run("b")]
    frame = milepost.metrics_dataframe(runs, "mse", library=library)
    assert list(frame.columns) == ["run_id", "metric", "step", "time", "value"]
    assert column(frame, "run_id") == ["a", "a", "a", "b"]
    assert column(frame, "step") == [0, 1, 2, 0]
    assert column(frame, "value")[:3] == [9.0, 1.0, 3.0]
    assert math.isnan(column(frame, "value")[3])
    assert column(frame, "time")[0].utcoffset().total_seconds() == 0
    assert column(frame, "time") == sorted(column(frame, "time"))


def test_without_names_it_has_all_numbers(four: Workspace) -> None:
    frame = milepost.metrics_dataframe(four.get_run("a"))
    assert column(frame, "metric") == ["mse", "mse", "mse", "steps", "good"]
    assert column(frame, "value") == [9.0, 1.0, 3.0, 10, True]
    text = milepost.metrics_dataframe(four.get_run("a"), ["verdict"])
    assert column(text, "value") == ["fine"]


def test_values_that_are_numbers_are_numbers(four: Workspace) -> None:
    runs = list(Experiment(four, "first").get_runs())
    pandas_types = milepost.metrics_dataframe(runs, ["mse", "steps"], library="pandas").dtypes.astype(str).to_dict()
    assert (pandas_types["step"], pandas_types["value"]) == ("int64", "float64")
    assert pandas_types["time"] == "datetime64[ns, UTC]"
    whole = milepost.metrics_dataframe(runs, "steps", library="polars")
    assert str(whole.schema["value"]) == "Int64"


def test_a_long_series_comes_whole(run: Run, library: Any) -> None:
    for step in range(100_000):
        run.log("loss", step / 2)
    frame = milepost.metrics_dataframe(run, library=library)
    assert column(frame, "value") == [step / 2 for step in range(100_000)]
    assert column(frame, "step") == list(range(100_000))


def test_runs_that_logged_nothing_are_a_frame_without_rows(run: Run, library: Any) -> None:
    assert milepost.metrics_dataframe(run, library=library).shape == (0, 5)
    with pytest.raises(UserErrorException, match="takes a run, or runs"):
        milepost.metrics_dataframe(["a"])  # type: ignore[list-item]
