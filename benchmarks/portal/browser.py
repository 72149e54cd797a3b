"""Pages in a real browser: from the navigation until what they show is drawn."""

from __future__ import annotations

import base64
import contextlib
import re
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, BrowserType, CDPSession, ConsoleMessage, Page
from playwright.sync_api import Error as BrowserError

_SCRIPT = Path(__file__).with_name("drawn.js").read_text()
_SIZE = {"width": 1440, "height": 900}
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_LEARNING = 2
"""Visits after the first one that are not counted: by then Chromium keeps what it has compiled."""
_SETTLE_MS = 700
"""After what is waited for was drawn: requests that the page still has on its way are counted, too."""
_NOT_SENT = {"content-length", "host", "connection", "accept-encoding", "origin", "referer", "cookie"}
"""Headers that are another server's, or made anew by whoever sends the request again."""


def look(
    chromium: BrowserType, base: str, link: str, view: dict[str, Any], times: int, limit_s: float
) -> dict[str, Any]:
    """Open a page with an empty cache, then again and again.  ``link`` lets the browser in, where that is needed.

    Gives the ms until it was drawn, bytes over the wire, and the requests of its scripts until then.  Raises
    TimeoutError.
    """
    with _profile(chromium, link, view) as context:
        result = _first(context, base, view, limit_s)
        for _ in range(_LEARNING):
            _again(context, base, view, limit_s)
        again = sorted(_again(context, base, view, limit_s) for _ in range(times))
    return {**result, "warm_ms": statistics.median(again), "warm_min_ms": again[0], "warm_max_ms": again[-1]}


def answers(
    chromium: BrowserType, base: str, link: str, view: dict[str, Any], times: int, limit_s: float
) -> dict[str, Any]:
    """ms from the navigation until a page with an empty cache answers the key ``?`` with a dialog."""
    found = []
    for _ in range(times):
        with _profile(chromium, link, view, key="?") as context:
            found.append(_told(context.new_page(), base + view["path"], "answered", limit_s))
    return {"answers_ms": statistics.median(found), "answers_max_ms": max(found)}


@contextlib.contextmanager
def _profile(chromium: BrowserType, link: str, view: dict[str, Any], key: str = "") -> Iterator[BrowserContext]:
    """A Chromium without a window, as one has it who has never been there.  Raises RuntimeError where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise RuntimeError("there is no Chromium on this machine: apt-get install chromium")
    stored = "".join(f"localStorage.setItem({name!r}, {value!r});" for name, value in view["stored"].items())
    # A profile on the disk: only there Chromium keeps what it has compiled, as it does for people.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        context = chromium.launch_persistent_context(
            folder, executable_path=program, args=list(_FLAGS), viewport=_SIZE, color_scheme="light"
        )
        try:
            context.set_default_timeout(0)
            if link:  # outside of the pages, so that nothing of them is in the cache
                onward = context.request.get(link, max_redirects=0).headers["location"]
                stored += f"localStorage.setItem('milepost-session', {onward.partition('#session=')[2]!r});"
            context.add_init_script(stored + _SCRIPT.replace("TEST", view["drawn"]).replace("PRESSED", repr(key)))
            yield context
        finally:
            context.close()


def _first(context: BrowserContext, base: str, view: dict[str, Any], limit_s: float) -> dict[str, Any]:
    page = context.new_page()
    wire = _Wire(context.new_cdp_session(page))
    wanted: list[dict[str, Any]] = []
    pattern = re.compile(view["data"]) if view["data"] else None

    def seen(request: Any) -> None:
        if pattern is not None and request.resource_type in ("xhr", "fetch"):
            body = request.post_data_buffer
            wanted.append(
                {
                    "method": request.method,
                    "url": request.url,
                    "headers": request.all_headers,
                    "body": None if body is None else base64.b64encode(body).decode(),
                    "is_data": pattern.search(request.url) is not None,
                }
            )

    page.on("request", seen)
    cold = _told(page, base + view["path"], "drawn", limit_s)
    asked = list(wanted)
    for each in asked:
        headers = each["headers"]()
        kept = {k: v for k, v in headers.items() if not k.startswith(":") and k.lower() not in _NOT_SENT}
        each["headers"] = kept
    page.wait_for_timeout(_SETTLE_MS)
    picture = page.screenshot()
    page.close()
    return {
        "cold_ms": cold,
        "wire_bytes": wire.bytes,
        "files": wire.files,
        "requests": asked,
        "picture": base64.b64encode(picture).decode(),
    }


def _again(context: BrowserContext, base: str, view: dict[str, Any], limit_s: float) -> float:
    page = context.new_page()
    try:
        return _told(page, base + view["path"], "drawn", limit_s)
    finally:
        page.wait_for_timeout(_SETTLE_MS)
        page.close()


def _told(page: Page, address: str, what: str, limit_s: float) -> float:
    """When the page said it, in ms from its navigation."""

    def is_it(message: ConsoleMessage) -> bool:
        return message.text.startswith(f"bench {what} ")

    try:
        with page.expect_console_message(is_it, timeout=limit_s * 1000) as told:
            page.goto(address, wait_until="commit")
    except BrowserError as error:
        if "Timeout" in str(error):
            raise TimeoutError(f"not drawn within {limit_s:g} s: {address[:200]}") from error
        raise
    return float(told.value.text.split()[-1])


class _Wire:
    """Counts what comes over the wire, headers included, compressed as it is."""

    def __init__(self, session: CDPSession) -> None:
        self.bytes = 0
        self.files = 0
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._finished)

    def _finished(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])
        self.files += 1
