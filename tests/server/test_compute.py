from __future__ import annotations

import httpx
import pytest

from azureml.core import Run, Workspace
from azureml.core.compute import AmlCompute, ComputeTarget
from milepost.server.here import Here
from milepost.server.routes import compute
from tests.sdk.submitted import ended, until, until_printed


@pytest.fixture
def pool(ws: Workspace) -> str:
    settings = AmlCompute.provisioning_configuration(
        vm_size="STANDARD_D2", max_nodes=1, tags={"team": "a"}, description="for all"
    )
    ComputeTarget.create(ws, "Pool", settings)
    return "Pool"


def test_this_machine_and_the_pools(client: httpx.Client, pool: str) -> None:
    local, found = client.get("/compute").raise_for_status().json()["pools"]
    assert (local["name"], local["max_nodes"], local["created"]) == ("local", None, None)
    assert found["created"].endswith("Z")
    assert {key: found[key] for key in ("name", "kind", "max_nodes", "running", "waiting", "tags", "description")} == {
        "name": "Pool",
        "kind": "AmlCompute",
        "max_nodes": 1,
        "running": 0,
        "waiting": 0,
        "tags": {"team": "a"},
        "description": "for all",
    }
    assert client.get("/queue").json() == {"runs": [], "total": 0}


def test_the_queue_of_a_pool(client: httpx.Client, pool: str, submit: object) -> None:
    """One run at work, two that wait; the first is cancelled and the second gets its turn."""
    text = "import time; print('begun', flush=True); time.sleep(600)"
    runs: list[Run] = [submit(text, compute_target=pool) for _ in range(3)]  # type: ignore[operator]
    until_printed(runs[0], b"begun")
    until(lambda: [each["state"] for each in _queue(client)] == ["running", "waiting", "waiting"])
    found = _queue(client)
    assert [each["run_id"] for each in found] == [each.id for each in runs]
    assert [each["position"] for each in found] == [None, 1, 2]
    assert all(each["what"] == "train.py" and each["target"] == "Pool" for each in found)
    assert client.get("/queue", params={"target": "POOL", "limit": 1}).json()["total"] == 3
    assert client.get("/queue", params={"target": "other"}).json()["total"] == 0
    load = client.get("/compute").json()["pools"][1]
    assert (load["running"], load["waiting"]) == (1, 2)
    runs[2].cancel()
    runs[0].cancel()
    assert ended(runs[0])[0] == "Canceled"
    until(lambda: [(each["run_id"], each["state"]) for each in _queue(client)] == [(runs[1].id, "running")])


def _queue(client: httpx.Client) -> list[dict[str, object]]:
    found: list[dict[str, object]] = client.get("/queue").raise_for_status().json()["runs"]
    return found


def test_where_the_jobs_are_elsewhere_the_store_tells(client: httpx.Client, ws: Workspace, submit: object) -> None:
    run: Run = submit("import time; print('begun', flush=True); time.sleep(600)")  # type: ignore[operator]
    until_printed(run, b"begun")
    until(lambda: run.get_status() == "Running")
    here = Here("test", "id", ws._recorder.open_store(), None, None, None)  # type: ignore[arg-type]
    found = compute.get_queue(here, None, 10).runs
    assert [(each.run_id, each.state, each.target) for each in found] == [(run.id, "running", "local")]
    assert compute.list_pools(here).pools[0].running == 1
