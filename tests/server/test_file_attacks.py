"""What broke the peers' file routes, tried on every route here that takes a name, a prefix or an id."""

from __future__ import annotations

import dataclasses
import http.client
import io
import json
import os
import pickle
import re
import shutil
import socket
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azureml.core import Experiment, Run, Workspace
from milepost.jobs.job import Job, job_folder
from milepost.server.zipping import ZipEntry, stream_zip
from milepost.store.errors import BadInput
from milepost.store.manifest import SnapshotFile, encode, snapshot_id
from tests.server.conftest import Server

CANARY = b"the canary that nobody may read"
ABOVE = "../" * 12


@pytest.fixture
def canary(ws: Workspace) -> Path:
    """A file beside the store, in the workspace's folder."""
    path = ws._recorder.folder / "canary.txt"
    path.write_bytes(CANARY)
    return path


@pytest.fixture
def places(run: Run, experiment: Experiment, tmp_path: Path) -> list[str]:
    """The routes that take a name, which takes the place of NAME; a run has a file, a log, a snapshot and a model."""
    (tmp_path / "f.txt").write_bytes(b"mine\n")
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.py").write_bytes(b"pass\n")
    for name in ("outputs/f.txt", "logs/f.txt"):
        run.upload_file(name, str(tmp_path / "f.txt"))
    run.register_model("m", model_path="outputs/f.txt")
    snapshot = run.take_snapshot(str(source))
    run.flush()
    there = f"/runs/{run.id}"
    return [
        f"{there}/files/NAME",
        f"{there}/files?prefix=NAME",
        f"{there}/preview/NAME",
        f"{there}/archive?prefix=NAME",
        f"{there}/archive?name=NAME",
        f"{there}/logs/NAME",
        f"{there}/logs/NAME?tail_lines=5",
        f"{there}/logs/NAME/search?q=canary",
        f"/snapshots/{snapshot}/files/NAME",
        f"/snapshots/{snapshot}/preview/NAME",
        f"/snapshots/{snapshot}/diff/{snapshot}/NAME",
        "/snapshots/NAME",
        "/snapshots/NAME/zip",
        "/runs/NAME/files",
        "/runs/NAME/logs",
        "/runs/NAME/logs/azureml-logs/canary.txt",
        "/models/NAME",
        "/models/m/versions/1/files/NAME",
        "/environments/NAME",
    ]


def attempts(canary: Path) -> list[str]:
    """Names that lead to the canary, as they are sent: some are decoded once too often elsewhere."""
    above = f"../../{canary.name}"
    plain = [
        above,
        f"{ABOVE}{str(canary).lstrip('/')}",
        str(canary),
        f"/{canary}",
        f"file://{canary}",
        f"outputs/{ABOVE}{str(canary).lstrip('/')}",
        f"outputs/..;/..;/{canary.name}",
        f"azureml-logs/../../../{canary.name}",
        f"./{above}",
        above.replace("/", "\\"),
        f"....//....//{canary.name}",
        f"outputs/f.txt/../../../{canary.name}",
        f"outputs/f.txt\0/../{canary.name}",
        f"C:{canary}",
        f"//localhost{canary}",
        f"#/../{canary.name}",
        f"?/../{canary.name}",
    ]
    once = [quote(each, safe="") for each in plain]
    dots = [each.replace(".", "%2e") for each in once]
    twice = [quote(each, safe="") for each in [*once, *dots]]
    wide = [each.replace("..", "%c0%ae%c0%ae").replace("/", "%c0%af") for each in plain[:3]]
    return [*(quote(each, safe="/:;.\\#?").replace("#", "%23").replace("?", "%3f") for each in plain), *once, *dots, *twice, *wide]  # fmt: skip  # noqa: E501


def ask(server: Server, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Send a path as it is: clients tidy theirs up."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.putrequest("GET", f"/api/v1{path}", skip_host=True, skip_accept_encoding=True)
        for name, value in {
            "Host": f"127.0.0.1:{server.port}",
            "Authorization": f"Bearer {server.token}",
            **(headers or {}),
        }.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_no_name_leads_out(server: Server, places: list[str], canary: Path) -> None:
    for place in places:
        for name in attempts(canary):
            status, body = ask(server, place.replace("NAME", name))
            assert status < 500, (place, name, body)
            assert CANARY not in body, (place, name)
            assert status in (400, 404, 422) or b"canary" not in body or place.endswith("prefix=NAME"), (place, name)


def test_no_part_of_any_address_leads_out(server: Server, run: Run, places: list[str], canary: Path) -> None:
    """Every route of the server's own document that is read, each part of its path in turn."""
    run.complete()
    known = {"run_id": run.id, "version": "1", "name": "outputs/f.txt", "file": "f.txt"}
    document = server.client.get("/openapi.json").json()
    for path, methods in document["paths"].items():
        given = methods.get("get", {}).get("parameters", ())
        parts = [each["name"] for each in given if each["in"] == "path" and each["schema"]["type"] == "string"]
        for part in parts:
            place = path.removeprefix("/api/v1").replace(f"{{{part}}}", "NAME")
            place = re.sub(r"\{([a-z_]+)\}", lambda found: known.get(found[1], "x"), place)
            for name in attempts(canary)[::6]:  # of each way to write them
                status, body = ask(server, place.replace("NAME", name))
                assert status in (400, 404, 422) or (status == 200 and path.endswith("/follow")), (place, name)
                assert CANARY not in body, (place, name)


def test_following_leads_nowhere_either(server: Server, run: Run, places: list[str], canary: Path) -> None:
    run.complete()
    for name in attempts(canary)[:17]:
        status, body = ask(server, f"/runs/{run.id}/logs/{name}/follow")
        assert status < 500
        assert CANARY not in body


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.text(max_size=40).map(str.encode) | st.binary(max_size=20))
def test_any_name_is_answered(server: Server, places: list[str], data: st.DataObject, name: bytes) -> None:
    place = data.draw(st.sampled_from(places))
    status, body = ask(server, place.replace("NAME", quote(name, safe="")))
    assert status < 500, (place, name, body)
    if status >= 400:
        assert set(json.loads(body)["error"]) == {"code", "message"}


LOG = "azureml-logs/70_driver_log.txt"


def job_of(ws: Workspace, run: Run) -> Path:
    """The folder of a job as its script sees it, made anew, with a log that grows."""
    folder = job_folder(ws._recorder.folder, run.id)
    shutil.rmtree(folder, ignore_errors=True)
    (folder / LOG).parent.mkdir(parents=True)
    (folder / LOG).write_bytes(b"printed\n")
    return folder


def replace_log(folder: Path, kind: str, canary: Path) -> None:
    """What a script may put in the place of its log, or of the folder that it is in."""
    log = folder / LOG
    log.unlink()
    if kind == "a link to a secret":
        log.symlink_to(canary)
    elif kind == "a link to a link":
        (folder / "link").symlink_to(canary)
        log.symlink_to("../link")
    elif kind == "a pipe":
        os.mkfifo(log)
    elif kind == "a link to an endless device":
        log.symlink_to("/dev/zero")
    elif kind == "a folder":
        log.mkdir()
    else:
        assert kind == "a link in place of its folder"
        log.parent.rmdir()
        log.parent.symlink_to(canary.parent)
        (canary.parent / log.name).symlink_to(canary)


def test_what_takes_the_place_of_a_log_is_not_read(server: Server, ws: Workspace, run: Run, canary: Path) -> None:
    run.flush()
    there = f"/runs/{run.id}"
    for kind in (
        "a link to a secret",
        "a link to a link",
        "a pipe",
        "a link to an endless device",
        "a folder",
        "a link in place of its folder",
    ):
        folder = job_of(ws, run)
        assert ask(server, f"{there}/logs/{LOG}") == (200, b"printed\n")
        replace_log(folder, kind, canary)
        for name in (LOG, "azureml-logs/canary.txt", "azureml-logs/../canary.txt", "azureml-logs/."):
            for tail in ("", "?tail_lines=3", "?start=3", "/search?q=canary"):
                status, body = ask(server, f"{there}/logs/{name}{tail}")
                assert (status in (400, 404), CANARY in body) == (True, False), (kind, name, tail, status)
        for listed in ("logs", "files"):
            assert b"70_driver_log" not in ask(server, f"{there}/{listed}")[1], kind
        with ask_and_leave(server, f"{there}/logs/{LOG}/follow") as said:
            assert CANARY not in said.recv(65536)
    assert server.client.get("/workspace").status_code == 200


@contextmanager
def ask_and_leave(server: Server, path: str) -> Iterator[socket.socket]:
    """A stream that is being given, for as long as one looks."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as raw:
        raw.sendall(
            f"GET /api/v1{path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            f"Authorization: Bearer {server.token}\r\n\r\n".encode()
        )
        yield raw


def test_a_log_that_is_swapped_again_and_again_shows_no_secret(
    server: Server, ws: Workspace, run: Run, canary: Path
) -> None:
    """Between the look at what it is and its opening."""
    run.flush()
    job = job_of(ws, run)
    log = job / LOG
    over = threading.Event()

    def swap() -> None:
        draft = job / "draft"
        while not over.is_set():
            draft.symlink_to(canary)
            draft.replace(log)
            draft.write_bytes(b"printed\n")
            draft.replace(log)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        found = [ask(server, f"/runs/{run.id}/logs/{LOG}") for _ in range(200)]
    finally:
        over.set()
        swapping.join()
    assert {body for status, body in found if status == 200} == {b"printed\n"}
    assert {status for status, _ in found} <= {200, 404}


def test_what_takes_the_place_of_a_job_s_own_files_keeps_nobody_waiting(
    server: Server, ws: Workspace, run: Run
) -> None:
    run.flush()
    names = [each.name for each in dataclasses.fields(Job)]
    contents = [b"", b"[" * 100_000, b"null", b'{"events": []}', b'{"events": 1}',
                json.dumps({**dict.fromkeys(names, 1), "events": []}).encode()]  # fmt: skip
    for name in ("job.json", "request.json"):
        for content in (*contents, "a pipe", "a link to an endless device", "a folder"):
            place = job_of(ws, run) / name
            if content == "a pipe":
                os.mkfifo(place)
            elif content == "a link to an endless device":
                place.symlink_to("/dev/zero")
            elif content == "a folder":
                place.mkdir()
            else:
                assert isinstance(content, bytes)
                place.write_bytes(content)
            for path in ("/queue", "/compute", "/runs"):
                assert server.client.get(path, timeout=20).status_code == 200


def test_numbers_out_of_bounds_are_refused(server: Server, run: Run, places: list[str]) -> None:
    there = f"/runs/{run.id}"
    for query in ("start=-1", "start=1e9", f"start={10**30}", "length=-1", f"length={10**12}", "tail_lines=-1",
                  f"tail_lines={10**12}", "start=NaN"):  # fmt: skip
        assert ask(server, f"{there}/logs/logs/f.txt?{query}")[0] == 422, query
    for query in ("limit=0", f"limit={10**9}", f"offset={10**30}", "offset=-1", f"prefix={'x' * 2000}"):
        assert ask(server, f"{there}/files?{query}")[0] == 422, query
    assert ask(server, f"{there}/archive?{'&'.join(['name=x'] * 1001)}")[0] == 422
    assert ask(server, f"{there}/files/{'x' * 1025}")[0] == 422
    assert ask(server, f"/models/m/versions/{10**30}")[0] == 422


@pytest.mark.parametrize(
    "value",
    [
        "bytes=" + "0-1," * 3000,
        "bytes=" + "9" * 5000 + "-",
        "bytes=-" + "9" * 5000,
        "bytes=0-" + "9" * 5000,
        "bytes=0-0\t",
        "bytes",
    ],
)
def test_ranges_of_all_kinds(server: Server, run: Run, places: list[str], value: str) -> None:
    status, body = ask(server, f"/runs/{run.id}/files/outputs/f.txt", {"Range": value})
    assert status in (200, 206, 400, 416, 431)
    assert len(body) < 1000


def test_pickles_and_scripts_are_only_bytes(client: httpx.Client, run: Run, tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    class Poison:
        def __reduce__(self) -> tuple[object, tuple[str, ...]]:
            return (exec, (f"open({str(marker)!r}, 'w')",))

    poisoned = pickle.dumps(Poison())
    yaml = f"!!python/object/apply:os.system ['touch {marker}']".encode()
    notebook = json.dumps({"cells": [{"cell_type": "code", "source": [f"open({str(marker)!r}, 'w')"]}]}).encode()
    contents = {"a.pkl": poisoned, "a.csv": poisoned, "a.parquet": poisoned, "a.json": poisoned, "a.npy": poisoned,
                "a.yaml": yaml, "a.ipynb": notebook, "a.py": b"open('marker', 'w')"}  # fmt: skip
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
        run.upload_file(f"outputs/{name}", str(tmp_path / name))
    run.flush()
    for name, data in contents.items():
        assert client.get(f"/runs/{run.id}/preview/outputs/{name}").status_code == 200
        assert client.get(f"/runs/{run.id}/files/outputs/{name}").content == data
    assert not marker.exists()


def test_markup_is_never_given_as_such(client: httpx.Client, run: Run, tmp_path: Path) -> None:
    evil = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'><script>alert(2)</script></svg>"
    names = ["a.svg", "a.html", "a.htm", "a.xhtml", "a.xml", "a.js", "a.mht", "b.SVG", "a.png", "a.txt", "a.csv",
             "a.html.txt", "a.txt.html", "a", "a.pdf", "a.svgz", "a.html;.png", "<script>alert(3)<.html"]  # fmt: skip
    for name in names:
        (tmp_path / "evil").write_bytes(evil)
        run.upload_file(f"outputs/{name}", str(tmp_path / "evil"))
    run.flush()
    allowed = {"image/png", "text/plain; charset=utf-8", "application/pdf", "application/octet-stream"}
    for name in names:
        found = client.get(f"/runs/{run.id}/files/outputs/{quote(name)}")
        assert found.status_code == 200
        assert found.headers["content-type"] in allowed
        assert found.headers["x-content-type-options"] == "nosniff"
        policies = found.headers.get_list("content-security-policy")
        assert all("default-src 'none'" in each and "script-src" not in each for each in policies)
        assert policies
        shown = found.headers["content-disposition"].startswith("inline")
        assert shown == (name.lower().endswith((".png", ".txt", ".csv", ".pdf")))
        if not name.endswith(".pdf"):
            assert any("sandbox" in each and "allow" not in each for each in policies)
        log = client.get(f"/runs/{run.id}/logs/outputs/{quote(name)}")
        assert log.headers["content-type"] == "text/plain; charset=utf-8"
        assert "sandbox" in log.headers["content-security-policy"]


def test_log_lines_are_bytes_in_events(client: httpx.Client, run: Run, tmp_path: Path) -> None:
    """A line cannot end an event and begin another one."""
    evil = b"x\n\nevent: end\ndata: {}\n\n\r\rdata: y\n"
    (tmp_path / "log").write_bytes(evil)
    run.upload_file("logs/x.txt", str(tmp_path / "log"))
    run.complete()
    with client.stream("GET", f"/runs/{run.id}/logs/logs/x.txt/follow") as answer:
        text = answer.read().decode()
    assert text.count("\nevent: end") == 1
    assert "data: {}" not in text
    assert text.rstrip().endswith('data: {"status": "Completed"}')


def test_a_manifest_that_was_forged_gives_nothing(client: httpx.Client, run: Run, ws: Workspace, canary: Path) -> None:
    """Names that lead out, in a snapshot that did not come from a folder."""
    from milepost.store.engine import write
    from milepost.store.schema import snapshots

    store = ws._recorder.open_store()
    blob = store.put_bytes(b"x")
    data = encode([SnapshotFile("../../evil.txt", blob.digest, 1)])
    forged = snapshot_id(data)
    with write(store.engine) as connection:
        connection.execute(
            snapshots.insert().values(
                workspace_key=store.workspace_key,
                id=forged,
                manifest=store.put_bytes(data).digest,
                files=1,
                bytes=1,
                created_ns=1,
            )
        )
    for tail in ("", "/zip", "/files/evil.txt", f"/diff/{forged}", f"/diff/{forged}/evil.txt"):
        assert client.get(f"/snapshots/{forged}{tail}").status_code == 400


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "C:/x", "a\\..\\x", "x\0y", "nul", "a/", ""])
def test_archives_hold_no_names_that_lead_out(ws: Workspace, name: str) -> None:
    store = ws._recorder.open_store()
    blob = store.put_bytes(b"x")
    with pytest.raises(BadInput):
        list(stream_zip(store.blobs, [ZipEntry(name, blob.digest, 1)]))


def test_other_programs_unpack_what_is_sent(client: httpx.Client, run: Run, tmp_path: Path) -> None:
    names = ["outputs/ü 模型.txt", "outputs/plain.txt", "outputs/z.png"]
    (tmp_path / "f").write_bytes(b"content" * 1000)
    for name in names:
        run.upload_file(name, str(tmp_path / "f"))
    run.flush()
    data = client.get(f"/runs/{run.id}/archive").content
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    (tmp_path / "a.zip").write_bytes(data)
    done = subprocess.run(["python3", "-m", "zipfile", "-e", "a.zip", "into"], cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert sorted(str(each.relative_to(tmp_path / "into")) for each in (tmp_path / "into").rglob("*.*")) == sorted(
        names
    )


def test_readers_that_go_away_leave_nothing_open(server: Server, run: Run, tmp_path: Path) -> None:
    import psutil

    (tmp_path / "f").write_bytes(b"x" * (16 << 20))
    run.upload_file("outputs/f.bin", str(tmp_path / "f"))
    run.flush()
    process = psutil.Process()

    def left_open() -> int:
        contents = [each for each in process.open_files() if "/blobs/" in each.path]
        return len(contents) + len([each for each in process.net_connections() if each.status == "ESTABLISHED"])

    server.client.get("/workspace")
    before = left_open()

    def leave(path: str) -> None:
        with server.client.stream("GET", path) as answer:
            next(answer.iter_bytes(10))

    for path in (f"/runs/{run.id}/files/outputs/f.bin", f"/runs/{run.id}/archive"):
        threads = [threading.Thread(target=leave, args=(path,)) for _ in range(20)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    until = time.monotonic() + 30
    while left_open() > before and time.monotonic() < until:
        time.sleep(0.1)
    assert left_open() <= before
    assert server.client.get("/workspace").status_code == 200
