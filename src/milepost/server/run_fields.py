"""Columns and orders as addresses name them, and filters that are wrong.

Names stand in columns as they are, without quotes: ``metrics.val/loss``.  Between several columns is a comma; one in a
name is written %2C, and % is %25.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from milepost.server.errors import Problem
from milepost.store.filters import FIELDS, GROUPS, BadFilter, Field

MAX_COLUMNS: Final = 100

_REDUCED: Final = re.compile(r"(last|min|max)\(metrics\.(.+)\)", re.DOTALL)
_ORDERS: Final = {
    "metrics": "metric",
    "metrics min": "metric_min",
    "metrics max": "metric_max",
    "tags": "tag",
    "properties": "property",
    "params": "param",
}


def field_of(text: str) -> Field:
    """``status``, ``tags.stage``, ``metrics.mse`` or ``min(metrics.mse)`` as a field.  Raises Problem."""
    reduced = _REDUCED.fullmatch(text)
    if reduced:
        return Field("metrics", reduced[2], reduced[1].replace("last", ""))
    kind, dot, name = text.partition(".")
    if dot and name and kind in GROUPS:
        return Field(kind, name)
    if text in FIELDS:
        return Field(text)
    raise Problem(
        400,
        f"there is no column {text[:100]!r}; there are {', '.join(FIELDS)}, "
        f"{', '.join(f'{each}.NAME' for each in GROUPS)}, min(metrics.NAME) and max(metrics.NAME)",
    )


def columns_of(text: str) -> dict[str, Field]:
    """Each column that a list names, with what it means.  Raises Problem."""
    names = [each.replace("%2C", ",").replace("%25", "%") for each in text.split(",") if each]
    if len(names) > MAX_COLUMNS:
        raise Problem(422, f"columns: {len(names):,} are asked for; up to {MAX_COLUMNS} are given at once")
    found = {name: field_of(name) for name in names}
    plain = [name for name, field in found.items() if field.kind not in GROUPS]
    if plain:
        raise Problem(400, f"every run has {plain[0]!r} already; columns are metrics, tags, properties and params")
    return found


def order_of(text: str) -> str:
    """An order as the store knows it: ``metrics.mse`` is ``metric:mse``.  The store refuses unknown ones."""
    if "." not in text or ":" in text.partition(".")[0]:
        return text
    field = field_of(text)
    return f"{_ORDERS[f'{field.kind} {field.function}'.strip()]}:{field.name}"


class FilterRoute(APIRoute):
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
