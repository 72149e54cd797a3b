"""The audit log, from routes of a team's server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from milepost.server.allowed import caller_of
from milepost.store import audit
from milepost.store.audit import Deed

if TYPE_CHECKING:
    from fastapi import Request
    from sqlalchemy import Engine


def engine_of(request: Request) -> Engine:
    """The database of the server."""
    engine: Engine = request.app.state.places.backend.engine
    return engine


def note(
    request: Request, action: str, subject: str, *, workspace: str | None = None, by: str | None = None, **detail: Any
) -> None:
    """Keep that whoever asks has done this.  ``by``: their name, where they have not signed in.  Raises the store's
    errors."""
    caller = caller_of(request)
    account = caller.account
    if caller.token is not None:
        detail["token"] = caller.token.id
    audit.note(
        engine_of(request),
        Deed(
            action,
            subject,
            account.name if account is not None else by or "",
            account.id if account is not None else None,
            caller.address,
            workspace,
            detail,
        ),
    )


def changed(request: Request) -> None:
    """Accounts, roles or tokens were changed: what this server remembers of them is looked up again."""
    request.app.state.callers.forget()
