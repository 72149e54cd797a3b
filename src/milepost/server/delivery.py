"""Answers that carry a user's file: streamed, in ranges, and never as something that a browser would run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from milepost.server.errors import ErrorAnswer
from milepost.server.etag import is_known
from milepost.server.problem import Problem
from milepost.server.ranges import RangeRefused, wanted_range
from milepost.server.shown_types import PDF, shown_type
from milepost.server.zipping import ZipEntry, stream_zip
from milepost.store.errors import StoreDamaged

if TYPE_CHECKING:
    from typing import BinaryIO

    from milepost.store.blobs import Blobs

PIECE: Final = 256 << 10
"""Bytes that are read and sent at once."""

KEPT: Final = "private, no-cache"
"""``Cache-Control`` of contents: a name may mean another one tomorrow, so browsers ask again, and get a 304."""
BINARY: Final = "application/octet-stream"

SANDBOX: Final = "sandbox; default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Browsers show no PDF in a sandbox.  Their viewers are kept apart from the page's origin, and the type is exact.
_PDF_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

_PLAIN_NAME: Final = re.compile(r"[^A-Za-z0-9._ ()+-]")


@dataclass(frozen=True, slots=True)
class Content:
    """A content to be given under a name."""

    name: str
    """With folders; the last part becomes the name of the downloaded file."""
    digest: str
    size: int
    content_type: str
    """What the name tells; it decides how the content is given, and is itself given for images and PDF only."""


def disposition(name: str, *, attached: bool) -> str:
    """The ``Content-Disposition`` for a file of that name (RFC 6266): in plain letters, and in full."""
    last = name.rpartition("/")[2] or "file"
    plain = _PLAIN_NAME.sub("_", last)
    full = quote(last.encode("utf-8", "replace"), safe="")
    return f"{'attachment' if attached else 'inline'}; filename=\"{plain}\"; filename*=UTF-8''{full}"


def safety_headers(policy: str = SANDBOX) -> dict[str, str]:
    """What every answer with a user's content says to the browser."""
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }


def deliver_zip(blobs: Blobs, entries: Sequence[ZipEntry], name: str) -> Response:
    """These files as an archive of that name, made while it is sent."""
    headers = {**safety_headers(), "Content-Disposition": disposition(name, attached=True)}
    return StreamingResponse(stream_zip(blobs, entries), 200, headers, media_type="application/zip")


def deliver(request: Request, blobs: Blobs, content: Content, *, download: bool = False) -> Response:
    """A content as an answer: whole, one range of it, or 304 where the client has it.

    It is streamed in pieces, whatever its size.  ``download``: to be saved, whatever its type.  Raises Problem
    (416), NotFound and StoreUnavailable before anything is sent; what fails afterwards cuts the connection.
    """
    shown = shown_type(content.content_type)
    headers = {
        **safety_headers(_PDF_POLICY if shown == PDF and not download else SANDBOX),
        "Content-Disposition": disposition(content.name, attached=download or shown is None),
        "ETag": f'"{content.digest}"',
        "Cache-Control": KEPT,
        "Accept-Ranges": "bytes",
    }
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range")
    condition = request.headers.get("if-range")
    if condition is not None and condition.strip() != headers["ETag"]:
        asked = None
    try:
        part = wanted_range(asked, content.size)
    except RangeRefused as error:
        raise Problem(416, str(error), headers={"Content-Range": f"bytes */{content.size}"}) from error
    start, stop = (0, content.size) if part is None else (part.start, part.stop)
    headers["Content-Length"] = str(stop - start)
    if part is not None:
        headers["Content-Range"] = part.header(content.size)
    source = blobs.open(content.digest)  # here, so that what is not there is told by a status
    return StreamingResponse(
        _pieces(source, content.digest, start, stop),
        206 if part is not None else 200,
        headers,
        media_type=(BINARY if shown is None else shown),
    )


BYTES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The content", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "The range of the content", "content": {"*/*": {}}},
    304: {"description": "The client has it already"},
    416: {"model": ErrorAnswer, "description": "The range lies outside of the content, or there are several"},
}
"""For ``responses`` of routes that give a user's file."""
ZIP: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The archive",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
}
"""For ``responses`` of routes that give an archive."""


def _pieces(source: BinaryIO, digest: str, start: int, stop: int) -> Iterator[bytes]:
    with source:
        source.seek(start)
        left = stop - start
        while left > 0:
            piece = source.read(min(PIECE, left))
            if not piece:
                raise StoreDamaged(f"the content {digest} ends {left:,} bytes early: restore it from a backup")
            left -= len(piece)
            yield piece
