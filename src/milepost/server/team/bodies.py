"""How much a request may bring to a team's server."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from milepost.server.as_sent import announced_size
from milepost.server.delivery import BINARY
from milepost.server.errors import answer
from milepost.server.problem import Problem
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


JSON_S: Final = 30.0
"""How long a body of JSON may take: it is held in memory, also for those who have not signed in."""
SILENCE_S: Final = 60.0
"""After so long without a byte of a file its sender is taken for gone.  Of batches their route sees to that."""
_PATIENCE: Final = {_JSON: f"it may take {JSON_S:g} s", BINARY: f"for {SILENCE_S:g} s there was nothing of it"}
_CLOSING: Final = {"Connection": "close"}


class _Unfit(Problem, HTTPException):
    """A body is not read any further.

    Raised where the application asks for the next piece: of what is raised there, frameworks pass on HTTPException
    alone, and the answer is that to a Problem.
    """

    def __init__(self, status: int, message: str, **more: str) -> None:
        headers = {**_CLOSING, **more}
        HTTPException.__init__(self, status, message, headers)
        Problem.__init__(self, status, message, code="busy" if status == 503 else None, headers=headers)


class BodyLimit:
    """Lets no body through that is too large, too slow or of a type that is not taken; holds nothing itself."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._held = 0
        """Bytes of JSON of all requests that are being answered."""

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
        is_whole = False
        started = False
        until = time.monotonic() + JSON_S

        async def counted() -> Message:
            nonlocal came, is_whole
            if is_whole or taken == BATCH_TYPE:
                message = await receive()
            else:
                wait_s = max(0.0, until - time.monotonic()) if taken == _JSON else SILENCE_S
                try:
                    message = await asyncio.wait_for(receive(), wait_s)
                except asyncio.TimeoutError:
                    raise _Unfit(408, f"the body did not come: {_PATIENCE[taken]}") from None
            if message["type"] == "http.request":
                size = len(message.get("body", b""))
                is_whole = not message.get("more_body", False)
                came += size
                self._held += size if taken == _JSON else 0
                if came > limit:
                    raise _Unfit(413, f"the body is larger than {limit:,} bytes; send it in parts")
                if self._held > self._limits.requests_at_once and taken == _JSON:
                    raise _Unfit(503, "too many large requests at once; come again in 1 s", **{"Retry-After": "1"})
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _Unfit as unfit:
            if not started:
                refused = answer(unfit.status, unfit.message, code=unfit.code, headers=unfit.headers)
                await refused(scope, receive, send)
        except ClientDisconnect:
            pass  # nobody is there to be told
        finally:
            self._held -= came if taken == _JSON else 0


def _taken(scope: Scope) -> str:
    """The type of bodies that a request's address takes."""
    if WORKSPACE in scope:
        for method, path, kind in _LARGE:
            if scope["method"] == method and path.fullmatch(scope["path"]):
                return kind
    return _JSON


def _refused(headers: Headers, kind: str, taken: str, limit: int) -> Response | None:
    if "content-length" in headers and "transfer-encoding" in headers:
        return answer(400, "a body has a length or comes in chunks, not both", headers=_CLOSING)
    size = announced_size(headers)
    if size is not None and size > limit:
        return answer(413, f"the body has {size:,} bytes, and {limit:,} are taken at most; send it in parts")
    has_body = bool(size) or "transfer-encoding" in headers
    if has_body and kind != taken:
        return answer(415, f"a body must come as {taken} here, with that Content-Type")
    return None
