"""What is compressed on its way, how, and for whom."""

from __future__ import annotations

import asyncio
import gzip
import io
import sys

import httpx
import pytest
from starlette.responses import JSONResponse

from azureml.core import Run, Workspace
from milepost.server.compression import Compressed
from tests.server.conftest import API, Server

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@pytest.fixture
def filled(ws: Workspace, run: Run) -> Run:
    """A run with a metric, a text file and a log, in a workspace of many experiments."""
    store = ws._recorder.open_store()
    for number in range(20):
        store.ensure_experiment(f"experiment {number}")
    run.log_list("loss", [1 / (1 + number) for number in range(5000)])
    run.upload_file("logs/log.txt", io.BytesIO(b"a line of the log\n" * 1000))
    run.complete()
    return run


def raw(server: Server, method: str, path: str, json: object = None, **headers: str) -> tuple[httpx.Headers, bytes]:
    """The bytes of an answer as they travel."""
    with server.client.stream(method, f"{server.base}{API}{path}", json=json, headers=headers) as answer:
        assert answer.status_code in (200, 206)
        return answer.headers, b"".join(answer.iter_raw())


ASKED = [
    ("GET", "/experiments", None),
    ("GET", "/runs/{}/metrics", None),
    ("GET", "/runs/{}/logs/logs/log.txt", None),
    ("POST", "/metrics/series", {"series": [{"run_id": "{}", "name": "loss"}], "points": 20_000}),
]


def asked(each: tuple[str, str, object], run: Run) -> tuple[str, str, object]:
    method, path, body = each
    return method, path.format(run.id), body and {**body, "series": [{"run_id": run.id, "name": "loss"}]}  # type: ignore[dict-item]


@pytest.mark.parametrize("each", ASKED, ids=lambda each: each[1])
def test_on_this_machine_bytes_travel_as_they_are(server: Server, filled: Run, each: tuple[str, str, object]) -> None:
    headers, _ = raw(server, *asked(each, filled), **{"Accept-Encoding": "gzip, deflate, br, zstd"})
    assert "content-encoding" not in headers


@pytest.mark.parametrize("each", [ASKED[0], *ASKED[2:]], ids=lambda each: each[1])
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip", "gzip"),
        ("zstd;q=0, gzip;q=0.5", "gzip"),
        ("br", None),
        ("identity", None),
    ],
)
def test_who_says_that_its_link_is_slow_gets_them_compressed(
    server: Server, filled: Run, each: tuple[str, str, object], accepted: str, encoding: str | None
) -> None:
    _, plain = raw(server, *asked(each, filled), **{"Accept-Encoding": "identity"})
    headers, data = raw(server, *asked(each, filled), **{"Accept-Encoding": accepted, "Save-Data": "on"})
    assert headers.get("content-encoding") == encoding
    if encoding is None:
        assert data == plain
        return
    assert int(headers["content-length"]) == len(data) < 0.8 * len(plain)
    assert (zstd.decompress(data) if encoding == "zstd" else gzip.decompress(data)) == plain
    assert "Accept-Encoding" in headers["vary"]


def test_files_ranges_and_streams_are_left_as_they_are(server: Server, filled: Run) -> None:
    slow = {"Accept-Encoding": "gzip, zstd", "Save-Data": "on"}
    whole = raw(server, "GET", f"/runs/{filled.id}/files/logs/log.txt", **slow)
    part = raw(server, "GET", f"/runs/{filled.id}/files/logs/log.txt", Range="bytes=10-5000", **slow)
    followed = raw(server, "GET", f"/runs/{filled.id}/logs/logs/log.txt/follow", **slow)
    assert [each.get("content-encoding") for each, _ in (whole, part, followed)] == [None, None, None]
    assert len(part[1]) == 4991


@pytest.mark.parametrize(
    ("address", "encoding"),
    [("127.0.0.1", None), ("::1", None), ("127.8.9.1", None), ("192.168.1.5", "zstd"), ("2001:db8::1", "zstd")],
)
def test_for_other_machines_all_is_compressed(address: str, encoding: str | None) -> None:
    app = Compressed(JSONResponse({"text": "much of it " * 1000}))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 1234))
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://x") as client,
            client.stream("GET", "/", headers={"Accept-Encoding": "gzip, zstd"}) as answer,
        ):
            return answer

    assert asyncio.run(ask()).headers.get("content-encoding") == encoding
