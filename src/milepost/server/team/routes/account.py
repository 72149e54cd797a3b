"""``/account``: one's own password, browsers and tokens."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from milepost.server.allowed import caller_of
from milepost.server.problem import Problem
from milepost.server.roles import Role
from milepost.server.team.access import ACCOUNT, SESSION, open_to
from milepost.server.team.callers import known_of
from milepost.server.team.deeds import changed, engine_of, note
from milepost.server.team.passwords import check_new_password, hash_password
from milepost.server.team.routes.schemas import (
    AccountRow,
    MadeToken,
    NewToken,
    Password,
    TokenId,
    TokenRows,
    account_row,
    token_row,
)
from milepost.server.team.routes.session import begin_session
from milepost.server.team.signing_in import check_password
from milepost.store.accounts import Account, change_account
from milepost.store.errors import NotFound
from milepost.store.sessions import end_sessions
from milepost.store.tokens import create_token, list_tokens, revoke_token, revoke_tokens

router = APIRouter(prefix="/account", tags=["account"])


class OwnAccount(BaseModel):
    """The account of who asks, and what they may do with this token or browser."""

    account: AccountRow
    roles: dict[str, Role] = Field(description="Workspace -> role.")


class PasswordChange(BaseModel):
    """Another password."""

    current: Password
    new: Password


@router.get("", summary="One's own account", **open_to(ACCOUNT))
def get_account(request: Request) -> OwnAccount:
    """With the roles in workspaces."""
    known = known_of(request)
    names = request.app.state.places.all()
    roles = {name: known.role_in(key) for name, key in names.items()}
    return OwnAccount(
        account=account_row(known.bearer.account),
        roles={name: role for name, role in roles.items() if role is not None},
    )


@router.put("/password", status_code=204, summary="Change one's own password", **open_to(SESSION))
def change_password(request: Request, wanted: PasswordChange) -> Response:
    """All other browsers are signed out; tokens stay."""
    account = own(request)
    if not account.has_password:
        raise Problem(409, "this account signs in elsewhere and has no password here")
    check_new_password(wanted.new, account.name)
    try:
        check_password(engine_of(request), account.name, wanted.current, caller_of(request).address)
    except Problem as problem:
        if problem.status != 401:
            raise
        raise Problem(403, "the current password is wrong", code="wrong_password") from problem
    account = change_account(engine_of(request), account.id, password=hash_password(wanted.new))
    changed(request)
    note(request, "account.password", account.name)
    response = Response(status_code=204)
    begin_session(request, response, account)
    return response


@router.delete("/sessions", status_code=204, summary="Sign out everywhere", **open_to(SESSION))
def end_all_sessions(request: Request) -> Response:
    """All browsers, this one too."""
    account = own(request)
    end_sessions(engine_of(request), account.id)
    changed(request)
    note(request, "session.end", account.name, all=True)
    return Response(status_code=204)


@router.get("/tokens", summary="One's own tokens", **open_to(SESSION))
def get_tokens(request: Request) -> TokenRows:
    """Those that are revoked or expired among them."""
    return TokenRows(tokens=[token_row(each) for each in list_tokens(engine_of(request), own(request).id)])


@router.post("/tokens", status_code=201, summary="Make a token", **open_to(SESSION))
def make_token(request: Request, wanted: NewToken) -> MadeToken:
    """For scripts and other programs.  It may do what its account may, or less."""
    known = known_of(request)
    if wanted.workspace is not None:
        ids = {name.lower(): key for name, key in request.app.state.places.all().items()}
        found = ids.get(wanted.workspace.lower())
        if found is None or known.role_in(found) is None:
            raise NotFound("there is no such workspace, or none that you may see")
    return token_made(request, own(request), wanted)


@router.delete("/tokens", status_code=204, summary="Revoke all of one's own tokens", **open_to(SESSION))
def end_tokens(request: Request) -> Response:
    """Browsers stay signed in."""
    all_tokens_ended(request, own(request))
    return Response(status_code=204)


@router.delete("/tokens/{token_id}", status_code=204, summary="Revoke a token", **open_to(ACCOUNT))
def end_token(request: Request, token_id: TokenId) -> Response:
    """With a browser any of one's own; with a token, that one."""
    caller = caller_of(request)
    if caller.token is not None and caller.token.id != token_id:
        raise Problem(403, "a token can revoke itself, and no other")
    token_ended(request, own(request), token_id)
    return Response(status_code=204)


def own(request: Request) -> Account:
    """The account of who asks."""
    return known_of(request).bearer.account


def token_made(request: Request, account: Account, wanted: NewToken) -> MadeToken:
    """Make a token for an account."""
    days = wanted.expires_days
    made, token = create_token(
        engine_of(request),
        account.id,
        wanted.name,
        workspace=wanted.workspace,
        role=wanted.role,
        expires_ns=None if days is None else time.time_ns() + int(days * 86400e9),
        most=request.app.state.settings.limits.tokens_per_account,
    )
    row = token_row(made)
    note(
        request,
        "token.create",
        account.name,
        workspace=made.workspace,
        name=made.name,
        id=made.id,
        role=made.role,
        expires=row.expires,
    )
    return MadeToken(token=token, row=row)


def token_ended(request: Request, account: Account, token_id: str) -> None:
    """Revoke a token of an account."""
    revoke_token(engine_of(request), account.id, token_id)
    changed(request)
    note(request, "token.revoke", account.name, id=token_id)


def all_tokens_ended(request: Request, account: Account) -> None:
    """Revoke all tokens of an account."""
    count = revoke_tokens(engine_of(request), account.id)
    changed(request)
    if count:
        note(request, "token.revoke", account.name, all=True, count=count)
