"""From where a request comes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Scope


def client_address(scope: Scope, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The client's address: of the connection, or what a trusted proxy says of it in ``X-Forwarded-For``.

    That header is read from its end, where our own proxies write; what comes before may be the client's own words.
    """
    client = scope.get("client")
    address = str(client[0]) if client else ""
    said = [each.strip() for header in Headers(scope=scope).getlist("x-forwarded-for") for each in header.split(",")]
    for each in reversed(said):
        by = _parsed(address)
        before = _parsed(each)
        if by is None or before is None or not any(by in network for network in trusted):
            break
        address = str(before)
    return address


def network_of(address: str) -> str:
    """What all addresses of one customer have in common: of IPv6 one has 2**64 of them or more, to guess from."""
    found = _parsed(address.partition("%")[0])
    if found is None:
        return address
    return str(ip_network((found, 64), strict=False)) if isinstance(found, IPv6Address) else str(found)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
