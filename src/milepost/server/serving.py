"""The HTTP server that the application runs in."""

from __future__ import annotations

import math
import socket
import time
from typing import TYPE_CHECKING, Final

import uvicorn
from fastapi import FastAPI

from milepost.server.connections import connections_of

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp

    from milepost.server.security import Activity
    from milepost.server.settings import Serving
    from milepost.server.team.app import TeamApp

_GRACE_S: Final = 2.0
"""How long answers that are on their way may take when a portal is to end."""


class _Server(uvicorn.Server):
    """Tells the streams that the server ends: they would be waited for."""

    def __init__(self, app: ASGIApp, settings: Serving, activity: Activity, grace_s: float) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=connections_of(settings),
                log_level="error",  # warnings are of requests that anybody can send, as many as they like
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=math.ceil(grace_s),
                ws="none",
            )
        )
        self._activity = activity

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._activity.is_leaving = True
        self._activity.ending.set()
        await super().shutdown(sockets)


class _TeamServer(_Server):
    """Goes on for a while when it is asked to end, so that load balancers see that it is not ready any more."""

    def __init__(self, app: TeamApp, drain_s: float, grace_s: float) -> None:
        super().__init__(app, app.settings, app.activity, grace_s)
        self._drain_s = drain_s
        self._until = math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """See uvicorn.  Whoever asks twice does not want to wait."""
        self._captured_signals.append(sig)
        self.should_exit = self._activity.is_leaving or self._drain_s <= 0
        self._activity.is_leaving = True
        self._until = time.monotonic() + self._drain_s

    async def on_tick(self, counter: int) -> bool:
        """See uvicorn."""
        if time.monotonic() >= self._until:
            self.should_exit = True
        return await super().on_tick(counter)


def server_of(app: FastAPI) -> uvicorn.Server:
    """A server for this application: ``run(sockets=[...])`` serves until ``should_exit`` is set."""
    return _Server(app, app.state.settings, app.state.activity, _GRACE_S)


def team_server_of(app: TeamApp, *, drain_s: float = 0.0, grace_s: float = 30.0) -> uvicorn.Server:
    """A server for a team's application; see ``ServerConfig``."""
    return _TeamServer(app, drain_s, grace_s)
