"""Streams of server-sent events: how they are written, and that not too many are open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from fastapi.responses import StreamingResponse

from milepost.server.problem import Problem
from milepost.store.errors import StoreError

if TYPE_CHECKING:
    from fastapi import Request

EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
KEEP_ALIVE: Final = b": still here\n\n"
"""To be sent now and then, so that nobody on the way takes the connection for dead."""
QUIET_S: Final = 15.0
"""After so much silence."""
_AHEAD: Final = 8
"""Pieces that wait for the reader."""


def event(data: Mapping[str, Any], *, kind: str | None = None, id: str | None = None) -> bytes:
    """An event as it is sent; JSON has no line ends of its own."""
    head = ("" if kind is None else f"event: {kind}\n") + ("" if id is None else f"id: {id}\n")
    return f"{head}data: {json.dumps(data)}\n\n".encode()


def check_room(request: Request) -> None:
    """Raises Problem (503) where as many streams are open as the server allows."""
    most: int = request.app.state.settings.max_streams
    if getattr(request.app.state, "open_streams", 0) >= most:
        raise Problem(
            503, f"{most} streams are open already: close some of the portal's pages", code="too_many_streams"
        )


@contextmanager
def counted(request: Request) -> Iterator[None]:
    """Counts a stream as long as it is sent.  For the event loop's thread only, which makes counting safe."""
    state = request.app.state
    state.open_streams = getattr(state, "open_streams", 0) + 1
    try:
        yield
    finally:
        state.open_streams -= 1


async def merged(sources: Sequence[AsyncGenerator[bytes]]) -> AsyncGenerator[bytes]:
    """What several sources give, as it comes, and KEEP_ALIVE after some silence.

    Ends when all of them have ended, or with the error of the first that fails.  Sources wait for a reader that is
    slow, and take turns then.
    """
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)

    async def pour(source: AsyncGenerator[bytes]) -> None:
        async with aclosing(source):
            async for piece in source:
                await pieces.put(piece)

    async def pour_all() -> None:
        with suppress(Exception):  # told below
            await asyncio.gather(*pouring)
        await pieces.put(None)

    pouring = [asyncio.create_task(pour(source)) for source in sources]
    ending = asyncio.create_task(pour_all())
    try:
        while True:
            try:
                piece = await asyncio.wait_for(pieces.get(), QUIET_S)
            except asyncio.TimeoutError:
                piece = KEEP_ALIVE
            if piece is None:
                await asyncio.gather(*pouring)
                return
            yield piece
    finally:
        for task in (ending, *pouring):
            task.cancel()
        await asyncio.gather(ending, *pouring, return_exceptions=True)


def stream(request: Request, sources: Sequence[AsyncGenerator[bytes]]) -> StreamingResponse:
    """The answer that gives what the sources give, until they have ended or one cannot go on.

    Its reader comes back then, and is told what is wrong by a status.
    """

    async def counted_pieces() -> AsyncGenerator[bytes]:
        with counted(request), suppress(StoreError):
            async with aclosing(merged(sources)) as pieces:
                async for piece in pieces:
                    yield piece

    return StreamingResponse(counted_pieces(), 200, HEADERS, media_type=EVENT_STREAM)
