"""How much a workspace brings in a second, and how long it has to wait once it brought too much."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

BURST_S: Final = 10.0
"""A workspace that was quiet may bring as much at once as in so many seconds."""


@dataclass
class Rate:
    """What was spent of an allowance that grows with time.  It may be overdrawn: what has come is never thrown away."""

    left: float | None = None
    at: float = field(default_factory=time.monotonic)

    def wait_s(self, per_s: int | None) -> float:
        """Seconds until more may come; 0 where it may now, and where there is no limit (None, 0)."""
        if not per_s:
            self.left = None
            return 0.0
        now = time.monotonic()
        most = per_s * BURST_S
        left = most if self.left is None else min(most, self.left + (now - self.at) * per_s)
        self.left, self.at = left, now
        return 0.0 if left > 0 else -left / per_s + 1e-3

    def spend(self, count: int) -> None:
        """So much has come."""
        if self.left is not None:
            self.left -= count
