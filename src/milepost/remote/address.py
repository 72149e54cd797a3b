"""Where a workspace on a server is, and as whom to ask there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

OFFLINE_VARIABLE: Final = "MILEPOST_OFFLINE"
"""Set to 1: no server is asked for anything; what is logged is kept for ``milepost sync``."""


@dataclass(frozen=True, slots=True)
class Address:
    """A workspace of a server.  ``server``: the server's address, without a slash at the end."""

    server: str
    workspace: str
    token: Callable[[], str | None] | str | None = field(default=None, repr=False)
    """What to show there, or what gives it for each request."""

    @property
    def pages(self) -> str:
        """What the addresses of the workspace's pages begin with."""
        return f"{self.server}/workspaces/{quote(self.workspace, safe='')}"

    @property
    def api(self) -> str:
        """What the addresses of the workspace's API begin with."""
        return f"{self.pages}/api/v1"
