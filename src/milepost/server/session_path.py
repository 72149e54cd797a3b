"""``/s/KEY/api/...``: where the portal's pages ask for data.

A browser sends a cookie to whatever listens at any port of a host, so the cookie of a portal at 127.0.0.1:8765 would
reach the program of somebody else at 127.0.0.1:6006 as soon as the same browser looks at that (through a tunnel, say).
But it sends the cookie only to addresses that begin with the path that it was given for.  That path has a key in it,
which the pages keep in their origin's own storage, and an origin has a port.  So the cookie is told to nobody else, and
whoever learns the key has no cookie.
"""

from __future__ import annotations

import re
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from milepost.server.as_sent import raw_path, without_beginning

SESSION: Final = "milepost.session"
"""Where a request's scope has the key of its address; missing where that has none."""

_RAW: Final = re.compile(rb"/s/([A-Za-z0-9_-]{1,200})(/[^?]*)")


class SessionPath:
    """Takes the beginning of such an address off and notes the key in the scope: ``app`` sees what follows."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            found = _RAW.fullmatch(raw_path(scope))
            if found is not None:
                scope = without_beginning(scope, found[2], {SESSION: found[1].decode("ascii")})
        await self._app(scope, receive, send)
