"""``/members`` of a workspace, and its end: what its owners do."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from milepost.server.here import ThisWorkspace
from milepost.server.roles import OWNER, Role, needs
from milepost.server.team.deeds import changed, engine_of, note
from milepost.server.team.routes.schemas import AccountName
from milepost.server.times import utc
from milepost.store.accounts import find_account, members_of, set_role
from milepost.store.errors import StoreError

router = APIRouter(tags=["members"])


class Member(BaseModel):
    """Who has a role in this workspace."""

    name: str
    kind: Literal["user", "service"]
    role: Role
    since: str
    is_disabled: bool


class Members(BaseModel):
    """The members, by name.  The server's administrators are owners too, and are not told here."""

    members: list[Member]


class WantedRole(BaseModel):
    """What somebody is to be allowed."""

    role: Role


@router.get("/members", summary="Who has a role in this workspace", **needs(OWNER))
def list_members(request: Request, here: ThisWorkspace) -> Members:
    """By name."""
    return Members(
        members=[
            Member(
                name=each.account.name,
                kind=each.account.kind,  # type: ignore[arg-type]
                role=each.role,  # type: ignore[arg-type]
                since=utc(each.since_ns),
                is_disabled=each.account.disabled_ns is not None,
            )
            for each in members_of(engine_of(request), here.name)
        ]
    )


@router.put("/members/{name}", status_code=204, summary="Give an account a role", **needs(OWNER))
def set_member(request: Request, here: ThisWorkspace, name: AccountName, wanted: WantedRole) -> Response:
    """In place of the one that it has."""
    account = find_account(engine_of(request), name)
    set_role(engine_of(request), here.name, account.id, wanted.role)
    changed(request)
    note(request, "member.set", account.name, workspace=here.name, role=wanted.role)
    return Response(status_code=204)


@router.delete("/members/{name}", status_code=204, summary="Take an account's role away", **needs(OWNER))
def remove_member(request: Request, here: ThisWorkspace, name: AccountName) -> Response:
    """It sees nothing of this workspace from then on."""
    account = find_account(engine_of(request), name)
    set_role(engine_of(request), here.name, account.id, None)
    changed(request)
    note(request, "member.remove", account.name, workspace=here.name)
    return Response(status_code=204)


@router.delete("/workspace", status_code=204, summary="Delete this workspace with all in it", **needs(OWNER))
def delete_workspace(request: Request, here: ThisWorkspace) -> Response:
    """Gone for good, with the tokens that were for it alone."""
    here.store.delete_workspace()
    with suppress(StoreError):  # what is left are parts that nobody can name
        here.store.blobs.uploads.discard_all()
    request.app.state.places.forget(here.name)
    changed(request)
    note(request, "workspace.delete", here.name, workspace=here.name)
    here.record.free_space()
    return Response(status_code=204)
