"""Whether who asks may use a route: one check before every route of the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import Request

from milepost.server.problem import Problem
from milepost.server.roles import MARK, OWNER, Role, default_role, is_enough

if TYPE_CHECKING:
    from milepost.store.accounts import Account
    from milepost.store.tokens import Token

CALLER: Final = "milepost.caller"
"""Where a request's scope has who asks."""


@dataclass(frozen=True)
class Caller:
    """Who asks.  ``account`` is None for the owner of a workspace on this machine, who needs none."""

    role: Role | None
    """What they may do in the workspace of the request; None: nothing."""
    account: Account | None = None
    token: Token | None = None
    """The token that they showed; None for a browser that is signed in."""
    address: str = ""
    account_role: Role | None = None
    """What their account may do there, with a token that nothing narrows."""

    @property
    def name(self) -> str:
        """To be shown, and kept in the audit log."""
        return self.account.name if self.account is not None else "owner"


THE_OWNER: Final = Caller(OWNER)
"""Whoever has the token of an embedded portal."""


def caller_of(request: Request) -> Caller:
    """Who asks."""
    caller: Caller = request.scope[CALLER]
    return caller


def check_role(request: Request) -> None:
    """Raises Problem (403) where who asks may not use this route."""
    wanted = wanted_role(request.scope.get("route"), request.method)
    caller = caller_of(request)
    if caller.role is None:
        # Also where there is no such workspace: who may not see it is not told.
        raise Problem(404, "there is no such workspace, or none that you may see")
    if not is_enough(caller.role, wanted):
        if caller.account_role is not None and is_enough(caller.account_role, wanted):
            raise Problem(
                403,
                f"this token is narrowed to the role {caller.role!r}, and this needs {wanted!r}, which its account has "
                "here: use another token of it",
            )
        raise Problem(
            403, f"your role here is {caller.role!r}, and this needs {wanted!r}: ask an owner of the workspace"
        )


def wanted_role(route: Any, method: str) -> Role:
    """The role that a route needs, as ``roles.needs`` marked it."""
    marked = (getattr(route, "openapi_extra", None) or {}).get(MARK)
    return marked if marked is not None else default_role(method)
