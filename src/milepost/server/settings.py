"""How a server is set up."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field
from typing import Final, Protocol

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_PORT: Final = 8765


class Serving(Protocol):
    """What routes and connections ask of how a server is set up."""

    @property
    def read_only(self) -> bool:
        """It only shows."""
        ...

    @property
    def max_streams(self) -> int:
        """The most server-sent event streams that are open at once."""
        ...

    @property
    def tend_s(self) -> float:
        """Seconds between two looks for what killed processes have left behind."""
        ...

    @property
    def max_connections(self) -> int:
        """The most connections that are open at once."""
        ...

    @property
    def head_s(self) -> float:
        """How long (seconds) the head of a request may take."""
        ...


@dataclass(frozen=True)
class Settings:
    """What an embedded portal lets in, and how much of it."""

    port: int
    token: str = field(repr=False)
    """Whoever has it may do everything.  Never empty."""
    read_only: bool = False
    max_body_bytes: int = 2 << 20
    """The largest request body that is read."""
    max_held_bytes: int = 64 << 20
    """Of the bodies of all requests that are being read or answered."""
    body_s: float = 30.0
    """Seconds in which a body must have arrived."""
    head_s: float = 30.0
    """Seconds in which the head of a request must have arrived."""
    max_connections: int = 1000
    max_streams: int = 64
    """The most server-sent event streams that are open at once."""
    tend_s: float = 2.0
    """Seconds between two looks for what killed processes have left behind."""

    def __post_init__(self) -> None:
        if len(self.token) < 32:
            raise ValueError("the server's token must have 32 characters or more")

    @property
    def hosts(self) -> frozenset[str]:
        """The Host headers that mean this server: with another one, a foreign name has been made to point here."""
        ported = {f"{name}:{self.port}" for name in LOOPBACK}
        return frozenset(ported | set(LOOPBACK) if self.port == 80 else ported)

    @property
    def cookie(self) -> str:
        """The name of the cookie that lets the portal's pages in.  Cookies know no ports, so it names ours."""
        return f"milepost_{self.port}"

    @property
    def cookie_value(self) -> str:
        """What that cookie holds: not the token, so that it is of no use in its place."""
        return self._derived("cookie")

    @property
    def session(self) -> str:
        """The key of the path that the cookie is for; see ``session_path``."""
        return self._derived("session")

    def _derived(self, purpose: str) -> str:
        digest = hmac.digest(self.token.encode(), f"milepost {purpose}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")
