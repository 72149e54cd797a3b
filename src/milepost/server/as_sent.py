"""What a request holds as its client has sent it, for those who stand before the application.

Frameworks decode and tidy it, and where they differ in how is where guards are walked around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.datastructures import Headers
    from starlette.types import Scope

READING: Final = ("GET", "HEAD")
"""The methods that change nothing."""


def raw_path(scope: Scope) -> bytes:
    """The path with its escapes, so that nothing in it can end a header or begin another address."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.partition(b"?")[0]


def without_beginning(scope: Scope, rest: bytes, marks: Mapping[str, str]) -> Scope:
    """The request as if its path were ``rest``, with ``marks`` in its scope.

    What was sent is cut before it is decoded: an escaped slash is part of a name and not a place to cut at.
    """
    return {**scope, "raw_path": rest, "path": unquote(rest.decode("latin-1")), **marks}


def cookies(headers: Headers, name: str) -> list[str]:
    """What cookies of this name hold, in order.

    Not by http.cookies, which stops at the first cookie that it does not like: other programs at this host may have
    set some, of this name, too.
    """
    pairs = [pair.partition("=") for header in headers.getlist("cookie") for pair in header.split(";")]
    return [value.strip() for each, _, value in pairs if each.strip() == name]


def announced_size(headers: Mapping[str, str]) -> int | None:
    """How many bytes a body says that it has; None where it does not say."""
    length = headers.get("content-length", "")
    return int(length[:20]) if length.isdecimal() else None
