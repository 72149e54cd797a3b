"""``/workspaces/NAME/limits``: how much a workspace may take up, and does."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field

from milepost.server.team.deeds import note
from milepost.server.team.places import TeamPlaces
from milepost.server.team.settings import TeamSettings
from milepost.store.store import Store
from milepost.store.workspace_limits import WorkspaceLimits, limits_of, set_limits, stored_bytes

router = APIRouter(tags=["workspaces"])

Name = Annotated[str, Path(min_length=1, max_length=255)]
_Limit = Annotated[int | None, Field(ge=0, lt=2**62)]


class NewLimits(BaseModel):
    """Null: what the server gives to all; 0: none."""

    points_per_s: _Limit = Field(None, description="Metric points a second.")
    bytes_per_s: _Limit = Field(None, description="Bytes of batches a second, as they are sent.")
    storage: _Limit = Field(None, description="Bytes of files; beyond it no file is taken, while metrics are.")


class LimitsRow(NewLimits):
    """A workspace's limits, and what all have that have none of their own."""

    general: NewLimits
    stored: int = Field(description="Bytes of its files, each content counted once.")


@router.get("/workspaces/{name}/limits", summary="How much a workspace may take up, and does")
def get_limits(request: Request, name: Name) -> LimitsRow:
    """For administrators."""
    return _row(request, _store(request, name))


@router.put("/workspaces/{name}/limits", summary="Say how much a workspace may take up")
def put_limits(request: Request, name: Name, wanted: NewLimits) -> LimitsRow:
    """Known to all servers within some seconds.  What is too much is told to come again, never thrown away."""
    store = _store(request, name)
    set_limits(store.engine, store.workspace_key, WorkspaceLimits(**wanted.model_dump()))
    request.app.state.intake.forget(store)
    note(request, "workspace.limits", store.workspace_name, workspace=store.workspace_name)
    return _row(request, store)


def _store(request: Request, name: str) -> Store:
    places: TeamPlaces = request.app.state.places
    return places.store(name)


def _row(request: Request, store: Store) -> LimitsRow:
    settings: TeamSettings = request.app.state.settings
    general, own = settings.limits, limits_of(store.engine, store.workspace_key)
    return LimitsRow(
        points_per_s=own.points_per_s,
        bytes_per_s=own.bytes_per_s,
        storage=own.storage,
        general=NewLimits(points_per_s=general.points_per_s, bytes_per_s=general.bytes_per_s, storage=general.storage),
        stored=stored_bytes(store.engine, store.workspace_key),
    )
