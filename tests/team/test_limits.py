"""How much a team's server takes, how it says that it takes no more just now, and that nothing is lost by it."""

from __future__ import annotations

import asyncio
import contextlib
import io
import select
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from unittest.mock import ANY

import httpx
import pytest

from azureml.core import Experiment, Workspace
from azureml.exceptions import ServiceException
from milepost.server.problem import Problem
from milepost.server.team import bodies
from milepost.server.team.bodies import BodyLimit
from milepost.server.team.intake import APPLIED_AT_ONCE, Intake
from milepost.server.team.settings import Limits
from milepost.store.batch import Batch
from milepost.store.store import open_store
from milepost.store.wire import BATCH_TYPE, pack_batch
from tests.store.builders import T0, event, run_event, say, series, upload
from tests.team.servers import TeamServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from milepost.store.store import Store


@pytest.fixture
def engine_name() -> str:
    """The one that many clients are for."""
    return "postgresql"


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Callable[..., TeamServer]]:
    """``limited(points_per_s=..., ...)``: a server for this test alone, on SQLite."""
    running: list[TeamServer] = []

    def start(**limits: int) -> TeamServer:
        server = TeamServer(f"sqlite:///{tmp_path / 'server.db'}", str(tmp_path / "server-blobs"), limits=limits)
        running.append(server.start())
        return server

    yield start
    for each in running:
        each.close()


def api(server: TeamServer, workspace: str | None, token: str) -> httpx.Client:
    """For requests to a workspace, or to the server itself."""
    place = "" if workspace is None else f"/workspaces/{workspace}"
    return httpx.Client(
        base_url=f"{server.url}{place}/api/v1",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=60,
        limits=httpx.Limits(max_connections=None),
    )


def message(journal: str, count: int, start: int = 0) -> bytes:
    """A batch with so many points of the run that is called like the journal."""
    events = [] if start else [run_event(journal)]
    return pack_batch(Batch(journal, start, start + 100, events, [series(journal, "loss", [0.5] * count)]))


def send(client: httpx.Client, journal: str, data: bytes) -> httpx.Response:
    return client.post(f"/journals/{journal}/batches", content=data, headers={"Content-Type": BATCH_TYPE})


def test_what_comes_too_fast_is_told_to_wait_and_arrives(
    limited: Callable[..., TeamServer], on_server: Callable[..., Workspace]
) -> None:
    server = limited(points_per_s=100)
    ws = on_server(server, "fast")
    run = Experiment(ws, "exp").start_logging(snapshot_directory=None)
    for value in range(1200):  # 1,000 may come at once
        run.log("value", value)
    run.flush()
    with api(server, "fast", server.token("fast")) as client:
        refused = send(client, "another", message("another", 1))
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "busy")
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    run.log("value", 1200)
    until = time.monotonic() + 60
    while True:
        try:
            assert run.get_metrics() == {"value": list(range(1201))}
            break
        except ServiceException:  # it was told so, too
            assert time.monotonic() < until
    run.complete()


def test_an_administrator_gives_a_workspace_limits_of_its_own(limited: Callable[..., TeamServer]) -> None:
    server = limited(bytes_per_s=1)
    for name in ("own", "general"):
        server.make_workspace(name)
    token = server.token("own", "owner")
    with api(server, None, server.token(is_admin=True)) as admin, api(server, None, token) as owner:
        assert owner.put("/workspaces/own/limits", json={}).status_code == 403
        assert owner.get("/workspaces/own/limits").status_code == 403
        given = admin.put("/workspaces/own/limits", json={"bytes_per_s": 0, "points_per_s": 1_000_000}).json()
        assert (given["bytes_per_s"], given["points_per_s"], given["general"]["bytes_per_s"]) == (0, 1_000_000, 1)
        assert admin.get("/workspaces/own/limits").json() == given
        assert admin.get("/workspaces/none/limits").status_code == 404
        assert admin.put("/workspaces/own/limits", json={"storage": -1}).status_code == 422
    with api(server, "own", token) as own:
        assert [send(own, f"j{n}", message(f"j{n}", 10)).status_code for n in range(3)] == [200, 200, 200]
    with api(server, "general", server.token("general")) as general:
        assert [send(general, f"j{n}", message(f"j{n}", 10)).status_code for n in range(3)] == [200, 429, 429]


def test_a_full_workspace_takes_metrics_and_no_files(
    limited: Callable[..., TeamServer], on_server: Callable[..., Workspace]
) -> None:
    server = limited(storage=6000)
    ws = on_server(server, "full")
    run = Experiment(ws, "exp").start_logging(snapshot_directory=None)
    run.upload_file("model.bin", io.BytesIO(b"a" * 5000))
    run.flush()
    digest = "ab" * 32
    with api(server, "full", server.token("full")) as client:
        body: dict[str, Any] = {"content": b"x" * 2000, "headers": {"Content-Type": "application/octet-stream"}}
        refused = client.put(f"/blobs/{digest}", **body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "busy")
        assert "full" in refused.json()["error"]["message"]
        run.log("loss", 1)
        run.complete()
        assert run.get_metrics() == {"loss": 1}
        with api(server, None, server.token(is_admin=True)) as admin:
            admin.put("/workspaces/full/limits", json={"storage": 10**9})
        assert client.put(f"/blobs/{digest}", **body).status_code == 400  # taken, and found to be another content


def test_bodies_on_their_way_have_bounded_memory(limited: Callable[..., TeamServer]) -> None:
    server = limited(batches_at_once=1_000_000)
    for name in ("slow", "other"):
        server.make_workspace(name)
    token = server.token("slow")
    head = (
        f"POST /workspaces/slow/api/v1/journals/j/batches HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
        f"Authorization: Bearer {token}\r\nContent-Type: {BATCH_TYPE}\r\nContent-Length: 900000\r\n\r\n"
    )
    big = b"y" * 300_000
    with api(server, "other", server.token("other")) as other, api(server, "slow", token) as slow, ExitStack() as held:
        stalled = None
        for _ in range(100):
            if stalled is None or select.select([stalled], [], [], 0)[0]:  # it was this one that found no room
                stalled = held.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                stalled.sendall(head.encode() + b"x" * 800_000)
            answer = send(slow, "k", big)
            if answer.status_code == 503:
                break
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
        assert "Retry-After" in answer.headers
        assert send(other, "small", message("small", 10)).status_code == 200
        held.close()
        for _ in range(100):
            answer = send(slow, "k", big)
            if answer.status_code != 503:
                break
            time.sleep(0.1)
        assert answer.status_code == 400  # taken, and found to be no batch


@pytest.fixture
def two_stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    stores = [open_store(f"sqlite:///{tmp_path / 's.db'}", name, blobs_url=str(tmp_path)) for name in ("loud", "quiet")]
    yield stores[0], stores[1]
    for each in stores:
        each.close()


def test_a_loud_workspace_does_not_keep_another_waiting(two_stores: tuple[Store, Store]) -> None:
    loud, quiet = two_stores
    order: list[str] = []
    go = threading.Event()

    async def run() -> None:
        intake = Intake(Limits())

        def work(name: str, hold: bool) -> None:
            if hold:
                go.wait(60)
            order.append(name)

        async def one(store: Store, hold: bool = False) -> None:
            await intake.apply(store, lambda: work(store.workspace_name, hold))

        holding = [asyncio.ensure_future(one(loud, hold=True)) for _ in range(APPLIED_AT_ONCE)]
        waiting = [asyncio.ensure_future(one(loud)) for _ in range(100)]
        await asyncio.sleep(0)
        gone = asyncio.ensure_future(one(quiet))
        last = asyncio.ensure_future(one(quiet))
        await asyncio.sleep(0.05)
        gone.cancel()  # a client that hung up while it waited keeps nobody back
        with contextlib.suppress(asyncio.CancelledError):
            await gone
        go.set()
        await asyncio.gather(*holding, *waiting, last)
        assert intake.held == 0

    asyncio.run(run())
    assert len(order) == APPLIED_AT_ONCE + 101
    assert order.index("quiet") < 2 * APPLIED_AT_ONCE + 2


def test_memory_is_shared_among_those_that_want_some(two_stores: tuple[Store, Store]) -> None:
    loud, quiet = two_stores
    intake = Intake(Limits(batches_at_once=1000))
    with intake.room(loud, 0) as take:
        take(900)
        with pytest.raises(Problem) as refused:
            intake.room(quiet, 200).__enter__()
        assert refused.value.status == 503
        with pytest.raises(Problem):
            take(50)  # its share is one half, for another one wants some
    with intake.room(loud, 0) as take:
        take(500)
        with intake.room(quiet, 400) as also:
            also(400)
            with pytest.raises(Problem):
                take(50)
    assert intake.held == 0


def test_two_hundred_clients_at_once(own_server: TeamServer) -> None:
    own_server.make_workspace("many")
    token = own_server.token("many")
    codes: list[int] = []
    ready = threading.Barrier(200)

    def client(number: int) -> None:
        ready.wait(60)
        with api(own_server, "many", token) as each:
            for part in range(3):
                answer = send(each, f"run-{number}", message(f"run-{number}", 50, part * 100))
                codes.append(answer.status_code)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(200)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert codes == [200] * 600
    with api(own_server, "many", token) as reading:
        for number in (0, 99, 199):
            found = reading.get(f"/runs/run-{number}/metrics").json()
            assert "150" in str(found)


def asked(app: BodyLimit, *messages: Any) -> tuple[int, dict[str, str]]:
    """The status and the headers of the answer to a POST of JSON whose body comes so; "never": nothing comes."""
    coming = iter(messages)
    sent: list[Any] = []

    async def receive() -> Any:
        each = next(coming)
        if each == "never":
            await asyncio.sleep(3600)
        return each

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", b"100")]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/session", "headers": headers}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


async def reading(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads the whole body and says so."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})


def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "JSON_S", 0.05)
    piece = {"type": "http.request", "body": b"x" * 50, "more_body": True}
    assert asked(BodyLimit(reading, Limits()), piece, "never") == (408, ANY)
    assert asked(BodyLimit(reading, Limits()), piece, {**piece, "more_body": False})[0] == 204


def test_all_bodies_together_have_bounded_memory() -> None:
    app = BodyLimit(reading, Limits(requests_at_once=120))
    piece = {"type": "http.request", "body": b"x" * 50, "more_body": True}
    for _ in range(5):  # what is answered is held no more
        assert asked(app, piece, {**piece, "more_body": False})[0] == 204
    status, headers = asked(app, piece, piece, piece)
    assert (status, headers["retry-after"]) == (503, "1")


def test_what_was_too_large_leaves_the_count_as_it_was() -> None:
    app = BodyLimit(reading, Limits(request=100, requests_at_once=120))
    piece = {"type": "http.request", "body": b"x" * 60, "more_body": True}
    for _ in range(5):
        assert asked(app, piece, piece)[0] == 413
    assert app._held == 0


def test_a_body_has_a_length_or_comes_in_chunks(limited: Callable[..., TeamServer]) -> None:
    server = limited()
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as sender:
        sender.sendall(
            f"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode()
        )
        assert b" 400 " in sender.recv(100)


def test_contents_that_nothing_has_named_yet_count_as_stored(two_stores: tuple[Store, Store]) -> None:
    store, _ = two_stores
    upload(store, "named", "a.bin", b"n" * 1000)
    digest = store.put_bytes(b"u" * 4000).digest

    async def play() -> list[int | None]:
        intake = Intake(Limits(storage=6000))
        room = [await intake.admit_file(store)]
        intake.spend_file(store, digest, 4000)
        room.append(await intake.admit_file(store))
        with pytest.raises(Problem, match="take up 5,000 bytes"):
            await intake.admit_file(store, lambda: 2000)
        say(store, event("artifact", "named", T0, name="b.bin", digest=digest, size=4000, content_type="x/y"))
        intake.forget(store)
        room.append(await intake.admit_file(store))
        return room

    assert asyncio.run(play()) == [5000, 1000, 1000]


def test_nobody_says_that_all_of_anothers_journal_has_come(limited: Callable[..., TeamServer]) -> None:
    server = limited()
    server.make_workspace("test")
    with api(server, "test", server.token("test")) as client:
        assert send(client, "j", message("j", 10)).status_code == 200
        assert client.post("/store/known_journals", json={}).status_code == 404
        jump = pack_batch(Batch("j", 100, 2**62))
        assert send(client, "j", jump).status_code == 422
        assert client.get("/journals/j").json() == {"applied": 100}
