"""Metrics over HTTP: summaries, values, and lines as bytes."""

from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest

from azureml.core import Experiment, Run, Workspace
from milepost.server.series_format import MEDIA_TYPE, DecodedSeries, decode
from milepost.store.batch import SYSTEM
from tests.store.builders import say
from tests.store.builders import series as sampled


def series(client: httpx.Client, *wanted: dict[str, Any], **how: Any) -> list[DecodedSeries]:
    answer = client.post("/metrics/series", json={"series": list(wanted), **how})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    told, found = decode(answer.content)
    assert told["x"] == how.get("x", "step")
    return found


def test_metrics_are_told_in_the_order_of_logging(client: httpx.Client, run: Run) -> None:
    run.log("loss", 0.5, description="of training")
    run.log("loss", float("nan"))
    run.log("loss", float("inf"))
    run.log_list("words", ["a", "b"])
    run.log_table("curve", {"x": [1, 2], "y": [3.0, 4.0]})
    run.log("large", 2**70)
    run.flush()
    told = client.get(f"/runs/{run.id}/metrics").json()
    assert told["total"] == 4
    loss, words, curve, large = told["metrics"]
    assert (loss["name"], loss["kind"], loss["count"], loss["description"]) == ("loss", "series", 3, "of training")
    assert (loss["first"], loss["last"], loss["min"], loss["max"]) == (0.5, "Infinity", 0.5, "Infinity")
    assert (loss["nan_count"], loss["first_step"], loss["last_step"]) == (1, 0, 2)
    assert loss["first_time"].endswith("Z")
    assert (words["first"], words["last"], words["min"], words["is_list"]) == ("a", "b", None, True)
    assert (curve["kind"], curve["columns"], curve["count"]) == ("table", ["x", "y"], 2)
    assert large["last"] == str(2**70)


def test_metrics_are_searched_and_paged(client: httpx.Client, run: Run) -> None:
    for number in range(30):
        run.log(f"Layer%{number}/loss", number)
    run.log("other", 1)
    run.flush()

    def names(**asked: Any) -> list[str]:
        return [each["name"] for each in client.get(f"/runs/{run.id}/metrics", params=asked).json()["metrics"]]

    assert names(search="layer%2") == [f"Layer%{number}/loss" for number in (2, *range(20, 30))]
    assert names(offset=29, limit=5) == ["Layer%29/loss", "other"]
    assert client.get(f"/runs/{run.id}/metrics", params={"search": "layer", "limit": 2}).json()["total"] == 30
    assert names(search="Layer_") == []


def test_metrics_that_did_not_change_are_not_sent_again(client: httpx.Client, run: Run) -> None:
    run.log("loss", 0.5)
    run.flush()
    first = client.get(f"/runs/{run.id}/metrics")
    again = {"If-None-Match": first.headers["etag"]}
    assert client.get(f"/runs/{run.id}/metrics", headers=again).status_code == 304
    run.log("loss", 0.6)
    run.flush()
    assert client.get(f"/runs/{run.id}/metrics", headers=again).json()["metrics"][0]["last"] == 0.6


def test_a_short_line_comes_with_all_its_points(client: httpx.Client, run: Run) -> None:
    for value in [0.5, 1, True, float("nan"), 3.5]:
        run.log("m", value)
    run.flush()
    (found,) = series(client, {"run_id": run.id, "name": "m"})
    assert found.about["exact"]
    assert (found.about["total"], found.about["nan"], found.about["band_offset"]) == (5, 1, None)
    assert found.x.tolist() == [0, 1, 2, 3, 4]
    assert found.y[[0, 1, 2, 4]].tolist() == [0.5, 1, 1, 3.5]
    assert math.isnan(found.y[3])


def test_a_long_line_comes_with_a_band_and_zoomed_in_with_all_points(client: httpx.Client, run: Run) -> None:
    values = np.random.default_rng(0).normal(size=150_000)
    values[77_777] = 50.0
    run.log_list("m", values.tolist())
    run.flush()
    wanted = {"run_id": run.id, "name": "m"}
    (found,) = series(client, wanted, points=1000)
    assert (found.about["exact"], found.about["total"]) == (False, 150_000)
    assert len(found.x) <= 1004
    assert found.high is not None
    assert found.y[found.x == 77_777].tolist() == [50.0]
    assert found.high.max() == 50.0
    window = {"from": 77_700, "to": 77_800, "points": 101}
    (zoomed,) = series(client, wanted, **window)
    assert (zoomed.about["exact"], zoomed.about["total"]) == (True, 101)
    assert zoomed.x.tolist() == list(range(77_699, 77_802))
    assert zoomed.y.tolist() == values[77_699:77_802].tolist()


def test_many_lines_come_in_the_order_asked_for(client: httpx.Client, experiment: Experiment) -> None:
    runs = [experiment.start_logging(snapshot_directory=None) for _ in range(3)]
    for number, run in enumerate(runs):
        for name in range(20):
            run.log(f"m{name}", number * 100 + name)
        run.flush()
    wanted = [{"run_id": run.id, "name": f"m{name}"} for name in range(20) for run in reversed(runs)]
    found = series(client, *wanted, {"run_id": runs[0].id, "name": "m99"}, {"run_id": "nobody", "name": "m1"})
    assert [each.y.tolist() for each in found[:-2]] == [[n * 100.0 + m] for m in range(20) for n in (2, 1, 0)]
    assert [each.about["run_id"] for each in found[:3]] == [run.id for run in reversed(runs)]
    assert "'m99'" in found[-2].about["problem"]
    assert (found[-1].about["count"], found[-1].about["problem"] is None) == (0, False)


def test_time_is_in_seconds_and_relative_time_begins_with_the_run(client: httpx.Client, run: Run) -> None:
    run.log("m", 1)
    run.log("m", 2)
    run.flush()
    wanted = {"run_id": run.id, "name": "m"}
    (at,), (since,) = series(client, wanted, x="time"), series(client, wanted, x="relative")
    assert 1_600_000_000 < at.x[0] <= at.x[1]
    assert 0 <= since.x[0] <= since.x[1] < 1000
    (none,) = series(client, wanted, x="time", to=1_000_000_000)
    assert (none.about["total"], len(none.x)) == (0, 1)


def test_a_table_gives_a_column_by_row_or_against_another(client: httpx.Client, run: Run) -> None:
    for degrees in range(0, 360, 10):
        run.log_row("cosine", angle=degrees, cosine=math.cos(math.radians(degrees)))
    run.flush()
    wanted = {"run_id": run.id, "name": "cosine", "column": "cosine"}
    by_row, by_angle = series(client, wanted, {**wanted, "x_column": "angle"})
    assert by_row.x.tolist() == list(range(36))
    assert by_angle.x.tolist() == list(range(0, 360, 10))
    assert by_angle.y[18] == -1.0


def test_a_line_is_read_on_while_it_grows(client: httpx.Client, run: Run) -> None:
    wanted = {"run_id": run.id, "name": "m"}
    logged: list[float] = []
    for size in [1, 300, 20, 5000]:
        run.log_list("m", [float(len(logged) + number) for number in range(size)])
        logged += [float(len(logged) + number) for number in range(size)]
        run.flush()
        (found,) = series(client, wanted, points=20_000)
        assert found.y.tolist() == logged


def test_steps_in_another_order_are_told(client: httpx.Client, run: Run) -> None:
    for step in [0, 1, 2, 1, 2, 3]:
        run.log("m", step, step=step)
    run.flush()
    (found,) = series(client, {"run_id": run.id, "name": "m"})
    assert found.about["reordered"]
    assert found.x.tolist() == [0, 1, 1, 2, 2, 3]


def test_what_was_sampled_of_the_machine_is_apart(client: httpx.Client, ws: Workspace, run: Run) -> None:
    run.log("cpu", 1.0)
    run.flush()
    say(ws._recorder.open_store(), sampled(run.id, "cpu", [20.0, 30.0], namespace=SYSTEM), journal="sampler")
    told = client.get(f"/runs/{run.id}/metrics", params={"namespace": "system"}).json()
    assert [(each["name"], each["namespace"], each["last"]) for each in told["metrics"]] == [("cpu", "system", 30.0)]
    assert [each["last"] for each in client.get(f"/runs/{run.id}/metrics").json()["metrics"]] == [1.0]
    of_script, of_machine = series(
        client, {"run_id": run.id, "name": "cpu"}, {"run_id": run.id, "name": "cpu", "namespace": "system"}
    )
    assert (of_script.y.tolist(), of_machine.y.tolist()) == ([1.0], [20.0, 30.0])
    assert client.get(f"/runs/{run.id}/metrics", params={"namespace": "other"}).status_code == 422


def test_many_charts_at_once_get_their_own_lines(client: httpx.Client, experiment: Experiment) -> None:
    runs = [experiment.start_logging(snapshot_directory=None) for _ in range(4)]
    for number, run in enumerate(runs):
        run.log_list("m", [float(number)] * 20_000)
        run.flush()
    wrong: list[str] = []

    def look(number: int) -> None:
        for _ in range(10):
            (found,) = series(client, {"run_id": runs[number].id, "name": "m"}, points=100)
            if set(found.y.tolist()) != {float(number)}:
                wrong.append(runs[number].id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, [0, 1, 2, 3] * 2))
    assert not wrong


def test_values_are_given_one_by_one(client: httpx.Client, run: Run) -> None:
    values = ["a", 1, 2.5, True, float("nan"), 2**60, "long" * 5000, "\ud800"]
    run.log_list("a/b c", values)
    run.flush()
    page = client.get(f"/runs/{run.id}/metrics/a%2Fb%20c/values").json()
    assert (page["total"], page["kind"], page["cut"]) == (8, "series", 1)
    assert page["values"][:6] == ["a", 1, 2.5, True, "NaN", str(2**60)]
    assert page["values"][6].endswith("...")
    assert page["values"][7] == "\ufffd"
    assert page["steps"] == list(range(8))
    rest = client.get(f"/runs/{run.id}/metrics/a/b c/values", params={"offset": 3, "limit": 2}).json()
    assert (rest["values"], rest["steps"], rest["total"]) == ([True, "NaN"], [3, 4], 8)
    assert client.get(f"/runs/{run.id}/metrics/a%2Fb%20c/values", params={"offset": 2**39}).json()["values"] == []


def test_a_metric_that_is_not_there_is_told_with_names_like_it(client: httpx.Client, run: Run) -> None:
    run.log("accuracy", 1)
    run.flush()
    answer = client.get(f"/runs/{run.id}/metrics/acuracy/values")
    assert answer.status_code == 404
    assert "did you mean 'accuracy'" in answer.json()["error"]["message"]
    assert client.get("/runs/nobody/metrics").status_code == 404
    assert client.get("/runs/nobody/metrics/accuracy/values").status_code == 404
    assert client.get(f"/runs/{run.id}/tables/accuracy").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"series": []}, 422),
        ({"series": [{"run_id": "r", "name": "m"}] * 501}, 422),
        ({"series": [{"run_id": "r", "name": "m"}] * 500, "points": 20_000}, 413),
        ({"series": [{"run_id": "r", "name": "m"}], "points": 10**9}, 422),
        ({"series": [{"run_id": "r", "name": "m"}], "x": "drop table"}, 422),
        ({"series": [{"run_id": "r", "name": "m"}], "from": 2, "to": 1}, 400),
        ({"series": [{"run_id": "r", "name": "m" * 3000}]}, 422),
        ({"series": [{"run_id": "r'; --", "name": '"\\\u0000%'}], "from": -1e308, "to": 1e308}, 200),
        ({"series": [{"run_id": "r", "name": "\ud83d"}]}, 422),
        ({"series": [{"run_id": "r", "name": "m", "column": "\u0000", "namespace": "system"}]}, 200),
        ({"series": [{"run_id": "r", "name": "m", "column": "", "namespace": "%"}]}, 422),
        ({"series": "r"}, 422),
        ([], 422),
    ],
)
def test_what_cannot_be_asked_is_refused(client: httpx.Client, body: Any, status: int) -> None:
    answer = client.post(
        "/metrics/series", content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize("window", [{"from": -1e308}, {"to": -1e308}, {"from": 1e300, "to": 1e308}, {"from": 0.5}])
@pytest.mark.parametrize("x", ["step", "time", "relative"])
def test_windows_far_from_everything(client: httpx.Client, run: Run, window: dict[str, float], x: str) -> None:
    run.log_list("m", [float(number) for number in range(200_000)])
    run.flush()
    (found,) = series(client, {"run_id": run.id, "name": "m"}, x=x, **window)
    assert 0 <= found.about["total"] <= 200_000
