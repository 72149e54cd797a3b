"""What stands guard before the application: whom it was meant for, who asks, from where, and how much.

- **Host**: only loopback names with our port.  A page elsewhere whose name was made to point here (DNS rebinding) sends
  its own name.
- **Token**: as ``Authorization: Bearer``; or in its place the cookie that the first visit of a link ``?token=`` sets,
  which counts for the addresses of ``session_path`` alone.  The pages themselves hold no data and are shown to anybody.
- **Origin**: what changes something must come from a page of ours, or from a program that sends the token itself.  No
  answer ever carries CORS headers.
- **Size**: a body is read whole before anything else sees it, up to a limit, and it must be JSON, which no form of
  another site can send.

The answers carry headers that keep a browser from running what is in them.  Pages bring a policy of their own
(``static.py``), users' files too.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from html import escape
from typing import Final
from urllib.parse import unquote_plus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from milepost.server.allowed import CALLER, THE_OWNER
from milepost.server.as_sent import READING, announced_size, cookies, raw_path
from milepost.server.errors import answer
from milepost.server.session_path import SESSION
from milepost.server.settings import Settings
from milepost.server.static import is_api

API_POLICY: Final = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of whatever does not bring its own."""

_CLOSING: Final = {"Connection": "close"}
_OLD_LINK: Final = (
    "This link is not, or no longer, one of the portal that listens here: each start of a portal makes new links. "
    "Take the one that `milepost portal` prints, or that `run.get_portal_url()` gives now."
)


@dataclass
class Activity:
    """When the server was last asked for something by one who may."""

    last: float = field(default_factory=time.monotonic)
    open: int = 0
    """Answers that are on their way, streams among them."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server is about to end."""
    is_leaving: bool = False
    """It was asked to end: new requests should go elsewhere."""

    def idle_s(self) -> float:
        """Seconds since the last request; 0 while an answer is on its way."""
        return 0.0 if self.open else time.monotonic() - self.last


class Guard:
    """Lets a request through to ``app``, or answers it."""

    def __init__(self, app: ASGIApp, settings: Settings, activity: Activity) -> None:
        self._app = app
        self._settings = settings
        self._activity = activity
        self._held = 0
        """Bytes of the bodies of all requests."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        send = with_safety_headers(send)
        refusal = self._refused(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        if not is_api(scope):
            await self._app(scope, receive, send)  # a page: whoever looks at one need not have the token
            return
        scope[CALLER] = THE_OWNER
        held = _Held()
        self._activity.open += 1
        try:
            body = await self._body(scope, receive, held)
            if body is None:
                return
            if isinstance(body, Response):
                await body(scope, receive, send)
                return
            await self._app(scope, _replayed(body, receive, self._activity.ending), send)
        finally:
            self._held -= held.size
            self._activity.open -= 1
            self._activity.last = time.monotonic()

    def _refused(self, scope: Scope) -> Response | None:
        """The answer to a request that is not let through."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._settings.hosts:
            return answer(421, f"this server answers as 127.0.0.1:{self._settings.port} or localhost only")
        reads = scope["method"] in READING
        if not is_api(scope):
            if SESSION in scope:
                return answer(404, "there is no page at this address")
            if not reads:
                return answer(405, "the portal's pages can only be read", headers={"Allow": "GET, HEAD"})
            return self._entry(scope, headers, hosts[0])
        entry = self._entry(scope, headers, hosts[0]) if reads and SESSION not in scope else None
        if entry is not None:
            return entry
        by_bearer = self._has_bearer(headers)
        if not by_bearer and not self._has_cookie(scope, headers):
            return answer(401, _why_not(headers), headers={"WWW-Authenticate": "Bearer"})
        site = headers.get("sec-fetch-site")
        if site not in (None, "none", "same-origin"):
            return answer(403, "a page of another site asked for this; open the portal itself")
        if not reads:
            if self._is_foreign(headers, hosts[0], by_bearer=by_bearer, site=site):
                return answer(403, "changes are taken from the portal's own pages, or with Authorization: Bearer TOKEN")
            if self._settings.read_only and scope["method"] != "POST":
                return answer(403, "this server only shows; it changes nothing", code="read_only")
        return None

    # -- the token -------------------------------------------------------------------------------------------------

    def _entry(self, scope: Scope, headers: Headers, host: str) -> Response | None:
        """The answer to a link with ``?token=``: the cookie, and the same address without the token.

        For a page the key of its session comes behind a #, which browsers send to nobody; the page keeps it and takes
        it off the address.  What the API gives is at an address of that session.
        """
        parts = scope["query_string"].decode("latin-1").split("&")
        given = [unquote_plus(each[6:]) for each in parts if each.startswith("token=")]
        if not given:
            return None
        if not self._is_token(given[0]):
            return _page(401, _OLD_LINK)
        session = self._settings.session
        rest = "&".join(each for each in parts if not each.startswith("token="))
        target = f"{raw_path(scope).decode('latin-1')}{'?' + rest if rest else ''}"
        target = f"/s/{session}{target}" if is_api(scope) else f"{target}#session={session}"
        response: Response
        if is_api(scope) and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            response = _onward(f"http://{host}{target}")
        else:
            response = Response(
                status_code=303, headers={"Location": f"http://{host}{target}", "Cache-Control": "no-store"}
            )
        # Until the browser is closed: the next portal has another token anyway.
        response.set_cookie(
            self._settings.cookie, self._settings.cookie_value, path=f"/s/{session}", httponly=True, samesite="strict"
        )
        return response

    def _has_bearer(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._is_token(token.strip())

    def _has_cookie(self, scope: Scope, headers: Headers) -> bool:
        if not _same(str(scope.get(SESSION, "")), self._settings.session):
            return False
        # Others may have set cookies of this name, for there are more programs at this host.  One that is right is
        # enough.
        return any(_same(each, self._settings.cookie_value) for each in cookies(headers, self._settings.cookie))

    def _is_token(self, given: str) -> bool:
        return _same(given, self._settings.token)

    # -- where it comes from, and how much it is -------------------------------------------------------------------

    def _is_foreign(self, headers: Headers, host: str, *, by_bearer: bool, site: str | None) -> bool:
        """Whether what wants to change something is no page of ours, nor a program that was given the token."""
        origins = headers.getlist("origin")
        if not origins:
            return not by_bearer
        return origins != [f"http://{host.lower()}"] or site not in (None, "same-origin")

    async def _body(self, scope: Scope, receive: Receive, held: _Held) -> bytes | Response | None:
        """The whole body, or the answer where it cannot be taken; None where its sender is gone."""
        headers = Headers(scope=scope)
        limit = self._settings.max_body_bytes
        too_large = f"the body is larger than {limit:,} bytes; send it in parts"
        length = headers.get("content-length", "")
        if (announced_size(headers) or 0) > limit:
            return answer(413, too_large)
        pieces: list[bytes] = []
        until = time.monotonic() + self._settings.body_s
        more = True
        is_announced = bool(length) or "transfer-encoding" in headers
        while more:
            try:
                left = max(0.0, until - time.monotonic())
                message = await (asyncio.wait_for(receive(), left) if is_announced else receive())
            except asyncio.TimeoutError:
                return answer(408, f"the body did not arrive within {self._settings.body_s:g} s", headers=_CLOSING)
            if message["type"] == "http.disconnect":
                return None
            piece = message.get("body", b"")
            pieces.append(piece)
            held.size += len(piece)
            self._held += len(piece)
            if held.size > limit:
                return answer(413, too_large)
            if self._held > self._settings.max_held_bytes:
                return answer(503, "too many large requests at once; try again", code="busy", headers=_CLOSING)
            more = message.get("more_body", False)
        if held.size and headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return answer(415, "the body must be JSON, with Content-Type: application/json")
        return b"".join(pieces)


@dataclass
class _Held:
    size: int = 0
    """Bytes of one request's body."""


def _onward(target: str) -> HTMLResponse:
    """A page of ours that goes on to ``target``.

    A redirect would count as part of the other site's navigation, and the browser would send no strict cookie.
    """
    return HTMLResponse(
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={escape(target)}">'
        f'<title>Milepost</title><p><a href="{escape(target)}">On to the portal</a>',
        headers={"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"},
    )


def _why_not(headers: Headers) -> str:
    if "authorization" in headers:
        return "the token is wrong"
    if "sec-fetch-site" in headers:
        return "this browser has not opened the portal's link, or only that of an earlier start"
    return "the token is missing: send Authorization: Bearer TOKEN"


def _same(given: str, wanted: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def _page(status: int, text: str) -> HTMLResponse:
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Milepost</title><main><h1>Milepost</h1><p>{escape(text)}</main>",
        status,
        headers={"Cache-Control": "no-store"},
    )


def _replayed(body: bytes, receive: Receive, ending: asyncio.Event) -> Receive:
    """Gives the body once more, then the end of the connection or of the server."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await received_before(receive, ending)

    return replay


async def received_before(receive: Receive, *ends: asyncio.Event) -> Message:
    """What comes next, or the end of the connection when one of ``ends`` is set before."""
    gone = asyncio.ensure_future(receive())
    ended = [asyncio.ensure_future(each.wait()) for each in ends]
    try:
        await asyncio.wait((gone, *ended), return_when=asyncio.FIRST_COMPLETED)
        return gone.result() if gone.done() else {"type": "http.disconnect"}
    finally:
        for each in (gone, *ended):
            each.cancel()


def with_safety_headers(send: Send) -> Send:
    """Answers get the headers that keep a browser from running what is in them, unless they bring their own."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers.setdefault("Content-Security-Policy", API_POLICY)
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Referrer-Policy", "no-referrer")
            headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
            headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
            if "cache-control" not in headers:
                headers["Cache-Control"] = "private, no-cache" if "etag" in headers else "no-store"
        await send(message)

    return sending
