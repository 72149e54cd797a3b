"""``/workspace``: what this server shows."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request

from milepost import __version__
from milepost.server.allowed import caller_of
from milepost.server.here import TheseSettings, ThisWorkspace
from milepost.server.schemas.workspace import Counts, WorkspaceAnswer

router = APIRouter(tags=["workspace"])


@router.get("/workspace", summary="The workspace and how much it holds")
def get_workspace(
    request: Request,
    here: ThisWorkspace,
    settings: TheseSettings,
    counts: Annotated[bool, Query(description="Also how much it holds: of a large one that takes a second.")] = True,
) -> WorkspaceAnswer:
    """The name and id of the workspace that this server shows, how much it holds, and what who asks may do in it."""
    held = None
    if counts:
        info = asdict(here.store.info())
        held = Counts(**{name: info[name] for name in Counts.model_fields})
    role = caller_of(request).role
    assert role is not None  # who has none was sent away before
    return WorkspaceAnswer(
        name=here.name, id=here.id, version=__version__, read_only=settings.read_only, role=role, counts=held
    )
