"""The images that runs have logged."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from milepost.server.cells import cell
from milepost.server.references import artifact_of
from milepost.server.schemas.metrics import ImageEntry
from milepost.server.shown_types import shown_type
from milepost.server.times import utc
from milepost.store.artifacts import named_artifacts
from milepost.store.batch import IMAGE
from milepost.store.metric_queries import summaries
from milepost.store.points import cells

if TYPE_CHECKING:
    from collections.abc import Mapping

    from milepost.store.records import ArtifactRecord
    from milepost.store.store import Store


def image_entries(
    store: Store, run_id: str, metric: str | None, offset: int, limit: int
) -> tuple[list[ImageEntry], int]:
    """Images metric after metric, each in the order of its steps, and how many there are.  Raises NotFound."""
    store.run(run_id)
    names = None if metric is None else [metric]
    found = summaries(store, [run_id], names, kind=IMAGE)
    total = sum(each.count for each in found)
    images: list[ImageEntry] = []
    for each in found:
        begin, offset = offset, max(0, offset - each.count)
        if begin >= each.count or len(images) >= limit:
            continue
        points = store.metric_points(run_id, each.name, "", IMAGE, begin, begin + limit - len(images))
        references = cells(points.columns[""]) if "" in points.columns else []
        listed = [artifact_of(reference, run_id) for reference in references]
        files = named_artifacts(store, run_id, [name for name in listed if name is not None])
        some = [
            _entry(run_id, each.name, step, time, name, files)
            for step, time, name in zip(points.steps.tolist(), points.times.tolist(), listed, strict=True)
        ]
        images += sorted(some, key=lambda image: int(image.step))
    return images, total


def _entry(
    run_id: str, metric: str, step: int, time: int, name: str | None, files: Mapping[str, ArtifactRecord]
) -> ImageEntry:
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
