"""The entrance of a team's server: whom a request was meant for, who asks, and from which page.

- **Host**: only the names that the administrator gave.  A page elsewhere whose name was made to point here (DNS
  rebinding) sends its own name.
- **Who**: ``Authorization: Bearer TOKEN``, or the cookie of a browser that is signed in.  What nobody has to sign in
  for is in ``OPEN``.
- **From where**: what changes something with a cookie must come from a page of ours.  No answer carries CORS headers.
- **For how long**: an answer that takes long, such as a stream of changes, ends when who asked may no more have it.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers

from milepost.server.allowed import CALLER, Caller
from milepost.server.as_sent import READING
from milepost.server.errors import HIDDEN, answer, outages
from milepost.server.roles import is_enough
from milepost.server.security import received_before, with_safety_headers
from milepost.server.static import is_api
from milepost.server.team.addresses import client_address
from milepost.server.team.callers import KNOWN
from milepost.server.team.cookies import session_secret
from milepost.server.team.places import STORE, WORKSPACE
from milepost.server.team.probes import PROBES
from milepost.store.errors import NotFound, StoreError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from milepost.server.roles import Role
    from milepost.server.security import Activity
    from milepost.server.team.callers import Callers, Known
    from milepost.server.team.places import TeamPlaces
    from milepost.server.team.settings import TeamSettings
    from milepost.store.store import Store

OPEN: Final = frozenset(
    f"/api/v1/{each}"
    for each in ("server", "session", "setup", "device", "device/token", "oidc/login", "oidc/callback", "openapi.json")
)
"""What is answered before anybody has signed in, of the server itself."""
ENTERED: Final = frozenset({"/api/v1/oidc/login", "/api/v1/oidc/callback"})
"""Where links of another site may lead: whoever comes back from there has a cookie that says what they began here."""
AGAIN_S: Final = 10.0
"""So often is it asked during an answer whether who asked may still have it."""


class Entrance:
    """Lets a request through to ``app`` with its caller in the scope, or answers it."""

    def __init__(
        self, app: ASGIApp, settings: TeamSettings, callers: Callers, places: TeamPlaces, activity: Activity
    ) -> None:
        self._app = app
        self._settings = settings
        self._callers = callers
        self._places = places
        self._activity = activity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # nothing here speaks WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        send = with_safety_headers(send)
        refusal = await self._refused(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._activity.open += 1
        try:
            if KNOWN not in scope:
                await self._app(scope, receive, send)
                return
            over = asyncio.Event()
            ends = (over, self._activity.ending)
            await self._app(scope, _until(receive, *ends), self._while_allowed(scope, send, over))
        finally:
            self._activity.open -= 1

    def _while_allowed(self, scope: Scope, send: Send, over: asyncio.Event) -> Send:
        """Sends an answer as long as who asked may have it; sets ``over`` when they may have no more of it."""
        until = 0.0

        async def sending(message: Message) -> None:
            nonlocal until
            if message["type"] == "http.response.start":
                until = time.monotonic() + AGAIN_S
            elif time.monotonic() >= until and not over.is_set():
                until = time.monotonic() + AGAIN_S
                if not await self._is_still_allowed(scope):
                    over.set()
            if not over.is_set():
                await send(message)  # else the connection is closed on an answer that is not at its end

        return sending

    async def _is_still_allowed(self, scope: Scope) -> bool:
        try:
            known, _ = await self._who(Headers(scope=scope))
        except StoreError:
            return True  # it cannot be told just now
        store: Store | None = scope[STORE]
        role = known.role_in(store.workspace_id) if known is not None and store is not None else None
        before: Role | None = scope[CALLER].role
        return known is not None and (before is None or (role is not None and is_enough(role, before)))

    async def _refused(self, scope: Scope) -> Response | None:
        """The answer to a request that is not let through; else its caller is in the scope."""
        headers = Headers(scope=scope)
        address = client_address(scope, self._settings.trusted_proxies)
        scope[CALLER] = Caller(None, address=address)
        is_workspace = WORKSPACE in scope
        if not is_workspace and scope["path"] in PROBES:
            return None
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._settings.hosts:
            return answer(421, f"this server answers as {self._settings.public_url} only")
        if not is_api(scope):
            return None  # the pages' own files hold no secrets; what they show comes from the API
        site = headers.get("sec-fetch-site")
        is_entered = not is_workspace and scope["path"] in ENTERED and scope["method"] == "GET"
        if site not in (None, "none", "same-origin") and not is_entered:
            return answer(403, "a page of another site asked for this; open the portal itself")
        try:
            known, by_token = await self._who(headers)
        except StoreError as error:
            return _unavailable(error)
        reads = scope["method"] in READING
        is_open = not is_workspace and scope["path"] in OPEN and "authorization" not in headers
        # A browser says where a request comes from; a program without a token, which signs in, has no page.
        by_browser = known is not None or (is_open and ("origin" in headers or site is not None))
        if not reads and not by_token and by_browser and self._is_foreign(headers):
            return answer(403, "changes are taken from the portal's own pages, or with Authorization: Bearer TOKEN")
        if known is None:
            if is_open:
                return None
            return answer(
                401,
                "the token is wrong, expired or revoked" if "authorization" in headers else "nobody is signed in",
                headers={"WWW-Authenticate": "Bearer"},
            )
        try:
            store = await self._store(scope)
        except StoreError as error:
            return _unavailable(error)
        role = known.role_in(store.workspace_id) if store is not None else None
        scope[STORE] = store
        scope[KNOWN] = known
        full = known.account_role_in(store.workspace_id) if store is not None else None
        scope[CALLER] = Caller(role, known.bearer.account, known.bearer.token, address, full)
        return None

    async def _store(self, scope: Scope) -> Store | None:
        """The store of the workspace of the request; None where it is about none, or there is none of that name."""
        name = scope.get(WORKSPACE)
        if name is None:
            return None
        try:
            return self._places.known_store(name) or await asyncio.to_thread(self._places.store, name)
        except NotFound:
            return None

    async def _who(self, headers: Headers) -> tuple[Known | None, bool]:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme:  # a wrong token is not made good by a cookie
            is_bearer = scheme.lower() == "bearer" and bool(token.strip())
            found = await asyncio.to_thread(self._callers.by_token, token.strip()) if is_bearer else None
            return found, True
        secret = session_secret(headers, self._settings)
        return (await asyncio.to_thread(self._callers.by_session, secret) if secret else None), False

    def _is_foreign(self, headers: Headers) -> bool:
        """Whether what wants to change something comes from no page of ours.  Browsers send an Origin with it."""
        return headers.getlist("origin") != [self._settings.origin]


def _unavailable(error: StoreError) -> Response:
    outages.note(error)
    return answer(503, HIDDEN, headers={"Retry-After": "2"})


def _until(receive: Receive, *ends: asyncio.Event) -> Receive:
    """After the whole of a request: the end of its connection, or one of ``ends``, which looks like one."""
    is_whole = False

    async def receiving() -> Message:
        nonlocal is_whole
        if not is_whole:
            message = await receive()
            is_whole = not message.get("more_body", False)
            return message
        return await received_before(receive, *ends)

    return receiving
