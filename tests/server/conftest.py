"""A real server on a real workspace, asked over HTTP."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from azureml.core import Experiment, Run, Workspace
from milepost.sdk.portal.portal_places import EmbeddedPlaces
from milepost.sdk.workspaces.home import read_workspace
from milepost.server.app import create_app
from milepost.server.serving import server_of
from milepost.server.settings import Settings

# What tests of the SDK share: ``submit`` gives real submitted runs.
from tests.sdk.conftest import source, submit  # noqa: F401

API = "/api/v1"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for workspaces and a working directory, both empty."""
    folder = tmp_path / "home"
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("MILEPOST_HOME", str(folder))
    for name in [name for name in os.environ if name.startswith("AZUREML_")] + ["MILEPOST_URL"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MILEPOST_PORTAL", "0")
    monkeypatch.chdir(work)
    return folder


@pytest.fixture
def ws(home: Path) -> Iterator[Workspace]:
    from milepost.sdk.recording.recorder import close_recorder

    workspace = Workspace.create("test")
    yield workspace
    close_recorder(workspace._recorder)


@pytest.fixture
def experiment(ws: Workspace) -> Experiment:
    return Experiment(ws, "exp")


@pytest.fixture
def run(experiment: Experiment) -> Run:
    return experiment.start_logging(snapshot_directory=None)


class Server:
    """A server that runs: its address, its token, and a client that has the token."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port = port = settings.port
        self.token = token = settings.token
        self.base = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(
            base_url=self.base + API, headers={"Authorization": f"Bearer {token}"}, timeout=60, trust_env=False
        )
        self.bare = httpx.Client(base_url=self.base, timeout=60, trust_env=False)
        """Without a token; its addresses begin at the root."""


@contextmanager
def serving(folder: Path, **changes: object) -> Iterator[Server]:
    """Serve the workspace in ``folder`` from a thread of this process."""
    places = EmbeddedPlaces(read_workspace(folder))
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    port = int(listening.getsockname()[1])
    token = secrets.token_urlsafe(32)
    settings = Settings(port=port, token=token, **changes)  # type: ignore[arg-type]
    server = server_of(create_app(places, settings))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < until, "the server does not start"
        assert thread.is_alive()
        time.sleep(0.01)
    running = Server(settings)
    try:
        yield running
    finally:
        running.client.close()
        running.bare.close()
        server.should_exit = True
        thread.join(20)
        listening.close()


Serve = Callable[..., Server]


@pytest.fixture
def server(ws: Workspace) -> Iterator[Server]:
    """A server on the workspace of ``ws``."""
    with serving(ws._recorder.folder) as running:
        yield running


@pytest.fixture
def client(server: Server) -> httpx.Client:
    """A client of the API with the token: ``client.get("/workspace")``."""
    return server.client
