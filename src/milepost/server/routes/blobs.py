"""``/blobs``: the contents of files, by digest, from and to other machines."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from milepost.server.as_sent import announced_size
from milepost.server.delivery import BINARY, Content, deliver
from milepost.server.here import ThisWorkspace
from milepost.server.problem import Problem
from milepost.server.roles import CONTRIBUTOR, needs

if TYPE_CHECKING:
    from milepost.server.team.intake import Intake
    from milepost.server.team.settings import TeamSettings

router = APIRouter(prefix="/blobs", tags=["blobs"])

Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="SHA-256 in lower-case hex.")]

LOCATION_S: Final = 600
"""How long (seconds) an address of a content is good for."""
_IN_MEMORY: Final = 1 << 20
_BYTES: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {BINARY: {"schema": {"type": "string", "format": "binary"}}}},
}


class Contents(BaseModel):
    """Contents by digest."""

    sizes: dict[Annotated[str, Field(pattern="^[0-9a-f]{64}$")], Annotated[int, Field(ge=0, lt=2**62)]] = Field(
        max_length=10_000, description="digest -> bytes"
    )


class Missing(BaseModel):
    """Contents that have to be sent."""

    digests: list[str]


class Location(BaseModel):
    """Where a content is."""

    size: int = Field(description="bytes")
    url: str | None
    expires_s: int = Field(description="Seconds for which the address is good.")


@router.post("/missing", summary="Which of these contents the store does not have", **needs(CONTRIBUTOR))
def find_missing(here: ThisWorkspace, contents: Contents) -> Missing:
    """Those that it has stay for the time in which they must be named."""
    return Missing(digests=sorted(here.store.blobs.keep_all(contents.sizes)))


@router.put(
    "/{digest}",
    status_code=204,
    summary="Store a content",
    response_class=Response,
    openapi_extra={**needs(CONTRIBUTOR)["openapi_extra"], **_BYTES},
    responses={429: {"description": "The workspace's files take up all that they may; come again after `Retry-After`"}},
)
async def put_blob(request: Request, here: ThisWorkspace, digest: Digest) -> Response:
    """It is taken when its bytes have that digest."""
    intake: Intake = request.app.state.intake
    coming = announced_size(request.headers) or 1
    room = await intake.admit_file(here.store, lambda: coming)
    hasher = hashlib.sha256()
    came = 0

    def counted() -> int:
        return came

    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as held:
        async for piece in request.stream():
            came += len(piece)
            if room is not None and came > room:
                await intake.admit_file(here.store, counted)
            hasher.update(piece)
            await asyncio.to_thread(held.write, piece)
        if hasher.hexdigest() != digest:
            raise Problem(400, "the bytes that came do not have this digest: they were changed or cut off on the way")
        held.seek(0)
        blob = await asyncio.to_thread(here.store.blobs.put_stream, held)
    intake.spend_file(here.store, blob.digest, blob.size)
    return Response(status_code=204)


@router.get("/{digest}/location", summary="Where a content can be fetched")
def locate_blob(request: Request, here: ThisWorkspace, digest: Digest) -> Location:
    """An address of the object store that gives it, or ranges of it, for a few minutes, without a token.

    None where the store signs none: then it is fetched here. Pages of the portal take contents from the server alone,
    which sends them so that no browser runs them.
    """
    settings: TeamSettings = request.app.state.settings
    blobs = here.store.blobs
    size = blobs.size(digest)
    url = blobs.signed_url(digest, LOCATION_S) if settings.signed_urls else None
    return Location(size=size, url=url, expires_s=LOCATION_S)


@router.api_route("/{digest}", methods=["GET", "HEAD"], summary="A content", response_class=Response)
def get_blob(request: Request, here: ThisWorkspace, digest: Digest) -> Response:
    """All of it, or a range."""
    content = Content(digest, digest, here.store.blobs.size(digest), BINARY)
    return deliver(request, here.store.blobs, content, download=True)
