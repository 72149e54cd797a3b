"""Logs of a run are stored while they grow, for those who look from other machines.

A content is stored whole, so each time the log so far takes its way anew.  What that costs is kept in bounds: the log
has to have grown by a share of itself, or a time has passed that is longer the longer the log is.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from milepost.jobs import job as jobs
from milepost.jobs.record import Record, artifact
from milepost.store.errors import StoreError

LARGEST: Final = 8 << 20
"""Larger logs (bytes) are stored at the end only."""
GROWTH: Final = 0.1
"""A log is stored again when it has grown by this share: all its versions together are some eleven times the last."""
QUIET_S: Final = 15.0
"""One that grows slower is stored again after so long, ..."""
BYTES_A_WAIT: Final = 128 << 10
"""... and as long again for each so many bytes that it has: at most this many are stored in ``QUIET_S``, ..."""
REPLACED_A_WAIT: Final = 64 << 20
"""... and all of it twice, three times, ... as long after so many replaced bytes, so that a week is bearable."""


@dataclass
class Shown:
    """What of a log was stored last: its size, and when (monotonic seconds); and the bytes of versions before it."""

    size: int
    at: float
    replaced: int = 0

    def is_due(self, size: int, now: float) -> bool:
        """Whether the log, which has ``size`` bytes now, is to be stored again."""
        if size > LARGEST or size <= self.size:
            return False
        waits = (1 + size / BYTES_A_WAIT) * (1 + self.replaced / REPLACED_A_WAIT)
        return size - self.size > self.size * GROWTH or now - self.at >= QUIET_S * waits


@dataclass
class LiveLogs:
    """The logs below a job's folder."""

    record: Record
    run_id: str
    folder: Path
    _shown: dict[str, Shown] = field(default_factory=dict)

    def show(self) -> None:
        """Store those that are due."""
        now = time.monotonic()
        for path in sorted((self.folder / jobs.LOG_FOLDER).glob("*")):
            with suppress(OSError, StoreError):  # the whole log is kept at the end
                size = path.stat().st_size
                before = self._shown.get(path.name) or Shown(0, now)
                if before.is_due(size, now):
                    self._shown[path.name] = Shown(size, now, before.replaced + before.size)
                    artifact(self.record, self.run_id, f"{jobs.LOG_FOLDER}/{path.name}", path)

    @property
    def replaced_bytes(self) -> int:
        """Of all versions that were stored; at the end the whole log takes their place."""
        return sum(each.replaced + each.size for each in self._shown.values())
