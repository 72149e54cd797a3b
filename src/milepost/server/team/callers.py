"""Who asks a team's server, from the token or the cookie that they show."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from milepost.server.problem import Problem
from milepost.server.roles import ORDER, OWNER, Role
from milepost.store.accounts import roles_of
from milepost.store.sessions import bearer_of_session
from milepost.store.tokens import Bearer, bearer_of_token, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import Request
    from sqlalchemy import Engine

KNOWN_S: Final = 5.0
"""So long is what the database said of a token good for: a revoked one may be used as long."""
_MOST: Final = 10_000


@dataclass(frozen=True)
class Known:
    """Who a token or a session stands for, and their roles by the ids of workspaces."""

    bearer: Bearer
    roles: dict[str, Role]

    def role_in(self, workspace_id: str) -> Role | None:
        """What they may do there: an account's role (administrators may do everything), narrowed by the token."""
        role, token = self.account_role_in(workspace_id), self.bearer.token
        if role is None or token is None:
            return role
        if token.workspace_id is not None and token.workspace_id != workspace_id:
            return None
        return role if token.role is None else min(role, cast("Role", token.role), key=ORDER.index)

    def account_role_in(self, workspace_id: str) -> Role | None:
        """What their account may do there, whatever token they show."""
        return OWNER if self.bearer.account.is_admin else self.roles.get(workspace_id)


KNOWN: Final = "milepost.known"
"""Where a request's scope has what is known of who asks."""


def known_of(request: Request) -> Known:
    """What is known of who asks.  Raises Problem (401) where nobody has signed in."""
    known: Known | None = request.scope.get(KNOWN)
    if known is None:
        raise Problem(401, "nobody is signed in")
    return known


class Callers:
    """Remembers for a moment what the database says of tokens and sessions.  Threads may share it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Known]] = {}
        self._forgotten = 0

    def by_token(self, token: str) -> Known | None:
        """Who shows this token; None where it is not good.  Raises the store's errors."""
        return self._found("token " + digest_of(token), lambda: bearer_of_token(self._engine, token))

    def by_session(self, secret: str) -> Known | None:
        """Whose browser shows this cookie; None where it is not good.  Raises the store's errors."""
        return self._found("session " + digest_of(secret), lambda: bearer_of_session(self._engine, secret))

    def forget(self) -> None:
        """Roles or accounts were changed by this server."""
        with self._lock:
            self._known.clear()
            self._forgotten += 1

    def _found(self, key: str, look: Callable[[], Bearer | None]) -> Known | None:
        now = time.monotonic()
        found = self._known.get(key)
        if found is not None and now - found[0] < KNOWN_S:
            return found[1]
        forgotten = self._forgotten
        bearer = look()  # one that is not good is looked up each time, and so costs who guesses more than us
        if bearer is None:
            with self._lock:
                self._known.pop(key, None)
            return None
        known = Known(bearer, cast("dict[str, Role]", roles_of(self._engine, bearer.account.id)))
        with self._lock:
            if len(self._known) >= _MOST:
                self._known.clear()
            if self._forgotten == forgotten:  # else what the database said may be of before that
                self._known[key] = (now, known)
        return known
