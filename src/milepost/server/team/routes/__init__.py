"""The API of the server itself, subject by subject, and what a team's workspaces have more than one on a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from milepost.server.team.routes import about, account, accounts, device, limits, members, oidc, session, workspaces

if TYPE_CHECKING:
    from fastapi import APIRouter

SERVER_ROUTERS: Final[tuple[APIRouter, ...]] = (
    about.router,
    session.router,
    oidc.router,
    device.router,
    account.router,
    workspaces.router,
    limits.router,
    accounts.router,
)
WORKSPACE_ROUTERS: Final[tuple[APIRouter, ...]] = (members.router,)
