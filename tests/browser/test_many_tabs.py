"""Many tabs of one browser are live at once, and follow a log: a browser opens six connections to a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.conftest import Portal
from tests.browser.training import Training

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

WAIT_MS = 60_000
TABS = 8
SEEN = """seen => {
    Object.defineProperty(document, "hidden", {value: !seen, configurable: true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""
"""Has a page take itself for a tab that is in front, or is not."""


def signed_in(browser: Browser, portal: Portal) -> BrowserContext:
    context = browser.new_context()
    page = context.new_page()
    page.goto(portal.link)
    page.close()
    return context


def sees(page: Page, text: str) -> None:
    page.get_by_text(text, exact=True).first.wait_for(timeout=WAIT_MS)


def test_many_tabs_see_a_change_and_a_log_that_grows(browser: Browser, portal: Portal, training: Training) -> None:
    context = signed_in(browser, portal)
    logs, details = [], []
    for number in range(TABS):
        page = context.new_page()
        tab, some = ("files", logs) if number % 2 else ("details", details)
        page.goto(portal.base + training.page(tab), timeout=WAIT_MS)
        some.append(page)
    for page in logs:
        sees(page, "the first line")
    for page in details:
        sees(page, "Running")
    hidden = [logs[0], details[0]]
    for word in ("second", "third"):
        for page in hidden if word == "third" else []:
            page.evaluate(SEEN, False)
        training.go_on(word)
        for page in logs:
            if word == "second" or page not in hidden:
                sees(page, f"the {word} line")
        for page in details:
            if word == "second" or page not in hidden:
                sees(page, word)
    assert hidden[0].get_by_text("the third line", exact=True).count() == 0
    for page in hidden:
        page.evaluate(SEEN, True)
    sees(hidden[0], "the third line")
    sees(hidden[1], "third")
    training.go_on("last")
    for page in details:
        sees(page, "Completed")
    for page in logs:
        page.get_by_text("· live").wait_for(state="detached", timeout=WAIT_MS)
        assert page.get_by_text("the third line", exact=True).count() == 1
    context.close()


def test_a_tab_is_live_where_there_are_no_shared_workers(browser: Browser, portal: Portal, training: Training) -> None:
    context = signed_in(browser, portal)
    context.add_init_script("delete window.SharedWorker")
    page = context.new_page()
    page.goto(portal.base + training.page("files"), timeout=WAIT_MS)
    sees(page, "the first line")
    training.go_on("second")
    sees(page, "the second line")
    page.goto(portal.base + training.page("details"), timeout=WAIT_MS)
    sees(page, "second")
    for word in ("third", "last"):
        training.go_on(word)
    sees(page, "Completed")
    context.close()
