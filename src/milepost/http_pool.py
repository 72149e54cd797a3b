"""Connections to a server, through the proxy that the environment names for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import urllib3

_KEPT: Final = 16
"""Open connections that are kept; urllib3 warns where more are in use."""


def pool_for(server: str) -> urllib3.PoolManager:
    """Connections to the server of this address."""
    from urllib.request import getproxies, proxy_bypass

    import urllib3

    parts = urlsplit(server)
    proxy = getproxies().get(parts.scheme)
    if proxy and not proxy_bypass(parts.netloc):
        return urllib3.ProxyManager(proxy, maxsize=_KEPT, block=False)
    return urllib3.PoolManager(maxsize=_KEPT, block=False)
