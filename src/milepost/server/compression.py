"""JSON answers are sent compressed where the client takes that.  Streams, files and ranges are left as they are."""

from __future__ import annotations

import asyncio
import gzip
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FROM_BYTES: Final = 1000
_IN_THREAD_FROM_BYTES: Final = 1 << 16
_LEVEL: Final = 4


class Compressed:
    """Compresses what ``app`` answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                if headers.get("content-type", "").startswith("application/json") and (
                    "content-encoding" not in headers and message["status"] not in (206, 304)
                ):
                    held = message
                    return
            elif held is not None:
                start, held = held, None
                if not message.get("more_body") and len(message.get("body", b"")) >= _FROM_BYTES:
                    message = {**message, "body": await _compressed(message["body"])}
                    headers = MutableHeaders(raw=start["headers"])
                    headers["Content-Length"] = str(len(message["body"]))
                    headers["Content-Encoding"] = "gzip"
                    if not headers.get("etag", "W/").startswith("W/"):
                        headers["ETag"] = f"W/{headers['etag']}"  # these are not the bytes that a strong one means
                MutableHeaders(raw=start["headers"]).add_vary_header("Accept-Encoding")
                await send(start)
            await send(message)

        await self._app(scope, receive, sending)


async def _compressed(body: bytes) -> bytes:
    if len(body) < _IN_THREAD_FROM_BYTES:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
