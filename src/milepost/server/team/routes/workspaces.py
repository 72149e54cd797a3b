"""``/workspaces``: which there are for who asks, and new ones."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from milepost.server.allowed import caller_of
from milepost.server.problem import Problem
from milepost.server.roles import Role
from milepost.server.team.access import ACCOUNT, is_narrowed, open_to
from milepost.server.team.callers import known_of
from milepost.server.team.deeds import changed, note
from milepost.server.team.places import TeamPlaces
from milepost.server.team.settings import TeamSettings
from milepost.store.store import Store

router = APIRouter(tags=["workspaces"])

WorkspaceName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$",
        description="1 to 255 letters, digits, '_', '-' and '.', a letter or digit first.",
    ),
]


class WorkspaceRow(BaseModel):
    """A workspace that who asks may see."""

    name: str
    id: str
    role: Role = Field(description="What they may do in it.")


class WorkspaceRows(BaseModel):
    """Workspaces, by name."""

    workspaces: list[WorkspaceRow]
    may_create: bool


class NewWorkspace(BaseModel):
    """A workspace to be made."""

    name: WorkspaceName


@router.get("/workspaces", summary="The workspaces that who asks may see", **open_to(ACCOUNT))
def list_workspaces(request: Request) -> WorkspaceRows:
    """By name."""
    known = known_of(request)
    places: TeamPlaces = request.app.state.places
    rows = []
    for name, key in places.all().items():
        role = known.role_in(key)
        if role is not None:
            rows.append(WorkspaceRow(name=name, id=key, role=role))
    return WorkspaceRows(workspaces=rows, may_create=_may_create(request))


@router.post("/workspaces", status_code=201, summary="Make a workspace", **open_to(ACCOUNT))
def create_workspace(request: Request, wanted: NewWorkspace) -> WorkspaceRow:
    """Whoever makes it is its owner.  409: there is one of that name, or they have made too many."""
    if not _may_create(request):
        if _account_may_create(request):
            raise Problem(
                403,
                "this token is narrowed to less than its account may do, and so makes no workspaces: use another token "
                "of it, or make the workspace in a browser",
            )
        raise Problem(403, "you may not make workspaces on this server: ask one of its administrators")
    account = known_of(request).bearer.account
    places: TeamPlaces = request.app.state.places
    settings: TeamSettings = request.app.state.settings
    most = 0 if account.is_admin else settings.limits.workspaces_per_account
    store: Store = places.make(wanted.name, account.id, most)
    changed(request)
    note(request, "workspace.create", store.workspace_name, workspace=store.workspace_name)
    return WorkspaceRow(name=store.workspace_name, id=store.workspace_id, role="owner")


def _may_create(request: Request) -> bool:
    return _account_may_create(request) and not is_narrowed(caller_of(request).token)


def _account_may_create(request: Request) -> bool:
    account = caller_of(request).account
    settings: TeamSettings = request.app.state.settings
    return account is not None and (account.is_admin or (settings.all_may_create and account.kind == "user"))
