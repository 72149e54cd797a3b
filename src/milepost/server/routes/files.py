"""``/runs/{run_id}/files``: what a run has stored, one by one, as an archive, and as previews."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response

from milepost.server.delivery import BYTES, ZIP, Content, deliver, deliver_zip
from milepost.server.here import Here, ThisWorkspace
from milepost.server.kept import FILES, LIVE, KeptRoute, shows
from milepost.server.log_reading import growing_logs
from milepost.server.previews import preview_of
from milepost.server.problem import Problem
from milepost.server.schemas.files import FileEntry, FileList, FileNames, FilePreview, FolderEntry, LogEntry
from milepost.server.times import utc
from milepost.server.zipping import ZipEntry
from milepost.store.artifact_pages import artifact_page
from milepost.store.artifacts import named_artifacts
from milepost.store.names import MAX_CHARACTERS

if TYPE_CHECKING:
    from milepost.store.blobs import Blobs
    from milepost.store.records import ArtifactRecord

router = APIRouter(tags=["files"], route_class=KeptRoute)

RunId = Annotated[str, Path(max_length=512, description="The run's id.")]
FileName = Annotated[str, Path(max_length=MAX_CHARACTERS, description="The file's name with its folders.")]
Prefix = Annotated[str, Query(max_length=MAX_CHARACTERS, description="How the names begin, such as outputs/.")]
Download = Annotated[bool, Query(description="To be saved, whatever its type.")]

_MOST_CHOSEN: Final = 1000
_SHORT: Final = 12
"""Characters of a digest that tell contents of one name apart."""


@router.get("/runs/{run_id}/files", summary="The files of a run")
@shows(FILES, LIVE)
def list_files(
    here: ThisWorkspace,
    run_id: RunId,
    prefix: Prefix = "",
    recursive: Annotated[bool, Query(description="Also what is in folders below the prefix.")] = True,
    offset: Annotated[int, Query(ge=0, le=10_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000,
) -> FileList:
    """The files whose names begin with a prefix, by name, and the logs that still grow."""
    here.store.run(run_id)
    page = artifact_page(here.store, run_id, prefix, offset, limit, recursive=recursive)
    growing = [each for each in growing_logs(here.folder, run_id) if each.name.startswith(prefix)]
    stored = named_artifacts(here.store, run_id, [each.name for each in growing])
    return FileList(
        files=[_entry(each) for each in page.files],
        folders=[FolderEntry(name=each.name, files=each.files, size=each.size) for each in page.folders],
        live=[LogEntry(name=each.name, size=each.size, live=True) for each in growing if each.name not in stored],
        total=page.total,
        total_size=page.total_size,
    )


@router.get("/runs/{run_id}/file-names", summary="The names of all files of a run", response_model=FileNames)
@shows(FILES, LIVE)
def list_file_names(here: ThisWorkspace, run_id: RunId) -> Response:
    """What a page needs of each of a hundred thousand files, by name."""
    here.store.run(run_id)
    names, sizes, digests = here.store.artifact_columns(run_id)
    body = {"names": names, "sizes": sizes, "digests": [digest[:_SHORT] for digest in digests]}
    return Response(json.dumps(body, separators=(",", ":")), media_type="application/json")


def _entry(file: ArtifactRecord) -> FileEntry:
    return FileEntry(
        name=file.name,
        size=file.size,
        content_type=file.content_type,
        created=utc(file.created_ns),
        captured=file.captured,
        digest=file.digest,
    )


@router.get("/runs/{run_id}/files/{name:path}", summary="A file of a run", response_class=Response, responses=BYTES)
def get_file(
    here: ThisWorkspace, request: Request, run_id: RunId, name: FileName, download: Download = False
) -> Response:
    """A file, whole or one range of it.

    Images, PDF and plain text are given as such; all other files, HTML and SVG among them, only to be saved.
    """
    return deliver(request, here.store.blobs, _content(here, run_id, name), download=download)


@router.get("/runs/{run_id}/archive", summary="Files of a run as a zip", response_class=Response, responses=ZIP)
@shows(FILES)
def get_archive(
    here: ThisWorkspace,
    run_id: RunId,
    prefix: Prefix = "",
    name: Annotated[
        list[str] | None, Query(max_length=_MOST_CHOSEN, description="These files only; may be repeated.")
    ] = None,
) -> Response:
    """The files whose names begin with a prefix, or those of them that are named, in an archive made on the way."""
    run = here.store.run(run_id)
    if name:
        named = named_artifacts(here.store, run_id, name)
        found = [named[each] for each in sorted(named) if each.startswith(prefix)]
        missing = set(name) - {each.name for each in found}
        if missing:
            raise Problem(404, f"run {run_id!r} has no file {min(missing)[:200]!r} with the prefix {prefix!r}")
    else:
        found = here.store.artifacts(run_id, prefix)
    if not found:
        raise Problem(404, f"run {run_id!r} has no files whose names begin with {prefix!r}")
    entries = [ZipEntry(each.name, each.digest, each.size, each.created_ns) for each in found]
    what = prefix.strip("/").replace("/", "-")
    return deliver_zip(here.store.blobs, entries, f"run-{run.number}{f'-{what}' if what else ''}.zip")


@router.get("/runs/{run_id}/preview/{name:path}", summary="The beginning of a file of a run")
@shows(FILES)
def get_preview(here: ThisWorkspace, run_id: RunId, name: FileName) -> FilePreview:
    """What can be shown of a file: its first 256 kB as text, the first 200 rows of a table, or where its image is."""
    content = _content(here, run_id, name)
    return preview(here.store.blobs, content, f"/api/v1/runs/{quote(run_id, safe='')}/files/{quote(content.name)}")


def preview(blobs: Blobs, content: Content, url: str) -> FilePreview:
    """The preview of a content that is to be had at an address."""
    shown = preview_of(blobs, content)
    is_table = shown.kind == "table"
    return FilePreview(
        kind=shown.kind,
        name=content.name,
        size=content.size,
        content_type=content.content_type,
        digest=content.digest,
        url=url,
        truncated=shown.truncated,
        text=shown.text,
        encoding=shown.encoding,
        columns=shown.columns if is_table else None,
        types=shown.types if is_table else None,
        rows=shown.rows if is_table else None,
        total_rows=shown.total_rows,
        note=shown.note,
    )


def _content(here: Here, run_id: str, name: str) -> Content:
    found = here.store.artifact(run_id, name)
    return Content(found.name, found.digest, found.size, found.content_type)
