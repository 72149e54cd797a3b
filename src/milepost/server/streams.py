"""Streams of server-sent events: how they are written, and that not too many are open."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from milepost.server.errors import Problem

if TYPE_CHECKING:
    from fastapi import Request

EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
KEEP_ALIVE: Final = b": still here\n\n"
"""To be sent now and then, so that nobody on the way takes the connection for dead."""


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
