"""``/workspaces/NAME/...``: the same pages and the same API for each workspace of a server."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from milepost.server.as_sent import raw_path, without_beginning
from milepost.server.team.places import WORKSPACE

PREFIX: Final = "milepost.prefix"
"""Where a request's scope has what its addresses begin with, as it was sent."""

_RAW: Final = re.compile(rb"/workspaces/([^/?]{1,2048})(/[^?]*)?")


class WorkspacePrefix:
    """Takes the beginning of an address off and notes the workspace in the scope: ``app`` sees what follows."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            found = _RAW.fullmatch(raw_path(scope))
            if found is not None:
                name = found[1].decode("latin-1")
                marks = {WORKSPACE: unquote(name), PREFIX: f"/workspaces/{name}"}
                scope = without_beginning(scope, found[2] or b"/", marks)
        await self._app(scope, receive, send)
