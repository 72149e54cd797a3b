"""What a client has seen of a run is not made once more, and what has changed is never taken for the same."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from starlette.responses import StreamingResponse

from azureml.core import Experiment, Run
from milepost.server.head import HeadAsGet
from milepost.store.artifacts import content_type_of
from tests.sdk.submitted import DRIVER_LOG, until_printed
from tests.store.builders import event, say

MATRIX = {
    "schema_type": "confusion_matrix",
    "schema_version": "v1",
    "data": {"class_labels": ["a", "b"], "matrix": [[1, 2], [3, 4]]},
}


@pytest.fixture
def full(experiment: Experiment, tmp_path: Path) -> Run:
    """A run with something of everything."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.py").write_text("print(1)\n" * 100)
    run = experiment.start_logging(snapshot_directory=str(source))
    run.log_list("loss", [1.0, 0.5, 0.25])
    run.log_row("rows", a=1, b=2)
    run.log_confusion_matrix("matrix", MATRIX)
    (tmp_path / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    run.log_image("image", path=str(tmp_path / "image.png"))
    run.upload_file("logs/log.txt", io.BytesIO(b"a line of the log\n" * 1000))
    run.upload_file("outputs/a.csv", io.BytesIO(b"a,b\n1,2\n"))
    run.tag("stage", "prod")
    run.flush()
    return run


def capture(run: Run, name: str, content: bytes) -> None:
    """Keep a file as the supervisor of a submitted run does: it takes the place of one of this name."""
    store = run._recorder.open_store()
    blob = store.put_bytes(content)
    named = {"name": name, "digest": blob.digest, "size": blob.size, "content_type": content_type_of(name)}
    say(store, event("artifact", run.id, time.time_ns(), captured=True, **named))


def paths(run: Run, client: httpx.Client) -> list[str]:
    here = f"/runs/{run.id}"
    snapshot = client.get(here).json()["snapshots"][0]
    return [
        here,
        f"{here}/metrics",
        f"{here}/metrics/loss/values",
        f"{here}/progress",
        f"{here}/tables/rows?limit=10",
        f"{here}/structured/matrix",
        f"{here}/images",
        f"{here}/files",
        f"{here}/file-names",
        f"{here}/files/outputs/a.csv",
        f"{here}/preview/outputs/a.csv",
        f"{here}/archive?prefix=outputs/",
        f"{here}/logs",
        f"{here}/logs/logs/log.txt?start=18&length=36",
        f"{here}/logs/logs/log.txt/search?q=line",
        f"{here}/logs/logs/log.txt/line?number=5",
        f"/snapshots/{snapshot}",
        f"/snapshots/{snapshot}/files/train.py",
        f"/snapshots/{snapshot}/preview/train.py",
        f"/snapshots/{snapshot}/zip",
        f"/snapshots/{snapshot}/diff/{snapshot}",
        f"/snapshots/{snapshot}/diff/{snapshot}/train.py",
    ]


def test_what_a_client_has_of_a_run_is_not_sent_again(client: httpx.Client, full: Run) -> None:
    full.complete()
    for path in paths(full, client):
        seen = client.get(path)
        assert (seen.status_code, seen.headers["cache-control"]) == (200, "private, no-cache"), path
        again = client.get(path, headers={"If-None-Match": seen.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == seen.headers["etag"]
        other = client.get(path, headers={"If-None-Match": 'W/"another"'})
        assert (other.status_code, other.content) == (200, seen.content), path
    assert client.get(f"/runs/{full.id}/tables/rows?limit=11").headers["etag"] != client.get(
        f"/runs/{full.id}/tables/rows?limit=10"
    ).headers.get("etag")


def test_whatever_changes_of_a_run_is_seen_at_once(client: httpx.Client, full: Run, experiment: Experiment) -> None:
    capture(full, "outputs/c.csv", b"a,b\n1,2\n")
    capture(full, "logs/c.txt", b"a line of the log\n" * 1000)
    child = full.child_run("child")
    child.flush()
    here, below = f"/runs/{full.id}", f"/runs/{child.id}"

    changes: list[tuple[Callable[[], object], list[str]]] = [
        (lambda: full.log("loss", 7.0), [f"{here}/metrics", f"{here}/metrics/loss/values"]),
        (lambda: full.log_row("rows", a=3, b=4), [f"{here}/tables/rows?limit=10"]),
        (lambda: full.log_confusion_matrix("matrix", MATRIX), [f"{here}/structured/matrix?index=0", f"{here}/files"]),
        (lambda: full.log_image("image", path=str(Path.cwd().parent / "image.png")), [f"{here}/images"]),
        (lambda: full.set_progress(1, 2), [f"{here}/progress"]),
        (lambda: full.tag("stage", "test"), [here]),
        (lambda: full.tag("new"), [here]),
        (lambda: full.add_properties({"more": "1"}), [here]),
        (lambda: client.patch(here, json={"display_name": "another name"}), [here, below]),
        (lambda: client.patch(here, json={"archived": True}), [here, below]),
        (lambda: full.child_run("second").flush(), [here]),
        (lambda: full.upload_file("outputs/b.csv", io.BytesIO(b"1")), [f"{here}/files", f"{here}/file-names"]),
        (
            lambda: capture(full, "outputs/c.csv", b"a,b\n3,4\n"),  # another one of the same size
            [f"{here}/files/outputs/c.csv", f"{here}/preview/outputs/c.csv", f"{here}/archive?prefix=outputs/"],
        ),
        (
            lambda: capture(full, "logs/c.txt", b"a word of the log\n" * 1000),
            [f"{here}/logs/logs/c.txt?start=18&length=36", f"{here}/logs/logs/c.txt/search?q=word"],
        ),
        (full.complete, [here, below]),
    ]
    for change, shown in changes:
        before = {path: client.get(path) for path in shown}
        change()
        full.flush()
        for path, seen in before.items():
            after = client.get(path, headers={"If-None-Match": seen.headers["etag"]})
            assert after.status_code == 200, path
            if "/structured" not in path:  # there the last of two equal ones is asked for by its place
                assert after.content != seen.content, path


def test_a_log_that_is_written_is_never_taken_for_the_one_before(
    client: httpx.Client, submit: object, tmp_path: Path
) -> None:
    end = tmp_path / "end"
    run: Run = submit(  # type: ignore[operator]
        f"""
        import os, time
        print("first", flush=True)
        while not os.path.exists({str(end)!r}): time.sleep(0.02)
        print("second", flush=True)
        """
    )
    until_printed(run, b"first")
    path = f"/runs/{run.id}/logs/{DRIVER_LOG}"
    growing = client.get(path)
    assert "etag" not in growing.headers
    assert growing.headers["cache-control"] == "no-store"
    end.touch()
    run.wait_for_completion()
    stored = client.get(path)
    assert stored.text.endswith("second\n")
    assert client.get(path, headers={"If-None-Match": stored.headers["etag"]}).status_code == 304


def test_head_tells_what_get_would(client: httpx.Client, full: Run) -> None:
    full.complete()
    for path in paths(full, client):
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b""), path
        for name in ("content-type", "etag", "content-disposition", "content-length", "x-size", "accept-ranges"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)
        assert client.head(path, headers={"If-None-Match": got.headers["etag"]}).status_code == 304
    part = client.head(f"/runs/{full.id}/files/logs/log.txt", headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.headers["content-range"]) == (206, "bytes 0-9/18000")
    assert client.head(f"/runs/{full.id}/files/nothing").status_code == 404
    assert client.head("/runs/nobody").status_code == 404
    assert client.head("/runs/actions").status_code in (404, 405)


def test_head_makes_no_body() -> None:
    pieces = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pieces
        while True:
            pieces += 1
            yield b"x" * 1000
            await asyncio.sleep(0)

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(HeadAsGet(StreamingResponse(endless())))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.head("/")

    assert asyncio.run(ask()).status_code == 200
    assert pieces < 100
