"""A real portal on recorded data, and a real browser."""

from __future__ import annotations

import fcntl
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

from tests.browser import recorded, recorded_runs
from tests.browser.training import Training

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
    home: Path
    """MILEPOST_HOME of the workspace, which is named portal."""


def _recorded(factory: pytest.TempPathFactory) -> Path:
    """A home with what the scripts have recorded: the first of the test processes has them run, each takes a copy."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, done = shared / "recorded", shared / "recorded.done"
    with (shared / "recorded.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir(exist_ok=True)
            environment = {**os.environ, "MILEPOST_HOME": str(folder / "home"), "MILEPOST_PORTAL": "0"}
            for script in (recorded.SCRIPT, recorded_runs.RICH, recorded.HOSTILE):
                recorded.record(folder, script, environment)
            done.touch()
    return folder / "home"


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The portal of a workspace in which real scripts have recorded."""
    if not PAGES.is_file():
        pytest.skip("the portal's pages are not built: make web")
    folder = tmp_path_factory.mktemp("portal")
    shutil.copytree(_recorded(tmp_path_factory), folder / "home")
    environment = {**os.environ, "MILEPOST_HOME": str(folder / "home")}
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
    yield Portal(link, link.split("?")[0].rstrip("/"), runs, folder / "home")
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


@pytest.fixture(scope="module")
def signed_in(browser: Browser) -> dict[str, Any]:
    """The browser's contexts by their looks: what one page has fetched, the next one need not fetch again."""
    return {}


@pytest.fixture
def training(portal: Portal, tmp_path: Path) -> Iterator[Training]:
    """A submitted run that goes on when it is told to."""
    found = Training(portal.home, tmp_path)
    yield found
    for word in ("second", "third", "last"):
        found.go_on(word)


@dataclass
class Watched:
    """A page, and what went wrong on it."""

    page: Page
    trouble: list[str] = field(default_factory=list)


Open = Callable[..., Watched]


@pytest.fixture
def open_page(browser: Browser, portal: Portal, signed_in: dict[str, Any]) -> Iterator[Open]:
    """Open an address of the portal; console errors, failed requests, dialogs and foreign requests are trouble."""
    pages: list[Page] = []

    def start(
        path: str = "/", *, theme: str = "light", width: int = 1440, height: int = 900, touch: bool = False
    ) -> Watched:
        look = {"color_scheme": theme, "viewport": {"width": width, "height": height}, "has_touch": touch}
        context = signed_in.get(str(look))
        if context is None:
            context = signed_in[str(look)] = browser.new_context(**look)
            context.new_page().goto(portal.link)
            context.pages[0].close()
        page = context.new_page()
        pages.append(page)
        watched = Watched(page)
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
                not request.url.startswith((portal.base, "data:", "blob:", "chrome-extension:", "chrome:"))
                and watched.trouble.append(f"foreign request: {request.url}")
            ),
        )
        page.goto(portal.base + path)
        return watched

    yield start
    for page in pages:
        page.close()
