"""``/runs/{run_id}/images``: the images that a run has logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Response

from milepost.server.cells import cell
from milepost.server.delivery import shown_type
from milepost.server.here import ThisWorkspace
from milepost.server.limits import MAX_NAME
from milepost.server.references import artifact_of
from milepost.server.routes.metrics import Offset, RunId
from milepost.server.schemas.metrics import ImageEntry
from milepost.server.times import utc
from milepost.store.batch import IMAGE
from milepost.store.points import cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milepost.store.records import ArtifactRecord

router = APIRouter(tags=["images"])


@router.get("/runs/{run_id}/images", summary="The images of a run")
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
    here.store.run(run_id)
    names = None if metric is None else [metric]
    found = [each for each in here.store.metric_summaries([run_id], names) if each.kind == IMAGE]
    response.headers["X-Total"] = str(sum(each.count for each in found))
    files = {each.name: each for each in here.store.artifacts(run_id)} if found else {}
    images: list[ImageEntry] = []
    for each in found:
        begin, offset = offset, max(0, offset - each.count)
        if begin >= each.count or len(images) >= limit:
            continue
        points = here.store.metric_points(run_id, each.name, "", IMAGE, begin, begin + limit - len(images))
        references = cells(points.columns[""]) if "" in points.columns else []
        some = [
            _entry(run_id, each.name, step, time, reference, files)
            for step, time, reference in zip(points.steps.tolist(), points.times.tolist(), references, strict=True)
        ]
        images += sorted(some, key=lambda image: int(image.step))
    return images


def _entry(
    run_id: str, metric: str, step: int, time: int, reference: object, files: Mapping[str, ArtifactRecord]
) -> ImageEntry:
    name = artifact_of(reference, run_id)
    file = files.get(name) if name is not None else None
    shown = cell(step)
    return ImageEntry(
        metric=metric,
        step=shown if isinstance(shown, int | str) else step,
        time=utc(time),
        artifact=name,
        url=None if file is None else f"/api/v1/runs/{quote(run_id, safe='')}/files/{quote(file.name)}",
        content_type=None if file is None else file.content_type,
        size=None if file is None else file.size,
        shown=file is not None and shown_type(file.content_type) is not None,
    )
