"""Training scripts record into a server to which all sorts of things happen: what is lost, what is there twice.

    .venv/bin/python benchmarks/server_faults.py [--clients 16] [--kills 50] [--seed 1] [--only kills] [--write]

Each script logs numbers and notes outside Milepost, for every call that has returned, that it did.  At the end
``milepost sync`` delivers what is left, and the server's database is compared with the notes.  PostgreSQL is one of its
own, from this machine's package, as durable as by default; files go to an S3 object store (moto).  ``--write`` puts the
section into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import report_team  # noqa: E402
from tests.conftest import PostgresServer, run_postgres  # noqa: E402
from tests.store.object_stores import new_s3_place  # noqa: E402
from tests.store.object_stores import server as object_store  # noqa: E402
from tests.team.fault_client import read_ledger  # noqa: E402
from tests.team.fault_proxy import FAULTS, FaultProxy  # noqa: E402
from tests.team.faults import Clients, count  # noqa: E402
from tests.team.servers import TeamServer  # noqa: E402

OBJECTS_DOWN_S = 60.0


@dataclass
class Scene:
    """A server behind a proxy, its PostgreSQL, its object store behind another proxy, and scripts."""

    rng: random.Random
    postgres: PostgresServer
    files: FaultProxy
    proxy: FaultProxy
    server: TeamServer
    clients: Clients
    given: argparse.Namespace
    running: list[subprocess.Popen[bytes]]

    def begin(self, scripts: int, values: int, module: str = "tests.team.fault_client") -> None:
        self.running += [self.clients.start(values, 400, 0.2, module) for _ in range(scripts)]

    @property
    def live(self) -> list[subprocess.Popen[bytes]]:
        return [each for each in self.running if each.poll() is None]

    @property
    def delivering(self) -> list[subprocess.Popen[bytes]]:
        """Scripts that have logged a while."""
        pairs = zip(self.running, self.clients.ledgers, strict=True)
        said = [(each, read_ledger(ledger)) for each, ledger in pairs if each.poll() is None]
        return [each for each, found in said if found is not None and found[1] >= 2000]


def kills(scene: Scene) -> str:
    """The server is killed again and again, and now and then a script, whose work the others take over.

    As many scripts go on until the last kill: for each that ends, another one begins.
    """
    scene.begin(scene.given.clients, scene.given.values)
    scripts = 0
    for kill in range(scene.given.kills):
        time.sleep(scene.rng.uniform(0.05, 1.5))
        scene.server.kill()
        scene.server.start()
        if kill % 10 == 5 and scene.live:
            victim = scene.rng.choice(scene.live)
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            scripts += 1
        scene.begin(scene.given.clients - len(scene.live), scene.given.values // 10)
    killed = f"the server is killed {scene.given.kills} times, {scripts} scripts are killed"
    return f"{scene.given.clients} scripts at a time, {len(scene.running)} in all; {killed}"


def database(scene: Scene) -> str:
    """PostgreSQL crashes and recovers, and cuts its connections in between."""
    scene.begin(8, scene.given.values // 2)
    for _ in range(5):
        for _ in range(2):
            time.sleep(scene.rng.uniform(0.2, 1))
            scene.server.drop_connections()
        time.sleep(scene.rng.uniform(0.2, 1))
        scene.postgres.crash()
        time.sleep(scene.rng.uniform(0.2, 2))
        scene.postgres.start()
    return "8 scripts; PostgreSQL crashes 5 times and cuts all connections 10 times"


def objects(scene: Scene) -> str:
    """The object store is down for a minute, in which scripts upload and end."""
    scene.begin(4, 4000)
    scene.files.decide = lambda _method, _path: "refuse"
    began = time.monotonic()
    while time.monotonic() - began < OBJECTS_DOWN_S:
        if len(scene.live) < 4 and len(scene.running) < 16:
            scene.begin(1, 4000)
        time.sleep(0.2)
    refused = scene.files.seen["refuse"]
    scene.files.decide = lambda _method, _path: "pass"
    return f"{len(scene.running)} scripts; the object store is down for {OBJECTS_DOWN_S:g} s ({refused} requests fail)"


def network(scene: Scene) -> str:
    """Two servers on one database behind a network that cuts, hangs, damages, and sends things twice."""
    second = TeamServer(scene.server.database_url, scene.server.blobs_url, public_url=scene.proxy.url).start()
    try:
        scene.proxy.targets = [scene.server.port, second.port]
        scene.proxy.decide = lambda _method, path: (
            scene.rng.choice(FAULTS) if "/journals/" in path and scene.rng.random() < 0.4 else "pass"
        )
        scene.begin(8, scene.given.values // 5)
        for each in scene.running:
            each.wait(600)
        faults = sum(scene.proxy.seen[fault] for fault in FAULTS)
        scene.proxy.decide = lambda _method, _path: "pass"
        scene.clients.sync(120)
    finally:
        scene.proxy.targets = [scene.server.port]
        second.close()
    return f"8 scripts, two servers; {faults} requests are refused, cut, damaged, hang, are late or come twice"


def clients(scene: Scene) -> str:
    """Scripts are killed while they deliver over a slow network; others take over what they leave."""
    scene.proxy.decide = lambda _method, path: "slow" if "/journals/" in path and scene.rng.random() < 0.5 else "pass"
    scene.begin(scene.given.clients, scene.given.values // 5)
    for _ in range(scene.given.kills):
        time.sleep(scene.rng.uniform(0.05, 1.0))
        while not (delivering := scene.delivering):
            time.sleep(0.1)
        victim = scene.rng.choice(delivering)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        scene.begin(scene.given.clients - len(scene.live), scene.given.values // 10)
    slow = scene.proxy.seen["slow"]
    return (
        f"{scene.given.clients} scripts at a time, {len(scene.running)} in all; {scene.given.kills} of them are killed "
        f"in mid-delivery ({slow} batches are slow)"
    )


def clocks(scene: Scene) -> str:
    """The clock of the scripts' machine is put right again and again."""
    scene.begin(8, scene.given.values // 5, "tests.team.jumping_clock")
    for each in scene.running:
        each.wait(600)
    return "8 scripts, whose clock jumps ten times a second by up to a day in either direction"


SCENES: dict[str, Callable[[Scene], str]] = {
    "kills": kills,
    "database": database,
    "objects": objects,
    "network": network,
    "clients": clients,
    "clocks": clocks,
}


def play(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Set a scene, play it, and count."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="milepost-faults-")))
        postgres = stack.enter_context(run_postgres(fsync="on", full_page_writes="on"))
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
        port = stack.enter_context(object_store(command, r"Running on http://127\.0\.0\.1:", folder / "moto.log"))
        files, proxy = FaultProxy(), FaultProxy()
        files.targets = [port]
        place = new_s3_place(f"http://127.0.0.1:{port}")
        keys = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "tests")
        os.environ |= {**keys, "AWS_REGION": "us-east-1", "AWS_ENDPOINT": files.url, "AWS_ALLOW_HTTP": "true"}
        url = postgres.url(postgres.create_database())
        server = TeamServer(url, place.address, public_url=proxy.url).start()
        stack.callback(server.close)
        proxy.targets = [server.port]
        server.make_workspace("faults")
        clients = Clients(folder / "home", server.url, server.token("faults"), "faults")
        scene = Scene(random.Random(given.seed), postgres, files, proxy, server, clients, given, [])
        stack.callback(lambda: [each.kill() for each in scene.live])
        begun = time.monotonic()
        what = SCENES[name](scene)
        codes = [each.wait(600) for each in scene.running]
        clients.sync(120)
        found = count(server, clients)
        seconds = time.monotonic() - begun
    failed = sum(code not in (0, -signal.SIGKILL) for code in codes)
    print(f"{name}, seed {given.seed}: {what}, in {seconds:.0f} s; scripts that failed by themselves: {failed}")
    for key, value in asdict(found).items():
        print(f"{key:>16}: {value:,}", flush=True)
    return {"what": what, "is_good": found.is_good and not failed, **asdict(found)}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--values", type=int, default=100_000, help="of each script")
    parser.add_argument("--only", default=",".join(SCENES), help="scenes, with commas between")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    wanted = given.only.split(",")
    if unknown := set(wanted) - SCENES.keys():
        parser.error(f"--only knows {', '.join(SCENES)}; not {', '.join(sorted(unknown))}")
    found = [play(name, given) for name in wanted]
    command = f"python benchmarks/server_faults.py --clients {given.clients} --kills {given.kills} --seed {given.seed}"
    section = report_team.faults(found, command)
    print(section)
    if given.write:
        report_team.write(report_team.FAULTS, section)
    if not all(each["is_good"] for each in found):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
