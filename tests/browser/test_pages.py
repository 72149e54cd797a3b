"""Every page and tab as a user walks them, light and dark, wide and narrow: nothing fails or comes from elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.browser.conftest import Open, Portal

SHOTS = os.environ.get("MILEPOST_SCREENSHOTS")
LOOKS = [("light", 1440), ("dark", 1440), ("light", 390)]
TABS = ["details", "metrics", "images", "children", "files", "snapshot", "monitoring"]
WAIT_MS = 15_000


def _settle(watched: object, name: str) -> None:
    page = watched.page  # type: ignore[attr-defined]
    page.wait_for_selector("main", timeout=WAIT_MS)
    page.wait_for_timeout(800)
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


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_of_a_submitted_run(open_page: Open, portal: Portal, tab: str) -> None:
    run_id = next(run_id for run_id in portal.runs.values() if run_id.startswith("train-on-local_"))
    watched = open_page(f"/experiments/train-on-local/runs/{run_id}?tab={tab}")
    _settle(watched, f"submitted-{tab}")


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
