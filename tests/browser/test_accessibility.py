"""WCAG 2.2 AA as far as a machine can tell: axe on every page, tab, menu and dialog; reflow, headings, titles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.accessible import AXE, WAIT_MS, WIDE, assert_accessible, assert_reflows, settled
from tests.browser.conftest import Portal
from tests.browser.test_pages import TABS
from tests.conftest import only_thorough

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ARTICLE = "the article's table"
Act = Callable[["Page"], Any]


@pytest.fixture(scope="module")
def page(browser: Browser, portal: Portal) -> Iterator[Page]:
    """One tab for all of it, with axe ready in every page that it opens."""
    from playwright.sync_api import expect

    if not AXE.is_file():
        pytest.skip("axe is not installed: make web-check")
    expect.set_options(timeout=WAIT_MS)
    context = browser.new_context(viewport={"width": WIDE, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    page.goto(portal.link)
    yield page
    context.close()


def _look(page: Page, portal: Portal, path: str, act: Act | None = None) -> None:
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto(portal.base + path)
    settled(page)
    if act is None:
        assert_reflows(page, path)
        headings = page.evaluate("[...document.querySelectorAll('h1')].map(each => each.textContent)")
        assert len(headings) == 1, path
        title = page.title()
        assert title.endswith(" · Milepost"), path
        assert title.split(" · ")[0][:20] in headings[0], path
    else:
        act(page)
    assert_accessible(page, path)


@pytest.mark.parametrize(
    "path",
    [
        "/experiments",
        "/experiments?search=nothing",
        "/experiments?view=archived",
        "/experiments/growing",
        "/experiments/sweep?group=tags.size&sort=metrics.mse",
        "/experiments/sweep?filter=oops",
        "/experiments/sweep?filter=metrics.mse+<+0",
        "/experiments/none",
        "/models",
        "/models/best-ridge",
        "/compute",
        "/compute?pool=cpu-cluster",
        "/nothing/here",
    ],
)
def test_a_page(page: Page, portal: Portal, path: str) -> None:
    _look(page, portal, path)


@pytest.mark.parametrize("tab", TABS)
def test_a_tab_of_a_run(page: Page, portal: Portal, tab: str) -> None:
    _look(page, portal, f"/experiments/charts/runs/{portal.runs[ARTICLE]}?tab={tab}")


@only_thorough
@pytest.mark.parametrize("tab", ["details", "files", "snapshot", "monitoring"])
def test_a_tab_of_a_submitted_run(page: Page, portal: Portal, tab: str) -> None:
    run_id = next(run_id for run_id in portal.runs.values() if run_id.startswith("train-on-local_"))
    _look(page, portal, f"/experiments/train-on-local/runs/{run_id}?tab={tab}")


@pytest.mark.parametrize("tab", ["overlay", "differences", "parallel", "scatter", "images"])
def test_a_tab_of_the_comparison(page: Page, portal: Portal, tab: str) -> None:
    ids = ",".join(portal.runs[f"trial {number}"] for number in range(4))
    _look(page, portal, f"/compare?runs={ids}&tab={tab}")


def _charts(page: Page) -> None:
    page.get_by_label("Choose run 5", exact=True).check()
    page.get_by_label("Choose run 6", exact=True).check()
    page.get_by_role("button", name="Charts").click()
    page.wait_for_selector("aside canvas")


def _filtering(page: Page) -> None:
    page.get_by_label("Filter runs").fill("status = ")
    page.get_by_role("option").first.wait_for()


def _press(*names: str) -> Act:
    def act(page: Page) -> None:
        for name in names:
            page.get_by_role("button", name=name, exact=True).first.click()
        page.get_by_role("dialog").or_(page.get_by_role("menu")).first.wait_for()

    return act


def _tagging(page: Page) -> None:
    page.get_by_label("Choose run 5", exact=True).check()
    _press("Tag")(page)


def _grouping(page: Page) -> None:
    page.get_by_role("combobox", name="Group runs by").click()
    page.get_by_role("option").first.wait_for()


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(_charts, id="charts panel, chosen runs"),
        pytest.param(_filtering, id="words that fit"),
        pytest.param(_grouping, id="group by"),
        pytest.param(_press("How filters are written"), id="how filters are written"),
        pytest.param(_press("Columns"), id="columns"),
        pytest.param(_press("Show"), id="show"),
        pytest.param(_press("Column mse"), id="menu of a column"),
        pytest.param(_tagging, id="dialog"),
        pytest.param(_press("Keyboard"), id="keys"),
    ],
)
def test_what_opens_over_the_runs_table(page: Page, portal: Portal, act: Act) -> None:
    _look(page, portal, "/experiments/sweep?sort=number", act)
