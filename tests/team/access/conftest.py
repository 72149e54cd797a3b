"""A team's server on SQLite and on PostgreSQL, with people, programs and workspaces of all kinds."""

from __future__ import annotations

import secrets
import shutil
import socket
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from milepost.server.serving import team_server_of
from milepost.server.team.app import TeamApp
from milepost.server.team.places import Backend
from milepost.server.team.refusals import ACTION
from milepost.server.team.settings import TeamSettings
from milepost.store import accounts, attempts, audit, sessions, tokens
from milepost.store.engine import open_engine, write
from milepost.store.migrate import ensure_schema
from milepost.store.new_workspaces import make_workspace
from milepost.store.schema import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from milepost.store.accounts import Account
    from milepost.store.audit import Deed
    from tests.conftest import PostgresServer

API = "/api/v1"
IN_TEST = "/workspaces/test/api/v1"
"""The API of the workspace ``test``."""


@dataclass
class Who:
    """Somebody who asks: by token, by the cookie of a browser, or not at all."""

    token: str | None = None
    cookie: str | None = None


@dataclass
class Team:
    """A server that runs in a thread of this process."""

    app: TeamApp
    engine: Engine
    url: str
    client: httpx.Client
    blobs: Path

    def account(self, name: str = "", role: str | None = None, *, workspace: str = "test", **more: Any) -> Account:
        """A new account, with this role in ``test``."""
        made = accounts.create_account(self.engine, name or f"user-{secrets.token_hex(4)}", **more)
        if role is not None:
            accounts.set_role(self.engine, workspace, made.id, role)
        return made

    def token(self, account: Account, **narrow: Any) -> Who:
        return Who(token=tokens.create_token(self.engine, account.id, "a test", **narrow)[1])

    def browser(self, account: Account) -> Who:
        """One that is signed in."""
        return Who(cookie=sessions.create_session(self.engine, account.id, lasts_s=600, agent="test", address="::1"))

    def member(self, role: str | None, **more: Any) -> Who:
        """The token of a new account with this role in ``test``."""
        return self.token(self.account(role=role, **more))

    def workspace(self, name: str) -> str:
        make_workspace(self.engine, name)
        return name

    def ask(self, who: Who | None, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        """Ask as somebody does: a browser's page sends its Origin."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None and who.token is not None:
            sent.setdefault("Authorization", f"Bearer {who.token}")
        if who is not None and who.cookie is not None:
            sent["Cookie"] = f"{self.app.settings.cookie}={who.cookie}"
            sent.setdefault("Origin", self.url)
        self.client.cookies.clear()
        return self.client.request(method, path, json=json, headers=sent)

    def knows_at_once(self) -> None:
        """What this test has changed behind the server's back is known to it now."""
        self.app.callers.forget()


@contextmanager
def serving(engine: Engine, blobs: Path, **settings: Any) -> Iterator[Team]:
    """Serve a database."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = TeamApp(Backend(engine, str(blobs)), TeamSettings(url, **settings))
    server = team_server_of(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        yield Team(app, engine, url, client, blobs)
    server.should_exit = True
    thread.join(20)
    listener.close()


@pytest.fixture(scope="session")
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Team]]:
    """One server for each kind of database, for all tests: to make one takes longer than most tests."""
    running: dict[str, Team] = {}
    with ExitStack() as stack:

        def team_on(engine_name: str) -> Team:
            if engine_name not in running:
                folder = tmp_path_factory.mktemp(engine_name)
                url = f"sqlite:///{folder / 'server.db'}"
                if engine_name == "postgresql":
                    server: PostgresServer = request.getfixturevalue("postgres_server")
                    url = server.url(server.create_database())
                engine = open_engine(url)
                ensure_schema(engine)
                stack.callback(engine.dispose)
                running[engine_name] = stack.enter_context(serving(engine, folder / "blobs"))
            return running[engine_name]

        yield team_on


@pytest.fixture
def team(kept: Callable[[str], Team], engine_name: str) -> Team:
    """A server whose database holds the workspace ``test``, and nothing else."""
    found = kept(engine_name)
    with write(found.engine) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    shutil.rmtree(found.blobs, ignore_errors=True)
    make_workspace(found.engine, "test")
    found.app.places._stores.clear()
    found.app.callers.forget()
    found.app.refusals._known.clear()
    return found


@pytest.fixture
def slow_to_forgive(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has guessed too often waits for longer than any test takes: on a busy machine a second is over at once."""
    monkeypatch.setattr(attempts, "FIRST_WAIT_S", 600.0)


def deeds(engine: Engine) -> list[Deed]:
    """The audit log, newest first, without refusals: those are told of in test_refusals.py."""
    return [each for each in audit.deeds(engine, limit=1000) if each.action != ACTION]


@pytest.fixture
def engine(team: Team) -> Engine:
    """The database of ``team``."""
    return team.engine


@pytest.fixture
def serve(team: Team) -> Iterator[Callable[..., Team]]:
    """Starts more servers on the database of ``team``."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(team.engine, team.blobs, **settings))
