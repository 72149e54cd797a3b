"""A script records into a workspace on a server, and reads what is there."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from azureml.core import Experiment, Model, Workspace
from milepost.sdk.recording.recorder import close_recorder
from milepost.store.accounts import list_accounts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.team.servers import TeamServer


def test_a_run_is_recorded_on_the_server_and_read_back(
    server: TeamServer, on_server: Callable[..., Workspace], tmp_path: Path
) -> None:
    ws = on_server(server, "recorded")
    run = Experiment(ws, "digits").start_logging(snapshot_directory=None)
    for value in (1.5, math.inf, -0.0):
        run.log("loss", value)
    run.log_row("row", x=1, y="z")
    run.log_list("list", [1, 2.5, "x", True])
    run.tag("stage", "prod")
    run.upload_file("outputs/model.bin", io.BytesIO(b"z" * 5_000_000))
    run.complete()
    assert run.get_metrics() == {"loss": [1.5, math.inf, -0.0], "row": {"x": 1, "y": "z"}, "list": [1, 2.5, "x", True]}
    assert (run.status, run.number, run.get_tags()) == ("Completed", 1, {"stage": "prod"})
    names = {each.name for each in list_accounts(server.engine)}
    assert run.get_details()["submittedBy"] in names  # an account of the server, not a user of this machine
    model = run.register_model("digits", "outputs/model.bin")
    assert [each.id for each in Model.list(ws)] == [model.id]
    run.download_file("outputs/model.bin", str(tmp_path / "model.bin"))
    assert (tmp_path / "model.bin").stat().st_size == 5_000_000


def test_another_machine_sees_what_was_recorded(
    server: TeamServer, on_server: Callable[..., Workspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = on_server(server, "shared")
    run = Experiment(ws, "digits").start_logging(snapshot_directory=None)
    run.log("loss", 0.25)
    run.complete()
    monkeypatch.setenv("MILEPOST_HOME", str(tmp_path / "other-home"))
    other = Workspace.get("shared")
    try:
        assert other != ws
        (seen,) = Experiment(other, "digits").get_runs()
        assert seen.id == run.id
        assert seen.get_metrics() == {"loss": 0.25}
    finally:
        close_recorder(other._recorder)


def test_a_server_that_was_killed_goes_on_with_what_it_had(
    own_server: TeamServer, on_server: Callable[..., Workspace]
) -> None:
    ws = on_server(own_server, "killed")
    run = Experiment(ws, "digits").start_logging(snapshot_directory=None)
    run.log("loss", 1)
    run.flush()
    own_server.kill()
    run.log("loss", 2)
    own_server.start()
    run.log("loss", 3)
    run.complete()
    assert run.get_metrics() == {"loss": [1, 2, 3]}
