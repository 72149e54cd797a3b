"""Requests to the object store of a server, at addresses that the server has signed.

An address comes from the server, and the server may be less trustworthy than this machine's network.  So it is only
followed where ``check`` allows it; no token and no cookie goes there, and nothing that it answers leads elsewhere.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, MaxRetryError, NewConnectionError, ProxyError, SSLError
from urllib3.util import Timeout

from milepost.http_pool import pool_for
from milepost.store.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CONNECT_S: Final = 5.0
_READ_S: Final = 60.0
_AVOIDED_S: Final = 600.0
_SHOWN: Final = 100


class Unreachable(StoreUnavailable):
    """The object store cannot be reached from this machine, or must not be: the server is to stand between."""


class Expired(StoreUnavailable):
    """The address is not good any more: ask for another one."""


class DirectConnection:
    """Speaks with object stores.  Threads may share it; a forked child makes one of its own."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._pools: dict[tuple[int, str], urllib3.PoolManager] = {}
        self._avoided_until = 0.0

    @property
    def is_used(self) -> bool:
        """Whether it is worth a try."""
        return time.monotonic() >= self._avoided_until

    def avoid(self) -> None:
        """The server is asked instead for some minutes: its object store cannot be reached from here."""
        self._avoided_until = time.monotonic() + _AVOIDED_S

    def put(self, url: str, body: Iterator[bytes], headers: Mapping[str, str]) -> None:
        """Raises Unreachable, Expired, and StoreUnavailable where it went wrong in another way."""
        answer = self._request("PUT", url, body, headers)
        answer.drain_conn()
        answer.release_conn()

    def get(self, url: str, start: int, end: int) -> bytes:
        """The bytes ``start`` to ``end`` (left out).  Raises as ``put`` does."""
        answer = self._request("GET", url, None, {"Range": f"bytes={start}-{end - 1}"})
        try:
            data: bytes = answer.read(end - start) if answer.status == 206 or start == 0 else b""
        except HTTPError as error:
            raise StoreUnavailable(f"{_host(url)} cut an answer off") from error
        finally:
            answer.close()
        if len(data) != end - start:
            raise StoreUnavailable(f"{_host(url)} sent {len(data):,} bytes instead of {end - start:,}")
        return data

    def _request(
        self, method: str, url: str, body: Iterator[bytes] | None, headers: Mapping[str, str]
    ) -> urllib3.BaseHTTPResponse:
        check(url, self._server)
        try:
            answer = self._pool(url).request(
                method,
                url,
                body=body,
                headers={"Accept-Encoding": "identity", **headers},
                retries=False,
                redirect=False,
                timeout=Timeout(connect=_CONNECT_S, read=_READ_S),
                preload_content=False,
            )
        except HTTPError as error:
            reason: Any = error.reason if isinstance(error, MaxRetryError) and error.reason is not None else error
            kind = Unreachable if _was_not_there(reason) else StoreUnavailable
            raise kind(f"{_host(url)} cannot be reached: {type(reason).__name__}") from error
        if answer.status in (200, 201, 206):
            return answer
        with suppress(HTTPError):
            answer.drain_conn()
        answer.release_conn()
        kind = Expired if answer.status in (401, 403, 404) else StoreUnavailable
        raise kind(f"{_host(url)} answers {answer.status} to {method}")

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        place = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            key = (os.getpid(), place)
            if key not in self._pools:
                self._pools[key] = pool_for(place)
            return self._pools[key]

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            for (process, _place), pool in self._pools.items():
                if process == os.getpid():
                    pool.clear()
            self._pools.clear()


def check(url: str, server: str) -> None:
    """Raises Unreachable where an address that this server gave must not be followed.

    It is https, or http where the server itself is asked by http.  It names no user.  An address of this machine, of a
    private network or of one's own link (clouds tell secrets there) is followed only where the server is called by such
    an address itself.
    """
    try:
        parts, own = urlsplit(url), urlsplit(server)
        host, own_host = parts.hostname or "", own.hostname or ""
        parts.port  # noqa: B018  raises where it is none
    except ValueError:
        raise Unreachable("the server gave an address that is none") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and own.scheme == "http"):
        raise Unreachable(f"{_host(url)} is not asked by https, as the server is")
    if not host or parts.username is not None or parts.password is not None or parts.fragment:
        raise Unreachable(f"{_host(url)} is no address of an object store")
    inside = _is_inside(host)
    if inside and (not _is_inside(own_host) or _is_link(host)):
        raise Unreachable(f"{_host(url)} is an address of an inner network, and the server {server} is not")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_inside(host: str) -> bool:
    """Whether a host is called by an address that is not of the open internet."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    if address is None:
        return name.replace(".", "").isdigit() or name.startswith("0x")  # 127.1 and its like
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return not (mapped or address).is_global


def _is_link(host: str) -> bool:
    address = _address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address is not None and (mapped or address).is_link_local


def _was_not_there(error: object) -> bool:
    return isinstance(error, (NewConnectionError, ConnectTimeoutError, SSLError, ProxyError))


def _host(url: str) -> str:
    """Where an address leads, without what was signed."""
    name = f"{url.partition('?')[0]}///".split("/")[2].rpartition("@")[2]
    return f"the object store {name[:_SHOWN]!r}"
