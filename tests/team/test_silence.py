"""A run on a server whose process has fallen silent, as its people see it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import select

from azureml.core import Experiment, Run, Workspace
from milepost.sdk.recording import drain
from milepost.store.schema import journals
from milepost.store.silence import mark_silent
from tests.sdk.submitted import until
from tests.team.servers import TeamServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from milepost.remote.store import RemoteStore

    OnServer = Callable[..., Workspace]


@pytest.fixture
def engine_name() -> str:
    """Both databases are told apart in ``tests/store/test_silence.py``."""
    return "sqlite"


def heard_ns(server: TeamServer, run: Run) -> int:
    journal = run._recorder.writer.journal_id
    with server.engine.connect() as connection:
        return int(connection.scalar(select(journals.c.updated_ns).where(journals.c.journal_id == journal)) or 0)


def silence(server: TeamServer) -> None:
    mark_silent(server.engine, time.time_ns() + 10**12)


def test_a_process_without_anything_to_deliver_says_that_it_lives_as_long_as_a_run_of_it_goes_on(
    server: TeamServer, on_server: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "ALIVE_S", 0.1)
    ws = on_server(server, "alive")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    run.flush()
    first = heard_ns(server, run)
    until(lambda: heard_ns(server, run) > first)
    silence(server)
    until(lambda: bool(run.get_status() == "Running"))
    run.complete()
    until(lambda: run._recorder.drain._alive_due is None)


def test_a_silent_run_is_seen_and_waited_for(
    server: TeamServer, on_server: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "ALIVE_S", 3600.0)
    ws = on_server(server, "silent")
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    run.flush()
    silence(server)
    assert run.get_status() == "NotResponding"
    assert run.get_details()["error"]["error"]["code"] == "NotResponding"
    assert [each.id for each in Experiment(ws, "e").get_runs()] == [run.id]
    store: RemoteStore = ws._recorder.open_store()
    rows = httpx.get(
        f"{store.connection.api}/runs",
        params={"filter": 'status = "NotResponding"'},
        headers={"Authorization": f"Bearer {server.token('silent', 'reader')}"},
    ).json()["runs"]
    assert [each["run_id"] for each in rows] == [run.id]
    assert rows[0]["error_message"].startswith("Nothing was heard of this run's process since ")
    ended: list[str] = []
    waiting = threading.Thread(target=lambda: ended.append(run.wait_for_completion()["status"]), daemon=True)
    waiting.start()
    run.log("loss", 1.0)
    run.complete()
    waiting.join(60)
    assert ended == ["Completed"]
    assert "error" not in run.get_details()


def test_a_script_whose_server_knows_nothing_of_it_goes_on(
    server: TeamServer, on_server: OnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from milepost.store.errors import NotFound

    monkeypatch.setattr(drain, "ALIVE_S", 0.05)
    ws = on_server(server, "older")
    asked = []

    def older(journal_id: str) -> bool:
        asked.append(journal_id)
        raise NotFound("the server knows nothing at /alive")

    monkeypatch.setattr(ws._recorder.drain, "say_alive", older)
    run = Experiment(ws, "e").start_logging(snapshot_directory=None)
    run.flush()
    until(lambda: len(asked) > 0)
    run.log("loss", 1.0)
    assert run.get_metrics() == {"loss": 1.0}
    run.complete()
