"""``/healthz`` and ``/readyz``: what load balancers and orchestrators ask, of each process, by any Host.

- ``/healthz``: this process answers.  One that does not should be started anew.
- ``/readyz``: its database and its files answer, too, and it is not about to end.  Else 503: requests should go to
  another one.

Neither tells anything of what is kept.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse

from milepost.server.team.places import WORKSPACE
from milepost.store.blobs import open_blobs
from milepost.store.engine import read
from milepost.store.errors import StoreError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from milepost.server.security import Activity
    from milepost.server.team.places import Backend

HEALTH: Final = "/healthz"
READY: Final = "/readyz"
PROBES: Final = frozenset({HEALTH, READY})

_KNOWN_S: Final = 1.0
"""So long is an answer good for: anybody may ask, as often as they like."""
_PATIENCE_S: Final = 5.0
_HEADERS: Final = {"Cache-Control": "no-store"}


class Probes:
    """Answers what is asked of a server's health; ``app`` answers the rest."""

    def __init__(self, app: ASGIApp, backend: Backend, activity: Activity) -> None:
        self._app = app
        self._engine = backend.engine
        self._blobs = open_blobs(backend.blobs_of("readyz"))
        self._activity = activity
        self._lock = asyncio.Lock()
        self._found: dict[str, str] = {}
        self._asked = -_KNOWN_S

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http" or scope["path"] not in PROBES or WORKSPACE in scope:
            await self._app(scope, receive, send)
            return
        if scope["path"] == HEALTH:
            response = JSONResponse({"status": "alive"}, headers=_HEADERS)
        elif self._activity.is_leaving:
            response = JSONResponse({"status": "ending"}, 503, headers=_HEADERS)
        else:
            found = await self._state()
            is_ready = all(each == "ready" for each in found.values())
            status = "ready" if is_ready else "not ready"
            response = JSONResponse({"status": status, **found}, 200 if is_ready else 503, headers=_HEADERS)
        await response(scope, receive, send)

    async def _state(self) -> dict[str, str]:
        async with self._lock:
            if time.monotonic() - self._asked >= _KNOWN_S:
                database, artifacts = await asyncio.gather(_within(self._ask_database), _within(self._ask_artifacts))
                self._found = {"database": database, "artifacts": artifacts}
                self._asked = time.monotonic()
            return self._found

    def _ask_database(self) -> None:
        with read(self._engine) as connection:
            connection.exec_driver_sql("SELECT 1")

    def _ask_artifacts(self) -> None:
        for _ in self._blobs.list():  # of a bucket that is not there a single object is just as absent
            break


async def _within(ask: object) -> str:
    assert callable(ask)
    try:
        await asyncio.wait_for(asyncio.to_thread(ask), _PATIENCE_S)
    except asyncio.TimeoutError:
        return "does not answer"
    except (StoreError, OSError):
        return "cannot be reached"  # why, is in the log and in ``milepost server check``
    return "ready"
