"""How long a logging call takes while the server is up, gone, slow, hanging, busy, refusing, or not to be asked.

    .venv/bin/python benchmarks/server_calls.py [--seconds 5] [--rounds 3] [--write]

Each state has a script of its own that logs 10,000 values a second.  What the training's loop sees is the call; what
happens between this machine and the server is the drain's business.  ``--write`` puts the section into
docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import report_team  # noqa: E402
from tests.conftest import PostgresServer, run_postgres  # noqa: E402
from tests.store.object_stores import new_s3_place  # noqa: E402
from tests.store.object_stores import server as object_store  # noqa: E402
from tests.team.fault_proxy import FaultProxy  # noqa: E402
from tests.team.servers import TeamServer  # noqa: E402

SCRIPT = """
import io, json, resource, sys, time
from azureml.core import Experiment, Workspace
run = Experiment(Workspace.get("calls"), "e").start_logging(snapshot_directory=None)
run.log("loss", 0)
try:
    run.flush()
except Exception:
    pass
seconds = float(sys.argv[1])
took, clock, now = [], time.perf_counter_ns, time.monotonic
waits = lambda: resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
waited, uploads, due = 0, [], now() + 0.5
print("begins", flush=True)
end = now() + seconds
while (begun := now()) < end:
    switches = waits()
    for number in range(100):
        before = clock()
        run.log("loss", number)
        took.append(clock() - before)
        if took[-1] > 1e6:
            waited += waits() > switches
            switches = waits()
    if begun > due:
        due += 1
        before = clock()
        run.upload_file(f"outputs/{len(uploads)}.bin", io.BytesIO(run.id.encode() * 1820 + bytes([len(uploads)])))
        uploads.append(clock() - before)
    time.sleep(max(0.0, begun + 0.01 - now()))
print("logged", flush=True)
took.sort()
ended = time.monotonic()
run.complete()
at = lambda part: took[int(part * (len(took) - 1))] / 1000
print(json.dumps({"calls": len(took), "p50": at(0.5), "p99": at(0.99), "p99.99": at(0.9999), "max": at(1),
                  "over_1_ms": sum(each > 1e6 for each in took), "waited": waited,
                  "upload_max_ms": max(uploads) / 1e6, "complete_s": time.monotonic() - ended}))
"""


@dataclass(frozen=True)
class State:
    """What is the matter with the server while a script logs."""

    name: str
    fate: str = "pass"
    """Of requests with batches; see ``FaultProxy``."""
    variables: tuple[tuple[str, str], ...] = ()
    store: str = "pass"
    """Of requests to the object store."""
    restarts_database: bool = False
    passes: bool = False
    """Whether it is over when the loop is: the end of a script waits for a server that says when to come again."""


OFFLINE = State("not asked", variables=(("MILEPOST_OFFLINE", "1"),))
STATES = (
    OFFLINE,
    State("up"),
    State("slow: 0.3 s an answer", "slow"),
    State("gone", "refuse"),
    State("hanging", "hang"),
    State("busy until the loop ends", "busy", passes=True),
    State("getting all twice", "twice"),
    State("without its object store", store="refuse"),
    State("whose PostgreSQL crashes and comes back", restarts_database=True),
)


class Bench:
    """A server behind a proxy, over a PostgreSQL and an object store behind another one."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.folder = folder
        self.postgres: PostgresServer = stack.enter_context(run_postgres(fsync="on", full_page_writes="on"))
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        port = stack.enter_context(object_store(command, r"Running on http://127\.0\.0\.1:", folder / "moto.log"))
        self.files, self.proxy = FaultProxy(), FaultProxy()
        self.files.targets = [port]
        self.proxy.hang_s = 30
        place = new_s3_place(f"http://127.0.0.1:{port}")
        keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "tests")
        os.environ |= {**keys, "AWS_REGION": "us-east-1", "AWS_ENDPOINT": self.files.url, "AWS_ALLOW_HTTP": "true"}
        url = self.postgres.url(self.postgres.create_database())
        self.server = TeamServer(url, place.address, public_url=self.proxy.url).start()
        stack.callback(self.server.close)
        self.proxy.targets = [self.server.port]
        self.server.make_workspace("calls")
        self.token = self.server.token("calls")
        self._homes = 0

    def script(self, state: State, seconds: float) -> dict[str, float]:
        """What a script sees."""
        self._homes += 1
        own = {
            "MILEPOST_URL": self.proxy.url,
            "MILEPOST_TOKEN": self.token,
            "MILEPOST_HOME": str(self.folder / f"home-{self._homes}"),
            **dict(state.variables),
        }
        with (self.folder / "said").open("w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT, str(seconds)],
                env={**os.environ, **own},
                cwd=ROOT,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert process.stdout is not None
        try:
            process.stdout.readline()
            self.proxy.decide = _among("/journals/", state.fate)
            self.files.decide = _among("/", state.store)
            if state.restarts_database:
                time.sleep(seconds / 5)
                self.server.drop_connections()
                self.postgres.crash()
                time.sleep(seconds / 5)
                self.postgres.start()
            process.stdout.readline()
            if state.passes:
                self.proxy.decide = _among("/", "pass")
            said = process.stdout.read()
            process.wait(60)
        finally:
            self.proxy.decide = self.files.decide = _among("/", "pass")
            process.kill()
        if process.returncode:
            told = (self.folder / "said").read_text()
            raise SystemExit(f"the script that recorded to a server that is {state.name} failed:\n{told}")
        return dict(json.loads(said))


def _among(path_part: str, fate: str) -> Callable[[str, str], str]:
    return lambda _method, path: fate if path_part in path else "pass"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    found: dict[str, list[dict[str, float]]] = {state.name: [] for state in STATES}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="milepost-calls-")))
        bench = Bench(stack, folder)
        for _ in range(given.rounds):
            for state in STATES:
                found[state.name].append(bench.script(state, given.seconds))
                print(state.name, found[state.name][-1], file=sys.stderr, flush=True)
    command = f"python benchmarks/server_calls.py --seconds {given.seconds:g} --rounds {given.rounds}"
    section = report_team.calls(found, given.seconds, command)
    print(section)
    if given.write:
        report_team.write(report_team.CALLS, section)


if __name__ == "__main__":
    main()
