"""Answers that clients may keep: they ask again each time, and get a 304 without the work being done once more.

What an answer is made of is told by a mark that costs a few numbers of the store.  It is taken before the answer is
made and changes with all that the answer shows, so nothing that has changed is taken for the same, whether a run has
ended or not.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from milepost import __version__
from milepost.server.allowed import check_role
from milepost.server.etag import etag_of, is_known, unchanged
from milepost.server.here import Here, current
from milepost.server.log_reading import is_on_its_way
from milepost.store.changes import run_mark

RUN: Final = "runs"
METRICS: Final = "metrics"
FILES: Final = "files"
LIVE: Final = "live"
"""What lies in the job's folder while the run is on its way: whether that has changed cannot be told."""

_MARK: Final = "_milepost_mark"

Mark = Callable[[Here, Mapping[str, Any]], object | None]
"""From the workspace and the parameters in the address to something whose ``repr`` changes with what an answer shows;
None for an answer that is not to be kept.  May raise what the route raises."""
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


def kept(mark: Mark) -> Callable[[_Endpoint], _Endpoint]:
    """Says what a route's answer is made of, besides its parameters.

    For routes of a router with ``route_class=KeptRoute``; below the route's own decorator.
    """

    def note(endpoint: _Endpoint) -> _Endpoint:
        setattr(endpoint, _MARK, mark)
        return endpoint

    return note


def shows(*parts: str) -> Callable[[_Endpoint], _Endpoint]:
    """``kept`` for a route that shows these parts of the run ``run_id``, and nothing else."""

    def mark(here: Here, parameters: Mapping[str, Any]) -> object | None:
        run_id = parameters["run_id"]
        if LIVE in parts and is_on_its_way(here.folder, run_id):
            return None
        return run_mark(here.store, run_id, parts)

    return kept(mark)


class KeptRoute(APIRoute):
    """A route whose answer has an ETag, if ``kept`` or ``shows`` says what it is made of."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """See FastAPI."""
        handle = super().get_route_handler()
        mark: Mark | None = getattr(self.endpoint, _MARK, None)
        if mark is None:
            return handle

        async def checking(request: Request) -> Response:
            check_role(request)  # before the store is asked: a 304 tells that there is such a run
            found = await run_in_threadpool(mark, current(request), request.path_params)
            if found is None:
                return await handle(request)
            etag = etag_of(__version__, request.url.path, request.url.query, found)
            if is_known(request, etag):
                return unchanged(etag)
            response = await handle(request)
            if response.status_code == 200:
                response.headers["ETag"] = etag
                response.headers["Cache-Control"] = "private, no-cache"
            return response

        return checking
