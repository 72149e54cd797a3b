"""Experiments over the API."""

from __future__ import annotations

import httpx
import pytest

from azureml.core import Experiment, Run, Workspace


def test_experiments_are_told_with_their_runs(client: httpx.Client, ws: Workspace) -> None:
    for name, ends in (("first", ["complete", "fail", "complete"]), ("second", [])):
        experiment = Experiment(ws, name)
        for end in ends:
            getattr(experiment.start_logging(snapshot_directory=None), end)()
    ws._recorder.flush()
    told = client.get("/experiments").json()
    assert [each["name"] for each in told["experiments"]] == ["second", "first"]
    second, first = told["experiments"]
    assert (first["run_count"], first["statuses"]) == (3, {"Completed": 2, "Failed": 1})
    assert (second["run_count"], second["statuses"], second["last_run"]) == (0, {}, None)
    assert first["last_run"] > first["created"]
    assert client.get("/experiments/first").json() == first
    assert second["last_activity"] is None
    assert first["last_activity"] > first["last_run"]  # the last one has ended since


def test_experiments_are_sorted(client: httpx.Client, ws: Workspace) -> None:
    running = Experiment(ws, "beta").start_logging(snapshot_directory=None)
    for name, runs in (("Alpha", 2), ("gamma", 0), ("delta", 1)):
        experiment = Experiment(ws, name)
        for _ in range(runs):
            experiment.start_logging(snapshot_directory=None).complete()
    running.complete()
    ws._recorder.flush()

    def names(**asked: object) -> list[str]:
        return [each["name"] for each in client.get("/experiments", params=asked).json()["experiments"]]

    assert names() == ["delta", "gamma", "Alpha", "beta"]
    assert names(order_by="name", descending=False) == ["Alpha", "beta", "delta", "gamma"]
    assert names(order_by="runs")[0] == "Alpha"
    assert names(order_by="last_activity") == ["beta", "delta", "Alpha", "gamma"]
    assert names(order_by="last_run", descending=False) == ["beta", "Alpha", "delta", "gamma"]


def test_an_experiment_is_described_tagged_and_archived(client: httpx.Client, run: Run) -> None:
    run.complete()
    told = client.patch(
        "/experiments/exp", json={"description": "why", "set_tags": {"team": "red", "seen": None}, "archived": True}
    )
    assert told.status_code == 200
    assert (told.json()["description"], told.json()["tags"]) == ("why", {"team": "red", "seen": None})
    assert client.get("/experiments").json()["experiments"] == []
    assert [each["name"] for each in client.get("/experiments?view=archived").json()["experiments"]] == ["exp"]
    back = client.patch("/experiments/exp", json={"archived": False, "remove_tags": ["seen"]}).json()
    assert (back["archived"], back["tags"], back["description"]) == (None, {"team": "red"}, "why")


@pytest.mark.parametrize("search", ["ALPH", "Why NOT", "tagged", "red"])
def test_experiments_are_searched_in_what_is_said_of_them(client: httpx.Client, ws: Workspace, search: str) -> None:
    for name in ("alpha", "beta"):
        Experiment(ws, name)
    ws._recorder.flush()
    client.patch("/experiments/alpha", json={"description": "why not", "set_tags": {"tagged": "red"}})
    found = client.get("/experiments", params={"search": search}).json()
    assert [each["name"] for each in found["experiments"]] == ["alpha"]


def test_an_experiment_is_deleted_with_its_runs(client: httpx.Client, run: Run) -> None:
    run.complete()
    assert client.delete("/experiments/exp").json() == {"deleted_runs": 1}
    gone = client.get("/experiments/exp")
    assert gone.status_code == 404
    assert gone.json()["error"]["code"] == "not_found"


def test_names_that_are_like_it_are_told(client: httpx.Client, ws: Workspace) -> None:
    Experiment(ws, "train-resnet")
    ws._recorder.flush()
    message = client.get("/experiments/train-resnt").json()["error"]["message"]
    assert "train-resnt" in message
    assert "did you mean 'train-resnet'?" in message


@pytest.mark.parametrize("name", ["a/b", "ä ö", "50%", "a?b#c", "..", "<b>", "a\\b", "x" * 255])
def test_any_name_of_an_experiment_can_be_asked_for(client: httpx.Client, ws: Workspace, name: str) -> None:
    from urllib.parse import quote

    ws._recorder.open_store().ensure_experiment(name)
    quoted = quote(name, safe="").replace(".", "%2E")
    assert client.get(f"/experiments/{quoted}").json()["name"] == name
    assert client.patch(f"/experiments/{quoted}", json={"description": "x"}).json()["description"] == "x"


def test_a_submitted_run_on_its_way_keeps_its_experiment(client: httpx.Client, submit: object) -> None:
    run = submit("import time; time.sleep(60)")  # type: ignore[operator]
    run.flush()  # what a submission says takes a moment to arrive
    refused = client.delete("/experiments/exp")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert run.id in refused.json()["error"]["message"]
