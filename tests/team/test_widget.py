"""RunDetails of a run whose workspace is on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from azureml.core import Experiment
from azureml.widgets import RunDetails
from milepost.server.series_format import decode
from milepost.widgets.feed import Feed
from milepost.widgets.remote_reading import RemoteReading
from tests.widgets.watching import Watcher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from azureml.core import Workspace
    from tests.team.servers import TeamServer

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501"
    "012718e3660000000049454e44ae426082"
)


def test_all_of_a_run_is_shown_and_what_comes_while_it_goes_on(
    server: TeamServer, on_server: Callable[..., Workspace], tmp_path: Path
) -> None:
    ws = on_server(server, f"widget-{server.port}")
    run = Experiment(ws, "seen").start_logging(snapshot_directory=None, display_name="the run")
    run.log("loss", 1.0)
    feed = Feed(RemoteReading(ws), run.id)
    watcher = Watcher(feed)
    feed.start()
    try:
        watcher.until(lambda: watcher.count_of("loss") == 1)
        assert watcher.status == "Running"
        run.log("loss", 0.5)
        watcher.until(lambda: watcher.count_of("loss") == 2)
        run.log_row("y over x", x=2, y=4)
        run.log("verdict", "good")
        run.log("verdict", "better")
        run.log_table("scores/all", {"name": ["ann"], "score": [1.5]})
        (tmp_path / "dot.png").write_bytes(PNG)
        run.log_image("dot", path=str(tmp_path / "dot.png"))
        run.log_confusion_matrix(
            "confusion",
            {
                "schema_type": "confusion_matrix",
                "schema_version": "1.0.0",
                "data": {"class_labels": ["a", "b"], "matrix": [[1, 0], [0, 1]]},
            },
        )
        (tmp_path / "notes.txt").write_text("first line\nneedle here\n")
        run.upload_file("logs/notes.txt", str(tmp_path / "notes.txt"))
        with run.child_run("kid") as child:
            child.log("loss", 0.25)
        run.complete()
        watcher.until(lambda: watcher.told["ended"])
        watcher.until(lambda: watcher.told["portal"])
        parts = watcher.parts
        assert watcher.status == "Completed"
        series = {each.about["name"]: each.y.tolist() for each in decode(parts["series"])[1]}
        assert series["loss"] == [1, 0.5]
        assert parts["values"]["tables"]["y over x"]["rows"] == [[2, 4]]
        assert parts["values"]["tables"]["scores/all"]["rows"] == [["ann", 1.5]]
        assert parts["values"]["texts"]["verdict"]["values"] == ["good", "better"]
        assert parts["values"]["structured"]["confusion"]["data"]["matrix"] == [[1, 0], [0, 1]]
        assert list(parts["images"]["pictures"].values()) == [PNG]
        assert [each["name"] for each in parts["children"]["rows"]] == ["kid"]
        assert watcher.told["portal"] == f"{ws._recorder.server}/workspaces/{ws.name}/experiments/seen/runs/{run.id}"
    finally:
        feed.close(10)


def test_logs_are_read_by_pieces_and_searched(
    server: TeamServer, on_server: Callable[..., Workspace], tmp_path: Path
) -> None:
    ws = on_server(server, f"widget-logs-{server.port}")
    run = Experiment(ws, "logs").start_logging(snapshot_directory=None)
    (tmp_path / "log.txt").write_text("first line\nneedle here\n")
    run.upload_file("azureml-logs/my log.txt", str(tmp_path / "log.txt"))
    run.complete()
    reading = RemoteReading(ws)
    name = "azureml-logs/my log.txt"
    assert [each["name"] for each in reading.logs(run.id)] == [name]
    assert reading.log(run.id, name, 0, 5).data == b"first"
    end = reading.log(run.id, name, -6, 100)
    assert (end.data, end.start, end.size, end.live) == (b" here\n", 17, 23, False)
    assert [each["text"] for each in reading.search_log(run.id, name, "NEEDLE", 0, 10)["matches"]] == ["needle here"]
    assert reading.version() is not None
    with pytest.raises(Exception, match="no run"):
        reading.run("not-there")


def test_its_data_and_links_are_those_of_the_server(server: TeamServer, on_server: Callable[..., Workspace]) -> None:
    ws = on_server(server, f"widget-data-{server.port}")
    run = Experiment(ws, "shown").start_logging(snapshot_directory=None, display_name="the run")
    run.log("loss", 0.5)
    run.complete()
    details = RunDetails(run)
    data = details.get_widget_data()
    assert data["status"] == "Completed"
    assert data["run_id"] == run.id
    link = f"{server.url}/workspaces/{ws.name}/experiments/shown/runs/{run.id}"
    assert data["workbench_run_details_uri"] == run.get_portal_url() == link
