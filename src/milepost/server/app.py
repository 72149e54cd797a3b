"""The application: the API, the portal's pages, and what stands guard before both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from milepost import __version__
from milepost.server.compression import Compressed
from milepost.server.errors import ERRORS, add_error_answers
from milepost.server.here import Places
from milepost.server.routes import (
    actions,
    changes,
    compare,
    compute,
    environments,
    experiments,
    files,
    images,
    logs,
    metrics,
    models,
    runs,
    snapshots,
    tables,
    workspace,
)
from milepost.server.security import Activity, Guard
from milepost.server.settings import Settings
from milepost.server.static import Pages

log: Final = logging.getLogger("milepost.server")

API: Final = "/api/v1"
_SUBJECTS: Final = (
    workspace,
    experiments,
    actions,
    runs,
    compare,
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
)


def create_app(places: Places, settings: Settings) -> FastAPI:
    """The application that shows these workspaces."""
    app = FastAPI(
        title="Milepost",
        version=__version__,
        description="Everything the portal shows, for programs. Send the token as `Authorization: Bearer TOKEN`.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # those pages would come from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_living,
        generate_unique_id_function=_operation_name,
    )
    app.state.places = places
    app.state.settings = settings
    app.state.activity = Activity()
    add_error_answers(app)
    api = APIRouter(prefix=API, responses=ERRORS)
    for subject in _SUBJECTS:
        api.include_router(subject.router)
    app.include_router(api)
    # The last one is the first that a request meets.
    app.add_middleware(Compressed)
    app.add_middleware(Pages)
    app.add_middleware(Guard, settings=settings, activity=app.state.activity)
    return app


def _operation_name(route: APIRoute) -> str:
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
