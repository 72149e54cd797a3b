"""Whom the server answers: every route of its own OpenAPI document is tried by those who may not."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from azureml.core import Run, Workspace
from tests.server.conftest import API, Server, serving

WRITES = {"post", "put", "patch", "delete"}
CANARY = "canary-7f3a"


def _routes(server: Server) -> list[tuple[str, str]]:
    """(method, address) of every route, with something plausible in each place of its path."""
    document = server.client.get("/openapi.json").json()
    assert len(document["paths"]) > 5
    found = []
    for path, methods in document["paths"].items():
        filled = re.sub(r"\{[a-z_]+\}", "1", path)
        found += [(method, filled) for method in methods if method in WRITES | {"get"}]
    return found


def _ask(server: Server, method: str, path: str, **headers: str) -> httpx.Response:
    body: dict[str, Any] = {"json": {}} if method in WRITES else {}
    given = {key.replace("_", "-"): value for key, value in headers.items()}
    return server.bare.request(method.upper(), path, headers=given, **body)


def _cookie(server: Server) -> str:
    return f"milepost_{server.port}={server.token}"


def _bearer(server: Server) -> str:
    return f"Bearer {server.token}"


def test_no_route_answers_without_the_token(server: Server) -> None:
    for method, path in [*_routes(server), ("get", f"{API}/openapi.json"), ("get", "/"), ("get", "/experiments")]:
        assert _ask(server, method, path).status_code == 401, (method, path)


@pytest.mark.parametrize("wrong", ["", "x", "Bearer", "Basic abc", "Bearer x y", "bearer ä"])
def test_no_route_answers_a_wrong_token(server: Server, wrong: str) -> None:
    for method, path in _routes(server):
        headers = {"Authorization": wrong.encode(), "Cookie": f"milepost_{server.port}={wrong}".encode()}
        body: dict[str, Any] = {"json": {}} if method in WRITES else {}
        assert server.bare.request(method.upper(), path, headers=headers, **body).status_code == 401, (method, path)
    for path in ("/?token=", "/?token=x", f"/?token={server.token}x", f"/?token={server.token[:-1]}"):
        answer = server.bare.get(path)
        assert (answer.status_code, answer.headers.get("set-cookie")) == (401, None)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil.example:{port}",
        "0.0.0.0:{port}",
    ],
)
def test_no_route_answers_under_another_name(server: Server, host: str) -> None:
    name = host.format(port=server.port)
    for method, path in [*_routes(server), ("get", "/"), ("get", f"/?token={server.token}")]:
        answer = _ask(server, method, path, Host=name, Authorization=_bearer(server))
        assert answer.status_code == 421, (method, path)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_the_names_of_this_machine_are_answered(server: Server, host: str) -> None:
    name = host.format(port=server.port)
    answer = _ask(server, "get", f"{API}/workspace", Host=name, Authorization=_bearer(server))
    assert answer.status_code == 200


def test_two_hosts_are_none(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        own = f"127.0.0.1:{server.port}"
        raw.sendall(f"GET / HTTP/1.1\r\nHost: evil.example\r\nHost: {own}\r\nConnection: close\r\n\r\n".encode())
        assert b" 400 " in raw.recv(100) or b" 421 " in raw.recv(100)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1:{port}"])
@pytest.mark.parametrize("by", ["cookie", "bearer"])
def test_no_other_site_changes_anything(server: Server, origin: str, by: str) -> None:
    who = {"Cookie": _cookie(server)} if by == "cookie" else {"Authorization": _bearer(server)}
    for method, path in _routes(server):
        if method in WRITES:
            answer = _ask(server, method, path, Origin=origin.format(port=server.port), **who)
            assert answer.status_code == 403, (method, path)


def test_a_cookie_alone_changes_nothing(server: Server) -> None:
    for method, path in _routes(server):
        if method in WRITES:
            assert _ask(server, method, path, Cookie=_cookie(server)).status_code == 403, (method, path)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_no_route_answers_what_another_site_asks(server: Server, site: str) -> None:
    own = f"http://127.0.0.1:{server.port}"
    for method, path in _routes(server):
        answer = _ask(server, method, path, Sec_Fetch_Site=site, Cookie=_cookie(server), Origin=own)
        assert answer.status_code == 403, (method, path)


def test_no_answer_lets_another_site_read_it(server: Server) -> None:
    for method, path in [*_routes(server), ("get", "/"), ("get", f"{API}/workspace")]:
        if path.endswith(("/changes", "/follow")):
            continue  # streams: the same code answers
        answer = _ask(server, method, path, Authorization=_bearer(server), Origin=f"http://127.0.0.1:{server.port}")
        names = {name for name in answer.headers if name.startswith("access-control")}
        assert names == set(), (method, path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"], (method, path)
        assert answer.headers["referrer-policy"] == "no-referrer"
    preflight = server.bare.request(
        "OPTIONS",
        f"{API}/runs/actions",
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST", "Cookie": _cookie(server)},
    )
    assert preflight.status_code in (401, 403, 405)
    assert not any(name.startswith("access-control") for name in preflight.headers)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_what_a_form_can_send_is_no_request(server: Server, content_type: str) -> None:
    answer = server.bare.post(
        f"{API}/runs/actions",
        content=b'{"run_ids": ["x"], "action": "delete"}',
        headers={"Content-Type": content_type, "Authorization": _bearer(server)},
    )
    assert answer.status_code == 415


def test_the_page_of_the_portal_may_ask_and_change(server: Server, run: Run) -> None:
    run.flush()
    own = f"http://localhost:{server.port}"
    page = {
        "Host": f"localhost:{server.port}",
        "Origin": own,
        "Cookie": _cookie(server),
        "Sec-Fetch-Site": "same-origin",
    }
    answer = server.bare.patch(f"{API}/experiments/exp", json={"description": "d"}, headers=page)
    assert answer.status_code == 200, answer.text


def test_a_link_with_the_token_sets_a_cookie_and_goes_on_without_it(server: Server) -> None:
    answer = server.bare.get(f"/experiments/a%2Fb?filter=x%26y&token={server.token}&sort=-created")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{server.base}/experiments/a%2Fb?filter=x%26y&sort=-created"
    cookie = answer.headers["set-cookie"].lower()
    assert all(each in cookie for each in ("httponly", "samesite=strict", "path=/"))
    assert server.token not in answer.headers["location"]


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "/%0d%0aX-Evil: 1", "/http://evil.example"])
def test_a_link_with_the_token_leads_nowhere_else(server: Server, path: str) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        path = path.replace(" ", "%20")
        raw.sendall(
            f"GET {path}?token={server.token} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        said = b""
        while piece := raw.recv(4096):
            said += piece
    located = re.search(rb"(?im)^location: (.*)\r$", said)
    assert located is None or located[1].startswith(server.base.encode() + b"/")
    assert not re.search(rb"(?im)^x-evil", said)


def test_a_link_from_another_site_goes_on_by_a_page_of_ours(server: Server) -> None:
    """A redirect would be part of the other site's navigation, on which strict cookies are not sent."""
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = server.bare.get(f"/experiments?a=%22%3E&token={server.token}", headers=foreign)
    assert answer.status_code == 200
    assert f'url={server.base}/experiments?a=%22%3E"' in answer.text
    assert "set-cookie" in answer.headers
    bounced = httpx.get(f"{server.base}/experiments?x=<", headers=foreign, trust_env=False)
    assert bounced.status_code == 200
    assert f"url={server.base}/experiments?x=" in bounced.text
    assert "set-cookie" not in bounced.headers
    assert httpx.get(f"{server.base}{API}/workspace", headers=foreign, trust_env=False).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/../workspace.json",
        "/..%2f..%2fworkspace.json",
        "/%2e%2e/%2e%2e/workspace.json",
        "/assets/../../app.py",
        "/assets/..%2f..%2fapp.py",
        "/assets/%252e%252e%252fapp.py",
        "/assets/..\\..\\app.py",
        "//etc/passwd",
        "/etc/passwd",
        "/%00",
        "/app.py",
        "/security.py",
        "/api/v1/../../portal.json",
    ],
)
def test_pages_come_from_the_built_files_only(server: Server, ws: Workspace, path: str) -> None:
    (Path(ws._recorder.folder) / "portal.json").write_text(CANARY)
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAuthorization: {_bearer(server)}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        said = b""
        while piece := raw.recv(65536):
            said += piece
    assert not any(secret in said for secret in (CANARY.encode(), b"root:x:", b"FastAPI", b'"format"'))
    assert int(said.split()[1]) in (200, 400, 404, 503)


def test_a_large_body_is_refused_before_it_is_read(server: Server) -> None:
    headers = {"Content-Type": "application/json", "Authorization": _bearer(server)}
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        raw.sendall(
            f"POST {API}/runs/actions HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{lines}"
            f"Content-Length: {10**12}\r\n\r\n".encode()
        )
        assert raw.recv(1000).startswith(b"HTTP/1.1 413")

    def endless() -> Any:
        for _ in range(100):
            yield b" " * (1 << 20)

    try:
        answer = server.bare.post(f"{API}/runs/actions", content=endless(), headers=headers)
    except httpx.WriteError:  # it was cut off
        return
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b'"\\ud800"', b"1e999", b"nul", b"{}"]
)
def test_broken_json_is_told(server: Server, body: bytes) -> None:
    answer = server.client.post("/runs/actions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error"}


def test_nothing_speaks_websocket(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        raw.sendall(
            f"GET {API}/changes HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
            "\r\n".encode()
        )
        assert not raw.recv(1000).startswith(b"HTTP/1.1 101")


def test_a_server_that_only_shows_changes_nothing(ws: Workspace, run: Run) -> None:
    run.complete()
    with serving(ws._recorder.folder, read_only=True) as server:
        assert server.client.get("/workspace").json()["read_only"] is True
        refused = [
            server.client.patch("/experiments/exp", json={"archived": True}),
            server.client.delete("/experiments/exp"),
            server.client.post("/runs/actions", json={"run_ids": [run.id], "action": "delete"}),
        ]
        assert [answer.status_code for answer in refused] == [403] * 3
        assert server.client.get("/experiments").json()["total"] == 1
