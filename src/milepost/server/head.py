"""HEAD: what GET would answer, without its body, and without the body being made where it is sent in pieces."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NO_BODY: Final[Message] = {"type": "http.response.body", "body": b"", "more_body": False}


class HeadAsGet:
    """Has ``app`` answer HEAD as it answers GET."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()
        body_given = False

        async def sending(message: Message) -> None:
            if answered.is_set():
                return
            await send(message)
            if message["type"] == "http.response.start":
                await send(_NO_BODY)
                answered.set()

        async def receiving() -> Message:
            nonlocal body_given
            if not body_given:
                body_given = True
                return await receive()
            await answered.wait()
            return {"type": "http.disconnect"}  # so that nothing more is made

        await self._app({**scope, "method": "GET"}, receiving, sending)
