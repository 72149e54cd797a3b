"""Routes that take a filter, and tell where it is wrong."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from milepost.server.kept import KeptRoute
from milepost.store.filters import BadFilter


class FilterRoute(KeptRoute):
    """A route that tells at which character a filter is wrong: ``error.position``, counted from 0."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See FastAPI."""
        handle = super().get_route_handler()

        async def telling(request: Request) -> Response:
            try:
                return await handle(request)
            except BadFilter as error:
                told = {"code": "bad_filter", "message": str(error), "position": error.position}
                return JSONResponse({"error": told}, 400, headers={"Cache-Control": "no-store"})

        return telling
