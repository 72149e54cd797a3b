"""``/changes``: what changes, as server-sent events, so that nobody has to ask again and again."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from milepost.server.change_feed import OPENED, ChangeFeed, Subject, feed_of
from milepost.server.here import ThisWorkspace
from milepost.server.limits import MAX_NAME
from milepost.server.streams import EVENT_STREAM, KEEP_ALIVE, check_room, event, stream
from milepost.store import changes

router = APIRouter(tags=["changes"])


@router.get(
    "/changes",
    summary="What changes, as it does",
    response_class=StreamingResponse,
    responses={200: {"description": "Server-sent events", "content": {EVENT_STREAM: {}}}},
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

    ``kind``: "runs" (rows of a table: new, ended, changed ones), "run" (the one that was asked for), "metrics" or
    "files"; without ``run_ids`` any may have changed.  Ask the other routes for what is new.
    """
    check_room(request)
    told = _told(feed_of(request, here), Subject(experiment, run_id), last_event_id or since)
    return stream(request, [told])


class ChangesNow(BaseModel):
    """Texts, each of which is another one after a change."""

    version: str = Field(description="Of all; it is another one at times without a change.")
    run: str | None = Field(description="Of what is known of the run; null where none was asked for.")
    metrics: str | None
    files: str | None


@router.get("/changes/now", summary="What tells whether something has changed")
def get_changes_now(
    here: ThisWorkspace,
    run_id: Annotated[str | None, Query(max_length=MAX_NAME, description="Also of this run.")] = None,
) -> ChangesNow:
    """For those that look now and then: it costs next to nothing to ask, without a run."""
    version = changes.version(here.store)
    if run_id is None:
        return ChangesNow(version=version, run=None, metrics=None, files=None)
    seen = changes.picture(here.store, run_id=run_id)
    return ChangesNow(version=version, run=_mark(seen.runs), metrics=_mark(seen.metrics), files=_mark(seen.files))


def _mark(seen: object) -> str:
    return hashlib.sha256(repr(seen).encode("utf-8", "surrogatepass")).hexdigest()[:32]


async def _told(feed: ChangeFeed, subject: Subject, known: str | None) -> AsyncGenerator[bytes]:
    async with aclosing(feed.follow(subject, known)) as found:
        async for each in found:
            if each.kind == OPENED:
                yield KEEP_ALIVE
            else:
                data = {"kind": each.kind, "run_ids": each.run_ids, "version": each.version}
                yield event(data, id=each.version)
