"""Who may use a route of the server itself: one check before every one of them.

Every route says it with ``**open_to(ACCESS)``; one that says nothing is for administrators.  The OpenAPI document tells
it as ``x-milepost-access``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

from fastapi import Request

from milepost.server.allowed import caller_of
from milepost.server.problem import Problem

if TYPE_CHECKING:
    from milepost.store.tokens import Token

Access = Literal["everybody", "account", "session", "admin"]

EVERYBODY: Final[Access] = "everybody"
"""Also who has not signed in."""
ACCOUNT: Final[Access] = "account"
"""Whoever has an account, with any token of it."""
SESSION: Final[Access] = "session"
"""Whoever is signed in with a browser: what no token may do, so that one that was stolen can make no others."""
ADMIN: Final[Access] = "admin"
"""Administrators, signed in with a browser or with a token that nothing narrows."""

MARK: Final = "x-milepost-access"


def open_to(access: Access) -> dict[str, Any]:
    """For a route's decorator: who may use it."""
    return {"openapi_extra": {MARK: access}}


def is_narrowed(token: Token | None) -> bool:
    """Whether a token may do less than its account: it must not widen itself."""
    return token is not None and (token.workspace_id is not None or token.role is not None)


def check_access(request: Request) -> None:
    """Raises Problem (401, 403) where who asks may not use this route."""
    route = request.scope.get("route")
    wanted: Access = (getattr(route, "openapi_extra", None) or {}).get(MARK, ADMIN)
    if wanted == EVERYBODY:
        return
    caller = caller_of(request)
    if caller.account is None:
        raise Problem(401, "nobody is signed in", headers={"WWW-Authenticate": "Bearer"})
    if wanted == SESSION and caller.token is not None:
        raise Problem(403, "this cannot be done with a token: sign in with a browser, and do it there")
    if wanted == ADMIN:
        if not caller.account.is_admin:
            raise Problem(403, "this is for the administrators of this server")
        if is_narrowed(caller.token):
            raise Problem(403, "this token is for less than its account may do; administration is none of it")
