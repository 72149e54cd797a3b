"""What a server writes of itself and of requests: text or JSON lines, on standard error.

No line holds a token, a cookie, a body, or what follows a ``?``.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers, MutableHeaders

from milepost.server.allowed import CALLER, Caller
from milepost.server.team.places import WORKSPACE
from milepost.server.team.probes import PROBES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from milepost.server.team.measures import Measures

REQUEST_ID: Final = "X-Request-ID"
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_MOST: Final = 500
"""Letters of a path in a line."""

log: Final = logging.getLogger("milepost.server.requests")
_this: ContextVar[str] = ContextVar("milepost_request_id", default="")


class Observed:
    """Counts and writes down what ``app`` answers, and gives each request an id.

    The id is the one that a proxy sent as ``X-Request-ID``, else a new one; the answer carries it.
    """

    def __init__(self, app: ASGIApp, measures: Measures | None) -> None:
        self._app = app
        self._measures = measures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        name = given if _ID.fullmatch(given) else secrets.token_hex(8)
        token = _this.set(name)
        started = time.perf_counter()
        status, size, kind = 0, 0, ""

        async def sending(message: Message) -> None:
            nonlocal status, size, kind
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers[REQUEST_ID] = name
                kind = headers.get("content-type", "")
            else:
                size += len(message.get("body", b""))
            await send(message)

        if self._measures is not None:
            self._measures.begun()
        try:
            await self._app(scope, receive, sending)
        finally:
            seconds = time.perf_counter() - started
            if self._measures is not None:
                is_stream = kind.startswith("text/event-stream")
                self._measures.ended(method_of(scope), route_of(scope), status, seconds, is_stream=is_stream)
            if log.isEnabledFor(logging.INFO):
                log.info("request", extra={"facts": _facts(scope, status, size, seconds)})
            _this.reset(token)


def method_of(scope: Scope) -> str:
    """The method, if it is one that HTTP knows."""
    method: str = scope["method"]
    return method if method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") else "other"


def route_of(scope: Scope) -> str:
    """The route as its program names it: there are not as many as there are addresses."""
    path = getattr(scope.get("route"), "path", None)
    if isinstance(path, str):
        return path
    if scope["path"] in PROBES and WORKSPACE not in scope:
        return "probes"
    return "other" if scope["path"].startswith("/api") else "pages"


def _facts(scope: Scope, status: int, size: int, seconds: float) -> dict[str, Any]:
    caller = scope.get(CALLER)
    account = caller.account if isinstance(caller, Caller) else None
    return {
        "method": method_of(scope),
        "path": scope["path"][:_MOST],
        "workspace": scope.get(WORKSPACE, "")[:_MOST],
        "status": status,
        "bytes": size,
        "ms": round(seconds * 1000, 1),
        "account": account.name if account is not None else "",
        "address": caller.address if isinstance(caller, Caller) else "",
    }


def set_up_logging(*, as_json: bool, requests: bool) -> None:
    """Write what is logged to standard error: warnings and errors, and with ``requests`` a line for each of those."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if as_json else _TextLines())
    for name in ("milepost", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # warnings are of requests that anybody can send
    log.setLevel(logging.INFO if requests else logging.WARNING)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **({"request": _this.get()} if _this.get() else {}),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, separators=(",", ":"))


class _TextLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={json.dumps(value)}" for name, value in getattr(record, "facts", {}).items())
        about = f" request={_this.get()}" if _this.get() else ""
        text = f"{_time(record)} {record.levelname.lower()} {record.getMessage()}{about} {facts}".rstrip()
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def _time(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, timezone.utc)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
