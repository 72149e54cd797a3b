"""A real portal on recorded data, and a real browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import recorded

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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
PAGES = Path(__file__).resolve().parents[2] / "src" / "milepost" / "server" / "web" / "index.html"


@dataclass(frozen=True)
class Portal:
    """A portal that runs; ``link`` opens it (with its token), ``base`` is its address without."""

    link: str
    base: str
    runs: dict[str, str]
    """Display name -> run id."""


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The portal of a workspace in which real scripts have recorded."""
    if not PAGES.is_file():
        pytest.skip("the portal's pages are not built: make web")
    folder = tmp_path_factory.mktemp("portal")
    environment = {**os.environ, "MILEPOST_HOME": str(folder / "home"), "MILEPOST_PORTAL": "0"}
    for script in (recorded.SCRIPT, recorded.HOSTILE):
        recorded.record(folder, script, environment)
    environment["MILEPOST_PORTAL"] = "1"
    command = [sys.executable, "-c", "from milepost.cli import main; main()"]
    started = subprocess.run(
        [*command, "portal", "--workspace", "portal", "--no-browser", "--json"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    link = str(json.loads(started.stdout)["url"])
    listed = subprocess.run(
        [*command, "runs", "list", "--workspace", "portal", "--json", "--limit", "100", "--children"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    runs = {}
    if listed.returncode == 0:
        found = json.loads(listed.stdout)
        rows = found["runs"] if isinstance(found, dict) else found
        runs = {str(each.get("name")): str(each["id"]) for each in rows}
    yield Portal(link, link.split("?")[0].rstrip("/"), runs)
    subprocess.run([*command, "portal", "stop", "--workspace", "portal"], env=environment, check=False)


@pytest.fixture(scope="module")  # while it runs, nothing else of this process can use asyncio
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what went wrong on it."""

    page: Page
    trouble: list[str] = field(default_factory=list)


Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser, portal: Portal) -> Iterator[Open]:
    """Open an address of the portal; console errors, failed requests, dialogs and foreign requests are trouble."""
    contexts: list[Any] = []

    def start(path: str = "/", *, theme: str = "light", width: int = 1440, height: int = 900) -> Watched:
        context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": height})
        contexts.append(context)
        page = context.new_page()
        watched = Watched(page)
        page.goto(portal.link)
        page.on("console", lambda said: said.type == "error" and watched.trouble.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: watched.trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (watched.trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "response",
            lambda answer: answer.status >= 400 and watched.trouble.append(f"{answer.status} {answer.url}"),
        )
        page.on(
            "request",
            lambda request: (
                not request.url.startswith((portal.base, "data:", "blob:"))
                and watched.trouble.append(f"foreign request: {request.url}")
            ),
        )
        page.goto(portal.base + path)
        return watched

    yield start
    for context in contexts:
        context.close()
