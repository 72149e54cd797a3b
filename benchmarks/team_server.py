"""How much a team's server takes, beside MLflow's server on the same PostgreSQL.

    python benchmarks/team_server.py [--quick] [--write]

Server, PostgreSQL and clients share this machine.  PostgreSQL is Debian's, started for this alone, as durable as it is
by default (fsync, synchronous commit).  ``--write`` puts the section into docs/benchmarks.md.

- **Scripts**: processes that log floats in a loop with the tool's own call.  Points a second: all points over the time
  from the first call until the server has acknowledged the last one.  Milepost and MLflow take turns, three times.
- **200 clients at once**, each with a journal of its own: a batch, and some time after it was acknowledged the next
  one; meanwhile one reader asks for the table of runs and for a curve.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import peers  # noqa: E402
import report  # noqa: E402
import report_team  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = "--quick" in sys.argv
TIMES = 1 if QUICK else 3
SCRIPTS = 4
POINTS = 20_000 if QUICK else 500_000
"""Of each of Milepost's scripts."""
SECONDS = 3.0 if QUICK else 10.0
"""Of each of MLflow's scripts, and of the crowd."""
MLFLOW_BATCH = 1000
"""The most that MLflow takes in one call."""
CROWD, CROWD_PROCESSES = 200, 4
CROWD_BATCH, CROWD_PAUSE_S = 1000, 1.0
DRIVER = "psycopg2-binary==2.9.12"


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A server for this alone; gives its address without a database's name."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin/initdb")).parent
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    as_user: dict[str, Any] = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **as_user}
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"], check=True, **quiet
    )
    settings = {"listen_addresses": "", "unix_socket_directories": str(folder), "max_connections": "200"}
    options = [each for name, value in settings.items() for each in ("-c", f"{name}={value}")]
    process = subprocess.Popen([programs / "postgres", "-D", data, *options], **quiet)
    try:
        for _ in range(600):
            ready = subprocess.run([programs / "pg_isready", "-h", folder], **quiet, check=False)
            if ready.returncode == 0:
                break
            time.sleep(0.1)
        for name in ("milepost", "mlflow"):
            subprocess.run([programs / "createdb", "-h", folder, "-U", "postgres", name], check=True, **quiet)
        yield f"host={folder}"
    finally:
        process.send_signal(2)
        process.wait(60)


@contextmanager
def started(command: list[str], variables: dict[str, str], url: str, log: Path) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, env={**os.environ, **variables}, stdout=out, stderr=out)
    try:
        until = time.monotonic() + 180
        while True:
            with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
                if answer.status == 200:
                    break
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit(f"{command[0]} did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        process.wait(60)


def clients(python: Path | str, jobs: list[tuple[str, dict[str, Any]]], variables: dict[str, str]) -> list[Any]:
    """What client processes that begin at the same time say."""
    script = str(ROOT / "benchmarks" / "team_client.py")
    running = [
        subprocess.Popen(
            [str(python), script, kind, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
        )
        for kind, settings in jobs
    ]
    for each in running:
        assert each.stdout is not None
        line = each.stdout.readline()
        if line.strip() != "ready":
            raise SystemExit("a client did not start")
    for each in running:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.communicate()[0] for each in running]
    return [json.loads(each.splitlines()[-1]) for each in said]  # MLflow says other things, too


def free_port() -> int:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def rate(said: list[Any]) -> float:
    """Points a second of all of them together."""
    return float(sum(each["points"] for each in said) / max(each["delivered_s"] for each in said))


class Bench:
    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = f"postgresql://postgres@/milepost?{database}"
        self.mlflow_database = f"postgresql+psycopg2://postgres@/mlflow?{database}"
        self.port, self.mlflow_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.mlflow_url = f"http://127.0.0.1:{self.mlflow_port}"
        self.token = ""
        self.number = 0

    def milepost_server(self, workers: int) -> Any:
        from milepost.store import accounts, tokens
        from milepost.store.engine import open_engine
        from milepost.store.migrate import ensure_schema
        from milepost.store.new_workspaces import make_workspace

        if not self.token:
            engine = open_engine(self.database)
            ensure_schema(engine)
            account = accounts.create_account(engine, "bench")
            make_workspace(engine, "bench")
            accounts.set_role(engine, "bench", account.id, "contributor")
            self.token = tokens.create_token(engine, account.id, "bench")[1]
            engine.dispose()
        code = "from milepost.cli import main; main()"
        options = ["--port", str(self.port), "--workers", str(workers), "--artifacts", str(self.folder / "files")]
        return started(
            [sys.executable, "-c", code, "server", *options],
            {"MILEPOST_SERVER_DATABASE_URL": self.database, "MILEPOST_HOME": str(self.folder / "server-home")},
            f"{self.url}/readyz",
            self.folder / "milepost.log",
        )

    def mlflow_server(self, python: Path, driver: Path) -> Any:
        options = ["--host", "127.0.0.1", "--port", str(self.mlflow_port), "--workers", "2"]
        stores = ["--backend-store-uri", self.mlflow_database, "--default-artifact-root", str(self.folder / "mlflow")]
        return started(
            [str(python.with_name("mlflow")), "server", *options, *stores],
            {"PYTHONPATH": str(driver), **MLFLOW},
            f"{self.mlflow_url}/health",
            self.folder / "mlflow.log",
        )

    def scripts(self) -> list[Any]:
        self.number += 1
        shared = {"url": self.url, "token": self.token, "workspace": "bench", "points": POINTS}
        homes = [str(self.folder / f"home-{self.number}-{each}") for each in range(SCRIPTS)]
        return clients(sys.executable, [("milepost", {**shared, "home": home}) for home in homes], {})

    def mlflow_scripts(self, python: Path, at_once: int) -> list[Any]:
        job = {"url": self.mlflow_url, "points": 10**9, "seconds": SECONDS, "at_once": at_once}
        return clients(python, [("mlflow", job)] * SCRIPTS, MLFLOW)

    def crowd(self, run: str) -> list[Any]:
        shared = {"url": self.url, "token": self.token, "workspace": "bench", "seconds": SECONDS}
        more = {"clients": CROWD // CROWD_PROCESSES, "at_once": CROWD_BATCH, "pause_s": CROWD_PAUSE_S}
        jobs = [("crowd", {**shared, **more, "number": number}) for number in range(CROWD_PROCESSES)]
        return clients(sys.executable, [*jobs, ("reader", {**shared, "run": run})], {})


MLFLOW = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "no_proxy": "127.0.0.1",
}


def driver_for(python: Path) -> Path:
    """PostgreSQL's driver for MLflow, beside its environment: that one is as it is pinned for other measures."""
    folder = peers.CACHE / "mlflow-postgresql"
    marker = folder / ".installed"
    if not marker.is_file() or marker.read_text() != DRIVER:
        shutil.rmtree(folder, ignore_errors=True)
        pip = [
            str(python),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "--target",
            str(folder),
            DRIVER,
        ]
        subprocess.run(pip, check=True)
        marker.write_text(DRIVER)
    return folder


def measure(folder: Path, database: str) -> dict[str, Any]:
    bench = Bench(folder, database)
    peer = peers.ensure("mlflow")
    if peer.python is None:
        raise SystemExit(f"MLflow {peer.error}")
    found: dict[str, Any] = {"milepost": [], "log_metric": [], "log_batch": [], "calls": []}
    with ExitStack() as stack:
        stack.enter_context(bench.milepost_server(2))
        stack.enter_context(bench.mlflow_server(peer.python, driver_for(peer.python)))
        run = ""
        for turn in range(TIMES):
            said = bench.scripts()
            run = said[0]["run"]
            found["milepost"].append(rate(said))
            found["calls"] += [each["logged_s"] / each["points"] for each in said]
            found["log_metric"].append(rate(bench.mlflow_scripts(peer.python, 1)))
            found["log_batch"].append(rate(bench.mlflow_scripts(peer.python, MLFLOW_BATCH)))
            print({name: round(values[-1], 7) for name, values in found.items()}, f"turn {turn + 1}", file=sys.stderr)
        said = bench.crowd(run)
    found["version"] = report.version("mlflow", peer.python)
    found["crowd"] = rate(said[:-1])
    found["waits"] = [each for one in said[:-1] for each in one["waits"]]
    found["times"] = said[-1]["times"]
    return found


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="milepost-team-"))
    folder.chmod(0o755)
    (folder / "pg").mkdir()
    try:
        with postgres(folder / "pg") as database:
            found = measure(folder, database)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sizes = {
        "scripts": SCRIPTS,
        "points": POINTS,
        "mlflow_batch": MLFLOW_BATCH,
        "crowd": CROWD,
        "crowd_batch": CROWD_BATCH,
        "pause_s": CROWD_PAUSE_S,
    }
    section = report_team.takes(found, sizes, "python benchmarks/team_server.py")
    print(section)
    if "--write" in sys.argv and not QUICK:
        report_team.write(report_team.TAKES, section)


if __name__ == "__main__":
    main()
