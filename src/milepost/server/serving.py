"""The HTTP server that the application runs in."""

from __future__ import annotations

import socket
from typing import Final

import uvicorn
from fastapi import FastAPI

_GRACE_S: Final = 2
"""How long answers that are on their way may take when the server is to end."""


class _Server(uvicorn.Server):
    """Tells the streams that the server ends: they would be waited for."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_S,
                ws="none",
            )
        )
        self._ending = app.state.activity.ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._ending.set()
        await super().shutdown(sockets)


def server_of(app: FastAPI) -> uvicorn.Server:
    """A server for this application: ``run(sockets=[...])`` serves until ``should_exit`` is set."""
    return _Server(app)
