"""Changes as they happen."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from azureml.core import Experiment, Run
from milepost.store import changes
from tests.server.conftest import Server, serving

WAIT_S = 20.0


class Heard:
    """What a stream has said so far."""

    def __init__(self) -> None:
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self.opened = threading.Event()

    def put(self, line: str) -> None:
        self.opened.set()
        if line.startswith("data: "):
            self._told.put(json.loads(line[6:]))

    def next(self, *kinds: str) -> dict[str, Any]:
        """The next event of one of these kinds."""
        while True:
            event = self._told.get(timeout=WAIT_S)
            if event["kind"] in kinds:
                return event

    def is_quiet(self, seconds: float) -> bool:
        try:
            self._told.get(timeout=seconds)
        except queue.Empty:
            return True
        return False


@contextmanager
def hearing(server: Server, **params: str) -> Iterator[Heard]:
    heard = Heard()
    client = httpx.Client(timeout=httpx.Timeout(60), trust_env=False)
    stop = threading.Event()

    def listen() -> None:
        headers = {"Authorization": f"Bearer {server.token}"}
        try:
            with client.stream("GET", f"{server.base}/api/v1/changes", params=params, headers=headers) as answer:
                assert answer.headers["content-type"].startswith("text/event-stream")
                for line in answer.iter_lines():
                    heard.put(line)
                    if stop.is_set():
                        return
        except httpx.HTTPError:
            pass

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert heard.opened.wait(WAIT_S)
    yield heard
    stop.set()


def test_an_experiment_tells_of_its_runs_and_their_metrics(server: Server, experiment: Experiment) -> None:
    with hearing(server, experiment="exp") as heard:
        run = experiment.start_logging(snapshot_directory=None)
        run.flush()
        assert run.id in heard.next("runs")["run_ids"]
        run.log("mse", 1.0)
        run.flush()
        assert heard.next("metrics")["run_ids"] == [run.id]
        run.complete()
        assert run.id in heard.next("runs")["run_ids"]


def test_a_run_tells_of_itself_its_metrics_and_its_files(server: Server, run: Run, experiment: Experiment) -> None:
    run.flush()
    with hearing(server, run_id=run.id) as heard:
        run.tag("stage", "prod")
        run.flush()
        assert heard.next("run")["run_ids"] == [run.id]
        run.log("mse", 1.0)
        run.flush()
        assert heard.next("metrics")["run_ids"] == [run.id]
        run.upload_file("a.txt", __file__)
        run.flush()
        assert heard.next("files")["run_ids"] == [run.id]
        child = run.child_run("child")
        child.flush()
        assert heard.next("run")["run_ids"] == [run.id]


def test_others_do_not_disturb(server: Server, run: Run, experiment: Experiment) -> None:
    run.flush()
    with hearing(server, run_id=run.id) as heard:
        other = experiment.start_logging(snapshot_directory=None)
        other.log("mse", 1.0)
        other.complete()
        assert heard.is_quiet(1.5)


def test_who_comes_back_hears_that_something_has_changed(server: Server, run: Run) -> None:
    run.flush()
    with hearing(server, run_id=run.id) as heard:
        run.log("mse", 1.0)
        run.flush()
        version = heard.next("metrics")["version"]
    run.log("mse", 2.0)
    run.flush()
    with hearing(server, run_id=run.id, since=version) as heard:
        assert heard.next("run")["run_ids"] == [run.id]


def test_what_is_changed_through_the_portal_is_told(server: Server, run: Run) -> None:
    run.complete()
    with hearing(server) as heard:
        server.client.post("/runs/actions", json={"run_ids": [run.id], "action": "archive"})
        heard.next("runs")
        server.client.patch("/experiments/exp", json={"description": "new"})
        heard.next("runs")


def test_too_many_streams_are_refused(run: Run) -> None:
    with serving(run._recorder.folder, max_streams=2) as server, hearing(server), hearing(server):
        answer = server.client.get("/changes")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "too_many_streams")


def test_a_version_stays_where_nothing_changes(run: Run) -> None:
    run.complete()
    store = run._recorder.open_store()
    before = changes.version(store)
    assert store.run(run.id).status == "Completed"
    assert changes.version(store) == before
    store.archive_run(run.id)
    assert changes.version(store) != before
