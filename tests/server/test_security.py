"""Whom the server answers: every route of its own OpenAPI document is tried by those who may not."""

from __future__ import annotations

import io
import re
import socket
from pathlib import Path
from typing import Any

import httpx
import requests

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
    return f"{server.settings.cookie}={server.settings.cookie_value}"


def _as_page(server: Server, path: str) -> str:
    """Where a page of the portal asks for what is at that path of the API."""
    return f"/s/{server.settings.session}{path}"


def _bearer(server: Server) -> str:
    return f"Bearer {server.token}"


def test_no_route_answers_without_the_token(server: Server) -> None:
    for method, path in [*_routes(server), ("get", f"{API}/openapi.json"), ("get", f"{API}/nothing"), ("get", "/api")]:
        assert _ask(server, method, path).status_code == 401, (method, path)
        assert _ask(server, method, _as_page(server, path)).status_code == 401, (method, path)
        assert _ask(server, method, path, Cookie=_cookie(server)).status_code == 401, (method, path)
        other = _as_page(server, path).replace("/s/", "/s/x")
        assert _ask(server, method, other, Cookie=_cookie(server)).status_code == 401, (method, path)
        bearer = f"Bearer {server.settings.cookie_value}"
        assert _ask(server, method, path, Authorization=bearer).status_code == 401, (method, path)


def test_the_pages_hold_nothing_of_the_workspace(server: Server, run: Run) -> None:
    """Anybody may look at them; all that they show they ask for."""
    run.complete()
    seen = []
    for path in ("/", "/experiments", f"/experiments/exp/runs/{run.id}", "/milepost.svg", "/scheme.js"):
        bare, known = (_ask(server, "get", path, **headers) for headers in ({}, {"Cookie": _cookie(server)}))
        assert bare.status_code == known.status_code
        assert "set-cookie" not in bare.headers
        nonces = [re.findall(r"nonce-[\w-]+", answer.headers["content-security-policy"]) for answer in (bare, known)]
        texts = [
            answer.text.replace(nonce[0].removeprefix("nonce-"), "") if nonce else answer.text
            for answer, nonce in zip((bare, known), nonces, strict=True)
        ]
        assert texts[0] == texts[1]
        assert not any(secret in texts[0] for secret in (run.id, server.token, server.settings.session))
        seen.append(texts[0])
    assert seen[0] == seen[1] == seen[2]
    assert _ask(server, "post", "/experiments", Cookie=_cookie(server)).status_code == 405
    assert _ask(server, "get", _as_page(server, "/experiments"), Cookie=_cookie(server)).status_code == 404


def test_pages_run_no_scripts_but_those_of_the_portal(server: Server) -> None:
    for path in ("/", "/experiments/x/runs/y", "/scheme.js"):
        policy = server.bare.get(path).headers["content-security-policy"]
        rules = dict(each.strip().partition(" ")[::2] for each in policy.split(";"))
        assert (rules["default-src"], rules["script-src"]) == ("'none'", "'self'")
        assert (rules["frame-ancestors"], rules["base-uri"], rules["form-action"]) == ("'none'",) * 3
        assert not any(word in policy for word in ("unsafe-eval", "http:", "https:", "*"))
        assert set(rules.get("connect-src", "").split()) <= {"'self'"}
    index = server.bare.get("/")
    if index.status_code == 200:  # the pages are built
        assert "unsafe-inline" not in index.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=", index.text)


WRONG_TOKENS = ["", "x", "Bearer", "Basic abc", "Bearer x y", "bearer ä"]


def test_no_route_answers_a_wrong_token(server: Server) -> None:
    for wrong in WRONG_TOKENS:
        for method, path in _routes(server):
            headers = {"Authorization": wrong.encode(), "Cookie": f"milepost_{server.port}={wrong}".encode()}
            body: dict[str, Any] = {"json": {}} if method in WRITES else {}
            for place in (path, _as_page(server, path)):
                assert server.bare.request(method.upper(), place, headers=headers, **body).status_code == 401, place
        for path in ("/?token=", "/?token=x", f"/?token={server.token}x", f"/?token={server.token[:-1]}"):
            answer = server.bare.get(path)
            assert (answer.status_code, answer.headers.get("set-cookie")) == (401, None)


OTHER_NAMES = [
    "evil.example",
    "evil.example:{port}",
    "127.0.0.1",
    "127.0.0.1:1",
    "localhost.evil.example:{port}",
    "0.0.0.0:{port}",
    "localhost.:{port}",
    "127.0.0.1.:{port}",
    "127.1:{port}",
    "2130706433:{port}",
    "0x7f000001:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "[0:0:0:0:0:0:0:1]:{port}",
    "::1:{port}",
    "127.0.0.1:0{port}",
    "user@127.0.0.1:{port}",
    "127.0.0.1:{port}, evil.example",
    "127.0.0.1:{port}/",
    "",
]


def test_no_route_answers_under_another_name(server: Server) -> None:
    for host in OTHER_NAMES:
        name = host.format(port=server.port)
        for method, path in [*_routes(server), ("get", "/"), ("get", f"/?token={server.token}")]:
            answer = _ask(server, method, path, Host=name, Authorization=_bearer(server))
            assert answer.status_code == 421, (method, path)
            page = _ask(server, method, _as_page(server, path), Host=name, Cookie=_cookie(server))
            assert page.status_code == 421, (method, path)
            assert "set-cookie" not in answer.headers


OWN_NAMES = ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"]


def test_the_names_of_this_machine_are_answered(server: Server) -> None:
    for host in OWN_NAMES:
        name = host.format(port=server.port)
        answer = _ask(server, "get", f"{API}/workspace", Host=name, Authorization=_bearer(server))
        assert answer.status_code == 200


def test_two_hosts_are_none(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as raw:
        own = f"127.0.0.1:{server.port}"
        raw.sendall(f"GET / HTTP/1.1\r\nHost: evil.example\r\nHost: {own}\r\nConnection: close\r\n\r\n".encode())
        assert b" 400 " in raw.recv(100) or b" 421 " in raw.recv(100)


OTHER_ORIGINS = [
    "http://evil.example",
    "null",
    "",
    "http://127.0.0.1:1",
    "http://127.0.0.1",
    "https://127.0.0.1:{port}",
    "http://localhost:{port}",
    "http://127.0.0.1:{port}.evil.example",
    "http://127.0.0.1:{port}, http://evil.example",
    "file://",
]


def test_no_other_site_changes_anything(server: Server) -> None:
    for origin in OTHER_ORIGINS:
        for method, path in _routes(server):
            if method in WRITES:
                given = {"Origin": origin.format(port=server.port)}
                by_bearer = _ask(server, method, path, Authorization=_bearer(server), **given)
                by_cookie = _ask(server, method, _as_page(server, path), Cookie=_cookie(server), **given)
                assert (by_bearer.status_code, by_cookie.status_code) == (403, 403), (method, path)


def test_a_cookie_alone_changes_nothing(server: Server) -> None:
    for method, path in _routes(server):
        if method in WRITES:
            answer = _ask(server, method, _as_page(server, path), Cookie=_cookie(server))
            assert answer.status_code == 403, (method, path)


OTHER_SITES = ["cross-site", "same-site", "", "SAME-ORIGIN", "same-origin, cross-site"]


def test_no_route_answers_what_another_site_asks(server: Server) -> None:
    for site in OTHER_SITES:
        own = f"http://127.0.0.1:{server.port}"
        for method, path in _routes(server):
            given = {"Sec_Fetch_Site": site, "Origin": own}
            answer = _ask(server, method, _as_page(server, path), Cookie=_cookie(server), **given)
            assert answer.status_code == 403, (method, path)
            assert _ask(server, method, path, Authorization=_bearer(server), **given).status_code == 403, (method, path)


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


OF_FORMS = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]


def test_what_a_form_can_send_is_no_request(server: Server) -> None:
    for content_type in OF_FORMS:
        answer = server.bare.post(
            f"{API}/runs/actions",
            content=b'{"run_ids": ["x"], "action": "delete"}',
            headers={"Content-Type": content_type, "Authorization": _bearer(server)},
        )
        assert answer.status_code == 415
        page = {"Origin": server.base, "Sec-Fetch-Site": "same-origin", "Cookie": _cookie(server)}
        own = server.bare.post(
            _as_page(server, f"{API}/runs/actions"), content=b"{}", headers={"Content-Type": content_type, **page}
        )
        assert own.status_code == 415


def test_the_page_of_the_portal_may_ask_and_change(server: Server, run: Run) -> None:
    run.flush()
    own = f"http://localhost:{server.port}"
    page = {
        "Host": f"localhost:{server.port}",
        "Origin": own,
        "Cookie": _cookie(server),
        "Sec-Fetch-Site": "same-origin",
    }
    place = _as_page(server, f"{API}/experiments/exp")
    answer = server.bare.patch(place, json={"description": "d"}, headers=page)
    assert answer.status_code == 200, answer.text
    assert server.bare.get(place, headers=page).json()["description"] == "d"


def test_a_link_with_the_token_sets_a_cookie_and_goes_on_without_it(server: Server) -> None:
    for site in ("none", "same-origin", "same-site", "cross-site"):
        answer = server.bare.get(
            f"/experiments/a%2Fb?filter=x%26y&token={server.token}&sort=-created", headers={"Sec-Fetch-Site": site}
        )
        assert answer.status_code == 303
        address, _, key = answer.headers["location"].partition("#")
        assert address == f"{server.base}/experiments/a%2Fb?filter=x%26y&sort=-created"
        assert key == f"session={server.settings.session}"
        parts = answer.headers["set-cookie"].split("; ")
        assert parts[0] == _cookie(server)
        assert {"HttpOnly", "SameSite=strict", f"Path=/s/{server.settings.session}"} == set(parts[1:])
        assert not any(server.token in value for value in answer.headers.values())
        assert answer.headers["cache-control"] == "no-store"


def test_a_link_with_the_token_to_what_the_api_gives_leads_there(server: Server, run: Run) -> None:
    """Such as those of logs in ``run.get_details()``."""
    run.upload_file("logs/a b.txt", io.BytesIO(b"said"))
    run.complete()
    place = f"{API}/runs/{run.id}/logs/logs/a%20b.txt"
    link = f"{server.base}{place}?start=1&token={server.token}"
    assert httpx.get(link, trust_env=False, follow_redirects=True).text == "aid"
    assert requests.get(link, timeout=30).text == "aid"
    onward = f"{server.base}{_as_page(server, place)}?start=1"
    assert httpx.get(link, trust_env=False).headers["location"] == onward
    for site in ("cross-site", "same-site"):  # browsers send no strict cookie where a redirect leads from there
        answer = httpx.get(link, headers={"Sec-Fetch-Site": site}, trust_env=False)
        assert (answer.status_code, f'url={onward}"' in answer.text) == (200, True)
        assert "set-cookie" in answer.headers
        quoted = httpx.get(f"{link}&x=%22%3E%3Cb%3E", headers={"Sec-Fetch-Site": site}, trust_env=False)
        assert "<b>" not in quoted.text
    assert httpx.get(f"{server.base}{place}?token=x", trust_env=False).status_code == 401
    assert httpx.post(f"{server.base}{API}/compare?token={server.token}", json={}, trust_env=False).status_code == 401


def test_the_cookie_is_for_one_path_of_one_portal(server: Server, ws: Workspace) -> None:
    """Cookies know no ports: what a browser would send to another portal, or to anybody's program, opens nothing."""
    with serving(ws._recorder.folder) as other:
        jar = httpx.Client(trust_env=False)
        for each in (server, other):
            jar.get(f"{each.base}/?token={each.token}")
        assert len(list(jar.cookies.jar)) == 2  # neither in the place of the other
        for each in (server, other):
            found = jar.get(f"{each.base}{_as_page(each, f'{API}/workspace')}")
            assert (found.status_code, found.request.headers["cookie"]) == (200, _cookie(each))
        for path in ("/", f"{API}/workspace", "/s/", f"/s/{server.settings.session}x/"):
            assert "cookie" not in jar.get(f"{other.base}{path}").request.headers
        for mine, foreign in ((server, other), (other, server)):
            stolen = {"Cookie": _cookie(mine).replace(str(mine.port), str(foreign.port))}
            for place in (_as_page(foreign, f"{API}/workspace"), _as_page(mine, f"{API}/workspace")):
                assert httpx.get(foreign.base + place, headers=stolen, trust_env=False).status_code == 401


COOKIES = [
    "{name}=junk; {right}",
    "{right}; {name}=junk",
    "{name}=; {right}",
    'json={{"a": "b; c"}}; {right}',
    '{right}; odd="unended',
    "no equals; =empty; {right}; a b=c",
    "ü=ü; {right}",
    "{right};" + "x=y;" * 2000,
]


def test_cookies_of_other_programs_at_this_host_are_in_nobody_s_way(server: Server) -> None:
    for others in COOKIES:
        sent = others.format(name=server.settings.cookie, right=_cookie(server)).encode()
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
            raw.sendall(
                f"GET {_as_page(server, f'{API}/workspace')} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n".encode()
                + b"Connection: close\r\nCookie: "
                + sent
                + b"\r\n\r\n"
            )
            assert raw.recv(100).startswith(b"HTTP/1.1 200")


LEADING_AWAY = ["//evil.example/", "/\\evil.example", "/%0d%0aX-Evil: 1", "/http://evil.example"]


def test_a_link_with_the_token_leads_nowhere_else(server: Server) -> None:
    for path in LEADING_AWAY:
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


BESIDE_THE_PAGES = [
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
]


def test_pages_come_from_the_built_files_only(server: Server, ws: Workspace) -> None:
    for path in BESIDE_THE_PAGES:
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


BROKEN_JSON = [b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b'"\\ud800"', b"1e999", b"nul", b"{}"]


def test_broken_json_is_told(server: Server) -> None:
    for body in BROKEN_JSON:
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
