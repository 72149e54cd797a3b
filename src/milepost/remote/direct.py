"""Requests to the object store of a server, at addresses that the server has signed.

An address comes from the server, and the server may be less trustworthy than this machine's network.  So it is only
followed where ``check`` allows it; no token and no cookie goes there, and nothing that it answers leads elsewhere.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from contextlib import suppress
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
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
_KNOWN_S: Final = 60.0
"""So long is known where a name leads."""
_NAT64: Final = IPv6Network("64:ff9b::/96")


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

    It is https, or http where the server itself is asked by http.  It names no user.  An address of this machine or of
    a private network is followed only where the server has such an address itself, one of the own link (clouds tell
    secrets there) never.  Names are looked up.
    """
    try:
        parts, own = urlsplit(url), urlsplit(server)
        host, own_host = parts.hostname or "", own.hostname or ""
        parts.port  # noqa: B018  raises where it is none
    except ValueError:
        raise Unreachable("the server gave an address that is none") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and own.scheme == "http"):
        raise Unreachable(f"{_host(url)} is not asked by https, as the server is")
    is_none = not host or parts.username is not None or parts.password is not None or parts.fragment
    if is_none or _is_odd_number(host):
        raise Unreachable(f"{_host(url)} is no address of an object store")
    found = _addresses(host)
    inside = _is_local_name(host) or any(not each.is_global for each in found)
    if any(each.is_link_local for each in found) or (inside and not _is_inside(own_host)):
        raise Unreachable(f"{_host(url)} is an address of an inner network, and the server {server} is not")


def _is_inside(host: str) -> bool:
    return _is_local_name(host) or any(not each.is_global for each in _addresses(host))


def _is_local_name(host: str) -> bool:
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def _is_odd_number(host: str) -> bool:
    """Whether a host is a number that resolvers take for an address and ``ip_address`` does not: 127.1, 0x7f.1."""
    last = host.rstrip(".").rpartition(".")[2].lower()
    return _literal(host) is None and (last.isdigit() or bool(re.fullmatch(r"0x[0-9a-f]*", last)))


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.partition("%")[0].rstrip("."))
    except ValueError:
        return None


def _addresses(host: str) -> tuple[IPv4Address | IPv6Address, ...]:
    """Where a host is: itself, or what its name stands for; nothing where the name is not known here."""
    literal = _literal(host)
    found = (literal,) if literal is not None else _looked_up(host, int(time.monotonic() // _KNOWN_S))
    return tuple(_inner(each) for each in found)


@lru_cache(64)
def _looked_up(host: str, _now: int) -> tuple[IPv4Address | IPv6Address, ...]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()  # where a proxy stands between, names are its business
    return tuple(ip_address(str(each[4][0]).partition("%")[0]) for each in found)


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one leads to, if it is of that kind."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address


def _was_not_there(error: object) -> bool:
    return isinstance(error, (NewConnectionError, ConnectTimeoutError, SSLError, ProxyError))


def _host(url: str) -> str:
    """Where an address leads, without what was signed."""
    name = f"{url.partition('?')[0]}///".split("/")[2].rpartition("@")[2]
    return f"the object store {name[:_SHOWN]!r}"
