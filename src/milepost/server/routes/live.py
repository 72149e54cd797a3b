"""``/live``: all that a reader wants to be told as it happens, in one stream.

Browsers open six connections to one server, over all tabs.  So the portal's tabs share one stream, whatever they show.
Nothing of it is kept here: a reader that wants something else opens another stream, and says how far it has come.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from milepost.server.change_feed import ChangeFeed, Subject, feed_of
from milepost.server.here import Here, ThisWorkspace
from milepost.server.log_following import LogEnd, followed, follower_of
from milepost.server.roles import READER, needs
from milepost.server.schemas.live import FollowRequest, LiveRequest, WatchRequest
from milepost.server.streams import EVENT_STREAM, check_room, event, stream
from milepost.store.errors import BadInput, NotFound

router = APIRouter(tags=["changes"])


@router.post(
    "/live",
    summary="All that is wanted, as it happens",
    response_class=StreamingResponse,
    responses={200: {"description": "Server-sent events", "content": {EVENT_STREAM: {}}}},
    **needs(READER),
)
async def follow_all(request: Request, here: ThisWorkspace, wanted: LiveRequest) -> StreamingResponse:
    """One stream of many: each event carries as ``watch`` or ``log`` the id of what it tells of.

    ``{"watch", "kind", "run_ids", "version"}`` are those of `/changes`; the first one is of the kind "opened", and its
    version is the one to come back with.  ``{"log", "start", "text"}`` are those of following a log;
    ``{"log", "status"}`` is the last one, or ``{"log", "error"}`` where it cannot be followed.
    """
    check_room(request)
    feed = feed_of(request, here)
    sources = [_watch(feed, each) for each in wanted.watch] + [_follow(here, each) for each in wanted.logs]
    return stream(request, sources)


async def _watch(feed: ChangeFeed, wanted: WatchRequest) -> AsyncGenerator[bytes]:
    async with aclosing(feed.follow(Subject(wanted.experiment, wanted.run_id), wanted.since)) as found:
        async for each in found:
            told = {"watch": wanted.id, "kind": each.kind, "run_ids": each.run_ids, "version": each.version}
            yield event(told)


async def _follow(here: Here, wanted: FollowRequest) -> AsyncGenerator[bytes]:
    try:
        follower = await run_in_threadpool(
            follower_of, here.store, here.folder, wanted.run_id, wanted.name, wanted.start
        )
    except (NotFound, BadInput) as error:
        yield event({"log": wanted.id, "error": str(error)})
        return
    async with aclosing(followed(follower)) as found:
        async for each in found:
            yield event({"log": wanted.id, **({"status": each.status} if isinstance(each, LogEnd) else each.told())})
