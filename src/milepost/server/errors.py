"""Errors as the API tells them: ``{"error": {"code", "message"}}``, whatever went wrong."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from milepost.server.problem import CODES, Problem
from milepost.store.errors import BadInput, Conflict, NotFound, StoreDamaged, StoreError, StoreUnavailable
from milepost.store.texts import clean

log: Final = logging.getLogger("milepost.server")

_MAX_MESSAGE: Final = 2000
_AGAIN_S: Final = 60.0


class ErrorText(BaseModel):
    """What went wrong."""

    code: str = Field(description="A word for programs, such as not_found.")
    message: str = Field(description="A sentence for people: what happened, to what, and what to do.")


class ErrorAnswer(BaseModel):
    """The answer to a request that could not be done."""

    error: ErrorText


ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorAnswer, "description": text}
    for status, text in {
        400: "The request cannot be understood",
        401: "The token is missing or wrong",
        403: "Not allowed",
        404: "There is no such thing",
        408: "The body did not arrive in time",
        409: "It clashes with what is there",
        413: "The request is too large",
        415: "The body is not JSON",
        421: "The request was meant for another host",
        422: "A parameter cannot be used",
        429: "Too often; the header Retry-After tells when to come again",
        503: "The store does not answer just now",
    }.items()
}
"""For ``responses`` of every router: the errors that any route may give."""


def answer(
    status: int,
    message: str,
    *,
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
    more: dict[str, Any] | None = None,
) -> JSONResponse:
    """An error as an answer; ``more`` stands beside its code and message."""
    text = clean(message)
    if len(text) > _MAX_MESSAGE:
        text = text[: _MAX_MESSAGE - 3] + "..."
    body = {"error": {"code": code or CODES.get(status, "error"), "message": text, **(more or {})}}
    return JSONResponse(body, status, headers={"Cache-Control": "no-store", **(headers or {})})


def told(error: Exception) -> tuple[int, str, str]:
    """The status, the code and the message that an error of the store becomes."""
    if isinstance(error, NotFound):
        return 404, "not_found", str(error)
    if isinstance(error, Conflict):
        return 409, "conflict", str(error)
    if isinstance(error, BadInput):
        return 400, "bad_request", str(error)
    if isinstance(error, StoreDamaged):
        return 503, "store_damaged", str(error)
    if isinstance(error, StoreUnavailable):
        return 503, "store_unavailable", str(error)
    return 503, "store_unavailable", f"the store could not answer: {error}"


class Outages:
    """Says in the log that the store could not answer, and why: at once, and then once a minute while it lasts."""

    def __init__(self) -> None:
        self._said = -_AGAIN_S
        self._more = 0

    def note(self, error: Exception) -> None:
        """A request could not be answered because of this."""
        now = time.monotonic()
        if now - self._said < _AGAIN_S:
            self._more += 1
            return
        more = f" ({self._more:,} more since the last such line)" if self._more else ""
        log.warning("a request could not be answered%s: %s", more, error)
        self._said, self._more = now, 0


outages: Final = Outages()
HIDDEN: Final = "the server's database or files do not answer just now (its log says why): come again later"
"""What people and programs are told of that by a team's server, where they are not its administrators."""


def add_error_answers(app: FastAPI, *, hides_why: bool = False) -> None:
    """Have the application tell all errors in one shape.

    ``hides_why``: where the store is and why it does not answer is for the log alone.
    """

    @app.exception_handler(Problem)
    def _problem(request: Request, error: Problem) -> JSONResponse:
        return answer(error.status, error.message, code=error.code, headers=error.headers)

    @app.exception_handler(StoreError)
    def _store(request: Request, error: StoreError) -> JSONResponse:
        status, code, message = told(error)
        if status == 503:
            outages.note(error)
            if hides_why and code == "store_unavailable":
                message = HIDDEN
        return answer(status, message, code=code)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        return answer(422, "; ".join(_invalid_text(each) for each in error.errors()[:10]))

    @app.exception_handler(ClientDisconnect)
    def _cut_off(request: Request, error: ClientDisconnect) -> JSONResponse:
        return answer(400, "the request was cut off on its way")  # nobody is there to read it

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        message = str(error.detail)
        if error.status_code == 404 and message == "Not Found":
            message = f"there is no {request.url.path} in this API; see /api/v1/openapi.json"
        return answer(error.status_code, message, headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    def _unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %a failed", request.method, request.url.path, exc_info=error)
        return answer(500, f"this should not happen ({type(error).__name__}); the portal's log says where")


def _invalid_text(error: dict[str, Any]) -> str:
    # Not what was given: it may be long, or no text at all.
    place = ".".join(str(each) for each in error.get("loc", ())[:8])
    return f"{place}: {error.get('msg', 'cannot be used')}"
