"""``/runs/{run_id}/progress``: how far a run has come, as its script says."""

from __future__ import annotations

from fastapi import APIRouter

from milepost.server.here import ThisWorkspace
from milepost.server.kept import METRICS, KeptRoute, shows
from milepost.server.routes.runs import RunId
from milepost.server.run_progress import run_progress
from milepost.server.schemas.progress import ProgressAnswer

router = APIRouter(tags=["runs"], route_class=KeptRoute)


@router.get("/runs/{run_id}/progress", summary="How far a run has come")
@shows(METRICS)
def get_progress(here: ThisWorkspace, run_id: RunId) -> ProgressAnswer:
    """What the run's script said last with ``run.set_progress(done, total)``."""
    return run_progress(here.store, run_id)
