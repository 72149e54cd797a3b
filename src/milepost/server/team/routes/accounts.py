"""``/accounts`` and ``/audit``: what administrators do."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from milepost.server.allowed import caller_of
from milepost.server.problem import Problem
from milepost.server.team.access import ADMIN, open_to
from milepost.server.team.deeds import changed, engine_of, note
from milepost.server.team.passwords import check_new_password, hash_password
from milepost.server.team.routes.account import all_tokens_ended, token_ended, token_made
from milepost.server.team.routes.schemas import (
    NAME_PATTERN,
    AccountName,
    AccountRow,
    AccountRows,
    DeedRow,
    Email,
    MadeToken,
    NewToken,
    Password,
    TokenId,
    TokenRows,
    account_row,
    deed_row,
    token_row,
)
from milepost.store import accounts, audit
from milepost.store.tokens import list_tokens

router = APIRouter(tags=["administration"])


class NewAccount(BaseModel):
    """An account to be made."""

    name: str = Field(pattern=NAME_PATTERN)
    kind: Literal["user", "service"] = Field("user", description="service: a program, which has tokens alone.")
    email: Email | None = None
    password: Password | None = Field(None, description="Of a user.  null: none, until one is given.")
    is_admin: bool = False


class AccountChanges(BaseModel):
    """What is to change of an account; what is not given stays."""

    email: Email | None = None
    password: Password | None = Field(None, description="Another one.  All browsers of the account are signed out.")
    is_admin: bool | None = None
    disabled: bool | None = Field(None, description="true: it is let in nowhere, and keeps its roles and tokens.")


class DeedRows(BaseModel):
    """A page of the audit log."""

    deeds: list[DeedRow] = Field(description="Newest first.")
    before: int | None = Field(description="For the next page; null: this was the last one.")


@router.get("/accounts", summary="All accounts", **open_to(ADMIN))
def list_accounts(request: Request) -> AccountRows:
    """By name."""
    return AccountRows(accounts=[account_row(each) for each in accounts.list_accounts(engine_of(request))])


@router.post("/accounts", status_code=201, summary="Make an account", **open_to(ADMIN))
def make_account(request: Request, wanted: NewAccount) -> AccountRow:
    """Of a person, or of a program."""
    _needs_browser(request, wanted.is_admin)
    if wanted.kind == "service" and wanted.password is not None:
        raise Problem(422, "a service account has tokens, and no password")
    password = None
    if wanted.password is not None:
        password = hash_password(check_new_password(wanted.password, wanted.name))
    made = accounts.create_account(
        engine_of(request),
        wanted.name,
        kind=wanted.kind,
        email=wanted.email,
        password=password,
        is_admin=wanted.is_admin,
    )
    note(request, "account.create", made.name, kind=made.kind, is_admin=made.is_admin)
    return account_row(made)


@router.get("/accounts/{name}", summary="An account", **open_to(ADMIN))
def read_account(request: Request, name: AccountName) -> AccountRow:
    """By its name."""
    return account_row(accounts.find_account(engine_of(request), name))


@router.patch("/accounts/{name}", summary="Change or disable an account", **open_to(ADMIN))
def change_account(request: Request, name: AccountName, changes: AccountChanges) -> AccountRow:
    """What is given is changed, the rest stays."""
    engine = engine_of(request)
    account = accounts.find_account(engine, name)
    _needs_browser(request, account.is_admin or bool(changes.is_admin))
    password = None
    if changes.password is not None:
        if account.kind != accounts.USER:
            raise Problem(422, "a service account has tokens, and no password")
        password = hash_password(check_new_password(changes.password, account.name))
    after = accounts.change_account(
        engine,
        account.id,
        email=changes.email,
        password=password,
        is_admin=changes.is_admin,
        disabled=changes.disabled,
    )
    changed(request)
    told = changes.model_dump(exclude_none=True, exclude={"password"})
    note(request, "account.change", after.name, **told, **({"password": "changed"} if password else {}))
    return account_row(after)


@router.delete("/accounts/{name}", status_code=204, summary="Delete an account", **open_to(ADMIN))
def delete_account(request: Request, name: AccountName) -> Response:
    """With its roles and tokens.  What it has recorded stays."""
    engine = engine_of(request)
    account = accounts.find_account(engine, name)
    _needs_browser(request, account.is_admin)
    accounts.delete_account(engine, account.id)
    changed(request)
    note(request, "account.delete", account.name)
    return Response(status_code=204)


@router.get("/accounts/{name}/tokens", summary="The tokens of an account", **open_to(ADMIN))
def list_account_tokens(request: Request, name: AccountName) -> TokenRows:
    """Those that are revoked or expired among them."""
    account = accounts.find_account(engine_of(request), name)
    return TokenRows(tokens=[token_row(each) for each in list_tokens(engine_of(request), account.id)])


@router.post("/accounts/{name}/tokens", status_code=201, summary="Make a token of a service account", **open_to(ADMIN))
def make_service_token(request: Request, name: AccountName, wanted: NewToken) -> MadeToken:
    """People make their own: nobody else is to act in their name."""
    account = accounts.find_account(engine_of(request), name)
    if account.kind != accounts.SERVICE:
        raise Problem(409, f"{account.name} is no service account: people make their own tokens")
    return token_made(request, account, wanted)


@router.delete("/accounts/{name}/tokens", status_code=204, summary="Revoke all tokens of an account", **open_to(ADMIN))
def revoke_account_tokens(request: Request, name: AccountName) -> Response:
    """Of anybody: after a password has become known, say.  Its browsers are signed out by giving another one."""
    all_tokens_ended(request, accounts.find_account(engine_of(request), name))
    return Response(status_code=204)


@router.delete("/accounts/{name}/tokens/{token_id}", status_code=204, summary="Revoke a token", **open_to(ADMIN))
def revoke_account_token(request: Request, name: AccountName, token_id: TokenId) -> Response:
    """Of anybody."""
    token_ended(request, accounts.find_account(engine_of(request), name), token_id)
    return Response(status_code=204)


@router.get("/audit", summary="What was done", **open_to(ADMIN))
def get_audit(
    request: Request,
    workspace: Annotated[str | None, Query(max_length=255, description="Only what concerns this one.")] = None,
    before: Annotated[int | None, Query(ge=0, lt=2**62, description="From the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DeedRows:
    """Sign-ins, refusals, and what changed who may do what, or deleted something."""
    found = audit.deeds(engine_of(request), workspace=workspace, before=before, limit=limit + 1)
    more = len(found) > limit
    return DeedRows(deeds=[deed_row(each) for each in found[:limit]], before=found[limit - 1].key if more else None)


def _needs_browser(request: Request, concerns_admin: bool) -> None:
    """A token that was stolen is not to become an administrator's password.  Raises Problem (403)."""
    if concerns_admin and caller_of(request).token is not None:
        raise Problem(
            403,
            "administrators are made, changed and deleted with a browser or by milepost server admin, not with a token",
        )
