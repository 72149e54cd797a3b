"""What is done to many runs at once."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from azureml.core import Experiment, Run, Workspace


def _act(client: httpx.Client, action: str, *run_ids: str, **more: Any) -> dict[str, Any]:
    answer = client.post("/runs/actions", json={"run_ids": list(run_ids), "action": action, **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.fixture
def ended(experiment: Experiment) -> list[Run]:
    runs = [experiment.start_logging(snapshot_directory=None) for _ in range(3)]
    for run in runs:
        run.complete()
    return runs


def test_runs_are_archived_and_restored(client: httpx.Client, ws: Workspace, ended: list[Run]) -> None:
    store = ws._recorder.open_store()
    assert _act(client, "archive", ended[0].id, ended[1].id)["done"] == [ended[0].id, ended[1].id]
    assert [store.run(run.id).archived_ns is None for run in ended] == [False, False, True]
    _act(client, "restore", ended[0].id)
    assert store.run(ended[0].id).archived_ns is None


def test_runs_are_tagged_and_untagged(client: httpx.Client, ws: Workspace, ended: list[Run]) -> None:
    _act(client, "tag", *(run.id for run in ended), tags={"stage": "prod", "seen": None})
    assert all(run.get_tags() == {"stage": "prod", "seen": None} for run in ended)
    _act(client, "untag", ended[0].id, tags={"stage": None})
    assert ended[0].get_tags() == {"seen": None}
    refused = client.post("/runs/actions", json={"run_ids": [ended[0].id], "action": "tag"})
    assert refused.status_code == 422


def test_runs_are_deleted(client: httpx.Client, ws: Workspace, ended: list[Run]) -> None:
    told = _act(client, "delete", ended[0].id, "no-such-run", ended[1].id)
    assert told["done"] == [ended[0].id, ended[1].id]
    assert [each["run_id"] for each in told["failed"]] == ["no-such-run"]
    assert [each.run_id for each in ws._recorder.open_store().all_runs()] == [ended[2].id]


def test_a_run_and_its_child_are_deleted_together(client: httpx.Client, ws: Workspace, ended: list[Run]) -> None:
    child = ended[0].child_run("child")
    child.complete()
    assert _act(client, "delete", ended[0].id, child.id)["failed"] == []
    assert {each.run_id for each in ws._recorder.open_store().all_runs()} == {ended[1].id, ended[2].id}


def test_an_unknown_run_is_no_new_run(client: httpx.Client, ws: Workspace) -> None:
    for action in ("archive", "restore", "delete", "cancel", "tag", "untag"):
        told = _act(client, action, "no-such-run", tags={"a": "b"})
        assert (told["done"], len(told["failed"])) == ([], 1)
    assert ws._recorder.open_store().info().runs == 0


def test_a_run_that_records_by_itself_is_canceled(client: httpx.Client, run: Run) -> None:
    run.flush()
    assert _act(client, "cancel", run.id)["done"] == [run.id]
    assert run.get_status() == "Canceled"
    assert "ended already: Canceled" in _act(client, "cancel", run.id)["failed"][0]["message"]


def test_a_submitted_run_is_canceled_with_its_processes(client: httpx.Client, submit: Any) -> None:
    run = submit("import time; print('up', flush=True); time.sleep(300)")
    until = time.monotonic() + 60
    while run.get_status() != "Running" and time.monotonic() < until:
        time.sleep(0.1)
    refused = _act(client, "delete", run.id)
    assert refused["done"] == []
    assert "on its way" in refused["failed"][0]["message"]
    assert _act(client, "cancel", run.id)["done"] == [run.id]
    assert run.wait_for_completion(raise_on_error=False)["status"] == "Canceled"


@pytest.mark.parametrize(
    "body",
    [
        {"run_ids": [], "action": "archive"},
        {"run_ids": ["x"] * 1001, "action": "archive"},
        {"run_ids": ["x"], "action": "explode"},
        {"run_ids": ["x"], "action": "tag", "tags": {"k": "v" * 20_001}},
        {"run_ids": ["x"], "action": "tag", "tags": {f"k{n}": "v" for n in range(101)}},
        {"run_ids": ["x" * 3000], "action": "archive"},
        {"run_ids": ["x"], "action": "archive", "more": 1},
    ],
)
def test_what_is_out_of_bounds_is_refused(client: httpx.Client, body: dict[str, Any]) -> None:
    answer = client.post("/runs/actions", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_parameter")


def test_hostile_tags_are_kept_as_text(client: httpx.Client, ended: list[Run]) -> None:
    hostile = {"'; drop table runs; --": "<script>", "a\x00b": "\x1b[31m", "%s": "${x}"}
    _act(client, "tag", ended[0].id, tags=hostile)
    assert ended[0].get_tags() == {key.replace("\x00", "\ufffd"): value for key, value in hostile.items()}
