"""What is said of runs through the server itself: it goes into the store at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from milepost.store.apply import tell
from milepost.store.batch import Event
from milepost.store.errors import StoreError

if TYPE_CHECKING:
    from milepost.store.blobs import Blobs
    from milepost.store.store import Store


class DirectRecord:
    """``milepost.jobs.record.Record`` over a store.  No submitted run is on its way on the server itself."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def say(self, run_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """See ``Record``.  Raises the store's errors."""
        tell(self._store, [Event(kind, run_id, time.time_ns(), dict(data))])

    def sample(self, run_id: str, values: Mapping[str, float]) -> None:
        """Nothing is sampled here."""
        raise NotImplementedError

    def blobs(self) -> Blobs:
        """See ``Record``."""
        return self._store.blobs

    def settle(self, timeout_s: float) -> bool:
        """See ``Record``: what was said is in the store."""
        return True

    def unfinished(self, run_id: str) -> list[str]:
        """See ``Record``: it is the run's own machine that ends them."""
        return []

    def is_shared(self) -> bool:
        """See ``Record``."""
        return True

    def nodes(self, target: str) -> int | None:
        """See ``Record``: no run has its turn here."""
        return None

    def free_space(self) -> None:
        """See ``Record``.  Where it fails, a later one does it."""
        with suppress(StoreError):
            self._store.sweep()
