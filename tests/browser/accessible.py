"""What a machine can tell of WCAG 2.2 AA on the page that is open: axe, and reflow."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import THOROUGH

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
WAIT_MS = 60_000
ALL = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"type": "rule", "values": ["color-contrast"]}
WIDE, NARROW, NARROWEST = 1440, 390, 320
RUN = """rules => axe.run(document, {runOnly: rules, resultTypes: ["violations"]})
    .then(({violations}) => violations.map(each => ({
        id: each.id, impact: each.impact, nodes: each.nodes.map(node => `${node.target}: ${node.failureSummary}`)})))"""
STILL = """new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))).then(() =>
    document.getAnimations().every(each =>
        each.playState !== "running" || each.effect.getComputedTiming().endTime === Infinity))"""


def until(page: Page, condition: str, where: str = "") -> None:
    # Not wait_for_function: it evaluates in the page, whose policy forbids that.
    deadline = time.monotonic() + WAIT_MS / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, f"{where}: not {condition}"
        page.wait_for_timeout(50)


def settled(page: Page) -> None:
    page.wait_for_selector("main h1")
    until(page, "!document.querySelector('main').innerText.includes('Loading ')")
    # What fades or slides is at its end; what goes on for ever may (it is told in words, too).
    until(page, STILL)


def assert_accessible(page: Page, where: str) -> None:
    """Wide and light, narrow and dark; `make thorough` looks at the colours of the other two, too."""
    # Evaluated from outside, so that the page's policy against scripts that are not its own stays in force.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for width, scheme, rules in (
        (WIDE, "light", ALL),
        (NARROW, "dark", ALL),
        *(((WIDE, "dark", COLOURS), (NARROW, "light", COLOURS)) if THOROUGH else ()),
    ):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        until(page, f"document.documentElement.dataset.mantineColorScheme === '{scheme}'")
        settled(page)
        found = page.evaluate(RUN, rules)
        bad = [each for each in found if each["impact"] in ("serious", "critical")]
        assert bad == [], f"{where}, {width} px, {scheme}"


def assert_reflows(page: Page, where: str) -> None:
    """At 320 px (a page of 1280 px, four times enlarged) only what is a table or a chart scrolls sideways."""
    page.set_viewport_size({"width": NARROWEST, "height": 800})
    until(page, f"document.documentElement.scrollWidth <= {NARROWEST}", where)  # charts follow in a moment
    page.set_viewport_size({"width": WIDE, "height": 900})
