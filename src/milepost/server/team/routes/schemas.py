"""What the routes of a team's server take and give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, Field

from milepost.server.roles import Role
from milepost.server.times import maybe_utc, utc

if TYPE_CHECKING:
    from milepost.store.accounts import Account
    from milepost.store.audit import Deed
    from milepost.store.tokens import Token

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,127}$"
AccountName = Annotated[str, Path(pattern=NAME_PATTERN, description="The account's name.")]
TokenId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The token's id.")]
Password = Annotated[str, Field(min_length=1, max_length=1000)]
Email = Annotated[str, Field(max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")]
WorkspaceName = Annotated[str, Field(min_length=1, max_length=255)]


class TokenRow(BaseModel):
    """A token, without its secret."""

    id: str
    name: str
    workspace: str | None = Field(description="The only workspace that it is for.")
    role: Role | None = Field(description="The most that it may do.")
    created: str
    expires: str | None
    used: str | None = Field(description="When it was last used, to about a minute.")
    revoked: str | None


class TokenRows(BaseModel):
    """Tokens, newest first."""

    tokens: list[TokenRow]


class NewToken(BaseModel):
    """A token to be made."""

    name: str = Field(min_length=1, max_length=200, description="To know it by later.")
    workspace: WorkspaceName | None = Field(None, description="The only workspace that it is to be for.")
    role: Role | None = Field(None, description="The most that it is to do.")
    expires_days: float | None = Field(90, gt=0, le=3650, description="null: it is good until it is revoked.")


class MadeToken(BaseModel):
    """A token that was made."""

    token: str = Field(description="The token itself: it is shown this once.")
    row: TokenRow


class SignedIn(BaseModel):
    """Who asks."""

    account: str | None = Field(description="Their name; null: nobody is signed in.")
    account_id: str | None = None
    kind: Literal["user", "service"] | None = None
    email: str | None = None
    is_admin: bool = Field(False, description="Whether they may manage accounts and workspaces.")
    has_password: bool = False
    token: TokenRow | None = Field(None, description="The token that they showed; null for a browser.")


class AccountRow(BaseModel):
    """An account."""

    id: str
    name: str
    kind: Literal["user", "service"]
    email: str | None
    is_admin: bool
    has_password: bool
    issuer: str | None = Field(description="Of OpenID Connect, where the account signs in there.")
    created: str
    disabled: str | None


class AccountRows(BaseModel):
    """Accounts, by name."""

    accounts: list[AccountRow]


class DeedRow(BaseModel):
    """Something that was done."""

    key: int
    at: str
    action: str
    subject: str
    account: str = Field(description="Who has done it: the name that they had then.")
    account_id: str | None
    address: str
    workspace: str | None
    detail: dict[str, Any]


def token_row(token: Token) -> TokenRow:
    """A token as it is told."""
    return TokenRow(
        id=token.id,
        name=token.name,
        workspace=token.workspace,
        role=token.role,  # type: ignore[arg-type]
        created=utc(token.created_ns),
        expires=maybe_utc(token.expires_ns),
        used=maybe_utc(token.used_ns),
        revoked=maybe_utc(token.revoked_ns),
    )


def account_row(account: Account) -> AccountRow:
    """An account as it is told."""
    return AccountRow(
        id=account.id,
        name=account.name,
        kind=account.kind,  # type: ignore[arg-type]
        email=account.email,
        is_admin=account.is_admin,
        has_password=account.has_password,
        issuer=account.issuer,
        created=utc(account.created_ns),
        disabled=maybe_utc(account.disabled_ns),
    )


def signed_in(account: Account | None, token: Token | None) -> SignedIn:
    """Who asks, as it is told."""
    if account is None:
        return SignedIn(account=None, is_admin=False, token=None)
    return SignedIn(
        account=account.name,
        account_id=account.id,
        kind=account.kind,  # type: ignore[arg-type]
        email=account.email,
        is_admin=account.is_admin,
        has_password=account.has_password,
        token=None if token is None else token_row(token),
    )


def deed_row(deed: Deed) -> DeedRow:
    """A line of the audit log as it is told."""
    return DeedRow(
        key=deed.key,
        at=utc(deed.at_ns),
        action=deed.action,
        subject=deed.subject,
        account=deed.account,
        account_id=deed.account_id,
        address=deed.address,
        workspace=deed.workspace,
        detail=dict(deed.detail),
    )
