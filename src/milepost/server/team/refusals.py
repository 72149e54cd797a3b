"""Refusals in the audit log, without anybody being able to flood it.

What counts is whom this server has answered 403 or 429, 401 to a token, or 404 in a workspace where they have no role.
The first such answer to somebody at a route is kept before it is given.  Further ones are counted, and kept as one
line when ``EVERY_S`` are over, or the server ends.  Who asks is an account, or an address where nobody has signed in.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers

from milepost.server.allowed import CALLER, Caller
from milepost.server.team.addresses import network_of
from milepost.server.team.places import STORE, WORKSPACE
from milepost.server.team.request_log import method_of, route_of
from milepost.store import audit
from milepost.store.audit import Deed
from milepost.store.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Engine
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ACTION: Final = "access.refuse"
EVERY_S: Final = 3600.0
"""So often is one line kept of the same refusals."""
MOST: Final = 500
"""Of different ones that are known at a time; what is beyond has one line together."""
MOST_OF_ONE: Final = 50
"""Of one account or address, so that nobody hides others' in what is beyond."""
_LOOK_S: Final = 30.0

log: Final = logging.getLogger("milepost.server")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is the same of refusals that have one line together."""

    account_id: str | None
    account: str
    address: str
    """Of an IPv6 address only what belongs to one customer."""
    workspace: str | None
    """None where there is no such workspace, or it is about none: names that nobody has are not kept."""
    route: str
    status: int

    def deed(self, **detail: Any) -> Deed:
        """A line of the audit log."""
        detail["status"] = self.status
        return Deed(ACTION, self.route, self.account, self.account_id, self.address, self.workspace, detail)


@dataclass
class _Counted:
    since: float
    more: int = 0
    """Since what was kept of it last."""


class Refusals:
    """Notes what ``app`` refuses.  Everything but the audit log itself is done in the event loop's thread."""

    def __init__(self, app: ASGIApp, engine: Engine) -> None:
        self._app = app
        self._engine = engine
        self._known: dict[Refusal, _Counted] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = _refusal(scope, message["status"])
                if found is not None:
                    await self._note(found, scope[CALLER])
            await send(message)

        await self._app(scope, receive, sending)

    @asynccontextmanager
    async def being_told(self) -> AsyncIterator[None]:
        """While the server runs: what was counted is kept now and then, and at the end."""
        telling = asyncio.create_task(self._tell_again_and_again())
        yield
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        await self.tell(everything=True)

    async def tell(self, *, everything: bool = False) -> None:
        """Keep what was counted for long enough, or all of it."""
        before = time.monotonic() - EVERY_S
        due = [each for each, counted in self._known.items() if everything or counted.since <= before]
        for each in due:
            counted = self._known.pop(each)
            if counted.more and not await self._kept(each.deed(times=counted.more)):
                meanwhile = self._known.setdefault(each, counted)
                if meanwhile is not counted:
                    meanwhile.more += counted.more

    async def _tell_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            await self.tell()

    async def _note(self, found: Refusal, caller: Caller) -> None:
        found = self._within_bounds(found)
        counted = self._known.get(found)
        if counted is None:
            self._known[found] = counted = _Counted(time.monotonic())
            deed = found.deed(**({"token": caller.token.id} if caller.token is not None else {}))
            if await self._kept(replace(deed, address=caller.address)):
                return
        counted.more += 1

    def _within_bounds(self, found: Refusal) -> Refusal:
        """This refusal, or what stands for all that are too many."""
        if found in self._known:
            return found
        own = Counter(_who(each) for each in self._known)[_who(found)]
        if len(self._known) >= MOST + MOST_OF_ONE:
            return Refusal(None, "", "", None, "(others)", found.status)
        if own >= MOST_OF_ONE or len(self._known) >= MOST:
            return replace(found, workspace=None, route="(others)")
        return found

    async def _kept(self, deed: Deed) -> bool:
        try:
            await asyncio.to_thread(audit.note, self._engine, deed)
        except StoreError as error:
            log.warning("a refusal could not be kept in the audit log: %s", error)
            return False
        return True


def _who(refusal: Refusal) -> str:
    return refusal.account_id or refusal.address


def _refusal(scope: Scope, status: int) -> Refusal | None:
    caller = scope.get(CALLER)
    if not isinstance(caller, Caller):
        return None
    account = caller.account
    is_stranger = status == 404 and account is not None and WORKSPACE in scope and caller.role is None
    is_bad_token = status == 401 and "authorization" in Headers(scope=scope)
    if status not in (403, 429) and not is_stranger and not is_bad_token:
        return None
    store = scope.get(STORE)
    return Refusal(
        account.id if account is not None else None,
        account.name if account is not None else "",
        network_of(caller.address),
        store.workspace_name if store is not None else None,
        f"{method_of(scope)} {route_of(scope)}",
        status,
    )
