"""How a server is set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
DEFAULT_PORT: Final = 8765


@dataclass(frozen=True)
class Settings:
    """What a server lets in, and how much of it."""

    port: int
    token: str = field(repr=False)
    """Whoever has it may do everything.  Never empty."""
    read_only: bool = False
    max_body_bytes: int = 2 << 20
    """The largest request body that is read."""
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
        """The name of the cookie that holds the token.  Cookies know no ports, so it names ours."""
        return f"milepost_{self.port}"
