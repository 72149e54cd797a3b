"""``milepost runs metrics``: every point comes out, in every format."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from azureml.core import Experiment, Workspace
from milepost.cli import run_metrics

from .conftest import Command, Record, one_line

MIXED = [1, -2.5, True, float("nan"), float("inf"), float("-inf"), 2**70, "text", "=1+1", "two\nlines", "", -0.0]


def log(workspace: Workspace) -> str:
    run = Experiment(workspace, "e").start_logging()
    for index in range(2500):
        run.log("loss", 1 / (index + 1), step=index * 10)
    run.log_list("mixed", MIXED)
    run.log_row("rows", x=1, y=0.5)
    run.log_row("rows", x=2, z="@SUM(A1)")
    run.log_table("=table", {"a": [1, 2, 3], "b": [1.5]})
    run.log_list("none", [])
    run.complete()
    return str(run.id)


@pytest.fixture
def run_id(home: Path, record: Record, monkeypatch: pytest.MonkeyPatch) -> str:
    # So that series are written in several windows, the last of them not whole.
    monkeypatch.setattr(run_metrics, "_WINDOW", 1000)
    return str(record(log))


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


class TestCsv:
    def test_every_point_has_its_step_time_and_exact_value(self, run_id: str, milepost: Command) -> None:
        rows = rows_of(milepost("runs", "metrics", run_id, "--name", "loss", "--format", "csv").out)
        assert [float(row["value"]) for row in rows] == [1 / (index + 1) for index in range(2500)]
        assert [int(row["step"]) for row in rows] == list(range(0, 25000, 10))
        assert [int(row["index"]) for row in rows] == list(range(2500))
        times = [row["time"] for row in rows]
        assert times == sorted(times)
        assert all(len(time) == len("2026-01-01T00:00:00.000000Z") for time in times)

    def test_values_of_all_kinds(self, run_id: str, milepost: Command) -> None:
        rows = rows_of(milepost("runs", "metrics", run_id, "-n", "mixed", "-f", "csv").out)
        assert [row["value"] for row in rows] == [
            "1",
            "-2.5",
            "true",
            "NaN",
            "Infinity",
            "-Infinity",
            str(2**70),
            "text",
            "'=1+1",
            "two\\nlines",
            "",
            "-0.0",
        ]

    def test_tables_give_a_line_for_each_cell_that_is_there(self, run_id: str, milepost: Command) -> None:
        rows = rows_of(milepost("runs", "metrics", run_id, "-f", "csv").out)
        cells = [(row["metric"], row["column"], row["index"], row["value"]) for row in rows if row["kind"] == "table"]
        assert cells == [
            ("rows", "x", "0", "1"),
            ("rows", "x", "1", "2"),
            ("rows", "y", "0", "0.5"),
            ("rows", "z", "1", "'@SUM(A1)"),
            ("'=table", "a", "0", "1"),
            ("'=table", "a", "1", "2"),
            ("'=table", "a", "2", "3"),
            ("'=table", "b", "0", "1.5"),
        ]

    def test_the_header_is_there_even_without_points(self, run_id: str, milepost: Command) -> None:
        out = milepost("runs", "metrics", run_id, "-n", "none", "-f", "csv").out
        assert out == "metric,kind,column,index,step,time,value\n"


class TestJson:
    def test_every_point_and_summary(self, run_id: str, milepost: Command) -> None:
        found = milepost("runs", "metrics", run_id, "--json").json
        assert found["id"] == run_id
        metrics: dict[str, dict[str, Any]] = {each["name"]: each for each in found["metrics"]}
        assert list(metrics) == ["loss", "mixed", "rows", "=table", "none"]
        loss = metrics["loss"]
        assert loss["values"] == [1 / (index + 1) for index in range(2500)]
        assert loss["steps"] == list(range(0, 25000, 10))
        assert len(loss["times"]) == 2500
        assert loss["count"] == 2500
        assert loss["cells"] is None
        assert metrics["mixed"]["values"] == [
            1,
            -2.5,
            True,
            "NaN",
            "Infinity",
            "-Infinity",
            2**70,
            "text",
            "=1+1",
            "two\nlines",
            "",
            -0.0,
        ]
        assert metrics["rows"]["cells"] == {"x": [1, 2], "y": [0.5, None], "z": [None, "@SUM(A1)"]}
        assert metrics["rows"]["values"] is None
        assert metrics["=table"]["cells"] == {"a": [1, 2, 3], "b": [1.5, None, None]}
        assert metrics["none"]["values"] == []

    def test_both_ways_to_ask_for_it_are_one(self, run_id: str, milepost: Command) -> None:
        for args in (["--name", "loss"], []):
            one = milepost("runs", "metrics", run_id, *args, "--json").out
            assert one == milepost("runs", "metrics", run_id, *args, "--format", "json").out

    def test_the_keys_are_stable(self, run_id: str, milepost: Command) -> None:
        metric = milepost("runs", "metrics", run_id, "--json").json["metrics"][0]
        assert " ".join(metric) == (
            "name kind namespace description calls count first last min max nan_count first_step last_step first_time "
            "last_time columns steps times values cells"
        )

    def test_a_run_without_metrics_has_an_empty_list(self, home: Path, record: Record, milepost: Command) -> None:
        run_id = record(lambda workspace: Experiment(workspace, "e").start_logging().id)
        assert milepost("runs", "metrics", run_id, "--json").json == {"id": run_id, "metrics": []}
        assert milepost("runs", "metrics", run_id).out == ""


class TestTable:
    def test_one_line_for_each_metric(self, run_id: str, milepost: Command) -> None:
        lines = milepost("runs", "metrics", run_id).out.splitlines()
        assert [line.split()[0] for line in lines] == ["METRIC", "loss", "mixed", "rows", "=table", "none"]
        assert lines[1].split()[:6] == ["loss", "series", "2,500", "1", "0.0004", "0.0004"]

    def test_one_metric_shows_its_last_points(self, run_id: str, milepost: Command) -> None:
        result = milepost("runs", "metrics", run_id, "--name", "loss", "--limit", "3")
        assert [line.split()[0] for line in result.out.splitlines()[-3:]] == ["24970", "24980", "24990"]
        assert "the last 3 of 2,500 points" in result.err
        everything = milepost("runs", "metrics", run_id, "--name", "loss", "--limit", "0")
        assert len(everything.out.splitlines()) == 2500 + 4
        assert everything.err == ""

    def test_an_unknown_metric_is_an_error(self, run_id: str, milepost: Command) -> None:
        assert "no metric 'absent'" in one_line(milepost("runs", "metrics", run_id, "-n", "absent", ok=False))
