"""Requests to a server, and its refusals as the store's errors."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError, ProtocolError
from urllib3.util import Timeout

from milepost import __version__
from milepost.http_pool import pool_for
from milepost.remote.address import OFFLINE_VARIABLE, Address
from milepost.store.errors import (
    BadInput,
    Busy,
    Conflict,
    NotAllowed,
    NotFound,
    NotPermitted,
    Offline,
    OffsetMismatch,
    StoreDamaged,
    StoreError,
    StoreUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

CONNECT_S: Final = 5.0
READ_S: Final = 60.0
_MAX_ERROR: Final = 1 << 20

_AGAIN_AFTER_S: Final = 0.1
_ANSWERS_AS: Final = re.compile(r"answers as (https?://\S{1,200}) only")

Body: TypeAlias = bytes | str


class ServerConnection:
    """Speaks with a server.  Threads may share it; a forked child gets connections of its own."""

    def __init__(self, server: str, token: Callable[[], str | None] | str | None) -> None:
        self.server = server
        self.api = f"{server}/api/v1"
        """What the addresses of all requests begin with."""
        self._token = token
        self._lock = threading.Lock()
        self._pool: urllib3.PoolManager | None = None
        self._process = 0

    def json(
        self, method: str, path: str, content: Any = None, *, again: bool = True, timeout_s: float = READ_S
    ) -> Any:
        """What the server answers to a request, from JSON.  ``path`` begins with "/"; ``content`` is sent as JSON.

        ``again``: it does no harm when the server gets it twice, so where the connection breaks it is sent once more.
        Raises the store's errors: StoreUnavailable where the server cannot be reached, or answers as if it were ill.
        """
        body = None if content is None else json.dumps(content, separators=(",", ":"))
        headers = {} if body is None else {"Content-Type": "application/json"}
        data = self.content(method, path, body, headers=headers, again=again, timeout_s=timeout_s)
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise self._unwell(f"its answer to {method} {path} is no JSON") from error

    def content(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        again: bool = True,
        timeout_s: float = READ_S,
    ) -> bytes:
        """What the server answers to a request, whole.  Raises as ``json`` does."""
        with self.open(method, path, body, headers=headers, again=again, timeout_s=timeout_s) as response:
            try:
                data: bytes = response.read()
            except HTTPError as error:
                raise self._unreachable(error) from error
            return data

    def open(
        self,
        method: str,
        path: str,
        body: Body | IO[bytes] | Iterator[Body] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        again: bool = True,
        timeout_s: float = READ_S,
    ) -> urllib3.BaseHTTPResponse:
        """The answer to a request, to be read in pieces and closed.  Raises as ``json`` does."""
        if os.environ.get(OFFLINE_VARIABLE, "") not in ("", "0"):
            raise Offline(f"{OFFLINE_VARIABLE} is set, so {self.server} is not asked")
        sent = {"User-Agent": f"milepost/{__version__}", "Accept-Encoding": "gzip", **(headers or {})}
        token = self._token() if callable(self._token) else self._token
        if token:
            sent["Authorization"] = f"Bearer {token}"
        is_whole = body is None or isinstance(body, (bytes, str))  # else it cannot be read a second time
        timeout = Timeout(connect=CONNECT_S, read=timeout_s)
        try:
            response = self._request(method, path, body, sent, timeout)
        except HTTPError as error:
            # A server that does not answer in time is not asked again: it would take as long again.
            if not is_whole or not (_was_not_sent(error) or (again and isinstance(error, ProtocolError))):
                raise self._unreachable(error) from error
            time.sleep(_AGAIN_AFTER_S)
            try:
                response = self._request(method, path, body, sent, timeout)
            except HTTPError as later:
                raise self._unreachable(later) from later
        if response.status < 300:
            return response
        try:
            raise self._refused(response, method, path)
        finally:
            response.drain_conn()
            response.release_conn()

    def _request(
        self,
        method: str,
        path: str,
        body: Body | IO[bytes] | Iterator[Body] | None,
        headers: Mapping[str, str],
        timeout: Timeout,
    ) -> urllib3.BaseHTTPResponse:
        # urllib3's own retries would be logged, and what is logged in a script without logging is printed.
        return self._connections().request(
            method,
            f"{self.api}{path}",
            body=body,
            headers=headers,
            retries=False,
            redirect=False,
            timeout=timeout,
            preload_content=False,
        )

    def close(self) -> None:
        """Close the connections.  What is used afterwards opens new ones."""
        with self._lock:
            if self._pool is not None and self._process == os.getpid():
                self._pool.clear()
            self._pool = None

    def _connections(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None or self._process != os.getpid():
                self._pool = pool_for(self.server)
                self._process = os.getpid()
            return self._pool

    # -- errors ------------------------------------------------------------------------------------------------

    def _refused(self, response: urllib3.BaseHTTPResponse, method: str, path: str) -> StoreError:
        where = self.server
        try:
            told = json.loads(response.read(_MAX_ERROR))["error"]
            code, message = str(told["code"]), str(told["message"])
        except (ValueError, KeyError, TypeError, RecursionError, HTTPError):
            told, code, message = {}, "", ""
        if response.status in (301, 302, 303, 307, 308):
            return self._unwell(
                f"it redirects to {str(response.headers.get('Location'))[:200]!r}; give the address that it means"
            )
        if not message:
            if response.status == 404:
                return NotFound(
                    f"{where} knows nothing at {path}; is it a Milepost server, and as new as this Milepost?"
                )
            return self._unwell(f"it answers {response.status} to {method} {path}")
        if response.status == 401:
            return NotAllowed(f"{where} does not let this in: {message}. Sign in: milepost login {where}")
        if response.status == 421:
            return NotAllowed(f"{where}: {message}. {_other_address(message)}")
        if response.status == 403:
            return NotPermitted(f"{where}: {message}")
        if response.status == 429 or code == "busy":
            return Busy(f"{where}: {message}", after_s=_seconds(response.headers.get("Retry-After")))
        if code == "offset_mismatch" and type(told.get("applied")) is int:
            return OffsetMismatch("of this process", int(told.get("start") or 0), told["applied"])
        known = {404: NotFound, 409: Conflict, 400: BadInput, 413: BadInput, 415: BadInput, 422: BadInput}
        if response.status in known:
            return known[response.status](message)
        return StoreDamaged(message) if code == "store_damaged" else StoreUnavailable(f"{where}: {message}")

    def _unreachable(self, error: HTTPError) -> StoreUnavailable:
        reason: object = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
        text = str(reason).rpartition(": ")[2] or type(reason).__name__
        return StoreUnavailable(f"the server {self.server} cannot be reached: {text}")

    def _unwell(self, what: str) -> StoreUnavailable:
        return StoreUnavailable(f"the server {self.server} does not answer as one of Milepost's: {what}")


class Connection(ServerConnection):
    """Speaks with one workspace of a server."""

    def __init__(self, address: Address) -> None:
        super().__init__(address.server, address.token)
        self.address = address
        self.api = address.api


def _other_address(message: str) -> str:
    """What to do where a server does not answer under this address; it has said under which it does."""
    found = _ANSWERS_AS.search(message)
    return f"Set MILEPOST_URL to {found[1] if found else 'the address that it answers as'}"


def _was_not_sent(error: HTTPError) -> bool:
    return isinstance(error, (NewConnectionError, ConnectTimeoutError))


def query(path: str, **parameters: object) -> str:
    """The path with these parameters; those that are None are left out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def _seconds(text: str | None) -> float:
    try:
        return min(max(float(text or 1.0), 0.1), 300.0)
    except ValueError:
        return 1.0
