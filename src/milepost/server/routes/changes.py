"""``/changes``: what changes, as server-sent events, so that pages are live without asking again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from milepost.server.here import Here, ThisWorkspace
from milepost.server.limits import MAX_NAME
from milepost.server.streams import EVENT_STREAM, HEADERS, KEEP_ALIVE, check_room, counted, event
from milepost.store import changes
from milepost.store.changes import Picture
from milepost.store.errors import StoreError

router = APIRouter(tags=["changes"])

_POLL_S: Final = 0.5
_SHARE: Final = 20
"""A look that took long is followed by a pause this many times as long."""
_SELDOM_S: Final = 5.0
"""Seconds between two looks at every run."""
_MOST_IDS: Final = 1000
_QUIET_S: Final = 15.0
"""After so much silence a comment is sent."""


@router.get(
    "/changes",
    summary="What changes, as it does",
    response_class=StreamingResponse,
    responses={200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}},
)
async def follow_changes(
    request: Request,
    here: ThisWorkspace,
    experiment: Annotated[str | None, Query(max_length=MAX_NAME, description="Only this experiment's runs.")] = None,
    run_id: Annotated[str | None, Query(max_length=MAX_NAME, description="Only this run.")] = None,
    since: Annotated[str | None, Query(max_length=200, description="The version that the reader knows.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=200)] = None,
) -> StreamingResponse:
    """A stream of ``{"kind", "run_ids", "version"}``, at most one of each kind in half a second.

    ``kind``: "runs" (rows of a table: new, ended, changed ones; no ids: any may have changed), "run" (the one that was
    asked for), "metrics" or "files".  Ask the other routes for what is new.
    """
    check_room(request)

    async def events() -> AsyncIterator[bytes]:
        with counted(request):
            async for each in _events(here, experiment, run_id, last_event_id or since):
                yield each

    return StreamingResponse(events(), media_type=EVENT_STREAM, headers=HEADERS)


async def _events(here: Here, experiment: str | None, run_id: str | None, known: str | None) -> AsyncIterator[bytes]:
    def look(thorough: bool) -> tuple[str, Picture]:
        version = changes.version(here.store)  # before the picture: what comes between is found next time
        return version, changes.picture(here.store, experiment=experiment, run_id=run_id, thorough=thorough)

    version, before = await asyncio.to_thread(look, True)
    yield KEEP_ALIVE
    if known is not None and known != version:
        yield _told("run" if run_id is not None else "runs", [] if run_id is None else [run_id], version)
    quiet_since = thorough_at = time.monotonic()
    seen_thoroughly = version
    pause = _POLL_S
    while True:
        await asyncio.sleep(pause)
        pause = _POLL_S
        try:
            newest = await asyncio.to_thread(changes.version, here.store)
            began = time.monotonic()
            thorough = newest != seen_thoroughly and began - thorough_at > _SELDOM_S
            if thorough or newest != version:
                version, now = await asyncio.to_thread(look, thorough)
                pause = max(_POLL_S, _SHARE * (time.monotonic() - began))
                if thorough:
                    thorough_at, seen_thoroughly = began, version
                else:
                    now = replace(now, seldom=before.seldom)
                for kind, run_ids in now.since(before).items():
                    quiet_since = time.monotonic()
                    yield _told("run" if kind == "runs" and run_id is not None else kind, run_ids, version)
                before = now
        except StoreError:
            return  # the reader comes back, and is told then what is wrong
        if time.monotonic() - quiet_since > _QUIET_S:
            quiet_since = time.monotonic()
            yield KEEP_ALIVE


def _told(kind: str, run_ids: list[str], version: str) -> bytes:
    # Too many to name: any may have changed.
    data: dict[str, Any] = {"kind": kind, "run_ids": run_ids if len(run_ids) <= _MOST_IDS else [], "version": version}
    return event(data, id=version)
