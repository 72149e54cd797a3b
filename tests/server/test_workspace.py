"""The workspace that the server shows."""

from __future__ import annotations

import httpx

from azureml.core import Run, Workspace


def test_the_workspace_is_told_with_what_it_holds(client: httpx.Client, ws: Workspace, run: Run) -> None:
    run.log("mse", 0.1)
    run.complete()
    told = client.get("/workspace").json()
    assert told["name"] == "test"
    assert told["id"] == ws._recorder.workspace_id
    assert (told["counts"]["runs"], told["counts"]["active_runs"], told["counts"]["points"]) == (1, 0, 1)
    assert told["read_only"] is False


def test_counting_can_be_left_out(client: httpx.Client) -> None:
    told = client.get("/workspace", params={"counts": False}).json()
    assert (told["name"], told["counts"]) == ("test", None)
