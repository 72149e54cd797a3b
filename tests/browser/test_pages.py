"""Every page and tab as a user walks them, light and dark, wide and narrow: nothing fails or comes from elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.browser.conftest import Open, Portal

SHOTS = os.environ.get("MILEPOST_SCREENSHOTS")
LOOKS = [("dark", 1440), ("light", 390)]
TABS = ["details", "metrics", "images", "children", "files", "snapshot", "monitoring"]
WAIT_MS = 60_000
DRAWN = """async () => {
    const isDrawn = () => {
        const main = document.querySelector('main')
        return main && main.innerText.trim() && !/Loading /.test(main.innerText)
    }
    if (!isDrawn()) return false
    await new Promise(done => requestAnimationFrame(() => setTimeout(done, 100)))
    return isDrawn()
}"""
"""Whether the page shows something, and what it has shown is not about to go: parts of it are fetched one by one."""


def _settle(watched: object, name: str) -> None:
    page = watched.page  # type: ignore[attr-defined]
    page.wait_for_function(DRAWN, timeout=WAIT_MS)
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"))
    assert watched.trouble == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(("theme", "width"), LOOKS)
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("experiments", "/experiments"),
        ("experiment", "/experiments/sweep"),
        ("models", "/models"),
        ("compute", "/compute"),
    ],
)
def test_a_page_of_the_workspace(open_page: Open, name: str, path: str, theme: str, width: int) -> None:
    watched = open_page(path, theme=theme, width=width)
    _settle(watched, f"{name}-{theme}-{width}")


@pytest.mark.parametrize(("theme", "width"), LOOKS)
@pytest.mark.parametrize("tab", TABS)
def test_a_tab_of_a_run(open_page: Open, portal: Portal, tab: str, theme: str, width: int) -> None:
    run_id = portal.runs["the article's table"]
    watched = open_page(f"/experiments/charts/runs/{run_id}?tab={tab}", theme=theme, width=width)
    _settle(watched, f"run-{tab}-{theme}-{width}")


@pytest.mark.parametrize("tab", ["details", "files", "snapshot", "monitoring"])
def test_a_tab_of_a_submitted_run(open_page: Open, portal: Portal, tab: str) -> None:
    run_id = next(run_id for run_id in portal.runs.values() if run_id.startswith("train-on-local_"))
    watched = open_page(f"/experiments/train-on-local/runs/{run_id}?tab={tab}")
    _settle(watched, f"submitted-{tab}")


def test_how_far_a_run_came(open_page: Open, portal: Portal) -> None:
    watched = open_page(f"/experiments/sweep/runs/{portal.runs['one that failed']}")
    watched.page.get_by_text("3 of 10").wait_for(timeout=WAIT_MS)
    assert watched.page.get_by_role("progressbar", name="Progress").get_attribute("aria-valuenow") == "30"
    _settle(watched, "run-progress")


def test_runs_side_by_side(open_page: Open, portal: Portal) -> None:
    ids = [portal.runs[f"trial {number}"] for number in range(5)]
    watched = open_page(f"/compare?runs={','.join(ids)}")
    _settle(watched, "compare")


@pytest.mark.parametrize("tab", TABS)
def test_what_a_hostile_script_has_logged_is_shown_as_text(open_page: Open, portal: Portal, tab: str) -> None:
    run_id = next(run_id for name, run_id in portal.runs.items() if name.startswith("<img"))
    watched = open_page(f"/experiments/hostile/runs/{run_id}?tab={tab}")
    _settle(watched, f"hostile-{tab}")
    assert watched.page.locator("main img[src='x']").count() == 0


HOSTILE_FILES = ["html", "svg", "csv", "json", "md", "ipynb"]
HOSTILE_PAGES = [
    *(f"/experiments/hostile/runs/RUN?tab=files&file=outputs%2Fevil.{ending}" for ending in HOSTILE_FILES),
    "/experiments/hostile/runs/RUN?tab=files&file=logs%2Fevil.log",
    "/experiments/hostile?children=true&columns=metrics.EVIL,tags.EVIL,properties.EVIL&sort=tags.EVIL",
    "/experiments/hostile?group=tags.EVIL&columns=metrics.EVIL&chart=EVIL",
    "/experiments/hostile?filter=tags.%22EVIL%22+%3D+%22EVIL%22",
    "/experiments/EVIL",
    "/experiments/EVIL/runs/EVIL?tab=EVIL",
    "/compare?runs=RUN,EVIL",
    "/compare?runs=RUN,CHILD&tab=differences",
    "/models/hostile-model",
    "/models/EVIL",
    "/compute?pool=EVIL",
]


def test_hostile_names_texts_and_addresses_are_shown_as_text_everywhere(open_page: Open, portal: Portal) -> None:
    hostile = [run_id for name, run_id in portal.runs.items() if name.startswith("<img")]
    evil = quote("<img src=x onerror=alert(1)><script>alert(2)</script>", safe="")
    watched = open_page("/experiments/hostile")
    for place in HOSTILE_PAGES:
        path = place.replace("RUN", hostile[0]).replace("CHILD", hostile[-1]).replace("EVIL", evil)
        watched.page.goto(portal.base + path)
        watched.page.wait_for_function(DRAWN, timeout=WAIT_MS)
        assert watched.page.locator("img[src='x'], script:not([src]), [href^='javascript' i]").count() == 0, place
    wrong = [each for each in watched.trouble if not re.match(r"4\d\d |console: Failed to load resource", each)]
    assert wrong == []


@pytest.mark.parametrize("ending", ["html", "svg"])
def test_a_hostile_file_opened_by_its_own_address_is_saved_and_not_shown(
    open_page: Open, portal: Portal, ending: str
) -> None:
    run_id = next(run_id for name, run_id in portal.runs.items() if name.startswith("<img"))
    watched = open_page(f"/experiments/hostile/runs/{run_id}?tab=files&file=outputs%2Fevil.{ending}")
    page = watched.page
    page.wait_for_function(DRAWN, timeout=WAIT_MS)
    key = page.evaluate("localStorage.getItem('milepost-session')")
    address = f"{portal.base}/s/{key}/api/v1/runs/{run_id}/files/outputs/evil.{ending}"
    with page.expect_download() as download:
        page.evaluate("address => { window.location.href = address }", address)
    assert b"alert(" in download.value.path().read_bytes()
    assert page.url.startswith(f"{portal.base}/experiments/")
    assert watched.trouble == []
