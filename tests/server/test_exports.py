"""All points of a metric as CSV."""

from __future__ import annotations

import csv
import io

import httpx

from azureml.core import Experiment, Run


def _rows(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"), newline="")))


def test_every_point_is_there_exactly(client: httpx.Client, run: Run) -> None:
    values = [number / 3 for number in range(50_001)]
    run.log_list("loss", values)
    run.log("loss", float("nan"))
    run.log("loss", float("-inf"))
    run.log("loss", 7, step=10**12)
    run.flush()
    answer = client.get("/metrics/csv", params={"run_id": run.id, "name": "loss"})
    head, *rows = _rows(answer)
    assert head == ["step", "time", "value"]
    assert [float(value) for *_, value in rows[:50_001]] == values
    assert [value for *_, value in rows[50_001:]] == ["NaN", "-Infinity", "7"]
    assert rows[-1][0] == str(10**12)
    assert rows[0][1].endswith("Z")
    assert answer.headers["content-disposition"].startswith('attachment; filename="loss.csv"')


def test_no_cell_is_a_formula(client: httpx.Client, run: Run) -> None:
    run.log_table("t", {"=x": ["=1+1", "+a", "-1", "@a", "\ta", "plain", None], "n": [-1, -0.5, 1, True, 2, 3, 4]})
    run.flush()
    head, *rows = _rows(client.get("/metrics/csv", params={"run_id": run.id, "name": "t"}))
    assert head[2:] == ["'=x", "n"]
    assert [row[2] for row in rows] == ["'=1+1", "'+a", "-1", "'@a", "'\ta", "plain", ""]
    assert [row[3] for row in rows] == ["-1", "-0.5", "1", "true", "2", "3", "4"]


def test_several_runs_one_after_another(client: httpx.Client, run: Run, experiment: Experiment) -> None:
    other = experiment.start_logging(snapshot_directory=None)
    without = experiment.start_logging(snapshot_directory=None)
    for each, value in ((run, 1.5), (other, 2.5)):
        each.log("m", value)
        each.flush()
    without.flush()
    head, *rows = _rows(client.get("/metrics/csv", params={"run_id": [other.id, run.id, without.id], "name": "m"}))
    assert head == ["run_id", "step", "time", "value"]
    assert [(row[0], row[3]) for row in rows] == [(other.id, "2.5"), (run.id, "1.5")]


def test_what_is_not_there(client: httpx.Client, run: Run) -> None:
    run.log("m", 1)
    run.flush()
    assert client.get("/metrics/csv", params={"run_id": run.id, "name": "n"}).status_code == 404
    assert client.get("/metrics/csv", params={"run_id": "none", "name": "m"}).status_code == 404
    assert client.get("/metrics/csv", params={"run_id": [run.id, "none"], "name": "m"}).status_code == 404
    assert client.get("/metrics/csv", params={"name": "m"}).status_code == 422
