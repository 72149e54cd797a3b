"""How much a request may bring to a team's server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from milepost.server.delivery import BINARY
from milepost.server.errors import answer
from milepost.server.team.places import WORKSPACE
from milepost.server.team.settings import Limits
from milepost.store.wire import BATCH_TYPE

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_JSON: Final = "application/json"
_LARGE: Final = (
    ("POST", re.compile(r"/api/v1/journals/[^/]+/(batches|check)"), BATCH_TYPE),
    ("PUT", re.compile(r"/api/v1/(blobs/[^/]+|uploads/[^/]+/parts/[^/]+)"), BINARY),
)
"""What is not JSON, of a workspace: these routes look who sends it first, and hold no more than they can take."""


class TooLarge(Exception):
    """A body has more bytes than its kind may have."""


class BodyLimit:
    """Lets no body through that is too large or of a type that is not taken; what is let through is not held here."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        # Frameworks read the body of any other route as a whole, whatever its type, before they ask who sends it.
        taken = _taken(scope)
        limit = {BATCH_TYPE: self._limits.batch, BINARY: self._limits.blob}.get(taken, self._limits.request)
        refusal = _refused(headers, kind, taken, limit)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        came = 0
        started = False

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            if message["type"] == "http.request":
                came += len(message.get("body", b""))
                if came > limit:
                    raise TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except (TooLarge, ClientDisconnect):
            if not started:
                await answer(413, f"the body is larger than {limit:,} bytes; send it in parts")(scope, receive, send)


def _taken(scope: Scope) -> str:
    """The type of bodies that a request's address takes."""
    if WORKSPACE in scope:
        for method, path, kind in _LARGE:
            if scope["method"] == method and path.fullmatch(scope["path"]):
                return kind
    return _JSON


def _refused(headers: Headers, kind: str, taken: str, limit: int) -> Response | None:
    length = headers.get("content-length", "")
    size = int(length[:20]) if length.isdecimal() else None
    if size is not None and size > limit:
        return answer(413, f"the body has {size:,} bytes, and {limit:,} are taken at most; send it in parts")
    has_body = bool(size) or "transfer-encoding" in headers
    if has_body and kind != taken:
        return answer(415, f"a body must come as {taken} here, with that Content-Type")
    return None
