"""The application: the API, the portal's pages, and what stands guard before both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from milepost import __version__
from milepost.server.allowed import check_role
from milepost.server.compression import Compressed
from milepost.server.errors import ERRORS, add_error_answers
from milepost.server.head import HeadAsGet
from milepost.server.here import Places
from milepost.server.routes import (
    actions,
    changes,
    compare,
    compute,
    environments,
    experiments,
    exports,
    files,
    images,
    live,
    logs,
    metrics,
    models,
    progress,
    runs,
    snapshots,
    tables,
    workspace,
)
from milepost.server.security import Activity, Guard
from milepost.server.session_path import SessionPath
from milepost.server.settings import Serving, Settings
from milepost.server.static import Pages

log: Final = logging.getLogger("milepost.server")

API: Final = "/api/v1"
_SUBJECTS: Final = (
    workspace,
    experiments,
    actions,
    runs,
    progress,
    compare,
    exports,
    metrics,
    tables,
    images,
    files,
    logs,
    snapshots,
    models,
    environments,
    compute,
    changes,
    live,
)


def create_app(places: Places, settings: Settings) -> FastAPI:
    """The application that shows the workspace of this machine."""
    app = bare_app(places, settings)
    # The last one is the first that a request meets.
    app.add_middleware(Compressed)
    app.add_middleware(Pages)
    app.add_middleware(Guard, settings=settings, activity=app.state.activity)
    app.add_middleware(SessionPath)
    return app


def bare_app(places: Places, settings: Serving, *more: APIRouter, hides_why: bool = False) -> FastAPI:
    """The API, with these routes beside the portal's, and nobody who stands guard.

    ``hides_why``: as ``add_error_answers`` has it.
    """
    app = FastAPI(
        title="Milepost",
        version=__version__,
        description="Everything the portal shows, for programs. Send the token as `Authorization: Bearer TOKEN`.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # those pages would come from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_living,
        generate_unique_id_function=operation_name,
    )
    app.state.places = places
    app.state.settings = settings
    app.state.activity = Activity()
    add_error_answers(app, hides_why=hides_why)
    app.include_router(_api(more))
    app.add_middleware(HeadAsGet)
    return app


_apis: Final[dict[tuple[int, ...], APIRouter]] = {}


def _api(more: tuple[APIRouter, ...]) -> APIRouter:
    """The portal's routes and these.  Made once: the types of all their answers take half a second."""
    # By identity: routers have no hash, and these are their modules' own, so they stay.
    key = tuple(id(each) for each in more)
    if key not in _apis:
        _apis[key] = _make_api(more)
    return _apis[key]


def _make_api(more: tuple[APIRouter, ...]) -> APIRouter:
    api = APIRouter(prefix=API, responses=ERRORS, dependencies=[Depends(check_role)])
    for router in (*(subject.router for subject in _SUBJECTS), *more):
        api.include_router(router)
    return api


def operation_name(route: APIRoute) -> str:
    """What the OpenAPI document calls a route."""
    return route.name


@asynccontextmanager
async def _living(app: FastAPI) -> AsyncIterator[None]:
    tending = asyncio.create_task(_tend(app.state.places, app.state.settings.tend_s))
    yield
    tending.cancel()
    with suppress(asyncio.CancelledError):
        await tending


async def _tend(places: Places, interval_s: float) -> None:
    told = ""
    while True:
        try:
            await asyncio.to_thread(places.tend)
            told = ""
        except Exception as error:
            if str(error) != told:
                told = str(error)
                log.warning("what ended processes left behind could not be brought in: %s", told)
        await asyncio.sleep(interval_s)
