"""How far a run has come, over the API."""

from __future__ import annotations

import httpx

from azureml.core import Run


def test_what_a_run_says_of_its_progress(client: httpx.Client, run: Run) -> None:
    run.flush()
    address = f"/runs/{run.id}/progress"
    assert client.get(address).json() == {"progress": None}
    run.set_progress(0, 8)
    run.set_progress(2)
    run.flush()
    told = client.get(address).json()["progress"]
    assert (told["done"], told["total"]) == (2, 8)
    assert told["remaining_s"] >= 0
    assert told["updated"].endswith("Z")
    run.cancel()
    assert client.get(address).json()["progress"]["remaining_s"] is None


def test_a_run_that_is_not_there(client: httpx.Client) -> None:
    answer = client.get("/runs/nothing/progress")
    assert answer.status_code == 404
    assert "nothing" in answer.json()["error"]["message"]
