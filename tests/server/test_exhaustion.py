"""What is sent or recorded to wear the server out: it stays small, and answers others meanwhile."""

from __future__ import annotations

import gzip
import io
import json
import select
import socket
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from azureml.core import Experiment, Run, Workspace
from milepost.server.previews import preview_of_text
from tests.server.conftest import API, Server, serving

SLOW_S = 1.5
"""How long the servers of these tests wait for a request."""


@pytest.fixture
def impatient(ws: Workspace) -> Iterator[Server]:
    """A server that does not wait long."""
    with serving(ws._recorder.folder, head_s=SLOW_S, body_s=SLOW_S) as running:
        yield running


def connected(server: Server, sent: bytes = b"") -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", server.port), timeout=30)
    raw.sendall(sent)
    return raw


def head(server: Server, first: str, *lines: str) -> bytes:
    own = (f"Host: 127.0.0.1:{server.port}", f"Authorization: Bearer {server.token}")
    return "\r\n".join([first, *own, *lines, "", ""]).encode()


def is_cut(raw: socket.socket, piece: bytes, pause_s: float = 0.0) -> bool:
    """Whether the other side closes the connection while the same piece is sent again and again."""
    until = time.monotonic() + 30
    try:
        while time.monotonic() < until:
            raw.sendall(piece)
            time.sleep(pause_s)
    except (ConnectionError, TimeoutError):
        return True
    return False


def is_closed(raw: socket.socket) -> bool:
    """Whether the other side has closed the connection; waits until it does."""
    try:
        while raw.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except TimeoutError:
        return False
    return True


# -- connections -------------------------------------------------------------------------------------------------------


def test_many_that_say_nothing_keep_nobody_out(impatient: Server) -> None:
    with ExitStack() as stack:
        silent = [stack.enter_context(connected(impatient)) for _ in range(500)]
        assert impatient.client.get("/workspace").status_code == 200
        assert all(map(is_closed, silent))
    assert impatient.client.get("/workspace").status_code == 200


def test_one_that_never_ends_its_head_is_closed(impatient: Server) -> None:
    with connected(impatient, f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{impatient.port}\r\nX: ".encode()) as raw:
        assert is_cut(raw, b"a", pause_s=0.05)
    again = head(impatient, f"GET {API}/workspace HTTP/1.1")
    with connected(impatient, again) as raw:
        assert raw.recv(100).startswith(b"HTTP/1.1 200")
        raw.sendall(b"GET /")  # the second request of a connection is waited for no longer than the first
        assert is_closed(raw)


def test_a_head_without_bound_is_refused(server: Server) -> None:
    with connected(server, b"GET / HTTP/1.1\r\n") as raw:
        assert is_cut(raw, b"X: " + b"a" * 8000 + b"\r\n")


def test_a_new_connection_takes_the_place_of_the_one_that_waited_longest(ws: Workspace) -> None:
    with serving(ws._recorder.folder, max_connections=20) as server, ExitStack() as stack:
        silent = [stack.enter_context(connected(server)) for _ in range(60)]
        assert server.client.get("/workspace").status_code == 200
        assert is_closed(silent[0])
        silent[-1].sendall(head(server, f"GET {API}/workspace HTTP/1.1"))
        assert silent[-1].recv(100).startswith(b"HTTP/1.1 200")


# -- bodies ------------------------------------------------------------------------------------------------------------


def test_a_body_that_does_not_come_is_not_waited_for(impatient: Server) -> None:
    lines = ("Content-Type: application/json", "Content-Length: 100")
    with connected(impatient, head(impatient, f"POST {API}/compare HTTP/1.1", *lines)) as raw:
        assert raw.recv(1000).startswith(b"HTTP/1.1 408")


def test_bodies_together_have_a_bound(ws: Workspace) -> None:
    with serving(ws._recorder.folder, max_held_bytes=1 << 20) as server, ExitStack() as stack:
        begun = head(server, f"POST {API}/compare HTTP/1.1", "Content-Type: application/json", "Content-Length: 600000")
        both = [stack.enter_context(connected(server, begun + b" " * 590_000)) for _ in range(2)]
        refused = select.select(both, [], [], 30)[0]
        assert [raw.recv(1000)[:12] for raw in refused] == [b"HTTP/1.1 503"]
        (other,) = set(both) - set(refused)
        other.sendall(b" " * 9_998 + b"{}")
        assert other.recv(1000).startswith(b"HTTP/1.1 422")
        for _ in range(3):  # and what was held is let go
            whole = server.client.post("/compare", content=b" " * 900_000, headers={"Content-Type": "application/json"})
            assert whole.status_code == 422


def test_what_was_cut_off_amid_its_body_is_not_done(server: Server, run: Run) -> None:
    run.complete()
    body = f'{{"run_ids": ["{run.id}"], "action": "delete"}}'.encode()
    lines = ("Content-Type: application/json", f"Content-Length: {len(body) + 1}")
    connected(server, head(server, f"POST {API}/runs/actions HTTP/1.1", *lines) + body).close()
    assert server.client.get(f"/runs/{run.id}").status_code == 200


def test_a_body_that_is_compressed_is_not_unpacked(server: Server) -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    assert len(bomb) < 1 << 17
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = server.client.post("/compare", content=bomb, headers=headers)
    assert answer.status_code in (400, 415, 422)


# -- what was recorded -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b",".join([b"a"] * 500) + b"\n" + b"a\n" * 127_000,
        b"a\n" * 127_000 + b",".join([b"a"] * 500),
        b"," * 260_000,
        b";\n" * 130_000,
        b'"a",' * 65_000,
    ],
    ids=["one wide row", "a wide row at the end", "columns", "empty rows", "quotes"],
)
def test_a_short_table_with_very_many_cells(data: bytes) -> None:
    tracemalloc.start()
    try:
        found = preview_of_text("x.csv", data, len(data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.kind in ("table", "text")
    assert peak < 30 << 20
    assert len(found.rows) <= 200
    assert len(found.columns) <= 500


def test_what_is_small_until_it_is_unpacked_is_never_unpacked(
    client: httpx.Client, experiment: Experiment, tmp_path: Path
) -> None:
    """Bombs in a snapshot and among the files of a run: they are bytes, and given as such."""
    source = tmp_path / "source"
    source.mkdir()
    zeros = bytes(64 << 20)
    with zipfile.ZipFile(source / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", zeros)
    (source / "bomb.csv.gz").write_bytes(gzip.compress(zeros))
    (source / "bomb.npz").write_bytes((source / "bomb.zip").read_bytes())
    (source / "bomb.xlsx").write_bytes((source / "bomb.zip").read_bytes())
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    (source / "laughs.xml").write_text(f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><x>&l11;</x>')
    (source / "laughs.yaml").write_text(
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]\n" for n in range(1, 12))
    )
    (source / "wide.png").write_bytes(_png(30_000, 30_000))
    names = sorted(each.name for each in source.iterdir())
    run = experiment.start_logging(snapshot_directory=str(source))
    for name in names:
        run.upload_file(f"outputs/{name}", str(source / name))
    run.complete()
    snapshot = run._recorder.open_store().snapshots(run.id)[0].id
    tracemalloc.start()
    try:
        whole = client.get(f"/snapshots/{snapshot}/zip").content
        for there in (f"/snapshots/{snapshot}", f"/runs/{run.id}"):
            prefix = "" if "snapshots" in there else "outputs/"
            for name in names:
                assert len(client.get(f"{there}/preview/{prefix}{name}").raise_for_status().content) < 100_000
                assert client.get(f"{there}/files/{prefix}{name}").content == (source / name).read_bytes()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20
    assert len(whole) < 2 << 20
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert {each.filename: each.file_size for each in archive.infolist()} == {
            name: (source / name).stat().st_size for name in names
        }
    with zipfile.ZipFile(run.restore_snapshot(path=str(tmp_path / "back"))) as archive:
        assert sorted(archive.namelist()) == names


def _png(width: int, height: int) -> bytes:
    """An image of one colour: few bytes, and a gigabyte of pixels."""

    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = part(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = part(b"IDAT", zlib.compress(bytes((1 + width // 8) * height)))
    return b"\x89PNG\r\n\x1a\n" + head + rows + part(b"IEND", b"")


def test_a_run_with_very_many_tags_and_properties(client: httpx.Client, run: Run) -> None:
    run.set_tags({f"tag {number:04d}": "x" * 30_000 if number < 60 else "x" for number in range(1200)})
    run.add_properties({f"property {number:04d}": "x" for number in range(1100)})
    run.complete()
    answer = client.get("/runs")
    (row,) = answer.json()["runs"]
    assert list(row["tags"]) == [f"tag {number:04d}" for number in range(50)]
    assert len(answer.content) < 200_000
    detail = client.get(f"/runs/{run.id}").json()
    assert (len(detail["tags"]), len(detail["properties"])) == (1000, 1000)
    assert detail["left_out"] == {"tags": 200, "properties": 100}
    assert max(map(len, detail["tags"].values())) == 20_000
    assert run.get_tags()["tag 0000"] == "x" * 30_000  # nothing is lost
    assert client.get("/runs/csv", params={"columns": "tags.tag 1199"}).text.rstrip().endswith(",x")


def test_facts_of_a_run_that_are_too_long(client: httpx.Client, run: Run, ws: Workspace) -> None:
    ws._recorder.writer.event("document", run.id, {"name": "machine", "content": {"x": "x" * (3 << 20)}})
    ws._recorder.writer.event("document", run.id, {"name": "definition", "content": {"script": "train.py"}})
    run.fail("why " * 100_000)
    detail = client.get(f"/runs/{run.id}").json()
    assert (detail["machine"], detail["definition"]) == (None, {"script": "train.py"})
    assert detail["documents"] == ["definition", "machine"]
    assert len(json.dumps(detail)) < 100_000


def test_runs_with_very_many_metrics_are_compared_by_the_first(client: httpx.Client, experiment: Experiment) -> None:
    runs = [experiment.start_logging(snapshot_directory=None) for _ in range(2)]
    for place, run in enumerate(runs):
        run.log("mine", place)
        for number in range(5100):
            run.log(f"metric {number:04d}", place)
        run.complete()
    found = client.post("/compare", json={"run_ids": [run.id for run in runs]}).json()
    told = [each["name"] for each in found["differences"]["metrics"]]
    assert told[0] == "mine"
    assert len(told) == 2000
    assert found["left_out"] == 5101 - 2000
    assert client.get(f"/runs/{runs[0].id}/images").json() == []


def test_a_table_with_very_many_columns(client: httpx.Client, run: Run) -> None:
    run.log_row("wide", **{f"c{number}": number for number in range(700)})
    run.complete()
    table = client.get(f"/runs/{run.id}/tables/wide").json()
    assert (len(table["columns"]), len(table["rows"][0]), table["columns_total"]) == (500, 500, 700)
    (metric,) = client.get(f"/runs/{run.id}/metrics").json()["metrics"]
    assert len(metric["columns"]) == 500


def test_a_table_with_very_long_texts_comes_in_short_pages(client: httpx.Client, run: Run) -> None:
    run.log_table("long", {"a": ["x" * 4000] * 6000})
    run.complete()
    table = client.get(f"/runs/{run.id}/tables/long", params={"limit": 10_000}).json()
    assert table["total"] == 6000
    assert 4000 < len(table["rows"]) < 4200


def test_what_is_too_large_to_be_drawn(client: httpx.Client, run: Run) -> None:
    data = {"class_labels": ["a"], "matrix": [[1]], "more": [0] * 3_000_000}
    run.log_confusion_matrix("large", {"schema_type": "confusion_matrix", "schema_version": "v1", "data": data})
    run.complete()
    assert client.get(f"/runs/{run.id}/structured/large").status_code == 413
