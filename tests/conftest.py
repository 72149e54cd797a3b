"""What all tests share: a PostgreSQL server of their own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.team.servers import TeamServer

# A shell that starts the tests in the background has them ignore Ctrl-C, which the processes that they start inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Only the tests of the portal's life start portals: whoever asks for a run's address would start one.
os.environ["MILEPOST_PORTAL"] = "0"

THOROUGH = os.environ.get("MILEPOST_TESTS") == "thorough"
"""`make thorough`: more kills, more runs, more examples than there is time for each time."""

# How fast a test is depends on what else the machine does.
settings.register_profile("milepost", deadline=None, max_examples=400 if THOROUGH else 50)
settings.load_profile("milepost")


only_thorough = pytest.mark.skipif(not THOROUGH, reason="there is no time for it each time: make thorough")
"""Of a test whose like is in every run of the tests."""

THOROUGH_LIST = Path(__file__).with_name("thorough.txt")


def listed_as_thorough() -> frozenset[str]:
    """The node ids of the tests that only `make thorough` runs because they take long."""
    lines = THOROUGH_LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # A test that is asked for by its name is run.
    if THOROUGH or config.getoption("--conformance") or any("::" in argument for argument in config.args):
        return
    listed = listed_as_thorough()
    for item in items:
        if item.nodeid.partition("@")[0] in listed or item.nodeid in listed:
            item.add_marker(only_thorough)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--conformance",
        action="store_true",
        help="only the SDK's tests that can be done on a server, each here, on HTTP+SQLite and on HTTP+PostgreSQL",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "only_here: of a workspace on this machine: its own files, or how it is made")


@dataclass
class PostgresServer:
    """A server that listens on a socket in ``folder`` only."""

    folder: Path
    _numbers: Iterator[int]
    _command: list[Any]
    _as_user: dict[str, Any]
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self.folder, **self._as_user)
        _wait_until_ready(self, self._process)

    def crash(self) -> None:
        """End it at once, without a shutdown: it recovers at its next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None

    def url(self, database: str = "postgres") -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def create_database(self, template: str = "template0") -> str:
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def drop_database(self, name: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _find_programs() -> Path | None:
    """The folder of the newest PostgreSQL server on this machine."""
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    debian.sort(key=lambda path: [int(part) for part in path.parent.name.split(".") if part.isdigit()])
    on_path = shutil.which("initdb")
    if debian:
        return debian[-1]
    return Path(on_path).resolve().parent if on_path else None


def _unprivileged_user() -> str | None:
    """The user to run the server as: PostgreSQL refuses to run as root."""
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    return None


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A server for this test process.  Skips where PostgreSQL is not installed."""
    # As quick as can be: nothing in it outlives the tests, nor has to outlive a crash.
    with run_postgres(synchronous_commit="off") as server:
        yield server


@contextmanager
def run_postgres(**more: str) -> Iterator[PostgresServer]:
    """A server of its own, with these settings.  Skips where PostgreSQL is not installed."""
    pytest.importorskip("psycopg", reason="psycopg is not installed; pip install 'milepost[postgres]'")
    programs = _find_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: no initdb in /usr/lib/postgresql/*/bin or on PATH")
    user = _unprivileged_user() if os.geteuid() == 0 else None
    if os.geteuid() == 0 and user is None:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody to run it as")
    # Not in pytest's own folder: the server's user could not enter it.
    folder = Path(tempfile.mkdtemp(prefix="milepost-pg-"))
    if user:
        shutil.chown(folder, user)
    as_user: dict[str, Any] = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    data = folder / "data"
    try:
        initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        made = subprocess.run(initdb, capture_output=True, text=True, cwd=folder, check=False, **as_user)
        assert made.returncode == 0, made.stderr
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "autovacuum": "off",
            **more,
        }
        arguments = [argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")]
        server = PostgresServer(folder, count(1), [programs / "postgres", "-D", data, *arguments], as_user)
        try:
            server.start()
            yield server
        finally:
            server.crash()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(server: PostgresServer, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    until = time.monotonic() + 60
    while True:
        try:
            server.execute("SELECT 1")
        except psycopg.OperationalError:
            assert process.poll() is None, (server.folder / "log").read_text()
            assert time.monotonic() < until, "PostgreSQL does not start"
            time.sleep(0.05)
        else:
            return


@pytest.fixture(scope="session")
def team_server_on(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], TeamServer]]:
    """A team's server for all tests of this process that may share one: ``team_server_on("sqlite" | "postgresql")``."""
    from tests.team.servers import TeamServer

    running: dict[str, TeamServer] = {}

    def find(engine_name: str) -> TeamServer:
        if engine_name not in running:
            folder = tmp_path_factory.mktemp("server")
            url = f"sqlite:///{folder / 'server.db'}"
            if engine_name == "postgresql":
                postgres: PostgresServer = request.getfixturevalue("postgres_server")
                url = postgres.url(postgres.create_database())
            running[engine_name] = TeamServer(url, str(folder / "blobs")).start()
        return running[engine_name]

    yield find
    for server in running.values():
        server.close()
