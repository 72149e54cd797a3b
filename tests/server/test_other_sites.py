"""Other sites, in a real browser that has been to the portal: they can open it, and neither read nor change it."""

from __future__ import annotations

import base64
import io
import re
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from azureml.core import Run
from tests.conftest import only_thorough
from tests.server.conftest import API, Server

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# What a page can send without asking first, and what it has to ask for; each tells what it could read.
ATTACK = """
async ([base, routes]) => {
  const read = [];
  for (const [method, path] of routes) {
    for (const mode of ["cors", "no-cors"]) {
      for (const type of ["text/plain", "application/json"]) {
        const sent = JSON.stringify({run_ids: ["RUN"], action: "delete", archived: true});
        const body = method === "GET" ? undefined : sent;
        const headers = method === "GET" ? {} : {"Content-Type": type};
        const stop = AbortSignal.timeout(1500);
        try {
          const answer = await fetch(base + path, {method, mode, credentials: "include", body, headers, signal: stop});
          if (answer.type !== "opaque") read.push([method, path, mode, answer.status]);
        } catch {}
        if (method === "GET") break;
      }
    }
  }
  const heard = await new Promise((done) => {
    const events = new EventSource(base + "/api/v1/changes", {withCredentials: true});
    events.onopen = () => done(true);
    events.onerror = () => done(false);
  });
  if (heard) read.push(["GET", "/api/v1/changes", "EventSource", 200]);
  return read;
}
"""


# What a page can have shown or run without asking; each tells what the browser took.
PARTS = """
async (addresses) => {
  const taken = [];
  const tried = [];
  for (const address of addresses) {
    for (const [tag, name] of [["img", "src"], ["script", "src"], ["link", "href"], ["video", "src"]]) {
      tried.push(new Promise((done) => {
        const element = document.createElement(tag);
        if (tag === "link") element.rel = "stylesheet";
        element.onload = element.onloadedmetadata = () => { taken.push([tag, address]); done(); };
        element.onerror = done;
        setTimeout(done, 3000);
        element[name] = address;
        document.body.append(element);
      }));
    }
    for (const [tag, name] of [["iframe", "src"], ["embed", "src"], ["object", "data"]]) {
      const element = document.createElement(tag);
      element[name] = address;
      document.body.append(element);
    }
  }
  await Promise.all(tried);
  return taken;
}
"""


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


class _Page(BaseHTTPRequestHandler):
    cookies: ClassVar[list[str]] = []
    """What browsers have sent along."""

    def do_GET(self) -> None:
        self.cookies.append(self.headers.get("Cookie", ""))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another site</title><a id=link>open</a>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def other_port() -> Iterator[int]:
    """Where another site is served from."""
    site = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield site.server_address[1]
    site.shutdown()
    site.server_close()


@pytest.fixture
def browser() -> Iterator[BrowserContext]:
    sync_api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium.new_context()
        chromium.close()


# "localhost" is another site than 127.0.0.1; 127.0.0.1 at another port is the same site, and gets the cookie sent.
@pytest.mark.parametrize("name", ["localhost", pytest.param("127.0.0.1", marks=only_thorough)])
def test_another_site_reads_and_changes_nothing(
    server: Server, browser: BrowserContext, other_port: int, run: Run, name: str
) -> None:
    run.complete()
    page = browser.new_page()
    open_portal(page, server)
    document = server.client.get("/openapi.json").json()
    routes = [
        (method.upper(), re.sub(r"\{[a-z_]+\}", lambda found: run.id if "run" in found[0] else "exp", path))
        for path, methods in document["paths"].items()
        for method in methods
        if not path.endswith(("/changes", "/follow"))
    ]
    page.goto(f"http://{name}:{other_port}/")
    inside = f"/s/{server.settings.session}"  # though nobody tells it
    for base in (server.base, server.base + inside):
        assert page.evaluate(ATTACK.replace("RUN", run.id), [base, routes]) == []
    for action, kind in (
        (f"{API}/runs/actions", "text/plain"),
        (f"{inside}{API}/runs/actions", "text/plain"),
        (f"{inside}{API}/experiments/exp", "multipart/form-data"),
    ):
        page.goto(f"http://{name}:{other_port}/")
        body = f'{{"run_ids": ["{run.id}"], "action": "delete", "x": "'
        page.evaluate(
            """([action, kind, body]) => {
              const form = document.createElement("form");
              form.method = "POST"; form.action = action; form.enctype = kind;
              const field = document.createElement("input");
              field.name = body; field.value = '"}';
              form.append(field); document.body.append(form); form.submit();
            }""",
            [server.base + action, kind, body],
        )
        page.wait_for_url(server.base + action)
    found = server.client.get("/experiments/exp").json()
    assert (found["run_count"], found["archived"]) == (1, None)


def open_portal(page: Page, server: Server) -> None:
    """As its user does."""
    page.goto(f"{server.base}/experiments?token={server.token}")
    _wait_for_data(page, server)


@pytest.mark.parametrize("name", ["localhost", pytest.param("127.0.0.1", marks=only_thorough)])
def test_another_site_is_told_no_cookie_and_shown_no_file(
    server: Server, browser: BrowserContext, other_port: int, run: Run, name: str
) -> None:
    for file, content in (("a.png", PIXEL), ("a.js", b"1"), ("a.css", b"*{}"), ("a.txt", b"text"), ("a.pdf", b"%PDF-")):
        run.upload_file(f"outputs/{file}", io.BytesIO(content))
    run.complete()
    page = browser.new_page()
    open_portal(page, server)
    assert [cookie["httpOnly"] for cookie in browser.cookies(f"{server.base}/s/{server.settings.session}/x")] == [True]
    _Page.cookies.clear()
    page.goto(f"http://{name}:{other_port}/")
    for path in ("/", "/s/", "/s/guess/api/v1/workspace", f"{API}/workspace", "/experiments"):
        page.evaluate("path => fetch(path, {credentials: 'include'}).then(answer => answer.text())", path)
    assert len(_Page.cookies) >= 6
    assert set(_Page.cookies) == {""}
    there = f"{API}/runs/{run.id}"
    inside = f"{server.base}/s/{server.settings.session}"
    paths = [f"{there}/files/outputs/a.{end}" for end in ("png", "js", "css", "txt", "pdf")] + [f"{there}/metrics"]
    paths += [f"{there}/archive", f"{there}/files/outputs/a.png?download=true", f"{API}/changes"]
    addresses = [f"{base}{path}" for base in (server.base, inside) for path in paths]
    addresses += [f"{server.base}/", f"{server.base}/milepost.svg", f"{server.base}/scheme.js"]
    assert page.evaluate(PARTS, addresses) == []
    assert [frame.url for frame in page.frames if frame.url.startswith(server.base)] == []
    opened = page.evaluate(
        """address => {
          const other = window.open(address);
          return new Promise((done) => setTimeout(() => done(other === null || other.closed), 1500));
        }""",
        f"{server.base}/experiments",
    )
    assert opened  # whoever opens it has no hold of its window


@pytest.mark.parametrize("name", ["localhost", pytest.param("127.0.0.1", marks=only_thorough)])
def test_a_link_on_another_site_opens_the_portal(
    server: Server, browser: BrowserContext, other_port: int, name: str
) -> None:
    """Such as the one that a notebook shows: with the token at first, and then without."""
    page = browser.new_page()
    for query in (f"token={server.token}&sort=name", "sort=name"):
        page.goto(f"http://{name}:{other_port}/")
        page.evaluate(
            "address => { document.querySelector('#link').href = address }", f"{server.base}/experiments?{query}"
        )
        page.click("#link")
        page.wait_for_url(f"{server.base}/experiments?sort=name")
        _wait_for_data(page, server)
        assert page.url == f"{server.base}/experiments?sort=name"


def _wait_for_data(page: Page, server: Server) -> None:
    """Wait until the page has what it shows."""
    page.wait_for_selector("main h1")
    page.wait_for_function("() => localStorage.getItem('milepost-session') !== null")
    page.wait_for_function(
        """address => fetch(address).then(answer => answer.status === 200)""",
        arg=f"/s/{server.settings.session}{API}/workspace",
    )
    assert "session=" not in page.url
    assert server.token not in page.url


def test_the_portal_is_shown_in_no_frame(server: Server, browser: BrowserContext, other_port: int) -> None:
    page = browser.new_page()
    open_portal(page, server)
    page.goto(f"http://127.0.0.1:{other_port}/")
    page.evaluate(
        """address => new Promise((done) => {
          const frame = document.createElement("iframe");
          frame.src = address; frame.onload = done; document.body.append(frame);
        })""",
        f"{server.base}/experiments",
    )
    assert all(not frame.url.startswith(server.base) for frame in page.frames)
