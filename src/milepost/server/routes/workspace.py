"""``/workspace``: what this server shows."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter

from milepost import __version__
from milepost.server.here import TheseSettings, ThisWorkspace
from milepost.server.schemas.workspace import Counts, WorkspaceAnswer

router = APIRouter(tags=["workspace"])


@router.get("/workspace", summary="The workspace and how much it holds")
def get_workspace(here: ThisWorkspace, settings: TheseSettings) -> WorkspaceAnswer:
    """The name and id of the workspace that this server shows, and how much it holds."""
    info = asdict(here.store.info())
    counts = Counts(**{name: info[name] for name in Counts.model_fields})
    return WorkspaceAnswer(name=here.name, id=here.id, version=__version__, read_only=settings.read_only, counts=counts)
