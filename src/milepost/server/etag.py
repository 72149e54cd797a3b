"""ETags of answers that can be told from what they are made of, without making them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response


def etag_of(*parts: object) -> str:
    """A weak ETag of what an answer is made of: ids, counts, times, versions."""
    text = "\x00".join(repr(each) for each in parts)
    return f'W/"{hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]}"'


def is_known(request: Request, etag: str) -> bool:
    """Whether the client has the answer with this ETag: then it wants a 304."""
    given: Iterable[str] = request.headers.get("if-none-match", "").split(",")
    wanted = etag.removeprefix("W/")
    return any(each.strip() == "*" or each.strip().removeprefix("W/") == wanted for each in given)


def unchanged(etag: str) -> Response:
    """The answer 304."""
    return Response(status_code=304, headers={"ETag": etag})
