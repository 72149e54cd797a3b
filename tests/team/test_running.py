"""`milepost server`: how it starts, says that it is well, and ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from azureml.core import Experiment, Workspace
from milepost.sdk.recording.recorder import close_recorder
from milepost.server.errors import add_error_answers, outages
from milepost.server.team.config import address_of, is_loopback, listen
from milepost.server.team.settings import TeamSettings
from milepost.store import accounts, tokens
from milepost.store.engine import open_engine
from milepost.store.errors import StoreUnavailable
from milepost.store.migrate import HEAD, ensure_schema, revision_of
from milepost.store.new_workspaces import make_workspace
from tests.team.commands import CLI, running, told
from tests.team.servers import TeamServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import PostgresServer


@pytest.fixture
def engine_name() -> str:
    """The one that several processes share."""
    return "postgresql"


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 60.0) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, f"{what} did not come about"
        time.sleep(0.05)


def test_without_options_it_serves_this_machine_from_one_folder(home: Path) -> None:
    with running("--port", "0") as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{server.url}/healthz", trust_env=False).json() == {"status": "alive"}
        ready = httpx.get(f"{server.url}/readyz", trust_env=False, headers={"Host": "10.0.0.7"})
        assert ready.json() == {"status": "ready", "database": "ready", "artifacts": "ready"}
        assert httpx.get(f"{server.url}/api/v1/workspaces", trust_env=False).status_code == 401
        server.end()
    assert (home / "server").stat().st_mode & 0o077 == 0
    assert (home / "server" / "server.db").is_file()


def test_it_listens_beyond_this_machine_only_with_an_account(home: Path) -> None:
    variables = {
        "MILEPOST_SERVER_PUBLIC_URL": "https://milepost.example",
        "MILEPOST_SERVER_HOST": "0.0.0.0",
        "MILEPOST_SERVER_PORT": "0",
    }
    refused = told(**variables)
    assert (refused.returncode, "milepost server admin create" in refused.stderr) == (1, True)
    engine = open_engine(f"sqlite:///{home / 'server' / 'server.db'}")
    accounts.create_account(engine, "ann", is_admin=True)
    engine.dispose()
    with running(**variables) as server:
        assert server.url == "https://milepost.example"
        server.end()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_it_is_called_by_the_address_that_it_listens_at(host: str) -> None:
    with suppress(OSError), closing(listen(host, 0)) as listener:  # not every machine has all of them
        port = listener.getsockname()[1]
        assert address_of(listener) == (f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


@pytest.mark.parametrize(
    ("public_url", "origin", "host"),
    [
        ("https://milepost.example", "https://milepost.example", "milepost.example"),
        ("HTTPS://Milepost.Example:443", "https://milepost.example", "milepost.example:443"),
        ("https://milepost.example:8443", "https://milepost.example:8443", "milepost.example:8443"),
        ("http://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1"),
        ("http://[::1]:8800", "http://[::1]:8800", "[::1]:8800"),
    ],
)
def test_its_address_is_known_in_all_forms_in_which_browsers_send_it(public_url: str, origin: str, host: str) -> None:
    settings = TeamSettings(public_url)
    assert settings.origin == origin
    assert {origin.partition("://")[2], host} <= settings.hosts
    assert settings.is_secure == origin.startswith("https")
    assert settings.cookie.startswith("__Host-") == settings.is_secure


@pytest.mark.parametrize(
    "public_url", ["ftp://x", "https://", "https://a:b@x", "https://x/y", "https://x?y", "https://x#y"]
)
def test_what_is_no_address_of_a_server_is_refused(public_url: str) -> None:
    with pytest.raises(ValueError, match="is no address such as"):
        TeamSettings(public_url)


@pytest.mark.parametrize(
    ("host", "is_for_this_machine"),
    [
        *((each, True) for each in ("127.0.0.1", "127.8.9.1", "::1", "localhost", "2130706433")),
        *((each, False) for each in ("0.0.0.0", "::", "::ffff:0.0.0.0", "0", "10.0.0.1", "fe80::1")),
    ],
)
def test_what_only_this_machine_reaches_is_known_by_the_address_and_not_by_the_name(
    host: str, is_for_this_machine: bool
) -> None:
    assert is_loopback(host) == is_for_this_machine


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "--public-url"),
        (["--public-url", "https://x/path"], "--public-url"),
        (["--host", "no.such.host.invalid"], "--host"),
        (["--database-url", "mysql://u:geheim@h/x"], "not supported"),
        (["--artifacts", "ftp://files"], "files cannot be kept"),
        (["--database-url", "postgresql://u:geheim@127.0.0.1:1/x", "check"], "127.0.0.1"),
        (["--database-url", "postgresql://u:geheim@127.0.0.1:1/x"], "127.0.0.1"),
        (["--no-migrate"], "milepost server migrate"),
        (["--not-responding-after", "10s"], "2m or more"),
    ],
)
def test_what_it_cannot_use_is_told_without_secrets(home: Path, arguments: list[str], said: str) -> None:
    refused = told(*arguments)
    whole = refused.stdout + refused.stderr
    assert refused.returncode in (1, 2)
    assert said in whole
    assert "geheim" not in whole
    assert "Traceback" not in whole


def test_a_port_that_is_taken_is_told(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = told("--port", str(taken.getsockname()[1]))
    assert (refused.returncode, "Address already in use" in refused.stderr) == (1, True)


def test_a_database_is_migrated_by_a_command_and_checked(home: Path, own_database: str, tmp_path: Path) -> None:
    variables = {"MILEPOST_SERVER_DATABASE_URL": own_database, "MILEPOST_SERVER_ARTIFACTS": str(tmp_path / "files")}
    before = told("check", "--json", **variables)
    assert (before.returncode, json.loads(before.stdout)["ok"]) == (1, False)
    assert told("migrate", **variables).returncode == 0
    assert "already" in told("migrate", **variables).stdout
    engine = open_engine(own_database)
    accounts.create_account(engine, "ann", is_admin=True)
    engine.dispose()
    after = json.loads(told("check", "--json", **variables).stdout)
    assert [(each["name"], each["ok"]) for each in after["checks"]] == [
        ("database", True),
        ("schema", True),
        ("accounts", True),
        ("artifacts", True),
    ]
    assert [each for each in (tmp_path / "files").rglob("*") if each.is_file()] == []


@pytest.mark.parametrize("database", ["there-is-none", None])
def test_a_database_that_is_not_there_is_told_to_who_runs_it(
    home: Path, tmp_path: Path, database: str | None, postgres_server: PostgresServer
) -> None:
    """What is logged meanwhile is no concern of theirs."""
    no_server = "postgresql://postgres@127.0.0.1:9/x?connect_timeout=2"
    url = no_server if database is None else postgres_server.url(database)
    variables = {"MILEPOST_SERVER_DATABASE_URL": url, "MILEPOST_SERVER_ARTIFACTS": str(tmp_path / "blobs")}
    check = json.loads(told("check", "--json", **variables).stdout)["checks"][0]["message"]
    for said in (check, *(told(*command, **variables).stderr for command in ([], ["admin", "list"]))):
        assert "check that PostgreSQL runs there and that --database-url" in said
        assert "createdb" in said
        assert "journals" not in said
        assert database is None or database in said


def test_servers_that_start_at_once_make_one_schema(home: Path, own_database: str, tmp_path: Path) -> None:
    arguments = [*CLI, "--database-url", own_database, "--artifacts", str(tmp_path / "files"), "--port", "0"]
    processes = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    try:
        for each in processes:
            assert each.stdout is not None
            assert " is at http://127.0.0.1:" in each.stdout.readline()
        for each in processes:
            each.terminate()
            assert each.communicate(timeout=60)[1].count("Traceback") == 0
            assert each.returncode == 0
    finally:
        for each in processes:
            each.kill()
            each.communicate(timeout=60)
    engine = open_engine(own_database)
    assert revision_of(engine) == HEAD
    engine.dispose()


def test_it_is_not_ready_while_its_database_is_gone(
    home: Path, postgres_server: PostgresServer, tmp_path: Path
) -> None:
    name = postgres_server.create_database()
    url = postgres_server.url(name)
    try:
        with running("--database-url", url, "--artifacts", str(tmp_path / "files"), "--port", "0") as server:
            wait_for(lambda: server.status("/readyz") == 200, "readiness")
            postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            postgres_server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            wait_for(lambda: server.status("/readyz") == 503, "the word that it is not ready")
            assert server.status("/healthz") == 200
            postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            wait_for(lambda: server.status("/readyz") == 200, "readiness again")
            server.end()
    finally:
        postgres_server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        postgres_server.drop_database(name)


def test_a_load_balancer_sees_that_it_is_about_to_end(home: Path) -> None:
    with running("--port", "0", "--drain", "60s") as server:
        wait_for(lambda: server.status("/readyz") == 200, "readiness")
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: server.status("/readyz") == 503, "the word that it ends")
        assert server.status("/healthz") == 200
        server.end()  # whoever asks twice does not want to wait


def test_a_worker_that_died_is_replaced_and_all_end_together(home: Path) -> None:
    with running("--port", "0", "--workers", "2") as server:
        wait_for(lambda: server.status("/readyz") == 200, "readiness")
        parent = psutil.Process(server.process.pid)

        def workers() -> set[int]:
            found = set()
            for each in parent.children():
                with suppress(psutil.Error):
                    if "spawn_main" in " ".join(each.cmdline()):
                        found.add(each.pid)
            return found

        before = workers()
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        wait_for(lambda: len(workers() - before) == 1, "another worker")
        wait_for(lambda: server.status("/readyz") == 200, "readiness")
        after = workers()
        server.end()
        assert not any(psutil.pid_exists(each) for each in after)


def test_what_arrives_while_it_is_ended_and_started_again_is_there_once(
    own_database: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine(own_database)
    ensure_schema(engine)
    make_workspace(engine, "load")
    writer = accounts.create_account(engine, "writer")
    accounts.set_role(engine, "load", writer.id, "contributor")
    _, token = tokens.create_token(engine, writer.id, "test")
    engine.dispose()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ("--database-url", own_database, "--artifacts", str(tmp_path / "files"), "--port", str(port))
    monkeypatch.setenv("MILEPOST_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("MILEPOST_TOKEN", token)
    done = threading.Event()
    logged: list[int] = []
    with running(*arguments) as server:
        ws = Workspace.get("load")
        run = Experiment(ws, "ended").start_logging(snapshot_directory=None)

        def train() -> None:
            count = 0
            while not done.is_set() and count < 100_000:
                for _ in range(100):
                    run.log("value", count)
                    count += 1
                time.sleep(0.002)
            logged.append(count)

        training = threading.Thread(target=train)
        training.start()
        try:
            wait_for(lambda: run.get_metrics().get("value"), "the first values")
            server.end()
            with running(*arguments) as next_one:
                wait_for(lambda: next_one.status("/readyz") == 200, "readiness")
                next_one.end()
        finally:
            done.set()
            training.join()
    with running(*arguments):
        run.complete()
        assert run.get_metrics()["value"] == list(range(logged[0]))
        close_recorder(ws._recorder)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_prometheus_is_told_at_an_address_of_its_own(home: Path, workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        at = f"127.0.0.1:{free.getsockname()[1]}"
    with running("--port", "0", "--workers", workers, "--metrics-address", at) as server:
        for _ in range(3):
            wait_for(lambda: server.status("/api/v1/server") == 200, "an answer")
        server.status("/api/v1/workspaces/any-name/limits")

        def told_of() -> str:
            return httpx.get(f"http://{at}/metrics", trust_env=False).text

        counted = 'milepost_requests_total{method="GET",route="/server",status="200"} 3.0'
        wait_for(lambda: counted in told_of(), "the count of all workers")
        assert "any-name" not in told_of()
        assert "milepost_points_total" in told_of() or workers == "2"
        assert server.status("/metrics") != 200 or "milepost_requests" not in httpx.get(f"{server.url}/metrics").text
        server.end()


def test_what_is_logged_has_an_id_and_no_secrets(home: Path) -> None:
    with running("--port", "0", "--log-requests", "--log-format", "json") as server:
        headers = {"Authorization": "Bearer mp_geheim", "X-Request-ID": "from-the-proxy", "Cookie": "a=geheim"}
        answer = httpx.get(f"{server.url}/api/v1/account?x=geheim", headers=headers, trust_env=False)
        assert (answer.status_code, answer.headers["X-Request-ID"]) == (401, "from-the-proxy")
        odd = httpx.get(f"{server.url}/api/v1/server", headers={"X-Request-ID": "a b"}, trust_env=False)
        assert odd.headers["X-Request-ID"] != "a b"
        lines = [json.loads(line) for line in server.end().splitlines()]
    assert "geheim" not in json.dumps(lines)
    (line,) = (line for line in lines if line.get("request") == "from-the-proxy")
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/v1/account", 401)


def test_a_restored_older_database_is_brought_up_to_date_by_its_clients(
    home: Path, tmp_path: Path, on_server: Callable[..., Workspace]
) -> None:
    database = tmp_path / "server.db"
    server = TeamServer(f"sqlite:///{database}", str(tmp_path / "files")).start()
    try:
        run = Experiment(on_server(server, "restored"), "exp").start_logging(snapshot_directory=None)
        for value in range(100):
            run.log("value", value)
        run.flush()
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM INTO ?", (str(tmp_path / "backup.db"),))
        for value in range(100, 200):
            run.log("value", value)
        run.flush()
        server.kill()
        for each in tmp_path.glob("server.db*"):
            each.unlink()
        shutil.copy(tmp_path / "backup.db", database)
        server.start()
        for value in range(200, 300):
            run.log("value", value)
        run.complete()
        assert run.get_metrics() == {"value": list(range(300))}
    finally:
        server.close()


def test_it_does_not_wait_for_who_follows_its_changes(tmp_path: Path) -> None:
    own = TeamServer(f"sqlite:///{tmp_path / 'server.db'}", str(tmp_path / "server-blobs")).start()
    try:
        own.make_workspace("test")
        headers = {"Authorization": f"Bearer {own.token('test')}"}
        url = f"{own.url}/workspaces/test/api/v1/changes"
        with httpx.stream("GET", url, headers=headers, trust_env=False, timeout=60) as followed:
            pieces = followed.iter_raw()
            next(pieces)
            assert own.process is not None
            own.process.terminate()
            own.process.wait(20)  # answers that are on their way may take 30 s
            with suppress(httpx.HTTPError):
                list(pieces)
    finally:
        own.close()


def test_why_the_store_does_not_answer_is_told_in_the_log_alone(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    add_error_answers(app, hides_why=True)

    @app.get("/")
    def ask() -> None:
        raise StoreUnavailable("postgresql://milepost@db.internal/milepost is not available")

    with caplog.at_level("WARNING", "milepost.server"), TestClient(app) as client:
        outages.__init__()  # type: ignore[misc]
        answers = [client.get("/") for _ in range(3)]
    assert [each.status_code for each in answers] == [503] * 3
    assert "db.internal" not in answers[0].text
    assert [each.getMessage() for each in caplog.records] == [
        "a request could not be answered: postgresql://milepost@db.internal/milepost is not available"
    ]
