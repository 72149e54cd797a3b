"""What stands guard before the application: whom it was meant for, who asks, from where, and how much.

- **Host**: only loopback names with our port.  A page elsewhere whose name was made to point here (DNS rebinding) sends
  its own name.
- **Token**: in the cookie that the first visit of a link ``?token=`` sets, or as ``Authorization: Bearer``.
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
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import unquote_plus

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from milepost.server.errors import answer
from milepost.server.settings import Settings

API_POLICY: Final = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""The Content-Security-Policy of whatever does not bring its own."""

_READING: Final = ("GET", "HEAD")
_KEPT_OUT: Final = (
    "This is the portal of a Milepost workspace. It opens with the link that `milepost portal` and "
    "`run.get_portal_url()` give: that link carries a token, which the browser then keeps."
)


@dataclass
class Activity:
    """When the server was last asked for something by one who may."""

    last: float = field(default_factory=time.monotonic)
    open: int = 0
    """Answers that are on their way, streams among them."""
    ending: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server is about to end."""

    def idle_s(self) -> float:
        """Seconds since the last request; 0 while an answer is on its way."""
        return 0.0 if self.open else time.monotonic() - self.last


class Guard:
    """Lets a request through to ``app``, or answers it."""

    def __init__(self, app: ASGIApp, settings: Settings, activity: Activity) -> None:
        self._app = app
        self._settings = settings
        self._activity = activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        send = _with_headers(send)
        refusal = self._refused(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        body = await self._body(scope, receive)
        if isinstance(body, Response):
            await body(scope, receive, send)
            return
        self._activity.open += 1
        try:
            await self._app(scope, _replayed(body, receive, self._activity.ending), send)
        finally:
            self._activity.open -= 1
            self._activity.last = time.monotonic()

    def _refused(self, scope: Scope) -> Response | None:
        """The answer to a request that is not let through."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._settings.hosts:
            return answer(421, f"this server answers as 127.0.0.1:{self._settings.port} or localhost only")
        reads = scope["method"] in _READING
        is_api = scope["path"].startswith("/api/")
        if reads:
            entry = self._entry(scope, headers, hosts[0])
            if entry is not None:
                return entry
        by_bearer = self._has_bearer(headers)
        if not by_bearer and not self._has_cookie(headers):
            return self._without_token(scope, headers, hosts[0], is_api=is_api)
        site = headers.get("sec-fetch-site")
        if (is_api or not reads) and site not in (None, "none", "same-origin"):
            return answer(403, "a page of another site asked for this; open the portal itself")
        if not reads:
            if self._is_foreign(headers, hosts[0], by_bearer=by_bearer, site=site):
                return answer(403, "changes are taken from the portal's own pages, or with Authorization: Bearer TOKEN")
            if self._settings.read_only and scope["method"] != "POST":
                return answer(403, "this server only shows; it changes nothing", code="read_only")
        return None

    # -- the token -------------------------------------------------------------------------------------------------

    def _entry(self, scope: Scope, headers: Headers, host: str) -> Response | None:
        """The answer to a link with ``?token=``: the cookie, and the same address without the token."""
        parts = scope["query_string"].decode("latin-1").split("&")
        given = [unquote_plus(each[6:]) for each in parts if each.startswith("token=")]
        if not given:
            return None
        if not self._is_token(given[0]):
            return _page(401, f"The token of this link is not the one of this portal. {_KEPT_OUT}")
        rest = "&".join(each for each in parts if not each.startswith("token="))
        target = f"http://{host}{_raw_path(scope)}{'?' + rest if rest else ''}"
        response = _to(target, headers)
        # Until the browser is closed: the next portal has another token anyway.
        response.set_cookie(self._settings.cookie, self._settings.token, path="/", httponly=True, samesite="strict")
        return response

    def _without_token(self, scope: Scope, headers: Headers, host: str, *, is_api: bool) -> Response:
        if is_api:
            wrong = "authorization" in headers
            return answer(
                401,
                "the token is wrong" if wrong else "the token is missing: send Authorization: Bearer TOKEN",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") == "navigate":
            # A link on another page: the browser holds our cookie back until one of our own pages asks.
            query = scope["query_string"].decode("latin-1")
            return _onward(f"http://{host}{_raw_path(scope)}{'?' + query if query else ''}")
        return _page(401, _KEPT_OUT)

    def _has_bearer(self, headers: Headers) -> bool:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._is_token(token.strip())

    def _has_cookie(self, headers: Headers) -> bool:
        for header in headers.getlist("cookie"):
            try:
                found = SimpleCookie(header).get(self._settings.cookie)
            except CookieError:
                continue
            if found is not None and self._is_token(found.value):
                return True
        return False

    def _is_token(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", "replace"), self._settings.token.encode())

    # -- where it comes from, and how much it is -------------------------------------------------------------------

    def _is_foreign(self, headers: Headers, host: str, *, by_bearer: bool, site: str | None) -> bool:
        """Whether what wants to change something is no page of ours, nor a program that was given the token."""
        origins = headers.getlist("origin")
        if not origins:
            return not by_bearer
        return origins != [f"http://{host.lower()}"] or site not in (None, "same-origin")

    async def _body(self, scope: Scope, receive: Receive) -> bytes | Response:
        headers = Headers(scope=scope)
        limit = self._settings.max_body_bytes
        too_large = f"the body is larger than {limit:,} bytes; send it in parts"
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > limit:
            return answer(413, too_large)
        pieces: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                break
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > limit:
                return answer(413, too_large)
            more = message.get("more_body", False)
        if size and headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
            return answer(415, "the body must be JSON, with Content-Type: application/json")
        return b"".join(pieces)


def _raw_path(scope: Scope) -> str:
    """The path as it was sent, so that nothing in it can end a header or begin another address."""
    raw: bytes = scope.get("raw_path") or b"/"
    return raw.split(b"?")[0].decode("latin-1")


def _to(target: str, headers: Headers) -> Response:
    if headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        return _onward(target)
    return Response(status_code=303, headers={"Location": target, "Cache-Control": "no-store"})


def _onward(target: str) -> HTMLResponse:
    """A page of ours that goes on to ``target``.

    A redirect would count as part of the other site's navigation, and the browser would send no strict cookie.
    """
    return HTMLResponse(
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={escape(target)}">'
        f'<title>Milepost</title><p><a href="{escape(target)}">On to the portal</a>',
        headers={"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"},
    )


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
        gone = asyncio.ensure_future(receive())
        ended = asyncio.ensure_future(ending.wait())
        try:
            await asyncio.wait((gone, ended), return_when=asyncio.FIRST_COMPLETED)
            return gone.result() if gone.done() else {"type": "http.disconnect"}
        finally:
            gone.cancel()
            ended.cancel()

    return replay


def _with_headers(send: Send) -> Send:
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
