"""Who watches a feed: keeps what it sends, and waits for what is to come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from milepost.widgets.feed import Feed


class Watcher:
    """A sink that remembers."""

    def __init__(self, feed: Feed) -> None:
        self.parts: dict[str, Any] = {}
        self.told: dict[str, Any] = {}
        self.sent: list[set[str]] = []
        """The names of the parts of each sending."""
        self._news = threading.Condition()
        self._feed = feed
        feed.sinks.append(self)

    def show(self, parts: dict[str, Any], told: dict[str, Any]) -> None:
        with self._news:
            self.parts.update(parts)
            self.told = told
            self.sent.append(set(parts))
            self._news.notify_all()

    def until(self, found: Callable[[], Any], timeout_s: float = 60) -> None:
        """Wait until what was sent makes this true."""
        with self._news:
            assert self._news.wait_for(lambda: bool(_safe(found)), timeout_s), (self.told, self.sent[-5:])

    @property
    def status(self) -> str | None:
        found: str | None = self.parts.get("run", {}).get("run", {}).get("status")
        return found

    @property
    def log(self) -> str:
        data: bytes = self.parts.get("logs", {}).get("data", b"")
        return data.decode()

    def count_of(self, name: str) -> int:
        """How many points the metric has, as sent."""
        listed = self.parts.get("metrics", {}).get("metrics", [])
        return next((int(each["count"]) for each in listed if each["name"] == name), 0)


def _safe(found: Callable[[], Any]) -> Any:
    try:
        return found()
    except (KeyError, IndexError, TypeError):
        return None


def ask(feed: Feed, question: dict[str, Any], timeout_s: float = 60) -> tuple[dict[str, Any], list[bytes]]:
    """The feed's answer; an AssertionError with the reason where it has none."""
    done = threading.Event()
    got: list[Any] = []

    def keep(answer: Any, problem: str | None) -> None:
        got.extend((answer, problem))
        done.set()

    feed.ask(question, keep)
    assert done.wait(timeout_s), f"no answer to {question}"
    assert got[1] is None, got[1]
    found: tuple[dict[str, Any], list[bytes]] = got[0]
    return found
