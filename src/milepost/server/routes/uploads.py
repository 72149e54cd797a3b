"""``/uploads``: contents of files that come in parts, straight to the object store where it can be signed for that."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import tempfile
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from milepost.server.delivery import BINARY
from milepost.server.here import Here, ThisWorkspace
from milepost.server.problem import Problem
from milepost.server.roles import CONTRIBUTOR, needs

if TYPE_CHECKING:
    from milepost.server.team.finishing import Finishing
    from milepost.server.team.intake import Intake
    from milepost.server.team.settings import TeamSettings
    from milepost.store.uploads import Upload, Uploads

router = APIRouter(prefix="/uploads", tags=["blobs"])

URL_LIFE_S: Final = 3600
"""How long (seconds) an address for a part is good for."""
_MOST_URLS: Final = 100
_IN_MEMORY: Final = 1 << 20
LINES: Final = "application/x-ndjson"

UploadId = Annotated[str, Path(max_length=200, description="What `POST /uploads` has called it.")]
_BYTES: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {BINARY: {"schema": {"type": "string", "format": "binary"}}}},
}
_FULL: Final[dict[int | str, dict[str, Any]]] = {
    429: {"description": "The workspace's files take up all that they may; come again after `Retry-After`"}
}


class Announced(BaseModel):
    """A content that is about to come."""

    digest: str = Field(pattern="^[0-9a-f]{64}$", description="SHA-256 in lower-case hex")
    size: int = Field(ge=1, lt=2**47, description="bytes")
    direct: bool = Field(
        default=True, description="Parts may go straight to the object store. False: it cannot be reached from there."
    )


class Begun(BaseModel):
    """How a content is to be sent."""

    is_stored: bool = Field(description="The workspace has it; nothing is to be sent.")
    upload: str | None = Field(default=None, description="What to call the upload by.")
    is_direct: bool = Field(default=False, description="Parts go to the addresses that `urls` gives, else to `parts`.")
    part_size: int = Field(default=0, description="Bytes of each part but the last one, which has the rest.")
    parts: list[int] = Field(default=[], description="The parts that are there already. They are numbered from 1.")


class Wanted(BaseModel):
    """Parts that are about to be sent."""

    parts: list[Annotated[int, Field(ge=1, lt=2**31)]] = Field(min_length=1, max_length=_MOST_URLS)


class Addresses(BaseModel):
    """Where parts are to be PUT."""

    urls: dict[int, str] = Field(description="Part -> address. Whoever has one needs no token, and sends none.")
    expires_s: int = Field(description="Seconds for which they are good.")


@router.post("", summary="Begin to send a content in parts, or go on", responses=_FULL, **needs(CONTRIBUTOR))
async def begin_upload(request: Request, here: ThisWorkspace, content: Announced) -> Begun:
    """Where an earlier try was cut off, the parts that came are kept, for two days.

    What is told of a content that is there already is told of this workspace alone.
    """
    settings: TeamSettings = request.app.state.settings
    intake: Intake = request.app.state.intake
    if content.size > settings.limits.blob:
        raise Problem(413, f"a file of {content.size:,} bytes is larger than {settings.limits.blob:,}, which are taken")
    blobs = here.store.blobs
    if not await asyncio.to_thread(blobs.keep_all, {content.digest: content.size}):
        return Begun(is_stored=True)
    uploads = await _uploads(here)
    await intake.admit_file(here.store, lambda: content.size + uploads.announced(but=content.digest))

    def begin() -> Begun:
        direct = content.direct and settings.signed_urls
        upload = uploads.begin(content.digest, content.size, direct=direct, part=settings.limits.part)
        there = sorted(uploads.parts(upload))
        return Begun(
            is_stored=False,
            upload=upload.id,
            is_direct=upload.is_direct,
            part_size=upload.part_size,
            parts=there,
        )

    return await asyncio.to_thread(begin)


@router.post("/{upload}/urls", summary="Where parts go", responses=_FULL, **needs(CONTRIBUTOR))
async def sign_parts(request: Request, here: ThisWorkspace, upload: UploadId, wanted: Wanted) -> Addresses:
    """For an upload whose parts go straight to the object store."""
    intake: Intake = request.app.state.intake
    await intake.admit_file(here.store)
    uploads = await _uploads(here)

    def sign() -> Addresses:
        urls = uploads.urls(uploads.find(upload), sorted(set(wanted.parts)), URL_LIFE_S)
        return Addresses(urls=urls, expires_s=URL_LIFE_S)

    return await asyncio.to_thread(sign)


@router.put(
    "/{upload}/parts/{number}",
    status_code=204,
    summary="Send a part to the server",
    response_class=Response,
    openapi_extra={**needs(CONTRIBUTOR)["openapi_extra"], **_BYTES},
    responses=_FULL,
)
async def put_part(
    request: Request, here: ThisWorkspace, upload: UploadId, number: Annotated[int, Path(ge=1, lt=2**31)]
) -> Response:
    """With `Content-Digest: sha-256=:BASE64:` (RFC 9530) it is only taken when it came as it was sent."""
    intake: Intake = request.app.state.intake
    await intake.admit_file(here.store)
    uploads = await _uploads(here)
    one = await asyncio.to_thread(uploads.find, upload)
    length = one.length(number)
    wanted = _content_digest(request)
    hasher = hashlib.sha256()
    came = 0
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as held:
        async for piece in request.stream():
            came += len(piece)
            if came > length:
                raise Problem(413, f"part {number} of this upload has {length:,} bytes, and more than that came")
            hasher.update(piece)
            await asyncio.to_thread(held.write, piece)
        if came != length or wanted not in (None, hasher.digest()):
            raise Problem(400, f"part {number} was changed or cut off on the way: send it again")
        await asyncio.to_thread(uploads.put, one, number, held)
    return Response(status_code=204)


@router.post(
    "/{upload}/finish",
    summary="Make the content of its parts",
    response_class=StreamingResponse,
    responses={200: {"description": "Lines of JSON, the last with `stored` or `error`", "content": {LINES: {}}}},
    **needs(CONTRIBUTOR),
)
async def finish_upload(request: Request, here: ThisWorkspace, upload: UploadId) -> StreamingResponse:
    """All of its bytes are read; it is stored if they have the digest that was announced, else they are removed.

    Every few seconds a line tells how many bytes have been read: `{"read": 1000000}`. The last line has
    `"stored": true`, or `error` with what is wrong.
    """
    finishing: Finishing = request.app.state.finishing
    intake: Intake = request.app.state.intake
    uploads = await _uploads(here)

    def find() -> Upload:
        found = uploads.find(upload)
        uploads.check_complete(found)
        return found

    one = await asyncio.to_thread(find)
    lines = finishing.finish(here.store, one, lambda: intake.spend_file(here.store, one.digest, one.size))
    return StreamingResponse(lines, media_type=LINES, headers={"Cache-Control": "no-store"})


async def _uploads(here: Here) -> Uploads:
    return await asyncio.to_thread(lambda: here.store.blobs.uploads)  # the first look at them may ask for credentials


def _content_digest(request: Request) -> bytes | None:
    """The SHA-256 that a body is said to have.  Raises Problem (400)."""
    for each in request.headers.get("content-digest", "").split(","):
        name, _, value = each.strip().partition("=")
        if name.lower() == "sha-256":
            try:
                return base64.b64decode(value.strip(":"), validate=True)
            except binascii.Error:
                raise Problem(400, "Content-Digest is not sha-256=:BASE64:") from None
    return None
