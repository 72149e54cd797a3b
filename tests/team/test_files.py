"""Large files on their way between a client and a server: in parts, straight to the object store where it can be."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from azureml.core import Experiment, Workspace
from milepost.remote import direct
from milepost.remote.answered import checked
from milepost.remote.direct import DirectConnection, Unreachable, check
from milepost.remote.parts import PartsSender
from milepost.remote.store import RemoteStore
from milepost.store.errors import StoreDamaged, StoreUnavailable
from milepost.store.records import ArtifactRecord, SnapshotRecord
from tests.conftest import only_thorough
from tests.store.object_stores import ACCOUNT, KEY, Place, azure_endpoint, new_azure_place, new_s3_place, s3_endpoint
from tests.team.fault_proxy import FaultProxy
from tests.team.servers import TeamServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from azureml.core import Run

__all__ = ["azure_endpoint", "s3_endpoint"]

MIB = 1 << 20
PART = 5 * MIB
BINARY = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def server_with(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], TeamServer]]:
    """``server_with("file" | "s3" | "az")``: a running server whose files are kept there."""
    running: dict[str, TeamServer] = {}

    def find(kind: str) -> TeamServer:
        if kind not in running:
            folder = tmp_path_factory.mktemp(kind)
            place, variables = place_of(kind, folder, request)
            database = f"sqlite:///{folder / 'server.db'}"
            running[kind] = TeamServer(database, place.address, limits={"part": PART}, environment=variables).start()
        return running[kind]

    yield find
    for each in running.values():
        each.close()


def place_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> tuple[Place, dict[str, str]]:
    """An empty place for files, and the variables with which a server reaches it."""
    if kind == "file":
        return Place(str(folder / "blobs")), {}
    if kind == "s3":
        endpoint = request.getfixturevalue("s3_endpoint")
        return new_s3_place(endpoint), s3_variables(endpoint)
    endpoint = request.getfixturevalue("azure_endpoint")
    return new_azure_place(endpoint), {
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_STORAGE_ENDPOINT": endpoint,
        "AZURE_ALLOW_HTTP": "true",
    }


def s3_variables(endpoint: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": endpoint,
        "AWS_ALLOW_HTTP": "true",
    }


class Traffic:
    """What this process sends and fetches of parts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[int] = []
        """The parts that arrived, wherever."""
        self.puts: list[str] = []
        """The addresses that went straight to the object store, ..."""
        self.gets: list[str] = []
        self.after_each: Callable[[], None] = lambda: None
        lock = threading.Lock()
        send, put, get = PartsSender._send_part, DirectConnection.put, DirectConnection.get

        def sending(sender: Any, upload: str, number: int, *more: Any) -> None:
            send(sender, upload, number, *more)
            with lock:
                self.sent.append(number)
                self.after_each()

        def putting(direct: Any, url: str, *more: Any) -> None:
            put(direct, url, *more)
            self.puts.append(url)

        def getting(direct: Any, url: str, *more: Any) -> bytes:
            self.gets.append(url)
            return get(direct, url, *more)

        monkeypatch.setattr(PartsSender, "_send_part", sending)
        monkeypatch.setattr(DirectConnection, "put", putting)
        monkeypatch.setattr(DirectConnection, "get", getting)


@pytest.fixture
def traffic(monkeypatch: pytest.MonkeyPatch) -> Traffic:
    return Traffic(monkeypatch)


def file_of(folder: Path, size: int) -> Path:
    path = folder / "model.bin"
    path.write_bytes(os.urandom(size))
    return path


def start(ws: Workspace) -> Run:
    return Experiment(ws, "exp").start_logging(snapshot_directory=None)


def same(run: Run, path: Path, name: str = "outputs/model.bin") -> bool:
    """Whether what the server gives is that file."""
    got = path.with_suffix(".got")
    run.download_file(name, str(got))
    return got.read_bytes() == path.read_bytes()


def api(server: TeamServer, workspace: str, token: str) -> httpx.Client:
    return httpx.Client(
        base_url=f"{server.url}/workspaces/{workspace}/api/v1",
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=60,
    )


def begun(client: httpx.Client, data: bytes, **more: Any) -> Any:
    body = {"digest": hashlib.sha256(data).hexdigest(), "size": len(data), **more}
    answer = client.post("/uploads", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def finished(client: httpx.Client, upload: str) -> Any:
    """The last line of what is told."""
    return json.loads(client.post(f"/uploads/{upload}/finish").text.splitlines()[-1])


def put_all(client: httpx.Client, plan: Any, data: bytes) -> None:
    """Send all parts, wherever they are to go."""
    size = plan["part_size"]
    numbers = range(1, -(-len(data) // size) + 1)
    urls = {}
    if plan["is_direct"]:
        urls = client.post(f"/uploads/{plan['upload']}/urls", json={"parts": [*numbers]}).json()["urls"]
    for number in numbers:
        part = data[(number - 1) * size : number * size]
        if urls:
            answer = httpx.put(urls[str(number)], content=part, trust_env=False, timeout=60)
        else:
            answer = client.put(f"/uploads/{plan['upload']}/parts/{number}", content=part, headers=BINARY)
        assert answer.status_code in (200, 201, 204), answer.text


# The whole way.


@pytest.mark.parametrize(("kind", "parts"), [pytest.param("file", 9, marks=only_thorough), ("s3", 9), ("az", 3)])
def test_a_large_file_goes_in_parts_and_comes_back(
    server_with: Callable[[str], TeamServer],
    on_server: Callable[..., Workspace],
    traffic: Traffic,
    tmp_path: Path,
    kind: str,
    parts: int,
) -> None:
    server = server_with(kind)
    path = file_of(tmp_path, (parts - 1) * PART + 1)
    run = start(on_server(server, f"large-{kind}"))
    run.upload_file("outputs/model.bin", str(path))
    run.upload_file("outputs/small.txt", io.BytesIO(b"small"))
    run.complete()
    assert sorted(traffic.sent) == [*range(1, parts + 1)]
    # A small one comes with the records, by way of the server; a large one by way of nobody who need not see it.
    assert len(traffic.puts) == (0 if kind == "file" else parts)
    assert same(run, path)
    assert bool(traffic.gets) == (kind != "file")
    assert all(urlsplit(url).port != server.port for url in (*traffic.puts, *traffic.gets))
    # The same content is not sent again.
    again = start(Workspace.get(f"large-{kind}"))
    again.upload_file("outputs/copy.bin", str(path))
    again.complete()
    assert len(traffic.sent) == parts
    assert same(again, path, "outputs/copy.bin")


def test_where_the_object_store_cannot_be_reached_the_server_stands_between(
    server_with: Callable[[str], TeamServer],
    on_server: Callable[..., Workspace],
    traffic: Traffic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: Any) -> None:
        raise Unreachable("there is no way")

    monkeypatch.setattr(DirectConnection, "_request", refused)
    path = file_of(tmp_path, 3 * PART)
    run = start(on_server(server_with("s3"), "between"))
    run.upload_file("outputs/model.bin", str(path))
    run.complete()
    assert (sorted(traffic.sent), traffic.puts) == ([1, 2, 3], [])
    assert same(run, path)


# Whoever is killed.


def test_a_killed_client_goes_on_where_it_was(
    server_with: Callable[[str], TeamServer], on_server: Callable[..., Workspace], traffic: Traffic, tmp_path: Path
) -> None:
    from milepost.cli.delivering import deliver
    from milepost.sdk.workspaces.home import server_workspace

    server, name = server_with("s3"), "killed"
    on_server(server, name)
    path = file_of(tmp_path, 8 * PART)
    command = [sys.executable, "-m", "tests.team.sending_client", name, str(path), "3"]
    root = str(Path(__file__).parents[2])
    variables = {**os.environ, "PYTHONPATH": root}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == -9, done.stderr
    delivery = deliver(server_workspace(server.url, name))
    assert (delivery.error, delivery.left_files) == (None, 0)
    assert 1 <= len(traffic.sent) <= 5
    assert len(set(traffic.sent)) == len(traffic.sent)
    (run,) = Experiment(Workspace.get(name), "exp").get_runs()
    assert same(run, path)


def test_a_killed_server_goes_on_where_it_was(
    on_server: Callable[..., Workspace], traffic: Traffic, tmp_path: Path
) -> None:
    blobs = str(tmp_path / "blobs")
    server = TeamServer(f"sqlite:///{tmp_path / 'own.db'}", blobs, limits={"part": PART}).start()

    def kill_at_third() -> None:
        if len(traffic.sent) == 3:
            server.kill()
            server.start()

    traffic.after_each = kill_at_third
    try:
        path = file_of(tmp_path, 8 * PART)
        ws = on_server(server, "killed")
        run = start(ws)
        run.upload_file("outputs/model.bin", str(path))
        run.flush()
        wait_until_sent(ws)
        assert sorted(traffic.sent) == [*range(1, 9)]
        assert same(run, path)
        run.complete()
    finally:
        server.close()


def wait_until_sent(ws: Workspace) -> None:
    """Until the server has all files, however often it is away."""
    until = time.monotonic() + 120
    while True:
        store = ws._recorder.open_store()
        assert isinstance(store, RemoteStore)
        try:
            store.uploads.wait(60)
        except StoreUnavailable:
            assert time.monotonic() < until
            time.sleep(0.1)
        else:
            return


def test_while_the_object_store_is_down_training_goes_on_and_the_file_arrives_later(
    on_server: Callable[..., Workspace],
    traffic: Traffic,
    tmp_path: Path,
    s3_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from milepost.remote import parts, uploads

    monkeypatch.setattr(parts, "_PAUSE_S", 0.01)
    monkeypatch.setattr(uploads, "_AGAIN_S", (0.1, 0.3))
    down = threading.Event()
    tried = threading.Semaphore(0)

    def fate(method: str, _path: str) -> str:
        if not down.is_set():
            return "pass"
        tried.release()
        return "refuse"

    proxy = FaultProxy(fate)
    proxy.targets = [urlsplit(s3_endpoint).port or 0]
    place = new_s3_place(s3_endpoint)
    database = f"sqlite:///{tmp_path / 'own.db'}"
    server = TeamServer(database, place.address, limits={"part": PART}, environment=s3_variables(proxy.url)).start()
    try:
        path = file_of(tmp_path, 2 * PART)
        ws = on_server(server, "down")
        run = start(ws)
        run.flush()
        down.set()
        run.upload_file("outputs/model.bin", str(path))
        for value in range(100):
            run.log("loss", value)
        for _ in range(3):
            assert tried.acquire(timeout=120)
        assert traffic.sent == []
        assert run.get_metrics() == {"loss": [*range(100)]}
        down.clear()
        wait_until_sent(ws)
        run.complete()
        assert same(run, path)
    finally:
        server.close()
        proxy.close()


# What is not taken.


@pytest.mark.parametrize("kind", ["file", "s3", "az"])
def test_another_content_than_was_announced_gets_no_name(server_with: Callable[[str], TeamServer], kind: str) -> None:
    server = server_with(kind)
    workspace = server.make_workspace(f"wrong-{kind}")
    data = os.urandom(2 * PART)
    with api(server, workspace, server.token(workspace)) as client:
        plan = begun(client, data)
        assert (plan["is_direct"], plan["parts"]) == (kind != "file", [])
        answer = client.post(f"/uploads/{plan['upload']}/finish")
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conflict")
        put_all(client, plan, data[:PART] + b"x" * PART)
        assert begun(client, data) == {**plan, "parts": [1, 2]}
        last = finished(client, plan["upload"])
        assert last["error"]["code"] == "bad_request"
        digest = hashlib.sha256(data).hexdigest()
        assert client.head(f"/blobs/{digest}").status_code == 404
        # The next one begins anew, and is right.
        right = begun(client, data)
        assert (right["parts"], right["upload"] != plan["upload"]) == ([], True)
        put_all(client, right, data)
        assert finished(client, right["upload"]) == {"read": len(data), "stored": True}
        assert begun(client, data)["is_stored"]
        assert client.get(f"/blobs/{digest}").content == data


def test_a_part_that_was_changed_on_its_way_is_refused(server_with: Callable[[str], TeamServer]) -> None:
    server = server_with("file")
    workspace = server.make_workspace("changed")
    data = os.urandom(2 * PART)
    with api(server, workspace, server.token(workspace)) as client:
        part = f"/uploads/{begun(client, data)['upload']}/parts/1"
        said = base64.b64encode(hashlib.sha256(data[:PART]).digest()).decode()
        headers = {**BINARY, "Content-Digest": f"sha-256=:{said}:"}
        assert client.put(part, content=b"x" + data[1:PART], headers=headers).status_code == 400
        assert client.put(part, content=data[: PART - 1], headers=BINARY).status_code == 400
        assert client.put(part, content=data[: PART + 1], headers=BINARY).status_code == 413
        assert begun(client, data)["parts"] == []
        assert client.put(part, content=data[:PART], headers=headers).status_code == 204
        assert begun(client, data)["parts"] == [1]


@pytest.mark.parametrize("kind", ["file", "s3"])
def test_an_upload_is_of_use_in_its_workspace_alone_and_tells_others_nothing(
    server_with: Callable[[str], TeamServer], kind: str
) -> None:
    server = server_with(kind)
    mine, other = server.make_workspace(f"mine-{kind}"), server.make_workspace(f"other-{kind}")
    data = os.urandom(PART + 1)
    with api(server, mine, server.token(mine)) as client, api(server, other, server.token(other)) as stranger:
        plan = begun(client, data)
        upload = plan["upload"]
        refused = [
            stranger.post(f"/uploads/{upload}/urls", json={"parts": [1]}),
            stranger.put(f"/uploads/{upload}/parts/1", content=data[:PART], headers=BINARY),
            stranger.post(f"/uploads/{upload}/finish"),
            client.post("/uploads/..%2F..%2Fx/finish"),
            client.post(f"/uploads/{upload[:-1]}0x/finish"),
        ]
        assert [answer.status_code for answer in refused] == [404] * 5
        put_all(client, plan, data)
        assert finished(client, upload)["stored"]
        there = begun(stranger, data)
        assert (there["is_stored"], there["parts"], there["upload"] != upload) == (False, [], True)


def test_what_is_on_its_way_counts_as_stored(server_with: Callable[[str], TeamServer]) -> None:
    server = server_with("file")
    workspace = server.make_workspace("limited")
    limits = f"{server.url}/api/v1/workspaces/{workspace}/limits"
    admin = {"Authorization": f"Bearer {server.token(is_admin=True)}"}
    assert httpx.put(limits, json={"storage": 20 * MIB}, headers=admin, trust_env=False).status_code == 200
    with api(server, workspace, server.token(workspace)) as client:
        first = {"digest": "1" * 64, "size": 15 * MIB}
        assert client.post("/uploads", json=first).status_code == 200
        assert client.post("/uploads", json=first).status_code == 200
        refused = client.post("/uploads", json={"digest": "2" * 64, "size": 10 * MIB})
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "busy")
        assert "Retry-After" in refused.headers
        assert client.post("/uploads", json={"digest": "2" * 64, "size": 2 << 40}).status_code == 413


def test_with_a_workspace_go_its_unfinished_uploads(server_with: Callable[[str], TeamServer]) -> None:
    server = server_with("file")
    workspace = server.make_workspace("doomed")
    data = os.urandom(PART + 1)
    with api(server, workspace, server.token(workspace, "owner")) as client:
        upload = begun(client, data)["upload"]
        client.put(f"/uploads/{upload}/parts/2", content=data[PART:], headers=BINARY)
        digest, _, rest = upload.partition("-")
        (folder,) = Path(server.blobs_url).glob(f"*/uploads/{digest}/{rest}")
        assert (folder / "2").exists()
        assert client.delete("/workspace").status_code == 204
        assert not folder.exists()


# Memory.


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc here")
@pytest.mark.parametrize(("kind", "large"), [("file", 96 * MIB), pytest.param("s3", 64 * MIB, marks=only_thorough)])
def test_the_memory_of_the_server_does_not_grow_with_the_file(
    server_with: Callable[[str], TeamServer], on_server: Callable[..., Workspace], tmp_path: Path, kind: str, large: int
) -> None:
    server = server_with(kind)
    ws = on_server(server, f"memory-{kind}")
    run = start(ws)
    for size in (4 * PART, large):  # the first one brings in what has to be there once
        before = peak(server)
        path = file_of(tmp_path, size)
        run.upload_file(f"outputs/{size}.bin", str(path))
        run.flush()
        wait_until_sent(ws)
    assert peak(server) - before < large // 2
    run.complete()


def peak(server: TeamServer) -> int:
    """The most bytes of memory that its process ever had."""
    assert server.process is not None
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


# Addresses that a server gives.


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("https://bucket.s3.amazonaws.com/x?sig=1", "https://milepost.example"),
        ("https://files.example:9000/x", "http://milepost.example"),
        ("http://files.example/x", "http://milepost.example"),
        ("http://127.0.0.1:9000/x", "http://127.0.0.1:8800"),
        ("http://10.0.0.5:9000/x", "http://localhost:8800"),
        ("https://[fd00::1]/x", "https://10.1.2.3"),
    ],
)
def test_addresses_that_are_followed(url: str, server: str) -> None:
    check(url, server)


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("http://files.example/x", "https://milepost.example"),
        ("file:///etc/passwd", "http://milepost.example"),
        ("ftp://files.example/x", "https://milepost.example"),
        ("https://127.0.0.1/x", "https://milepost.example"),
        ("https://127.1/x", "https://milepost.example"),
        ("https://2130706433/x", "https://milepost.example"),
        ("https://0x7f000001/x", "https://milepost.example"),
        ("https://127.0x0.0.1/x", "https://milepost.example"),
        ("https://169.0xfe.169.254/x", "https://milepost.example"),
        ("http://2852039166/x", "http://127.0.0.1:8800"),
        ("http://0xa9fea9fe/x", "http://10.1.2.3"),
        ("http://0251.254.169.254/x", "http://10.1.2.3"),
        ("https://[64:ff9b::a9fe:a9fe]/x", "https://milepost.example"),
        ("https://[2002:7f00:1::]/x", "https://milepost.example"),
        ("https://localhost/x", "https://milepost.example"),
        ("https://a.localhost./x", "https://milepost.example"),
        ("https://10.0.0.5/x", "https://milepost.example"),
        ("https://[::1]/x", "https://milepost.example"),
        ("https://[::ffff:10.0.0.5]/x", "https://milepost.example"),
        ("http://169.254.169.254/latest", "http://milepost.example"),
        ("http://169.254.169.254/latest", "http://127.0.0.1:8800"),
        ("http://[fe80::1]/x", "http://127.0.0.1:8800"),
        ("https://user:secret@files.example/x", "https://milepost.example"),
        ("https://files.example:x/", "https://milepost.example"),
        ("https:///x", "https://milepost.example"),
        ("//files.example/x", "https://milepost.example"),
        ("", "https://milepost.example"),
    ],
)
def test_addresses_that_are_not_followed(url: str, server: str) -> None:
    with pytest.raises(Unreachable):
        check(url, server)


def test_where_a_name_leads_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"files.example": "10.0.0.5", "milepost.example": "93.184.215.14", "milepost.corp": "10.0.0.9"}
    places["link.example"] = "169.254.169.254"
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_more, **_: [(0, 0, 0, "", (places[host], 0))])
    direct._looked_up.cache_clear()
    check("https://files.example/x", "https://milepost.corp")
    for url, server in (("files", "milepost.example"), ("link", "milepost.example"), ("link", "milepost.corp")):
        with pytest.raises(Unreachable):
            check(f"https://{url}.example/x", f"https://{server}")
    direct._looked_up.cache_clear()


@pytest.mark.parametrize(
    "record",
    [
        ArtifactRecord("r", "../x.txt", "0" * 64, 1, "text/plain", 0, False),
        ArtifactRecord("r", "/etc/x.txt", "0" * 64, 1, "text/plain", 0, False),
        SnapshotRecord("../../x", "0" * 64, 1, 1, 0),
    ],
)
def test_a_server_that_answers_with_names_that_lead_elsewhere_is_not_believed(record: Any) -> None:
    for found in (record, [record]):
        with pytest.raises(StoreDamaged, match="what cannot be"):
            checked(found)


def test_a_downloaded_file_is_called_as_it_was_asked_for(
    server_with: Callable[[str], TeamServer],
    on_server: Callable[..., Workspace],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = start(on_server(server_with("file"), "hostile"))
    run.upload_file("outputs/x.txt", io.BytesIO(b"of the run"))
    run.complete()
    asked = RemoteStore.artifact
    monkeypatch.setattr(
        RemoteStore,
        "artifact",
        lambda self, run_id, name: replace(asked(self, run_id, "outputs/x.txt"), name="x/train.py"),
    )
    monkeypatch.chdir(tmp_path)
    run.download_file("outputs/x.txt")
    assert (tmp_path / "x.txt").exists()
    assert not (tmp_path / "train.py").exists()
