"""``/runs/{run_id}/images``: the images that a run has logged."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from milepost.server.here import ThisWorkspace
from milepost.server.images import image_entries
from milepost.server.kept import FILES, METRICS, KeptRoute, shows
from milepost.server.limits import MAX_NAME
from milepost.server.routes.metrics import Offset, RunId
from milepost.server.schemas.metrics import ImageEntry

router = APIRouter(tags=["images"], route_class=KeptRoute)


@router.get("/runs/{run_id}/images", summary="The images of a run")
@shows(METRICS, FILES)
def list_images(
    here: ThisWorkspace,
    response: Response,
    run_id: RunId,
    metric: Annotated[str | None, Query(max_length=MAX_NAME, description="Only of this metric.")] = None,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> list[ImageEntry]:
    """What log_image has logged: metric after metric in the order of first logging, each in the order of its steps.

    The header `X-Total` tells how many there are.
    """
    images, total = image_entries(here.store, run_id, metric, offset, limit)
    response.headers["X-Total"] = str(total)
    return images
