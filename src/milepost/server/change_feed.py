"""What changes in a workspace, for any number of readers: each part of it is looked at once, whoever watches it.

A reader watches a subject: a run, the runs of an experiment, or all runs.  What it is told carries the version of the
subject; who comes back with it, to this server or to another one of the same store, is told what it has missed.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from milepost.store import changes
from milepost.store.changes import Picture

if TYPE_CHECKING:
    from fastapi import Request

    from milepost.server.here import Here
    from milepost.store.store import Store

RUNS: Final = "runs"
RUN: Final = "run"
METRICS: Final = "metrics"
FILES: Final = "files"
OPENED: Final = "opened"

_KINDS: Final = (RUNS, METRICS, FILES)
_POLL_S: Final = 0.5
_SHARE: Final = 20
"""A look that took long is followed by a pause this many times as long."""
_SELDOM_S: Final = 5.0
"""Seconds between two looks at every run."""
_MOST_IDS: Final = 1000
_RECENT_S: Final = 5.0
"""A page may have read what it shows so long before it began to watch."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is watched: a run, the runs of an experiment, or all runs."""

    experiment: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a reader is told."""

    kind: str
    """OPENED, once, when the subject is watched from now on; then "runs", "run", "metrics" or "files"."""
    run_ids: list[str]
    """Empty where any run may have changed."""
    version: str
    """Of the subject."""


@dataclass(eq=False)
class _Reader:
    """Who watches a subject, and what it is still to be told: those who take it slowly are told it at once."""

    waiting: dict[str, set[str] | None] = field(default_factory=dict)
    """kind -> ids of runs; None: any may have changed."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, changed: Mapping[str, list[str]]) -> None:
        for kind, run_ids in changed.items():
            before = self.waiting.get(kind, set())
            together = before | set(run_ids) if before is not None and run_ids else None
            self.waiting[kind] = together if together is not None and len(together) <= _MOST_IDS else None
        if changed:
            self.woken.set()


@dataclass(eq=False)
class _Watched:
    """A subject with its readers, and how it was when it was last looked at."""

    subject: Subject
    readers: set[_Reader] = field(default_factory=set)
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is a first picture, or none can be had."""
    error: Exception | None = None
    picture: Picture = field(default_factory=Picture)
    version: str = ""
    store_version: str = ""
    thorough_version: str = ""
    thorough_at: float = 0.0
    not_before: float = 0.0
    changed_at: float = -math.inf

    def take(self, picture: Picture, store_version: str) -> dict[str, list[str]]:
        """Keep a new picture.  Gives what has changed since the one before."""
        found = picture.since(self.picture)
        self.picture, self.store_version = picture, store_version
        self.version = ".".join(picture.marks()[kind] for kind in _KINDS)
        return {self._named(kind): run_ids for kind, run_ids in found.items()}

    def missed(self, known: str | None) -> dict[str, list[str]]:
        """What a new reader is to be told who knows that version or, with None, has just read the subject."""
        if known is None:
            missed = [RUNS, METRICS] if time.monotonic() - self.changed_at < _RECENT_S else []
        else:
            before = dict(zip(_KINDS, known.split("."), strict=False))
            missed = [kind for kind, mark in self.picture.marks().items() if before.get(kind) != mark]
        some = [] if self.subject.run_id is None else [self.subject.run_id]
        return {self._named(kind): some for kind in missed}

    def _named(self, kind: str) -> str:
        return RUN if kind == RUNS and self.subject.run_id is not None else kind


class ChangeFeed:
    """Watches one store while anybody wants that.  For the event loop's thread only."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._watched: dict[Subject, _Watched] = {}
        self._looking: asyncio.Task[None] | None = None
        self._asked = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Whether nobody watches."""
        return not self._watched

    async def follow(self, subject: Subject, known: str | None = None) -> AsyncGenerator[Change]:
        """The changes of a subject from now on, after an OPENED.

        ``known``: the version that the reader has; what has changed since is told first.  Raises the store's errors.
        """
        watched = self._watched.get(subject)
        if watched is None:
            watched = self._watched[subject] = _Watched(subject)
        reader = _Reader()
        watched.readers.add(reader)
        self._asked.set()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_on())
        try:
            await watched.looked.wait()
            reader.tell(watched.missed(known))
            if watched.error is None:
                yield Change(OPENED, [], watched.version)
            while watched.error is None:
                await reader.woken.wait()
                reader.woken.clear()
                told, reader.waiting = reader.waiting, {}
                for kind, run_ids in told.items():
                    yield Change(kind, sorted(run_ids or ()), watched.version)
            raise watched.error
        finally:
            watched.readers.discard(reader)
            if not watched.readers and self._watched.get(subject) is watched:
                del self._watched[subject]

    async def _look_on(self) -> None:
        while self._watched:
            self._asked.clear()
            try:
                newest = await asyncio.to_thread(changes.version, self.store)  # before pictures: nothing falls between
                for watched in list(self._watched.values()):
                    await self._look(watched, newest)
            except Exception as error:  # the readers come back, and are told then what is wrong
                self._give_up(error)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._asked.wait(), _POLL_S)

    def _give_up(self, error: Exception) -> None:
        for watched in self._watched.values():
            watched.error = error
            watched.looked.set()
            for reader in watched.readers:
                reader.woken.set()
        self._watched = {}

    async def _look(self, watched: _Watched, newest: str) -> None:
        began = time.monotonic()
        if not watched.looked.is_set():
            await self._look_first(watched, newest)
        elif began >= watched.not_before:
            await self._look_again(watched, newest, began)
        else:
            return
        watched.not_before = time.monotonic() + _SHARE * (time.monotonic() - began)

    async def _look_first(self, watched: _Watched, newest: str) -> None:
        picture = await self._picture(watched, thorough=True)
        delivered_ns = await asyncio.to_thread(changes.last_delivery_ns, self.store)
        watched.take(picture, newest)
        watched.thorough_version, watched.thorough_at = newest, time.monotonic()
        now_ns = time.time_ns()
        # What is delivered of others is no news of a run that has ended long ago.
        if picture.ended_ns is None or now_ns - picture.ended_ns < _RECENT_S * 1e9:
            watched.changed_at = time.monotonic() - (now_ns - delivered_ns) / 1e9
        watched.looked.set()

    async def _look_again(self, watched: _Watched, newest: str, now: float) -> None:
        thorough = newest != watched.thorough_version and now - watched.thorough_at > _SELDOM_S
        if not thorough and newest == watched.store_version:
            return
        picture = await self._picture(watched, thorough=thorough)
        if thorough:
            watched.thorough_version, watched.thorough_at = newest, now
        else:
            picture = replace(picture, seldom=watched.picture.seldom)
        changed = watched.take(picture, newest)
        if changed:
            watched.changed_at = now
        for reader in watched.readers:
            reader.tell(changed)

    async def _picture(self, watched: _Watched, *, thorough: bool) -> Picture:
        experiment, run_id = watched.subject.experiment, watched.subject.run_id
        return await asyncio.to_thread(
            changes.picture, self.store, experiment=experiment, run_id=run_id, thorough=thorough
        )


def feed_of(request: Request, here: Here) -> ChangeFeed:
    """The feed of a workspace, which all requests of this server share."""
    feeds: dict[str, ChangeFeed] | None = getattr(request.app.state, "change_feeds", None)
    if feeds is None:
        feeds = request.app.state.change_feeds = {}
    for key in [key for key, feed in feeds.items() if feed.is_idle]:
        del feeds[key]
    found = feeds.get(here.id)
    if found is None or found.store is not here.store:  # its file was replaced: the old feed is left to its readers
        found = feeds[here.id] = ChangeFeed(here.store)
    return found
