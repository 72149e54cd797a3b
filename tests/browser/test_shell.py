"""What is around every page: keys, theme, addresses that lead nowhere, and a portal that goes away and comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import PAGES, Open
from tests.conftest import only_thorough

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WAIT_MS = 60_000
RECORDS = """
from azureml.core import Experiment, Workspace
ws = Workspace.create("fragile")
for number in range(3):
    with Experiment(ws, "steady").start_logging(snapshot_directory=None, display_name=f"run {number}") as run:
        run.log("loss", number)
"""


@pytest.fixture(autouse=True)
def patient(browser: object) -> None:
    """Wait long for what has to come: the machine may be busy."""
    from playwright.sync_api import expect

    expect.set_options(timeout=WAIT_MS)


def test_the_list_of_keys_tells_what_works_on_the_page(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments/sweep").page
    expect(page.locator("tbody tr a").first).to_be_visible()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    listed = dialog.get_by_role("row")
    expect(listed.filter(has_text="Compare the chosen runs")).to_contain_text("c")
    expect(listed.filter(has_text="Filter the runs")).to_contain_text("/")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.get_by_role("heading", level=1)).to_have_text("Compute")
    assert page.title() == "Compute · Milepost"
    assert page.evaluate("document.activeElement.id") == "content"
    page.get_by_role("button", name="Keyboard").click()
    expect(dialog.get_by_role("row").filter(has_text="Compare the chosen runs")).to_have_count(0)
    dialog.get_by_label("Keys of one character").click(force=True)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    for key in "gm?":
        page.keyboard.press(key)
    assert page.url.endswith("/compute")
    expect(dialog).to_be_hidden()


def test_all_is_reached_with_the_tab_key_and_seen_to_be(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/experiments").page
    expect(page.locator("tbody tr a").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Search experiments")).to_be_focused()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            "[document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent,"
            " getComputedStyle(document.activeElement).outlineStyle]"
        )
        if name in reached or page.evaluate("document.activeElement === document.body"):
            break
        reached.add(name)
        assert outline not in ("none", ""), name
    assert {"Which experiments", "Experiment", "Last activity", "sweep", "Archive sweep"} <= reached


def test_the_theme_is_chosen_and_kept(open_page: Open) -> None:
    from playwright.sync_api import expect

    page = open_page("/models", theme="dark").page
    scheme = page.locator("html")
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "dark")
    page.get_by_role("button", name="Theme: as the system").click()
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "light")
    page.reload()
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "light")
    page.get_by_role("button", name="Theme: light").click()
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "dark")
    page.get_by_role("button", name="Theme: dark").click()
    page.emulate_media(color_scheme="light")
    expect(scheme).to_have_attribute("data-mantine-color-scheme", "light")


@pytest.mark.parametrize(
    ("path", "heading", "told"),
    [
        ("/nothing/here", "There is no such page", "all experiments"),
        ("/experiments/sweep?sort=nothing", "sweep", "cannot be ordered by 'nothing'"),
        ("/experiments/sweeep", "sweeep", "did you mean"),
        ("/experiments/sweep/runs/none", "Run", "there is no run"),
        ("/models/none", "none", "there is no model"),
    ],
)
def test_an_address_that_leads_nowhere_says_so(open_page: Open, path: str, heading: str, told: str) -> None:
    from playwright.sync_api import expect

    page = open_page(path).page
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    expect(page.locator("main")).to_contain_text(told, ignore_case=True)
    assert page.title() == f"{heading} · Milepost"


@only_thorough
def test_a_portal_that_ends_is_told_and_the_page_goes_on_when_it_is_back(browser: Browser, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    if not PAGES.is_file():
        pytest.skip("the portal's pages are not built: make web")
    environment = {**os.environ, "MILEPOST_HOME": str(tmp_path / "home"), "MILEPOST_PORTAL": "0"}
    subprocess.run([sys.executable, "-c", RECORDS], cwd=tmp_path, env=environment, check=True, timeout=120)
    environment["MILEPOST_PORTAL"] = "1"
    command = [sys.executable, "-c", "from milepost.cli import main; main()", "portal"]

    def start() -> str:
        started = subprocess.run(
            [*command, "--workspace", "fragile", "--no-browser", "--json"],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return str(json.loads(started.stdout)["url"])

    def stop() -> None:
        subprocess.run([*command, "stop", "--workspace", "fragile"], env=environment, check=False, timeout=120)

    context = browser.new_context()
    page = context.new_page()
    try:
        link = start()
        page.goto(link)
        base = link.split("/?")[0]
        page.goto(f"{base}/experiments/steady")
        expect(page.locator("tbody tr a").first).to_be_visible()
        notice = page.locator("[role=status]").filter(has_text="milepost portal")
        stop()
        expect(notice).to_contain_text("The portal does not answer.")
        expect(page.locator("tbody tr a").first).to_be_visible()  # what was read stays
        # A part that was never loaded cannot be, and comes by itself later.
        page.get_by_role("link", name="Compute").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("A part of this page could not be loaded")
        link = start()
        expect(notice).to_contain_text("no valid token")
        saved = context.new_page()  # an address that was kept from before
        saved.goto(f"{base}/experiments/steady")
        told = saved.locator("[role=status]").filter(has_text="milepost portal")
        expect(told).to_contain_text("no valid token")
        other = context.new_page()
        other.goto(link)  # as whoever started it does, in the same browser
        other.close()
        expect(notice).to_be_hidden()
        expect(page.get_by_role("heading", level=1)).to_have_text("Compute")
        expect(told).to_be_hidden()
        expect(saved.locator("tbody tr a").first).to_be_visible()
        page.go_back()  # and what it links to is there, too
        with page.expect_download() as download:
            page.get_by_role("link", name="CSV").click()
        assert "run 2" in download.value.path().read_text()
    finally:
        context.close()
        stop()
