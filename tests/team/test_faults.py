"""Whatever breaks between a training script and the database: nothing is lost, nothing is there twice."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.conftest import only_thorough, run_postgres
from tests.store.object_stores import new_s3_place, s3_endpoint
from tests.team.fault_client import read_ledger
from tests.team.fault_proxy import FAULTS, FaultProxy
from tests.team.faults import Clients, count
from tests.team.servers import TeamServer

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

__all__ = ["s3_endpoint"]

SEED = 20


def clients_of(server: TeamServer, tmp_path: Path, workspace: str = "faults") -> Clients:
    server.make_workspace(workspace)
    return Clients(tmp_path / "home", server.url, server.token(workspace), workspace)


def ended(processes: list[subprocess.Popen[bytes]], clients: Clients) -> None:
    for process in processes:
        assert process.wait(120) == 0, clients.said()


def test_a_network_that_cuts_hangs_and_repeats(behind_proxy: TeamServer, tmp_path: Path, proxy: FaultProxy) -> None:
    clients = clients_of(behind_proxy, tmp_path)
    rng = random.Random(SEED)
    # Each fault at least twice, however few requests there are, and in between what gets through.
    fates = [*FAULTS, *FAULTS]
    rng.shuffle(fates)

    def decide(_method: str, path: str) -> str:
        return fates.pop() if fates and "/journals/" in path + "/" and rng.random() < 0.7 else "pass"

    proxy.decide = decide
    processes = [clients.start(20_000, 400, 0.05) for _ in range(2)]
    ended(processes, clients)
    proxy.decide = lambda _method, _path: "pass"
    clients.sync()
    assert sum(proxy.seen[fault] for fault in FAULTS) >= len(FAULTS), proxy.seen
    found = count(behind_proxy, clients)
    assert found.is_good, (SEED, found, clients.said())
    assert found.acknowledged == found.found == 40_000
    assert not list((tmp_path / "home").glob("servers/*/*/refused/*")), clients.said()


def test_a_server_that_is_killed_again_and_again(own_server: TeamServer, tmp_path: Path) -> None:
    clients = clients_of(own_server, tmp_path)
    rng = random.Random(SEED)
    processes = [clients.start(40_000, 400, 0.02) for _ in range(3)]
    for _ in range(3):
        time.sleep(rng.uniform(0.3, 1.2))  # any moment will do
        own_server.kill()
        own_server.start()
    ended(processes, clients)
    clients.sync()
    found = count(own_server, clients)
    assert found.is_good, (SEED, found, clients.said())
    assert found.acknowledged == found.found == 120_000


def test_two_servers_on_one_database_that_get_everything_twice(
    behind_proxy: TeamServer, tmp_path: Path, proxy: FaultProxy
) -> None:
    second = TeamServer(behind_proxy.database_url, behind_proxy.blobs_url, public_url=proxy.url).start()
    try:
        proxy.targets = [behind_proxy.port, second.port]
        proxy.decide = lambda method, path: "twice" if method == "POST" and path.endswith("/batches") else "pass"
        clients = clients_of(behind_proxy, tmp_path)
        ended([clients.start(20_000, 400, 0.02) for _ in range(3)], clients)
        clients.sync()
    finally:
        second.close()
    found = count(behind_proxy, clients)
    assert found.is_good, (found, clients.said())
    assert found.acknowledged == found.found == 60_000
    assert proxy.seen["twice"] >= 3


def test_a_script_that_is_killed_while_it_delivers(own_server: TeamServer, tmp_path: Path) -> None:
    clients = clients_of(own_server, tmp_path)
    rng = random.Random(SEED)
    for _ in range(3):
        process = clients.start(1_000_000, 400, 0.001)
        while (ledger := read_ledger(clients.ledgers[-1])) is None or ledger[1] < 4000:
            assert process.poll() is None, clients.said()
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.5))
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    ended([clients.start(1000, 400, 0.001)], clients)
    clients.sync()
    found = count(own_server, clients)
    assert found.is_good, (SEED, found, clients.said())
    assert found.acknowledged > 13_000


def test_a_postgresql_that_crashes_and_cuts_its_connections(tmp_path: Path) -> None:
    with run_postgres() as postgres:
        server = TeamServer(postgres.url(postgres.create_database()), str(tmp_path / "server-blobs")).start()
        try:
            clients = clients_of(server, tmp_path)
            processes = [clients.start(40_000, 400, 0.02) for _ in range(3)]
            time.sleep(1)
            server.drop_connections()
            time.sleep(0.5)
            postgres.crash()
            time.sleep(0.5)
            postgres.start()
            ended(processes, clients)
            clients.sync()
            found = count(server, clients)
        finally:
            server.close()
    assert found.is_good, (found, clients.said())
    assert found.acknowledged == found.found == 120_000


@pytest.mark.parametrize("engine_name", ["sqlite"])
def test_a_clock_that_jumps(server: TeamServer, tmp_path: Path) -> None:
    clients = clients_of(server, tmp_path, "clock")
    ended([clients.start(4000, 400, 0.05, "tests.team.jumping_clock")], clients)
    clients.sync()
    found = count(server, clients)
    assert found.is_good, (found, clients.said())
    assert found.acknowledged == found.found == 4000
    assert found.ended == 1


@only_thorough  # an object store that is gone is waited for
def test_an_object_store_that_is_gone_for_a_while(
    tmp_path: Path, s3_endpoint: str, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_s3_place(s3_endpoint)
    proxy.targets = [int(s3_endpoint.rpartition(":")[2])]
    keys = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests", "AWS_REGION": "us-east-1"}
    for name, value in {**keys, "AWS_ENDPOINT": proxy.url, "AWS_ALLOW_HTTP": "true"}.items():
        monkeypatch.setenv(name, value)
    server = TeamServer(f"sqlite:///{tmp_path / 'server.db'}", place.address).start()
    try:
        clients = clients_of(server, tmp_path)
        proxy.decide = lambda _method, _path: "refuse"
        processes = [clients.start(4000, 400, 0.02) for _ in range(2)]
        until = time.monotonic() + 60
        while proxy.seen["refuse"] < 5:
            assert time.monotonic() < until, clients.said()
            time.sleep(0.05)
        proxy.decide = lambda _method, _path: "pass"
        ended(processes, clients)
        clients.sync()
        found = count(server, clients)
    finally:
        server.close()
    assert found.is_good, (found, clients.said())
    assert found.acknowledged == found.found == 8000
    assert found.ended == 2
