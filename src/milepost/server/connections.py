"""Connections that are not waited for endlessly: whoever connects and says nothing must not keep others out.

This is before any token is looked at, so anybody on this machine (and any page in its browser) can come this far.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from milepost.server.settings import Serving

try:
    import resource
except ImportError:  # Windows, where connections are no file descriptors
    resource = None  # type: ignore[assignment,unused-ignore]

_SHARE: Final = 2
"""Of the files that this process may open, one in so many is for connections; the store and contents need the rest."""


def connections_of(settings: Serving) -> type[H11Protocol]:
    """uvicorn's protocol for a server that is set up like that.

    h11 and not what else may be installed: it refuses requests whose head is larger than 64 KiB.
    """
    most = settings.max_connections
    if resource is not None:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if files != resource.RLIM_INFINITY:
            most = max(8, min(most, files // _SHARE))

    class _Configured(Connection):
        patience_s = settings.head_s
        most_connections = most

    return _Configured


class Connection(H11Protocol):
    """A connection that is closed where the head of a request does not arrive in time.

    Where there are too many, a new one takes the place of the one that has been waited for longest.
    """

    patience_s: float
    most_connections: int
    _late: asyncio.TimerHandle | None = None
    _waited_since: float = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        if len(self.connections) >= self.most_connections and not self._take_place():
            transport.abort()
            self.transport = transport
            return
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self._late is not None:
            self._late.cancel()
        if self in self.connections:
            super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """See uvicorn."""
        super().on_response_complete()
        self._wait()

    def is_waiting(self) -> bool:
        """Whether there is no request to be answered."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete

    def _wait(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._waited_since = self.loop.time()
        self._late = self.loop.call_later(self.patience_s, self._give_up)

    def _give_up(self) -> None:
        if self.is_waiting():
            self.transport.abort()

    def _take_place(self) -> bool:
        waiting = [each for each in self.connections if isinstance(each, Connection) and each.is_waiting()]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda each: each._waited_since)
        self.connections.discard(oldest)
        oldest.transport.abort()
        return True
