"""``/snapshots``: the source files of runs, and what changed from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response

from milepost.jobs.snapshots import diff, manifest
from milepost.server.delivery import BYTES, ZIP, Content, deliver, deliver_zip, safety_headers
from milepost.server.here import Here, ThisWorkspace
from milepost.server.kept import KeptRoute, kept
from milepost.server.problem import Problem
from milepost.server.routes.files import preview
from milepost.server.schemas.files import FilePreview
from milepost.server.schemas.snapshots import SnapshotAnswer, SnapshotDiff, SnapshotEntry
from milepost.server.shown_types import TEXT
from milepost.server.text_diff import LARGEST, unified_diff
from milepost.server.times import utc
from milepost.server.zipping import ZipEntry
from milepost.store.artifacts import content_type_of
from milepost.store.errors import NotFound
from milepost.store.names import MAX_CHARACTERS, check_name

if TYPE_CHECKING:
    from milepost.store.manifest import SnapshotFile
    from milepost.store.records import SnapshotRecord

router = APIRouter(tags=["snapshots"], route_class=KeptRoute)

SnapshotId = Annotated[str, Path(max_length=64, description="The snapshot's id.")]
FileName = Annotated[str, Path(max_length=MAX_CHARACTERS, description="The file's name with its folders.")]


def _records(here: Here, parameters: Mapping[str, Any]) -> object:
    """Snapshots do not change: what is known of them tells all that can be shown of them."""
    return [here.store.snapshot(parameters[name]) for name in ("snapshot_id", "before", "after") if name in parameters]


_DIFF_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "A unified diff", "content": {"text/plain": {"schema": {"type": "string"}}}},
}


@router.get("/snapshots/{snapshot_id}", summary="A snapshot with its files")
@kept(_records)
def get_snapshot(
    here: ThisWorkspace,
    snapshot_id: SnapshotId,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100_000)] = 100_000,
) -> SnapshotAnswer:
    """The files of a snapshot, by name."""
    record = here.store.snapshot(snapshot_id)
    files = manifest(here.store.blobs, record.manifest)
    return SnapshotAnswer(
        id=record.id,
        files=[
            SnapshotEntry(name=each.name, size=each.size, digest=each.digest, executable=each.executable)
            for each in files[offset : offset + limit]
        ],
        total=len(files),
        bytes=record.bytes,
        created=utc(record.created_ns),
    )


@router.get(
    "/snapshots/{snapshot_id}/files/{name:path}",
    summary="A file of a snapshot",
    response_class=Response,
    responses=BYTES,
)
def get_snapshot_file(
    here: ThisWorkspace,
    request: Request,
    snapshot_id: SnapshotId,
    name: FileName,
    download: Annotated[bool, Query(description="To be saved, whatever its type.")] = False,
) -> Response:
    """A file of a snapshot, whole or one range of it; see the files of runs."""
    return deliver(request, here.store.blobs, _content(here, snapshot_id, name), download=download)


@router.get("/snapshots/{snapshot_id}/preview/{name:path}", summary="The beginning of a file of a snapshot")
@kept(_records)
def get_snapshot_preview(here: ThisWorkspace, snapshot_id: SnapshotId, name: FileName) -> FilePreview:
    """What can be shown of a file of a snapshot; see the previews of runs' files."""
    content = _content(here, snapshot_id, name)
    url = f"/api/v1/snapshots/{quote(snapshot_id, safe='')}/files/{quote(content.name)}"
    return preview(here.store.blobs, content, url)


@router.get("/snapshots/{snapshot_id}/zip", summary="A snapshot as a zip", response_class=Response, responses=ZIP)
@kept(_records)
def get_snapshot_zip(here: ThisWorkspace, snapshot_id: SnapshotId) -> Response:
    """All files of a snapshot in an archive that is made while it is sent."""
    record = here.store.snapshot(snapshot_id)
    files = manifest(here.store.blobs, record.manifest)
    entries = [ZipEntry(each.name, each.digest, each.size, executable=each.executable) for each in files]
    return deliver_zip(here.store.blobs, entries, f"snapshot-{record.id[:8]}.zip")


@router.get("/snapshots/{before}/diff/{after}", summary="Which files changed between two snapshots")
@kept(_records)
def get_snapshot_diff(here: ThisWorkspace, before: SnapshotId, after: SnapshotId) -> SnapshotDiff:
    """The names of files that the second snapshot has more, has no more, and has changed."""
    return SnapshotDiff(
        **{kind: list(names) for kind, names in asdict(diff(_files(here, before)[1], _files(here, after)[1])).items()}
    )


@router.get(
    "/snapshots/{before}/diff/{after}/{name:path}",
    summary="What changed in a file between two snapshots",
    response_class=Response,
    responses=_DIFF_ANSWER,
)
@kept(_records)
def get_snapshot_file_diff(here: ThisWorkspace, before: SnapshotId, after: SnapshotId, name: FileName) -> Response:
    """A unified diff as plain text, empty where the file is the same; of files up to 1 MiB."""
    wanted = check_name(name)
    files = [_find(_files(here, each)[1], wanted) for each in (before, after)]
    if files == [None, None]:
        raise NotFound(f"neither snapshot has a file {wanted!r}")
    contents = [None if each is None else _read(here, each) for each in files]
    text = unified_diff(contents[0], contents[1], wanted)
    return Response(text.encode("utf-8", "replace"), 200, safety_headers(), media_type=TEXT)


def _read(here: Here, file: SnapshotFile) -> bytes:
    if file.size > LARGEST:
        raise Problem(
            413, f"{file.name!r} has {file.size:,} bytes, and up to {LARGEST:,} are compared here: download both files"
        )
    return here.store.blobs.read_range(file.digest, 0, file.size)


def _files(here: Here, snapshot_id: str) -> tuple[SnapshotRecord, tuple[SnapshotFile, ...]]:
    record = here.store.snapshot(snapshot_id)
    return record, manifest(here.store.blobs, record.manifest)


def _find(files: tuple[SnapshotFile, ...], name: str) -> SnapshotFile | None:
    return next((each for each in files if each.name == name), None)


def _content(here: Here, snapshot_id: str, name: str) -> Content:
    wanted = check_name(name)
    found = _find(_files(here, snapshot_id)[1], wanted)
    if found is None:
        raise NotFound(f"the snapshot {snapshot_id} has no file {wanted!r}")
    return Content(found.name, found.digest, found.size, content_type_of(found.name))
