"""``/server``: what a server says of itself before anybody has signed in."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from milepost import __version__
from milepost.server.allowed import caller_of
from milepost.server.team.access import EVERYBODY, open_to
from milepost.server.team.deeds import engine_of
from milepost.store.accounts import has_accounts

router = APIRouter(tags=["server"])


class AboutServer(BaseModel):
    """What everybody may know."""

    version: str
    public_url: str = Field(description="The address that people and scripts use.")
    account: str | None = Field(description="Who is signed in.")
    is_admin: bool = Field(description="Whether they may manage accounts and workspaces.")
    sign_in_with: str | None = Field(
        description="What people may sign in with besides a password, at /api/v1/oidc/login?onward=PAGE."
    )
    needs_setup: bool = Field(description="There is no account yet: the link that the server has printed makes one.")


@router.get("/server", summary="What this server is, and who is signed in", **open_to(EVERYBODY))
def about_server(request: Request) -> AboutServer:
    """Answered for everybody."""
    account = caller_of(request).account
    oidc = request.app.state.oidc
    return AboutServer(
        version=__version__,
        public_url=request.app.state.settings.public_url,
        account=None if account is None else account.name,
        is_admin=account is not None and account.is_admin,
        sign_in_with=None if oidc is None else oidc.settings.label,
        needs_setup=account is None and not has_accounts(engine_of(request)),
    )
