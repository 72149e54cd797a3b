"""Changes as they happen."""

from __future__ import annotations

import asyncio
import json
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from azureml.core import Experiment, Run
from milepost.server.change_feed import METRICS, OPENED, Change, ChangeFeed, Subject
from milepost.store import changes
from milepost.store.errors import StoreError
from tests.server.conftest import Server, serving

WAIT_S = 20.0


class Heard:
    """What a stream has said so far."""

    def __init__(self) -> None:
        self._told: queue.Queue[dict[str, Any]] = queue.Queue()
        self.opened = threading.Event()
        self.count = 0

    def put(self, line: str) -> None:
        self.opened.set()
        if line.startswith("data: "):
            self.count += 1
            self._told.put(json.loads(line[6:]))

    def next(self, *kinds: str) -> dict[str, Any]:
        """The next event, or the next of one of these kinds."""
        while True:
            event = self._told.get(timeout=WAIT_S)
            if event["kind"] in kinds or not kinds:
                return event

    def of(self, kind: str, run_id: str) -> None:
        """Waits for an event of this kind that names this run."""
        while run_id not in self.next(kind)["run_ids"]:
            pass

    def last(self) -> dict[str, Any]:
        """The last event before it is quiet."""
        event = self.next()
        while True:
            try:
                event = self._told.get(timeout=1.5)
            except queue.Empty:
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
        heard.of("runs", run.id)
        run.log("mse", 1.0)
        run.flush()
        heard.of("metrics", run.id)
        run.complete()
        heard.of("runs", run.id)


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
        assert {heard.next()["kind"], heard.next()["kind"]} == {"run", "metrics"}  # it was made a moment before
        other = experiment.start_logging(snapshot_directory=None)
        other.log("mse", 1.0)
        other.complete()
        assert heard.is_quiet(1.5)


def test_who_comes_back_hears_what_has_changed_and_no_more(server: Server, run: Run, experiment: Experiment) -> None:
    run.log("mse", 1.0)
    run.flush()
    with hearing(server, run_id=run.id) as heard:
        version = heard.last()["version"]
    experiment.start_logging(snapshot_directory=None).complete()
    with hearing(server, run_id=run.id, since=version) as heard:
        assert heard.is_quiet(1.5)
    run.log("mse", 2.0)
    run.flush()
    with hearing(server, run_id=run.id, since=version) as heard:
        assert heard.last()["kind"] == "metrics"
        assert heard.count == 1


def test_who_has_read_a_run_just_before_it_changed_hears_of_it(server: Server, run: Run) -> None:
    """A page reads first and watches then."""
    run.log("mse", 1.0)
    run.flush()
    with hearing(server, run_id=run.id) as heard:
        assert heard.next("run")["run_ids"] == [run.id]
    with hearing(server) as heard:
        assert heard.next("runs")["run_ids"] == []


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
    time.sleep(0.05)  # more than a tick of the clock of files: within one it cannot tell
    before = changes.version(store)
    assert store.run(run.id).status == "Completed"
    assert changes.version(store) == before
    store.archive_run(run.id)
    assert changes.version(store) != before


# -- the feed that all readers share ---------------------------------------------------------------------------------


def test_however_many_readers_watch_a_run_it_is_looked_at_once(run: Run) -> None:
    run.flush()
    store = run._recorder.open_store()
    looks: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "FROM artifacts" in statement:
            looks.append(statement)

    async def watch() -> None:
        feed = ChangeFeed(store)
        readers = [feed.follow(Subject(run_id=run.id)) for _ in range(50)]
        opened = await asyncio.gather(*(anext(each) for each in readers))
        assert {each.kind for each in opened} == {OPENED}
        for each in readers:
            await each.aclose()
        assert feed.is_idle

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        asyncio.run(watch())
    finally:
        event.remove(store.engine, "before_cursor_execute", note)
    assert 1 <= len(looks) < 5


def test_a_slow_reader_is_told_all_at_once(run: Run) -> None:
    run.flush()

    async def watch() -> list[Change]:
        feed = ChangeFeed(run._recorder.open_store())
        slow, quick = feed.follow(Subject()), feed.follow(Subject())
        await anext(slow)
        for number in range(3):
            await asyncio.to_thread(run.log, "mse", number)
            await asyncio.to_thread(run.flush)
            while (await anext(quick)).kind != METRICS:
                pass
        found = [await anext(slow), await anext(slow)]
        for each in (slow, quick):
            await each.aclose()
        return found

    assert sorted(each.kind for each in asyncio.run(watch())) == ["metrics", "runs"]


def test_readers_are_told_where_the_store_cannot_be_read(run: Run) -> None:
    run.flush()
    store = run._recorder.open_store()

    async def watch() -> None:
        feed = ChangeFeed(store)
        reader = feed.follow(Subject(run_id=run.id))
        await anext(reader)
        rename("runs", "away")
        with pytest.raises(StoreError):
            await _all_of(reader)
        assert feed.is_idle

    def rename(old: str, new: str) -> None:
        with sqlite3.connect(run._recorder.folder / "store.db") as database:
            database.execute(f"ALTER TABLE {old} RENAME TO {new}")

    asyncio.run(watch())
    rename("away", "runs")


async def _all_of(reader: AsyncIterator[Change]) -> list[Change]:
    return [each async for each in reader]
