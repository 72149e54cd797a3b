"""Other sites, in a real browser that has been to the portal: they can open it, and neither read nor change it."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from azureml.core import Run
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


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
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
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_another_site_reads_and_changes_nothing(
    server: Server, browser: BrowserContext, other_port: int, run: Run, name: str
) -> None:
    run.complete()
    page = browser.new_page()
    page.goto(f"{server.base}/experiments?token={server.token}")
    assert page.evaluate(f"fetch('{API}/workspace').then(answer => answer.status)") == 200
    document = server.client.get("/openapi.json").json()
    routes = [
        (method.upper(), re.sub(r"\{[a-z_]+\}", lambda found: run.id if "run" in found[0] else "exp", path))
        for path, methods in document["paths"].items()
        for method in methods
        if not path.endswith(("/changes", "/follow"))
    ]
    page.goto(f"http://{name}:{other_port}/")
    assert page.evaluate(ATTACK.replace("RUN", run.id), [server.base, routes]) == []
    for action, kind in ((f"{API}/runs/actions", "text/plain"), (f"{API}/experiments/exp", "multipart/form-data")):
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


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
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
        _wait_for_data(page)
        assert page.url == f"{server.base}/experiments?sort=name"


def _wait_for_data(page: Page) -> None:
    """Wait until a page of the portal may ask for data; the one that leads on to it may not."""
    from playwright.sync_api import Error

    until = time.monotonic() + 30
    while time.monotonic() < until:
        with suppress(Error):  # it is on its way
            if page.evaluate(f"fetch('{API}/workspace').then(answer => answer.status, () => 0)") == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"the portal does not open: {page.content()[:500]}")


def test_the_portal_is_shown_in_no_frame(server: Server, browser: BrowserContext, other_port: int) -> None:
    page = browser.new_page()
    page.goto(f"{server.base}/experiments?token={server.token}")
    page.goto(f"http://127.0.0.1:{other_port}/")
    page.evaluate(
        """address => new Promise((done) => {
          const frame = document.createElement("iframe");
          frame.src = address; frame.onload = done; document.body.append(frame);
        })""",
        f"{server.base}/experiments",
    )
    assert all(not frame.url.startswith(server.base) for frame in page.frames)
