"""Look at pages of a server that runs, in a browser.  Runs under Milepost's interpreter, whatever the tool."""

from __future__ import annotations

from typing import Any

from job import Job


def measure(job: Job) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright
    from portal import browser

    told = job.more
    found: dict[str, Any] = {}
    with sync_playwright() as playwright:
        for view in told["views"]:
            try:
                found[view["name"]] = browser.look(
                    playwright.chromium, told["base"], told["link"], view, told["times"], told["limit_s"]
                )
                if told["keys"]:
                    found[view["name"]] |= browser.answers(
                        playwright.chromium, told["base"], told["link"], view, told["times"], told["limit_s"]
                    )
            except TimeoutError as error:
                found[view["name"]] = {"failed": str(error)}
    return found
