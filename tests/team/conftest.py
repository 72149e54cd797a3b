"""Every test of a team's server runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.conftest import only_thorough
from tests.team.fault_proxy import FaultProxy
from tests.team.servers import TeamServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from azureml.core import Workspace
    from tests.conftest import PostgresServer


@pytest.fixture(params=[pytest.param("sqlite", marks=only_thorough), "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def server(engine_name: str, team_server_on: Callable[[str], TeamServer]) -> TeamServer:
    """A running server that other tests use, too: make a workspace with a name of its own."""
    return team_server_on(engine_name)


@pytest.fixture
def own_database(engine_name: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'server.db'}"
        return
    postgres: PostgresServer = request.getfixturevalue("postgres_server")
    name = postgres.create_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def own_server(own_database: str, tmp_path: Path) -> Iterator[TeamServer]:
    """A running server for this test alone, to be stopped, killed and started again."""
    running = TeamServer(own_database, str(tmp_path / "server-blobs")).start()
    yield running
    running.close()


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """What stands between clients and a server, and lets through all that it is not told to spoil."""
    running = FaultProxy()
    yield running
    running.close()


@pytest.fixture
def behind_proxy(own_database: str, tmp_path: Path, proxy: FaultProxy) -> Iterator[TeamServer]:
    """A server that clients reach through the proxy."""
    running = TeamServer(own_database, str(tmp_path / "server-blobs"), public_url=proxy.url).start()
    proxy.targets = [running.port]
    yield running
    running.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home on the client's machine, and an empty working directory."""
    folder = tmp_path / "home"
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("MILEPOST_HOME", str(folder))
    for name in os.environ:
        if name.startswith("AZUREML_") or name in ("MILEPOST_URL", "MILEPOST_TOKEN", "MILEPOST_OFFLINE"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(work)
    return folder


@pytest.fixture
def on_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Workspace]]:
    """``on_server(server, name)``: a workspace that is made there, as a contributor's script sees it.

    ``MILEPOST_URL`` and ``MILEPOST_TOKEN`` are set for this process and those that it starts.
    """
    from azureml.core import Workspace
    from milepost.sdk.recording.recorder import close_recorder

    opened: list[Workspace] = []

    def make(server: TeamServer, name: str) -> Workspace:
        server.make_workspace(name)
        monkeypatch.setenv("MILEPOST_URL", server.url)
        monkeypatch.setenv("MILEPOST_TOKEN", server.token(name))
        opened.append(Workspace.get(name))
        return opened[-1]

    yield make
    for workspace in opened:
        close_recorder(workspace._recorder)
