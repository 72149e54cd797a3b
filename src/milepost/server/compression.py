"""Answers are compressed for who is on another machine, or says that its link is slow.

On one machine bytes travel faster than any of the two could work on them: 8 MB of series are with the page after 66 ms
as they are, after 79 ms with zstd and after 211 ms with gzip.  Over 1 Gbit/s it is 312, 125 and 342 ms, over 100 Mbit/s
1,016, 411 and 823 ms.  So zstd is taken before gzip, and what seems to be on this machine but comes through a tunnel
asks for it with ``Save-Data: on``; the portal's pages measure that (``web/src/api/link.ts``).

Streams, files and ranges are left as they are.
"""

from __future__ import annotations

import asyncio
import gzip
import sys
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from milepost.server.series_format import MEDIA_TYPE

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_TYPES: Final = ("application/json", "text/plain", "text/csv", MEDIA_TYPE)
_FROM_BYTES: Final = 1000
_IN_THREAD_FROM_BYTES: Final = 1 << 16
_ZSTD_LEVEL: Final = 3
_GZIP_LEVEL: Final = 1  # higher ones take longer than they save


class Compressed:
    """Compresses what ``app`` answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        encoding = _encoding(scope) if scope["type"] == "http" else None
        if encoding is None:
            await self._app(scope, receive, send)
            return
        held: Message | None = None

        async def sending(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start":
                headers = Headers(raw=message["headers"])
                if headers.get("content-type", "").startswith(_TYPES) and (
                    "content-encoding" not in headers and message["status"] not in (206, 304)
                ):
                    held = message
                    return
            elif held is not None:
                start, held = held, None
                headers = MutableHeaders(raw=start["headers"])
                if not message.get("more_body") and len(message.get("body", b"")) >= _FROM_BYTES:
                    message = {**message, "body": await _compressed(message["body"], encoding)}
                    headers["Content-Length"] = str(len(message["body"]))
                    headers["Content-Encoding"] = encoding
                    if not headers.get("etag", "W/").startswith("W/"):
                        headers["ETag"] = f"W/{headers['etag']}"  # these are not the bytes that a strong one means
                headers.add_vary_header("Accept-Encoding")
                headers.add_vary_header("Save-Data")
                await send(start)
            await send(message)

        await self._app(scope, receive, sending)


def _encoding(scope: Scope) -> str | None:
    """How to compress for this client; None for not at all."""
    headers = Headers(scope=scope)
    if _is_here(scope) and headers.get("save-data", "").strip().lower() != "on":
        return None
    taken = {
        name.strip().lower()
        for name, _, quality in (each.partition(";") for each in headers.get("accept-encoding", "").split(","))
        if quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    }
    return next((each for each in ("zstd", "gzip") if each in taken), None)


def _is_here(scope: Scope) -> bool:
    """Whether the client is on this machine, as far as its address tells."""
    client = scope.get("client")
    try:
        return client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        return False


async def _compressed(body: bytes, encoding: str) -> bytes:
    if len(body) < _IN_THREAD_FROM_BYTES:
        return _compress(body, encoding)
    return await asyncio.to_thread(_compress, body, encoding)


def _compress(body: bytes, encoding: str) -> bytes:
    return zstd.compress(body, _ZSTD_LEVEL) if encoding == "zstd" else gzip.compress(body, _GZIP_LEVEL, mtime=0)
